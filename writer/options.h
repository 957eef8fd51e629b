/* The writer's options: defaults, bounds, and a copy that the writer owns. */
#ifndef AGENTLOG_WRITER_OPTIONS_H
#define AGENTLOG_WRITER_OPTIONS_H

#include <agentlog/writer.h>

/* The least that the option max_event_bytes may be: an event of this size is never too big. */
#define ALOG_MIN_EVENT_BYTES 1024u

/*
 * Check `given` (NULL = all defaults), put the defaults where it has zeros, and copy its strings.
 * ALOG_INVALID names the member; ALOG_NO_MEMORY. Free with alog_options_free.
 */
enum alog_status alog_options_resolve(const struct alog_writer_options *given,
                                      struct alog_writer_options *ret_options,
                                      struct alog_error *error);
void alog_options_free(struct alog_writer_options *options);

#endif
