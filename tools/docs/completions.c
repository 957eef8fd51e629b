/* What words can be completed to, read from the tables' names for them. */
#include "docs/completions.h"

#include <string.h>

static enum completion_kind kind_of_name(const char *name, size_t len) {
    if (memmem(name, len, "FILE", 4) != NULL || (len == 2 && memcmp(name, "DB", 2) == 0)) {
        return COMPLETE_FILE;
    }
    if (memmem(name, len, "DIR", 3) != NULL || memmem(name, len, "ARCHIVE", 7) != NULL) {
        return COMPLETE_DIRECTORY;
    }
    return COMPLETE_NOTHING;
}

bool completion_operand(const struct cli_command *command, size_t index,
                        enum completion_kind *ret_kind, bool *ret_last, char *ret_name,
                        size_t name_bytes) {
    const char *at = command->operands;
    for (size_t i = 0; i < index; i++) {
        at += strcspn(at, " ");
        at += *at == ' ';
    }
    const size_t len = strcspn(at, " ");
    if (len == 0 || at[0] == '-') { /* an option that must be given stands behind the operands */
        return false;
    }
    *ret_last = memmem(at, len, "...", 3) != NULL;
    snprintf(ret_name, name_bytes, "%.*s", (int)strcspn(at, ".] "), at + (at[0] == '['));
    ret_name[strcspn(ret_name, ".]")] = '\0';
    *ret_kind = index == 0 && command->choices != NULL ? COMPLETE_CHOICE : kind_of_name(at, len);
    return true;
}

enum completion_kind completion_value(const struct cli_option *option) {
    if (option->argument == NULL) {
        return COMPLETE_NOTHING;
    }
    if (strcmp(option->argument, "EVENT") == 0) {
        return COMPLETE_EVENT;
    }
    if (option->value != NULL) {
        return COMPLETE_VALUE;
    }
    return kind_of_name(option->argument, strlen(option->argument));
}
