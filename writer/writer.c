/* The handle: open, flush, stats, close. */
#include <agentlog/writer.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "drain.h"
#include "format/error.h"
#include "format/trust.h"
#include "options.h"
#include "recover_background.h"
#include "thread_state.h"
#include "writer_fork.h"
#include "writer_state.h"

void alog_writer_note_failure(struct alog_writer *writer, int result) {
    /* Relaxed: statistics, each by itself. */
    atomic_fetch_add_explicit(&writer->io_errors, 1, memory_order_relaxed);
    atomic_store_explicit(&writer->last_errno, -result, memory_order_relaxed);
}

void alog_writer_note_error(struct alog_writer *writer, const struct alog_error *error) {
    alog_writer_note_failure(writer, -error->system_errno);
    pthread_mutex_lock(&writer->mutex);
    snprintf(writer->last_error, sizeof writer->last_error, "%.*s",
             (int)sizeof writer->last_error - 1, error->message);
    pthread_mutex_unlock(&writer->mutex);
}

__attribute__((cold)) enum alog_status alog_writer_refuse(struct alog_writer *writer) {
    if (writer != NULL) {
        /* Relaxed: a statistic. */
        atomic_fetch_add_explicit(&writer->refused, 1, memory_order_relaxed);
    }
    return ALOG_INVALID;
}

/* ---- Lifetime ------------------------------------------------------------------------------- */

void alog_writer_retain(struct alog_writer *writer) {
    /* Relaxed: whoever calls this has the handle already. */
    atomic_fetch_add_explicit(&writer->references, 1, memory_order_relaxed);
}

/* What is left when the last reference goes; works on a writer that is half made, too. */
static void writer_free(struct alog_writer *writer) {
    alog_drain_free(writer->drain);
    alog_ring_slots_free(alog_ring_set_first(&writer->rings));
    alog_ring_slots_free(writer->inherited);
    if (writer->control.io != NULL) {
        alog_control_free(&writer->control);
    }
    if (writer->schema != NULL) {
        alog_schema_free(writer->schema);
    }
    alog_options_free(&writer->options);
    free(writer->log_dir);
    free(writer->own_dir);
    pthread_cond_destroy(&writer->done);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->define_mutex);
    pthread_mutex_destroy(&writer->mutex);
    alog_held_files_free(&writer->files);
    free(writer);
}

void alog_writer_release(struct alog_writer *writer) {
    /* Release: what this holder did comes before the end; acquire: the last one sees it all. */
    if (atomic_fetch_sub_explicit(&writer->references, 1, memory_order_acq_rel) == 1) {
        alog_process_remove(writer);
        writer_free(writer);
    }
}

/* ---- Open ----------------------------------------------------------------------------------- */

static void init_locks(struct alog_writer *writer) {
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_mutex_init(&writer->define_mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->wake, &monotonic);
    pthread_cond_init(&writer->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static enum alog_status choose_id(struct alog_writer *writer, struct alog_error *error) {
    while (writer->writer_id == 0) {
        int result =
            writer->io->random(writer->io->context, &writer->writer_id, sizeof writer->writer_id);
        if (result < 0) {
            return alog_fail(error, ALOG_IO, -result, -1, "no random number for the writer's id");
        }
    }
    return ALOG_OK;
}

/* The process may go to another directory, and a child of it often does. */
static char *absolute_path(const char *path) {
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    char *whole = NULL;
    if (here == NULL) {
        return strdup(path);
    }
    if (asprintf(&whole, "%s/%s", here, path) < 0) {
        whole = NULL;
    }
    free(here);
    return whole;
}

static enum alog_status set_paths(struct alog_writer *writer, const char *log_dir,
                                  struct alog_error *error) {
    writer->log_dir = absolute_path(log_dir);
    if (writer->log_dir == NULL || asprintf(&writer->own_dir, "%s/.writers", writer->log_dir) < 0) {
        writer->own_dir = NULL;
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for the writer");
    }
    return ALOG_OK;
}

static enum alog_status make_directories(struct alog_writer *writer, struct alog_error *error) {
    enum alog_status status = alog_trust_log_dir(writer->io, writer->log_dir, NULL, error);
    if (status != ALOG_OK) {
        return status;
    }
    int result = alog_io_make_dirs(writer->io, writer->own_dir, ALOG_DIRECTORY_MODE);
    if (result < 0) {
        bool read_only = result == -EROFS || result == -EACCES || result == -EPERM;
        return alog_fail(error, read_only ? ALOG_READ_ONLY : ALOG_IO, -result, -1,
                         "cannot make the directory %s", writer->own_dir);
    }
    return alog_trust_own_dir(writer->io, writer->own_dir, error);
}

/* The drain thread takes no signals: they are the application's. */
static enum alog_status start_thread(struct alog_writer *writer, struct alog_error *error) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&writer->thread, NULL, alog_drain_run, writer->drain);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        return alog_fail(error, ALOG_NO_MEMORY, failed, -1, "cannot start the drain thread");
    }
    pthread_setname_np(writer->thread, "agentlog");
    return ALOG_OK;
}

