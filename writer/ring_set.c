/* The rings of a writer; see ring_set.h. */
#include "ring_set.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "format/error.h"
#include "format/trust.h"
#include "thread_state.h"
#include "writer_state.h"

/* After a ring could not be made, log calls of threads without one do not try again for so long. */
#define RETRY_AFTER_NS INT64_C(100000000)

/* Make a file of fully allocated space and map it; NULL and -errno in *ret_error. */
static void *map_file(struct alog_writer *writer, const char *path, uint64_t bytes,
                      int *ret_error) {
    const struct alog_io *io = writer->io;
    int fd = io->open(io->context, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, ALOG_PRIVATE_MODE);
    if (fd < 0) {
        *ret_error = fd;
        return NULL;
    }
    /* The mapping keeps the lock after the file is closed, and the kernel drops it with the last
     * mapping: a recovery that works on a copy of the log finds the ring in use. Without locks it
     * is as safe as the control file's. */
    (void)io->lock(io->context, fd);
    void *memory = NULL;
    /* A sparse mapping would end in SIGBUS on a disk that fills up: take the space now. */
    int result = io->fallocate(io->context, fd, bytes);
    if (result >= 0) {
        memory = io->map(io->context, fd, bytes, &result);
    }
    io->close(io->context, fd);
    if (memory == NULL) {
        io->unlink(io->context, path);
        *ret_error = result;
    }
    return memory;
}

const char *alog_ring_set_dir(const struct alog_writer *writer) {
    const char *asked = writer->options.ring_dir;
    return asked != NULL ? asked : ALOG_SHARED_MEMORY_DIR;
}

/* A new ring file in the first directory that takes it. */
static int map_ring(struct alog_writer *writer, uint64_t ring_id, struct alog_ring_slot *slot) {
    const char *dirs[] = {alog_ring_set_dir(writer), writer->own_dir};
    int result = 0;
    for (size_t i = 0; i < 2; i++) {
        if (asprintf(&slot->path, "%s/agentlog-%016" PRIx64 "-%" PRIu64 ".ring", dirs[i],
                     writer->writer_id, ring_id) < 0) {
            slot->path = NULL;
            return -ENOMEM;
        }
        slot->memory = map_file(writer, slot->path, writer->rings.bytes_each, &result);
        if (slot->memory == NULL && result == -ENOENT && i == 1 &&
            alog_io_make_dirs(writer->io, dirs[i], ALOG_DIRECTORY_MODE) == 0 &&
            alog_trust_own_dir(writer->io, dirs[i], NULL) == ALOG_OK) {
            /* Somebody removed the log directory. */
            slot->memory = map_file(writer, slot->path, writer->rings.bytes_each, &result);
        }
        if (slot->memory != NULL) {
            /* Relaxed: a statistic. */
            atomic_fetch_add_explicit(&writer->ring_fallbacks, i, memory_order_relaxed);
            return 0;
        }
        struct alog_error error = {0};
        alog_fail(&error, ALOG_IO, -result, -1, "cannot make a ring in %.100s", dirs[i]);
        alog_writer_note_error(writer, &error);
        free(slot->path);
        slot->path = NULL;
    }
    return result;
}

static void discard_slot(struct alog_writer *writer, struct alog_ring_slot *slot, bool remove) {
    const struct alog_io *io = writer->io;
    /* Forgotten before it is unmapped, as one step for fork: a child must not unmap what has come
     * to that address since. */
    pthread_mutex_lock(&writer->mutex);
    void *memory = slot->memory;
    slot->memory = NULL;
    pthread_mutex_unlock(&writer->mutex);
    if (memory != NULL) {
        io->unmap(io->context, memory, writer->rings.bytes_each);
    }
    if (slot->path != NULL && remove) {
        io->unlink(io->context, slot->path);
    }
    free(slot->path);
    slot->path = NULL;
}

static struct alog_ring_slot *new_slot(struct alog_writer *writer, uint64_t ring_id,
                                       enum alog_status *ret_status) {
    struct alog_ring_slot *slot = aligned_alloc(alignof(struct alog_ring_slot), sizeof *slot);
    if (slot == NULL) {
        *ret_status = ALOG_NO_MEMORY;
        return NULL;
    }
    memset(slot, 0, sizeof *slot);
    if (map_ring(writer, ring_id, slot) < 0) {
        *ret_status = ALOG_IO;
        free(slot);
        return NULL;
    }
    alog_ring_format(slot->memory, writer->options.ring_bytes, ring_id, writer->writer_id);
    alog_ring_producer_init(&slot->producer, slot->memory);
    alog_ring_consumer_init(&slot->consumer, slot->memory);
    slot->max_event_bytes = (uint32_t)writer->options.max_event_bytes;
    slot->needs_fence = !writer->asymmetric;
    return slot;
}

static void set_owner(struct alog_ring_slot *slot, enum alog_ring_owner owner) {
    /* Relaxed: for whoever reads the file after the process's death; nothing is ordered by it. */
    atomic_store_explicit(&slot->producer.header->owner, owner, memory_order_relaxed);
}

/* Under the mutex: everybody sees the slot from here on. */
static void publish_slot(struct alog_ring_set *set, struct alog_ring_slot *slot) {
    slot->next = atomic_load_explicit(&set->first, memory_order_relaxed);
    /* Release: pairs with the acquire in alog_ring_set_first. */
    atomic_store_explicit(&set->first, slot, memory_order_release);
    set->count++;
}

