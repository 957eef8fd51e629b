/* The drain thread's segments: made, rotated, synced, sealed, and what becomes of them when that
 * fails. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "drain.h"
#include "format/error.h"

#define DAY_NS INT64_C(86400000000000)

/* Between attempts to get a displaced segment into its place: at first, and at most. Each may read
 * and write a whole segment. */
#define FIRST_SETTLE_NS INT64_C(200000000)
#define LAST_SETTLE_NS  INT64_C(30000000000)

/* Between looks whether the files still have their names. */
#define LOOK_NS INT64_C(200000000)

/* Ids of the writer's own, as in format/catalogue.def. */
enum {
#define ALOG_EVENT(id, event, doc) TYPE_OF_##event = (id),
#include "format/catalogue.def"
};

void alog_drain_failed(struct alog_drain *drain, enum alog_status status,
                       const struct alog_error *error, bool costs_something) {
    alog_writer_note_error(drain->writer, error);
    if (costs_something && drain->result == ALOG_OK) {
        drain->result = status;
        drain->error = *error;
    }
}

enum alog_status alog_drain_make_segment(struct alog_drain *drain, struct alog_error *error) {
    struct alog_writer *writer = drain->writer;
    if (drain->drops_before == NULL) {
        drain->drops_before = malloc(sizeof drain->stored_drops);
        if (drain->drops_before == NULL) {
            return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a segment");
        }
    }
    enum alog_status status = alog_segment_create(
        drain->io, writer->log_dir, writer->writer_id, drain->segment_number + 1,
        writer->options.environment, drain->predecessor_id, drain->predecessor_last_sequence,
        &drain->segment, error);
    if (status != ALOG_OK) {
        drain->segment = NULL;
        return status;
    }
    if (drain->drops_before != NULL) {
        memcpy(drain->drops_before, drain->stored_drops, sizeof drain->stored_drops);
    }
    drain->segment_number++;
    drain->segment_began_ns = drain->io->monotonic_ns(drain->io->context);
    drain->segment_counted = 0;
    alog_drain_count(&writer->counters.segments, 1);
    return ALOG_OK;
}

void alog_drain_count_segment_bytes(struct alog_drain *drain) {
    uint64_t bytes = alog_segment_bytes(drain->segment);
    alog_drain_count(&drain->writer->counters.segment_bytes, bytes - drain->segment_counted);
    drain->segment_counted = bytes;
}

void alog_drain_note_drops(struct alog_drain *drain) {
    for (uint32_t i = 0; i < drain->facts.drop_count; i++) {
        drain->stored_drops[drain->facts.drops[i].type] = drain->facts.drops[i].count;
    }
}

/* ---- Displaced segments ---------------------------------------------------------------------- */

static bool must_sync(const struct alog_drain *drain) {
    return drain->writer->options.sync != ALOG_SYNC_NONE;
}

/*
 * Blocks that a failed sync lost: what the writer said was stored is not. The loss goes into the
 * log like any other, and so does what those blocks said was lost before.
 */
static void count_loss(struct alog_drain *drain, const struct alog_segment_loss *loss) {
    struct alog_writer *writer = drain->writer;
    /* As one for alog_writer_get_stats: an event is stored or lost. */
    pthread_mutex_lock(&writer->mutex);
    for (uint32_t type = 0; type < ALOG_MAX_TYPES; type++) {
        drain->unsaid[type] += loss->drops[type];
        drain->has_unsaid |= loss->drops[type] > 0;
        bool own = type == TYPE_OF_writer_loss || type == TYPE_OF_writer_stats;
        if (own || loss->events[type] == 0) {
            continue;
        }
        alog_drain_count(&writer->counters.stored, -loss->events[type]);
        alog_drain_count(&writer->counters.unreadable, loss->events[type]);
        alog_losses_count_many(&writer->losses, ALOG_LOSS_SYNC_FAILED, type, loss->events[type]);
    }
    pthread_mutex_unlock(&writer->mutex);
}

