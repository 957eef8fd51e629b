# Everything at once for a few seconds; ALOG_SOAK_SECONDS=1800 is the long run.
add_executable(soak_agent soak/soak_agent.c)
target_link_libraries(soak_agent PRIVATE alog_build alog_test_support alog_writer Threads::Threads)
target_include_directories(soak_agent PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/soak)
if(ALOG_SYSTEM_PYTHON)
    add_test(NAME soak/soak COMMAND ${ALOG_SYSTEM_PYTHON} -B ${CMAKE_CURRENT_LIST_DIR}/soak_test.py
                                    $<TARGET_FILE:agentlog> $<TARGET_FILE:soak_agent>)
else()
    add_test(NAME soak/soak COMMAND sh -c "echo 'skipped: there is no /usr/bin/python3'; exit 77")
endif()
set_tests_properties(soak/soak PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 7200) # of the long run
if(ALOG_SANITIZE)
    set_tests_properties(soak/soak PROPERTIES ENVIRONMENT ALOG_SANITIZED=1)
endif()
