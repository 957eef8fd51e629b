/*
 * agentlog: what every part shares: status codes, errors, strings and values, and one event as a
 * reader or an importer sees it.
 *
 * Conventions of all public headers
 *   - Results: functions that can fail return `enum alog_status`; 0 is success. Outputs are named
 * `ret_…` and are untouched on failure. The last argument `struct alog_error *error` may be NULL;
 * it is filled in on failure.
 *   - Strings are `{data, len}`: they may hold NUL and invalid UTF-8. `data == NULL` means absent;
 * an empty string is present and has len 0. Inputs are copied before the call returns.
 *   - Units are in the names: `_ns`, `_us`, `_ms`, `_bytes`, `_count`. Times are nanoseconds since
 * 1970-01-01 UTC.
 *   - Memory: a handle is freed by its `close`; `close(NULL)` is fine. The library never exits,
 * never prints and installs no signal handler.
 */
#ifndef AGENTLOG_AGENTLOG_H
#define AGENTLOG_AGENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ALOG_VERSION_MAJOR 0
#define ALOG_VERSION_MINOR 1
#define ALOG_VERSION_PATCH 0
#define ALOG_VERSION_TEXT  "0.1.0"

/* The version of the segment format that this library writes; format/FORMAT.md has the history. */
#define ALOG_FORMAT_VERSION 1

#if defined(__GNUC__)
#define ALOG_API        __attribute__((visibility("default")))
#define ALOG_MUST_CHECK __attribute__((warn_unused_result))
#define ALOG_PRINTF(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))
#else
#define ALOG_API
#define ALOG_MUST_CHECK
#define ALOG_PRINTF(format_index, first_index)
#endif

/* ---- Status ---------------------------------------------------------------------------------- */

/*
 * One enum for all layers. The numbers are pinned: they never change their meaning.
 *   1..9    how a log call ended without storing the event
 *   10..29  the caller's input
 *   30..49  the system
 *   50..69  data that was read
 */
enum alog_status {
    ALOG_OK = 0,
    ALOG_DROPPED = 1,     /* the thread's ring was full; the event is counted as dropped */
    ALOG_TOO_BIG = 2,     /* the event exceeds max_event_bytes; counted as dropped */
    ALOG_CLOSED = 3,      /* the writer is closed; nothing is counted */
    ALOG_INVALID = 10,    /* an argument or a field breaks its contract; nothing was done */
    ALOG_LIMIT = 11,      /* a documented limit is reached */
    ALOG_NOT_FOUND = 12,  /* no such log, database, job, segment */
    ALOG_EXISTS = 13,     /* it is there already */
    ALOG_IO = 30,         /* a system call failed; error->system_errno says how */
    ALOG_NO_MEMORY = 31,  /* an allocation failed */
    ALOG_LOCKED = 32,     /* another process holds it */
    ALOG_READ_ONLY = 33,  /* it cannot be written */
    ALOG_CORRUPT = 50,    /* bytes that cannot be what they claim */
    ALOG_UNSUPPORTED = 51 /* a newer format or schema, or an unknown incompatible flag */
};

/* The pinned name of a status ("ALOG_OK"), never NULL. Any thread; no memory. */
ALOG_API const char *alog_status_name(enum alog_status status);

#define ALOG_ERROR_MESSAGE_BYTES 512

/* What went wrong. The caller owns it; the first failure wins. Cost: none until a failure. */
struct alog_error {
    enum alog_status status;
    int system_errno; /* errno of the failed call, 0 if none */
    int64_t offset;   /* byte offset in the file or line, -1 if it has no place */
    char message[ALOG_ERROR_MESSAGE_BYTES]; /* NUL-terminated: what, where, what to do */
};

/* ---- Strings and values ---------------------------------------------------------------------- */

struct alog_string {
    const char *data; /* NULL = absent */
    size_t len;       /* bytes */
};

/* A string literal, its length known at compile time. */
#define ALOG_STR(literal) ((struct alog_string){("" literal), sizeof(literal) - 1})

/* A NUL-terminated string; NULL gives an absent one. Costs a strlen. */
static inline struct alog_string alog_str(const char *text) {
    struct alog_string s = {text, text ? strlen(text) : 0};
    return s;
}

