# The golden segments: `make_golden tests/golden` makes them anew.
add_executable(make_golden golden/make_golden.c)
target_link_libraries(make_golden PRIVATE alog_build alog_test_support PkgConfig::ZSTD)

add_test(NAME format/golden_segments
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/golden/compare_golden.sh $<TARGET_FILE:make_golden>)
set_tests_properties(format/golden_segments PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
