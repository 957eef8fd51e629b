# Built with the preset `fuzz` only; .ci/run runs each for a while over the golden files.
if(ALOG_FUZZ)
    foreach(target segment block ndjson)
        add_executable(fuzz_${target} fuzz/fuzz_${target}.c)
        target_link_libraries(fuzz_${target} PRIVATE alog_build alog_format alog_ndjson)
        target_link_options(fuzz_${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
endif()
