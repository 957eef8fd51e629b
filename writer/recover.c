/* Finding dead writers, and finishing each once; see agentlog/recover.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/error.h"
#include "format/trust.h"
#include "recover_state.h"

/* A control file that is still being made has this name, and no lock for a moment. */
#define NEW_SUFFIX       ".new"
#define NEW_FORGOTTEN_NS INT64_C(60000000000)
#define CONTROL_NAME_LEN (16 + 7) /* <16 hex>.writer */

void alog_recover_tell(struct alog_recover_run *run, enum alog_recover_kind kind,
                       uint64_t writer_id, enum alog_status status, const char *format, ...) {
    char message[ALOG_ERROR_MESSAGE_BYTES];
    run->report.problems += kind == ALOG_RECOVER_PROBLEM;
    if (run->options.tell == NULL) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    struct alog_recover_note note = {kind, writer_id, status, message};
    run->options.tell(run->options.context, &note);
}

/* ---- Control files --------------------------------------------------------------------------- */

/* The names in LOGDIR/.writers, NULL-terminated. */
struct names {
    char **names;
    size_t count;
};

static void free_names(struct names *names) {
    for (size_t i = 0; i < names->count; i++) {
        free(names->names[i]);
    }
    free(names->names);
}

static enum alog_status list_names(const struct alog_recover_run *run, struct names *names,
                                   struct alog_error *error) {
    DIR *directory = opendir(run->own_dir);
    if (directory == NULL) {
        return errno == ENOENT || errno == ENOTDIR
                   ? ALOG_OK
                   : alog_fail(error, ALOG_IO, errno, -1, "cannot open %s", run->own_dir);
    }
    const struct dirent *entry;
    bool memory = true;
    while (memory && (entry = readdir(directory)) != NULL) {
        char **grown = realloc(names->names, (names->count + 1) * sizeof *grown);
        char *name = strdup(entry->d_name);
        names->names = grown != NULL ? grown : names->names;
        memory = grown != NULL && name != NULL;
        if (memory) {
            names->names[names->count++] = name;
        } else {
            free(name);
        }
    }
    closedir(directory);
    return memory ? ALOG_OK
                  : alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory to list %s", run->own_dir);
}

/* The writer's id in "<16 hex>.writer" (and `suffix`); false: another name. */
static bool parse_control_name(const char *name, const char *suffix, uint64_t *ret_writer_id) {
    if (strlen(name) != CONTROL_NAME_LEN + strlen(suffix) ||
        strspn(name, "0123456789abcdef") != 16 || strncmp(name + 16, ".writer", 7) != 0 ||
        strcmp(name + CONTROL_NAME_LEN, suffix) != 0) {
        return false;
    }
    *ret_writer_id = strtoull(name, NULL, 16);
    return true;
}

/* Whether our lock is on the file that has the name: another recovery may have finished and removed
 * it before we got the lock. */
static bool still_there(const struct alog_io *io, int fd) {
    struct stat facts;
    return io->fstat(io->context, fd, &facts) >= 0 && facts.st_nlink > 0;
}

/* Open and lock; -1: there is nothing to do for us, and it has been counted and told. */
static int lock_control(struct alog_recover_run *run, uint64_t writer_id, const char *path) {
    const struct alog_io *io = run->io;
    const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
    int fd = io->open(io->context, path, O_RDWR | flags, 0);
    if (fd == -EACCES || fd == -EROFS || fd == -EPERM) {
        fd = io->open(io->context, path, O_RDONLY | flags, 0);
    }
    if (fd == -EACCES || fd == -EPERM) {
        run->report.writers_unknown++;
        return -1;
    }
    if (fd < 0) {
        if (fd != -ENOENT) {
            alog_recover_tell(run, ALOG_RECOVER_PROBLEM, writer_id, ALOG_IO, "cannot open %s: %s",
                              path, strerror(-fd));
        }
        return -1;
    }
    int locked = io->lock(io->context, fd);
    if (locked >= 0 && still_there(io, fd)) {
        run->report.writers_dead++;
        return fd;
    }
    if (locked == -EWOULDBLOCK) {
        run->report.writers_alive++;
    } else if (locked < 0) {
        /* Without locks nobody can tell the dead from the living. */
        alog_recover_tell(run, ALOG_RECOVER_PROBLEM, writer_id, ALOG_IO, "cannot lock %s: %s", path,
                          strerror(-locked));
    }
    io->close(io->context, fd);
    return -1;
}

