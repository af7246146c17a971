# The wire schema, compiled by protoc-c into the build folder: #include "doublecrew/v1/NAME.pb-c.h".
set(DOUBLECREW_PROTO_ROOT ${PROJECT_SOURCE_DIR}/proto)
set(DOUBLECREW_PROTO_OUT ${PROJECT_BINARY_DIR}/proto)
file(GLOB DOUBLECREW_PROTOS CONFIGURE_DEPENDS ${DOUBLECREW_PROTO_ROOT}/doublecrew/v1/*.proto)
file(MAKE_DIRECTORY ${DOUBLECREW_PROTO_OUT})

set(generated "")
foreach(proto IN LISTS DOUBLECREW_PROTOS)
    cmake_path(RELATIVE_PATH proto BASE_DIRECTORY ${DOUBLECREW_PROTO_ROOT} OUTPUT_VARIABLE relative)
    string(REGEX REPLACE "\\.proto$" ".pb-c" stem ${relative})
    # Each depends on all of them: they import one another, and there are few.
    add_custom_command(
        OUTPUT ${DOUBLECREW_PROTO_OUT}/${stem}.c ${DOUBLECREW_PROTO_OUT}/${stem}.h
        COMMAND ${DOUBLECREW_PROTOC_C} -I ${DOUBLECREW_PROTO_ROOT} --c_out=${DOUBLECREW_PROTO_OUT} ${proto}
        DEPENDS ${DOUBLECREW_PROTOS}
        COMMENT "protoc-c ${relative}"
        VERBATIM)
    list(APPEND generated ${DOUBLECREW_PROTO_OUT}/${stem}.c ${DOUBLECREW_PROTO_OUT}/${stem}.h)
endforeach()

if(generated)
    add_library(dc_proto STATIC ${generated})
    target_compile_options(dc_proto PRIVATE -w) # not our code
    target_link_libraries(dc_proto PUBLIC dc_pkg_protobuf dc_flags)
    target_include_directories(dc_proto SYSTEM PUBLIC ${DOUBLECREW_PROTO_OUT})
else()
    add_library(dc_proto INTERFACE)
    target_link_libraries(dc_proto INTERFACE dc_pkg_protobuf dc_flags)
endif()
