/*
 * bench_layout: what the layout of a block costs, on disk, in the writer and in the reader.
 *
 * The same stream of agent_execution events is laid out as positional arrays with every string
 * in place (PLAIN) and with a string table at the block's start (TABLE), the latter with several
 * encodings of timestamps and doubles. Every layout goes through what a drain thread does
 * (transcode from the ring's form, compress) and what an ingest does (decompress, decode, group).
 *
 * Layouts are measured in turn within each round, and medians over the rounds are shown beside
 * their ratio to PLAIN: on a shared machine the ratios hold where absolute times do not. Times
 * are CPU time of the one thread, so that being preempted does not count.
 *
 * Not included, since it is the same for every layout: block headers, the hash of the compressed
 * bytes, write(2). PLAIN is flattered a little: its writer would also have to hash each event's
 * job id for the block's Bloom filter, where a table lists each job once.
 */
#define _POSIX_C_SOURCE 200809L
#define XXH_INLINE_ALL

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xxhash.h>
#include <zstd.h>

/* Layouts differ by compile-time flags; without forced inlining they would share one slow loop. */
#define ALWAYS_INLINE     static inline __attribute__((always_inline))
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
/* A catalogue generates straight-line code for each event; unrolled, a loop over kinds is that. */
#define UNROLL_FIELDS   _Pragma("GCC unroll 16")
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum {
    KIB = 1024,
    SLACK_BYTES = 64, /* every buffer may be read and written this far past its end */
    MAX_ROUNDS = 64,
    MAX_BLOCK_BYTES = 1024 * KIB,
    MAX_EVENT_BYTES = 512,
    RECORD_HEADER_BYTES = 4,
};

static _Noreturn void __attribute__((format(printf, 1, 2))) die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("bench_layout: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void *allocate(size_t bytes) {
    void *memory = calloc(1, bytes + SLACK_BYTES);
    if (memory == NULL) {
        die("out of memory");
    }
    return memory;
}

/* Bytes and msgpack. */

