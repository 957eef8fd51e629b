/* Asking a database, as all its commands do. */
#include "db_query.h"

#include <stdio.h>

#include "messages.h"

struct alog_query db_query_from(enum alog_query_kind kind, const struct cli_arguments *arguments) {
    return (struct alog_query){.kind = kind,
                               .since_ns = arguments->since_ns,
                               .until_ns = arguments->until_ns,
                               .environment = alog_str(arguments->environment),
                               .agent_name = alog_str(arguments->agent),
                               .issue_type = alog_str(arguments->issue_type),
                               .provider_id = alog_str(arguments->provider),
                               .model = alog_str(arguments->model),
                               .subject = alog_str(arguments->subject),
                               .max_latency_ms = arguments->max_latency_ms,
                               .limit = (uint32_t)arguments->limit.value};
}

#define MATCH_BYTES 1024

/* Append ", name: text" as far as there is room. */
static void add_match(char matches[MATCH_BYTES], const char *name, const char *text) {
    const size_t len = strlen(matches);
    if (text != NULL) {
        snprintf(matches + len, MATCH_BYTES - len, "%s%s: %.100s", len > 0 ? ", " : "", name, text);
    }
}

static void add_time(char matches[MATCH_BYTES], const char *name, struct alog_opt_i64 time_ns) {
    char text[ALOG_TIME_BYTES];
    if (time_ns.present) {
        alog_time_format(time_ns.value, text);
        add_match(matches, name, text);
    }
}

/* Name what was asked for: the reason is most often among it. */
static void tell_no_match(const struct cli_arguments *arguments) {
    char matches[MATCH_BYTES] = "";
    add_match(matches, "environment",
              arguments->environment != NULL ? arguments->environment : "production");
    add_match(matches, "agent", arguments->agent);
    add_match(matches, "issue type", arguments->issue_type);
    add_match(matches, "provider", arguments->provider);
    add_match(matches, "model", arguments->model);
    add_match(matches, "subject", arguments->subject);
    add_time(matches, "since", arguments->since_ns);
    add_time(matches, "until", arguments->until_ns);
    message("nothing matches (%s)", matches);
}

void db_query_tell_unknown_environment(struct alog_db *db, struct alog_string asked) {
    const struct alog_query query = {.kind = ALOG_QUERY_KNOWN_ENVIRONMENTS,
                                     .environment = ALOG_STR("*")};
    const struct alog_string wanted = asked.data != NULL ? asked : ALOG_STR("production");
    struct alog_table *known = NULL;
    char names[MATCH_BYTES] = "";
    if (alog_string_equal(wanted, query.environment) ||
        alog_db_query(db, &query, &known, NULL) != ALOG_OK) {
        return; /* what was asked for is answered all the same */
    }
    bool found = false;
    for (size_t row = 0; row < known->row_count; row++) {
        const struct alog_string name = known->cells[row].string;
        const size_t len = strlen(names);
        found = found || alog_string_equal(name, wanted);
        snprintf(names + len, sizeof names - len, "%s%.*s", row > 0 ? ", " : "",
                 name.len < 100 ? (int)name.len : 100, name.data);
    }
    if (!found && known->row_count > 0) {
        message("there is no environment %.*s in the database, only %s",
                wanted.len < 100 ? (int)wanted.len : 100, wanted.data, names);
    }
    alog_table_free(known);
}

/* A time that was read as UTC, and is one of the database's zone. */
static void move_to_zone(struct alog_opt_i64 *time_ns, bool is_local, int32_t offset_s) {
    const int64_t moved_ns = time_ns->value - (int64_t)offset_s * 1000000000;
    if (time_ns->present && is_local) {
        time_ns->value = moved_ns > 0 ? moved_ns : 0;
    }
}

void db_query_localise(const struct alog_db *db, struct cli_arguments *arguments) {
    const int32_t offset_s = alog_db_time_zone_offset_s(db);
    move_to_zone(&arguments->since_ns, arguments->since_is_local, offset_s);
    move_to_zone(&arguments->until_ns, arguments->until_is_local, offset_s);
    arguments->since_is_local = arguments->until_is_local = false;
}

enum exit_code db_query_ask(const struct cli_command *command, struct cli_arguments *arguments,
                            const char *db_path, struct alog_query *query,
                            struct alog_table **ret_table) {
    struct alog_db *db = NULL;
    struct alog_error error = {.message = ""};
    enum alog_status status = alog_db_open(db_path, &db, &error);
    if (status == ALOG_OK) {
        db_query_localise(db, arguments);
        query->since_ns = arguments->since_ns;
        query->until_ns = arguments->until_ns;
        status = alog_db_query(db, query, ret_table, &error);
        if (status == ALOG_OK) {
            db_query_tell_unknown_environment(db, query->environment);
        }
        alog_db_close(db);
        if (status == ALOG_INVALID) {
            return cli_usage_error(command, "%s", error.message);
        }
    }
    return status == ALOG_OK ? EXIT_FINE : message_failure(status, &error);
}

/* A single wide row is read more easily from top to bottom. */
static void print_rows(struct output *output, const struct alog_table *table,
                       const char *const *names, bool all) {
    if (names[0] == NULL && !all) {
        output_records(output, table);
    } else {
        output_table(output, table, all ? NULL : names);
    }
}

enum exit_code db_query_show(const struct cli_arguments *arguments, const struct alog_table *table,
                             const char *const *names) {
    struct output output = {0};
    if (arguments->json) {
        output_json_table(&output, table);
    } else if (table->row_count == 0) {
        tell_no_match(arguments);
    } else {
        print_rows(&output, table, names, arguments->all);
    }
    return output_finish(&output, EXIT_FINE);
}

enum exit_code db_query_print(const struct cli_command *command,
                              const struct cli_arguments *arguments, const char *db_path,
                              const struct alog_query *query, const char *const *names) {
    struct alog_table *table = NULL;
    struct cli_arguments local = *arguments;
    struct alog_query local_query = *query;
    enum exit_code code = db_query_ask(command, &local, db_path, &local_query, &table);
    if (code == EXIT_FINE) {
        code = db_query_show(&local, table, names);
        alog_table_free(table);
    }
    return code;
}
