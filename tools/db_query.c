/* Asking a database, as all its commands do. */
#include "db_query.h"

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
                               .max_latency_ms = arguments->max_latency_ms,
                               .limit = (uint32_t)arguments->limit.value};
}

static void print_table(const struct cli_arguments *arguments, const struct alog_table *table,
                        const char *const *names, struct output *output) {
    if (arguments->json) {
        output_json_table(output, table);
        return;
    }
    if (table->row_count == 0) {
        message("nothing matches (environment: %s)",
                arguments->environment != NULL ? arguments->environment : "production");
        return;
    }
    output_table(output, table, arguments->all ? NULL : names);
}

enum exit_code db_query_print(const struct cli_command *command,
                              const struct cli_arguments *arguments, const char *db_path,
                              const struct alog_query *query, const char *const *names) {
    struct alog_db *db = NULL;
    struct alog_table *table = NULL;
    struct output output = {0};
    struct alog_error error = {.message = ""};
    enum alog_status status = alog_db_open(db_path, &db, &error);
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    status = alog_db_query(db, query, &table, &error);
    if (status == ALOG_OK) {
        print_table(arguments, table, names, &output);
        alog_table_free(table);
    }
    alog_db_close(db);
    if (status == ALOG_INVALID) {
        return cli_usage_error(command, "%s", error.message);
    }
    return output_finish(&output, status == ALOG_OK ? EXIT_FINE : message_failure(status, &error));
}
