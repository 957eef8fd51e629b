#include "file_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "format/error.h"
#include "format/io.h"

#define CHUNK_BYTES (256u << 10)

struct alog_file_hash {
    const struct alog_io *io;
    int fd;
    uint64_t bytes; /* hashed so far */
    EVP_MD_CTX *context, *final;
    uint8_t chunk[CHUNK_BYTES];
};

enum alog_status alog_file_hash_new(const struct alog_io *io, int fd,
                                    struct alog_file_hash **ret_hash, struct alog_error *error) {
    struct alog_file_hash *hash = malloc(sizeof(*hash));
    if (!hash) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    hash->io = io;
    hash->fd = fd;
    hash->bytes = 0;
    hash->context = EVP_MD_CTX_new();
    hash->final = EVP_MD_CTX_new();
    if (!hash->context || !hash->final ||
        EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
        alog_file_hash_free(hash);
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    *ret_hash = hash;
    return ALOG_OK;
}

void alog_file_hash_free(struct alog_file_hash *hash) {
    if (hash) {
        EVP_MD_CTX_free(hash->context);
        EVP_MD_CTX_free(hash->final);
        free(hash);
    }
}

static enum alog_status add(struct alog_file_hash *hash, const uint8_t *data, size_t count,
                            struct alog_error *error) {
    if (EVP_DigestUpdate(hash->context, data, count) != 1) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "SHA-256 failed");
    }
    hash->bytes += count;
    return ALOG_OK;
}

static enum alog_status read_on(struct alog_file_hash *hash, uint64_t bytes,
                                struct alog_error *error) {
    enum alog_status status = ALOG_OK;
    while (status == ALOG_OK && hash->bytes < bytes) {
        uint64_t left = bytes - hash->bytes;
        size_t want = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        int64_t got = alog_io_read_full(hash->io, hash->fd, hash->chunk, want, hash->bytes);
        if (got < 0) {
            return alog_fail(error, ALOG_IO, (int)-got, (int64_t)hash->bytes,
                             "cannot read a segment");
        }
        if ((size_t)got < want) {
            return alog_fail(error, ALOG_CORRUPT, 0, (int64_t)hash->bytes + got,
                             "a segment is shorter than it was");
        }
        status = add(hash, hash->chunk, want, error);
    }
    return status;
}

enum alog_status alog_file_hash_add(struct alog_file_hash *hash, uint64_t at, const uint8_t *data,
                                    size_t count, struct alog_error *error) {
    enum alog_status status = read_on(hash, at, error);
    return status == ALOG_OK ? add(hash, data, count, error) : status;
}

enum alog_status alog_file_hash_until(struct alog_file_hash *hash, uint64_t bytes,
                                      char ret_sha256[ALOG_SEGMENT_HASH_BYTES],
                                      struct alog_error *error) {
    enum alog_status status = read_on(hash, bytes, error);
    if (status != ALOG_OK) {
        return status;
    }
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len;
    if (EVP_MD_CTX_copy_ex(hash->final, hash->context) != 1 ||
        EVP_DigestFinal_ex(hash->final, digest, &len) != 1 || len != 32) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "SHA-256 failed");
    }
    alog_hex(digest, len, ret_sha256);
    return ALOG_OK;
}

enum alog_status alog_file_hash_whole(const struct alog_io *io, const char *path,
                                      uint64_t *ret_bytes, char ret_sha256[ALOG_SEGMENT_HASH_BYTES],
                                      struct alog_error *error) {
    struct alog_file_hash *hash = NULL;
    struct stat facts;
    const int fd = io->open(io->context, path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0);
    if (fd < 0) {
        return alog_fail(error, fd == -ENOENT ? ALOG_NOT_FOUND : ALOG_IO, -fd, -1, "cannot open %s",
                         path);
    }
    const int result = io->fstat(io->context, fd, &facts);
    enum alog_status status =
        result < 0 ? alog_fail(error, ALOG_IO, -result, -1, "cannot look at %s", path)
                   : alog_file_hash_new(io, fd, &hash, error);
    if (status == ALOG_OK) {
        *ret_bytes = (uint64_t)facts.st_size;
        status = alog_file_hash_until(hash, *ret_bytes, ret_sha256, error);
    }
    alog_file_hash_free(hash);
    io->close(io->context, fd);
    return status;
}