/* A writer that was killed while it opened; it has logged nothing. */
static void remove_forgotten(struct alog_recover_run *run, const char *name) {
    const struct alog_io *io = run->io;
    char *path;
    if (asprintf(&path, "%s/%s", run->own_dir, name) < 0) {
        return;
    }
    int fd = io->open(io->context, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    struct stat facts;
    if (fd >= 0) {
        int64_t now = io->realtime_ns(io->context);
        /* Its age first: one that is being made now must find its lock free. */
        if (io->fstat(io->context, fd, &facts) >= 0 &&
            now - (int64_t)facts.st_mtim.tv_sec * 1000000000 > NEW_FORGOTTEN_NS &&
            io->lock(io->context, fd) >= 0) {
            io->unlink(io->context, path);
        }
        io->close(io->context, fd);
    }
    free(path);
}

/* ---- Writers --------------------------------------------------------------------------------- */

/* Not before something was done: else a log of short-lived writers would never be tidied. */
static bool is_stopped(const struct alog_recover_run *run) {
    /* Relaxed: a request; whoever makes it joins the thread. */
    return run->stop != NULL && run->report.writers_finished + run->report.problems > 0 &&
           atomic_load_explicit(run->stop, memory_order_relaxed);
}

struct batch {
    struct alog_dead_writer writers[ALOG_RECOVER_BATCH];
    size_t count;
};

/* The log's files are listed after the locks: nobody changes these writers' any more. */
static enum alog_status finish_batch(struct alog_recover_run *run, struct batch *batch,
                                     struct alog_error *error) {
    struct alog_log_files files = {0};
    enum alog_status status =
        batch->count > 0 ? alog_log_files_list(run->log_dir, &files, error) : ALOG_OK;
    for (size_t i = 0; i < batch->count; i++) {
        struct alog_dead_writer *writer = &batch->writers[i];
        if (status == ALOG_OK && !is_stopped(run)) {
            alog_recover_writer(run, writer, &files);
        }
        run->io->close(run->io->context, writer->control_fd);
        free(writer->control_path);
    }
    batch->count = 0;
    alog_log_files_free(&files);
    return status;
}

static enum alog_status finish_controlled(struct alog_recover_run *run, const struct names *names,
                                          struct alog_error *error) {
    struct batch batch = {.count = 0};
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; i < names->count && status == ALOG_OK && !is_stopped(run); i++) {
        const char *name = names->names[i];
        struct alog_dead_writer writer = {.control_fd = -1};
        if (parse_control_name(name, NEW_SUFFIX, &writer.writer_id)) {
            remove_forgotten(run, name);
        }
        if (!parse_control_name(name, "", &writer.writer_id)) {
            continue;
        }
        if (asprintf(&writer.control_path, "%s/%s", run->own_dir, name) < 0) {
            status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a path");
            break;
        }
        writer.control_fd = lock_control(run, writer.writer_id, writer.control_path);
        if (writer.control_fd < 0) {
            free(writer.control_path);
            continue;
        }
        batch.writers[batch.count++] = writer;
        if (batch.count == ALOG_RECOVER_BATCH) {
            status = finish_batch(run, &batch, error);
        }
    }
    enum alog_status last = finish_batch(run, &batch, error);
    return status == ALOG_OK ? last : status;
}

static bool has_control(const struct alog_recover_run *run, uint64_t writer_id) {
    char *path;
    if (asprintf(&path, "%s/%016" PRIx64 ".writer", run->own_dir, writer_id) < 0) {
        return true;
    }
    int fd = run->io->open(run->io->context, path, O_PATH | O_NOFOLLOW, 0);
    if (fd >= 0) {
        run->io->close(run->io->context, fd);
    }
    free(path);
    return fd != -ENOENT;
}

