/*
 * Events as CSV (RFC 4180, lines end with CR LF), a file for each type: timestamp and job_id, the
 * type's fields, then event_id, environment and attributes, which is one JSON object. Of a
 * user-defined event, whose fields may differ from writer to writer, all values are in that object.
 * Absent is an empty cell, an empty text is "". NUL, which no CSV reader takes, and bytes that are
 * no UTF-8 become U+FFFD.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "export/export_form.h"
#include "messages.h"
#include "output.h"
#include "safe_text.h"

#define MAX_FILES    256 /* open at once */
#define NUMBER_BYTES 40
#define NAME_BYTES   256

struct csv_file {
    char *event; /* the type's name */
    size_t event_len;
    char name[NAME_BYTES];
    FILE *file;
};

struct csv {
    struct export_target *target;
    bool safe;
    bool on_terminal;
    struct csv_file files[MAX_FILES];
    size_t file_count;
    FILE *file; /* of the event at work */
    struct alog_text json;
};

/* ---- Cells ----------------------------------------------------------------------------------- */

static bool put(struct csv *csv, const char *data, size_t len) {
    return export_target_write(csv->target, csv->file, data, len);
}

static bool put_plain(struct csv *csv, const char *text) {
    return put(csv, text, strlen(text));
}

/* What a spreadsheet begins a formula with. */
static bool is_formula(struct alog_string text) {
    return text.len > 0 && memchr("=+-@\t\r", text.data[0], 6) != NULL;
}

/* Within quotes, which are doubled. */
static bool put_quoted(struct csv *csv, const char *data, size_t len) {
    bool written = put(csv, "\"", 1);
    while (len > 0 && written) {
        const char *special = data;
        while (special < data + len && *special != '"' && *special != '\0') {
            special++;
        }
        written = put(csv, data, (size_t)(special - data));
        len -= (size_t)(special - data);
        data = special;
        if (len > 0) {
            written = put_plain(csv, *data == '"' ? "\"\"" : "\xef\xbf\xbd");
            data++;
            len--;
        }
    }
    return written && put(csv, "\"", 1);
}

static bool needs_quotes(struct alog_string text) {
    for (size_t i = 0; i < text.len; i++) {
        if (strchr(",\"\r\n", text.data[i]) != NULL) { /* NUL is found as well */
            return true;
        }
    }
    return text.len == 0 || text.data[0] == ' ' || text.data[text.len - 1] == ' ';
}