ALWAYS_INLINE uint64_t load_u64(const uint8_t *from) {
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

ALWAYS_INLINE uint64_t load_be64(const uint8_t *from) {
    return __builtin_bswap64(load_u64(from));
}

ALWAYS_INLINE uint32_t load_be32(const uint8_t *from) {
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return __builtin_bswap32(value);
}

ALWAYS_INLINE uint32_t load_be16(const uint8_t *from) {
    return (uint32_t)from[0] << 8 | from[1];
}

ALWAYS_INLINE uint8_t *put_be(uint8_t *out, uint8_t tag, uint64_t value, unsigned bytes) {
    const uint64_t swapped = __builtin_bswap64(value << (64 - 8 * bytes));
    *out = tag;
    memcpy(out + 1, &swapped, sizeof swapped);
    return out + 1 + bytes;
}

ALWAYS_INLINE uint8_t *put_int(uint8_t *out, int64_t value) {
    const uint64_t bits = (uint64_t)value;
    if (value >= 0) {
        if (value < 0x80) {
            *out = (uint8_t)value;
            return out + 1;
        }
        if (value <= UINT8_MAX) {
            return put_be(out, 0xcc, bits, 1);
        }
        if (value <= UINT16_MAX) {
            return put_be(out, 0xcd, bits, 2);
        }
        if (value <= UINT32_MAX) {
            return put_be(out, 0xce, bits, 4);
        }
        return put_be(out, 0xcf, bits, 8);
    }
    if (value >= -32) {
        *out = (uint8_t)bits;
        return out + 1;
    }
    if (value >= INT8_MIN) {
        return put_be(out, 0xd0, bits, 1);
    }
    if (value >= INT16_MIN) {
        return put_be(out, 0xd1, bits, 2);
    }
    if (value >= INT32_MIN) {
        return put_be(out, 0xd2, bits, 4);
    }
    return put_be(out, 0xd3, bits, 8);
}

/* As put_int, without its branches, for a field whose values come in widths at random. */
ALWAYS_INLINE uint8_t *put_mixed_int(uint8_t *out, int64_t value) {
    /* By the number of bits: payload bytes, and the tag, or 0 for a fixint, which is its own. */
    static const uint8_t payloads[33] = {
        [8] = 1,  [9] = 2,  [10] = 2, [11] = 2, [12] = 2, [13] = 2, [14] = 2, [15] = 2, [16] = 2,
        [17] = 4, [18] = 4, [19] = 4, [20] = 4, [21] = 4, [22] = 4, [23] = 4, [24] = 4, [25] = 4,
        [26] = 4, [27] = 4, [28] = 4, [29] = 4, [30] = 4, [31] = 4, [32] = 4,
    };
    static const uint8_t tags[5] = {0, 0xcc, 0xcd, 0, 0xce};
    if (!LIKELY((uint64_t)value <= UINT32_MAX)) {
        return put_int(out, value);
    }
    const uint64_t bits = (uint64_t)value;
    const unsigned bytes = payloads[64 - __builtin_clzll(bits << 1 | 1) - 1];
    const uint64_t swapped = __builtin_bswap64(bits << ((64 - 8 * bytes) & 63));
    *out = (uint8_t)(bytes == 0 ? bits : tags[bytes]);
    memcpy(out + 1, &swapped, sizeof swapped);
    return out + 1 + bytes;
}

ALWAYS_INLINE uint64_t bits_of(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

ALWAYS_INLINE double double_of(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint8_t *put_string(uint8_t *out, const uint8_t *text, uint32_t length) {
    if (length < 32) {
        *out++ = (uint8_t)(0xa0 | length);
    } else if (length <= UINT8_MAX) {
        out = put_be(out, 0xd9, length, 1);
    } else if (length <= UINT16_MAX) {
        out = put_be(out, 0xda, length, 2);
    } else {
        out = put_be(out, 0xdb, length, 4);
    }
    memcpy(out, text, length);
    return out + length;
}

static uint8_t *put_array(uint8_t *out, uint32_t count) {
    if (count < 16) {
        *out = (uint8_t)(0x90 | count);
        return out + 1;
    }
    return count <= UINT16_MAX ? put_be(out, 0xdc, count, 2) : put_be(out, 0xdd, count, 4);
}

/* A reader's cursor. The first fault sticks, so that a walk needs one check per event. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

ALWAYS_INLINE bool cursor_has(struct cursor *in, size_t bytes) {
    if (LIKELY((size_t)(in->end - in->at) >= bytes)) {
        return true;
    }
    in->bad = true;
    in->at = in->end;
    return false;
}

ALWAYS_INLINE uint32_t get_array(struct cursor *in) {
    uint32_t count = 0;
    if (!cursor_has(in, 1)) {
        return 0;
    }
    const uint8_t tag = *in->at;
    if (LIKELY((tag & 0xf0) == 0x90)) {
        in->at += 1;
        return tag & 0x0f;
    }
    if (tag == 0xdc && cursor_has(in, 3)) {
        count = load_be16(in->at + 1);
        in->at += 3;
    } else if (tag == 0xdd && cursor_has(in, 5)) {
        count = load_be32(in->at + 1);
        in->at += 5;
    } else {
        in->bad = true;
    }
    return count;
}

static int64_t get_wide_int(struct cursor *in) {
    /* Payload bytes of tags 0xcc..0xd3; a table instead of eight cases. */
    static const uint8_t payload[8] = {1, 2, 4, 8, 1, 2, 4, 8};
    const uint8_t tag = *in->at;
    if (tag >= 0xe0) {
        in->at += 1;
        return (int64_t)tag - 256;
    }
    if (tag < 0xcc || tag > 0xd3 || !cursor_has(in, 1U + payload[tag - 0xcc])) {
        in->bad = true;
        return 0;
    }
    const unsigned bytes = payload[tag - 0xcc];
    const uint64_t aligned = load_be64(in->at + 1);
    const unsigned shift = 64 - 8 * bytes;
    in->at += 1 + bytes;
    if (tag >= 0xd0) {
        return (int64_t)aligned >> shift;
    }
    if (aligned >> shift > INT64_MAX) {
        in->bad = true;
        return 0;
    }
    return (int64_t)(aligned >> shift);
}

ALWAYS_INLINE int64_t get_int(struct cursor *in) {
    if (!cursor_has(in, 1)) {
        return 0;
    }
    if (LIKELY(*in->at < 0x80)) {
        return *in->at++;
    }
    return get_wide_int(in);
}

ALWAYS_INLINE const uint8_t *get_string(struct cursor *in, uint32_t *ret_length) {
    uint32_t length = 0;
    *ret_length = 0;
    if (!cursor_has(in, 1)) {
        return in->at;
    }
    const uint8_t tag = *in->at;
    if (LIKELY((tag & 0xe0) == 0xa0)) {
        length = tag & 0x1f;
        in->at += 1;
    } else if (tag == 0xd9 && cursor_has(in, 2)) {
        length = in->at[1];
        in->at += 2;
    } else if (tag == 0xda && cursor_has(in, 3)) {
        length = load_be16(in->at + 1);
        in->at += 3;
    } else if (tag == 0xdb && cursor_has(in, 5)) {
        length = load_be32(in->at + 1);
        in->at += 5;
    } else {
        in->bad = true;
        return in->at;
    }
    const uint8_t *text = in->at;
    if (cursor_has(in, length)) {
        in->at += length;
        *ret_length = length;
    }
    return text;
}

/* The event: agent_execution, five names and seven numbers, after its type and timestamp. */

enum field_kind { KIND_TYPE, KIND_TIME, KIND_NAME, KIND_BOOL, KIND_INT, KIND_REAL };

enum name_field { NAME_JOB, NAME_AGENT, NAME_ISSUE, NAME_PROVIDER, NAME_MODEL, NAME_FIELDS };

enum { FIELD_COUNT = 14, REAL_FIELDS = 2, INT_FIELDS = 4, EVENT_TYPE = 3 };

static const uint8_t field_kinds[FIELD_COUNT] = {
    KIND_TYPE, KIND_TIME, KIND_NAME, KIND_NAME, KIND_NAME, KIND_BOOL, KIND_REAL,
    KIND_INT,  KIND_INT,  KIND_INT,  KIND_REAL, KIND_NAME, KIND_NAME, KIND_INT,
};

struct text {
    const uint8_t *data;
    uint32_t length;
};

struct event {
    int64_t timestamp;
    double reals[REAL_FIELDS]; /* confidence, execution_time_ms */
    int64_t ints[INT_FIELDS];  /* fixes_applied, files_modified, remaining_issues, attempt */
    bool success;
    struct text names[NAME_FIELDS];     /* set by a reader of PLAIN */
    uint32_t name_indices[NAME_FIELDS]; /* set by a reader of TABLE */
};

/* The ring's form: a length, the event with strings in place, padding to 8 bytes. */
static size_t record_bytes(size_t event_bytes) {
    return (RECORD_HEADER_BYTES + event_bytes + 7) & ~(size_t)7;
}

static size_t put_record(uint8_t *record, const struct event *event) {
    uint8_t *out = put_array(record + RECORD_HEADER_BYTES, FIELD_COUNT);
    unsigned name = 0;
    unsigned real = 0;
    unsigned number = 0;
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        switch ((enum field_kind)field_kinds[field]) {
        case KIND_TYPE:
            out = put_int(out, EVENT_TYPE);
            break;
        case KIND_TIME:
            out = put_be(out, 0xd3, (uint64_t)event->timestamp, 8);
            break;
        case KIND_NAME:
            out = put_string(out, event->names[name].data, event->names[name].length);
            name++;
            break;
        case KIND_BOOL:
            *out++ = event->success ? 0xc3 : 0xc2;
            break;
        case KIND_INT:
            out = put_int(out, event->ints[number++]);
            break;
        case KIND_REAL:
            out = put_be(out, 0xcb, bits_of(event->reals[real++]), 8);
            break;
        }
    }
    const uint32_t length = (uint32_t)(out - record - RECORD_HEADER_BYTES);
    memcpy(record, &length, sizeof length);
    return record_bytes(length);
}

/* The workload. */

struct prng {
    uint64_t state;
};

/* splitmix64, by Sebastiano Vigna: tiny, and the same on every machine. */
static uint64_t prng_next(struct prng *prng) {
    uint64_t z = prng->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint32_t prng_below(struct prng *prng, uint32_t bound) {
    return (uint32_t)((prng_next(prng) >> 32) * bound >> 32);
}

static double prng_unit(struct prng *prng) {
    return ((double)(prng_next(prng) >> 11) + 0.5) * 0x1p-53;
}

static int64_t prng_geometric(struct prng *prng, double mean) {
    return (int64_t)(log(prng_unit(prng)) / log(mean / (mean + 1.0)));
}

static double prng_normal(struct prng *prng) {
    const double radius = sqrt(-2.0 * log(prng_unit(prng)));
    return radius * cos(6.283185307179586 * prng_unit(prng));
}

static const char agent_names[12][17] = {
    "RefactoringAgent", "SecurityFixAgent", "TestWritingAgent", "TypeCheckerAgent",
    "ImportOrderAgent", "DocStringerAgent", "DeadCodeCutAgent", "PerformanceAgent",
    "DependencyKeeper", "ComplexitySolver", "DuplicationAgent", "FormatRulesAgent",
};

static const char issue_types[9][13] = {
    "import_error", "test_failure", "format_error", "syntax_error", "lint_warning",
    "type_unknown", "unused_names", "security_bug", "slow_routine",
};

static const char provider_ids[5][9] = {"acme-llm", "nordmind", "openpool", "localrun", "edgehost"};

static const char model_names[12][17] = {
    "acme-large-2-pro", "acme-small-2-pro", "acme-coder-2-pro", "nord-9b-instruct",
    "nord-4b-instruct", "nord-1b-instruct", "pool-mixture-8x7", "pool-mixture-8x2",
    "local-coder-7b-q", "local-coder-3b-q", "edge-mini-latest", "edge-base-latest",
};

static const uint8_t provider_of_model[12] = {0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4};

enum {
    THREADS = 8,
    MAX_LANES = 7,
    JOB_ID_BYTES = 16,
    MEAN_GAP_NS = 1000,      /* over all threads: full load */
    DRAIN_TURN_NS = 2000000, /* how much of each ring the drain thread takes at a time */
};

static const uint8_t lanes_of_thread[THREADS] = {1, 2, 3, 4, 4, 5, 6, 7}; /* 32 jobs at a time */

struct lane {
    uint8_t job_id[JOB_ID_BYTES];
    uint32_t events_left;
};

struct thread {
    int64_t clock;
    struct lane lanes[MAX_LANES];
};

struct workload {
    const char *name;
    uint8_t *ring;
    size_t ring_bytes;
    size_t event_count;
    uint64_t digest; /* of what an aggregate of it comes to, once one is known */
};

static const uint8_t *lane_job_id(struct lane *lane, struct prng *prng) {
    if (lane->events_left == 0) {
        lane->events_left = 125 + prng_below(prng, 251);
        const uint64_t id = prng_next(prng);
        for (unsigned i = 0; i < JOB_ID_BYTES; i++) {
            lane->job_id[i] = (uint8_t) "0123456789abcdef"[id >> 4 * i & 15];
        }
    }
    lane->events_left--;
    return lane->job_id;
}

static struct text text_of(const char *string) {
    return (struct text){(const uint8_t *)string, (uint32_t)strlen(string)};
}

static void make_event(struct event *event, struct thread *thread, unsigned lane_count,
                       bool rounded, struct prng *prng) {
    struct lane *lane = &thread->lanes[prng_below(prng, lane_count)];
    const uint32_t a = prng_below(prng, COUNT_OF(agent_names));
    const uint32_t b = prng_below(prng, COUNT_OF(agent_names));
    const uint32_t model = prng_below(prng, COUNT_OF(model_names));
    const double certainty = fmax(prng_unit(prng), prng_unit(prng));
    const double duration_ms = exp(prng_normal(prng) * 1.2 + 6.7); /* median 0.8 s */

    event->timestamp = thread->clock;
    event->names[NAME_JOB] = (struct text){lane_job_id(lane, prng), JOB_ID_BYTES};
    event->names[NAME_AGENT] = text_of(agent_names[a < b ? a : b]); /* some are busier */
    event->names[NAME_ISSUE] = text_of(issue_types[prng_below(prng, COUNT_OF(issue_types))]);
    event->names[NAME_PROVIDER] = text_of(provider_ids[provider_of_model[model]]);
    event->names[NAME_MODEL] = text_of(model_names[model]);
    event->success = prng_unit(prng) < 0.8;
    event->reals[0] = rounded ? floor(certainty * 1001.0) / 1000.0 : certainty;
    event->reals[1] = rounded ? floor(duration_ms * 1000.0) / 1000.0 : duration_ms;
    event->ints[0] = prng_geometric(prng, 1.5);
    event->ints[1] = prng_geometric(prng, 1.0);
    event->ints[2] = prng_geometric(prng, 2.0);
    event->ints[3] = 1 + prng_geometric(prng, 0.3);
}

/*
 * Events in the order in which one drain thread finds them: a run of each thread's ring in turn, so
 * that time goes back at the start of a run, and few jobs are interleaved within one.
 */
static void workload_make(struct workload *workload, size_t event_count, bool rounded,
                          uint64_t seed) {
    struct prng prng = {seed};
    struct thread threads[THREADS];
    const int64_t start = INT64_C(1770206400000000000);
    int64_t turn_end = start;

    memset(threads, 0, sizeof threads);
    for (unsigned i = 0; i < THREADS; i++) {
        threads[i].clock = start + prng_below(&prng, MEAN_GAP_NS * THREADS);
    }
    workload->name = rounded ? "rounded" : "entropy";
    workload->event_count = event_count;
    workload->ring = allocate(event_count * 128 + MAX_EVENT_BYTES);
    workload->ring_bytes = 0;
    workload->digest = 0;
    for (size_t made = 0, turn = 0; made < event_count; turn++) {
        struct thread *thread = &threads[turn % THREADS];
        if (turn % THREADS == 0) {
            turn_end += DRAIN_TURN_NS;
        }
        for (; thread->clock < turn_end && made < event_count; made++) {
            struct event event;
            make_event(&event, thread, lanes_of_thread[turn % THREADS], rounded, &prng);
            workload->ring_bytes += put_record(workload->ring + workload->ring_bytes, &event);
            thread->clock += (int64_t)(-log(prng_unit(&prng)) * MEAN_GAP_NS * THREADS);
        }
    }
}

/* Names to numbers: the writer's table of one block, and the reader's of the whole run. */

enum { CACHE_SLOTS = 256, MAX_NAMES = 1 << 15, HASH_SLOTS = 1 << 16 };

/*
 * A direct-mapped cache per field, before the hash table. Its key is the length and the first and
 * last 8 bytes, which is all there is of a name of up to 16 bytes: a hit needs no hash of the
 * text, no pointer to follow and, since every lookup takes the same way, no mispredicted branch
 * (which is why there is no test for "same as last time" before it). The number is kept as the
 * msgpack bytes to write as well.
 */
struct cache_slot {
    uint64_t head;
    uint64_t tail;
    uint32_t length;
    uint32_t epoch;
    uint32_t number;
    uint32_t code; /* up to 3 bytes of msgpack, in memory order; the last byte is their count */
};

struct hash_slot {
    uint64_t hash;
    uint32_t epoch;
    uint32_t number;
};

struct interner {
    uint32_t epoch; /* a slot of another epoch is empty, so that a new block clears nothing */
    uint32_t count;
    size_t text_bytes;
    uint8_t *text; /* the names as msgpack strings: the table's body, ready to be copied */
    struct text names[MAX_NAMES];
    struct hash_slot slots[HASH_SLOTS];
    struct cache_slot cache[NAME_FIELDS][CACHE_SLOTS];
};

static void interner_init(struct interner *interner) {
    memset(interner, 0, sizeof *interner);
    interner->epoch = 1;
    interner->text = allocate(MAX_BLOCK_BYTES + MAX_EVENT_BYTES);
}

static void interner_clear(struct interner *interner) {
    interner->epoch++;
    interner->count = 0;
    interner->text_bytes = 0;
}

static uint32_t interner_find_or_add(struct interner *interner, const uint8_t *data,
                                     uint32_t length) {
    const uint64_t hash = XXH3_64bits(data, length);
    size_t at = hash % HASH_SLOTS;
    for (; interner->slots[at].epoch == interner->epoch; at = (at + 1) % HASH_SLOTS) {
        const struct hash_slot *slot = &interner->slots[at];
        const struct text *name = &interner->names[slot->number];
        if (slot->hash == hash && name->length == length && memcmp(name->data, data, length) == 0) {
            return slot->number;
        }
    }
    if (interner->count == MAX_NAMES || interner->text_bytes + length + 5 > MAX_BLOCK_BYTES) {
        die("too many names for one table");
    }
    uint8_t *end = put_string(interner->text + interner->text_bytes, data, length);
    interner->text_bytes = (size_t)(end - interner->text);
    interner->names[interner->count] = (struct text){end - length, length};
    interner->slots[at] = (struct hash_slot){hash, interner->epoch, interner->count};
    return interner->count++;
}

static __attribute__((noinline)) void interner_fill(struct interner *interner,
                                                    struct cache_slot *slot, const uint8_t *data,
                                                    uint32_t length, uint64_t head, uint64_t tail) {
    const uint32_t number = interner_find_or_add(interner, data, length);
    uint8_t code[16] = {0};
    const uint8_t code_bytes = (uint8_t)(put_int(code, number) - code);
    code[3] = code_bytes;
    *slot = (struct cache_slot){head, tail, length, interner->epoch, number, 0};
    memcpy(&slot->code, code, sizeof slot->code);
}

ALWAYS_INLINE const struct cache_slot *interner_look(struct interner *interner, unsigned field,
                                                     const uint8_t *data, uint32_t length) {
    uint64_t head = load_u64(data);
    uint64_t tail = 0;
    if (LIKELY(length >= 8)) {
        tail = load_u64(data + length - 8);
    } else {
        head &= (UINT64_C(1) << 8 * length) - 1;
    }
    const uint64_t mixed = (head ^ (tail << 23 | tail >> 41)) * 0x9e3779b97f4a7c15;
    struct cache_slot *slot = &interner->cache[field][mixed >> 56];
    _Static_assert(CACHE_SLOTS == 256, "the cache is addressed by the hash's top 8 bits");
    const bool same = slot->head == head && slot->tail == tail && slot->length == length &&
                      slot->epoch == interner->epoch;
    if (!LIKELY(same) ||
        (length > 16 && memcmp(interner->names[slot->number].data, data, length) != 0)) {
        interner_fill(interner, slot, data, length, head, tail);
    }
    return slot;
}

/* Writing a block. */

enum layout_flag {
    LAYOUT_TABLE = 1,   /* names by number, the block begins with the table */
    LAYOUT_OFFSET = 2,  /* timestamp less the block's first; signed, since threads overlap */
    LAYOUT_DELTA = 4,   /* timestamp less the event's before, in the same block */
    LAYOUT_FLOAT32 = 8, /* a double that a float32 holds exactly is one */
    LAYOUT_MILLI = 16,  /* a double that is n / 1000.0 exactly is the integer n */
};

struct encoder {
    struct interner *interner;
    uint8_t *room; /* for the table, which is complete only after the events, then the events */
    const uint8_t *block;
    size_t block_bytes;
    size_t event_count;
    int64_t min_timestamp; /* for the block's header: kept since finding them is part of the cost */
    int64_t max_timestamp;
};

ALWAYS_INLINE uint8_t *put_real(unsigned layout, uint8_t *out, uint64_t bits) {
    const double value = double_of(bits);
    if ((layout & LAYOUT_MILLI) != 0) {
        const double scaled = value * 1000.0;
        if (scaled < 0x1p53 && scaled > -0x1p53) { /* false for NaN too */
            const int64_t number = (int64_t)(scaled + (scaled < 0.0 ? -0.5 : 0.5));
            if (bits_of((double)number / 1000.0) == bits) { /* as bits: -0.0 is not 0 */
                return put_mixed_int(out, number);
            }
        }
    }
    if ((layout & LAYOUT_FLOAT32) != 0) {
        const float narrow = (float)value;
        uint32_t narrow_bits;
        memcpy(&narrow_bits, &narrow, sizeof narrow_bits);
        if (bits_of((double)narrow) == bits) {
            return put_be(out, 0xca, narrow_bits, 4);
        }
    }
    return put_be(out, 0xcb, bits, 8);
}

/* The producer wrote the record, so that its form is known and needs no checking here. */
ALWAYS_INLINE uint8_t *encode_event(unsigned layout, struct encoder *encoder, const uint8_t *at,
                                    int64_t *base_timestamp, uint8_t *out) {
    unsigned name = 0;
    *out++ = *at++;
    UNROLL_FIELDS
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        switch ((enum field_kind)field_kinds[field]) {
        case KIND_TYPE:
        case KIND_BOOL:
            *out++ = *at++;
            break;
        case KIND_TIME:
            if ((layout & (LAYOUT_OFFSET | LAYOUT_DELTA)) != 0) {
                const int64_t timestamp = (int64_t)load_be64(at + 1);
                out = put_int(out, timestamp - *base_timestamp);
                if ((layout & LAYOUT_DELTA) != 0) {
                    *base_timestamp = timestamp;
                }
            } else {
                memcpy(out, at, 9);
                out += 9;
            }
            at += 9;
            break;
        case KIND_NAME: {
            struct cursor in = {at, at + MAX_EVENT_BYTES, false};
            uint32_t length;
            const uint8_t *data = get_string(&in, &length);
            const struct cache_slot *slot = interner_look(encoder->interner, name++, data, length);
            memcpy(out, &slot->code, sizeof slot->code);
            out += slot->code >> 24;
            at = in.at;
            break;
        }
        case KIND_INT:
            if (LIKELY(*at < 0x80)) {
                *out++ = *at++;
            } else {
                struct cursor in = {at, at + MAX_EVENT_BYTES, false};
                out = put_int(out, get_wide_int(&in));
                at = in.at;
            }
            break;
        case KIND_REAL:
            if ((layout & (LAYOUT_MILLI | LAYOUT_FLOAT32)) != 0) {
                out = put_real(layout, out, load_be64(at + 1));
            } else {
                memcpy(out, at, 9);
                out += 9;
            }
            at += 9;
            break;
        }
    }
    return out;
}

/* Takes records until the block has `target` bytes; returns how many bytes of the ring it took. */
ALWAYS_INLINE size_t encode_block_as(unsigned layout, struct encoder *encoder, const uint8_t *ring,
                                     size_t ring_bytes, size_t target) {
    struct interner *interner = encoder->interner;
    uint8_t *const events = encoder->room + MAX_BLOCK_BYTES + MAX_EVENT_BYTES;
    uint8_t *out = events;
    const uint8_t *at = ring;
    const int64_t first_timestamp = (int64_t)load_be64(ring + RECORD_HEADER_BYTES + 3);
    int64_t base_timestamp = first_timestamp;
    int64_t min_timestamp = INT64_MAX;
    int64_t max_timestamp = INT64_MIN;
    size_t event_count = 0;

    interner_clear(interner);
    while (at < ring + ring_bytes && (size_t)(out - events) + interner->text_bytes < target) {
        const uint8_t *event = at + RECORD_HEADER_BYTES;
        uint32_t length;
        memcpy(&length, at, sizeof length);
        const int64_t timestamp = (int64_t)load_be64(event + 3);
        min_timestamp = timestamp < min_timestamp ? timestamp : min_timestamp;
        max_timestamp = timestamp > max_timestamp ? timestamp : max_timestamp;
        if ((layout & LAYOUT_TABLE) != 0) {
            out = encode_event(layout, encoder, event, &base_timestamp, out);
        } else {
            memcpy(out, event, length);
            out += length;
        }
        at += record_bytes(length);
        event_count++;
    }

    uint8_t *start = events;
    if ((layout & LAYOUT_TABLE) != 0) {
        uint8_t head[32];
        uint8_t *head_end = head;
        if ((layout & (LAYOUT_OFFSET | LAYOUT_DELTA)) != 0) {
            head_end = put_array(head_end, 2);
            head_end = put_int(head_end, first_timestamp);
        }
        head_end = put_array(head_end, interner->count);
        start -= interner->text_bytes;
        memcpy(start, interner->text, interner->text_bytes);
        start -= head_end - head;
        memcpy(start, head, (size_t)(head_end - head));
    }
    encoder->block = start;
    encoder->block_bytes = (size_t)(out - start);
    encoder->event_count = event_count;
    encoder->min_timestamp = min_timestamp;
    encoder->max_timestamp = max_timestamp;
    return (size_t)(at - ring);
}

/* Reading a block. */

struct decoder {
    struct cursor in;
    int64_t base_timestamp;
    uint32_t name_count;
    struct text names[MAX_NAMES];
};

ALWAYS_INLINE void decode_head(unsigned layout, struct decoder *decoder, const uint8_t *block,
                               size_t block_bytes) {
    struct cursor in = {block, block + block_bytes, false};
    decoder->name_count = 0;
    if ((layout & LAYOUT_TABLE) != 0) {
        if ((layout & (LAYOUT_OFFSET | LAYOUT_DELTA)) != 0) {
            in.bad = get_array(&in) != 2 || in.bad;
            decoder->base_timestamp = get_int(&in);
        }
        const uint32_t count = get_array(&in);
        if (count > MAX_NAMES) {
            in.bad = true;
        }
        for (uint32_t i = 0; i < count && !in.bad; i++) {
            decoder->names[i].data = get_string(&in, &decoder->names[i].length);
            decoder->name_count = i + 1;
        }
    }
    decoder->in = in;
}

ALWAYS_INLINE double get_real(unsigned layout, struct cursor *in) {
    if (!cursor_has(in, 1)) {
        return 0.0;
    }
    if ((layout & LAYOUT_FLOAT32) != 0 && *in->at == 0xca && cursor_has(in, 5)) {
        const uint32_t bits = load_be32(in->at + 1);
        float narrow;
        memcpy(&narrow, &bits, sizeof narrow);
        in->at += 5;
        return (double)narrow;
    }
    if ((layout & LAYOUT_MILLI) != 0 && *in->at != 0xcb) {
        return (double)get_int(in) / 1000.0;
    }
    if (*in->at != 0xcb || !cursor_has(in, 9)) {
        in->bad = true;
        return 0.0;
    }
    const double value = double_of(load_be64(in->at + 1));
    in->at += 9;
    return value;
}

ALWAYS_INLINE bool decode_event(unsigned layout, struct decoder *decoder, struct event *event) {
    struct cursor in = decoder->in;
    unsigned name = 0;
    unsigned real = 0;
    unsigned number = 0;
    in.bad = get_array(&in) != FIELD_COUNT || in.bad;
    UNROLL_FIELDS
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        switch ((enum field_kind)field_kinds[field]) {
        case KIND_TYPE:
            in.bad = get_int(&in) != EVENT_TYPE || in.bad;
            break;
        case KIND_TIME: {
            int64_t timestamp = get_int(&in);
            if ((layout & (LAYOUT_OFFSET | LAYOUT_DELTA)) != 0) {
                /* Unsigned, since a damaged block must not overflow a signed sum. */
                timestamp = (int64_t)((uint64_t)decoder->base_timestamp + (uint64_t)timestamp);
                if ((layout & LAYOUT_DELTA) != 0) {
                    decoder->base_timestamp = timestamp;
                }
            }
            event->timestamp = timestamp;
            break;
        }
        case KIND_NAME:
            if ((layout & LAYOUT_TABLE) != 0) {
                const uint64_t index = (uint64_t)get_int(&in);
                in.bad = index >= decoder->name_count || in.bad;
                event->name_indices[name] = (uint32_t)index;
            } else {
                event->names[name].data = get_string(&in, &event->names[name].length);
            }
            name++;
            break;
        case KIND_BOOL:
            if (cursor_has(&in, 1)) {
                const uint8_t tag = *in.at++;
                in.bad = (tag & 0xfe) != 0xc2 || in.bad;
                event->success = tag == 0xc3;
            }
            break;
        case KIND_INT:
            event->ints[number++] = get_int(&in);
            break;
        case KIND_REAL:
            event->reals[real++] = get_real(layout, &in);
            break;
        }
    }
    decoder->in = in;
    return !in.bad;
}

