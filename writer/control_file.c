/* The control file of a writer; see control_file.h. */
#include "control_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/error.h"
#include "format/msgpack.h"
#include "format/trust.h"

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static uint8_t *put_text(uint8_t *at, struct alog_string text) {
    return alog_mp_str(at, text.data, (uint32_t)text.len);
}

/* Rings outside the disk do not outlive it, those on it may have been torn by its end. */
struct alog_string alog_boot_id(const struct alog_io *io, char room[64]) {
    int64_t len = 0;
    int fd = io->open(io->context, BOOT_ID_PATH, O_RDONLY, 0);
    if (fd >= 0) {
        len = alog_io_read_full(io, fd, room, 63, 0);
        io->close(io->context, fd);
    }
    while (len > 0 && room[len - 1] == '\n') {
        len--;
    }
    return (struct alog_string){room, len > 0 ? (size_t)len : 0};
}

void alog_dir_id(const char *path, char ret_id[ALOG_DIR_ID_BYTES]) {
    struct stat facts;
    ret_id[0] = '\0';
    if (stat(path, &facts) == 0) {
        snprintf(ret_id, ALOG_DIR_ID_BYTES, "%" PRIu64 "-%" PRIu64, (uint64_t)facts.st_dev,
                 (uint64_t)facts.st_ino);
    }
}

/* Whoever reads it may work in another directory. What is not there, or is too long, is nowhere. */
static const char *absolute_path(const char *path, char room[PATH_MAX]) {
    return realpath(path, room) != NULL ? room : "";
}

/* Write what is not in the file yet. Under the mutex. */
static int save(struct alog_control_file *control) {
    if (control->count == control->end) {
        return 0;
    }
    if (control->fd < 0) {
        return -EBADF;
    }
    struct iovec part = {control->bytes + control->end, control->count - control->end};
    int result = alog_io_write_all(control->io, control->fd, &part, 1, control->end);
    if (result < 0) {
        return result; /* what was written of it is written again, at the same place */
    }
    control->end = control->count;
    return 0;
}

static int append(struct alog_control_file *control, const uint8_t *bytes, size_t count) {
    pthread_mutex_lock(&control->mutex);
    int result = -ENOMEM;
    uint8_t *grown = realloc(control->bytes, control->count + count);
    if (grown != NULL) {
        memcpy(grown + control->count, bytes, count);
        control->bytes = grown;
        control->count += count;
        result = save(control);
    }
    pthread_mutex_unlock(&control->mutex);
    return result;
}

/*
 * Under a temporary name until it is locked: whoever looks for dead writers meanwhile must not find
 * a control file without an owner.
 */
static int create_locked(struct alog_control_file *control, const char *temporary) {
    const struct alog_io *io = control->io;
    int fd =
        io->open(io->context, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, ALOG_PRIVATE_MODE);
    if (fd < 0) {
        return fd;
    }
    int result = io->lock(io->context, fd);
    if (result >= 0) {
        control->fd = fd;
        result = save(control);
    }
    if (result >= 0) {
        result = io->rename(io->context, temporary, control->path);
    }
    if (result < 0) {
        control->fd = -1;
        io->close(io->context, fd);
        io->unlink(io->context, temporary);
        return result;
    }
    return 0;
}

static uint8_t *put_opening(uint8_t *at, uint64_t writer_id, struct alog_string environment,
                            struct alog_string boot, const char *ring_dir) {
    char id[17];
    snprintf(id, sizeof id, "%016" PRIx64, writer_id);
    at = alog_mp_map_head(at, 7);
    at = alog_mp_uint(put_text(at, ALOG_STR("agentlog_writer")), 1);
    at = put_text(put_text(at, ALOG_STR("writer")), (struct alog_string){id, 16});
    at = put_text(put_text(at, ALOG_STR("environment")), environment);
    at = alog_mp_int(put_text(at, ALOG_STR("pid")), getpid());
    at = put_text(put_text(at, ALOG_STR("boot")), boot);
    at = put_text(put_text(at, ALOG_STR("ring_dir")), alog_str(ring_dir));
    char dir_id[ALOG_DIR_ID_BYTES];
    alog_dir_id(ring_dir, dir_id);
    return put_text(put_text(at, ALOG_STR("ring_dir_id")), alog_str(dir_id));
}

enum alog_status alog_control_create(struct alog_control_file *control, const struct alog_io *io,
                                     const char *dir, uint64_t writer_id,
                                     struct alog_string environment, const char *ring_dir,
                                     struct alog_error *error) {
    *control = (struct alog_control_file){.io = io, .fd = -1};
    pthread_mutex_init(&control->mutex, NULL);
    char boot_room[64];
    char absolute[PATH_MAX];
    uint8_t opening[512 + PATH_MAX];
    uint8_t *end = put_opening(opening, writer_id, environment, alog_boot_id(io, boot_room),
                               absolute_path(ring_dir, absolute));
    char *temporary = NULL;
    int result = -ENOMEM;
    if (asprintf(&control->path, "%s/%016" PRIx64 ".writer", dir, writer_id) < 0) {
        control->path = NULL;
    } else if (asprintf(&temporary, "%s.new", control->path) < 0) {
        temporary = NULL;
    } else {
        /* There is no file yet: this only keeps the bytes. */
        result = append(control, opening, (size_t)(end - opening));
        result = result == -ENOMEM ? result : create_locked(control, temporary);
    }
    free(temporary);
    if (result >= 0) {
        return ALOG_OK;
    }
    enum alog_status status = result == -ENOMEM ? ALOG_NO_MEMORY
                              : result == -EROFS || result == -EACCES || result == -EPERM
                                  ? ALOG_READ_ONLY
                                  : ALOG_IO;
    alog_control_close(control, false);
    return alog_fail(error, status, -result, -1, "cannot make the writer's control file in %s",
                     dir);
}

