/* The writer in a child of fork; see writer_fork.h. */
#include "writer_fork.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "format/error.h"
#include "thread_state.h"

/* After a child could not get a writer, its log calls do not try again for so long. */
#define RETRY_AFTER_NS INT64_C(100000000)

/* ---- Around fork ---------------------------------------------------------------------------- */

void alog_writer_before_fork(struct alog_writer *writer) {
    pthread_mutex_lock(&writer->define_mutex);
    pthread_mutex_lock(&writer->control.mutex);
    pthread_mutex_lock(&writer->mutex);
    alog_held_files_before_fork(&writer->files);
}

static void unlock(struct alog_writer *writer) {
    pthread_mutex_unlock(&writer->mutex);
    pthread_mutex_unlock(&writer->control.mutex);
    pthread_mutex_unlock(&writer->define_mutex);
}

void alog_writer_after_fork_in_parent(struct alog_writer *writer) {
    alog_held_files_after_fork_in_parent(&writer->files);
    unlock(writer);
}

void alog_writer_after_fork_in_child(struct alog_writer *writer) {
    alog_held_files_after_fork_in_child(&writer->files);
    writer->control.fd = -1;
    writer->forks++;
    alog_ring_set_disown(writer);
    if (!writer->closing || alog_writer_is_forked(writer)) {
        writer->closing = true;
        writer->untouched = true;
        /* Relaxed, here and below: the child has one thread, this. The owner's reference is left;
         * the others were those of threads, or of calls that are still under way in the parent. */
        atomic_store_explicit(&writer->references, 1, memory_order_relaxed);
        atomic_store_explicit(&writer->forked, true, memory_order_relaxed);
    }
    unlock(writer);
}

/* ---- A writer again ------------------------------------------------------------------------- */

/* The parent's counts stay with the parent. A handler that logs meanwhile must not be lost. */
static void begin_counting(struct alog_writer *writer) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_mutex_lock(&writer->mutex);
    if (writer->untouched) {
        memset(&writer->losses, 0, sizeof writer->losses);
        memset(&writer->counters, 0, sizeof writer->counters);
        /* Relaxed: statistics. */
        atomic_store_explicit(&writer->io_errors, 0, memory_order_relaxed);
        atomic_store_explicit(&writer->last_errno, 0, memory_order_relaxed);
        atomic_store_explicit(&writer->refused, 0, memory_order_relaxed);
        atomic_store_explicit(&writer->ring_fallbacks, 0, memory_order_relaxed);
        writer->last_error[0] = '\0';
        writer->untouched = false;
    }
    pthread_mutex_unlock(&writer->mutex);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Of the conditions too: threads that were not copied still count as waiting there. */
static void renew_waiting(struct alog_writer *writer) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->wake, &monotonic);
    pthread_cond_init(&writer->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    writer->finish = false;
    writer->flush_wanted = writer->flush_done = 0;
    writer->flush_status = ALOG_OK;
}

/* Free what is surely whole. A log call that fork interrupted goes on, and needs its slot. */
static void let_go(struct alog_writer *writer) {
    renew_waiting(writer);
    if (writer->drain != NULL) {
        alog_process_abandon(writer->drain);
        writer->drain = NULL;
    }
    if (writer->background != NULL) {
        alog_process_abandon(writer->background);
        writer->background = NULL;
    }
    struct alog_ring_slot **at = &writer->inherited;
    while (*at != NULL) {
        struct alog_ring_slot *slot = *at;
        if (slot->keep) {
            at = &slot->next;
            continue;
        }
        *at = slot->next;
        slot->next = NULL;
        alog_ring_slots_free(slot);
    }
    if (writer->control.io != NULL) {
        alog_control_close(&writer->control, false);
        alog_control_free(&writer->control);
        writer->control = (struct alog_control_file){.fd = -1};
    }
}

/* Under the define_mutex. */
static enum alog_status reopen(struct alog_writer *writer) {
    begin_counting(writer);
    struct alog_ring_set *set = &writer->rings;
    int64_t now = writer->io->monotonic_ns(writer->io->context);
    /* Relaxed: a hint. */
    if (now < atomic_load_explicit(&set->retry_at, memory_order_relaxed)) {
        return ALOG_IO;
    }
    let_go(writer);
    struct alog_error error = {0};
    enum alog_status status = alog_writer_start(writer, &error);
    if (status != ALOG_OK) {
        alog_writer_note_error(writer, &error);
        atomic_store_explicit(&set->retry_at, now + RETRY_AFTER_NS, memory_order_relaxed);
        return status;
    }
    pthread_mutex_lock(&writer->mutex);
    writer->closing = false;
    /* Release: pairs with the acquire in alog_writer_is_forked. */
    atomic_store_explicit(&writer->forked, false, memory_order_release);
    pthread_mutex_unlock(&writer->mutex);
    return ALOG_OK;
}

enum alog_status alog_writer_reopen_after_fork(struct alog_writer *writer) {
    if (!alog_writer_is_forked(writer)) {
        return ALOG_OK;
    }
    pthread_mutex_lock(&writer->define_mutex);
    enum alog_status status = alog_writer_is_forked(writer) ? reopen(writer) : ALOG_OK;
    pthread_mutex_unlock(&writer->define_mutex);
    return status;
}

enum alog_status alog_writer_close_forked(struct alog_writer *writer, struct alog_error *error) {
    uint64_t lost = writer->untouched ? 0 : alog_losses_total(&writer->losses);
    pthread_mutex_lock(&writer->define_mutex);
    let_go(writer);
    pthread_mutex_unlock(&writer->define_mutex);
    enum alog_status status = ALOG_OK;
    if (lost > 0) {
        /* Relaxed: a statistic. */
        int reason = atomic_load_explicit(&writer->last_errno, memory_order_relaxed);
        status =
            alog_fail(error, ALOG_IO, reason, -1,
                      "%" PRIu64 " events were lost: after fork no writer could be opened in %s",
                      lost, writer->log_dir);
    }
    alog_writer_release(writer);
    return status;
}