/* Unsealed segments whose writer has no control file: it closed after the disk had failed, or
 * somebody removed the file. Their own locks say that nobody writes them. */
static enum alog_status finish_uncontrolled(struct alog_recover_run *run,
                                            struct alog_error *error) {
    struct alog_log_files files;
    enum alog_status status = alog_log_files_list(run->log_dir, &files, error);
    if (status != ALOG_OK) {
        return status;
    }
    for (size_t i = 0; i < files.count && !is_stopped(run);) {
        uint64_t writer_id = files.files[i].writer_id;
        bool open = false;
        while (i < files.count && files.files[i].writer_id == writer_id) {
            open |= files.files[i++].kind == ALOG_FILE_OPEN;
        }
        if (open && !has_control(run, writer_id)) {
            alog_recover_writer(
                run, &(struct alog_dead_writer){.writer_id = writer_id, .control_fd = -1}, &files);
        }
    }
    alog_log_files_free(&files);
    return ALOG_OK;
}

/* ---- The call -------------------------------------------------------------------------------- */

static enum alog_status resolve_options(const struct alog_recover_options *given,
                                        struct alog_recover_options *ret_options,
                                        struct alog_error *error) {
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    if (given != NULL) {
        if (given->struct_bytes == 0 || given->struct_bytes > sizeof options) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "struct_bytes is %zu; start from ALOG_RECOVER_OPTIONS_INIT",
                             given->struct_bytes);
        }
        memcpy(&options, given, given->struct_bytes);
    }
    if (options.compression_level == 0) {
        options.compression_level = 1;
    }
    if (options.compression_level < -7 || options.compression_level > 19) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "compression_level is %d; allowed are -7..19",
                         options.compression_level);
    }
    if (options.io == NULL) {
        options.io = alog_io_system();
    }
    *ret_options = options;
    return ALOG_OK;
}

static enum alog_status recover_all(struct alog_recover_run *run, struct alog_error *error) {
    char room[64];
    struct alog_string boot = alog_boot_id(run->io, room);
    memcpy(run->boot, boot.data, boot.len);
    run->boot[boot.len] = '\0';
    struct names names = {0};
    enum alog_status status = list_names(run, &names, error);
    if (status == ALOG_OK) {
        status = finish_controlled(run, &names, error);
    }
    free_names(&names);
    if (status == ALOG_OK) {
        status = finish_uncontrolled(run, error);
    }
    return status;
}

enum alog_status alog_recover_until(const char *log_dir, const struct alog_recover_options *options,
                                    const atomic_bool *stop, struct alog_recover_report *ret_report,
                                    struct alog_error *error) {
    struct alog_recover_run run = {.log_dir = log_dir, .stop = stop};
    enum alog_status status = resolve_options(options, &run.options, error);
    if (status != ALOG_OK) {
        return status;
    }
    run.io = run.options.io;
    if (log_dir == NULL || log_dir[0] == '\0') {
        return alog_fail(error, ALOG_INVALID, 0, -1, "no log directory was given");
    }
    if (asprintf(&run.own_dir, "%s/.writers", log_dir) < 0) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a path");
    }
    status = alog_trust_log_dir(run.io, log_dir, &run.log_owner, error);
    if (status == ALOG_OK) {
        status = alog_trust_own_dir(run.io, run.own_dir, error);
    }
    if (status == ALOG_OK) {
        status = recover_all(&run, error);
    }
    free(run.own_dir);
    if (status == ALOG_OK && ret_report != NULL) {
        *ret_report = run.report;
    } else {
        alog_recover_report_free(&run.report);
    }
    return status;
}

enum alog_status alog_recover(const char *log_dir, const struct alog_recover_options *options,
                              struct alog_recover_report *ret_report, struct alog_error *error) {
    return alog_recover_until(log_dir, options, NULL, ret_report, error);
}

void alog_recover_report_free(struct alog_recover_report *report) {
    if (report != NULL) {
        free(report->losses);
        report->losses = NULL;
        report->loss_count = 0;
    }
}