/* Make a segment anew whose file cannot be gone on with. */
static enum alog_status renew(struct alog_drain *drain, const struct alog_displaced *displaced,
                              struct alog_error *error) {
    if (drain->unsaid == NULL) {
        drain->unsaid = calloc(ALOG_MAX_TYPES, sizeof *drain->unsaid);
    }
    struct alog_segment_loss loss = {
        .events = malloc(ALOG_MAX_TYPES * sizeof *loss.events),
        .drops = malloc(ALOG_MAX_TYPES * sizeof *loss.drops),
    };
    enum alog_status status = ALOG_NO_MEMORY;
    if (loss.events == NULL || loss.drops == NULL || drain->unsaid == NULL) {
        alog_fail(error, status, 0, -1, "no memory to make a segment anew");
    } else {
        status = alog_segment_renew(displaced->segment, must_sync(drain), displaced->drops_before,
                                    &loss, error);
    }
    if (status == ALOG_OK && loss.blocks > 0) {
        count_loss(drain, &loss);
    }
    free(loss.events);
    free(loss.drops);
    return status;
}

static enum alog_status settle(struct alog_drain *drain, const struct alog_displaced *displaced,
                               struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    if (!alog_segment_is_lost(displaced->segment)) {
        uint64_t bytes = 0;
        status = alog_segment_try_seal(displaced->segment, must_sync(drain), &bytes, error);
        if (status == ALOG_OK && bytes > 0) {
            /* Index and seek table. */
            alog_drain_count(&drain->writer->counters.segment_bytes, bytes - displaced->counted);
        }
        if (status == ALOG_OK || !alog_segment_is_lost(displaced->segment)) {
            return status;
        }
        alog_drain_failed(drain, status, error, false);
    }
    return renew(drain, displaced, error);
}

/* It is gone, sealed or left; `first` of those that wait. */
static void forget(struct alog_drain *drain, uint32_t first) {
    free(drain->displaced[first].drops_before);
    drain->displaced_count--;
    memmove(&drain->displaced[first], &drain->displaced[first + 1],
            (drain->displaced_count - first) * sizeof drain->displaced[0]);
}

/* Try them all, in order, until one fails; not before its time, unless somebody asks for it. */
static enum alog_status settle_displaced(struct alog_drain *drain, bool now) {
    int64_t at = drain->io->monotonic_ns(drain->io->context);
    if (drain->displaced_count == 0) {
        return ALOG_OK;
    }
    if (!now && at < drain->settle_at_ns) {
        return ALOG_IO;
    }
    while (drain->displaced_count > 0) {
        struct alog_error error = {0};
        enum alog_status status = settle(drain, &drain->displaced[0], &error);
        if (status != ALOG_OK) {
            alog_drain_failed(drain, status, &error, false);
            int64_t wait = 2 * drain->settle_wait_ns;
            wait = wait < FIRST_SETTLE_NS ? FIRST_SETTLE_NS : wait;
            drain->settle_wait_ns = wait < LAST_SETTLE_NS ? wait : LAST_SETTLE_NS;
            drain->settle_at_ns = at + drain->settle_wait_ns;
            return status;
        }
        forget(drain, 0);
    }
    drain->settle_wait_ns = 0;
    return ALOG_OK;
}

/* Say that a segment stays unsealed, and let go of it. */
static void leave(struct alog_drain *drain, uint32_t index) {
    struct alog_segment_writer *segment = drain->displaced[index].segment;
    struct alog_error error = {0};
    alog_fail(&error, ALOG_IO,
              /* Relaxed: a statistic. */
              atomic_load_explicit(&drain->writer->last_errno, memory_order_relaxed), -1,
              "%" PRIu64 " blocks are left in %.300s, not sealed, and may not survive a power cut",
              alog_segment_blocks(segment), alog_segment_path(segment));
    alog_drain_failed(drain, ALOG_IO, &error, true);
    drain->left++;
    alog_segment_abandon(segment);
    forget(drain, index);
}

