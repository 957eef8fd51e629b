/* SHA-256 over the beginning of a file, as far as it has been asked for. */
#ifndef AGENTLOG_AGGREGATOR_FILE_HASH_H
#define AGENTLOG_AGGREGATOR_FILE_HASH_H

#include <agentlog/agentlog.h>

#include "ledger.h"

struct alog_io;
struct alog_file_hash;

/* Reads `fd` at places of its own, and leaves it open; the caller must not close it before.
 * ALOG_NO_MEMORY. */
enum alog_status alog_file_hash_new(const struct alog_io *io, int fd,
                                    struct alog_file_hash **ret_hash, struct alog_error *error);
void alog_file_hash_free(struct alog_file_hash *hash);

/* The file has these `count` bytes at `at`, not before what was hashed: whoever has read them
 * spares the hash from reading them again. What lies between is read. As below; after a failure it
 * can be tried again. */
enum alog_status alog_file_hash_add(struct alog_file_hash *hash, uint64_t at, const uint8_t *data,
                                    size_t count, struct alog_error *error);

/*
 * The hash of the file's first `bytes` bytes, not fewer than were asked for before. Reads on from
 * there. ALOG_CORRUPT: the file is shorter.
 */
enum alog_status alog_file_hash_until(struct alog_file_hash *hash, uint64_t bytes,
                                      char ret_sha256[ALOG_SEGMENT_HASH_BYTES],
                                      struct alog_error *error);

/* The hash of a whole file, and how long it is. ALOG_NOT_FOUND, ALOG_IO, ALOG_NO_MEMORY. */
enum alog_status alog_file_hash_whole(const struct alog_io *io, const char *path,
                                      uint64_t *ret_bytes, char ret_sha256[ALOG_SEGMENT_HASH_BYTES],
                                      struct alog_error *error);

#endif
