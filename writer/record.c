/* The ways out of the hot path; see record.h. */
#include "record.h"

#include <time.h>

/* How long a call that may wait for room sleeps between looks: at first, and at most. */
#define FIRST_NAP_NS   20000
#define LONGEST_NAP_NS 320000

static enum alog_status drop(struct alog_writer *writer, enum alog_loss_reason reason,
                             uint32_t type) {
    alog_losses_count(&writer->losses, reason, type);
    return ALOG_DROPPED;
}

enum alog_status alog_record_begin_slowly(struct alog_record *record, struct alog_writer *writer,
                                          uint32_t type, uint64_t bound) {
    if (writer == NULL) {
        return ALOG_CLOSED;
    }
    struct alog_thread *self = &alog_self;
    /* Relaxed: between a thread and its own signal handlers. */
    if (atomic_load_explicit(&self->attaching, memory_order_relaxed)) {
        return drop(writer, ALOG_LOSS_REENTERED, type);
    }
    if (self->writer == writer) {
        /* Relaxed: either it was set before this call began, or it is as if it came after. */
        bool closed = atomic_load_explicit(&self->slot->closed, memory_order_relaxed) != 0;
        return closed ? ALOG_CLOSED : drop(writer, ALOG_LOSS_REENTERED, type);
    }
    atomic_store_explicit(&self->attaching, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    enum alog_status status = alog_thread_attach(writer);
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&self->attaching, false, memory_order_relaxed);
    if (status == ALOG_CLOSED) {
        return ALOG_CLOSED;
    }
    if (status != ALOG_OK) {
        return drop(writer, ALOG_LOSS_NO_RING, type);
    }
    return alog_record_begin(record, writer, type, bound);
}

/* Sleep in small steps until there is room, the time is up, or the writer closes. */
static uint8_t *wait_for_room(struct alog_writer *writer, struct alog_ring_slot *slot,
                              uint64_t bound) {
    const struct alog_io *io = writer->io;
    uint64_t begun = (uint64_t)io->monotonic_ns(io->context);
    struct timespec nap = {0, FIRST_NAP_NS};
    uint8_t *payload = NULL;
    while (payload == NULL &&
           (uint64_t)io->monotonic_ns(io->context) - begun < writer->options.full_wait_ns) {
        /* Relaxed: only to end the wait early; the caller looks again. */
        if (atomic_load_explicit(&slot->closed, memory_order_relaxed) != 0) {
            break;
        }
        nanosleep(&nap, NULL);
        nap.tv_nsec = nap.tv_nsec * 2 < LONGEST_NAP_NS ? nap.tv_nsec * 2 : LONGEST_NAP_NS;
        payload = alog_ring_reserve_slowly(&slot->producer, bound);
    }
    return payload;
}

enum alog_status alog_record_no_room(struct alog_record *record, struct alog_writer *writer,
                                     struct alog_ring_slot *slot, uint32_t type, uint64_t bound) {
    record->slot = slot;
    record->writer = writer;
    record->type = type;
    if (!alog_ring_fits(&slot->producer, bound)) {
        return alog_record_too_big(record);
    }
    if (writer->options.full_wait_ns > 0) {
        record->payload = wait_for_room(writer, slot, bound);
        if (record->payload != NULL) {
            return ALOG_OK;
        }
        if (atomic_load_explicit(&slot->closed, memory_order_relaxed) != 0) {
            alog_slot_leave(slot);
            return ALOG_CLOSED;
        }
    }
    alog_ring_count_loss(&slot->producer, type);
    alog_slot_leave(slot);
    return ALOG_DROPPED;
}

enum alog_status alog_record_too_big(struct alog_record *record) {
    alog_losses_count(&record->writer->losses, ALOG_LOSS_TOO_BIG, record->type);
    alog_slot_leave(record->slot);
    return ALOG_TOO_BIG;
}
