/* Putting a file in its place whole: readers see the old one or the new one. */
#ifndef AGENTLOG_TOOLS_REPORT_REPORT_FILE_H
#define AGENTLOG_TOOLS_REPORT_REPORT_FILE_H

#include <stddef.h>

#include "exit_codes.h"

/*
 * Write `len` bytes into `path`.new, sync, and put them in its place: a file that is there is
 * replaced, with its permissions kept; a symbolic link is replaced, not followed. What is there and
 * no file (a device, a pipe) is written to. EXIT_FAILED after saying why: nothing has changed then.
 */
enum exit_code report_file_put(const char *path, const char *data, size_t len);

#endif
