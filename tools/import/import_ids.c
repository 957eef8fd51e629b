/* LOGDIR/.imports: what was imported. */
#include "import/import_ids.h"

#include <agentlog/reader.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dead_writers.h"
#include "import/id_set.h"
#include "messages.h"
#include "output.h"
#include "segment_args.h"

#define DIRECTORY      ".imports"
#define MAX_PENDING    64 /* more than one only where the directory could not be written */
#define PENDING_BYTES  17 /* of a line */
#define DIRECTORY_MODE 0770
#define FILE_MODE      0640
#define PATH_BYTES     4096

struct import_ids {
    const char *log_dir;
    const char *archive; /* NULL = none */
    bool dry_run;
    struct progress *progress;
    int dir_fd;  /* LOGDIR/.imports; -1 = there is none */
    int lock_fd; /* -1 = not locked */
    struct id_set set;
    bool asks_log; /* the memory is missing or damaged */
    uint64_t *pending;
    size_t pending_count;
};

static enum exit_code failed(const struct import_ids *ids, const char *name, int code) {
    progress_clear(ids->progress);
    message("%s/%s%s%s: %s", ids->log_dir, DIRECTORY, name[0] != '\0' ? "/" : "", name,
            strerror(code));
    return EXIT_FAILED;
}

/* ---- The directory --------------------------------------------------------------------------- */

/* A symbolic link in its place would lead our writing somewhere else. */
static enum exit_code open_directory(struct import_ids *ids) {
    char path[PATH_BYTES];
    if (snprintf(path, sizeof path, "%s/%s", ids->log_dir, DIRECTORY) >= (int)sizeof path) {
        return failed(ids, "", ENAMETOOLONG);
    }
    if (!ids->dry_run && mkdir(path, DIRECTORY_MODE) != 0 && errno != EEXIST) {
        return failed(ids, "", errno);
    }
    ids->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (ids->dir_fd < 0 && !(ids->dry_run && errno == ENOENT)) {
        return failed(ids, "", errno);
    }
    return EXIT_FINE;
}

