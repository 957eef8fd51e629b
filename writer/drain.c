/* The drain thread's loop: what it takes, and when it cuts, syncs, reports and sleeps. */
#include "drain.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Naps between passes: while events come, the longest when none do (40 wake-ups a second), and the
 * first after a rush, when whoever waits for room is about to go on. */
#define BUSY_NAP_NS INT64_C(1000000)
#define IDLE_NAP_NS INT64_C(25000000)
#define RUSH_NAP_NS INT64_C(50000)

/* A ring that gave this part of itself in one pass may be full before a nap is over. */
#define RUSH_PART 8

enum alog_status alog_drain_new(struct alog_writer *writer, struct alog_drain **ret_drain) {
    struct alog_drain *drain = calloc(1, sizeof *drain);
    if (drain == NULL) {
        return ALOG_NO_MEMORY;
    }
    drain->writer = writer;
    drain->io = writer->io;
    drain->next_sequence = 1;
    drain->drops = calloc(ALOG_MAX_TYPES, sizeof *drain->drops);
    struct alog_block_builder_options options = {
        .writer_id = writer->writer_id,
        .environment = writer->options.environment,
        .schema = writer->schema,
        .block_bytes = (uint32_t)writer->options.block_bytes,
    };
    enum alog_status status = drain->drops == NULL ? ALOG_NO_MEMORY : ALOG_OK;
    if (status == ALOG_OK) {
        status = alog_block_builder_new(&options, &drain->builder);
    }
    if (status == ALOG_OK) {
        status = alog_block_compressor_new(writer->options.compression_level, &drain->compressor);
    }
    if (status != ALOG_OK) {
        alog_drain_free(drain);
        return status;
    }
    *ret_drain = drain;
    return ALOG_OK;
}

void alog_drain_free(struct alog_drain *drain) {
    if (drain == NULL) {
        return;
    }
    alog_drain_free_segments(drain);
    if (drain->builder != NULL) {
        alog_block_builder_free(drain->builder);
    }
    if (drain->compressor != NULL) {
        alog_block_compressor_free(drain->compressor);
    }
    free(drain->drops);
    free(drain->marks);
    free(drain->unsaid);
    free(drain->scratch);
    free(drain->text.data);
    free(drain);
}

/* ---- Taking --------------------------------------------------------------------------------- */

/* What the ring held is no event. It was accepted once, so it counts as lost. */
static void count_unreadable(struct alog_drain *drain, uint32_t type, uint64_t events) {
    /* As one for alog_writer_get_stats: an event is in flight or lost. */
    pthread_mutex_lock(&drain->writer->mutex);
    alog_drain_count(&drain->writer->counters.unreadable, events);
    alog_losses_count_many(&drain->writer->losses, ALOG_LOSS_UNREADABLE,
                           type < ALOG_MAX_TYPES ? type : 0, events);
    pthread_mutex_unlock(&drain->writer->mutex);
}

enum alog_status alog_drain_add(struct alog_drain *drain, const uint8_t *plain, uint32_t bytes,
                                uint32_t type, bool own) {
    if (drain->pending) {
        enum alog_status status = alog_drain_cut(drain);
        if (status != ALOG_OK) {
            return status;
        }
    }
    if (alog_block_builder_events(drain->builder) == 0) {
        drain->began_ns = drain->previous_pass_ns;
    }
    enum alog_status status = alog_block_builder_add(drain->builder, plain, bytes);
    if (status == ALOG_LIMIT) {
        status = alog_drain_cut(drain);
        if (status != ALOG_OK) {
            return status;
        }
        drain->began_ns = drain->previous_pass_ns;
        status = alog_block_builder_add(drain->builder, plain, bytes);
    }
    if (status == ALOG_CORRUPT) {
        if (!own) {
            count_unreadable(drain, type, 1);
        }
        return ALOG_OK;
    }
    if (status != ALOG_OK) {
        return status;
    }
    if (own) {
        drain->own_events++;
    } else {
        drain->taken_total++;
        drain->taken[type]++;
    }
    return ALOG_OK;
}

static uint64_t last_sequence_taken(const struct alog_drain *drain) {
    return drain->next_sequence + alog_block_builder_events(drain->builder) - 1;
}

/* A ring must get room back before it is full: not all of it may wait for the block to fill. */
static bool is_holding_much(const struct alog_ring_slot *slot) {
    return slot->consumer.taken - slot->marked > slot->consumer.mask / 2;
}

