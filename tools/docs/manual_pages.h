/* The pages of the manual, each written to a file of its own. */
#ifndef AGENTLOG_TOOLS_MANUAL_PAGES_H
#define AGENTLOG_TOOLS_MANUAL_PAGES_H

#include "cli_options.h"
#include "docs/docs_file.h"
#include "docs/header_parts.h"

/* agentlog(1), a page for each command, agentlog-events(7). False after a message. */
bool manual_write_commands(const struct docs_place *place,
                           const struct cli_command *const *commands);

/* A page for each header, and one for each function or group of functions, all in section 3. */
bool manual_write_library(const struct docs_place *place, const struct header *headers,
                          size_t header_count);

#endif