/* What a recovery must know of the types that were defined before there was a control file. */
static void announce_types(struct alog_writer *writer) {
    for (uint32_t id = ALOG_FIRST_USER_TYPE; alog_schema_type(writer->schema, id) != NULL; id++) {
        int saved = alog_control_add_type(&writer->control, alog_schema_type(writer->schema, id));
        if (saved < 0) {
            alog_writer_note_failure(writer, saved); /* the drain thread tries again */
        }
    }
}

enum alog_status alog_writer_start(struct alog_writer *writer, struct alog_error *error) {
    writer->asymmetric =
        syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    alog_clock_init(&writer->clock, writer->options.io);
    writer->writer_id = 0;
    enum alog_status status = choose_id(writer, error);
    if (status == ALOG_OK) {
        status = make_directories(writer, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    status = alog_drain_new(writer, &writer->drain);
    if (status == ALOG_NO_MEMORY) {
        alog_fail(error, status, 0, -1, "no memory for the writer");
    }
    if (status == ALOG_OK) {
        status =
            alog_control_create(&writer->control, writer->io, writer->own_dir, writer->writer_id,
                                writer->options.environment, alog_ring_set_dir(writer), error);
        if (status == ALOG_OK) {
            announce_types(writer);
            status = start_thread(writer, error);
        }
        if (status != ALOG_OK) {
            alog_control_close(&writer->control, true);
            alog_control_free(&writer->control);
            writer->control = (struct alog_control_file){.fd = -1};
        }
    }
    if (status != ALOG_OK) {
        alog_drain_free(writer->drain);
        writer->drain = NULL;
    }
    return status;
}

static enum alog_status set_up(struct alog_writer *writer, const char *log_dir,
                               struct alog_error *error) {
    writer->rings.bytes_each = alog_ring_total_bytes(writer->options.ring_bytes);
    alog_held_files_init(&writer->files, writer->options.io);
    writer->io = &writer->files.io;
    enum alog_status status = set_paths(writer, log_dir, error);
    if (status == ALOG_OK) {
        status = alog_schema_new(&writer->schema);
        if (status != ALOG_OK) {
            return alog_fail(error, status, 0, -1, "no memory for the writer");
        }
    }
    return status;
}

enum alog_status alog_writer_open(const char *log_dir, const struct alog_writer_options *options,
                                  struct alog_writer **ret_writer, struct alog_error *error) {
    if (log_dir == NULL || log_dir[0] == '\0') {
        return alog_fail(error, ALOG_INVALID, 0, -1, "no log directory was given");
    }
    /* Lines of the cache are what keeps threads apart. */
    struct alog_writer *writer = aligned_alloc(alignof(struct alog_writer), sizeof *writer);
    if (writer == NULL) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for the writer");
    }
    memset(writer, 0, sizeof *writer);
    init_locks(writer);
    atomic_init(&writer->references, 1);
    enum alog_status status = alog_options_resolve(options, &writer->options, error);
    if (status == ALOG_OK) {
        status = set_up(writer, log_dir, error);
    }
    if (status != ALOG_OK) {
        writer_free(writer);
        return status;
    }
    /* Before any file is opened: a child that is made meanwhile must know of it. */
    status = alog_process_add(writer);
    if (status != ALOG_OK) {
        writer_free(writer);
        return alog_fail(error, status, 0, -1, "no thread-specific key is left");
    }
    pthread_mutex_lock(&writer->define_mutex);
    status = alog_writer_start(writer, error);
    pthread_mutex_unlock(&writer->define_mutex);
    if (status != ALOG_OK) {
        alog_writer_release(writer);
        return status;
    }
    alog_background_start(writer);
    *ret_writer = writer;
    return ALOG_OK;
}

/* ---- Flush ---------------------------------------------------------------------------------- */

static struct timespec deadline_after(uint64_t timeout_ms) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    uint64_t longest_ms = UINT64_C(1000) * 86400 * 365;
    timeout_ms = timeout_ms < longest_ms ? timeout_ms : longest_ms;
    long ns = at.tv_nsec + (long)(timeout_ms % 1000) * 1000000;
    at.tv_sec += (time_t)(timeout_ms / 1000) + ns / 1000000000;
    at.tv_nsec = ns % 1000000000;
    return at;
}

