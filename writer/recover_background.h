/*
 * A new writer finishes what dead writers of its log left, in a thread of its own that ends when
 * that is done; opening does not wait for it, closing does. A child of fork has none.
 */
#ifndef AGENTLOG_WRITER_RECOVER_BACKGROUND_H
#define AGENTLOG_WRITER_RECOVER_BACKGROUND_H

struct alog_writer;

/* Start it if there are control files of others. Without memory or threads there is none: the next
 * writer, or an ingest, does the work. Takes microseconds; the thread takes no signals. */
void alog_background_start(struct alog_writer *writer);

/* Let it finish the writer that it is at, one at least, and wait for that. */
void alog_background_end(struct alog_writer *writer);

#endif
