/* An event in the making, out of another program's values. */
#ifndef AGENTLOG_TOOLS_IMPORT_EVENT_H
#define AGENTLOG_TOOLS_IMPORT_EVENT_H

#include <agentlog/agentlog.h>

/* Start with zeros; free with import_event_free. Texts stay the caller's. */
struct event_draft {
    struct alog_event event;
    struct alog_value values[ALOG_MAX_FIELDS];
    struct alog_attribute *attributes;
    size_t attribute_capacity;
    char **names; /* that had to be made, until the next event */
    size_t name_count, name_capacity;
    struct alog_event_type user_type; /* of an event that is not in the catalogue */
};

/* Begin another event of that name, which outlives it. */
void event_draft_begin(struct event_draft *draft, const char *name);
/* The same, and the name is copied; behind a NUL in it nothing counts. */
void event_draft_begin_named(struct event_draft *draft, struct alog_string name);
void event_draft_free(struct event_draft *draft);

/* A further value; of two with one name the later stays. A name that the event's own fields use
 * gets "source." in front. */
void event_draft_attribute(struct event_draft *draft, struct alog_string name,
                           struct alog_value value);

/* The same of a name that is put together. */
void event_draft_attribute_named(struct event_draft *draft, const char *prefix,
                                 struct alog_string name, struct alog_value value);

/* The place of the catalogue's field in draft->values, or -1. */
int event_draft_field(const struct event_draft *draft, const char *name);

static inline struct alog_value value_of_text(struct alog_string text) {
    return (struct alog_value){.kind = ALOG_VALUE_STRING, .string = text};
}
static inline struct alog_value value_of_integer(int64_t number) {
    return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = number};
}
static inline struct alog_value value_of_real(double number) {
    return (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = number};
}
static inline struct alog_value value_of_bool(bool truth) {
    return (struct alog_value){.kind = ALOG_VALUE_BOOL, .boolean = truth};
}

/*
 * Make a foreign value one of the field's kind: numbers and truths out of texts, the catalogue's
 * word out of its usual synonyms. An empty text is absent where it cannot be a value.
 * *ret_respelled: an enumeration's text was another one. False: `reason` says what it must be.
 */
bool import_convert(const struct alog_field *field, struct alog_value given,
                    struct alog_value *ret_value, bool *ret_respelled, const char **reason);

#endif