/* The result of a flush, with its reason. */
static enum alog_status explain_flush(const struct alog_writer *writer, enum alog_status status,
                                      uint64_t timeout_ms, struct alog_error *error) {
    switch (status) {
    case ALOG_OK:
        return ALOG_OK;
    case ALOG_CLOSED:
        return alog_fail(error, status, 0, -1, "the writer is closed");
    case ALOG_DROPPED:
        return alog_fail(error, status, 0, -1, "not everything was written within %" PRIu64 " ms",
                         timeout_ms);
    case ALOG_NO_MEMORY:
        return alog_fail(error, status, 0, -1, "no memory for a block");
    default:
        return alog_fail(error, ALOG_IO,
                         atomic_load_explicit(&writer->last_errno, memory_order_relaxed), -1,
                         "events could not be written to %s", writer->log_dir);
    }
}

enum alog_status alog_writer_flush(struct alog_writer *writer, uint64_t timeout_ms,
                                   struct alog_error *error) {
    if (writer == NULL) {
        return ALOG_CLOSED;
    }
    struct timespec until = deadline_after(timeout_ms);
    if (alog_writer_is_forked(writer)) {
        return ALOG_OK; /* nothing was logged here yet */
    }
    alog_writer_retain(writer); /* close may run meanwhile */
    pthread_mutex_lock(&writer->mutex);
    uint32_t forks = writer->forks;
    uint64_t wanted = ++writer->flush_wanted;
    pthread_cond_signal(&writer->wake);
    int waited = 0;
    while (!writer->closing && writer->flush_done < wanted && waited == 0) {
        waited = pthread_cond_timedwait(&writer->done, &writer->mutex, &until);
    }
    enum alog_status status = ALOG_OK;
    if (writer->flush_done >= wanted) {
        status = writer->flush_status;
    } else {
        status = writer->closing ? ALOG_CLOSED : ALOG_DROPPED;
    }
    bool forked = writer->forks != forks; /* by a signal handler; that reference is the parent's */
    pthread_mutex_unlock(&writer->mutex);
    status = explain_flush(writer, status, timeout_ms, error);
    if (!forked) {
        alog_writer_release(writer);
    }
    return status;
}

/* ---- Stats ---------------------------------------------------------------------------------- */

static void count_rings(const struct alog_writer *writer, uint64_t *published, uint64_t *lost) {
    for (struct alog_ring_slot *slot = alog_ring_set_first(&writer->rings); slot != NULL;
         slot = slot->next) {
        const struct alog_ring_header *header = slot->consumer.header;
        *lost += alog_ring_lost(header);
        /* Relaxed: a count by itself. */
        *published += atomic_load_explicit(&header->published, memory_order_relaxed);
    }
}

