/*
 * A segment file: file header, blocks, and, once sealed, index and seek table. format/FORMAT.md is
 * normative.
 *
 *   segment  = file-header { block-header zstd-frame } [ index seek-table ]
 *   each part is a zstd frame; all but zstd-frame and seek-table are skippable frames with the
 * magic 0x184D2A5A
 */
#ifndef AGENTLOG_FORMAT_SEGMENT_H
#define AGENTLOG_FORMAT_SEGMENT_H

#include <agentlog/agentlog.h>
#include <agentlog/reader.h>

#include "block.h"
#include "io.h"

#define ALOG_SKIPPABLE_MAGIC            0x184D2A5Au
#define ALOG_SEEK_TABLE_SKIPPABLE_MAGIC 0x184D2A5Eu
#define ALOG_SEEK_TABLE_FOOTER_MAGIC    0x8F92EAB1u
#define ALOG_MAX_HEADER_BYTES           (1u << 20)   /* payload of a file or block header */
#define ALOG_MAX_INDEX_BYTES            (256u << 20) /* payload of an index */
#define ALOG_MAX_SEQUENCE               ((uint64_t)INT64_MAX) /* sequence numbers are below this */

struct alog_file_header {
    uint16_t version;
    uint16_t compatible_flags, incompatible_flags;
    uint8_t file_id[16];
    uint64_t writer_id;
    uint64_t number; /* of the segment among its writer's, from 1 */
    int64_t created_ns;
    uint8_t predecessor_id[16];
    uint64_t predecessor_last_sequence;
    struct alog_string environment;
};

/* ---- Encoding of headers (segment_header.c) -------------------------------------------------- */

/* Whole skippable frames, prefix included. `ret_frame` is grown with realloc; *ret_bytes is its
 * length. */
struct alog_buffer {
    uint8_t *data;
    size_t len, capacity;
};
enum alog_status alog_buffer_reserve(struct alog_buffer *buffer, size_t more);
void alog_buffer_free(struct alog_buffer *buffer);

enum alog_status alog_file_header_encode(const struct alog_file_header *header,
                                         struct alog_buffer *append_to);
enum alog_status alog_block_header_encode(const uint8_t file_id[16], uint64_t block_number,
                                          const struct alog_block_facts *facts,
                                          struct alog_buffer *append_to);

/*
 * Decode a whole skippable frame of `bytes`. Views point into it. The block's variable arrays are
 * decoded into `room`, which is reused. ALOG_CORRUPT, ALOG_UNSUPPORTED (incompatible flag, newer
 * version).
 */
enum alog_status alog_file_header_decode(const uint8_t *frame, size_t bytes,
                                         struct alog_file_header *ret_header,
                                         struct alog_error *error);
struct alog_block_header {
    uint8_t file_id[16];
    uint64_t number; /* from 0 */
    struct alog_block_facts facts;
};
struct alog_block_header_room {
    struct alog_type_tally *tallies;
    struct alog_ring_mark *rings;
    uint32_t tally_capacity, ring_capacity;
};
enum alog_status alog_block_header_decode(const uint8_t *frame, size_t bytes,
                                          struct alog_block_header_room *room,
                                          struct alog_block_header *ret_header,
                                          struct alog_error *error);
void alog_block_header_room_free(struct alog_block_header_room *room);

/* ---- Names (segment_name.c) ------------------------------------------------------------------ */

/* "<UTC start>-<writer id>-<number>.msgpack.zst":
 * 20260204T120000.123456789Z-0123456789abcdef-000001.msgpack.zst */
#define ALOG_SEGMENT_NAME_BYTES 96
void alog_segment_name_format(int64_t start_ns, uint64_t writer_id, uint64_t number, bool open,
                              char name[ALOG_SEGMENT_NAME_BYTES]);
bool alog_segment_name_parse(const char *name, int64_t *ret_start_ns, uint64_t *ret_writer_id,
                             uint64_t *ret_number, bool *ret_open);

/* ---- Writing (segment_writer.c) -------------------------------------------------------------- */

struct alog_segment_writer;

/*
 * Create LOGDIR/YYYY-MM-DD/<name>.open (directories made, O_EXCL) and write the file header.
 * `predecessor_id` and `predecessor_last_sequence` come from the writer's segment before, zeros for
 * its first.
 */
enum alog_status
alog_segment_create(const struct alog_io *io, const char *log_dir, uint64_t writer_id,
                    uint64_t number, struct alog_string environment,
                    const uint8_t predecessor_id[16], uint64_t predecessor_last_sequence,
                    struct alog_segment_writer **ret_segment, struct alog_error *error);