static enum exit_code take_lock(struct import_ids *ids) {
    ids->lock_fd =
        openat(ids->dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    if (ids->lock_fd < 0) {
        return failed(ids, "lock", errno);
    }
    if (flock(ids->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return EXIT_FINE;
    }
    if (errno != EWOULDBLOCK) {
        return failed(ids, "lock", errno);
    }
    message("another import into %s is running; try again when it has ended", ids->log_dir);
    return EXIT_LOCKED;
}

/* Put a file in its place in one step: it has the old bytes or the new ones, whatever happens. */
static enum exit_code replace_file(struct import_ids *ids, const char *name,
                                   int (*write_bytes)(int fd, const struct import_ids *ids)) {
    char made[32];
    snprintf(made, sizeof made, "%s.new", name);
    const int fd =
        openat(ids->dir_fd, made, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    int code = fd < 0 ? errno : write_bytes(fd, ids);
    if (code == 0 && fsync(fd) != 0) {
        code = errno;
    }
    if (fd >= 0 && close(fd) != 0 && code == 0) {
        code = errno;
    }
    if (code == 0 &&
        (renameat(ids->dir_fd, made, ids->dir_fd, name) != 0 || fsync(ids->dir_fd) != 0)) {
        code = errno;
    }
    return code == 0 ? EXIT_FINE : failed(ids, name, code);
}

/* ---- `pending` ------------------------------------------------------------------------------- */

static int write_pending(int fd, const struct import_ids *ids) {
    for (size_t i = 0; i < ids->pending_count; i++) {
        if (dprintf(fd, "%016" PRIx64 "\n", ids->pending[i]) != PENDING_BYTES) {
            return errno != 0 ? errno : EIO;
        }
    }
    return 0;
}

static void add_pending(struct import_ids *ids, uint64_t writer_id) {
    if (ids->pending == NULL) {
        ids->pending = output_allocate(MAX_PENDING, sizeof *ids->pending);
    }
    ids->pending[ids->pending_count++] = writer_id;
}

static enum exit_code bad_pending(const struct import_ids *ids) {
    message("%s/%s/pending is damaged: remove the directory %s/%s, and the next import asks the "
            "whole log what was imported",
            ids->log_dir, DIRECTORY, ids->log_dir, DIRECTORY);
    return EXIT_FAILED;
}

static enum exit_code read_pending(struct import_ids *ids) {
    char line[PENDING_BYTES + 3];
    const int fd = openat(ids->dir_fd, "pending", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? EXIT_FINE : failed(ids, "pending", errno);
    }
    FILE *file = fdopen(fd, "r");
    if (file == NULL) {
        const int code = errno;
        close(fd);
        return failed(ids, "pending", code);
    }
    enum exit_code code = EXIT_FINE;
    while (code == EXIT_FINE && fgets(line, sizeof line, file) != NULL) {
        char *end = NULL;
        const uint64_t writer_id = strtoull(line, &end, 16);
        if (end != line + PENDING_BYTES - 1 || *end != '\n' ||
            ids->pending_count == MAX_PENDING - 1) {
            code = bad_pending(ids);
        } else {
            add_pending(ids, writer_id);
        }
    }
    fclose(file);
    return code;
}

static bool is_pending(const struct import_ids *ids, uint64_t writer_id) {
    for (size_t i = 0; i < ids->pending_count; i++) {
        if (ids->pending[i] == writer_id) {
            return true;
        }
    }
    return false;
}

/* ---- `ids` ----------------------------------------------------------------------------------- */

static int write_ids(int fd, const struct import_ids *ids) {
    return id_set_write(fd, &ids->set);
}

static enum exit_code read_ids(struct import_ids *ids) {
    const int fd = openat(ids->dir_fd, "ids", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        ids->asks_log = errno == ENOENT;
        return ids->asks_log ? EXIT_FINE : failed(ids, "ids", errno);
    }
    const enum alog_status status = id_set_read(fd, &ids->set);
    const int code = errno;
    close(fd);
    if (status == ALOG_CORRUPT) {
        message("%s/%s/ids is damaged: the log itself is asked what was imported", ids->log_dir,
                DIRECTORY);
        id_set_free(&ids->set);
        ids->asks_log = true;
        return EXIT_FINE;
    }
    return status == ALOG_OK ? EXIT_FINE : failed(ids, "ids", code);
}

/* ---- Asking the log -------------------------------------------------------------------------- */

/* The reader makes an id for events that were not given one; those were not imported. */
static bool is_given(const struct alog_event *event) {
    char made[40];
    const struct alog_string id = event->event_id;
    if (id.data == NULL || id.len < 18 || id.data[16] != '-') {
        return id.data != NULL;
    }
    snprintf(made, sizeof made, "%016" PRIx64 "-%" PRIu64, event->writer_id, event->sequence);
    return !alog_string_equal(id, alog_str(made));
}

/* Of an archive's segment, which holds events of many writers, those of pending ones. */
static enum exit_code ask_segment(struct import_ids *ids, const char *path) {
    struct alog_reader *reader = NULL;
    struct damage_report damage = {.progress = ids->progress};
    struct alog_error error = {.message = ""};
    const struct alog_event *event = NULL;
    enum alog_status status =
        alog_reader_open(path, NULL, damage_report_tell, &damage, &reader, &error);
    while (status == ALOG_OK && (status = alog_reader_next(reader, &event, &error)) == ALOG_OK &&
           event != NULL) {
        if (is_given(event) && (ids->asks_log || is_pending(ids, event->writer_id))) {
            id_set_add(&ids->set, id_hash_of(event->event_id.data, event->event_id.len));
        }
    }
    alog_reader_close(reader);
    if (status == ALOG_OK || status == ALOG_CORRUPT) {
        return EXIT_FINE; /* what cannot be read is not in the log */
    }
    progress_clear(ids->progress);
    return message_failure(status, &error);
}

/* `directory` is the log or an archive of it. */
static enum exit_code ask_directory(struct import_ids *ids, const char *directory, bool archived) {
    struct alog_segment_list list;
    struct alog_error error = {.message = ""};
    const enum alog_status status = alog_segments_list(directory, &list, &error);
    if (status == ALOG_NOT_FOUND && !archived) {
        return EXIT_FINE;
    }
    if (status != ALOG_OK) {
        return message_failure(status, &error);
    }
    enum exit_code code = EXIT_FINE;
    for (size_t i = 0; i < list.count && code == EXIT_FINE; i++) {
        if (ids->asks_log || archived || is_pending(ids, list.segments[i].writer_id)) {
            code = ask_segment(ids, list.segments[i].path);
        }
        progress_update(ids->progress, i + 1, list.count);
    }
    alog_segments_free(&list);
    return code;
}

static enum exit_code ask_log(struct import_ids *ids) {
    const enum exit_code code = ask_directory(ids, ids->log_dir, false);
    return code != EXIT_FINE || ids->archive == NULL ? code
                                                     : ask_directory(ids, ids->archive, true);
}

/* Killed imports may have events in rings: those must be in segments before the log is asked. */
static enum exit_code recover_pending(const struct import_ids *ids) {
    (void)dead_writers_finish(ids->log_dir);
    for (size_t i = 0; i < ids->pending_count; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/.writers/%016" PRIx64 ".writer", ids->log_dir,
                 ids->pending[i]);
        if (access(path, F_OK) == 0) {
            message("an earlier import was killed, and its writer %016" PRIx64
                    " cannot be recovered: run 'agentlog recover %s' as the user of that import",
                    ids->pending[i], ids->log_dir);
            return EXIT_FAILED;
        }
    }
    return EXIT_FINE;
}

static enum exit_code find_out(struct import_ids *ids) {
    if (ids->dir_fd < 0) {
        ids->asks_log = true;
        return ask_log(ids);
    }
    enum exit_code code = read_pending(ids);
    if (code == EXIT_FINE) {
        code = read_ids(ids);
    }
    if (code == EXIT_FINE && ids->pending_count > 0 && !ids->dry_run) {
        code = recover_pending(ids);
    }
    if (code == EXIT_FINE && (ids->asks_log || ids->pending_count > 0)) {
        code = ask_log(ids);
    }
    const bool learned = ids->asks_log || ids->pending_count > 0;
    return code == EXIT_FINE && learned && !ids->dry_run ? import_ids_commit(ids) : code;
}

/* ---- The whole ------------------------------------------------------------------------------- */

enum exit_code import_ids_open(const char *log_dir, const char *archive, bool dry_run,
                               struct progress *progress, struct import_ids **ret_ids) {
    struct import_ids *ids = output_allocate(1, sizeof *ids);
    *ids = (struct import_ids){.log_dir = log_dir,
                               .archive = archive,
                               .dry_run = dry_run,
                               .progress = progress,
                               .dir_fd = -1,
                               .lock_fd = -1};
    enum exit_code code = open_directory(ids);
    if (code == EXIT_FINE && !dry_run) {
        code = take_lock(ids);
    }
    if (code == EXIT_FINE) {
        code = find_out(ids);
    }
    if (code == EXIT_FINE) {
        *ret_ids = ids;
    } else {
        import_ids_close(ids);
    }
    return code;
}

bool import_ids_has(const struct import_ids *ids, struct alog_string event_id) {
    return id_set_has(&ids->set, id_hash_of(event_id.data, event_id.len));
}

void import_ids_add(struct import_ids *ids, struct alog_string event_id) {
    id_set_add(&ids->set, id_hash_of(event_id.data, event_id.len));
}

enum exit_code import_ids_begin(struct import_ids *ids, uint64_t writer_id) {
    add_pending(ids, writer_id);
    return replace_file(ids, "pending", write_pending);
}

/* In this order: a kill in between has the pending writers asked again, which changes nothing. */
enum exit_code import_ids_commit(struct import_ids *ids) {
    const enum exit_code code = replace_file(ids, "ids", write_ids);
    if (code != EXIT_FINE) {
        return code;
    }
    ids->pending_count = 0;
    if (unlinkat(ids->dir_fd, "pending", 0) != 0 && errno != ENOENT) {
        return failed(ids, "pending", errno);
    }
    return EXIT_FINE;
}

void import_ids_close(struct import_ids *ids) {
    if (ids == NULL) {
        return;
    }
    if (ids->lock_fd >= 0) {
        close(ids->lock_fd);
    }
    if (ids->dir_fd >= 0) {
        close(ids->dir_fd);
    }
    id_set_free(&ids->set);
    free(ids->pending);
    free(ids);
}
