alog_add_test(tools test_cli_options alog_tools)
alog_add_test(tools test_id_set alog_commands)
alog_add_test(tools test_import_time alog_commands)
alog_add_test(tools test_job_state alog_test_ingest alog_commands)
alog_add_test(tools test_line_reader alog_tools)
alog_add_test(tools test_output_table alog_tools)
alog_add_test(tools test_report_charts alog_report m)
alog_add_test(tools test_report_text alog_report m)
alog_add_test(tools test_safe_text alog_tools)
alog_add_test(tools test_segment_chain alog_tools)
alog_add_test(tools test_segment_links alog_test_support alog_tools alog_writer)
alog_add_test(tools test_time_window alog_tools)

find_package(Python3 COMPONENTS Interpreter)
set(run_cli_case ${CMAKE_CURRENT_LIST_DIR}/run_cli_case.py)
add_test(NAME tools/cli_self_test COMMAND Python3::Interpreter ${run_cli_case} --self-test)
file(GLOB cli_cases CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/cli/*.case)
foreach(cli_case ${cli_cases})
    get_filename_component(name ${cli_case} NAME_WE)
    add_test(NAME tools/cli/${name}
             COMMAND Python3::Interpreter ${run_cli_case} $<TARGET_FILE:agentlog> ${cli_case})
    set_tests_properties(tools/cli/${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()

# The example fleet logs everything that it says it does, and its log is whole.
add_test(NAME tools/fleet COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_fleet.sh $<TARGET_FILE:fleet> $<TARGET_FILE:agentlog>)
set_tests_properties(tools/fleet PROPERTIES TIMEOUT 300)

# The small examples, each as it says; the one in Python where its package is built.
add_test(NAME tools/examples
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/check_examples.py $<TARGET_FILE:agentlog> $<TARGET_FILE_DIR:agent>
                 ${CMAKE_SOURCE_DIR} "$<$<TARGET_EXISTS:alog_python>:${CMAKE_BINARY_DIR}/writer/python>")
set_tests_properties(tools/examples PROPERTIES TIMEOUT 300)

# The README: its C example is compiled as it stands, but for the log's place.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/README.md)
file(READ ${CMAKE_SOURCE_DIR}/README.md readme)
if(NOT readme MATCHES "\n```c\n(.*return alog_writer_close[^\n]*\n}\n)```")
    message(FATAL_ERROR "README.md has no C example")
endif()
string(REPLACE "/var/log/agents" "${CMAKE_CURRENT_BINARY_DIR}/readme_log" readme_example "${CMAKE_MATCH_1}")
file(CONFIGURE OUTPUT readme_example.c CONTENT "@readme_example@" @ONLY)
add_executable(readme_example ${CMAKE_CURRENT_BINARY_DIR}/readme_example.c)
target_link_libraries(readme_example PRIVATE alog_build alog_writer)
add_test(NAME tools/readme
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/check_readme.py $<TARGET_FILE:agentlog> $<TARGET_FILE:fleet>
                 $<TARGET_FILE:readme_example> ${CMAKE_SOURCE_DIR} "$<$<TARGET_EXISTS:alog_python>:${CMAKE_BINARY_DIR}/writer/python>")
set_tests_properties(tools/readme PROPERTIES TIMEOUT 300)

# A job that lives in one block of 1,000 is found without reading the others.
add_executable(make_trace_log tools/make_trace_log.c)
target_link_libraries(make_trace_log PRIVATE alog_build alog_test_support)
add_test(NAME tools/trace_blocks
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/trace_blocks_test.sh $<TARGET_FILE:make_trace_log> $<TARGET_FILE:agentlog>)
set_tests_properties(tools/trace_blocks PROPERTIES TIMEOUT 300)

# An archive that was made once, of two writers' segments and redacted, reads as it did then (format/read_segment reads it
# without our code).
set(golden_archive ${CMAKE_CURRENT_SOURCE_DIR}/golden/archive/two_writers.msgpack.zst)
add_test(NAME tools/golden_archive
         COMMAND sh -c "\"$1\" cat --all \"$2\" | diff - \"$2.ndjson\"" sh $<TARGET_FILE:agentlog> ${golden_archive})

# Every known truth of real data, through the program; needs the data beside the source tree.
add_test(NAME tools/real_data
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/real_data_test.py $<TARGET_FILE:agentlog> ${CMAKE_SOURCE_DIR})
set_tests_properties(tools/real_data PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 900)

# The report in a headless Chromium: errors, requests, contents, contrast, keys, phone width.
add_test(NAME tools/report_browser
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/report_browser_test.py $<TARGET_FILE:agentlog> $<TARGET_FILE:fleet>)
set_tests_properties(tools/report_browser PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)

# The manual and the completions, against what the program and the headers say.
set(check_docs Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/check_docs.py)
add_test(NAME tools/docs/pages
         COMMAND ${check_docs} pages $<TARGET_FILE:agentlog> ${ALOG_DOCS_DIR} ${CMAKE_SOURCE_DIR}/include ${CMAKE_BINARY_DIR}/include)
add_test(NAME tools/docs/lint COMMAND ${check_docs} lint ${ALOG_DOCS_DIR})
foreach(shell bash zsh fish)
    add_test(NAME tools/docs/${shell} COMMAND ${check_docs} ${shell} $<TARGET_FILE:agentlog> ${ALOG_DOCS_DIR})
endforeach()
set_tests_properties(tools/docs/pages tools/docs/lint tools/docs/bash tools/docs/zsh tools/docs/fish
                     PROPERTIES TIMEOUT 120 SKIP_RETURN_CODE 77)

# Every question, against plain SQL over the raw events.
add_test(NAME tools/oracle
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/oracle_test.py $<TARGET_FILE:agentlog> ${CMAKE_SOURCE_DIR})
set_tests_properties(tools/oracle PROPERTIES TIMEOUT 900)

# How complete the data is, against what was taken out of it.
add_executable(make_segments tools/make_segments.c)
target_link_libraries(make_segments PRIVATE alog_build alog_test_support)
add_test(NAME tools/oracle_losses
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/oracle_losses_test.py $<TARGET_FILE:agentlog>
                 $<TARGET_FILE:make_segments> ${CMAKE_SOURCE_DIR})
set_tests_properties(tools/oracle_losses PROPERTIES TIMEOUT 600)

# What comes in from elsewhere, against what its source says.
add_test(NAME tools/import_sqlite
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/import_sqlite_test.py $<TARGET_FILE:agentlog> ${CMAKE_SOURCE_DIR})
set_tests_properties(tools/import_sqlite PROPERTIES TIMEOUT 900)

# What goes out, as other programs read it, and back again.
add_test(NAME tools/export
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/export_test.py $<TARGET_FILE:agentlog> ${CMAKE_SOURCE_DIR})
set_tests_properties(tools/export PROPERTIES TIMEOUT 900)

# Nightly runs that are killed at random moments; ALOG_NIGHTLY_KILLS for more of them.
add_executable(log_in_the_past ${CMAKE_CURRENT_LIST_DIR}/log_in_the_past.c)
target_link_libraries(log_in_the_past PRIVATE alog_build alog_writer)
target_include_directories(log_in_the_past PRIVATE ${CMAKE_SOURCE_DIR})
add_test(NAME tools/nightly_kills
         COMMAND Python3::Interpreter -B ${CMAKE_CURRENT_LIST_DIR}/nightly_kill_test.py $<TARGET_FILE:agentlog> $<TARGET_FILE:log_in_the_past>)
set_tests_properties(tools/nightly_kills PROPERTIES TIMEOUT 900)