/* What an aggregator does with it: sums by (agent, issue type, provider, model). */

enum { GROUP_SLOTS = 1 << 13 };

struct group {
    uint64_t key;
    uint64_t event_count;
    uint64_t success_count;
    double confidence_sum;
    double execution_time_ms_sum;
    int64_t fixes_sum;
};

struct aggregate {
    struct interner *interner;
    struct group *groups;
    uint32_t group_count;
    uint64_t event_count;
    uint64_t attempt_sum;
    uint64_t timestamp_sum;
};

static void aggregate_clear(struct aggregate *aggregate) {
    interner_clear(aggregate->interner);
    memset(aggregate->groups, 0, GROUP_SLOTS * sizeof *aggregate->groups);
    aggregate->group_count = 0;
    aggregate->event_count = 0;
    aggregate->attempt_sum = 0;
    aggregate->timestamp_sum = 0;
}

ALWAYS_INLINE struct group *aggregate_group(struct aggregate *aggregate, uint64_t key) {
    size_t at = key * 0x9e3779b97f4a7c15 >> 51;
    _Static_assert(GROUP_SLOTS == 1 << 13, "groups are addressed by the hash's top 13 bits");
    for (;; at = (at + 1) % GROUP_SLOTS) {
        struct group *group = &aggregate->groups[at];
        if (LIKELY(group->key == key)) {
            return group;
        }
        if (group->event_count == 0) {
            if (++aggregate->group_count == GROUP_SLOTS) {
                die("too many groups");
            }
            group->key = key;
            return group;
        }
    }
}

