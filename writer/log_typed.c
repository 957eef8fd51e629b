/*
 * alog_log_<event>() for each type of the catalogue, made by reading format/catalogue.def once for
 * each step of a log call. An event of three fields becomes, in effect:
 *
 *     if (!is_usual_hook(event)) return log_slowly_hook(writer, event);
 *     … enter the slot, reserve usual_bound_of_hook …
 *     end = put_hook(at, event, true);
 *     … publish, leave …
 *
 * What is not usual is looked at field by field: it may be invalid, or longer. Anything given by a
 * context, and a job event's own id, takes the general path of log_event.c.
 */
#include <float.h>
#include <math.h>

#include "log_event.h"
#include "options.h"
#include "record.h"
#include "typed_encode.h"

/* clang-format off */

#define ALOG_WITHOUT_WRITER_EVENTS

/* The struct of the event `error` has another name, because struct alog_error describes a failure.
 * `alog_##name` below is looked up again after it was pasted. */
#define alog_error alog_error_event

#define IS_REQUIRED 1
#define IS_OPTIONAL 0

/* Chooses between the code for a required field and that for an optional one. */
#define CHOOSE_REQUIRED(required, optional) required
#define CHOOSE_OPTIONAL(required, optional) optional
#define CHOOSE(presence, required, optional) CHOOSE_##presence(required, optional)

/* ---- The texts of enumerations, by value; 0 is absent ------------------------------------------ */

#define ALOG_ENUM(enumeration) static const struct alog_string texts_of_##enumeration[] = {{NULL, 0},
#define ALOG_ENUM_VALUE(enumeration, text, symbol) {#text, sizeof #text - 1},
#define ALOG_ENUM_END(enumeration) };
#include "format/catalogue.def"

