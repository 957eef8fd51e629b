/*
 * Any bytes as a command line: the first chooses the command, line feeds part the words. What is
 * accepted must be within the bounds that the command's table gives; what is refused is said on
 * stderr without anything that a terminal would obey.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "safe_text.h"
#include "time_window.h"

#define MAX_WORDS 64
#define NOW_NS    INT64_C(1770206400000000000)

static void check_option(const struct cli_option *option, const struct cli_arguments *arguments) {
    const char *place = (const char *)arguments + option->offset;
    if (option->kind == CLI_NUMBER) {
        const struct alog_opt_i64 *value = (const void *)place;
        if (value->present && (value->value < option->minimum || value->value > option->maximum)) {
            abort();
        }
    } else if (option->kind == CLI_TEXT || option->kind == CLI_DAY) {
        const char *const *value = (const void *)place;
        if (*value != NULL && (*value)[0] == '\0') {
            abort();
        }
    } else if (option->kind == CLI_TIME) {
        const struct alog_opt_i64 *value = (const void *)place;
        if (value->present && value->value < 0) {
            abort();
        }
    }
}

static void check_safe(const char *word) {
    char safe[SAFE_TEXT_BYTES(4096)];
    const size_t len = safe_text(alog_str(word), safe, sizeof safe);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)safe[i] < 0x20 || safe[i] == 0x7f) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char line[4096];
    char *words[MAX_WORDS + 1];
    int count = 0;
    size_t commands = 0;
    while (cli_commands[commands] != NULL) {
        commands++;
    }
    if (size < 1 || size > sizeof line - 1) {
        return 0;
    }
    const struct cli_command *command = cli_commands[data[0] % commands];
    memcpy(line, data + 1, size - 1);
    line[size - 1] = '\0';
    char *rest = line;
    for (char *word; count < MAX_WORDS && (word = strsep(&rest, "\n")) != NULL;) {
        words[count++] = word;
        check_safe(word);
        (void)cli_nearest(word, (const char *const[]){"summary", "stats"}, 2);
    }
    words[count] = NULL;
    struct cli_arguments arguments;
    if (cli_parse(command, count, words, NOW_NS, &arguments) != CLI_RUN) {
        return 0;
    }
    if (arguments.operand_count < command->min_operands ||
        arguments.operand_count > command->max_operands) {
        abort();
    }
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        check_option(option, &arguments);
    }
    return 0;
}