/* Take the ring's events up to `end`, a position that is published. */
static enum alog_status take_until(struct alog_drain *drain, struct alog_ring_slot *slot,
                                   uint64_t end) {
    struct alog_ring_consumer *consumer = &slot->consumer;
    for (;;) {
        uint64_t before = consumer->taken;
        struct alog_ring_record record;
        enum alog_ring_take took = alog_ring_take(consumer, end, &record);
        if (took == ALOG_RING_EMPTY) {
            return ALOG_OK;
        }
        if (took == ALOG_RING_BROKEN) {
            /* Relaxed: nobody can say any more what exactly was there. */
            uint64_t published =
                atomic_load_explicit(&consumer->header->published, memory_order_relaxed);
            count_unreadable(drain, 0, published - slot->events_taken);
            slot->events_taken = published;
            consumer->taken = end;
            return ALOG_OK;
        }
        /* A block that is cut on the way must not claim the record that comes after it. */
        uint64_t after = consumer->taken;
        consumer->taken = before;
        enum alog_status status =
            alog_drain_add(drain, record.payload, record.bytes, record.tag, false);
        if (status != ALOG_OK) {
            return status;
        }
        consumer->taken = after;
        slot->events_taken++;
        slot->last_sequence = last_sequence_taken(drain);
        if (is_holding_much(slot)) {
            status = alog_drain_cut(drain);
            if (status != ALOG_OK) {
                return status;
            }
        }
    }
}

/*
 * Take what the ring has. Losses are reported where they happened: after the events that were
 * logged before the latest of them, and before those that came later.
 */
static enum alog_status take_ring(struct alog_drain *drain, struct alog_ring_slot *slot) {
    const struct alog_ring_header *header = slot->consumer.header;
    uint64_t lost = alog_ring_lost(header);
    uint64_t head = alog_ring_published(header);
    if (lost != slot->reported_total) {
        /* Relaxed: alog_ring_lost acquired it. */
        uint64_t lost_at = atomic_load_explicit(&header->lost_at, memory_order_relaxed);
        enum alog_status status = take_until(drain, slot, lost_at < head ? lost_at : head);
        if (status == ALOG_OK) {
            status = alog_drain_report_ring(drain, slot);
        }
        if (status != ALOG_OK) {
            return status;
        }
    }
    return take_until(drain, slot, head);
}

/* One look at every ring; *ret_rush: one of them fills so fast that there is no time to sleep. */
static enum alog_status take_all(struct alog_drain *drain, bool *ret_rush) {
    enum alog_status status = alog_drain_report_losses(drain);
    for (struct alog_ring_slot *slot = alog_ring_set_first(&drain->writer->rings);
         slot != NULL && status == ALOG_OK; slot = slot->next) {
        uint64_t before = slot->consumer.taken;
        status = take_ring(drain, slot);
        *ret_rush |= slot->consumer.taken - before > slot->consumer.mask / RUSH_PART;
    }
    return status;
}

/* ---- Deciding ------------------------------------------------------------------------------- */

static int64_t interval_ns(uint64_t ms) {
    return (int64_t)ms * 1000000;
}

/* When the block must be cut, with some of the interval left to write it. */
static int64_t cut_deadline(const struct alog_drain *drain) {
    int64_t interval = interval_ns(drain->writer->options.flush_interval_ms);
    return drain->began_ns + interval - interval / 4;
}

static void cut_if_due(struct alog_drain *drain, int64_t now) {
    bool waiting = drain->pending || alog_block_builder_events(drain->builder) > 0;
    if (waiting && (drain->forced || drain->pending || now >= cut_deadline(drain))) {
        /* A failure is counted there, and the block waits. */
        (void)alog_drain_cut(drain);
    }
}

static void sync_if_due(struct alog_drain *drain, int64_t now) {
    const struct alog_writer_options *options = &drain->writer->options;
    if (options->sync == ALOG_SYNC_INTERVAL && drain->unsynced &&
        now - drain->unsynced_since_ns >= interval_ns(options->sync_interval_ms)) {
        (void)alog_drain_sync(drain);
    }
}

static void calibrate_if_due(struct alog_drain *drain, int64_t now) {
    if (now >= drain->clock_at_ns) {
        drain->clock_at_ns = now + alog_clock_calibrate(&drain->writer->clock);
    }
}

static void report_if_due(struct alog_drain *drain, int64_t now) {
    if (!drain->pending &&
        now - drain->stats_ns >= interval_ns(drain->writer->options.stats_interval_ms)) {
        /* Without memory or disk there is no heartbeat; the next pass tries again. */
        (void)alog_drain_report_stats(drain);
    }
}

/* Everything that was published before this pass is in the file, or that cannot be. */
static enum alog_status flush(struct alog_drain *drain, enum alog_status taken) {
    enum alog_status status = taken == ALOG_OK ? alog_drain_cut(drain) : taken;
    if (status == ALOG_OK && drain->writer->options.sync != ALOG_SYNC_NONE) {
        status = alog_drain_sync(drain);
    }
    return status;
}

/* ---- The loop ------------------------------------------------------------------------------- */

