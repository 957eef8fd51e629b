/* Names that an option takes divided by commas: `--redact error_message,error_traceback`. */
#ifndef AGENTLOG_TOOLS_NAME_LIST_H
#define AGENTLOG_TOOLS_NAME_LIST_H

#include <stdbool.h>

#define NAME_LIST_MAX 32

/* Split in place; the list ends with NULL. False: too many, or one is empty. */
bool name_list_split(char *text, const char *names[NAME_LIST_MAX + 1]);

#endif
