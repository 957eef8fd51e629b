/* The catalogue of events, printed for people. */
#include "help_events.h"

#include <stdio.h>

#define ALLOWED_BYTES 256

static const char *kind_name(enum alog_field_kind kind) {
    switch (kind) {
    case ALOG_FIELD_NAME:
    case ALOG_FIELD_TEXT:
        return "text";
    case ALOG_FIELD_JSON:
        return "JSON";
    case ALOG_FIELD_BOOL:
        return "true or false";
    case ALOG_FIELD_I64:
        return "integer";
    case ALOG_FIELD_F64:
        return "number";
    case ALOG_FIELD_ENUM:
        return "one of";
    }
    return "";
}

/* What a value has to be within, with a blank before it; empty when anything will do. */
static void write_allowed(const struct alog_field *field, char out[ALLOWED_BYTES]) {
    size_t len = 0;
    out[0] = '\0';
    if (field->values != NULL) {
        for (const char *const *value = field->values; *value != NULL && len < ALLOWED_BYTES;
             value++) {
            len += (size_t)snprintf(out + len, ALLOWED_BYTES - len, "%s%s", len > 0 ? "|" : " ",
                                    *value);
        }
    } else if (field->minimum != 0 || field->maximum != 0) {
        /* An upper end that only keeps sums from overflowing says nothing to a reader. */
        if (field->maximum >= 9e9) {
            snprintf(out, ALLOWED_BYTES, ", %g or more", field->minimum);
        } else {
            snprintf(out, ALLOWED_BYTES, ", %g..%g", field->minimum, field->maximum);
        }
    }
}

void help_events_kind(const struct alog_field *field, char kind[HELP_EVENTS_KIND_BYTES]) {
    char allowed[ALLOWED_BYTES];
    write_allowed(field, allowed);
    snprintf(kind, HELP_EVENTS_KIND_BYTES, "%s%s%s%s%s", kind_name(field->kind), allowed,
             field->unit[0] != '\0' ? ", in " : "", field->unit,
             field->required ? ", required" : "");
}

static void print_field(const struct alog_field *field, struct output *output) {
    char kind[HELP_EVENTS_KIND_BYTES];
    help_events_kind(field, kind);
    output_format(output, "  %-24s %s\n%27s%s\n", field->name, kind, "", field->doc);
}

const char help_events_introduction[] =
    "Every event may also have a timestamp, job_id, event_id and environment (text).\n"
    "job_start and job_end need their job_id. Names that are not listed are kept as\n"
    "attributes, and an event of another name is one of your own.\n";

void help_events_print(struct output *output) {
    size_t count = 0;
    const struct alog_event_type *types = alog_catalogue(&count);
    output_format(output, "%s", help_events_introduction);
    for (size_t i = 0; i < count; i++) {
        output_format(output, "\n%s: %s\n", types[i].name, types[i].doc);
        for (uint32_t j = 0; j < types[i].field_count; j++) {
            print_field(&types[i].fields[j], output);
        }
    }
}