#define ENUM_COUNT(enumeration)                                                                    \
    (sizeof texts_of_##enumeration / sizeof texts_of_##enumeration[0])

/* ---- Ids and counts of fields ------------------------------------------------------------------ */

#define ALOG_EVENT(id, event, doc)                                                                 \
    enum { type_of_##event = id };                                                                 \
    enum { fields_of_##event = 0
#define COUNT_FIELD                                                    +1
#define ALOG_NAME(event, field, presence, otel, doc)                   COUNT_FIELD
#define ALOG_TEXT(event, field, presence, otel, doc)                   COUNT_FIELD
#define ALOG_JSON(event, field, presence, otel, doc)                   COUNT_FIELD
#define ALOG_BOOLEAN(event, field, presence, otel, doc)                COUNT_FIELD
#define ALOG_INTEGER(event, field, presence, unit, low, high, otel, doc) COUNT_FIELD
#define ALOG_REAL(event, field, presence, unit, low, high, otel, doc)  COUNT_FIELD
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc) COUNT_FIELD
#define ALOG_EVENT_END(event)                                                                      \
    }                                                                                              \
    ;
#include "format/catalogue.def"

/* ---- Is everything there, and in range? -------------------------------------------------------- */

/* Without a branch per field: the faults are or-ed together. */
static inline bool is_beyond_i64(int64_t value, int64_t low, int64_t high) {
    return !(low == 0 && high == 0) && ((value < low) | (value > high));
}

/* Infinity and NaN pass: they say that something was measured, and went wrong. */
static inline bool is_beyond_f64(double value, double low, double high) {
    if (low == 0 && high == 0) {
        return false;
    }
    return ALOG_UNLIKELY((value < low) | (value > high)) && isfinite(value);
}

#define REQUIRE_STRING(field, presence) faults |= IS_##presence & (event->field.data == NULL);
#define ALOG_EVENT(id, name, doc)                                                                  \
    static inline bool is_valid_##name(const struct alog_##name *event) {                          \
        int faults = 0;
#define ALOG_NAME(event, field, presence, otel, doc) REQUIRE_STRING(field, presence)
#define ALOG_TEXT(event, field, presence, otel, doc) REQUIRE_STRING(field, presence)
#define ALOG_JSON(event, field, presence, otel, doc) REQUIRE_STRING(field, presence)
#define ALOG_INTEGER(name, field, presence, unit, low, high, otel, doc)                            \
    faults |= CHOOSE(presence, is_beyond_i64(event->field, low, high),                             \
                     (event->field.present && is_beyond_i64(event->field.value, low, high)));
#define ALOG_REAL(name, field, presence, unit, low, high, otel, doc)                               \
    faults |= CHOOSE(presence, is_beyond_f64(event->field, low, high),                             \
                     (event->field.present && is_beyond_f64(event->field.value, low, high)));
#define ALOG_ENUMERATED(name, field, presence, enumeration, otel, doc)                             \
    faults |= (IS_##presence & (event->field == 0)) |                                              \
              ((unsigned)event->field >= ENUM_COUNT(enumeration));
#define ALOG_EVENT_END(event)                                                                      \
        return faults == 0;                                                                        \
    }
#include "format/catalogue.def"

/* Array head, type, timestamp, the job's id, and the spare bytes that wide stores need. */
#define HEAD_BOUND (3u + 3u + 9u + ALOG_JOB_ENCODED_BYTES + ALOG_TYPED_SPARE_BYTES)

/* ---- Is it a usual one? ------------------------------------------------------------------------ */

/*
 * Nearly every event has short strings only, everything that is required, numbers in range, and no
 * context. One sum of signs says so, without a branch per field: each term below is negative (bit
 * 63) if its field is not usual. Terms look at absent fields too, which are zero as a rule; if not,
 * the event takes the slow way, which is only slower.
 */
#define UNUSUAL_ABOVE(value, high) ((uint64_t)(value) | ((uint64_t)(high) - (uint64_t)(value)))

/* User space ends below 2^63, on x86-64 and on ARM. */
static inline uint64_t unusual_if_null(const void *pointer) {
    return (uint64_t)(uintptr_t)pointer - 1;
}

/* As unsigned numbers, the bits of doubles from 0.0 up are in order; those of negative ones,
 * infinity and NaN lie above. */
static inline uint64_t unusual_f64(double value, double low, double high) {
    double highest = low == 0 && high == 0 ? DBL_MAX : high;
    uint64_t bits;
    uint64_t high_bits;
    memcpy(&bits, &value, sizeof bits);
    memcpy(&high_bits, &highest, sizeof high_bits);
    return UNUSUAL_ABOVE(bits, high_bits);
}

#define USUAL_STRING(field, presence)                                                              \
    longest |= event->field.len;                                                                   \
    signs |= CHOOSE(presence, unusual_if_null(event->field.data), 0);
#define ALOG_EVENT(id, name, doc)                                                                  \
    static inline bool is_usual_##name(const struct alog_##name *event) {                          \
        uint64_t longest = 0;                                                                      \
        uint64_t signs = -(uint64_t)(uintptr_t)event->context;
#define ALOG_NAME(event, field, presence, otel, doc) USUAL_STRING(field, presence)
#define ALOG_TEXT(event, field, presence, otel, doc) USUAL_STRING(field, presence)
#define ALOG_JSON(event, field, presence, otel, doc) USUAL_STRING(field, presence)
#define ALOG_INTEGER(name, field, presence, unit, low, high, otel, doc)                            \
    _Static_assert((low) == 0 && (high) == INT64_MAX, "what usual integers are");                  \
    signs |= (uint64_t)CHOOSE(presence, event->field, event->field.value);
#define ALOG_REAL(name, field, presence, unit, low, high, otel, doc)                               \
    _Static_assert((low) == 0, "what usual reals are");                                            \
    signs |= unusual_f64(CHOOSE(presence, event->field, event->field.value), low, high);
#define ALOG_ENUMERATED(name, field, presence, enumeration, otel, doc)                             \
    signs |= UNUSUAL_ABOVE((unsigned)event->field, ENUM_COUNT(enumeration) - 1);                   \
    signs |= CHOOSE(presence, (uint64_t)(unsigned)event->field - 1, 0);
#define ALOG_EVENT_END(event)                                                                      \
        signs |= UNUSUAL_ABOVE(longest, ALOG_TYPED_SHORT_BYTES - 1);                               \
        return (int64_t)signs >= 0;                                                                \
    }
