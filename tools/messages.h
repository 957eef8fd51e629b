/* Messages for people, on stderr, with untrusted text made safe. */
#ifndef AGENTLOG_TOOLS_MESSAGES_H
#define AGENTLOG_TOOLS_MESSAGES_H

#include <agentlog/agentlog.h>

#include <stdarg.h>

#include "exit_codes.h"

/* "agentlog: …" and a line feed. Very long messages are cut. */
ALOG_PRINTF(1, 2)
void message(const char *format, ...);
ALOG_PRINTF(1, 0)
void message_v(const char *format, va_list arguments);

/* Say how a library call failed; returns the exit code of `status`. */
enum exit_code message_failure(enum alog_status status, const struct alog_error *error);

#endif
