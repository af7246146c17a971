# bench/bench_NAME.c, tests/{unit,sim,integration}/test_NAME.c and tests/fuzz/fuzz_NAME.c: one program each. Tests may
# include and link anything.
set(everything dc_server_edge dc_sim dc_admin dc_device)

file(GLOB benches CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/bench_*.c)
file(GLOB bench_shared CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.c)
list(FILTER bench_shared EXCLUDE REGEX "/bench_[^/]*\\.c$")
foreach(source IN LISTS benches)
    cmake_path(GET source STEM name)
    add_executable(${name} ${source} ${bench_shared})
    target_link_libraries(${name} PRIVATE ${everything} dc_flags dc_warnings m)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endforeach()

# The load on what the benchmarks compare with; it speaks its protocols and needs nothing of ours but TLS and frames.
add_executable(peer_load bench/peers/main.c)
file(GLOB peer_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/peers/peer_*.c)
target_sources(peer_load PRIVATE ${peer_sources} ${PROJECT_SOURCE_DIR}/bench/load_link.c
               ${PROJECT_SOURCE_DIR}/bench/machine.c ${PROJECT_SOURCE_DIR}/bench/result.c
               ${PROJECT_SOURCE_DIR}/bench/officer_words.c)
target_link_libraries(peer_load PRIVATE ${everything} dc_flags dc_warnings)
set_target_properties(peer_load PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)

# It compares with the oracle, and takes its cases from where the tests take theirs.
if(TARGET bench_judge)
    file(GLOB rule_oracle CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/oracle/oracle*.c)
    target_sources(bench_judge PRIVATE ${rule_oracle} ${PROJECT_SOURCE_DIR}/tests/lib/rule_gen.c)
endif()

