/* Where an export goes, and its simplest form, NDJSON. */
#include "export/export_form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "messages.h"
#include "output.h"
#include "safe_text.h"

#define FILE_MODE 0640

static void note(struct export_target *target, const char *name, int code) {
    if (target->error != 0) {
        return;
    }
    target->error = code != 0 ? code : EIO;
    snprintf(target->failed_path, sizeof target->failed_path, "%s%s%s",
             target->path == NULL ? "stdout" : target->path, target->is_directory ? "/" : "",
             target->is_directory ? name : "");
}

FILE *export_target_open(struct export_target *target, const char *name) {
    if (target->path == NULL) {
        return stdout;
    }
    const size_t bytes = strlen(target->path) + strlen(name) + 2;
    char *path = output_allocate(bytes, 1);
    snprintf(path, bytes, "%s%s%s", target->path, target->is_directory ? "/" : "",
             target->is_directory ? name : "");
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        note(target, name, errno);
        if (fd >= 0) {
            close(fd);
        }
    }
    free(path);
    return file;
}

bool export_target_close(struct export_target *target, FILE *file, const char *name) {
    if (file == NULL) {
        return target->error == 0;
    }
    const bool flushed = fflush(file) == 0;
    const int code = errno;
    if ((file != stdout && fclose(file) != 0) || !flushed) {
        note(target, name, flushed ? errno : code);
    }
    return target->error == 0;
}

bool export_target_write(struct export_target *target, FILE *file, const char *data, size_t len) {
    if (target->error == 0 && (file == NULL || fwrite(data, 1, len, file) != len)) {
        note(target, "", errno);
    }
    return target->error == 0;
}

bool export_target_write_json(struct export_target *target, FILE *file, const char *data,
                              size_t len) {
    if (file != stdout || isatty(STDOUT_FILENO) != 1 || !safe_json_needed(data, len)) {
        return export_target_write(target, file, data, len);
    }
    const size_t room = SAFE_TEXT_BYTES(len) + 8;
    char *safe = output_allocate(room, 1);
    const size_t safe_len = safe_json((struct alog_string){data, len}, safe, room);
    const bool written = export_target_write(target, file, safe, safe_len);
    free(safe);
    return written;
}

/* ---- NDJSON ---------------------------------------------------------------------------------- */

struct ndjson {
    struct export_target *target;
    FILE *file;
    struct alog_text line;
};

static bool ndjson_event(void *state, const struct alog_event *event) {
    struct ndjson *ndjson = state;
    ndjson->line.len = 0;
    if (alog_ndjson_write(event, &ndjson->line) != ALOG_OK) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    return export_target_write_json(ndjson->target, ndjson->file, ndjson->line.data,
                                    ndjson->line.len);
}

static bool ndjson_end(void *state) {
    struct ndjson *ndjson = state;
    return export_target_close(ndjson->target, ndjson->file, "");
}

static void ndjson_free(void *state) {
    struct ndjson *ndjson = state;
    alog_text_free(&ndjson->line);
    free(ndjson);
}

struct export_form export_ndjson_begin(struct export_target *target) {
    struct ndjson *ndjson = output_allocate(1, sizeof *ndjson);
    *ndjson = (struct ndjson){target, export_target_open(target, "events.ndjson"), {0}};
    return (struct export_form){ndjson_event, ndjson_end, ndjson_free, ndjson};
}
