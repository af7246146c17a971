# What Debian provides, each behind one name. `./run deps` installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(dc_package name)
    pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${ARGN})
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE PkgConfig::${name})
endfunction()

dc_package(dc_pkg_crypto libcrypto>=3.0)
dc_package(dc_pkg_zlib zlib>=1.2.11)
dc_package(dc_pkg_ssl libssl>=3.0 libcrypto>=3.0)
dc_package(dc_pkg_protobuf libprotobuf-c>=1.4)
dc_package(dc_pkg_lws libwebsockets>=4.1)
dc_package(dc_pkg_uv libuv)
dc_package(dc_pkg_sqlite sqlite3>=3.40)
dc_package(dc_pkg_inih inih)
dc_package(dc_pkg_jansson jansson)

# libcsv ships no pkg-config file.
find_library(DOUBLECREW_CSV_LIBRARY csv REQUIRED)
find_path(DOUBLECREW_CSV_INCLUDE csv.h REQUIRED)
add_library(dc_pkg_csv INTERFACE)
target_link_libraries(dc_pkg_csv INTERFACE ${DOUBLECREW_CSV_LIBRARY})

find_program(DOUBLECREW_PROTOC_C protoc-c REQUIRED)