/* The next segment names the one that ends here. */
static void remember_predecessor(struct alog_drain *drain) {
    if (alog_segment_blocks(drain->segment) > 0) {
        memcpy(drain->predecessor_id, alog_segment_file_id(drain->segment), 16);
        drain->predecessor_last_sequence = alog_segment_last_sequence(drain->segment);
    }
}

/* Nothing more goes into the current segment; see that it is sealed, now or later. */
static enum alog_status displace(struct alog_drain *drain) {
    remember_predecessor(drain);
    if (drain->displaced_count == ALOG_MAX_DISPLACED) {
        leave(drain, 0);
    }
    drain->displaced[drain->displaced_count++] = (struct alog_displaced){
        .segment = drain->segment,
        .drops_before = drain->drops_before,
        .counted = drain->segment_counted,
    };
    drain->segment = NULL;
    drain->drops_before = NULL;
    drain->unsynced = false;
    /* At once if it is the only one: else the disk was asked not long ago. */
    return settle_displaced(drain, drain->displaced_count == 1);
}

void alog_drain_settle_all(struct alog_drain *drain) {
    (void)settle_displaced(drain, true);
    while (drain->displaced_count > 0) {
        leave(drain, 0);
    }
}

void alog_drain_free_segments(struct alog_drain *drain) {
    if (drain->segment != NULL) {
        alog_segment_abandon(drain->segment);
    }
    free(drain->drops_before);
    while (drain->displaced_count > 0) {
        alog_segment_abandon(drain->displaced[0].segment);
        forget(drain, 0);
    }
}

/* ---- Sealing, syncing ------------------------------------------------------------------------ */

enum alog_status alog_drain_seal(struct alog_drain *drain) {
    if (drain->segment == NULL) {
        return ALOG_OK;
    }
    return displace(drain);
}

static bool is_over(struct alog_drain *drain) {
    const struct alog_writer_options *options = &drain->writer->options;
    int64_t age = drain->io->monotonic_ns(drain->io->context) - drain->segment_began_ns;
    int64_t today = drain->io->realtime_ns(drain->io->context) / DAY_NS;
    return alog_segment_bytes(drain->segment) >= options->segment_bytes ||
           age >= (int64_t)options->segment_age_ms * 1000000 ||
           today != alog_segment_created_ns(drain->segment) / DAY_NS;
}

/* Somebody may have removed the log directory, or the day's. */
static void look_after_names(struct alog_drain *drain) {
    int64_t now = drain->io->monotonic_ns(drain->io->context);
    if (now < drain->look_at_ns) {
        return;
    }
    drain->look_at_ns = now + LOOK_NS;
    int renewed = alog_control_renew_if_gone(&drain->writer->control);
    if (renewed < 0) {
        alog_writer_note_failure(drain->writer, renewed);
    }
    if (drain->segment != NULL && alog_segment_is_lost(drain->segment)) {
        (void)displace(drain);
    }
}

void alog_drain_rotate(struct alog_drain *drain) {
    look_after_names(drain);
    if (drain->displaced_count > 0) {
        (void)settle_displaced(drain, false);
    }
    if (drain->segment != NULL && is_over(drain)) {
        /* Whatever comes of it, the next segment is begun. */
        (void)alog_drain_seal(drain);
    }
}

enum alog_status alog_drain_sync(struct alog_drain *drain) {
    enum alog_status status = settle_displaced(drain, drain->forced);
    if (status != ALOG_OK || !drain->unsynced || drain->segment == NULL) {
        /* While the disk does not take what came before, the rest waits. */
        return status;
    }
    struct alog_error error = {0};
    status = alog_segment_sync(drain->segment, &error);
    if (status == ALOG_OK) {
        drain->unsynced = false;
        return ALOG_OK;
    }
    alog_drain_failed(drain, status, &error, false);
    drain->unsynced_since_ns = drain->io->monotonic_ns(drain->io->context);
    if (!alog_segment_is_lost(drain->segment)) {
        return status; /* a directory that could not be opened: nothing is lost by trying again */
    }
    /* After a failed fsync the kernel has forgotten what it could not write: a second call on this
     * file would succeed and mean nothing. */
    return displace(drain);
}
