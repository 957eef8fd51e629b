/* Messages for people, on stderr. */
#include "messages.h"

#include <stdio.h>

#include "safe_text.h"

#define MESSAGE_BYTES 4096

void message_v(const char *format, va_list arguments) {
    char text[MESSAGE_BYTES];
    char safe[SAFE_TEXT_BYTES(MESSAGE_BYTES)];
    vsnprintf(text, sizeof text, format, arguments);
    safe_lines(alog_str(text), safe, sizeof safe);
    fprintf(stderr, "agentlog: %s\n", safe);
}

void message(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    message_v(format, arguments);
    va_end(arguments);
}

enum exit_code message_failure(enum alog_status status, const struct alog_error *error) {
    if (error->message[0] == '\0') {
        message("%s", alog_status_name(status));
    } else {
        message("%s", error->message);
    }
    return exit_code_of(status);
}
