/*
 * fork: what becomes of a writer in the child. The parent's threads, rings, locks and open segment
 * are the parent's. The child lets go of them at once, and its copy of the handle becomes a writer
 * of its own, with a new id, at the child's first event; until then it costs nothing.
 */
#ifndef AGENTLOG_WRITER_WRITER_FORK_H
#define AGENTLOG_WRITER_WRITER_FORK_H

#include "writer_state.h"

/* Around fork; before: take the writer's locks, after: release them. */
void alog_writer_before_fork(struct alog_writer *writer);
void alog_writer_after_fork_in_parent(struct alog_writer *writer);

/* Close the parent's files, unmap its rings. Allocates nothing. */
void alog_writer_after_fork_in_child(struct alog_writer *writer);

/* Whether this is a child's copy that has logged nothing yet. */
static inline bool alog_writer_is_forked(const struct alog_writer *writer) {
    /* Acquire: pairs with the release in alog_writer_reopen_after_fork; the new writer is seen. */
    return atomic_load_explicit(&writer->forked, memory_order_acquire);
}

/*
 * Make a child's copy a writer; nothing to do with any other. Any thread. ALOG_IO, ALOG_READ_ONLY
 * or ALOG_NO_MEMORY when that is not possible now (then it is not tried again for a while).
 */
enum alog_status alog_writer_reopen_after_fork(struct alog_writer *writer);

/* alog_writer_close for a child's copy. ALOG_IO: events were logged, and none could be stored. */
enum alog_status alog_writer_close_forked(struct alog_writer *writer, struct alog_error *error);

#endif
