/*
 * Any bytes as a line of NDJSON. What the parser accepts must survive writing and parsing again:
 * the second writing gives the same bytes as the first.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <agentlog/ndjson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct alog_ndjson_parser *parser;
    const struct alog_event *event;
    struct alog_text first = {0}, second = {0};
    if (alog_ndjson_parser_new(&parser) != ALOG_OK) {
        return 0;
    }
    if (alog_ndjson_parse(parser, (const char *)data, size, &event, NULL) == ALOG_OK &&
        event->has_timestamp && alog_ndjson_write(event, &first) == ALOG_OK) {
        if (alog_ndjson_parse(parser, first.data, first.len - 1, &event, NULL) != ALOG_OK ||
            alog_ndjson_write(event, &second) != ALOG_OK || first.len != second.len ||
            memcmp(first.data, second.data, first.len) != 0) {
            abort();
        }
    }
    alog_text_free(&first);
    alog_text_free(&second);
    alog_ndjson_parser_free(parser);
    return 0;
}
