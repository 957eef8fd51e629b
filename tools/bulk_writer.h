/*
 * A writer for whole files of events: it has room for the largest, waits where an agent would drop,
 * and says in the end what got into the log.
 */
#ifndef AGENTLOG_TOOLS_BULK_WRITER_H
#define AGENTLOG_TOOLS_BULK_WRITER_H

#include <agentlog/writer.h>

#include "progress.h"

/* `environment` NULL = the writer's default. `recovers`: killed writers' work is finished in the
 * background. Errors as alog_writer_open. */
enum alog_status bulk_writer_open(const char *log_dir, const char *environment, bool recovers,
                                  struct alog_writer **ret_writer, struct alog_error *error);

enum bulk_result {
    BULK_LOGGED,
    BULK_REFUSED, /* the event's fault; `error` says why */
    BULK_STUCK    /* the log takes no more, which was said on stderr */
};

/* `progress` is cleared before a message. */
enum bulk_result bulk_writer_log(struct alog_writer *writer, const struct alog_event *event,
                                 struct progress *progress, struct alog_error *error);

/*
 * Everything into the file, and the handle closed. *ret_stored events are there; *ret_lost are not:
 * those that the writer counted as dropped, and, when it could not be closed well, those that were
 * still on their way. False after saying why when something went wrong, or was lost.
 */
bool bulk_writer_close(struct alog_writer *writer, uint64_t *ret_stored, uint64_t *ret_lost);

#endif
