# Run by cpack before it packs.

# Debian's manual pages are compressed, and so are the links between them.
file(GLOB pages "${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/man/man*/*.[1-9]")
foreach(page ${pages})
    if(IS_SYMLINK ${page})
        file(READ_SYMLINK ${page} target)
        file(REMOVE ${page})
        file(CREATE_LINK ${target}.gz ${page}.gz SYMBOLIC)
    else()
        execute_process(COMMAND gzip -9n ${page} COMMAND_ERROR_IS_FATAL ANY)
    endif()
endforeach()

# Every package brings the changelog.
file(GLOB documents "${CPACK_TEMPORARY_DIRECTORY}/*/usr/share/doc/*/copyright")
foreach(document ${documents})
    get_filename_component(directory ${document} DIRECTORY)
    configure_file(${CMAKE_CURRENT_LIST_DIR}/changelog.in ${directory}/changelog @ONLY)
    execute_process(COMMAND gzip -9n ${directory}/changelog COMMAND_ERROR_IS_FATAL ANY)
endforeach()
