/*
 * A writer's control file, LOGDIR/.writers/<writer id>.writer: what somebody else needs to finish
 * this writer's work after its death. Its owner holds a lock on it that the kernel drops when the
 * process ends. It is a stream of msgpack maps, only ever appended to:
 *
 *   {"agentlog_writer": 1, "writer": "<16 hex>", "environment": text, "pid": n, "boot": text,
 *    "ring_dir": text, "ring_dir_id": text}
 *   {"ring": id, "path": text}
 *   {"define": type, "name": text, "fields": [[name, kind, required]…]}
 *   {"finished": true}
 *
 * A torn last map is one whose ring or type was never used. After "finished" every event is in a
 * segment, sealed or not: what is left of rings only waits to be removed. Paths are absolute.
 * `ring_dir_id` tells one container's /dev/shm from another's: device and inode.
 * Readers pass over keys and maps that they do not know. control_read.h reads it.
 */
#ifndef AGENTLOG_WRITER_CONTROL_FILE_H
#define AGENTLOG_WRITER_CONTROL_FILE_H

#include <pthread.h>

#include <agentlog/agentlog.h>

#include "format/io.h"

struct alog_control_file {
    const struct alog_io *io;
    pthread_mutex_t mutex;
    char *path;
    int fd;         /* -1 = none */
    uint8_t *bytes; /* all that was appended: the file may have to be made anew */
    size_t count;
    size_t end; /* of them, in the file; the rest a failing disk has not taken yet */
};

/* Create and lock it in `dir`, which exists. `ring_dir` is where the writer's rings are to be.
 * ALOG_IO, ALOG_READ_ONLY, ALOG_NO_MEMORY; after a failure too it is freed with alog_control_free.
 */
enum alog_status alog_control_create(struct alog_control_file *control, const struct alog_io *io,
                                     const char *dir, uint64_t writer_id,
                                     struct alog_string environment, const char *ring_dir,
                                     struct alog_error *error);

/*
 * Append. When the file cannot be written, the bytes are kept and go with the next append or
 * alog_control_retry; returns 0 or -errno.
 */
int alog_control_add_ring(struct alog_control_file *control, uint64_t ring_id, const char *path);
int alog_control_add_type(struct alog_control_file *control, const struct alog_event_type *type);
int alog_control_add_finished(struct alog_control_file *control);
int alog_control_retry(struct alog_control_file *control);

/* When the file was removed, or could not be made anew then: make it, with all that was appended,
 * and its directory. 0, also when it is there; or -errno. */
int alog_control_renew_if_gone(struct alog_control_file *control);

/* {"finished": true}, as it stands in the file; returns its length. */
#define ALOG_CONTROL_FINISHED_BYTES 32
size_t alog_control_put_finished(uint8_t room[ALOG_CONTROL_FINISHED_BYTES]);

/* What tells a directory from others of the same path, as text; "" when it cannot be looked at. */
#define ALOG_DIR_ID_BYTES 48
void alog_dir_id(const char *path, char ret_id[ALOG_DIR_ID_BYTES]);

/* Which boot of the machine this is, as text of at most 63 bytes; absent text if it cannot be told.
 */
struct alog_string alog_boot_id(const struct alog_io *io, char room[64]);

/* Close it (which drops the lock), and with `remove` remove it first. What is added later is lost.
 */
void alog_control_close(struct alog_control_file *control, bool remove);

/* Free what it holds, when nobody can add to it any more. */
void alog_control_free(struct alog_control_file *control);

#endif