/* What was found in an unsealed segment whose writer is gone. */
struct alog_segment_remains {
    uint64_t holes;          /* damaged stretches before its end, */
    uint64_t hole_bytes;     /* … and their bytes */
    uint64_t missing_events; /* sequence numbers that it should have before its last block */
    uint64_t tail_bytes;     /* behind the last whole block: torn, or tables that were not needed */
    bool header_rebuilt;     /* the file header was damaged */
    bool no_segment;         /* with ALOG_CORRUPT: there is neither a valid header nor a block */
};

/*
 * Take over a segment whose writer is gone: `path` is its .open file, which is left as it is. What
 * is good in it is copied, checked block by block, to a new file `<final name>.recovering` (what a
 * killed recovery left there is replaced): same file id, same bytes at the same offsets. A damaged
 * stretch between two good blocks becomes a hole of its length; a torn tail is left out. Then
 * append works as usual, and complete and publish (or seal) make it the segment; the .open file is
 * then the caller's to remove. `fallback` gives the predecessor and the environment if the file
 * header is damaged.
 *
 * `known_dead`: the caller knows by another lock that the writer is gone; else the .open file's own
 * lock must say so, which is held until the handle is gone. ALOG_LOCKED: its writer, or another
 * recovery, lives. ALOG_NOT_FOUND: no such file, or nothing but a part of a header, or zeros, got
 * to the disk. ALOG_EXISTS: the final name is there. ALOG_CORRUPT: not a segment, or damaged so
 * that no legal segment can have its blocks at their places. Cost: reads and writes the whole file.
 */
enum alog_status alog_segment_rebuild(const struct alog_io *io, const char *path, bool known_dead,
                                      const struct alog_file_header *fallback,
                                      struct alog_segment_writer **ret_segment,
                                      struct alog_segment_remains *ret_remains,
                                      struct alog_error *error);

/* As alog_segment_create, but under `<final name>.recovering`: no reader sees it before it has its
 * final name. */
enum alog_status
alog_segment_create_unlisted(const struct alog_io *io, const char *log_dir, uint64_t writer_id,
                             uint64_t number, struct alog_string environment,
                             const uint8_t predecessor_id[16], uint64_t predecessor_last_sequence,
                             struct alog_segment_writer **ret_segment, struct alog_error *error);

/*
 * Append one block: header and frame in one write at the end. After a failure nothing counts as
 * appended and the next append goes to the same place (a short write leaves a torn block that is
 * overwritten or cut off). ALOG_LIMIT: the index is full, which takes hundreds of thousands of
 * blocks: seal the segment and begin another. ALOG_INVALID: facts that no reader would believe.
 */
enum alog_status alog_segment_append(struct alog_segment_writer *segment,
                                     const struct alog_block_facts *facts, const uint8_t *frame,
                                     struct alog_error *error);

enum alog_status alog_segment_sync(struct alog_segment_writer *segment, struct alog_error *error);

uint64_t alog_segment_bytes(const struct alog_segment_writer *segment);
uint64_t alog_segment_blocks(const struct alog_segment_writer *segment);
uint64_t
alog_segment_last_sequence(const struct alog_segment_writer *segment); /* 0 = no events yet */
int64_t alog_segment_created_ns(const struct alog_segment_writer *segment);
const uint8_t *alog_segment_file_id(const struct alog_segment_writer *segment);

/*
 * Seal: index, seek table, truncate to the end, fsync, rename to the final name, fsync the
 * directory. A segment without blocks is removed instead. The handle is freed in every case; on
 * failure the .open file is left for recovery.
 */
enum alog_status alog_segment_seal(struct alog_segment_writer *segment, bool sync,
                                   struct alog_error *error);

/*
 * Seal in two steps, so that the file can be read back in between. Complete: index, seek table,
 * truncate to the end, fsync. Publish: rename to the final name, fsync the directory; the handle is
 * freed in every case. Not for a segment without blocks.
 */
enum alog_status alog_segment_complete(struct alog_segment_writer *segment, bool sync,
                                       struct alog_error *error);
enum alog_status alog_segment_publish(struct alog_segment_writer *segment, bool sync,
                                      struct alog_error *error);

/*
 * Seal, *ret_bytes being the file's size (0: it was empty, and removed), and keep the handle on
 * failure: then try again later, unless the segment is lost, that is,
 * its file cannot be gone on with. A sync of it failed, now or before, after which nobody knows
 * what is on the disk and a second sync would mean nothing; or its name is gone.
 */
enum alog_status alog_segment_try_seal(struct alog_segment_writer *segment, bool sync,
                                       uint64_t *ret_bytes, struct alog_error *error);
