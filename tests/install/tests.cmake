# What is installed, from a separate project's side. A build with sanitizers installs nothing.
if(NOT ALOG_SANITIZE AND NOT ALOG_FUZZ)
    add_test(NAME install/prefix COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_install.sh ${CMAKE_BINARY_DIR} ${CMAKE_SOURCE_DIR})
    add_test(NAME install/deb COMMAND ${CMAKE_CURRENT_LIST_DIR}/check_deb.sh ${CMAKE_BINARY_DIR})
    set_tests_properties(install/prefix install/deb PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77)
endif()
