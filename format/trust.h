/*
 * Whom a log directory may be trusted to: whoever can write to it can make others lose events,
 * read forged ones, or write through a link to somewhere else. So a log directory that everybody
 * may write to is refused, and so are symbolic links where a log has directories of its own.
 */
#ifndef AGENTLOG_FORMAT_TRUST_H
#define AGENTLOG_FORMAT_TRUST_H

#include <agentlog/agentlog.h>

#include "io.h"

/* What our files and directories are made with; the umask takes away from it. */
#define ALOG_FILE_MODE      0640 /* segments, databases */
#define ALOG_DIRECTORY_MODE 0770
#define ALOG_PRIVATE_MODE   0600 /* rings, control files: the owner's alone */

/*
 * A log directory, which may be reached through a link. ALOG_INVALID, with the reason, when
 * everybody may write to it (also with the sticky bit: others could still make its days). ALOG_OK
 * when it cannot be looked at: the next call on it says why. `ret_owner` (may be NULL) is set when
 * it could be.
 */
enum alog_status alog_trust_log_dir(const struct alog_io *io, const char *log_dir, uid_t *ret_owner,
                                    struct alog_error *error);

/* A directory that the log makes itself, LOGDIR/.writers or a day: likewise, and ALOG_INVALID when
 * its last component is a symbolic link. */
enum alog_status alog_trust_own_dir(const struct alog_io *io, const char *path,
                                    struct alog_error *error);

#endif
