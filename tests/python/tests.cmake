# The Python package, as a program would import it. Not with sanitizers: the interpreter is not built with them.
if(ALOG_PYTHON AND NOT ALOG_SANITIZE)
    foreach(name test_python_drop_in test_python_jobs test_python_metrics test_python_resources test_python_tracking test_python_writer)
        add_test(NAME python/${name} COMMAND Python3::Interpreter -B -W error ${CMAKE_CURRENT_LIST_DIR}/${name}.py)
        set_tests_properties(python/${name} PROPERTIES TIMEOUT 300 ENVIRONMENT
            "PYTHONPATH=${CMAKE_BINARY_DIR}/writer/python;ALOG_PROGRAM=$<TARGET_FILE:agentlog>")
    endforeach()
    add_test(NAME python/types COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_types.sh ${CMAKE_BINARY_DIR}/writer/python)
    add_test(NAME python/pip_install COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_pip.sh ${CMAKE_SOURCE_DIR})
    set_tests_properties(python/types python/pip_install PROPERTIES TIMEOUT 600 SKIP_RETURN_CODE 77)
endif()
