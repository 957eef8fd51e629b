/*
 * agentlog import otlp: OTLP/JSON, one document a line, as the collector's file exporter writes it,
 * or documents of many lines, one behind the other. One document is in memory at a time.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "import/otlp_record.h"
#include "line_reader.h"
#include "output.h"

#define MAX_DOCUMENT_BYTES ((size_t)32 << 20)

/* Where a document ends: braces and brackets that are no text. */
struct balance {
    uint64_t depth;
    bool in_text, escaped;
    bool begun;
};

/* One file. */
struct otlp_file {
    struct import *import;
    struct otlp_records *records;
    struct balance balance;
    char *text; /* lines of a document that has not ended */
    size_t len, capacity;
    uint64_t bytes_total;
};

static void weigh(struct balance *balance, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        if (balance->in_text) {
            balance->in_text = balance->escaped || c != '"';
            balance->escaped = !balance->escaped && c == '\\';
        } else if (c == '"') {
            balance->in_text = true;
        } else if (c == '{' || c == '[') {
            balance->depth++;
            balance->begun = true;
        } else if ((c == '}' || c == ']') && balance->depth > 0) {
            balance->depth--;
        }
    }
}

static void skip_document(struct otlp_file *file, const char *reason) {
    import_skip(file->import, import_count_of(file->import, "documents"),
                "%s: line %" PRIu64 ": %s", file->records->path, file->records->line, reason);
}

static void read_object(struct otlp_file *file, const json_t *document) {
    if (otlp_records_read(file->records, document)) {
        return;
    }
    skip_document(file, otlp_member(document, "resourceMetrics", "resource_metrics") != NULL
                            ? "these are metrics: only spans and logs are events"
                            : "there are neither resourceSpans nor resourceLogs in it");
}

static void read_document(struct otlp_file *file, const char *text, size_t len) {
    json_error_t fault;
    json_t *document = json_loadb(text, len, JSON_ALLOW_NUL, &fault);
    if (document == NULL) {
        char reason[JSON_ERROR_TEXT_LENGTH + 64];
        snprintf(reason, sizeof reason, "broken JSON, byte %d: %s", fault.position, fault.text);
        skip_document(file, reason);
        return;
    }
    for (size_t i = 0; i < json_array_size(document); i++) {
        read_object(file, json_array_get(document, i));
    }
    if (json_is_object(document)) {
        read_object(file, document);
    }
    json_decref(document);
}

/* A line by itself, as the file exporter begins it: what came before it has no end. */
static bool begins_document(const char *line, size_t len) {
    static const char *const beginnings[] = {"{\"resourceSpans\"", "{\"resourceLogs\"",
                                             "{\"resource_spans\"", "{\"resource_logs\"",
                                             "{\"resourceMetrics\""};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        const size_t wanted = strlen(beginnings[i]);
        if (len >= wanted && memcmp(line, beginnings[i], wanted) == 0) {
            return true;
        }
    }
    return false;
}

static void keep_line(struct otlp_file *file, const char *line, size_t len) {
    if (file->len + len + 1 > file->capacity) {
        const size_t capacity = 2 * (file->len + len + 1);
        char *larger = output_allocate(capacity, 1);
        if (file->len > 0) {
            memcpy(larger, file->text, file->len);
        }
        free(file->text);
        file->text = larger;
        file->capacity = capacity;
    }
    memcpy(file->text + file->len, line, len);
    file->text[file->len + len] = '\n';
    file->len += len + 1;
}

/* What was kept is a document, whole or not. */
static void end_document(struct otlp_file *file) {
    read_document(file, file->text, file->len);
    file->len = 0;
    file->balance = (struct balance){.depth = 0};
}

static void take_line(struct otlp_file *file, uint64_t number, const char *line, size_t len) {
    if (file->len > 0 && begins_document(line, len)) {
        end_document(file);
    }
    if (file->len == 0) {
        struct balance alone = {.depth = 0};
        while (len > 0 && (*line == ' ' || *line == '\t' || *line == '\r')) {
            line++;
            len--;
        }
        if (len == 0) {
            return;
        }
        file->records->line = number;
        weigh(&alone, line, len);
        if (!alone.begun || (alone.depth == 0 && !alone.in_text)) {
            read_document(file, line, len);
            return;
        }
    }
    if (file->len + len > MAX_DOCUMENT_BYTES) {
        skip_document(file, "the document is larger than 32 MiB: give one document a line, as the "
                            "collector's file exporter writes them");
        file->len = 0;
        file->balance = (struct balance){.depth = 0};
        return;
    }
    weigh(&file->balance, line, len);
    keep_line(file, line, len);
    if (file->balance.depth == 0 && !file->balance.in_text) {
        end_document(file);
    }
}

static void read_lines(struct otlp_file *file, int fd) {
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct import *import = file->import;
    struct line_reader reader;
    line_reader_begin(&reader, fd, import->stop.fd, MAX_DOCUMENT_BYTES);
    for (bool more = true; more && !import->stopped;) {
        const char *line = NULL;
        size_t len = 0;
        switch (line_reader_next(&reader, &line, &len)) {
        case LINE_FOUND:
            if (reader.line_number == 1 && len >= 3 && memcmp(line, byte_order_mark, 3) == 0) {
                line += 3;
                len -= 3;
            }
            take_line(file, reader.line_number, line, len);
            break;
        case LINE_TOO_LONG:
            file->records->line = reader.line_number;
            file->len = 0;
            file->balance = (struct balance){.depth = 0};
            skip_document(file, "the line is longer than 32 MiB");
            break;
        case LINE_STOPPED:
            import->stopped = true;
            break;
        case LINE_FAILED:
            import_fail(import, EXIT_FAILED, "%s: %s", file->records->path, strerror(errno));
            more = false;
            break;
        case LINE_END:
            more = false;
            break;
        }
        progress_update(&import->progress, reader.bytes_read, file->bytes_total);
    }
    if (file->len > 0 && !import->stopped) {
        end_document(file);
    }
    line_reader_free(&reader);
}

void import_otlp(struct import *import, char **paths, size_t count) {
    struct otlp_records records = {.import = import};
    for (size_t i = 0; i < count && !import->stopped; i++) {
        struct otlp_file file = {.import = import, .records = &records};
        records.path = paths[i];
        const int fd = import_open(import, &records.path, &file.bytes_total);
        if (fd >= 0) {
            read_lines(&file, fd);
            import_close(fd);
        }
        free(file.text);
    }
    otlp_records_free(&records);
}
