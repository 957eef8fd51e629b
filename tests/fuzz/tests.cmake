# Fuzzers: with the preset `fuzz`, for .ci/run and for longer runs by hand. In every other build each takes the inputs of its
# corpus, and the golden files, once.
function(alog_add_fuzzer target)
    if(ALOG_FUZZ)
        add_executable(fuzz_${target} fuzz/fuzz_${target}.c)
        target_link_libraries(fuzz_${target} PRIVATE alog_build ${ARGN})
        target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
        return()
    endif()
    set(here ${CMAKE_CURRENT_SOURCE_DIR})
    add_executable(replay_${target} fuzz/replay.c fuzz/fuzz_${target}.c)
    target_link_libraries(replay_${target} PRIVATE alog_build ${ARGN})
    add_test(NAME fuzz/${target}
             COMMAND replay_${target} ${here}/fuzz/corpus/${target} ${here}/golden/good ${here}/golden/bad)
    set_tests_properties(fuzz/${target} PROPERTIES TIMEOUT 300)
endfunction()

alog_add_fuzzer(segment alog_format)
alog_add_fuzzer(block alog_format)
alog_add_fuzzer(index alog_format)
alog_add_fuzzer(ndjson alog_ndjson alog_format)
alog_add_fuzzer(options alog_commands)
alog_add_fuzzer(recover alog_writer alog_format)