ALWAYS_INLINE void walk_block_as(unsigned layout, struct decoder *decoder,
                                 struct aggregate *aggregate, const uint8_t *block,
                                 size_t block_bytes) {
    static const uint8_t keys[4] = {NAME_AGENT, NAME_ISSUE, NAME_PROVIDER, NAME_MODEL};
    uint16_t numbers[MAX_NAMES];
    struct event event = {0};

    decode_head(layout, decoder, block, block_bytes);
    for (uint32_t i = 0; i < decoder->name_count; i++) {
        const struct text *name = &decoder->names[i];
        numbers[i] = (uint16_t)interner_find_or_add(aggregate->interner, name->data, name->length);
    }
    while (decoder->in.at < decoder->in.end) {
        if (!decode_event(layout, decoder, &event)) {
            die("a block cannot be decoded");
        }
        uint64_t key = 0;
        for (unsigned i = 0; i < COUNT_OF(keys); i++) {
            if ((layout & LAYOUT_TABLE) != 0) {
                key = key << 16 | numbers[event.name_indices[keys[i]]];
            } else {
                const struct text *name = &event.names[keys[i]];
                key = key << 16 |
                      interner_look(aggregate->interner, keys[i], name->data, name->length)->number;
            }
        }
        struct group *group = aggregate_group(aggregate, key);
        group->event_count++;
        group->success_count += event.success;
        group->confidence_sum += event.reals[0];
        group->execution_time_ms_sum += event.reals[1];
        group->fixes_sum += event.ints[0] + event.ints[1] + event.ints[2];
        aggregate->event_count++;
        aggregate->attempt_sum += (uint64_t)event.ints[3];
        aggregate->timestamp_sum += (uint64_t)event.timestamp;
    }
}

