/* A writer for whole files of events. */
#include "bulk_writer.h"

#include <inttypes.h>

#include "messages.h"
#include "output.h"

/* Room for the largest event (a quarter of the ring), and patience: an import waits where an agent
 * would drop. */
#define RING_BYTES       (UINT64_C(64) << 20)
#define FULL_WAIT_NS     UINT64_C(10000000000)
#define FLUSH_TIMEOUT_MS UINT64_C(600000)

enum alog_status bulk_writer_open(const char *log_dir, const char *environment, bool recovers,
                                  struct alog_writer **ret_writer, struct alog_error *error) {
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.environment = alog_str(environment);
    options.ring_bytes = RING_BYTES;
    options.max_event_bytes = ALOG_MAX_EVENT_BYTES;
    options.full_wait_ns = FULL_WAIT_NS;
    options.no_recovery = !recovers;
    return alog_writer_open(log_dir, &options, ret_writer, error);
}

/* Say why, with the system's reason. `reason` NULL: the event found no room. */
static enum bulk_result stuck(struct alog_writer *writer, struct progress *progress,
                              const char *reason) {
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    (void)alog_writer_get_stats(writer, &stats);
    if (reason == NULL) {
        reason = stats.rings == 0 ? "there is no shared memory to keep events in"
                                  : "there is no room for the event in memory, nor has there been "
                                    "for ten seconds";
    }
    progress_clear(progress);
    message("the log takes no more events: %s%s%s", reason, stats.last_errno != 0 ? ": " : "",
            stats.last_errno != 0 ? strerror(stats.last_errno) : "");
    return BULK_STUCK;
}

static enum bulk_result too_big(struct alog_error *error) {
    *error = (struct alog_error){
        .status = ALOG_TOO_BIG, .offset = -1, .message = "the event is larger than 16 MiB"};
    return BULK_REFUSED;
}

enum bulk_result bulk_writer_log(struct alog_writer *writer, const struct alog_event *event,
                                 struct progress *progress, struct alog_error *error) {
    const enum alog_status status = alog_log_event(writer, event, error);
    switch (status) {
    case ALOG_OK:
        return BULK_LOGGED;
    case ALOG_INVALID:
    case ALOG_LIMIT:
        return BULK_REFUSED;
    case ALOG_TOO_BIG:
        return too_big(error);
    case ALOG_DROPPED:
        return stuck(writer, progress, NULL);
    default:
        return stuck(writer, progress,
                     error->message[0] != '\0' ? error->message : alog_status_name(status));
    }
}

bool bulk_writer_close(struct alog_writer *writer, uint64_t *ret_stored, uint64_t *ret_lost) {
    struct alog_error error = {.message = ""};
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    enum alog_status status = alog_writer_flush(writer, FLUSH_TIMEOUT_MS, &error);
    (void)alog_writer_get_stats(writer, &stats);
    const enum alog_status closed = alog_writer_close(writer, status == ALOG_OK ? &error : NULL);
    status = status == ALOG_OK ? closed : status;
    if (status != ALOG_OK) {
        message_failure(status, &error);
    }
    *ret_stored = stats.stored + (closed == ALOG_OK ? stats.in_flight : 0);
    *ret_lost = stats.dropped + (closed == ALOG_OK ? 0 : stats.in_flight);
    if (*ret_lost > 0) {
        message("%" PRIu64 " event%s did not get into the log", *ret_lost,
                output_plural(*ret_lost));
    }
    return status == ALOG_OK && *ret_lost == 0;
}
