/* The drain thread's loop: when it takes, cuts, syncs, reports and sleeps. */
#include "drain.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Naps between passes: while events come, the longest when none do (40 wake-ups a second), and the
 * first after a rush, when whoever waits for room is about to go on. */
#define BUSY_NAP_NS INT64_C(1000000)
#define IDLE_NAP_NS INT64_C(25000000)
#define RUSH_NAP_NS INT64_C(50000)

enum alog_status alog_drain_new(struct alog_writer *writer, struct alog_drain **ret_drain) {
    struct alog_drain *drain = calloc(1, sizeof *drain);
    if (drain == NULL) {
        return ALOG_NO_MEMORY;
    }
    drain->writer = writer;
    drain->io = writer->io;
    drain->next_sequence = 1;
    enum alog_status status = alog_drain_block_new(drain);
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
    for (uint32_t i = 0; i < drain->block_count; i++) {
        alog_drain_block_free(&drain->blocks[i]);
    }
    free(drain->unsaid);
    free(drain->scratch);
    free(drain->text.data);
    free(drain);
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
    bool due = alog_drain_events(drain) > 0 && (drain->forced || now >= cut_deadline(drain));
    /* A failure is counted there, and the block waits. */
    if (due) {
        (void)alog_drain_cut(drain);
    } else {
        (void)alog_drain_collect(drain);
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
    if (drain->closed < drain->block_count &&
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

/* The end: no log call is under way any more. */
static void finish(struct alog_drain *drain) {
    drain->forced = true;
    bool rush = false;
    enum alog_status status = alog_drain_take_all(drain, &rush);
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
    drain->emptied = alog_drain_is_empty(drain);
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
    if (drain->closed > 0 && nap_ns > BUSY_NAP_NS) {
        nap_ns = BUSY_NAP_NS; /* the helper is about to be done */
    }
    if (alog_drain_events(drain) > 0) {
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
    enum alog_status status = alog_drain_take_all(drain, &rush);
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
            alog_drain_helper_stop(drain->helper);
            drain->helper = NULL;
            return NULL;
        }
        int64_t nap_ns = pass(drain, wanted, must_flush);
        if (nap_ns > 0) {
            nap(drain, nap_ns);
        }
    }
}
