/* What an ingest does first: finish what killed writers of the log left, and say so. */
#ifndef AGENTLOG_TOOLS_DEAD_WRITERS_H
#define AGENTLOG_TOOLS_DEAD_WRITERS_H

#include <agentlog/recover.h>

#include "exit_codes.h"

/*
 * Each finished writer is a line on stderr, each loss, and each problem. Nothing to do is silence.
 * What cannot be done keeps nobody from reading what is there. EXIT_PARTLY when something is lost,
 * or was left as it is; else EXIT_FINE.
 */
enum exit_code dead_writers_finish(const char *log_dir);

/* A recovery that failed because there is no such log, or because the log is refused as a whole:
 * whoever reads it next fails likewise, and says so. */
bool dead_writers_leave_to_reader(enum alog_status status);

/* Whether nothing was lost or left as it is: else a recovery ends with EXIT_PARTLY. */
bool dead_writers_whole(const struct alog_recover_report *report);

/* An alog_recover_tell_fn: a line on stderr. */
void dead_writers_tell(void *context, const struct alog_recover_note *note);

#endif
