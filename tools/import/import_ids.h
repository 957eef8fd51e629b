/*
 * What was imported into a log already, so that the same source twice adds nothing.
 *
 * Every imported event has an id made from its source alone (not from options, times of import or
 * file names), which it keeps in the log as its event_id. LOGDIR/.imports remembers the hashes of
 * those ids:
 *
 *   ids      the events that are in sealed segments
 *   pending  the writers of imports that have not ended well (yet), 16 hex digits a line
 *   lock     held by a running import
 *
 * An import first names its writer in `pending`, then logs, and only when its log is sealed and
 * synced its ids go to `ids`. The next import finds in `pending` what was killed: it has dead
 * writers recovered, and asks the segments of those writers, whose names carry their ids, what got
 * into the log. So an event is logged exactly once, wherever an import is killed. When `ids` is not
 * there, or damaged, the whole log is asked once: the log is the authority, the file a memory that
 * also knows what was archived since. What was archived before an import could ask for it is only
 * found if the archive is named as well.
 *
 * Memory: 16 to 46 bytes for each event ever imported into the log.
 */
#ifndef AGENTLOG_TOOLS_IMPORT_IDS_H
#define AGENTLOG_TOOLS_IMPORT_IDS_H

#include <agentlog/agentlog.h>

#include "exit_codes.h"
#include "progress.h"

struct import_ids;

/*
 * Lock LOGDIR/.imports, which is made if it is not there, and find out what was imported. With
 * `dry_run` nothing is locked, recovered or written, and LOGDIR need not exist. `archive`: where
 * segments of the log may have gone, or NULL. `progress` is cleared before messages. EXIT_LOCKED
 * (another import is running), EXIT_FAILED (also when killed imports cannot be recovered) after
 * saying why.
 */
enum exit_code import_ids_open(const char *log_dir, const char *archive, bool dry_run,
                               struct progress *progress, struct import_ids **ret_ids);

/* Whether an event of that id was imported, or added. */
bool import_ids_has(const struct import_ids *ids, struct alog_string event_id);

/* The event is logged now. */
void import_ids_add(struct import_ids *ids, struct alog_string event_id);

/* Before the first event: `writer_id` is about to log. */
enum exit_code import_ids_begin(struct import_ids *ids, uint64_t writer_id);

/* Everything that was added is in sealed segments. */
enum exit_code import_ids_commit(struct import_ids *ids);

/* Unlock and free; what was not committed is found in the log by the next import. NULL is fine. */
void import_ids_close(struct import_ids *ids);

#endif