enum alog_status alog_writer_get_stats(struct alog_writer *writer,
                                       struct alog_writer_stats *ret_stats) {
    if (writer == NULL) {
        return ALOG_CLOSED;
    }
    struct alog_writer_counters *counters = &writer->counters;
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    size_t room = ret_stats->struct_bytes;
    if (room < sizeof room || room > sizeof stats) {
        return ALOG_INVALID;
    }
    pthread_mutex_lock(&writer->mutex);
    bool forked = alog_writer_is_forked(writer);
    if (forked ? writer->untouched : writer->closing) {
        pthread_mutex_unlock(&writer->mutex);
        if (forked) {
            stats.struct_bytes = room;
            memcpy(ret_stats, &stats, room);
        }
        return forked ? ALOG_OK : ALOG_CLOSED;
    }
    /* `stored` before `published`: an event is published first, so the difference is never
     * negative. Acquire: pairs with the release in drain_block.c's add_to. */
    stats.stored = atomic_load_explicit(&counters->stored, memory_order_acquire);
    uint64_t unreadable = atomic_load_explicit(&counters->unreadable, memory_order_acquire);
    uint64_t published = 0;
    uint64_t ring_lost = 0;
    count_rings(writer, &published, &ring_lost);
    stats.dropped = ring_lost + alog_losses_total(&writer->losses);
    stats.in_flight = published - unreadable - stats.stored;
    stats.emitted = stats.stored + stats.dropped + stats.in_flight;
    stats.rings = writer->rings.count;
    stats.ring_bytes = writer->rings.count * writer->rings.bytes_each;
    memcpy(stats.last_error, writer->last_error, sizeof stats.last_error);
    pthread_mutex_unlock(&writer->mutex);
    stats.raw_bytes = atomic_load_explicit(&counters->raw_bytes, memory_order_relaxed);
    stats.segment_bytes = atomic_load_explicit(&counters->segment_bytes, memory_order_relaxed);
    stats.segments = atomic_load_explicit(&counters->segments, memory_order_relaxed);
    stats.io_errors = atomic_load_explicit(&writer->io_errors, memory_order_relaxed);
    stats.last_errno = atomic_load_explicit(&writer->last_errno, memory_order_relaxed);
    stats.refused = atomic_load_explicit(&writer->refused, memory_order_relaxed);
    stats.ring_fallbacks = atomic_load_explicit(&writer->ring_fallbacks, memory_order_relaxed);
    stats.writer_id = writer->writer_id;
    stats.recovered = atomic_load_explicit(&writer->recovered, memory_order_relaxed);
    stats.struct_bytes = room;
    memcpy(ret_stats, &stats, room);
    return ALOG_OK;
}

/* ---- Close ---------------------------------------------------------------------------------- */

/* How many events are still in the rings, once nobody logs and nobody drains. */
static uint64_t count_left(const struct alog_writer *writer) {
    uint64_t published = 0;
    uint64_t lost = 0;
    count_rings(writer, &published, &lost);
    return published - atomic_load_explicit(&writer->counters.unreadable, memory_order_relaxed) -
           atomic_load_explicit(&writer->counters.stored, memory_order_relaxed);
}

static enum alog_status closing_result(const struct alog_writer *writer, uint64_t left,
                                       struct alog_error *error) {
    const struct alog_drain *drain = writer->drain;
    if (left > 0) {
        int reason = atomic_load_explicit(&writer->last_errno, memory_order_relaxed);
        return alog_fail(error, drain->result != ALOG_OK ? drain->result : ALOG_IO, reason, -1,
                         "%" PRIu64 " events could not be written to %s; their rings are kept",
                         left, writer->log_dir);
    }
    if (drain->result != ALOG_OK) {
        if (error != NULL) {
            *error = drain->error;
        }
        return drain->result;
    }
    return ALOG_OK;
}

enum alog_status alog_writer_close(struct alog_writer *writer, struct alog_error *error) {
    if (writer == NULL) {
        return ALOG_OK;
    }
    if (alog_writer_is_forked(writer)) {
        return alog_writer_close_forked(writer, error);
    }
    alog_ring_set_close(writer);
    pthread_mutex_lock(&writer->mutex);
    writer->finish = true;
    pthread_cond_signal(&writer->wake);
    pthread_cond_broadcast(&writer->done); /* flushes under way return ALOG_CLOSED */
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    alog_background_end(writer);
    uint64_t left = count_left(writer);
    enum alog_status status = closing_result(writer, left, error);
    /* What could not be stored stays where a recovery finds it. */
    bool everything = left == 0 && writer->drain->emptied;
    if (everything) {
        /* From here on nobody shall take the rings that are gone for lost ones: neither when this
         * process is killed, nor when unsealed segments are left to a recovery. */
        (void)alog_control_add_finished(&writer->control);
    }
    alog_ring_set_unmap(writer, everything);
    alog_control_close(&writer->control, everything && writer->drain->settled);
    alog_drain_free(writer->drain);
    writer->drain = NULL;
    alog_writer_release(writer);
    return status;
}
