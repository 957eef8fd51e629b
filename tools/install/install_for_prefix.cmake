# Run at installation: files that name the prefix, or whose place depends on it.
#   ALOG_INSTALL_SOURCE  this directory       ALOG_DOCS_DIR  where the completions were made
#   ALOG_BINDIR, ALOG_DATADIR                 below the prefix
set(prefix "${CMAKE_INSTALL_PREFIX}")
set(root "$ENV{DESTDIR}${prefix}")
set(AGENTLOG "${prefix}/${ALOG_BINDIR}/agentlog")

foreach(unit agentlog-nightly.service agentlog-nightly.timer)
    message(STATUS "Installing: ${root}/lib/systemd/system/${unit}")
    configure_file("${ALOG_INSTALL_SOURCE}/${unit}" "${root}/lib/systemd/system/${unit}" @ONLY)
endforeach()
foreach(kind sysusers tmpfiles)
    message(STATUS "Installing: ${root}/lib/${kind}.d/agentlog.conf")
    configure_file("${ALOG_INSTALL_SOURCE}/agentlog.${kind}" "${root}/lib/${kind}.d/agentlog.conf" COPYONLY)
endforeach()

# Where zsh looks by itself: Debian keeps a directory for its packages apart.
set(zsh_dir site-functions)
if(prefix STREQUAL "/usr" AND EXISTS /etc/debian_version)
    set(zsh_dir vendor-completions)
endif()
message(STATUS "Installing: ${root}/${ALOG_DATADIR}/zsh/${zsh_dir}/_agentlog")
configure_file("${ALOG_DOCS_DIR}/zsh/_agentlog" "${root}/${ALOG_DATADIR}/zsh/${zsh_dir}/_agentlog" COPYONLY)
