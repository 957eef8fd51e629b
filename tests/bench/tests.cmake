# Benchmarks are programs to run by hand; ctest only proves that they still run.
add_executable(bench_layout bench/bench_layout.c)
target_link_libraries(bench_layout PRIVATE alog_build PkgConfig::ZSTD PkgConfig::XXHASH m)
add_test(NAME bench/bench_layout COMMAND bench_layout --quick)

add_library(alog_bench_workload STATIC bench/workload.c)
target_link_libraries(alog_bench_workload PUBLIC alog_writer PRIVATE alog_build m)

add_library(alog_bench_tools STATIC bench/bench_tools.c)
target_link_libraries(alog_bench_tools PUBLIC alog_include PRIVATE alog_build alog_bench_workload Threads::Threads)

add_executable(bench_ingest bench/bench_ingest.c bench/bench_ingest_floor.c
               bench/bench_ingest_rows.c)
target_link_libraries(bench_ingest PRIVATE alog_build alog_bench_tools alog_ndjson alog_format
                                           PkgConfig::SQLITE3 Threads::Threads)
add_dependencies(bench_ingest agentlog)
add_test(NAME bench/bench_ingest COMMAND bench_ingest --events 20000 --rounds 1 --rows 5000)

add_executable(bench_questions bench/bench_questions.c)
target_link_libraries(bench_questions PRIVATE alog_build alog_bench_tools PkgConfig::SQLITE3)
add_dependencies(bench_questions agentlog)
add_test(NAME bench/bench_questions COMMAND bench_questions --events 20000 --rounds 1)

add_executable(bench_writer bench/bench_writer.c bench/bench_writer_latency.c
               bench/bench_writer_others.c bench/bench_writer_sustained.c)
target_link_libraries(bench_writer PRIVATE alog_build alog_writer alog_format alog_test_support PkgConfig::SQLITE3
                                           Threads::Threads)
add_test(NAME bench/bench_writer COMMAND bench_writer --events 20000 --calls 2000)