/* Not by key, since a layout numbers names as it meets them; exact, since sums have one order. */
static uint64_t aggregate_digest(const struct aggregate *aggregate) {
    uint64_t digest = aggregate->attempt_sum * 31 + aggregate->timestamp_sum;
    for (size_t i = 0; i < GROUP_SLOTS; i++) {
        struct group group = aggregate->groups[i];
        group.key = 0;
        digest += XXH3_64bits(&group, sizeof group);
    }
    return digest;
}

/* The layouts, each with its own copy of the loops above. */

struct layout {
    const char *name;
    unsigned flags;
    size_t (*encode_block)(struct encoder *encoder, const uint8_t *ring, size_t ring_bytes,
                           size_t target);
    void (*decode_head)(struct decoder *decoder, const uint8_t *block, size_t block_bytes);
    bool (*decode_event)(struct decoder *decoder, struct event *event);
    void (*walk_block)(struct decoder *decoder, struct aggregate *aggregate, const uint8_t *block,
                       size_t block_bytes);
};

#define DEFINE_LAYOUT(suffix, flags)                                                               \
    static size_t encode_block_##suffix(struct encoder *encoder, const uint8_t *ring,              \
                                        size_t ring_bytes, size_t target) {                        \
        return encode_block_as(flags, encoder, ring, ring_bytes, target);                          \
    }                                                                                              \
    static void decode_head_##suffix(struct decoder *decoder, const uint8_t *block,                \
                                     size_t block_bytes) {                                         \
        decode_head(flags, decoder, block, block_bytes);                                           \
    }                                                                                              \
    static bool decode_event_##suffix(struct decoder *decoder, struct event *event) {              \
        return decode_event(flags, decoder, event);                                                \
    }                                                                                              \
    static void walk_block_##suffix(struct decoder *decoder, struct aggregate *aggregate,          \
                                    const uint8_t *block, size_t block_bytes) {                    \
        walk_block_as(flags, decoder, aggregate, block, block_bytes);                              \
    }