static bool is_empty(const struct alog_drain *drain) {
    if (drain->pending || alog_block_builder_events(drain->builder) > 0) {
        return false;
    }
    for (struct alog_ring_slot *slot = alog_ring_set_first(&drain->writer->rings); slot != NULL;
         slot = slot->next) {
        if (slot->consumer.taken != alog_ring_published(slot->consumer.header)) {
            return false;
        }
    }
    return true;
}

/* The end: no log call is under way any more. */
static void finish(struct alog_drain *drain) {
    drain->forced = true;
    bool rush = false;
    enum alog_status status = take_all(drain, &rush);
    if (status == ALOG_OK) {
        /* Bytes that turned out to be no event were found after the losses were reported. */
        status = alog_drain_report_losses(drain);
    }
    if (status == ALOG_OK) {
        status = alog_drain_report_stats(drain);
    }
    if (status == ALOG_OK) {
        status = alog_drain_cut(drain);
    }
    if (status != ALOG_OK && drain->result == ALOG_OK) {
        drain->result = status;
    }
    (void)alog_drain_seal(drain);
    alog_drain_settle_all(drain);
    if (drain->displaced_count == 0 && alog_drain_report_losses(drain) == ALOG_OK &&
        alog_drain_cut(drain) == ALOG_OK) {
        /* What was lost just now is in the log as well. */
        (void)alog_drain_seal(drain);
        alog_drain_settle_all(drain);
    }
    drain->emptied = is_empty(drain);
    drain->settled = drain->left == 0;
}

/* Sleep until `deadline`, or until flush or close call. */
static void nap(struct alog_drain *drain, int64_t nap_ns) {
    struct alog_writer *writer = drain->writer;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + nap_ns;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&writer->mutex);
    if (!writer->finish && writer->flush_wanted == writer->flush_done) {
        pthread_cond_timedwait(&writer->wake, &writer->mutex, &until);
    }
    pthread_mutex_unlock(&writer->mutex);
}

/* Short while events come, longer and longer while none do, never past what is due. */
static int64_t next_nap(struct alog_drain *drain, bool active, int64_t now) {
    const struct alog_writer_options *options = &drain->writer->options;
    bool after_rush = drain->nap_ns < BUSY_NAP_NS;
    int64_t nap_ns = active && !after_rush ? BUSY_NAP_NS : drain->nap_ns * 2;
    int64_t longest = interval_ns(options->flush_interval_ms) / 8;
    longest = longest < IDLE_NAP_NS ? longest : IDLE_NAP_NS;
    nap_ns = nap_ns < longest ? nap_ns : longest;
    drain->nap_ns = nap_ns;
    if (alog_block_builder_events(drain->builder) > 0 && !drain->pending) {
        int64_t left = cut_deadline(drain) - now;
        nap_ns = left < nap_ns ? left : nap_ns;
    }
    return nap_ns > 0 ? nap_ns : 0;
}

/* One pass; returns how long to sleep before the next. */
static int64_t pass(struct alog_drain *drain, uint64_t flush_wanted, bool must_flush) {
    struct alog_writer *writer = drain->writer;
    int64_t now = drain->io->monotonic_ns(drain->io->context);
    drain->previous_pass_ns = drain->pass_ns;
    drain->pass_ns = now;
    drain->forced = must_flush;
    uint64_t events_before = drain->taken_total;
    calibrate_if_due(drain, now);
    bool rush = false;
    enum alog_status status = take_all(drain, &rush);
    report_if_due(drain, now);
    cut_if_due(drain, now);
    alog_drain_rotate(drain);
    sync_if_due(drain, now);
    if (must_flush) {
        status = flush(drain, status);
        pthread_mutex_lock(&writer->mutex);
        writer->flush_done = flush_wanted;
        writer->flush_status = status;
        pthread_cond_broadcast(&writer->done);
        pthread_mutex_unlock(&writer->mutex);
    }
    if (status == ALOG_OK && rush) {
        drain->nap_ns = RUSH_NAP_NS / 2;
        return 0;
    }
    return next_nap(drain, drain->taken_total != events_before, now);
}

void *alog_drain_run(void *argument) {
    struct alog_drain *drain = argument;
    struct alog_writer *writer = drain->writer;
    drain->pass_ns = drain->io->monotonic_ns(drain->io->context);
    drain->stats_ns = drain->pass_ns;
    drain->nap_ns = BUSY_NAP_NS;
    for (;;) {
        pthread_mutex_lock(&writer->mutex);
        bool must_finish = writer->finish;
        uint64_t wanted = writer->flush_wanted;
        bool must_flush = wanted != writer->flush_done;
        pthread_mutex_unlock(&writer->mutex);
        if (must_finish) {
            finish(drain);
            return NULL;
        }
        int64_t nap_ns = pass(drain, wanted, must_flush);
        if (nap_ns > 0) {
            nap(drain, nap_ns);
        }
    }
}
