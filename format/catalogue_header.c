/*
 * Build-time program: writes agentlog/events.h, the typed part of the writer's interface, out of
 * catalogue.def.
 *
 *     alog_catalogue_header OUTPUT
 *
 * The header is written beside OUTPUT and renamed, so that a build that is killed leaves no half of
 * one.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum row_kind {
    ROW_ENUM,
    ROW_ENUM_VALUE,
    ROW_ENUM_END,
    ROW_EVENT,
    ROW_STRING,
    ROW_BOOLEAN,
    ROW_INTEGER,
    ROW_REAL,
    ROW_ENUMERATED,
    ROW_EVENT_END
};

/* One line of the catalogue. `detail`: an enumeration's symbol or name. */
struct row {
    enum row_kind kind;
    const char *name;
    const char *detail;
    bool required;
    const char *doc;
    int id;
};

#define IS_REQUIRED true
#define IS_OPTIONAL false

static const struct row rows[] = {
#define ALOG_ENUM(enumeration) {.kind = ROW_ENUM, .name = #enumeration},
#define ALOG_ENUM_VALUE(enumeration, text, symbol)                                                 \
    {.kind = ROW_ENUM_VALUE, .name = #enumeration, .detail = #symbol, .doc = #text},
#define ALOG_ENUM_END(enumeration) {.kind = ROW_ENUM_END, .name = #enumeration},
#define ALOG_EVENT(number, event, about)                                                           \
    {.kind = ROW_EVENT, .name = #event, .doc = about, .id = number},
#define FIELD(row_kind, field, presence, about, of)                                                \
    {.kind = row_kind, .name = #field, .required = IS_##presence, .doc = about, .detail = of},
#define ALOG_NAME(event, field, presence, otel, about)                                             \
    FIELD(ROW_STRING, field, presence, about, NULL)
#define ALOG_TEXT(event, field, presence, otel, about)                                             \
    FIELD(ROW_STRING, field, presence, about, NULL)
#define ALOG_JSON(event, field, presence, otel, about)                                             \
    FIELD(ROW_STRING, field, presence, about " (JSON text)", NULL)
#define ALOG_BOOLEAN(event, field, presence, otel, about)                                          \
    FIELD(ROW_BOOLEAN, field, presence, about, NULL)
#define ALOG_INTEGER(event, field, presence, unit, minimum, maximum, otel, about)                  \
    FIELD(ROW_INTEGER, field, presence, about, NULL)
#define ALOG_REAL(event, field, presence, unit, minimum, maximum, otel, about)                     \
    FIELD(ROW_REAL, field, presence, about, NULL)
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, about)                          \
    FIELD(ROW_ENUMERATED, field, presence, about, #enumeration)
#define ALOG_EVENT_END(event) {.kind = ROW_EVENT_END, .name = #event},
#include "catalogue.def"
};
static const size_t row_count = sizeof rows / sizeof rows[0];

static const char opening[] = "/*\n"
                              " * agentlog events: one struct and one function per event type. "
                              "Generated from format/catalogue.def;\n"
                              " * change it there.\n"
                              " *\n"
                              " * Members marked \"required\" must be given; every other one may "
                              "be left out, and absent is not zero:\n"
                              " * a string is absent when its data is NULL, an enumeration when it "
                              "is 0, a number when its `present`\n"
                              " * is false (see ALOG_I64, ALOG_F64, ALOG_BOOL).\n"
                              " *\n"
                              " * The functions copy what they need, may be called from any "
                              "thread, and never block, allocate or make\n"
                              " * a system call past the thread's first event. They return "
                              "ALOG_OK, ALOG_DROPPED (ring full),\n"
                              " * ALOG_TOO_BIG, ALOG_CLOSED, or ALOG_INVALID (a required member is "
                              "absent, a value out of range).\n"
                              " */\n"
                              "#ifndef AGENTLOG_EVENTS_H\n"
                              "#define AGENTLOG_EVENTS_H\n"
                              "\n"
                              "#include <agentlog/agentlog.h>\n"
                              "\n"
                              "#ifdef __cplusplus\n"
                              "extern \"C\" {\n"
                              "#endif\n"
                              "\n"
                              "struct alog_writer;\n"
                              "struct alog_context;\n";

static const char closing[] = "\n"
                              "#ifdef __cplusplus\n"
                              "}\n"
                              "#endif\n"
                              "\n"
                              "#endif\n";

/* The events that the writer makes itself have no place in its interface. */
static bool is_writers_own(const char *event) {
    return strncmp(event, "writer_", strlen("writer_")) == 0;
}

/* What follows the event's name in its struct's: `struct alog_error` is another thing already. */
static const char *struct_suffix(const char *event) {
    return strcmp(event, "error") == 0 ? "_event" : "";
}

static bool is_job_event(const char *event) {
    return strcmp(event, "job_start") == 0 || strcmp(event, "job_end") == 0;
}

static void put_upper(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        fputc(toupper((unsigned char)*text), out);
    }
}

static void put_constant(FILE *out, const char *enumeration, const char *symbol) {
    fputs("ALOG_", out);
    put_upper(out, enumeration);
    fprintf(out, "_%s", symbol);
}

static void put_enum(FILE *out, const struct row *row) {
    fprintf(out, "\nenum alog_%s {\n    ", row->name);
    put_constant(out, row->name, "ABSENT");
    fputs(" = 0", out);
    int number = 1;
    for (row++; row->kind == ROW_ENUM_VALUE; row++) {
        fputs(",\n    ", out);
        put_constant(out, row->name, row->detail);
        fprintf(out, " = %d", number++);
    }
    fputs("\n};\n", out);
}

/* "    TYPE NAME;", and its comment in a column of its own. */
static void put_member(FILE *out, const char *type, const char *name, bool required,
                       const char *doc) {
    int len = fprintf(out, "    %s%s%s;", type, type[strlen(type) - 1] == '*' ? "" : " ", name);
    fprintf(out, "%*s/* %s%s */\n", len < 48 ? 48 - len : 1, "", required ? "required: " : "", doc);
}

static void put_field(FILE *out, const struct row *row) {
    char type[128];
    switch (row->kind) {
    case ROW_BOOLEAN:
        put_member(out, row->required ? "bool" : "struct alog_opt_bool", row->name, row->required,
                   row->doc);
        break;
    case ROW_INTEGER:
        put_member(out, row->required ? "int64_t" : "struct alog_opt_i64", row->name, row->required,
                   row->doc);
        break;
    case ROW_REAL:
        put_member(out, row->required ? "double" : "struct alog_opt_f64", row->name, row->required,
                   row->doc);
        break;
    case ROW_ENUMERATED:
        snprintf(type, sizeof type, "enum alog_%s", row->detail);
        put_member(out, type, row->name, row->required, row->doc);
        break;
    default:
        put_member(out, "struct alog_string", row->name, row->required, row->doc);
        break;
    }
}

static void put_event(FILE *out, const struct row *event) {
    fprintf(out, "\n/* %s. */\nstruct alog_%s%s {\n", event->doc, event->name,
            struct_suffix(event->name));
    if (is_job_event(event->name)) {
        put_member(out, "struct alog_string", "job_id", true, "the job, 1..255 bytes");
    }
    for (const struct row *row = event + 1; row->kind != ROW_EVENT_END; row++) {
        put_field(out, row);
    }
    put_member(out, "const struct alog_context *", "context", false,
               "NULL = now, in the thread's job scope");
    fprintf(out,
            "};\nALOG_API enum alog_status alog_log_%s(struct alog_writer *writer,\n"
            "    const struct alog_%s%s *event);\n",
            event->name, event->name, struct_suffix(event->name));
}

static void put_header(FILE *out) {
    fputs(opening, out);
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].kind == ROW_ENUM) {
            put_enum(out, &rows[i]);
        } else if (rows[i].kind == ROW_EVENT && !is_writers_own(rows[i].name)) {
            put_event(out, &rows[i]);
        }
    }
    fputs(closing, out);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: alog_catalogue_header OUTPUT\n", stderr);
        return 2;
    }
    char temporary[4096];
    const int len = snprintf(temporary, sizeof temporary, "%s.new", argv[1]);
    if (len < 0 || (size_t)len >= sizeof temporary) {
        fputs("alog_catalogue_header: the path is too long\n", stderr);
        return 2;
    }
    FILE *out = fopen(temporary, "w");
    if (out == NULL) {
        perror(temporary);
        return 1;
    }
    put_header(out);
    const bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed || rename(temporary, argv[1]) != 0) {
        perror(argv[1]);
        remove(temporary);
        return 1;
    }
    return 0;
}