#include "format/catalogue.def"

/* The room that a usual event takes at most. */
#define ALOG_EVENT(id, name, doc)                                                                  \
    enum { usual_bound_of_##name = HEAD_BOUND
#define ALOG_NAME(event, field, presence, otel, doc)                    +ALOG_TYPED_SHORT_BYTES
#define ALOG_TEXT(event, field, presence, otel, doc)                    +ALOG_TYPED_SHORT_BYTES
#define ALOG_JSON(event, field, presence, otel, doc)                    +ALOG_TYPED_SHORT_BYTES
#define ALOG_BOOLEAN(event, field, presence, otel, doc)                 +ALOG_TYPED_NUMBER_BYTES
#define ALOG_INTEGER(event, field, presence, unit, low, high, otel, doc) +ALOG_TYPED_NUMBER_BYTES
#define ALOG_REAL(event, field, presence, unit, low, high, otel, doc)   +ALOG_TYPED_NUMBER_BYTES
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc) +ALOG_TYPED_SHORT_BYTES
#define ALOG_EVENT_END(name)                                                                       \
    };                                                                                             \
    _Static_assert((unsigned)usual_bound_of_##name <= ALOG_MIN_EVENT_BYTES,                        \
                   "no option makes a usual event too big");
#include "format/catalogue.def"

/* ---- How much room at most --------------------------------------------------------------------- */

/* A length above this is no length; below it, no sum of them overflows. */
#define LONGEST_STRING UINT32_MAX

#define STRING_BOUND(field)                                                                        \
    constant += ALOG_TYPED_STRING_BYTES;                                                           \
    strings += event->field.data == NULL ? 0 : event->field.len;                                   \
    longest |= event->field.data == NULL ? 0 : event->field.len;
#define NUMBER_BOUND constant += ALOG_TYPED_NUMBER_BYTES;
#define ALOG_EVENT(id, name, doc)                                                                  \
    static inline uint64_t bound_of_##name(const struct alog_##name *event) {                      \
        uint64_t constant = HEAD_BOUND;                                                            \
        uint64_t strings = 0;                                                                      \
        uint64_t longest = 0;                                                                      \
        (void)event;
#define ALOG_NAME(name, field, presence, otel, doc)                     STRING_BOUND(field)
#define ALOG_TEXT(name, field, presence, otel, doc)                     STRING_BOUND(field)
#define ALOG_JSON(name, field, presence, otel, doc)                     STRING_BOUND(field)
#define ALOG_BOOLEAN(name, field, presence, otel, doc)                  NUMBER_BOUND
#define ALOG_INTEGER(name, field, presence, unit, low, high, otel, doc) NUMBER_BOUND
#define ALOG_REAL(name, field, presence, unit, low, high, otel, doc)    NUMBER_BOUND
#define ALOG_ENUMERATED(name, field, presence, enumeration, otel, doc)                             \
    constant += ALOG_TYPED_STRING_BYTES + 31;
#define ALOG_EVENT_END(name)                                                                       \
        return ALOG_UNLIKELY(longest > LONGEST_STRING) ? UINT32_MAX : constant + strings;          \
    }
#include "format/catalogue.def"

/* ---- The fields -------------------------------------------------------------------------------- */

/* `usual` is a constant where this is inlined: all strings are then short. */
#define PUT_STRING(text) at = usual ? alog_put_short_string(at, text) : alog_put_string(at, text);
#define ALOG_EVENT(id, name, doc)                                                                  \
    static inline __attribute__((always_inline)) uint8_t *put_##name(                              \
        uint8_t *at, const struct alog_##name *event, bool usual) {                                \
        (void)usual;