#define LAYOUT(name, suffix, flags)                                                                \
    {                                                                                              \
        name, flags, encode_block_##suffix, decode_head_##suffix, decode_event_##suffix,           \
            walk_block_##suffix                                                                    \
    }

DEFINE_LAYOUT(plain, 0)
DEFINE_LAYOUT(table, LAYOUT_TABLE)
DEFINE_LAYOUT(offset, LAYOUT_TABLE | LAYOUT_OFFSET)
DEFINE_LAYOUT(delta, LAYOUT_TABLE | LAYOUT_DELTA)
DEFINE_LAYOUT(float32, LAYOUT_TABLE | LAYOUT_OFFSET | LAYOUT_FLOAT32)
DEFINE_LAYOUT(milli, LAYOUT_TABLE | LAYOUT_MILLI)
DEFINE_LAYOUT(offset_milli, LAYOUT_TABLE | LAYOUT_OFFSET | LAYOUT_MILLI)
DEFINE_LAYOUT(delta_milli, LAYOUT_TABLE | LAYOUT_DELTA | LAYOUT_MILLI)

enum layout_id { PLAIN, TABLE, OFFSET, DELTA, FLOAT32, MILLI, OFFSET_MILLI, DELTA_MILLI, LAYOUTS };

static const struct layout layouts[LAYOUTS] = {
    LAYOUT("PLAIN", plain, 0),
    LAYOUT("TABLE", table, LAYOUT_TABLE),
    LAYOUT("TABLE+TSOFF", offset, LAYOUT_TABLE | LAYOUT_OFFSET),
    LAYOUT("TABLE+TSDELTA", delta, LAYOUT_TABLE | LAYOUT_DELTA),
    LAYOUT("TABLE+TSOFF+F32", float32, LAYOUT_TABLE | LAYOUT_OFFSET | LAYOUT_FLOAT32),
    LAYOUT("TABLE+MILLI", milli, LAYOUT_TABLE | LAYOUT_MILLI),
    LAYOUT("TABLE+TSOFF+MILLI", offset_milli, LAYOUT_TABLE | LAYOUT_OFFSET | LAYOUT_MILLI),
    LAYOUT("TABLE+TSDELTA+MILLI", delta_milli, LAYOUT_TABLE | LAYOUT_DELTA | LAYOUT_MILLI),
};

/* Measuring. */

/* Zero is "as the level says", here as in zstd. */
struct setting {
    const char *name;
    int level;
    int strategy;
    int min_match;
    int hash_log;
    int chain_log;
    int target_length;
    int window_log;
};

enum metric { TRANSCODE, COMPRESS, DECOMPRESS, WALK, METRICS };

struct trial {
    struct workload *workload;
    size_t target;
    const struct layout *layout;
    const struct setting *setting;
    size_t baseline; /* the trial that this one's ratios refer to */
    uint64_t raw_bytes;
    uint64_t stored_bytes;
    double ns[METRICS][MAX_ROUNDS]; /* per event */
};

struct bench {
    struct encoder encoder;
    struct decoder *decoder;
    struct aggregate aggregate;
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    uint8_t *compressed;
    size_t compressed_room;
    uint8_t *decompressed;
};

static size_t zstd_check(size_t result) {
    if (ZSTD_isError(result)) {
        die("zstd: %s", ZSTD_getErrorName(result));
    }
    return result;
}

static void bench_open(struct bench *bench) {
    memset(bench, 0, sizeof *bench);
    bench->encoder.interner = allocate(sizeof *bench->encoder.interner);
    bench->encoder.room = allocate(2 * (MAX_BLOCK_BYTES + MAX_EVENT_BYTES));
    bench->decoder = allocate(sizeof *bench->decoder);
    bench->aggregate.interner = allocate(sizeof *bench->aggregate.interner);
    bench->aggregate.groups = allocate(GROUP_SLOTS * sizeof *bench->aggregate.groups);
    bench->compressed_room = ZSTD_compressBound(2 * MAX_BLOCK_BYTES);
    bench->compressed = allocate(bench->compressed_room);
    bench->decompressed = allocate(2 * MAX_BLOCK_BYTES);
    bench->compressor = ZSTD_createCCtx();
    bench->decompressor = ZSTD_createDCtx();
    if (bench->compressor == NULL || bench->decompressor == NULL) {
        die("out of memory");
    }
    interner_init(bench->encoder.interner);
    interner_init(bench->aggregate.interner);
}

static void bench_close(struct bench *bench) {
    ZSTD_freeCCtx(bench->compressor);
    ZSTD_freeDCtx(bench->decompressor);
    free(bench->encoder.interner->text);
    free(bench->encoder.interner);
    free(bench->encoder.room);
    free(bench->decoder);
    free(bench->aggregate.interner->text);
    free(bench->aggregate.interner);
    free(bench->aggregate.groups);
    free(bench->compressed);
    free(bench->decompressed);
}

