# The golden segments: `make_golden tests/golden` makes them anew.
add_executable(make_golden golden/make_golden.c)
target_link_libraries(make_golden PRIVATE alog_build alog_test_support PkgConfig::ZSTD)

add_test(NAME format/golden_segments
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/golden/compare_golden.sh $<TARGET_FILE:make_golden>)
set_tests_properties(format/golden_segments PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)

# What other programs make of them; the distribution's python has the msgpack library.
find_program(ALOG_SYSTEM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
if(ALOG_SYSTEM_PYTHON)
    set(golden ${CMAKE_CURRENT_SOURCE_DIR}/golden/good)
    set(reader ${ALOG_SYSTEM_PYTHON} ${CMAKE_CURRENT_SOURCE_DIR}/format/read_segment.py)
    add_test(NAME format/read_segment
             COMMAND ${reader} ${golden}/all_types.msgpack.zst ${golden}/three_blocks.msgpack.zst
                     ${golden}/tiny.msgpack.zst ${golden}/unsealed.msgpack.zst.open
                     ${golden}/../archive/two_writers.msgpack.zst)
    add_test(NAME format/read_segment_example
             COMMAND ${reader} --example ${CMAKE_SOURCE_DIR}/format/FORMAT.md
                     ${golden}/all_types.msgpack.zst)
else()
    foreach(name read_segment read_segment_example)
        add_test(NAME format/${name} COMMAND sh -c "echo 'skipped: there is no /usr/bin/python3'; exit 77")
    endforeach()
endif()
set_tests_properties(format/read_segment format/read_segment_example PROPERTIES SKIP_RETURN_CODE 77)