#define ALOG_NAME(name, field, presence, otel, doc) PUT_STRING(event->field)
#define ALOG_TEXT(name, field, presence, otel, doc) PUT_STRING(event->field)
#define ALOG_JSON(name, field, presence, otel, doc) PUT_STRING(event->field)
#define ALOG_BOOLEAN(name, field, presence, otel, doc)                                             \
    at = CHOOSE(presence, alog_mp_bool(at, event->field), alog_put_opt_bool(at, event->field));
#define ALOG_INTEGER(name, field, presence, unit, low, high, otel, doc)                            \
    at = CHOOSE(presence, alog_put_i64(at, event->field), alog_put_opt_i64(at, event->field));
#define ALOG_REAL(name, field, presence, unit, low, high, otel, doc)                               \
    at = CHOOSE(presence, alog_mp_f64(at, event->field), alog_put_opt_f64(at, event->field));
#define ALOG_ENUMERATED(name, field, presence, enumeration, otel, doc)                             \
    PUT_STRING(texts_of_##enumeration[event->field])
#define ALOG_EVENT_END(name)                                                                       \
        return at;                                                                                 \
    }
#include "format/catalogue.def"

/* ---- The same fields as values, for the general path ------------------------------------------- */

static struct alog_value string_value(struct alog_string text) {
    return (struct alog_value){.kind = text.data == NULL ? ALOG_VALUE_ABSENT : ALOG_VALUE_STRING,
                               .string = text};
}

static struct alog_value bool_value(struct alog_opt_bool value) {
    return (struct alog_value){.kind = value.present ? ALOG_VALUE_BOOL : ALOG_VALUE_ABSENT,
                               .boolean = value.value};
}

static struct alog_value i64_value(struct alog_opt_i64 value) {
    return (struct alog_value){.kind = value.present ? ALOG_VALUE_I64 : ALOG_VALUE_ABSENT,
                               .i64 = value.value};
}

static struct alog_value f64_value(struct alog_opt_f64 value) {
    return (struct alog_value){.kind = value.present ? ALOG_VALUE_F64 : ALOG_VALUE_ABSENT,
                               .f64 = value.value};
}

#define ALOG_EVENT(id, name, doc)                                                                  \
    static void values_of_##name(struct alog_value *at, const struct alog_##name *event) {
#define ALOG_NAME(name, field, presence, otel, doc) *at++ = string_value(event->field);
#define ALOG_TEXT(name, field, presence, otel, doc) *at++ = string_value(event->field);
#define ALOG_JSON(name, field, presence, otel, doc) *at++ = string_value(event->field);
#define ALOG_BOOLEAN(name, field, presence, otel, doc)                                             \
    *at++ = bool_value(CHOOSE(presence, ALOG_BOOL(event->field), event->field));
#define ALOG_INTEGER(name, field, presence, unit, low, high, otel, doc)                            \
    *at++ = i64_value(CHOOSE(presence, ALOG_I64(event->field), event->field));
#define ALOG_REAL(name, field, presence, unit, low, high, otel, doc)                               \
    *at++ = f64_value(CHOOSE(presence, ALOG_F64(event->field), event->field));
