# libdoublecrew: what a phone app links. Device, core and wire objects in one library, with nothing exported but what
# device/doublecrew.h marks. Programs and tests of this tree link dc_device instead; so only a release build makes it.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
    return()
endif()
get_target_property(device_type dc_device TYPE)
if(device_type STREQUAL "INTERFACE_LIBRARY" OR NOT EXISTS ${PROJECT_SOURCE_DIR}/device/doublecrew.h)
    return()
endif()

set(objects "")
foreach(layer dc_device dc_core dc_proto)
    get_target_property(type ${layer} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
        list(APPEND objects $<TARGET_OBJECTS:${layer}>)
    endif()
endforeach()

set(needs dc_pkg_lws dc_pkg_uv dc_pkg_sqlite dc_pkg_ssl dc_pkg_zlib dc_pkg_protobuf Threads::Threads)
set(needs_by_name websockets uv sqlite3 ssl crypto z protobuf-c m pthread)

add_library(doublecrew SHARED ${objects})
target_link_libraries(doublecrew PRIVATE ${needs} dc_flags m)
set_target_properties(doublecrew PROPERTIES LINKER_LANGUAGE C VERSION ${PROJECT_VERSION}
                      SOVERSION ${PROJECT_VERSION_MAJOR})
if(NOT DOUBLECREW_SANITIZE)
    # Whatever the device would need from the server's layers is missing here, and so fails the build.
    target_link_options(doublecrew PRIVATE -Wl,-z,defs)
endif()

# One object whose hidden names are local, so that an app's own functions can't collide with core's.
set(whole ${PROJECT_BINARY_DIR}/doublecrew_whole.o)
add_custom_command(
    OUTPUT ${whole}
    COMMAND ${CMAKE_LINKER} -r -o ${whole} ${objects}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole}
    DEPENDS ${objects}
    COMMAND_EXPAND_LISTS
    COMMENT "Joining the device library's objects"
    VERBATIM)
set_source_files_properties(${whole} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
add_library(doublecrew_static STATIC ${whole})
set_target_properties(doublecrew_static PROPERTIES LINKER_LANGUAGE C OUTPUT_NAME doublecrew)
target_link_libraries(doublecrew_static INTERFACE ${needs_by_name})

foreach(library doublecrew doublecrew_static)
    target_include_directories(${library} INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

include(CMakePackageConfigHelpers)
install(TARGETS doublecrew doublecrew_static EXPORT DoublecrewTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${PROJECT_SOURCE_DIR}/device/doublecrew.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT DoublecrewTargets NAMESPACE Doublecrew:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Doublecrew)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/DoublecrewConfig.cmake.in
    ${PROJECT_BINARY_DIR}/DoublecrewConfig.cmake INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Doublecrew)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/DoublecrewConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${PROJECT_BINARY_DIR}/DoublecrewConfig.cmake ${PROJECT_BINARY_DIR}/DoublecrewConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Doublecrew)
# Relative to itself, so that the installed tree may be moved.
cmake_path(SET DOUBLECREW_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH DOUBLECREW_PC_UP ${DOUBLECREW_PC_UP} /)
configure_file(${PROJECT_SOURCE_DIR}/cmake/doublecrew.pc.in ${PROJECT_BINARY_DIR}/doublecrew.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/doublecrew.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
