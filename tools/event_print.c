/* Events on stdout. */
#include "event_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "messages.h"
#include "safe_text.h"

#define NUMBER_BYTES 40

static bool split_fields(struct event_print *print, const char *names) {
    const size_t bytes = strlen(names) + 1;
    print->text = output_allocate(bytes, 1);
    memcpy(print->text, names, bytes);
    for (char *at = print->text; at != NULL;) {
        char *comma = strchr(at, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        if (*at == '\0' || print->field_count == EVENT_PRINT_MAX_FIELDS) {
            return false;
        }
        print->fields[print->field_count++] = at;
        at = comma != NULL ? comma + 1 : NULL;
    }
    return true;
}

bool event_print_begin(struct event_print *print, const struct cli_command *command,
                       const struct cli_arguments *arguments) {
    *print = (struct event_print){.on_terminal = isatty(STDOUT_FILENO) == 1};
    if (arguments->output != NULL) {
        print->tsv = strcmp(arguments->output, "tsv") == 0;
        if (!print->tsv && strcmp(arguments->output, "ndjson") != 0) {
            cli_usage_error(command, "--output is ndjson or tsv, not '%s'", arguments->output);
            return false;
        }
    }
    const char *names = arguments->fields;
    if (names == NULL && print->tsv) {
        names = "timestamp,event,job_id,environment,event_id";
    }
    if (names != NULL && !split_fields(print, names)) {
        cli_usage_error(command, "--fields needs 1 to %d names parted by commas, not '%s'",
                        EVENT_PRINT_MAX_FIELDS, names);
        event_print_free(print);
        return false;
    }
    return true;
}

void event_print_free(struct event_print *print) {
    free(print->text);
    alog_text_free(&print->line);
    print->text = NULL;
}

static bool is_wanted(const struct event_print *print, struct alog_string name) {
    for (size_t i = 0; i < print->field_count; i++) {
        if (alog_string_equal(alog_str(print->fields[i]), name)) {
            return true;
        }
    }
    return false;
}

/* ---- NDJSON ---- */

static bool print_json(struct event_print *print, const struct alog_event *event) {
    struct alog_event shown = *event;
    struct alog_value values[ALOG_MAX_FIELDS];
    struct alog_attribute *attributes = NULL;
    if (print->field_count > 0) {
        for (uint32_t i = 0; i < event->value_count; i++) {
            values[i] = event->values[i];
            if (!is_wanted(print, alog_str(event->type->fields[i].name))) {
                values[i].kind = ALOG_VALUE_ABSENT;
            }
        }
        attributes = output_allocate(event->attribute_count, sizeof *attributes);
        shown.values = values;
        shown.attributes = attributes;
        shown.attribute_count = 0;
        for (uint32_t i = 0; i < event->attribute_count; i++) {
            if (is_wanted(print, event->attributes[i].name)) {
                attributes[shown.attribute_count++] = event->attributes[i];
            }
        }
        const struct alog_string absent = {NULL, 0};
        shown.job_id = is_wanted(print, ALOG_STR("job_id")) ? event->job_id : absent;
        shown.event_id = is_wanted(print, ALOG_STR("event_id")) ? event->event_id : absent;
        shown.environment = is_wanted(print, ALOG_STR("environment")) ? event->environment : absent;
    }
    print->line.len = 0;
    const enum alog_status status = alog_ndjson_write(&shown, &print->line);
    free(attributes);
    if (status != ALOG_OK) {
        message("out of memory");
        print->no_memory = true;
        return false;
    }
    /* Strings may hold characters that reorder text; a file gets them as they are. */
    return print->on_terminal ? output_json_text(&print->output, print->line.data, print->line.len)
                              : output_bytes(&print->output, print->line.data, print->line.len);
}

/* ---- TSV ---- */

static struct alog_value text_value(struct alog_string text) {
    return text.data == NULL ? (struct alog_value){.kind = ALOG_VALUE_ABSENT}
                             : (struct alog_value){.kind = ALOG_VALUE_STRING, .string = text};
}

static struct alog_value find_value(const struct alog_event *event, const char *name) {
    const struct alog_string wanted = alog_str(name);
    const struct {
        const char *name;
        struct alog_string text;
    } common[] = {{"event", event->name},
                  {"job_id", event->job_id},
                  {"event_id", event->event_id},
                  {"environment", event->environment}};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        if (strcmp(common[i].name, name) == 0) {
            return text_value(common[i].text);
        }
    }
    for (uint32_t i = 0; i < event->value_count; i++) {
        if (strcmp(event->type->fields[i].name, name) == 0) {
            return event->values[i];
        }
    }
    for (uint32_t i = 0; i < event->attribute_count; i++) {
        if (alog_string_equal(event->attributes[i].name, wanted)) {
            return event->attributes[i].value;
        }
    }
    return (struct alog_value){.kind = ALOG_VALUE_ABSENT};
}

static void put_text(struct event_print *print, struct alog_string text) {
    char *safe = output_allocate(SAFE_TEXT_BYTES(text.len), 1);
    const size_t len = safe_text(text, safe, SAFE_TEXT_BYTES(text.len));
    output_bytes(&print->output, safe, len);
    free(safe);
}

static void put_real(struct event_print *print, double value) {
    char text[NUMBER_BYTES];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    output_format(&print->output, "%s", text);
}

static void put_value(struct event_print *print, const struct alog_value *value) {
    switch (value->kind) {
    case ALOG_VALUE_ABSENT:
    case ALOG_VALUE_NULL:
        break;
    case ALOG_VALUE_BOOL:
        output_format(&print->output, "%s", value->boolean ? "true" : "false");
        break;
    case ALOG_VALUE_I64:
        output_format(&print->output, "%" PRId64, value->i64);
        break;
    case ALOG_VALUE_U64:
        output_format(&print->output, "%" PRIu64, value->u64);
        break;
    case ALOG_VALUE_F64:
        put_real(print, value->f64);
        break;
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        put_text(print, value->string);
        break;
    }
}

static bool print_tsv(struct event_print *print, const struct alog_event *event) {
    for (size_t i = 0; !print->headed && i < print->field_count; i++) {
        put_text(print, alog_str(print->fields[i]));
        output_bytes(&print->output, i + 1 < print->field_count ? "\t" : "\n", 1);
    }
    print->headed = true;
    for (size_t i = 0; i < print->field_count; i++) {
        if (strcmp(print->fields[i], "timestamp") == 0) {
            char time[ALOG_TIME_BYTES];
            alog_time_format(event->timestamp_ns, time);
            output_format(&print->output, "%s", time);
        } else {
            const struct alog_value value = find_value(event, print->fields[i]);
            put_value(print, &value);
        }
        output_bytes(&print->output, i + 1 < print->field_count ? "\t" : "\n", 1);
    }
    return print->output.error == 0;
}

bool event_print_event(struct event_print *print, const struct alog_event *event) {
    return print->tsv ? print_tsv(print, event) : print_json(print, event);
}
