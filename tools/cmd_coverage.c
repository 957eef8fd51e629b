/* agentlog coverage: instrumentation that is silent. */
#include <agentlog/coverage.h>

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "db_query.h"
#include "messages.h"
#include "output.h"

static const struct cli_option options[] = {
    CLI_OPTION_FILTER_ENVIRONMENT,
    CLI_OPTION_SINCE_WHOLE("day", "days"),
    CLI_OPTION_UNTIL_WHOLE("day", "days"),
    {.name = "allow",
     .argument = "FILE",
     .kind = CLI_TEXT,
     CLI_MEMBER(allow),
     .doc = "what is silent on purpose: lines of CHECK SUBJECT [ENVIRONMENT], with * and ? for any "
            "text; # begins a comment"},
    CLI_OPTION_JSON,
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "nothing is silent, but for what is allowed to be"},
    {EXIT_FAILED, "this is no agentlog database, or a file could not be read"},
    {EXIT_USAGE, "the command line or a line of the allow-list is wrong"},
    {EXIT_THRESHOLD, "something is silent that should not be"},
    {EXIT_NOT_FOUND, "there is no such database"},
    {EXIT_FINE, NULL}};

/* ---- The allow-list -------------------------------------------------------------------------- */

struct allowed {
    char *line; /* the three point into it */
    const char *check, *subject, *environment;
    unsigned number; /* of the line */
    bool used;
};

struct allow_list {
    struct allowed *items;
    size_t count;
};

static void free_list(struct allow_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].line);
    }
    free(list->items);
}

/* False after saying what is wrong. Takes `line` over. */
static bool add_line(struct allow_list *list, const char *path, unsigned number, char *line) {
    static const char blank[] = " \t\r\n";
    char *words[4];
    size_t count = 0;
    line[strcspn(line, "#")] = '\0';
    char *rest = NULL;
    for (char *word = strtok_r(line, blank, &rest); word != NULL && count < 4;
         word = strtok_r(NULL, blank, &rest)) {
        words[count++] = word;
    }
    if (count == 0) {
        free(line);
        return true;
    }
    if (count < 2 || count > 3) {
        message("%s: line %u is not CHECK SUBJECT [ENVIRONMENT]", path, number);
        free(line);
        return false;
    }
    struct allowed *grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    if (grown == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    list->items = grown;
    list->items[list->count++] =
        (struct allowed){line, words[0], words[1], count == 3 ? words[2] : "*", number, false};
    return true;
}

static enum exit_code read_list(const char *path, struct allow_list *list) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        message("cannot open %s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    enum exit_code code = EXIT_FINE;
    unsigned number = 0;
    while (code == EXIT_FINE) {
        char *line = NULL;
        size_t capacity = 0;
        if (getline(&line, &capacity, file) < 0) {
            free(line);
            break;
        }
        code = add_line(list, path, ++number, line) ? EXIT_FINE : EXIT_USAGE;
    }
    if (code == EXIT_FINE && ferror(file)) {
        message("cannot read %s", path);
        code = EXIT_FAILED;
    }
    fclose(file);
    return code;
}

static bool matches(const char *pattern, const struct alog_value *cell) {
    char text[2 * ALOG_MAX_NAME_BYTES + 2];
    size_t len = cell->string.len < sizeof text - 1 ? cell->string.len : sizeof text - 1;
    memcpy(text, cell->string.data, len);
    text[len] = '\0';
    return fnmatch(pattern, text, 0) == 0;
}

/* Columns 0 to 2 are environment, check and subject. */
static bool is_allowed(struct allow_list *list, const struct alog_value *row) {
    bool found = false;
    for (size_t i = 0; i < list->count; i++) {
        struct allowed *item = &list->items[i];
        if (matches(item->environment, &row[0]) && matches(item->check, &row[1]) &&
            matches(item->subject, &row[2])) {
            item->used = true;
            found = true;
        }
    }
    return found;
}

/* Keep the rows that are not allowed. */
static size_t drop_allowed(struct alog_table *table, struct allow_list *list) {
    size_t kept = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        struct alog_value *cells = &table->cells[row * table->column_count];
        if (!is_allowed(list, cells)) {
            memmove(&table->cells[kept++ * table->column_count], cells,
                    table->column_count * sizeof *cells);
        }
    }
    size_t dropped = table->row_count - kept;
    table->row_count = kept;
    return dropped;
}

static void tell_unused(const struct allow_list *list, const char *path) {
    for (size_t i = 0; i < list->count; i++) {
        if (!list->items[i].used) {
            message("%s: line %u allows nothing that was found", path, list->items[i].number);
        }
    }
}

/* ---- The command ----------------------------------------------------------------------------- */

static enum exit_code print(const struct cli_arguments *arguments, struct alog_table *table,
                            size_t allowed) {
    struct output output = {0};
    if (arguments->json) {
        output_json_table(&output, table);
    } else if (table->row_count > 0) {
        output_table(&output, table, NULL);
    } else {
        output_format(&output, "nothing is silent");
        output_format(&output, allowed > 0 ? ", but for %zu that may be\n" : "\n", allowed);
    }
    return output_finish(&output, table->row_count > 0 ? EXIT_THRESHOLD : EXIT_FINE);
}

static enum exit_code ask(const struct cli_arguments *arguments, struct allow_list *list) {
    struct alog_coverage_options coverage = ALOG_COVERAGE_OPTIONS_INIT;
    struct alog_error error = {.message = ""};
    struct alog_db *db;
    struct alog_table *table;
    coverage.environment = alog_str(arguments->environment);
    enum alog_status status = alog_db_open(arguments->operands[0], &db, &error);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    struct cli_arguments local = *arguments;
    db_query_localise(db, &local);
    coverage.since_ns = local.since_ns;
    coverage.until_ns = local.until_ns;
    status = alog_db_coverage(db, &coverage, &table, &error);
    alog_db_close(db);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    size_t allowed = drop_allowed(table, list);
    enum exit_code code = print(arguments, table, allowed);
    alog_table_free(table);
    return code;
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct allow_list list = {0};
    enum exit_code code = arguments->allow != NULL ? read_list(arguments->allow, &list) : EXIT_FINE;
    if (code == EXIT_FINE) {
        code = ask(arguments, &list);
        if (code == EXIT_FINE || code == EXIT_THRESHOLD) {
            tell_unused(&list, arguments->allow);
        }
    }
    free_list(&list);
    return code;
}

const struct cli_command cmd_coverage = {
    .name = "coverage",
    .operands = "DB",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "find instrumentation that is silent",
    .description =
        "Say what should be in the log and is not: events and fields of the catalogue that were "
        "never seen, or only in the environment test; events that stopped arriving; events "
        "without a job; jobs without an end, without agents, without provider calls; agents whose "
        "confidence is always the same; lost events. "
        "Put what is silent on purpose on an allow-list, and run this every night.",
    .examples = "agentlog coverage agents.db --since 30d\n"
                "agentlog coverage agents.db --allow silent.txt --json",
    .options = options,
    .exits = exits,
    .run = run};
