/* Parsing a command line after the command's table. */
#include "cli_options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "messages.h"

#define MAX_OPTIONS     32
#define LONGEST_COMPARE 32

enum exit_code cli_usage_error(const struct cli_command *command, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    message("%s: %s\nTry 'agentlog %s --help'.", command->name, text, command->name);
    return EXIT_USAGE;
}

/* ---- Suggestions ---- */

/* Levenshtein's distance, row by row; too long words are as far apart as can be. */
static size_t edit_distance(const char *a, const char *b) {
    size_t row[LONGEST_COMPARE + 1];
    const size_t a_len = strlen(a);
    const size_t b_len = strlen(b);
    if (a_len > LONGEST_COMPARE || b_len > LONGEST_COMPARE) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
            const size_t shorter = row[j] < row[j - 1] ? row[j] : row[j - 1];
            diagonal = row[j];
            row[j] = substituted < shorter + 1 ? substituted : shorter + 1;
        }
    }
    return row[b_len];
}

const char *cli_nearest(const char *word, const char *const *names, size_t count) {
    const size_t word_len = strlen(word);
    size_t nearest = word_len < 4 ? 2 : 3; /* farther away it is another word */
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        const bool is_beginning = word_len > 0 && strncmp(word, names[i], word_len) == 0;
        const size_t distance = is_beginning ? 0 : edit_distance(word, names[i]);
        if (distance < nearest) {
            nearest = distance;
            found = names[i];
        }
    }
    return found;
}

/* ---- Values ---- */

static bool parse_number(const struct cli_option *option, const char *text,
                         struct alog_opt_i64 *ret_value) {
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || isspace((unsigned char)*text) || errno != 0 ||
        value < option->minimum || value > option->maximum) {
        return false;
    }
    *ret_value = ALOG_I64(value);
    return true;
}

static bool parse_real(const struct cli_option *option, const char *text,
                       struct alog_opt_f64 *ret_value) {
    char *end = NULL;
    const double value = strtod(text, &end);
    if (end == text || *end != '\0' || isspace((unsigned char)*text) || !isfinite(value) ||
        value < (double)option->minimum || value > (double)option->maximum) {
        return false;
    }
    *ret_value = ALOG_F64(value);
    return true;
}

/* "30d", "8w", "2y" (of 365 days), "forever". */
static bool parse_age(const char *text, struct alog_opt_i64 *ret_days) {
    static const struct {
        const char *suffix;
        long long days;
    } units[] = {{"d", 1}, {"w", 7}, {"y", 365}};
    if (strcmp(text, "forever") == 0) {
        *ret_days = ALOG_I64(CLI_FOREVER);
        return true;
    }
    char *end = NULL;
    errno = 0;
    const long long count = strtoll(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (isdigit((unsigned char)text[0]) && strcmp(end, units[i].suffix) == 0 && count >= 1 &&
            count <= 1000000 / units[i].days) {
            *ret_days = ALOG_I64(count * units[i].days);
            return true;
        }
    }
    return false;
}

static bool is_day(const char *text) {
    int64_t unused;
    return strlen(text) == sizeof "2026-02-04" - 1 && isdigit((unsigned char)text[0]) &&
           time_window_parse(text, 0, &unused, NULL) == ALOG_OK;
}

static bool add_to_list(const char **list, const char *text) {
    size_t count = 0;
    while (list[count] != NULL) {
        count++;
    }
    if (count == CLI_MAX_TYPES) {
        return false;
    }
    list[count] = text;
    return true;
}

/* One run of the parser. */
struct parse {
    const struct cli_command *command;
    int64_t now_ns;
    struct cli_arguments *arguments;
};

/* Store an option's value; false after saying what is wrong with it. */
static bool take_value(const struct parse *parse, const struct cli_option *option,
                       const char *text) {
    void *place = (char *)parse->arguments + option->offset;
    struct alog_error error;
    if (text[0] == '\0' && option->kind != CLI_FLAG) {
        cli_usage_error(parse->command, "--%s: its %s is empty", option->name, option->argument);
        return false;
    }
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *)place = true;
        return true;
    case CLI_TEXT:
        *(const char **)place = text;
        return true;
    case CLI_LIST:
        if (!add_to_list(place, text)) {
            cli_usage_error(parse->command, "--%s can be given %d times", option->name,
                            CLI_MAX_TYPES);
            return false;
        }
        return true;
    case CLI_NUMBER:
        if (parse_number(option, text, place)) {
            return true;
        }
        cli_usage_error(parse->command,
                        "--%s needs a whole number from %" PRId64 " to %" PRId64 ", not '%s'",
                        option->name, option->minimum, option->maximum, text);
        return false;
    case CLI_REAL:
        if (parse_real(option, text, place)) {
            return true;
        }
        cli_usage_error(parse->command,
                        "--%s needs a number from %" PRId64 " to %" PRId64 ", not '%s'",
                        option->name, option->minimum, option->maximum, text);
        return false;
    case CLI_DAY:
        if (is_day(text)) {
            *(const char **)place = text;
            return true;
        }
        cli_usage_error(parse->command, "--%s needs a day like 2026-02-04, not '%s'", option->name,
                        text);
        return false;
    case CLI_AGE:
        if (parse_age(text, place)) {
            return true;
        }
        cli_usage_error(parse->command, "--%s needs an age like 30d, 8w, 2y or forever, not '%s'",
                        option->name, text);
        return false;
    case CLI_TIME:
        break;
    }
    struct alog_opt_i64 *time = place;
    if (time_window_parse(text, parse->now_ns, &time->value, &error) != ALOG_OK) {
        cli_usage_error(parse->command, "--%s: %s", option->name, error.message);
        return false;
    }
    time->present = true;
    if (option->offset == offsetof(struct cli_arguments, since_ns)) {
        parse->arguments->since_is_local = time_window_is_local(text);
    } else if (option->offset == offsetof(struct cli_arguments, until_ns)) {
        parse->arguments->until_is_local = time_window_is_local(text);
    }
    return true;
}

