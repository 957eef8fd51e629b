/* What a report does: ask_shared LOGDIR DB brings the database up to date and prints a figure; then
 * NDJSON is read and written again. */
#include <agentlog/aggregator.h>
#include <agentlog/ndjson.h>

#include <stdio.h>

static const char line[] = "{\"event\":\"error\",\"timestamp\":1,\"error_type\":\"lint\"}";

static int print_rate(const char *db_path, struct alog_error *error) {
    struct alog_db *db = NULL;
    struct alog_table *table = NULL;
    const struct alog_query query = {.kind = ALOG_QUERY_SUCCESS_RATE};
    enum alog_status status = alog_db_open(db_path, &db, error);
    if (status == ALOG_OK) {
        status = alog_db_query(db, &query, &table, error);
    }
    if (status == ALOG_OK) {
        printf("%zu row, %.*s\n", table->row_count, (int)table->cells[0].string.len,
               table->cells[0].string.data);
        alog_table_free(table);
    }
    alog_db_close(db);
    return status != ALOG_OK;
}

static int echo_line(struct alog_error *error) {
    struct alog_ndjson_parser *parser = NULL;
    const struct alog_event *event = NULL;
    struct alog_text text = {0};
    enum alog_status status = alog_ndjson_parser_new(&parser);
    if (status == ALOG_OK) {
        status = alog_ndjson_parse(parser, line, sizeof line - 1, &event, error);
    }
    if (status == ALOG_OK) {
        status = alog_ndjson_write(event, &text);
    }
    if (status == ALOG_OK) {
        printf("%.*s", (int)text.len, text.data);
    }
    alog_text_free(&text);
    alog_ndjson_parser_free(parser);
    return status != ALOG_OK;
}

int main(int argc, char **argv) {
    struct alog_error error = {.message = ""};
    struct alog_ingest_report report = {0};
    int failed = argc != 3 || alog_ingest(argv[1], argv[2], NULL, &report, &error) != ALOG_OK ||
                 print_rate(argv[2], &error) != 0 || echo_line(&error) != 0;
    if (failed) {
        fprintf(stderr, "ask: %s\n", error.message);
    }
    return failed;
}
