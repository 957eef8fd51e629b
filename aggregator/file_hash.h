/* SHA-256 over the beginning of a file, as far as it has been asked for. */
#ifndef AGENTLOG_AGGREGATOR_FILE_HASH_H
#define AGENTLOG_AGGREGATOR_FILE_HASH_H

#include <agentlog/agentlog.h>

#include "ledger.h"

struct alog_file_hash;

/* ALOG_IO, ALOG_NO_MEMORY. */
enum alog_status alog_file_hash_open(const char *path, struct alog_file_hash **ret_hash,
                                     struct alog_error *error);
void alog_file_hash_close(struct alog_file_hash *hash);

/*
 * The hash of the file's first `bytes` bytes, not fewer than were asked for before. Reads on from
 * there. ALOG_CORRUPT: the file is shorter.
 */
enum alog_status alog_file_hash_until(struct alog_file_hash *hash, uint64_t bytes,
                                      char ret_sha256[ALOG_SEGMENT_HASH_BYTES],
                                      struct alog_error *error);

#endif