static void bench_set(struct bench *bench, const struct setting *setting) {
    ZSTD_CCtx *compressor = bench->compressor;
    const struct {
        ZSTD_cParameter parameter;
        int value;
    } values[] = {
        {ZSTD_c_compressionLevel, setting->level}, {ZSTD_c_checksumFlag, 1},
        {ZSTD_c_strategy, setting->strategy},      {ZSTD_c_minMatch, setting->min_match},
        {ZSTD_c_hashLog, setting->hash_log},       {ZSTD_c_chainLog, setting->chain_log},
        {ZSTD_c_windowLog, setting->window_log},   {ZSTD_c_targetLength, setting->target_length},
    };
    zstd_check(ZSTD_CCtx_reset(compressor, ZSTD_reset_session_and_parameters));
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        if (values[i].value != 0) {
            zstd_check(ZSTD_CCtx_setParameter(compressor, values[i].parameter, values[i].value));
        }
    }
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Block by block through all four steps, so that each finds its input as warm as it really is. */
static void trial_run(struct trial *trial, struct bench *bench, unsigned round) {
    struct workload *workload = trial->workload;
    struct encoder *encoder = &bench->encoder;
    double ns[METRICS] = {0.0};

    bench_set(bench, trial->setting);
    aggregate_clear(&bench->aggregate);
    trial->raw_bytes = 0;
    trial->stored_bytes = 0;
    for (size_t at = 0; at < workload->ring_bytes;) {
        const double start = now_ns();
        at += trial->layout->encode_block(encoder, workload->ring + at, workload->ring_bytes - at,
                                          trial->target);
        const double encoded = now_ns();
        const size_t stored =
            zstd_check(ZSTD_compress2(bench->compressor, bench->compressed, bench->compressed_room,
                                      encoder->block, encoder->block_bytes));
        const double compressed = now_ns();
        const size_t raw =
            zstd_check(ZSTD_decompressDCtx(bench->decompressor, bench->decompressed,
                                           2 * MAX_BLOCK_BYTES, bench->compressed, stored));
        const double decompressed = now_ns();
        trial->layout->walk_block(bench->decoder, &bench->aggregate, bench->decompressed, raw);
        const double walked = now_ns();
        ns[TRANSCODE] += encoded - start;
        ns[COMPRESS] += compressed - encoded;
        ns[DECOMPRESS] += decompressed - compressed;
        ns[WALK] += walked - decompressed;
        trial->raw_bytes += raw;
        trial->stored_bytes += stored;
    }
    const uint64_t digest = aggregate_digest(&bench->aggregate);
    workload->digest = workload->digest == 0 ? digest : workload->digest;
    if (bench->aggregate.event_count != workload->event_count || workload->digest != digest) {
        die("%s: the aggregate is wrong", trial->layout->name);
    }
    for (unsigned metric = 0; metric < METRICS; metric++) {
        trial->ns[metric][round] = ns[metric] / (double)workload->event_count;
    }
}

/* Encodes, compresses, decompresses, decodes and puts back into the ring's form: the same bytes. */
static void verify(const struct workload *workload, const struct layout *layout, size_t target,
                   struct bench *bench) {
    static const struct setting level_1 = {.name = "1", .level = 1};
    struct encoder *encoder = &bench->encoder;
    struct decoder *decoder = bench->decoder;
    uint8_t record[MAX_EVENT_BYTES + SLACK_BYTES];

    bench_set(bench, &level_1);
    for (size_t at = 0; at < workload->ring_bytes;) {
        const uint8_t *ring = workload->ring + at;
        size_t checked = 0;
        const size_t taken = layout->encode_block(encoder, ring, workload->ring_bytes - at, target);
        const size_t stored =
            zstd_check(ZSTD_compress2(bench->compressor, bench->compressed, bench->compressed_room,
                                      encoder->block, encoder->block_bytes));
        const size_t raw =
            zstd_check(ZSTD_decompressDCtx(bench->decompressor, bench->decompressed,
                                           2 * MAX_BLOCK_BYTES, bench->compressed, stored));
        layout->decode_head(decoder, bench->decompressed, raw);
        while (decoder->in.at < decoder->in.end) {
            struct event event;
            memset(record, 0, sizeof record);
            if (!layout->decode_event(decoder, &event)) {
                die("%s: event %zu cannot be decoded", layout->name, checked);
            }
            for (unsigned i = 0; i < NAME_FIELDS && (layout->flags & LAYOUT_TABLE) != 0; i++) {
                event.names[i] = decoder->names[event.name_indices[i]];
            }
            const size_t bytes = put_record(record, &event);
            uint32_t length;
            memcpy(&length, record, sizeof length);
            if (checked + bytes > taken ||
                memcmp(ring + checked, record, RECORD_HEADER_BYTES + length) != 0) {
                die("%s: an event is not what it was", layout->name);
            }
            checked += bytes;
        }
        if (checked != taken) {
            die("%s: a block lost events", layout->name);
        }
        at += taken;
    }
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const double *values, unsigned count) {
    double sorted[MAX_ROUNDS];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    return count % 2 != 0 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0;
}

/* A ratio of two trials is the median of each round's ratio: both saw the same noise. */
static double ratio_to_baseline(const struct trial *trial, const struct trial *baseline,
                                enum metric a, enum metric b, unsigned rounds) {
    double ratios[MAX_ROUNDS];
    for (unsigned i = 0; i < rounds; i++) {
        ratios[i] = (trial->ns[a][i] + trial->ns[b][i]) / (baseline->ns[a][i] + baseline->ns[b][i]);
    }
    return median(ratios, rounds);
}

static void print_trial(const struct trial *trial, const struct trial *baseline, unsigned rounds) {
    const double events = (double)trial->workload->event_count;
    const double transcode = median(trial->ns[TRANSCODE], rounds);
    const double compress = median(trial->ns[COMPRESS], rounds);
    const double slower = transcode > compress ? transcode : compress;
    const double raw = (double)trial->raw_bytes / events;
    printf("%-8s%5zu %-20s%-13s%6.1f%7.1f%6.0f%7.1f%6.2f%6.2f%7.1f%7.2f%7.1f%6.1f%6.2f%6.2f%6.2f\n",
           trial->workload->name, trial->target / KIB, trial->layout->name, trial->setting->name,
           transcode, compress, raw / compress * 1e3, transcode + compress,
           1e3 / (transcode + compress), 1e3 / slower, raw, (double)trial->stored_bytes / events,
           median(trial->ns[DECOMPRESS], rounds), median(trial->ns[WALK], rounds),
           ratio_to_baseline(trial, baseline, TRANSCODE, COMPRESS, rounds),
           (double)trial->stored_bytes / (double)baseline->stored_bytes,
           ratio_to_baseline(trial, baseline, DECOMPRESS, WALK, rounds));
}

static void print_heading(void) {
    puts("trans, compr, writer (both), decomp, walk: CPU ns per event");
    puts(
        "M/s1, M/s2: million events per second with both writer steps on one core, or one on each");
    puts(
        "raw, disk: bytes per event; xwri, xdisk, xread: writer, disk, decomp + walk over PLAIN's");
    printf("%-8s%5s %-20s%-13s%6s%7s%6s%7s%6s%6s%7s%7s%7s%6s%6s%6s%6s\n", "doubles", "KiB",
           "layout", "zstd", "trans", "compr", "MB/s", "writer", "M/s1", "M/s2", "raw", "disk",
           "decomp", "walk", "xwri", "xdisk", "xread");
}

/* What to measure. */

struct plan {
    struct trial *trials;
    size_t count;
    size_t room;
};