bool alog_segment_is_lost(struct alog_segment_writer *segment);

/* What was not in a lost segment's file any more, by type; both arrays have ALOG_MAX_TYPES. */
struct alog_segment_loss {
    uint64_t blocks;
    uint64_t *events; /* of the blocks that could not be read back */
    uint64_t *drops;  /* what their headers were the first to count as dropped */
};

/*
 * Make a lost segment anew: every block is read back through the open file and checked against its
 * hash, and what is good goes to a new file, `<final name>.recovering`, same file id and same
 * offsets, which is sealed, synced and given the final name; what is not leaves a hole. Missing
 * directories are made. At last the .open file is removed. So the events are never in two segments,
 * and whoever has read the old file goes on in the new one. `drops_before` are the writer's drops,
 * by type, when the segment was begun.
 *
 * ALOG_OK: the handle is freed and `loss`, zeroed before, filled. On failure everything is as it
 * was: try again later, or leave the file to a recovery. Cost: reads and writes the whole file;
 * memory for one block.
 */
enum alog_status alog_segment_renew(struct alog_segment_writer *segment, bool sync,
                                    const uint64_t *drops_before, struct alog_segment_loss *loss,
                                    struct alog_error *error);

/* Leave the file as it is, unsealed, and free the handle. */
void alog_segment_abandon(struct alog_segment_writer *segment);

/* Remove the file and free the handle. */
void alog_segment_discard(struct alog_segment_writer *segment);

/* The file's present path; valid as long as the handle. */
const char *alog_segment_path(const struct alog_segment_writer *segment);

/* ---- Scanning (segment_scan.c) --------------------------------------------------------------- */

struct alog_segment_scan;

/*
 * Open a segment for reading block by block, by walking its headers (the index is never the
 * authority). Damage goes to `damage` as in alog_reader_open. A .open file that is not there any
 * more is looked for under its final name.
 */
enum alog_status alog_segment_scan_open(const struct alog_io *io, const char *path,
                                        alog_damage_fn *damage, void *damage_context,
                                        struct alog_segment_scan **ret_scan,
                                        struct alog_error *error);
void alog_segment_scan_close(struct alog_segment_scan *scan);

const struct alog_file_header *alog_segment_scan_file_header(const struct alog_segment_scan *scan);
bool alog_segment_scan_sealed(
    const struct alog_segment_scan *scan); /* a valid seek table and index end the file */
/* It was opened under a name that ends in .open. */
bool alog_segment_scan_named_open(const struct alog_segment_scan *scan);
/* The file itself, whatever it is called by now: for pread, until the scan is closed. */
int alog_segment_scan_fd(const struct alog_segment_scan *scan);
uint64_t alog_segment_scan_file_bytes(const struct alog_segment_scan *scan);
uint64_t alog_segment_scan_damages(const struct alog_segment_scan *scan);

/* Go on at a block boundary that an earlier scan returned (ingest of a growing segment). */
enum alog_status alog_segment_scan_seek(struct alog_segment_scan *scan, uint64_t offset,
                                        uint64_t next_block_number, uint64_t next_sequence);

/*
 * The next block's header, checked (its frame is not read yet, only known to lie within the file);
 * *ret_header is NULL at the end. Damage on the way is reported and passed over: the scan finds the
 * next header of this file by its magic and file id. ALOG_IO, ALOG_NO_MEMORY.
 */
enum alog_status alog_segment_scan_next(struct alog_segment_scan *scan,
                                        const struct alog_block_header **ret_header,
                                        struct alog_error *error);

/* Where the block that scan_next returned begins, and where the one after it would. */
uint64_t alog_segment_scan_offset(const struct alog_segment_scan *scan);
uint64_t alog_segment_scan_end(const struct alog_segment_scan *scan);

/*
 * The compressed frame of the block that scan_next returned, valid until the next call. Its hash is
 * checked here: a mismatch is reported as damage and gives ALOG_CORRUPT; go on with scan_next.
 */
enum alog_status alog_segment_scan_frame(struct alog_segment_scan *scan, const uint8_t **ret_frame,
                                         struct alog_error *error);

/* The same, read into `room`, which is of the frame's length (facts.compressed_bytes). */
enum alog_status alog_segment_scan_frame_into(struct alog_segment_scan *scan, uint8_t *room,
                                              struct alog_error *error);

/* XXH3-128 over the index payload of a sealed file: names its content in short. ALOG_NOT_FOUND when
 * not sealed. */
enum alog_status alog_segment_scan_digest(struct alog_segment_scan *scan, uint8_t ret_digest[16]);

#endif