static inline bool alog_string_equal(struct alog_string a, struct alog_string b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Optional numbers: presence is a flag, never a sentinel. `.confidence = ALOG_F64(0.9)`; left out =
 * absent. */
struct alog_opt_i64 {
    int64_t value;
    bool present;
};
struct alog_opt_f64 {
    double value;
    bool present;
};
struct alog_opt_bool {
    bool value;
    bool present;
};
#define ALOG_I64(x)  ((struct alog_opt_i64){(x), true})
#define ALOG_F64(x)  ((struct alog_opt_f64){(x), true})
#define ALOG_BOOL(x) ((struct alog_opt_bool){(x), true})

/* What a value is. ALOG_JSON is JSON text that stands for a nested value (an array or an object).
 */
enum alog_value_kind {
    ALOG_VALUE_ABSENT = 0, /* not there: also what a null in a catalogue field means */
    ALOG_VALUE_NULL = 1,   /* an explicit null, in attributes only */
    ALOG_VALUE_BOOL = 2,
    ALOG_VALUE_I64 = 3,
    ALOG_VALUE_U64 = 4, /* only for integers above INT64_MAX */
    ALOG_VALUE_F64 = 5,
    ALOG_VALUE_STRING = 6,
    ALOG_VALUE_JSON = 7
};

struct alog_value {
    enum alog_value_kind kind;
    union {
        bool boolean;
        int64_t i64;
        uint64_t u64;
        double f64;
        struct alog_string string; /* STRING and JSON */
    };
};

/* A further scalar of an event that is not a field of its type; kept, never dropped. */
struct alog_attribute {
    struct alog_string
        name; /* 1..255 bytes; not a field of the event's type, nor a name that every event has */
    struct alog_value value;
};

/* ---- Event types ----------------------------------------------------------------------------- */

/* The kind of a field. NAME and ENUM strings repeat and are kept once per block. */
enum alog_field_kind {
    ALOG_FIELD_NAME = 1, /* text that repeats: names, models, ids */
    ALOG_FIELD_TEXT = 2, /* free text */
    ALOG_FIELD_JSON = 3, /* JSON text, or a nested value kept as such */
    ALOG_FIELD_BOOL = 4,
    ALOG_FIELD_I64 = 5,
    ALOG_FIELD_F64 = 6, /* may be carried as an integer when it was given as one */
    ALOG_FIELD_ENUM = 7 /* text out of a fixed list */
};

struct alog_field {
    const char *name;
    enum alog_field_kind kind;
    bool required;
    const char *unit;          /* "ms", "USD", …, or "" */
    const char *otel;          /* the OpenTelemetry attribute it is, or "" */
    const char *doc;           /* one line, without a full stop */
    const char *const *values; /* ENUM: the allowed texts, NULL-terminated; else NULL */
    double minimum, maximum;   /* allowed range of a number; both 0 = any */
};

/* An event type. Ids 1..63 are the catalogue's; 64..1023 are user-defined, numbered per writer. */
struct alog_event_type {
    uint32_t id;
    const char *name; /* NUL-terminated; name_len counts without it */
    size_t name_len;
    const char *doc;
    const struct alog_field *fields;
    uint32_t field_count;
};

#define ALOG_FIRST_USER_TYPE 64u
#define ALOG_MAX_TYPES       1024u /* ids are below this */
#define ALOG_MAX_FIELDS      64u   /* fields of one type */
#define ALOG_MAX_NAME_BYTES                                                                        \
    255u /* event, field and attribute names, environment, job_id, event_id */
#define ALOG_MAX_ATTRIBUTES  4096u /* attributes of one event */
#define ALOG_MAX_EVENT_BYTES (16u << 20)

/* The catalogue's types in id order, and how many. Any thread; static memory. */
ALOG_API const struct alog_event_type *alog_catalogue(size_t *ret_count);

/* The catalogue's type of that name, or NULL. Any thread; cost: a short search. */
ALOG_API const struct alog_event_type *alog_catalogue_find(struct alog_string name);

/*
 * One event as a reader yields it and as `alog_log_event` takes it. Everything it points to belongs
 * to whoever made it; a reader's event is valid until the reader's next call.
 */
struct alog_event {
    struct alog_string name;            /* always there */
    const struct alog_event_type *type; /* names the values; never NULL from a reader or parser: an
                                           unknown event has a type without fields */
    int64_t timestamp_ns;               /* ns since 1970-01-01 UTC */
    bool has_timestamp;                 /* false = now (input only) */
    struct alog_string job_id;          /* absent = none (input: that of the thread's job scope) */
    struct alog_string event_id;        /* given id; from a reader also "<writer id>-<sequence>" */
    struct alog_string environment;     /* from a reader always there */
    const struct alog_value *values;    /* value_count of them, in the order of type->fields */
    uint32_t value_count;               /* may be less than type->field_count: the rest is absent */
    const struct alog_attribute *attributes;
    uint32_t attribute_count;
    uint64_t writer_id; /* from a reader: who wrote it, */
    uint64_t sequence;  /* … and its number among that writer's events, from 1 */
};

#ifdef __cplusplus
}
#endif

#endif