/* Returns the index of the baseline: what it was given, or a PLAIN trial itself. */
static size_t plan_add(struct plan *plan, struct workload *workload, size_t target,
                       enum layout_id layout, const struct setting *setting, size_t baseline) {
    if (plan->count == plan->room) {
        plan->room = plan->room * 2 + 64;
        plan->trials = realloc(plan->trials, plan->room * sizeof *plan->trials);
        if (plan->trials == NULL) {
            die("out of memory");
        }
    }
    struct trial *trial = &plan->trials[plan->count];
    memset(trial, 0, sizeof *trial);
    trial->workload = workload;
    trial->target = target;
    trial->layout = &layouts[layout];
    trial->setting = setting;
    trial->baseline = layout == PLAIN ? plan->count : baseline;
    plan->count++;
    return trial->baseline;
}

static const struct setting level_settings[] = {
    {.name = "-5", .level = -5}, {.name = "-3", .level = -3}, {.name = "-1", .level = -1},
    {.name = "1", .level = 1},   {.name = "2", .level = 2},   {.name = "3", .level = 3},
};
enum { LEVEL_1 = 3 };

/* All of level 1, with what differs: m = minMatch, h = hashLog, t = targetLength, w = windowLog. */
static const struct setting tweak_settings[] = {
    {.name = "1,m4", .level = 1, .min_match = 4},
    {.name = "1,m5", .level = 1, .min_match = 5},
    {.name = "1,m6", .level = 1, .min_match = 6},
    {.name = "1,m7", .level = 1, .min_match = 7},
    {.name = "1,h11", .level = 1, .hash_log = 11},
    {.name = "1,h12", .level = 1, .hash_log = 12},
    {.name = "1,h16", .level = 1, .hash_log = 16},
    {.name = "1,m4,h11", .level = 1, .min_match = 4, .hash_log = 11},
    {.name = "1,m4,h12", .level = 1, .min_match = 4, .hash_log = 12},
    {.name = "1,m5,h12", .level = 1, .min_match = 5, .hash_log = 12},
    {.name = "1,t2", .level = 1, .target_length = 2},
    {.name = "1,m4,t1", .level = 1, .min_match = 4, .target_length = 1},
    {.name = "1,w16", .level = 1, .window_log = 16},
    {.name = "1,dfast", .level = 1, .strategy = ZSTD_dfast},
    {.name = "1,dfast,m4", .level = 1, .strategy = ZSTD_dfast, .min_match = 4},
};

static const size_t block_sizes[] = {128 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB};
enum { USUAL_BLOCK_BYTES = 512 * KIB };

/* Unless everything is asked for: every layout at the usual size, every size at level 1. */
static bool plan_wants(size_t target, enum layout_id layout, int level) {
    const bool usual_level = level == -1 || level == 1 || level == 3;
    const bool main_layout =
        layout == PLAIN || layout == TABLE || layout == OFFSET_MILLI || layout == DELTA_MILLI;
    return target == USUAL_BLOCK_BYTES ? usual_level : level == 1 && main_layout;
}

static void plan_layouts(struct plan *plan, struct workload *workload, bool full) {
    for (size_t size = 0; size < COUNT_OF(block_sizes); size++) {
        for (size_t level = 0; level < COUNT_OF(level_settings); level++) {
            const struct setting *setting = &level_settings[level];
            size_t baseline = 0;
            for (unsigned i = 0; i < LAYOUTS; i++) {
                const enum layout_id layout = (enum layout_id)i;
                if (!full && !plan_wants(block_sizes[size], layout, setting->level)) {
                    continue;
                }
                baseline = plan_add(plan, workload, block_sizes[size], layout, setting, baseline);
            }
        }
    }
}

static void plan_tweaks(struct plan *plan, struct workload *workload) {
    const enum layout_id tweaked[] = {TABLE, OFFSET_MILLI, DELTA_MILLI};
    const size_t target = USUAL_BLOCK_BYTES;
    const struct setting *level_1 = &level_settings[LEVEL_1];
    const size_t baseline = plan_add(plan, workload, target, PLAIN, level_1, 0);
    for (size_t i = 0; i < COUNT_OF(tweaked); i++) {
        plan_add(plan, workload, target, tweaked[i], level_1, baseline);
        for (size_t tweak = 0; tweak < COUNT_OF(tweak_settings); tweak++) {
            plan_add(plan, workload, target, tweaked[i], &tweak_settings[tweak], baseline);
        }
    }
}

static void plan_run(struct plan *plan, struct bench *bench, unsigned rounds) {
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < plan->count; i++) {
            trial_run(&plan->trials[i], bench, round);
        }
    }
    print_heading();
    for (size_t i = 0; i < plan->count; i++) {
        const struct trial *trial = &plan->trials[i];
        print_trial(trial, &plan->trials[trial->baseline], rounds);
    }
    fflush(stdout);
    plan->count = 0;
}

static uint64_t parse_number(const char *option, const char *text, uint64_t min, uint64_t max) {
    char *end = NULL;
    errno = 0;
    const unsigned long long value = text == NULL ? 0 : strtoull(text, &end, 0);
    if (text == NULL || *text == '\0' || *end != '\0' || errno != 0 || value < min || value > max) {
        fprintf(stderr, "bench_layout: %s needs a number from %" PRIu64 " to %" PRIu64 "\n", option,
                min, max);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv) {
    size_t event_count = 200000;
    unsigned rounds = 9;
    uint64_t seed = 20260204;
    bool full = false;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--quick") == 0) {
            event_count = 50000;
            rounds = 3;
        } else if (strcmp(argv[i], "--full") == 0) {
            full = true;
        } else if (strcmp(argv[i], "--events") == 0) {
            event_count = parse_number(argv[i++], value, 1, 50000000);
        } else if (strcmp(argv[i], "--rounds") == 0) {
            rounds = (unsigned)parse_number(argv[i++], value, 1, MAX_ROUNDS);
        } else if (strcmp(argv[i], "--seed") == 0) {
            seed = parse_number(argv[i++], value, 0, UINT64_MAX);
        } else {
            fputs("usage: bench_layout [--quick] [--full] [--events N] [--rounds N] [--seed N]\n",
                  stderr);
            return 2;
        }
    }

    struct bench bench;
    struct plan plan = {NULL, 0, 0};
    struct workload workloads[2];
    bench_open(&bench);
    printf("%zu events, %u rounds, seed %" PRIu64 ", zstd %s\n", event_count, rounds, seed,
           ZSTD_versionString());
    for (unsigned i = 0; i < COUNT_OF(workloads); i++) {
        workload_make(&workloads[i], event_count, i == 0, seed);
        for (unsigned layout = 0; layout < LAYOUTS; layout++) {
            for (size_t size = 0; size < COUNT_OF(block_sizes); size++) {
                verify(&workloads[i], &layouts[layout], block_sizes[size], &bench);
            }
        }
    }
    puts("every layout gives back every byte");
    for (unsigned i = 0; i < COUNT_OF(workloads); i++) {
        plan_layouts(&plan, &workloads[i], full);
        plan_tweaks(&plan, &workloads[i]);
        plan_run(&plan, &bench, rounds);
    }
    for (unsigned i = 0; i < COUNT_OF(workloads); i++) {
        free(workloads[i].ring);
    }
    free(plan.trials);
    bench_close(&bench);
    return 0;
}