# The deterministic simulation (docs/TESTING.md); a release build makes it only when asked to (./run sim).
file(GLOB fleet_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/sim/sim_*.c ${PROJECT_SOURCE_DIR}/tests/sim/fleet_sim.c
     ${PROJECT_SOURCE_DIR}/tests/lib/sim_*.c ${PROJECT_SOURCE_DIR}/tests/lib/fault_notes.c
     ${PROJECT_SOURCE_DIR}/tests/oracle/*.c)
if(fleet_sources AND NOT DOUBLECREW_LAYERS)
    add_executable(doublecrew-fleet ${fleet_sources})
    target_link_libraries(doublecrew-fleet PRIVATE dc_server_edge dc_device dc_flags dc_warnings m)
    set_target_properties(doublecrew-fleet PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    if(NOT BUILD_TESTING)
        set_target_properties(doublecrew-fleet PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endif()

# Scenario files in the simulator: client-sim's reader and player on another stage (tests/sim/stage_sim.c).
file(GLOB stage_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/sim/stage_*.c ${PROJECT_SOURCE_DIR}/client-sim/play*.c
     ${PROJECT_SOURCE_DIR}/client-sim/scenario*.c ${PROJECT_SOURCE_DIR}/client-sim/timeline.c
     ${PROJECT_SOURCE_DIR}/client-sim/person_seen.c)
if(TARGET doublecrew-fleet)
    set(stage_fleet_sources ${fleet_sources})
    list(FILTER stage_fleet_sources EXCLUDE REGEX "/fleet_sim\\.c$")
    add_executable(doublecrew-stage ${stage_sources} ${stage_fleet_sources})
    target_link_libraries(doublecrew-stage PRIVATE dc_server_edge dc_device dc_flags dc_warnings m)
    set_target_properties(doublecrew-stage PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    if(NOT BUILD_TESTING)
        set_target_properties(doublecrew-stage PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endif()

# tests/torture/torture_NAME.c: real processes, killed; a release build makes them only when asked to (./run torture).
file(GLOB tortures CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/torture/torture_*.c)
foreach(source IN LISTS tortures)
    cmake_path(GET source STEM name)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${everything} dc_flags dc_warnings)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
    if(NOT BUILD_TESTING)
        set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endforeach()

if(NOT BUILD_TESTING)
    return()
endif()

dc_package(dc_pkg_cmocka cmocka)
file(GLOB shared CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/lib/*.c ${PROJECT_SOURCE_DIR}/tests/oracle/*.c)
if(shared)
    add_library(dc_test STATIC ${shared})
    target_link_libraries(dc_test PUBLIC ${everything} dc_pkg_cmocka m PRIVATE dc_warnings)
else()
    add_library(dc_test INTERFACE)
    target_link_libraries(dc_test INTERFACE ${everything} dc_pkg_cmocka m)
endif()

# Tests run in the repository's root, so "tests/vectors/..." is a path. These name what was built.
set(environment
    DOUBLECREW_SOURCE=${PROJECT_SOURCE_DIR}
    DOUBLECREW_CERTS=${PROJECT_SOURCE_DIR}/certs
    DOUBLECREW_BAD_CERTS=${PROJECT_SOURCE_DIR}/tests/lib/bad_certs.sh
    ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=0
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
    "LSAN_OPTIONS=print_suppressions=0")
foreach(pair doublecrewd:DOUBLECREWD doublecrewctl:DOUBLECREWCTL doublecrew-sim:DOUBLECREW_SIM)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 program)
    list(GET pair 1 variable)
    if(TARGET ${program})
        list(APPEND environment ${variable}=$<TARGET_FILE:${program}>)
    endif()
endforeach()

# dc_tests(FOLDER TIMEOUT_S): label = the folder's name; test_*_property.c and test_*_threads.c bear one label more.
function(dc_tests folder timeout_s)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.c)
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM stem)
        set(labels ${folder})
        if(stem MATCHES "_property$")
            list(APPEND labels property)
        elseif(stem MATCHES "_threads$")
            list(APPEND labels threaded)
        endif()
        add_executable(${folder}_${stem} ${source})
        if(threaded IN_LIST labels)
            add_dependencies(threaded_tests ${folder}_${stem})
        endif()
        target_link_libraries(${folder}_${stem} PRIVATE dc_test dc_flags dc_warnings)
        set_target_properties(${folder}_${stem} PROPERTIES
            OUTPUT_NAME ${stem} RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests/${folder})
        add_test(NAME ${folder}/${stem} COMMAND ${folder}_${stem} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        set_tests_properties(${folder}/${stem} PROPERTIES
            LABELS "${labels}" TIMEOUT ${timeout_s} ENVIRONMENT "${environment}")
    endforeach()
endfunction()

add_custom_target(threaded_tests)
# tests/integration/test_*.sh: what is tested without a program of its own.
file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/integration/test_*.sh)
foreach(script IN LISTS scripts)
    cmake_path(GET script STEM stem)
    add_test(NAME integration/${stem} COMMAND ${script} ${PROJECT_BINARY_DIR} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(integration/${stem} PROPERTIES LABELS integration TIMEOUT 180 ENVIRONMENT "${environment}")
endforeach()

# A few kills in every test run; ./run torture kills more often.
if(TARGET torture_flags AND TARGET doublecrewd)
    add_test(NAME integration/torture_flags COMMAND torture_flags --kills 10 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(integration/torture_flags PROPERTIES LABELS integration TIMEOUT 180 ENVIRONMENT "${environment}")
endif()

# Few seeds, under the sanitizers; `./run sim` runs many. Each twice, so that whatever isn't deterministic shows.
if(TARGET doublecrew-fleet)
    add_test(NAME sim/fleet COMMAND doublecrew-fleet --seeds 40 --days 5 --devices 6 --jobs 2 --rare
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    add_test(NAME sim/fleet_twice COMMAND doublecrew-fleet --first 1001 --seeds 8 --days 5 --devices 6 --twice --rare
             WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(sim/fleet sim/fleet_twice PROPERTIES LABELS sim TIMEOUT 300 ENVIRONMENT "${environment}")
endif()

dc_tests(unit 300)
if(TARGET unit_test_bench_result)
    target_sources(unit_test_bench_result PRIVATE ${PROJECT_SOURCE_DIR}/bench/result.c ${PROJECT_SOURCE_DIR}/bench/machine.c)
endif()
if(TARGET unit_test_peer_facts)
    target_sources(unit_test_peer_facts PRIVATE ${PROJECT_SOURCE_DIR}/bench/peers/peer_facts.c
                   ${PROJECT_SOURCE_DIR}/bench/officer_words.c)
endif()
dc_tests(sim 300)
dc_tests(integration 180)
if(TARGET integration_test_device_deflate)
    target_sources(integration_test_device_deflate PRIVATE ${PROJECT_SOURCE_DIR}/bench/officer_words.c)
endif()

# Each scenario is a test: the simulator plays it over real sockets.
if(TARGET doublecrew-sim AND TARGET doublecrewd)
    file(GLOB scenarios CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/client-sim/scenarios/*.scenario)
    foreach(scenario IN LISTS scenarios)
        cmake_path(GET scenario STEM stem)
        add_test(NAME scenario/${stem} COMMAND doublecrew-sim scenario ${scenario}
                 WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
        set_tests_properties(scenario/${stem} PROPERTIES
            LABELS scenario TIMEOUT 120 ENVIRONMENT "${environment}")
    endforeach()
endif()

# And once more in the simulator, in virtual time: all files in a few seconds.
if(TARGET doublecrew-stage)
    file(GLOB scenarios CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/client-sim/scenarios/*.scenario)
    add_test(NAME sim/scenarios COMMAND doublecrew-stage --quiet ${scenarios} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
    set_tests_properties(sim/scenarios PROPERTIES LABELS sim TIMEOUT 300 ENVIRONMENT "${environment}")
endif()

if(DOUBLECREW_FUZZ)
    file(GLOB fuzzers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_*.c)
    foreach(source IN LISTS fuzzers)
        cmake_path(GET source STEM name)
        add_executable(${name} ${source})
        target_link_libraries(${name} PRIVATE dc_test dc_flags dc_warnings)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    endforeach()
endif()