/* ---- Words ---- */

static const struct cli_option *find_option(const struct cli_command *command, const char *name,
                                            size_t len) {
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0) {
            return option;
        }
    }
    return NULL;
}

static void unknown_option(const struct cli_command *command, const char *word, size_t name_len) {
    char name[LONGEST_COMPARE + 1] = "";
    const char *names[MAX_OPTIONS];
    size_t count = 0;
    if (name_len <= LONGEST_COMPARE) {
        memcpy(name, word + 2, name_len);
    }
    for (; count < MAX_OPTIONS && command->options[count].name != NULL; count++) {
        names[count] = command->options[count].name;
    }
    const char *nearest = name[0] == '\0' ? NULL : cli_nearest(name, names, count);
    if (nearest != NULL) {
        cli_usage_error(command, "there is no option %.*s; did you mean --%s?", (int)name_len + 2,
                        word, nearest);
    } else {
        cli_usage_error(command, "there is no option %.*s", (int)name_len + 2, word);
    }
}

static const struct cli_option *find_letter(const struct cli_command *command, char letter) {
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        if (option->letter == letter) {
            return option;
        }
    }
    return NULL;
}

/* The word at argv[at] is an option: --name, --name=VALUE, -o or -oVALUE. Returns how many words it
 * took, 0 after saying what is wrong. */
static int take_option(const struct parse *parse, int argc, char **argv, int at) {
    const char *word = argv[at];
    const char *name = word + 2;
    const bool is_long = word[1] == '-';
    const size_t name_len = is_long ? strcspn(name, "=") : 0;
    const struct cli_option *option = is_long ? find_option(parse->command, name, name_len)
                                              : find_letter(parse->command, word[1]);
    if (option == NULL) {
        unknown_option(parse->command, word, name_len > 0 ? name_len : strlen(word) - 2);
        return 0;
    }
    const char *value = name[name_len] == '=' && is_long ? name + name_len + 1 : NULL;
    if (!is_long && name[0] != '\0') {
        value = name;
    }
    if (option->kind == CLI_FLAG) {
        if (value != NULL) {
            cli_usage_error(parse->command, "--%s takes no value", option->name);
            return 0;
        }
        return take_value(parse, option, "") ? 1 : 0;
    }
    if (value != NULL) {
        return take_value(parse, option, value) ? 1 : 0;
    }
    if (at + 1 >= argc) {
        cli_usage_error(parse->command, "--%s: its %s is missing", option->name, option->argument);
        return 0;
    }
    return take_value(parse, option, argv[at + 1]) ? 2 : 0;
}

static enum cli_parse_result check_operands(const struct cli_command *command,
                                            const struct cli_arguments *arguments) {
    if (arguments->operand_count < command->min_operands) {
        cli_usage_error(command, "too few arguments: agentlog %s %s", command->name,
                        command->operands);
        return CLI_WRONG;
    }
    if (arguments->operand_count > command->max_operands) {
        cli_usage_error(command, "one argument too many, '%s': agentlog %s %s",
                        arguments->operands[command->max_operands], command->name,
                        command->operands);
        return CLI_WRONG;
    }
    for (size_t i = 0; i < arguments->operand_count; i++) {
        if (arguments->operands[i][0] == '\0') {
            cli_usage_error(command, "an argument is empty: agentlog %s %s", command->name,
                            command->operands);
            return CLI_WRONG;
        }
    }
    if (arguments->since_ns.present && arguments->until_ns.present &&
        arguments->since_is_local == arguments->until_is_local &&
        arguments->since_ns.value >= arguments->until_ns.value) {
        cli_usage_error(command, "--since is not before --until: nothing can match");
        return CLI_WRONG;
    }
    return CLI_RUN;
}

enum cli_parse_result cli_parse(const struct cli_command *command, int argc, char **argv,
                                int64_t now_ns, struct cli_arguments *ret_arguments) {
    const struct parse parse = {command, now_ns, ret_arguments};
    bool options_over = false;
    int operand_count = 0;
    *ret_arguments = (struct cli_arguments){0};
    for (int at = 0; at < argc;) {
        char *word = argv[at];
        if (options_over || word[0] != '-' || word[1] == '\0') {
            argv[operand_count++] = word;
            at++;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            options_over = true;
            at++;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            return CLI_HELP;
        }
        const int taken = take_option(&parse, argc, argv, at);
        if (taken == 0) {
            return CLI_WRONG;
        }
        at += taken;
    }
    ret_arguments->operands = argv;
    ret_arguments->operand_count = (size_t)operand_count;
    return check_operands(command, ret_arguments);
}