static enum alog_status add_slot(struct alog_writer *writer, uint64_t ring_id,
                                 struct alog_ring_slot **ret_slot) {
    struct alog_ring_set *set = &writer->rings;
    /* Relaxed: a hint, read and written by whoever comes by. */
    int64_t now = writer->io->monotonic_ns(writer->io->context);
    if (now < atomic_load_explicit(&set->retry_at, memory_order_relaxed)) {
        return ALOG_IO;
    }
    enum alog_status status = ALOG_OK;
    struct alog_ring_slot *slot = new_slot(writer, ring_id, &status);
    if (slot == NULL) {
        atomic_store_explicit(&set->retry_at, now + RETRY_AFTER_NS, memory_order_relaxed);
        return status;
    }
    /* Named before it is used: a ring that nobody can find would lose its events at kill -9. When
     * the disk refuses, the drain thread tries again, and the ring serves meanwhile. */
    int named = alog_control_add_ring(&writer->control, ring_id, slot->path);
    if (named < 0) {
        alog_writer_note_failure(writer, named);
    }
    pthread_mutex_lock(&writer->mutex);
    bool closing = writer->closing;
    if (!closing) {
        set_owner(slot, ALOG_RING_IN_USE);
        publish_slot(set, slot);
    }
    pthread_mutex_unlock(&writer->mutex);
    if (closing) {
        discard_slot(writer, slot, true);
        free(slot);
        return ALOG_CLOSED;
    }
    *ret_slot = slot;
    return ALOG_OK;
}

enum alog_status alog_ring_set_take(struct alog_writer *writer, struct alog_ring_slot **ret_slot) {
    struct alog_ring_set *set = &writer->rings;
    pthread_mutex_lock(&writer->mutex);
    if (writer->closing) {
        pthread_mutex_unlock(&writer->mutex);
        return ALOG_CLOSED;
    }
    struct alog_ring_slot *slot = set->free;
    uint64_t ring_id = 0;
    if (slot != NULL) {
        set->free = slot->next_free;
        set_owner(slot, ALOG_RING_IN_USE);
    } else {
        ring_id = ++set->next_id;
    }
    pthread_mutex_unlock(&writer->mutex);
    if (slot != NULL) {
        *ret_slot = slot;
        return ALOG_OK;
    }
    return add_slot(writer, ring_id, ret_slot);
}

void alog_ring_set_give_back(struct alog_writer *writer, struct alog_ring_slot *slot) {
    pthread_mutex_lock(&writer->mutex);
    if (!writer->closing) {
        set_owner(slot, ALOG_RING_FREE);
        slot->next_free = writer->rings.free;
        writer->rings.free = slot;
    }
    pthread_mutex_unlock(&writer->mutex);
}

void alog_ring_set_close(struct alog_writer *writer) {
    pthread_mutex_lock(&writer->mutex);
    writer->closing = true;
    pthread_mutex_unlock(&writer->mutex);
    struct alog_ring_slot *first = alog_ring_set_first(&writer->rings);
    for (struct alog_ring_slot *slot = first; slot != NULL; slot = slot->next) {
        /* Sequentially consistent: with the barrier below it pairs with the entry of a log call,
         * which stores `busy` and then loads `closed`: one of the two sees the other. */
        atomic_store_explicit(&slot->closed, 1, memory_order_seq_cst);
    }
    if (writer->asymmetric) {
        /* Runs a full barrier on every core that runs one of our threads, so that log calls need
         * none. */
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    }
    for (struct alog_ring_slot *slot = first; slot != NULL; slot = slot->next) {
        /* Sequentially consistent: the other half of what stands above. As an acquire it pairs with
         * the release that ends a log call; all that the call published is then seen. */
        while (atomic_load_explicit(&slot->busy, memory_order_seq_cst) != 0) {
            sched_yield();
        }
    }
}

void alog_ring_set_unmap(struct alog_writer *writer, bool remove) {
    for (struct alog_ring_slot *slot = alog_ring_set_first(&writer->rings); slot != NULL;
         slot = slot->next) {
        discard_slot(writer, slot, remove);
    }
}

static bool is_own(const struct alog_ring_slot *slot) {
    const struct alog_thread_entry *entry = alog_self.entries;
    while (entry != NULL && entry->slot != slot) {
        entry = entry->next;
    }
    return entry != NULL;
}

/* Nothing that is written here from now on reaches the file. */
static void make_private(struct alog_ring_slot *slot, uint64_t bytes) {
    (void)mmap(slot->memory, bytes, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
}

void alog_ring_set_disown(struct alog_writer *writer) {
    struct alog_ring_set *set = &writer->rings;
    struct alog_ring_slot *last = NULL;
    for (struct alog_ring_slot *slot = alog_ring_set_first(set); slot != NULL; slot = slot->next) {
        last = slot;
        slot->keep = is_own(slot);
        /* Relaxed: the child has one thread, this. */
        atomic_store_explicit(&slot->closed, 1, memory_order_relaxed);
        if (slot->memory == NULL) {
            continue;
        }
        if (slot->keep && atomic_load_explicit(&slot->busy, memory_order_relaxed) != 0) {
            /* A signal handler called fork in the middle of a log call, which goes on here too. */
            make_private(slot, set->bytes_each);
        } else {
            writer->io->unmap(writer->io->context, slot->memory, set->bytes_each);
            slot->memory = NULL;
            atomic_store_explicit(&slot->busy, 0, memory_order_relaxed);
        }
    }
    if (last != NULL) {
        last->next = writer->inherited;
        writer->inherited = alog_ring_set_first(set);
    }
    atomic_store_explicit(&set->first, NULL, memory_order_relaxed);
    atomic_store_explicit(&set->retry_at, 0, memory_order_relaxed);
    set->free = NULL;
    set->count = 0;
    set->next_id = 0;
}

void alog_ring_slots_free(struct alog_ring_slot *first) {
    while (first != NULL) {
        struct alog_ring_slot *next = first->next;
        free(first->reported);
        free(first->path);
        free(first);
        first = next;
    }
}