static bool put_text(struct csv *csv, struct alog_string text) {
    size_t len = 0;
    char *shown = NULL;
    if (csv->on_terminal) {
        shown = output_allocate(SAFE_TEXT_BYTES(text.len), 1);
        len = safe_text(text, shown, SAFE_TEXT_BYTES(text.len));
    } else if ((shown = valid_utf8(text, &len)) == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    if (csv->safe && is_formula((struct alog_string){shown, len})) {
        char *marked = output_allocate(len + 2, 1);
        marked[0] = '\'';
        memcpy(marked + 1, shown, len);
        free(shown);
        shown = marked;
        len++;
    }
    const bool written = needs_quotes((struct alog_string){shown, len})
                             ? put_quoted(csv, shown, len)
                             : put(csv, shown, len);
    free(shown);
    return written;
}

static bool put_real(struct csv *csv, double value) {
    char text[NUMBER_BYTES];
    if (!isfinite(value)) {
        return put_plain(csv, isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity");
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    return put_plain(csv, text);
}

static bool put_value(struct csv *csv, const struct alog_value *value) {
    char text[NUMBER_BYTES];
    switch (value->kind) {
    case ALOG_VALUE_BOOL:
        return put_plain(csv, value->boolean ? "true" : "false");
    case ALOG_VALUE_I64:
        snprintf(text, sizeof text, "%" PRId64, value->i64);
        return put_plain(csv, text);
    case ALOG_VALUE_U64:
        snprintf(text, sizeof text, "%" PRIu64, value->u64);
        return put_plain(csv, text);
    case ALOG_VALUE_F64:
        return put_real(csv, value->f64);
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        return put_text(csv, value->string);
    default:
        return true;
    }
}

static bool put_optional(struct csv *csv, struct alog_string text) {
    return text.data == NULL || put_text(csv, text);
}

/*
 * The attributes, and the values of a type that is not in the catalogue, as one JSON object: the
 * event's own line without what has a column.
 */
static bool put_attributes(struct csv *csv, const struct alog_event *event, bool known) {
    static const char head[] = "{\"event\":\"x\"";
    const struct alog_event rest = {.name = ALOG_STR("x"),
                                    .type = event->type,
                                    .values = event->values,
                                    .value_count = known ? 0 : event->value_count,
                                    .attributes = event->attributes,
                                    .attribute_count = event->attribute_count};
    csv->json.len = 0;
    if (alog_ndjson_write(&rest, &csv->json) != ALOG_OK) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    const size_t head_len = sizeof head - 1;
    const size_t len = csv->json.len - 1; /* without its line feed */
    if (len <= head_len + 1) {
        return true; /* nothing but the name and a brace */
    }
    csv->json.data[head_len] = '{'; /* in place of the comma */
    return put_text(csv, (struct alog_string){csv->json.data + head_len, len - head_len});
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* The type's name as that of a file: letters, digits, '_', '-' and inner '.', the rest as %XX. */
static void file_name(struct alog_string event, char name[NAME_BYTES]) {
    size_t len = 0;
    for (size_t i = 0; i < event.len && len + sizeof "%XX.csv" < NAME_BYTES; i++) {
        const unsigned char c = (unsigned char)event.data[i];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && i > 0);
        len += (size_t)snprintf(name + len, NAME_BYTES - len, plain ? "%c" : "%%%02X", c);
    }
    snprintf(name + len, NAME_BYTES - len, ".csv");
}

static bool put_header(struct csv *csv, const struct alog_event_type *known) {
    bool written = put_plain(csv, "timestamp,job_id");
    for (uint32_t i = 0; known != NULL && i < known->field_count && written; i++) {
        written = put_plain(csv, ",") && put_plain(csv, known->fields[i].name);
    }
    return written && put_plain(csv, ",event_id,environment,attributes\r\n");
}

/* Of two types whose names are cut to the same, the second's file gets a number. */
static bool is_used(const struct csv *csv, const char *name) {
    for (size_t i = 0; i < csv->file_count; i++) {
        if (strcmp(csv->files[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static struct csv_file *add_file(struct csv *csv, struct alog_string event) {
    if (csv->file_count == MAX_FILES) {
        message("there are events of more than %d types: say which with --type", MAX_FILES);
        csv->target->error = EMFILE;
        return NULL;
    }
    struct csv_file *file = &csv->files[csv->file_count];
    file_name(event, file->name);
    if (is_used(csv, file->name)) {
        snprintf(file->name, sizeof file->name, "%%%zu.csv", csv->file_count);
    }
    file->event = output_allocate(event.len + 1, 1);
    memcpy(file->event, event.data, event.len);
    file->event_len = event.len;
    csv->file_count++;
    file->file = export_target_open(csv->target, file->name);
    csv->file = file->file;
    return put_header(csv, alog_catalogue_find(event)) ? file : NULL;
}

static bool choose_file(struct csv *csv, struct alog_string event) {
    struct csv_file *found = NULL;
    for (size_t i = 0; i < csv->file_count && found == NULL; i++) {
        const struct alog_string name = {csv->files[i].event, csv->files[i].event_len};
        found = alog_string_equal(name, event) ? &csv->files[i] : NULL;
    }
    found = found == NULL ? add_file(csv, event) : found;
    csv->file = found == NULL ? NULL : found->file;
    return found != NULL;
}

/* ---- The form -------------------------------------------------------------------------------- */

/* The value of the catalogue's field: a segment's own schema may have them otherwise. */
static const struct alog_value *value_of(const struct alog_event *event, const char *field) {
    for (uint32_t i = 0; i < event->value_count; i++) {
        if (strcmp(event->type->fields[i].name, field) == 0) {
            return &event->values[i];
        }
    }
    return NULL;
}

static bool csv_event(void *state, const struct alog_event *event) {
    struct csv *csv = state;
    const struct alog_event_type *known = alog_catalogue_find(event->name);
    char time[ALOG_TIME_BYTES];
    if (!choose_file(csv, event->name)) {
        return false;
    }
    alog_time_format(event->timestamp_ns, time);
    bool written = put_plain(csv, time) && put_plain(csv, ",") && put_optional(csv, event->job_id);
    for (uint32_t i = 0; known != NULL && i < known->field_count && written; i++) {
        const struct alog_value *value = value_of(event, known->fields[i].name);
        written = put_plain(csv, ",") && (value == NULL || put_value(csv, value));
    }
    return written && put_plain(csv, ",") && put_optional(csv, event->event_id) &&
           put_plain(csv, ",") && put_optional(csv, event->environment) && put_plain(csv, ",") &&
           put_attributes(csv, event, known != NULL) && put_plain(csv, "\r\n");
}

static bool csv_end(void *state) {
    struct csv *csv = state;
    bool closed = true;
    for (size_t i = 0; i < csv->file_count; i++) {
        closed = export_target_close(csv->target, csv->files[i].file, csv->files[i].name) && closed;
    }
    return closed;
}

static void csv_free(void *state) {
    struct csv *csv = state;
    for (size_t i = 0; i < csv->file_count; i++) {
        free(csv->files[i].event);
    }
    alog_text_free(&csv->json);
    free(csv);
}

struct export_form export_csv_begin(struct export_target *target, struct alog_string event,
                                    bool safe) {
    struct csv *csv = output_allocate(1, sizeof *csv);
    csv->target = target;
    csv->safe = safe;
    csv->on_terminal = target->path == NULL && isatty(STDOUT_FILENO) == 1;
    if (event.data != NULL) {
        (void)choose_file(csv, event); /* target->error tells the caller */
    }
    return (struct export_form){csv_event, csv_end, csv_free, csv};
}
