/*
 * Events that were lost other than for a full ring, by reason and type. Any thread may count, a
 * signal handler too; the drain thread turns what is new into writer_loss events.
 */
#ifndef AGENTLOG_WRITER_LOSSES_H
#define AGENTLOG_WRITER_LOSSES_H

#include <stdatomic.h>
#include <stdint.h>

#include <agentlog/agentlog.h>

enum alog_loss_reason {
    ALOG_LOSS_TOO_BIG,     /* larger than max_event_bytes */
    ALOG_LOSS_NO_RING,     /* no ring could be made for the thread */
    ALOG_LOSS_REENTERED,   /* logged by a signal handler that interrupted a log call */
    ALOG_LOSS_UNREADABLE,  /* what the ring held was no event: memory was overwritten */
    ALOG_LOSS_SYNC_FAILED, /* stored, until a failed sync lost the block */
    ALOG_LOSS_REASONS
};

/* The name of a reason, as writer_loss carries it. */
const char *alog_loss_reason_name(enum alog_loss_reason reason);

/* What writer_loss calls the losses that a ring counts itself. */
#define ALOG_LOSS_RING_FULL_NAME "ring_full"

struct alog_losses {
    _Atomic uint64_t total; /* the sum of `counts` */
    _Atomic uint64_t counts[ALOG_LOSS_REASONS][ALOG_MAX_TYPES];
};

static inline void alog_losses_count_many(struct alog_losses *losses, enum alog_loss_reason reason,
                                          uint32_t type, uint64_t events) {
    atomic_fetch_add_explicit(&losses->counts[reason][type], events, memory_order_relaxed);
    /* Release: pairs with the acquire in alog_losses_total; the count above is then seen. */
    atomic_fetch_add_explicit(&losses->total, events, memory_order_release);
}

static inline void alog_losses_count(struct alog_losses *losses, enum alog_loss_reason reason,
                                     uint32_t type) {
    alog_losses_count_many(losses, reason, type, 1);
}

static inline uint64_t alog_losses_total(const struct alog_losses *losses) {
    /* Acquire: pairs with the release in alog_losses_count. */
    return atomic_load_explicit(&losses->total, memory_order_acquire);
}

#endif
