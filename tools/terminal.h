/* How wide what is printed may be. */
#ifndef AGENTLOG_TOOLS_TERMINAL_H
#define AGENTLOG_TOOLS_TERMINAL_H

#include <stddef.h>

/* Columns of stdout: what the environment's COLUMNS says, else those of the terminal that it is; 0
 * = it has no width: it is a file or a pipe. */
size_t terminal_columns(void);

#endif
