# Models of the protocols between threads, checked by spin where there is one. CI must have it.
find_program(ALOG_SPIN spin)
foreach(name clock close ring)
    if(ALOG_SPIN)
        add_test(NAME model/${name} COMMAND Python3::Interpreter ${CMAKE_CURRENT_LIST_DIR}/check_model.py ${ALOG_SPIN}
                 ${CMAKE_C_COMPILER} ${CMAKE_CURRENT_LIST_DIR}/${name}.pml)
    else()
        add_test(NAME model/${name}
                 COMMAND sh -c "echo 'SKIPPED: spin is not installed'; [ -n \"$CI\" ] && exit 1; exit 77")
    endif()
    set_tests_properties(model/${name} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endforeach()