#define ALOG_ENUMERATED(name, field, presence, enumeration, otel, doc)                             \
    *at++ = string_value(texts_of_##enumeration[event->field]);
#define ALOG_EVENT_END(name) }
#include "format/catalogue.def"

/* ---- The calls --------------------------------------------------------------------------------- */

/* What every event begins with: the array's head, the type, the timestamp, the job. */
static inline uint8_t *put_head(uint8_t *at, uint32_t type, uint32_t fields, int64_t now) {
    _Static_assert(ALOG_FIRST_USER_TYPE <= 0x80, "the catalogue's types are one byte");
    if (3 + fields < 16) {
        const uint8_t opening[4] = {(uint8_t)(0x93 + fields), (uint8_t)type, 0xcf};
        memcpy(at, opening, sizeof opening); /* one store; the last byte is written again */
        at += 3;
    } else {
        at = alog_mp_uint(alog_mp_array_head(at, 3 + fields), type);
        *at++ = 0xcf;
    }
    return alog_put_job(alog_mp_store64(at, (uint64_t)now), alog_self.job);
}

/* job_start and job_end carry the job's id themselves; of the others this makes an absent one. */
static inline struct alog_string id_of_job_start(const struct alog_job_start *event) {
    return event->job_id;
}
static inline struct alog_string id_of_job_end(const struct alog_job_end *event) {
    return event->job_id;
}
static inline struct alog_string id_of_other(const void *event) {
    (void)event;
    return (struct alog_string){NULL, 0};
}
#define OWN_JOB_ID(event)                                                                          \
    _Generic((event), const struct alog_job_start *                                                \
             : id_of_job_start, const struct alog_job_end *                                        \
             : id_of_job_end, default                                                              \
             : id_of_other)(event)
#define IS_JOB_EVENT(id) ((id) == type_of_job_start || (id) == type_of_job_end)

/* Everything that is not usual: to be refused, with a context, long, without room. */
#define ALOG_EVENT(id, name, doc)                                                                  \
    static __attribute__((noinline, cold)) enum alog_status log_slowly_##name(                     \
        struct alog_writer *writer, const struct alog_##name *event) {                             \
        if (ALOG_UNLIKELY(!is_valid_##name(event))) {                                              \
            return alog_writer_refuse(writer);                                                     \
        }                                                                                          \
        if (ALOG_UNLIKELY(event->context != NULL || IS_JOB_EVENT(id))) {                           \
            struct alog_value values[fields_of_##name];                                            \
            values_of_##name(values, event);                                                       \
            return alog_log_catalogue_values(writer, id, values, fields_of_##name,                 \
                                             OWN_JOB_ID(event), event->context);                   \
        }                                                                                          \
        struct alog_record record;                                                                 \
        enum alog_status status = alog_record_begin(&record, writer, id, bound_of_##name(event));  \
        if (ALOG_UNLIKELY(status != ALOG_OK)) {                                                    \
            return status;                                                                         \
        }                                                                                          \
        int64_t now = alog_record_now(writer, record.ticks);                                       \
        uint8_t *at = put_head(record.payload, id, fields_of_##name, now);                         \
        return alog_record_end(&record, put_##name(at, event, false));                                    \
    }
#include "format/catalogue.def"

#define ALOG_EVENT(id, name, doc)                                                                  \
    enum alog_status alog_log_##name(struct alog_writer *writer,                                   \
                                     const struct alog_##name *event) {                            \
        uint64_t ticks = alog_clock_ticks();                                                       \
        if (ALOG_UNLIKELY(IS_JOB_EVENT(id) || !is_usual_##name(event))) {                          \
            return log_slowly_##name(writer, event);                                               \
        }                                                                                          \
        struct alog_ring_slot *slot = alog_self.slot;                                              \
        if (ALOG_UNLIKELY(alog_self.writer != writer || !alog_slot_enter(slot))) {                 \
            return log_slowly_##name(writer, event);                                               \
        }                                                                                          \
        if (ALOG_UNLIKELY(!alog_ring_has_room(&slot->producer, usual_bound_of_##name))) {          \
            alog_slot_leave(slot);                                                                 \
            return log_slowly_##name(writer, event);                                               \
        }                                                                                          \
        uint8_t *payload = alog_ring_place(&slot->producer);                                       \
        int64_t now = alog_record_now(writer, ticks);                                              \
        uint8_t *at = put_head(payload, id, fields_of_##name, now);                                \
        at = put_##name(at, event, true);                                                          \
        alog_ring_publish(&slot->producer, payload, (uint32_t)(at - payload), id);                 \
        alog_slot_leave(slot);                                                                     \
        return ALOG_OK;                                                                            \
    }
#include "format/catalogue.def"
