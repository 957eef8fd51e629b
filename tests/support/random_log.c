/* Random logs; see random_log.h. */
#include "random_log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define WRITER_LOSS  11
#define HOUR_NS      INT64_C(3600000000000)

/* 2026-02-27 20:00 UTC: a midnight, and a month's end, are near. */
#define START_NS INT64_C(1772222400000000000)

static void require(bool good, const char *what) {
    if (!good) {
        perror(what);
        abort();
    }
}

static bool one_in(struct random_log *log, uint32_t chances) {
    return test_random_below(log->random, chances) == 0;
}

static uint32_t below(struct random_log *log, uint32_t bound) {
    return test_random_below(log->random, bound);
}

/* ---- Events ---- */

static struct alog_string keep(struct random_log *log, const char *text, size_t len) {
    struct test_event *event = &log->event;
    require(len <= sizeof event->text - event->text_used, "text");
    char *copy = event->text + event->text_used;
    memcpy(copy, text, len);
    event->text_used += len;
    return (struct alog_string){copy, len};
}

/* One of the profile's few names: plain, empty, with digits, of the longest kind, not UTF-8, with a
 * NUL, or that of the rest beyond the cap. */
static struct alog_string some_name(struct random_log *log, uint32_t kind) {
    static const char *const odd[] = {"", "_OTHER", "na\xffme", "'; --", "\xf0\x9f\xa6\x84 42"};
    char text[256];
    const uint32_t number = below(log, log->profile.names);
    if (number > 2 && number - 3 < COUNT(odd) && one_in(log, 2)) {
        return keep(log, odd[number - 3], strlen(odd[number - 3]));
    }
    if (number == COUNT(odd) + 3) {
        memset(text, 'a' + (int)kind, 255);
        return keep(log, text, 255);
    }
    if (number == COUNT(odd) + 4) {
        return keep(log, "nu\0l", 4);
    }
    int len = snprintf(text, sizeof text, number % 2 == 0 ? "%c-%u" : "%c%.*s", 'a' + (int)kind,
                       (unsigned)number, "bcdefghijklmnopqrstuvwxyz");
    return keep(log, text, (size_t)len);
}

static double some_real(struct random_log *log, const struct alog_field *field) {
    static const double reals[] = {0.5,       1.0005, 2.0015, 0.0001107, 1e-10,
                                   1234.5675, 7,      499.9,  500,       1e6};
    const bool share = field->maximum == 1;
    if (one_in(log, 12)) {
        return one_in(log, 2) ? NAN : one_in(log, 2) ? INFINITY : -INFINITY;
    }
    if (share || field->maximum == 100) {
        return (one_in(log, 2) ? below(log, 1001) / 1000.0 : below(log, 10000001) / 1e7) *
               field->maximum;
    }
    return one_in(log, 2) ? reals[below(log, COUNT(reals))] : exp(below(log, 20000) / 1000.0 - 4);
}

/* The test event's values as a fleet's would be: few names, so that groups meet. */
static void make_usual(struct random_log *log, const struct alog_field *field, uint32_t at,
                       struct alog_value *value) {
    if (field->kind == ALOG_FIELD_NAME) {
        value->string = some_name(log, at % 5);
    } else if (field->kind == ALOG_FIELD_F64) {
        *value = (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = some_real(log, field)};
    } else if (field->kind == ALOG_FIELD_I64) {
        const int64_t least = (int64_t)field->minimum;
        *value = (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = least + below(log, 4)};
    } else if (field->kind == ALOG_FIELD_JSON && one_in(log, 2)) {
        value->string = one_in(log, 2)
                            ? ALOG_STR("{\"problematic_hooks\":[\"h1\",\"h2\",\"h1\",3]}")
                            : ALOG_STR("{\"problematic_hooks\":[\"h3\"]}");
    }
}

