/* Events out of another program's values. */
#include "import/import_event.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "output.h"

#define NUMBER_BYTES 64
#define PREFIX       "source."

/* ---- Drafts ---------------------------------------------------------------------------------- */

static void forget_names(struct event_draft *draft) {
    for (size_t i = 0; i < draft->name_count; i++) {
        free(draft->names[i]);
    }
    draft->name_count = 0;
}

void event_draft_begin(struct event_draft *draft, const char *name) {
    const struct alog_string text = alog_str(name);
    const struct alog_event_type *type = alog_catalogue_find(text);
    forget_names(draft);
    draft->user_type = (struct alog_event_type){.name = name, .name_len = text.len, .doc = ""};
    draft->event = (struct alog_event){.name = text,
                                       .type = type != NULL ? type : &draft->user_type,
                                       .values = draft->values,
                                       .attributes = draft->attributes};
    draft->event.value_count = draft->event.type->field_count;
    memset(draft->values, 0, draft->event.value_count * sizeof *draft->values);
}

void event_draft_free(struct event_draft *draft) {
    forget_names(draft);
    free(draft->names);
    free(draft->attributes);
    *draft = (struct event_draft){.attributes = NULL};
}

int event_draft_field(const struct event_draft *draft, const char *name) {
    for (uint32_t i = 0; i < draft->event.type->field_count; i++) {
        if (strcmp(draft->event.type->fields[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_taken(const struct event_draft *draft, struct alog_string name) {
    static const char *const common[] = {"event", "timestamp", "job_id", "event_id", "environment"};
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        if (alog_string_equal(name, alog_str(common[i]))) {
            return true;
        }
    }
    for (uint32_t i = 0; i < draft->event.type->field_count; i++) {
        if (alog_string_equal(name, alog_str(draft->event.type->fields[i].name))) {
            return true;
        }
    }
    return false;
}

/* Room for one more in an array that doubles. */
static void *grown(void *array, size_t count, size_t *capacity, size_t bytes) {
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity == 0 ? 16 : 2 * *capacity;
    void *larger = output_allocate(*capacity, bytes);
    if (count > 0) {
        memcpy(larger, array, count * bytes);
    }
    free(array);
    return larger;
}

/* A name of the draft's own, NUL-terminated. */
static struct alog_string renamed(struct event_draft *draft, const char *prefix,
                                  struct alog_string name) {
    const size_t prefix_len = strlen(prefix);
    draft->names =
        grown(draft->names, draft->name_count, &draft->name_capacity, sizeof *draft->names);
    char *made = output_allocate(prefix_len + name.len + 1, 1);
    memcpy(made, prefix, prefix_len);
    if (name.len > 0) {
        memcpy(made + prefix_len, name.data, name.len);
    }
    draft->names[draft->name_count++] = made;
    return (struct alog_string){made, prefix_len + name.len};
}

void event_draft_attribute(struct event_draft *draft, struct alog_string name,
                           struct alog_value value) {
    const struct alog_string final = is_taken(draft, name) ? renamed(draft, PREFIX, name) : name;
    uint32_t at = 0;
    while (at < draft->event.attribute_count &&
           !alog_string_equal(draft->attributes[at].name, final)) {
        at++;
    }
    if (at == draft->event.attribute_count) {
        draft->attributes =
            grown(draft->attributes, at, &draft->attribute_capacity, sizeof *draft->attributes);
        draft->event.attributes = draft->attributes;
        draft->event.attribute_count++;
    }
    draft->attributes[at] = (struct alog_attribute){final, value};
}

void event_draft_attribute_named(struct event_draft *draft, const char *prefix,
                                 struct alog_string name, struct alog_value value) {
    event_draft_attribute(draft, renamed(draft, prefix, name), value);
}

void event_draft_begin_named(struct event_draft *draft, struct alog_string name) {
    forget_names(draft);
    const char *kept = renamed(draft, "", name).data;
    const size_t count = draft->name_count;
    draft->name_count = 0; /* it is kept through the beginning */
    event_draft_begin(draft, kept);
    draft->name_count = count;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* What others call the words of our enumerations, by one of them. */
static const struct {
    const char *given, *ours;
} synonyms[] = {{"succeeded", "success"}, {"successful", "success"}, {"ok", "success"},
                {"completed", "success"}, {"passed", "success"},     {"pass", "passed"},
                {"pass", "success"},      {"ok", "passed"},          {"success", "passed"},
                {"failure", "failed"},    {"fail", "failed"},        {"error", "failed"},
                {"timeout", "failed"},    {"canceled", "cancelled"}, {"aborted", "cancelled"},
                {"skip", "skipped"},      {"errored", "error"},      {"broken", "error"}};

static const char *enum_text(const struct alog_field *field, const char *text) {
    for (const char *const *value = field->values; *value != NULL; value++) {
        if (strcasecmp(*value, text) == 0) {
            return *value;
        }
    }
    for (size_t i = 0; i < sizeof synonyms / sizeof *synonyms; i++) {
        for (const char *const *value = field->values;
             strcasecmp(synonyms[i].given, text) == 0 && *value != NULL; value++) {
            if (strcmp(*value, synonyms[i].ours) == 0) {
                return *value;
            }
        }
    }
    return NULL;
}

/* The text as a short one without blanks around it; false when it is too long or holds a NUL. */
static bool short_text(struct alog_string text, char out[NUMBER_BYTES]) {
    while (text.len > 0 && isspace((unsigned char)text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && isspace((unsigned char)text.data[text.len - 1])) {
        text.len--;
    }
    if (text.len >= NUMBER_BYTES || memchr(text.data, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool to_bool(const char *text, struct alog_value *ret_value) {
    static const char *const words[][2] = {{"false", "true"}, {"0", "1"}, {"no", "yes"},
                                           {"f", "t"},        {"n", "y"}, {"off", "on"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        for (int truth = 0; truth < 2; truth++) {
            if (strcasecmp(words[i][truth], text) == 0) {
                *ret_value = value_of_bool(truth == 1);
                return true;
            }
        }
    }
    return false;
}

static bool to_number(const char *text, struct alog_value *ret_value) {
    char *end = NULL;
    errno = 0;
    const long long whole = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0) {
        *ret_value = value_of_integer(whole);
        return true;
    }
    const double real = strtod(text, &end); /* which takes hex as well */
    if (end == text || *end != '\0' || strpbrk(text, "xX") != NULL) {
        return false;
    }
    *ret_value = value_of_real(real);
    return true;
}

/* A number, out of a text if need be. */
static bool number_of(struct alog_value given, struct alog_value *ret_value) {
    char text[NUMBER_BYTES];
    if (given.kind == ALOG_VALUE_STRING) {
        return short_text(given.string, text) && to_number(text, ret_value);
    }
    if (given.kind == ALOG_VALUE_BOOL) {
        *ret_value = value_of_integer(given.boolean);
        return true;
    }
    *ret_value = given;
    return given.kind == ALOG_VALUE_I64 || given.kind == ALOG_VALUE_F64 ||
           given.kind == ALOG_VALUE_U64;
}

static bool truth_of(struct alog_value given, struct alog_value *ret_value) {
    char text[NUMBER_BYTES];
    switch (given.kind) {
    case ALOG_VALUE_BOOL:
        *ret_value = given;
        return true;
    case ALOG_VALUE_I64:
        *ret_value = value_of_bool(given.i64 != 0);
        return given.i64 == 0 || given.i64 == 1;
    case ALOG_VALUE_F64:
        *ret_value = value_of_bool(given.f64 == 1);
        return given.f64 == 0 || given.f64 == 1;
    case ALOG_VALUE_STRING:
        return short_text(given.string, text) && to_bool(text, ret_value);
    default:
        return false;
    }
}

static bool word_of(const struct alog_field *field, struct alog_value given,
                    struct alog_value *ret_value, bool *ret_respelled) {
    char text[NUMBER_BYTES];
    if (given.kind != ALOG_VALUE_STRING || !short_text(given.string, text)) {
        return false;
    }
    const char *ours = enum_text(field, text);
    if (ours == NULL) {
        return false;
    }
    *ret_value = value_of_text(alog_str(ours));
    *ret_respelled = !alog_string_equal(given.string, ret_value->string);
    return true;
}

static bool is_empty_text(struct alog_value value) {
    char text[NUMBER_BYTES];
    return value.kind == ALOG_VALUE_STRING && short_text(value.string, text) && text[0] == '\0';
}

bool import_convert(const struct alog_field *field, struct alog_value given,
                    struct alog_value *ret_value, bool *ret_respelled, const char **reason) {
    const bool takes_text = field->kind == ALOG_FIELD_NAME || field->kind == ALOG_FIELD_TEXT ||
                            field->kind == ALOG_FIELD_JSON;
    if (given.kind == ALOG_VALUE_ABSENT || given.kind == ALOG_VALUE_NULL ||
        (!takes_text && is_empty_text(given))) {
        *ret_value = (struct alog_value){.kind = ALOG_VALUE_ABSENT};
        return true;
    }
    switch (field->kind) {
    case ALOG_FIELD_BOOL:
        *reason = "must be true or false (or 1, 0, yes, no)";
        return truth_of(given, ret_value);
    case ALOG_FIELD_I64:
        *reason = "must be a whole number";
        return number_of(given, ret_value);
    case ALOG_FIELD_F64:
        *reason = "must be a number";
        return number_of(given, ret_value);
    case ALOG_FIELD_ENUM:
        *reason = "is a word that the catalogue does not have";
        return word_of(field, given, ret_value, ret_respelled);
    default:
        *reason = "must be text";
        *ret_value = given;
        return given.kind == ALOG_VALUE_STRING ||
               (given.kind == ALOG_VALUE_JSON && field->kind == ALOG_FIELD_JSON);
    }
}
