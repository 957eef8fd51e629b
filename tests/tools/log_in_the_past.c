/*
 * A segment that was written some days ago, for tests of what is done with old ones:
 *
 *     log_in_the_past LOGDIR DAYS_AGO NAME EVENTS
 *
 * logs error events with the attribute key = NAME-0, NAME-1, … and secret = s3cret.
 */
#include <agentlog/writer.h>

#include <stdio.h>
#include <stdlib.h>

#include "format/io.h"

#define DAY_NS INT64_C(86400000000000)

static int64_t shift_ns;

static int64_t past_realtime_ns(void *context) {
    (void)context;
    const struct alog_io *io = alog_io_system();
    return io->realtime_ns(io->context) - shift_ns;
}

static int fail(const struct alog_error *error) {
    fprintf(stderr, "log_in_the_past: %s\n", error->message);
    return 1;
}

int main(int argc, char **argv) {
    if (argc != 5) {
        fputs("log_in_the_past LOGDIR DAYS_AGO NAME EVENTS\n", stderr);
        return 2;
    }
    shift_ns = strtoll(argv[2], NULL, 10) * DAY_NS;
    struct alog_io io = *alog_io_system();
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    struct alog_error error = {.message = ""};
    struct alog_writer *writer;
    io.realtime_ns = past_realtime_ns;
    options.io = &io;
    if (alog_writer_open(argv[1], &options, &writer, &error) != ALOG_OK) {
        return fail(&error);
    }
    const unsigned long events = strtoul(argv[4], NULL, 10);
    for (unsigned long i = 0; i < events; i++) {
        char key[64];
        snprintf(key, sizeof key, "%.40s-%lu", argv[3], i);
        const struct alog_attribute attributes[] = {
            {ALOG_STR("key"), {.kind = ALOG_VALUE_STRING, .string = alog_str(key)}},
            {ALOG_STR("secret"), {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("s3cret")}}};
        const struct alog_context context = {.timestamp_ns = ALOG_I64(past_realtime_ns(NULL)),
                                             .job_id = alog_str(argv[3]),
                                             .attributes = attributes,
                                             .attribute_count = 2};
        const struct alog_error_event event = {.context = &context, .error_type = ALOG_STR("lint")};
        if (alog_log_error(writer, &event) != ALOG_OK) {
            fputs("log_in_the_past: an event was dropped\n", stderr);
            return 1;
        }
    }
    return alog_writer_close(writer, &error) == ALOG_OK ? 0 : fail(&error);
}