static void set_time_and_job(struct random_log *log, struct alog_event *event) {
    const struct random_log_profile *profile = &log->profile;
    static const int64_t ends[] = {0, INT64_MAX, INT64_MAX - HOUR_NS, 951782400000000000};
    char job[32];
    const uint32_t slots = 1u << 20;
    event->timestamp_ns = profile->start_ns + profile->span_ns / slots * below(log, slots);
    if (one_in(log, 8)) { /* equal times */
        event->timestamp_ns -= event->timestamp_ns % HOUR_NS;
    }
    if (profile->with_anything && one_in(log, 40)) {
        event->timestamp_ns = ends[below(log, COUNT(ends))];
    }
    const bool is_job = event->type->id == 1 || event->type->id == 2;
    event->job_id = (struct alog_string){0};
    if (is_job || !one_in(log, 4)) {
        const int len = snprintf(job, sizeof job, "job-%u", below(log, profile->jobs));
        event->job_id = keep(log, job, (size_t)len);
    }
    if (event->environment.data != NULL) {
        static const char *const environments[] = {"staging", "production", "t\xc3\xa9st"};
        event->environment = alog_str(environments[below(log, COUNT(environments))]);
    }
}

static void add_event(struct random_log *log, struct segment_maker *maker) {
    /* Those that questions are about more often than the rest. */
    static const uint32_t ids[] = {1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9, 9, 10, 10, 11};
    const struct alog_event_type *type =
        alog_schema_type(maker->schema, ids[below(log, COUNT(ids))]);
    if (one_in(log, 20)) {
        type = alog_schema_find(maker->schema, ALOG_STR("review.vote"));
    }
    struct alog_event *event = &log->event.event;
    test_event_random(log->random, type, &log->event);
    for (uint32_t i = 0; i < type->field_count; i++) {
        struct alog_value *value = &log->event.values[i];
        const bool anything = log->profile.with_anything && type->id != WRITER_LOSS;
        if (value->kind != ALOG_VALUE_ABSENT && !(anything && one_in(log, 4))) {
            make_usual(log, &type->fields[i], i, value);
        }
    }
    set_time_and_job(log, event);
    segment_maker_add(maker, event);
}

static void add_events(struct random_log *log, struct segment_maker *maker) {
    for (uint32_t count = 1 + below(log, log->profile.events_per_block); count > 0; count--) {
        add_event(log, maker);
    }
}

static void end_block(struct random_log *log, struct segment_maker *maker) {
    if (one_in(log, 6)) {
        maker->next_sequence += 1 + below(log, 5);
    }
    require(segment_maker_end_block(maker) == ALOG_OK, "a block");
}

/* ---- Writers ---- */

static void begin_writer(struct random_log *log, struct segment_maker *maker, const char *dir,
                         uint32_t number) {
    static const char *const environments[] = {"production", "production", "staging", "test"};
    static const struct alog_field fields[] = {
        {.name = "voter", .kind = ALOG_FIELD_NAME, .unit = "", .otel = "", .doc = "who"},
        {.name = "weight", .kind = ALOG_FIELD_F64, .unit = "", .otel = "", .doc = "how much"},
        {.name = "round", .kind = ALOG_FIELD_I64, .unit = "", .otel = "", .doc = "when"}};
    const struct alog_event_type *type;
    segment_maker_init_in(maker, alog_io_system(), dir, 0xa000 + number,
                          environments[below(log, COUNT(environments))]);
    require(alog_schema_define(maker->schema, 0, ALOG_STR("review.vote"), fields, COUNT(fields),
                               &type, NULL) == ALOG_OK,
            "a user-defined type");
}

static char *copy_of(const char *text) {
    char *copy = strdup(text);
    require(copy != NULL, "memory");
    return copy;
}

/* A writer whose segments arrive later, some of them never. */
static void write_elsewhere(struct random_log *log, uint32_t number) {
    struct segment_maker maker;
    char dir[320];
    snprintf(dir, sizeof dir, "%s/elsewhere", log->dir);
    begin_writer(log, &maker, dir, number);
    for (uint32_t segments = 1 + below(log, 4); segments > 0; segments--) {
        segment_maker_begin(&maker);
        for (uint32_t blocks = below(log, 4); blocks > 0; blocks--) {
            add_events(log, &maker);
            end_block(log, &maker);
        }
        const bool empty = alog_segment_blocks(maker.segment) == 0;
        segment_maker_seal(&maker); /* which removes an empty one */
        if (!empty && !one_in(log, 6)) {
            log->arriving[log->arriving_count++] = copy_of(maker.path);
        }
    }
    segment_maker_free(&maker);
}