int alog_control_add_ring(struct alog_control_file *control, uint64_t ring_id, const char *path) {
    char absolute[PATH_MAX];
    path = absolute_path(path, absolute);
    size_t path_bytes = strlen(path);
    uint8_t *record = malloc(64 + path_bytes);
    if (record == NULL) {
        return -ENOMEM;
    }
    uint8_t *at = alog_mp_map_head(record, 2);
    at = alog_mp_uint(put_text(at, ALOG_STR("ring")), ring_id);
    at = put_text(put_text(at, ALOG_STR("path")), (struct alog_string){path, path_bytes});
    int result = append(control, record, (size_t)(at - record));
    free(record);
    return result;
}

int alog_control_add_type(struct alog_control_file *control, const struct alog_event_type *type) {
    uint8_t *record =
        malloc(64 + ALOG_MAX_NAME_BYTES + type->field_count * (ALOG_MAX_NAME_BYTES + 16));
    if (record == NULL) {
        return -ENOMEM;
    }
    uint8_t *at = alog_mp_map_head(record, 3);
    at = alog_mp_uint(put_text(at, ALOG_STR("define")), type->id);
    at = put_text(put_text(at, ALOG_STR("name")), (struct alog_string){type->name, type->name_len});
    at = alog_mp_array_head(put_text(at, ALOG_STR("fields")), type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const struct alog_field *field = &type->fields[i];
        at = put_text(alog_mp_array_head(at, 3), alog_str(field->name));
        at = alog_mp_bool(alog_mp_uint(at, field->kind), field->required);
    }
    int result = append(control, record, (size_t)(at - record));
    free(record);
    return result;
}

size_t alog_control_put_finished(uint8_t room[ALOG_CONTROL_FINISHED_BYTES]) {
    uint8_t *end = alog_mp_bool(put_text(alog_mp_map_head(room, 1), ALOG_STR("finished")), true);
    return (size_t)(end - room);
}

int alog_control_add_finished(struct alog_control_file *control) {
    uint8_t record[ALOG_CONTROL_FINISHED_BYTES];
    return append(control, record, alog_control_put_finished(record));
}

int alog_control_retry(struct alog_control_file *control) {
    pthread_mutex_lock(&control->mutex);
    int result = save(control);
    pthread_mutex_unlock(&control->mutex);
    return result;
}

/* Under the mutex. */
static int renew(struct alog_control_file *control) {
    char *temporary = NULL;
    char *dir = strdup(control->path);
    if (dir == NULL || asprintf(&temporary, "%s.new", control->path) < 0) {
        free(dir);
        return -ENOMEM;
    }
    *strrchr(dir, '/') = '\0';
    int old_fd = control->fd;
    size_t old_end = control->end;
    control->end = 0;
    int result = alog_io_make_dirs(control->io, dir, ALOG_DIRECTORY_MODE);
    if (result >= 0 && alog_trust_own_dir(control->io, dir, NULL) != ALOG_OK) {
        result = -EACCES;
    }
    if (result >= 0) {
        result = create_locked(control, temporary);
    }
    if (result >= 0) {
        control->io->close(control->io->context, old_fd);
    } else {
        control->fd = old_fd;
        control->end = old_end;
    }
    free(dir);
    free(temporary);
    return result;
}

int alog_control_renew_if_gone(struct alog_control_file *control) {
    struct stat facts;
    int result = 0;
    pthread_mutex_lock(&control->mutex);
    if (control->path != NULL && control->fd >= 0) {
        result = control->io->fstat(control->io->context, control->fd, &facts);
        if (result >= 0 && facts.st_nlink == 0) {
            result = renew(control);
        }
    }
    pthread_mutex_unlock(&control->mutex);
    return result;
}

void alog_control_close(struct alog_control_file *control, bool remove) {
    const struct alog_io *io = control->io;
    pthread_mutex_lock(&control->mutex);
    if (control->path != NULL && remove) {
        io->unlink(io->context, control->path);
    }
    if (control->fd >= 0) {
        io->close(io->context, control->fd);
    }
    control->fd = -1;
    free(control->path);
    control->path = NULL;
    pthread_mutex_unlock(&control->mutex);
}

void alog_control_free(struct alog_control_file *control) {
    free(control->bytes);
    pthread_mutex_destroy(&control->mutex);
}
