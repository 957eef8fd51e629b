#include "archive_manifest.h"

#include <agentlog/archive.h>
#include <agentlog/ndjson.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_hash.h"
#include "format/error.h"
#include "format/io.h"
#include "format/segment_writing.h"
#include "format/trust.h"

#define SHA256_KEY "\"sha256\": \""

/* The names of redacted fields are any text. */
static void put_json_text(FILE *out, const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < 0x20 || c >= 0x7f) {
            fprintf(out, "\\u%04x", c);
        } else {
            fputc(c, out);
        }
    }
}

static void put_redacted(FILE *out, const char *names) {
    while (*names != '\0') {
        size_t len = strcspn(names, ",");
        fputc('"', out);
        put_json_text(out, names, len);
        names += len;
        names += *names == ',';
        fputs(*names != '\0' ? "\", " : "\"", out);
    }
}

static void put_source(FILE *out, const struct alog_archive_source *source) {
    char name[ALOG_SEGMENT_NAME_BYTES], id[ALOG_SEGMENT_ID_BYTES], sha256[ALOG_SEGMENT_HASH_BYTES];
    char first[ALOG_TIME_BYTES], last[ALOG_TIME_BYTES];
    alog_segment_name_format(source->created_ns, source->writer_id, source->segment_number, false,
                             name);
    alog_hex(source->file_id, 16, id);
    alog_hex(source->sha256, 32, sha256);
    alog_time_format(source->min_timestamp_ns, first);
    alog_time_format(source->max_timestamp_ns, last);
    fprintf(out,
            "    {\"name\": \"%.4s-%.2s-%.2s/%s\", \"segment_id\": \"%s\", \"sha256\": \"%s\","
            " \"bytes\": %" PRIu64 ", \"events\": %" PRIu64 ", \"first_sequence\": %" PRIu64
            ", \"last_sequence\": %" PRIu64
            ", \"min_timestamp\": \"%s\", \"max_timestamp\": \"%s\"}",
            name, name + 4, name + 6, name, id, sha256, source->file_bytes, source->events,
            source->first_sequence, source->last_sequence, first, last);
}

static void put_manifest(FILE *out, const char *path, const char *sha256, uint64_t bytes,
                         const struct alog_archive_source *sources, size_t count) {
    uint64_t events = 0;
    for (size_t i = 0; i < count; i++) {
        events += sources[i].events;
    }
    fprintf(out, "{\n  \"archive\": \"%s\",\n  " SHA256_KEY "%s\",\n", strrchr(path, '/') + 1,
            sha256);
    fprintf(out,
            "  \"bytes\": %" PRIu64 ",\n  \"format_version\": %d,\n  \"events\": %" PRIu64 ",\n",
            bytes, ALOG_FORMAT_VERSION, events);
    fputs("  \"redacted\": [", out);
    put_redacted(out, count > 0 ? sources[0].redacted : "");
    fputs("],\n  \"segments\": [\n", out);
    for (size_t i = 0; i < count; i++) {
        put_source(out, &sources[i]);
        fputs(i + 1 < count ? ",\n" : "\n", out);
    }
    fputs("  ]\n}\n", out);
}

/* A manifest is in its place whole, or not there. */
static enum alog_status store(const struct alog_io *io, const char *path, const char *text,
                              size_t len, struct alog_error *error) {
    char beside[PATH_MAX], final[PATH_MAX], directory[PATH_MAX];
    int fits = snprintf(final, sizeof final, "%s" ALOG_MANIFEST_SUFFIX, path);
    if (fits < 0 || (size_t)fits + sizeof ".tmp" > sizeof beside) {
        return alog_fail(error, ALOG_IO, ENAMETOOLONG, -1, "cannot write a manifest");
    }
    memcpy(stpcpy(beside, final), ".tmp", sizeof ".tmp");
    int fd =
        io->open(io->context, beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, ALOG_FILE_MODE);
    if (fd < 0) {
        return alog_fail(error, ALOG_IO, -fd, -1, "cannot create %s", beside);
    }
    struct iovec part = {(void *)(uintptr_t)text, len};
    int result = alog_io_write_all(io, fd, &part, 1, 0);
    if (result == 0) {
        result = io->fsync(io->context, fd);
    }
    io->close(io->context, fd);
    if (result == 0) {
        result = io->rename(io->context, beside, final);
    }
    if (result == 0) {
        alog_segment_directory(path, directory);
        result = alog_io_sync_dir(io, directory);
    }
    return result < 0 ? alog_fail(error, ALOG_IO, -result, -1, "cannot write %s", beside) : ALOG_OK;
}

enum alog_status alog_manifest_write(const struct alog_io *io, const char *path,
                                     struct alog_error *error) {
    struct alog_archive_source *sources = NULL;
    size_t count = 0, len = 0;
    uint64_t bytes;
    char sha256[ALOG_SEGMENT_HASH_BYTES], *text = NULL;
    enum alog_status status = alog_file_hash_whole(io, path, &bytes, sha256, error);
    if (status == ALOG_OK) {
        status = alog_archive_sources_list(io, path, &sources, &count, NULL, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    FILE *out = open_memstream(&text, &len);
    if (out != NULL) {
        put_manifest(out, path, sha256, bytes, sources, count);
    }
    free(sources);
    if (out == NULL || fclose(out) != 0) {
        status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a manifest");
    } else {
        status = store(io, path, text, len, error);
    }
    free(text);
    return status;
}

/* The archive's own hash is the first in the manifest. */
static enum alog_status read_stated(const char *path, char sha256[ALOG_SEGMENT_HASH_BYTES],
                                    struct alog_error *error) {
    char manifest[PATH_MAX], head[1024];
    snprintf(manifest, sizeof manifest, "%s" ALOG_MANIFEST_SUFFIX, path);
    int fd = open(manifest, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        enum alog_status status = errno == ENOENT ? ALOG_NOT_FOUND : ALOG_IO;
        return alog_fail(error, status, errno, -1, "cannot open %s", manifest);
    }
    int64_t got = alog_io_read_full(alog_io_system(), fd, head, sizeof head - 1, 0);
    close(fd);
    head[got > 0 ? got : 0] = '\0';
    const char *at = strstr(head, SHA256_KEY);
    if (at == NULL || strlen(at) < sizeof SHA256_KEY + 64) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1, "%s is no manifest", manifest);
    }
    memcpy(sha256, at + sizeof SHA256_KEY - 1, 64);
    sha256[64] = '\0';
    return ALOG_OK;
}

enum alog_status alog_archive_check(const char *path, struct alog_error *error) {
    char stated[ALOG_SEGMENT_HASH_BYTES], sha256[ALOG_SEGMENT_HASH_BYTES];
    uint64_t bytes;
    enum alog_status status = read_stated(path, stated, error);
    if (status == ALOG_OK) {
        status = alog_file_hash_whole(alog_io_system(), path, &bytes, sha256, error);
    }
    if (status == ALOG_OK && strcmp(stated, sha256) != 0) {
        status = alog_fail(error, ALOG_CORRUPT, 0, -1,
                           "%s is not the file that its manifest describes: SHA-256 %.16s..., not "
                           "%.16s...",
                           path, sha256, stated);
    }
    return status;
}
