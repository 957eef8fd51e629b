/* Defaults and bounds of the options, as include/agentlog/writer.h documents them. */
#include "options.h"

#include <inttypes.h>
#include <stdlib.h>

#include "format/error.h"
#include "format/io.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

/* Options that are numbers: where they are, and what they may be. */
struct number_option {
    const char *name;
    size_t offset;
    uint64_t minimum, maximum, fallback;
    bool power_of_two;
};
#define NUMBER(member, minimum, maximum, fallback, power_of_two)                                   \
    {                                                                                              \
#member, offsetof(struct alog_writer_options, member), minimum, maximum, fallback,         \
            power_of_two                                                                           \
    }

static const struct number_option number_options[] = {
    NUMBER(ring_bytes, 64 * KIB, 1024 * MIB, 1 * MIB, true),
    NUMBER(max_event_bytes, ALOG_MIN_EVENT_BYTES, ALOG_MAX_EVENT_BYTES, 0, false),
    NUMBER(block_bytes, 16 * KIB, 8 * MIB, 512 * KIB, false),
    NUMBER(segment_bytes, 64 * KIB, 4096 * MIB, 64 * MIB, false),
    NUMBER(segment_age_ms, 100, 86400000, 3600000, false),
    NUMBER(flush_interval_ms, 1, 3600000, 1000, false),
    NUMBER(sync_interval_ms, 1, 3600000, 1000, false),
    NUMBER(full_wait_ns, 0, UINT64_MAX, 0, false),
    NUMBER(stats_interval_ms, 1, 86400000, 60000, false),
};

static enum alog_status resolve_number(struct alog_writer_options *options,
                                       const struct number_option *rule, struct alog_error *error) {
    uint64_t value;
    memcpy(&value, (char *)options + rule->offset, sizeof value);
    if (value == 0) {
        memcpy((char *)options + rule->offset, &rule->fallback, sizeof value);
        return ALOG_OK;
    }
    if (value < rule->minimum || value > rule->maximum) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "%s is %" PRIu64 "; allowed are %" PRIu64 "..%" PRIu64, rule->name, value,
                         rule->minimum, rule->maximum);
    }
    if (rule->power_of_two && (value & (value - 1)) != 0) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "%s is %" PRIu64 ", not a power of two",
                         rule->name, value);
    }
    return ALOG_OK;
}

/* The largest event has to fit the ring four times: padding at its end may cost as much again. */
static enum alog_status resolve_max_event(struct alog_writer_options *options,
                                          struct alog_error *error) {
    uint64_t most = options->ring_bytes / 4;
    if (options->max_event_bytes == 0) {
        options->max_event_bytes = most < ALOG_MAX_EVENT_BYTES ? most : ALOG_MAX_EVENT_BYTES;
    }
    if (options->max_event_bytes > most) {
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "max_event_bytes is %" PRIu64 ", more than a quarter of ring_bytes "
                         "(%" PRIu64 ")",
                         options->max_event_bytes, options->ring_bytes);
    }
    return ALOG_OK;
}

static enum alog_status check_numbers(struct alog_writer_options *options,
                                      struct alog_error *error) {
    for (size_t i = 0; i < sizeof number_options / sizeof number_options[0]; i++) {
        enum alog_status status = resolve_number(options, &number_options[i], error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    if (options->compression_level == 0) {
        options->compression_level = 1;
    }
    if (options->compression_level < -7 || options->compression_level > 19) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "compression_level is %d; allowed are -7..19",
                         options->compression_level);
    }
    if (options->drain_threads == 0) {
        options->drain_threads = 2;
    }
    if (options->drain_threads > 2) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "drain_threads is %u; allowed are 1..2",
                         (unsigned)options->drain_threads);
    }
    if (options->sync == 0) {
        options->sync = ALOG_SYNC_INTERVAL;
    }
    if (options->sync < ALOG_SYNC_NONE || options->sync > ALOG_SYNC_BLOCK) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "sync is %d; it must be an ALOG_SYNC_… value",
                         (int)options->sync);
    }
    return resolve_max_event(options, error);
}

static enum alog_status copy_strings(struct alog_writer_options *options,
                                     struct alog_error *error) {
    struct alog_string environment = options->environment;
    if (environment.data == NULL) {
        environment = ALOG_STR("production");
    }
    if (environment.len == 0 || environment.len > ALOG_MAX_NAME_BYTES) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "environment has %zu bytes; allowed are 1..%u",
                         environment.len, ALOG_MAX_NAME_BYTES);
    }
    char *copy = malloc(environment.len);
    char *ring_dir = options->ring_dir == NULL ? NULL : strdup(options->ring_dir);
    if (copy == NULL || (ring_dir == NULL && options->ring_dir != NULL)) {
        free(copy);
        free(ring_dir);
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for the options");
    }
    memcpy(copy, environment.data, environment.len);
    options->environment = (struct alog_string){copy, environment.len};
    options->ring_dir = ring_dir;
    return ALOG_OK;
}

enum alog_status alog_options_resolve(const struct alog_writer_options *given,
                                      struct alog_writer_options *ret_options,
                                      struct alog_error *error) {
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    if (given != NULL) {
        if (given->struct_bytes == 0 || given->struct_bytes > sizeof options) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "struct_bytes is %zu; start from ALOG_WRITER_OPTIONS_INIT",
                             given->struct_bytes);
        }
        /* A caller built against an older, shorter struct leaves the rest to the defaults. */
        memcpy(&options, given, given->struct_bytes);
        options.struct_bytes = sizeof options;
    }
    if (options.io == NULL) {
        options.io = alog_io_system();
    }
    enum alog_status status = check_numbers(&options, error);
    if (status == ALOG_OK) {
        status = copy_strings(&options, error);
    }
    if (status == ALOG_OK) {
        *ret_options = options;
    }
    return status;
}

void alog_options_free(struct alog_writer_options *options) {
    /* The copies are ours, const only to those who read them. */
    free((void *)(uintptr_t)options->environment.data);
    free((void *)(uintptr_t)options->ring_dir);
    options->environment = (struct alog_string){NULL, 0};
    options->ring_dir = NULL;
}