void random_log_begin(struct random_log *log, struct test_random *random, const char *dir) {
    *log = (struct random_log){.random = random};
    static const int64_t spans[] = {HOUR_NS / 2, 8 * HOUR_NS, 30 * HOUR_NS, 200 * HOUR_NS};
    log->profile = (struct random_log_profile){.start_ns = START_NS,
                                               .span_ns = spans[below(log, COUNT(spans))],
                                               .names = 1 + below(log, 12),
                                               .jobs = 1 + below(log, 12),
                                               .events_per_block = 1 + below(log, 25),
                                               .with_anything = one_in(log, 2)};
    snprintf(log->dir, sizeof log->dir, "%s", dir);
    snprintf(log->log_dir, sizeof log->log_dir, "%s/log", dir);
    mkdir(log->log_dir, 0777);
    const uint32_t writers = 1 + below(log, RANDOM_LOG_WRITERS);
    for (uint32_t i = 0; i < writers; i++) {
        if (one_in(log, 2)) {
            begin_writer(log, &log->live[log->live_count++], log->log_dir, i);
        } else {
            write_elsewhere(log, i);
        }
    }
    log->live_segments = log->live_count * (1 + below(log, 3));
}

/* ---- What happens ---- */

static void make_day(struct random_log *log, const char *path, char *ret_path, size_t capacity) {
    const char *day = strrchr(path, '/') - 10;
    snprintf(ret_path, capacity, "%s/%.10s", log->log_dir, day);
    mkdir(ret_path, 0777);
    snprintf(ret_path, capacity, "%s/%s", log->log_dir, day);
}

static void damage(struct random_log *log, const char *path) {
    struct stat info;
    require(stat(path, &info) == 0, path);
    FILE *file = fopen(path, "r+b");
    require(file != NULL, path);
    if (one_in(log, 3)) {
        require(ftruncate(fileno(file), below(log, (uint32_t)info.st_size)) == 0, path);
    } else {
        fseek(file, (long)below(log, (uint32_t)info.st_size), SEEK_SET);
        const int byte = fgetc(file);
        fseek(file, -1, SEEK_CUR);
        fputc(byte ^ 1 << below(log, 8), file);
    }
    fclose(file);
    log->damaged = true;
}

static void arrive(struct random_log *log) {
    const size_t at = below(log, (uint32_t)log->arriving_count);
    char *from = log->arriving[at];
    char to[1024], command[2600];
    log->arriving[at] = log->arriving[--log->arriving_count];
    if (one_in(log, 20)) {
        snprintf(command, sizeof command, "%s.damaged", from);
        FILE *whole = fopen(from, "rb"), *copy = fopen(command, "wb");
        require(whole != NULL && copy != NULL, from);
        for (int byte = fgetc(whole); byte != EOF; byte = fgetc(whole)) {
            fputc(byte, copy);
        }
        fclose(whole);
        fclose(copy);
        damage(log, command);
        require(rename(command, from) == 0, from);
    }
    make_day(log, from, to, sizeof to);
    require(link(from, to) == 0, to);
    free(from);
}

/* What a writer that stopped in the middle of a write would leave; the next block goes over it. */
static void tear(struct segment_maker *maker) {
    FILE *tail = fopen(maker->path, "ab");
    require(tail != NULL, maker->path);
    fwrite("\x5a\x2a\x4d\x18torn", 1, 8, tail);
    fclose(tail);
}

static void live_step(struct random_log *log) {
    struct segment_maker *maker = &log->live[below(log, log->live_count)];
    if (maker->segment == NULL) {
        segment_maker_begin(maker);
        return;
    }
    if (one_in(log, 4)) {
        log->live_segments--;
        if (one_in(log, 5)) {
            segment_maker_abandon(maker);
        } else {
            segment_maker_seal(maker);
        }
        return;
    }
    add_events(log, maker);
    if (one_in(log, 6)) {
        tear(maker);
    }
    end_block(log, maker);
}

bool random_log_step(struct random_log *log) {
    const bool live = log->live_segments > 0;
    if (!live && log->arriving_count == 0) {
        return false;
    }
    if (live && (log->arriving_count == 0 || !one_in(log, 3))) {
        live_step(log);
    } else {
        arrive(log);
    }
    return true;
}

void random_log_end(struct random_log *log) {
    for (uint32_t i = 0; i < log->live_count; i++) {
        if (log->live[i].segment != NULL && one_in(log, 2)) {
            segment_maker_seal(&log->live[i]);
        }
        segment_maker_free(&log->live[i]);
    }
    for (size_t i = 0; i < log->arriving_count; i++) {
        free(log->arriving[i]);
    }
    log->arriving_count = 0;
}
