# Options and flags of every target of ours.
option(DOUBLECREW_WERROR "Treat warnings as errors" OFF)
option(DOUBLECREW_FUZZ "Build the libFuzzer targets of tests/fuzz (clang only)" OFF)
set(DOUBLECREW_SANITIZE "" CACHE STRING "Value of -fsanitize= for everything, e.g. address,undefined or thread")
set(DOUBLECREW_LAYERS "" CACHE STRING
    "Folders to build, e.g. core;device for a phone (empty: all). What links the others is left out or fails to link")
set(DOUBLECREW_CERTS_DIR "${PROJECT_SOURCE_DIR}/certs" CACHE PATH
    "Where doublecrewctl looks for the certificate scripts unless DOUBLECREW_CERTS says otherwise")

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Debug CACHE STRING "Debug or Release" FORCE)
endif()

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # gnu17: POSIX and Linux interfaces
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON) # the device's shared library holds core's objects; programs are PIE
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_LINK_WHAT_YOU_USE OFF)

# Assertions stay in the released program: they guard what must hold, never what a peer can cause. So no -DNDEBUG.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

add_library(dc_flags INTERFACE)
target_include_directories(dc_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(dc_flags INTERFACE _GNU_SOURCE DOUBLECREW_VERSION="${PROJECT_VERSION}")
target_compile_options(dc_flags INTERFACE -fstack-protector-strong)
target_link_options(dc_flags INTERFACE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

add_library(dc_warnings INTERFACE)
target_compile_options(dc_warnings INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    $<$<BOOL:${DOUBLECREW_WERROR}>:-Werror>)

if(DOUBLECREW_SANITIZE)
    target_compile_options(dc_flags INTERFACE -fsanitize=${DOUBLECREW_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(dc_flags INTERFACE -fsanitize=${DOUBLECREW_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    # Needs optimisation, and hides errors from the sanitizers: so here only.
    target_compile_definitions(dc_flags INTERFACE _FORTIFY_SOURCE=2)
endif()

if(DOUBLECREW_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
        message(FATAL_ERROR "DOUBLECREW_FUZZ needs clang: use the preset clang-fuzz")
    endif()
    target_compile_options(dc_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
