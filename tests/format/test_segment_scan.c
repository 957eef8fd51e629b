/* Scanning: frames of others, gaps, growing files, hostile files, and what is no segment at all. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/little_endian.h"
#include "format/segment_frame.h"
#include "support/file_bytes.h"
#include "support/scratch_dir.h"
#include "support/scripted_io.h"
#include "support/segment_dump.h"
#include "support/segment_maker.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define HOOK                                                                                       \
    "{\"event\":\"hook_execution\",\"timestamp\":5,\"hook_name\":\"ruff\",\"status\":\"success\"}"

struct fixture {
    char *dir;
    struct scripted_io script;
    struct segment_maker maker;
};

static int setup(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->dir = scratch_dir_make();
    scripted_io_init(&fixture->script);
    segment_maker_init(&fixture->maker, &fixture->script.io, fixture->dir, 7);
    *state = fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    segment_maker_free(&fixture->maker);
    scratch_dir_remove(fixture->dir);
    free(fixture);
    return 0;
}

static void add_block(struct segment_maker *maker, unsigned events) {
    for (unsigned i = 0; i < events; i++) {
        segment_maker_add_line(maker, HOOK);
    }
    assert_int_equal(segment_maker_end_block(maker), ALOG_OK);
}

/* A file in pieces, to be put together again with something in between. */
struct pieces {
    uint8_t *data;
    size_t bytes;
    size_t block[8]; /* offsets of the block headers, then of what follows the last block */
    size_t blocks;
};

static struct pieces take_apart(const char *path) {
    struct pieces pieces = {0};
    pieces.data = file_bytes_read(path, &pieces.bytes);
    struct alog_segment_scan *scan;
    const struct alog_block_header *header;
    assert_int_equal(alog_segment_scan_open(alog_io_system(), path, NULL, NULL, &scan, NULL),
                     ALOG_OK);
    while (alog_segment_scan_next(scan, &header, NULL) == ALOG_OK && header != NULL) {
        pieces.block[pieces.blocks++] = (size_t)alog_segment_scan_offset(scan);
        pieces.block[pieces.blocks] = (size_t)alog_segment_scan_end(scan);
    }
    alog_segment_scan_close(scan);
    return pieces;
}

struct text {
    uint8_t data[65536];
    size_t len;
};

static void put(struct text *text, const void *data, size_t bytes) {
    assert_true(text->len + bytes <= sizeof text->data);
    memcpy(text->data + text->len, data, bytes);
    text->len += bytes;
}

static void put_piece(struct text *text, const struct pieces *pieces, size_t i) {
    put(text, pieces->data + pieces->block[i], pieces->block[i + 1] - pieces->block[i]);
}

/* A skippable frame with that magic and `bytes` of something. */
static void put_alien(struct text *text, uint32_t magic, uint32_t bytes) {
    uint8_t frame[8 + 64];
    alog_le_store32(frame, magic);
    alog_le_store32(frame + 4, bytes);
    memset(frame + 8, 'x', bytes);
    put(text, frame, 8 + bytes);
}

/* A frame of ours, checked, of a kind that this version does not know. */
static void put_unknown_kind(struct text *text, const uint8_t *file_id) {
    struct alog_buffer frame = {0};
    assert_non_null(alog_frame_begin(&frame, "ALGX", 64, file_id));
    assert_int_equal(alog_frame_finish(&frame, 0, ALOG_MAX_HEADER_BYTES), ALOG_OK);
    put(text, frame.data, frame.len);
    alog_buffer_free(&frame);
}

static void make_three_blocks(struct fixture *fixture, struct pieces *ret_pieces) {
    segment_maker_begin(&fixture->maker);
    for (unsigned i = 1; i <= 3; i++) {
        add_block(&fixture->maker, i);
    }
    segment_maker_abandon(&fixture->maker);
    *ret_pieces = take_apart(fixture->maker.path);
    assert_int_equal(ret_pieces->blocks, 3);
}

/* What a reader makes of those bytes under a name that ends so. */
static struct segment_dump read_bytes(struct fixture *fixture, const char *name, const void *data,
                                      size_t bytes) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    file_bytes_write(path, data, bytes);
    struct segment_dump dump;
    assert_int_equal(segment_dump_read(path, NULL, &dump), ALOG_OK);
    return dump;
}

static void expect(struct segment_dump dump, uint64_t events, uint64_t damages,
                   const char *damage) {
    assert_int_equal(dump.event_count, events);
    assert_int_equal(dump.damage_count, damages);
    if (damage != NULL && (dump.damages.data == NULL || !strstr(dump.damages.data, damage))) {
        fail_msg("no '%s' in: %s", damage, dump.damages.data ? dump.damages.data : "nothing");
    }
    segment_dump_free(&dump);
}

static void test_frames_of_others_are_passed_over(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    struct text *text = calloc(1, sizeof *text);
    put(text, pieces.data, pieces.block[0]);
    put_alien(text, 0x184D2A50, 12); /* as pzstd writes them */
    put_alien(text, 0x184D2A5F, 0);
    put_piece(text, &pieces, 0);
    put_unknown_kind(text, pieces.data + 24);
    put_alien(text, 0x184D2A53, 64);
    put_piece(text, &pieces, 1);
    put_alien(text, 0x184D2A5E, 9); /* a seek table that is none of ours */
    put_unknown_kind(text, pieces.data + 24);
    put_piece(text, &pieces, 2);
    put_alien(text, 0x184D2A50, 12);
    expect(read_bytes(fixture, "a.open", text->data, text->len), 6, 0, NULL);
    free(text);
    free(pieces.data);
}

/* A frame of others whose length is wrong leads nowhere; the blocks that it seems to cover count.
 */
static void test_frames_of_others_are_not_trusted(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    const uint32_t lengths[] = {1, 100, (uint32_t)(pieces.block[2] - pieces.block[1]) + 3,
                                UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct text *text = calloc(1, sizeof *text);
        put(text, pieces.data, pieces.block[1]);
        put_alien(text, 0x184D2A50, 16);
        alog_le_store32(text->data + text->len - 20, lengths[i]);
        put_piece(text, &pieces, 1);
        put_piece(text, &pieces, 2);
        expect(read_bytes(fixture, "a.open", text->data, text->len), 6, 1, "\"kind\":\"block\"");
        free(text);
    }
    free(pieces.data);
}

static void test_gaps_and_repeats(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    struct text *text = calloc(1, sizeof *text);
    put(text, pieces.data, pieces.block[0]);
    put_piece(text, &pieces, 1);
    put_piece(text, &pieces, 2);
    expect(read_bytes(fixture, "a.open", text->data, text->len), 5, 1,
           "\"kind\":\"gap\",\"harmless\":false,\"offset\":114,\"bytes\":0,\"first_sequence\":1,"
           "\"last_sequence\":1");
    /* A block that stands there twice is read once. */
    text->len = 0;
    put(text, pieces.data, pieces.block[2]);
    put_piece(text, &pieces, 1);
    put_piece(text, &pieces, 2);
    expect(read_bytes(fixture, "b.open", text->data, text->len), 6, 1, "\"kind\":\"block\"");
    /* Order is part of the file. */
    text->len = 0;
    put(text, pieces.data, pieces.block[0]);
    put_piece(text, &pieces, 2);
    put_piece(text, &pieces, 0);
    expect(read_bytes(fixture, "c.open", text->data, text->len), 3, 1, "\"kind\":\"gap\"");
    free(text);
    free(pieces.data);
}

static void test_predecessor_says_what_is_missing_before(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    segment_maker_begin(maker);
    maker->predecessor_last_sequence = 0;
    maker->next_sequence = 11; /* as after losing ten events without a trace */
    add_block(maker, 1);
    segment_maker_seal(maker);
    struct segment_dump dump;
    assert_int_equal(segment_dump_read(maker->path, NULL, &dump), ALOG_OK);
    expect(dump, 1, 1, "\"first_sequence\":1,\"last_sequence\":10");
}

static void test_blocks_of_another_file_are_not_read(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces, other;
    make_three_blocks(fixture, &pieces);
    fixture->maker.next_sequence = 1;
    make_three_blocks(fixture, &other);
    struct text *text = calloc(1, sizeof *text);
    put(text, pieces.data, pieces.block[1]);
    put_piece(text, &other, 1);
    put_piece(text, &pieces, 2);
    expect(read_bytes(fixture, "a.open", text->data, text->len), 4, 1,
           "\"first_sequence\":2,\"last_sequence\":3");
    free(text);
    free(pieces.data);
    free(other.data);
}

static void test_bytes_after_the_seek_table(void **state) {
    struct fixture *fixture = *state;
    segment_maker_begin(&fixture->maker);
    add_block(&fixture->maker, 2);
    segment_maker_seal(&fixture->maker);
    size_t bytes;
    uint8_t *data = file_bytes_read(fixture->maker.path, &bytes);
    struct text *text = calloc(1, sizeof *text);
    put(text, data, bytes);
    put(text, "xyz", 3);
    expect(read_bytes(fixture, "a.zst", text->data, text->len), 2, 1, "\"kind\":\"index\"");
    text->len = bytes; /* two segments, one behind the other */
    put(text, data, bytes);
    struct segment_dump dump = read_bytes(fixture, "b.zst", text->data, text->len);
    assert_int_equal(dump.event_count, 2);
    assert_true(dump.damage_count > 0);
    segment_dump_free(&dump);
    free(text);
    free(data);
}

/* ---- Growing files ------------------------------------------------------------------------- */

static void test_growing_file(void **state) {
    struct fixture *fixture = *state;
    struct segment_maker *maker = &fixture->maker;
    segment_maker_begin(maker);
    struct alog_segment_scan *scan;
    const struct alog_block_header *header;
    struct segment_dump dump = {0};
    assert_int_equal(alog_segment_scan_open(alog_io_system(), maker->path, segment_dump_note, &dump,
                                            &scan, NULL),
                     ALOG_OK);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    assert_null(header);
    for (unsigned i = 0; i < 3; i++) {
        add_block(maker, 1);
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
        assert_non_null(header);
        assert_int_equal(header->number, i);
        assert_false(alog_segment_scan_sealed(scan));
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
        assert_null(header);
    }
    add_block(maker, 1);
    segment_maker_seal(maker);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    assert_int_equal(header->number, 3);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
        assert_null(header);
    }
    assert_true(alog_segment_scan_sealed(scan));
    assert_int_equal(dump.damage_count + dump.harmless_count, 0);
    alog_segment_scan_close(scan);
    segment_dump_free(&dump);
}

/* Bytes trickle in: no block before it is whole, every block then, one word about the tail. */
static void test_file_that_grows_by_bytes(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/grows.open", fixture->dir);
    file_bytes_write(path, pieces.data, pieces.block[0]);
    struct alog_segment_scan *scan;
    struct segment_dump dump = {0};
    assert_int_equal(
        alog_segment_scan_open(alog_io_system(), path, segment_dump_note, &dump, &scan, NULL),
        ALOG_OK);
    size_t next = 0;
    for (size_t bytes = pieces.block[0]; bytes <= pieces.bytes; bytes++) {
        file_bytes_write(path, pieces.data, bytes);
        const struct alog_block_header *header;
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
        assert_int_equal(header != NULL, bytes == pieces.block[next + 1]);
        if (header != NULL) {
            const uint8_t *frame;
            assert_int_equal(alog_segment_scan_frame(scan, &frame, NULL), ALOG_OK);
            assert_int_equal(alog_segment_scan_end(scan), bytes);
            next++;
        }
    }
    assert_int_equal(next, 3);
    assert_int_equal(dump.damage_count, 0);
    assert_int_equal(dump.harmless_count, 3);
    alog_segment_scan_close(scan);
    segment_dump_free(&dump);
    free(pieces.data);
}

/* A header that reached the disk without its data is no block, whatever stands behind it. */
static void test_header_without_its_data(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    for (size_t more = 0; more <= 5000; more += 5000) {
        struct text *text = calloc(1, sizeof *text);
        put(text, pieces.data, pieces.bytes);
        memset(text->data + pieces.bytes - 50, 0, 50);
        text->len += more;
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/a.open", fixture->dir);
        file_bytes_write(path, text->data, text->len);
        struct alog_segment_info info;
        struct segment_dump dump = {0};
        assert_int_equal(alog_segment_inspect(path, false, segment_dump_note, &dump, &info, NULL),
                         ALOG_OK);
        assert_int_equal(info.blocks, 2);
        assert_int_equal(info.damages, 0);
        assert_int_equal(dump.harmless_count, 1);
        alog_segment_info_free(&info);
        segment_dump_free(&dump);
        free(text);
    }
    free(pieces.data);
}

/* … until the data is there after all, because its writer wrote it again and went on. */
static void test_tail_that_becomes_whole(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/a.open", fixture->dir);
    pieces.data[pieces.block[2] - 1] ^= 1; /* the second block's last byte */
    file_bytes_write(path, pieces.data, pieces.block[2]);
    struct segment_dump dump = {0};
    struct alog_segment_scan *scan;
    const struct alog_block_header *header;
    assert_int_equal(
        alog_segment_scan_open(alog_io_system(), path, segment_dump_note, &dump, &scan, NULL),
        ALOG_OK);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    assert_int_equal(header->number, 0);
    for (unsigned again = 0; again < 2; again++) {
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
        assert_null(header);
        assert_int_equal(alog_segment_scan_end(scan), pieces.block[1]);
    }
    pieces.data[pieces.block[2] - 1] ^= 1;
    file_bytes_write(path, pieces.data, pieces.bytes);
    for (unsigned i = 1; i < 3; i++) {
        const uint8_t *frame;
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
        assert_int_equal(header->number, i);
        assert_int_equal(alog_segment_scan_frame(scan, &frame, NULL), ALOG_OK);
    }
    assert_int_equal(dump.damage_count, 0);
    assert_int_equal(dump.harmless_count, 1);
    alog_segment_scan_close(scan);
    segment_dump_free(&dump);
    free(pieces.data);
}

static void test_seek(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    struct segment_dump dump = {0};
    struct alog_segment_scan *scan;
    const struct alog_block_header *header;
    assert_int_equal(alog_segment_scan_open(alog_io_system(), fixture->maker.path,
                                            segment_dump_note, &dump, &scan, NULL),
                     ALOG_OK);
    assert_int_equal(alog_segment_scan_seek(scan, pieces.bytes + 1, 3, 7), ALOG_INVALID);
    assert_int_equal(alog_segment_scan_seek(scan, 0, 0, 1), ALOG_INVALID);
    assert_int_equal(alog_segment_scan_seek(scan, pieces.block[2], 2, 4), ALOG_OK);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    assert_int_equal(header->number, 2);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    assert_null(header);
    assert_int_equal(dump.damage_count, 0);
    alog_segment_scan_close(scan);
    segment_dump_free(&dump);
    free(pieces.data);
}

static void test_digest_names_the_content(void **state) {
    struct fixture *fixture = *state;
    uint8_t digests[3][16];
    for (unsigned i = 0; i < 3; i++) {
        segment_maker_begin(&fixture->maker);
        add_block(&fixture->maker, 1);
        struct alog_segment_scan *scan;
        assert_int_equal(
            alog_segment_scan_open(alog_io_system(), fixture->maker.path, NULL, NULL, &scan, NULL),
            ALOG_OK);
        assert_int_equal(alog_segment_scan_digest(scan, digests[i]), ALOG_NOT_FOUND);
        alog_segment_scan_close(scan);
        segment_maker_seal(&fixture->maker);
        for (unsigned again = 0; again < 2; again++) {
            uint8_t digest[16];
            assert_int_equal(alog_segment_scan_open(alog_io_system(), fixture->maker.path, NULL,
                                                    NULL, &scan, NULL),
                             ALOG_OK);
            assert_int_equal(alog_segment_scan_digest(scan, digest), ALOG_OK);
            assert_true(again == 0 || memcmp(digest, digests[i], 16) == 0);
            memcpy(digests[i], digest, 16);
            alog_segment_scan_close(scan);
        }
        assert_true(i == 0 || memcmp(digests[i], digests[i - 1], 16) != 0);
    }
}

/* ---- What cannot be opened ----------------------------------------------------------------- */

static void test_what_is_no_segment(void **state) {
    struct fixture *fixture = *state;
    struct alog_reader *reader = NULL;
    struct alog_error error = {0};
    char path[PATH_MAX];
    assert_int_equal(alog_reader_open(fixture->dir, NULL, NULL, NULL, &reader, &error),
                     ALOG_CORRUPT);
    assert_non_null(strstr(error.message, "is not an agentlog segment: it is a directory"));
    snprintf(path, sizeof path, "%s/fifo", fixture->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(alog_reader_open(path, NULL, NULL, NULL, &reader, &error), ALOG_CORRUPT);
    assert_non_null(strstr(error.message, "is not a regular file"));
    snprintf(path, sizeof path, "%s/missing", fixture->dir);
    assert_int_equal(alog_reader_open(path, NULL, NULL, NULL, &reader, &error), ALOG_NOT_FOUND);
    assert_int_equal(error.system_errno, ENOENT);
    static const char *const contents[] = {"", "x", "{\"event\":\"x\"}\n",
                                           "\x28\xb5\x2f\xfd and more that is no frame at all"};
    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        snprintf(path, sizeof path, "%s/file", fixture->dir);
        file_bytes_write(path, contents[i], strlen(contents[i]));
        assert_int_equal(alog_reader_open(path, NULL, NULL, NULL, &reader, &error), ALOG_CORRUPT);
        assert_non_null(strstr(error.message, "is not an agentlog segment: "));
    }
    assert_null(reader);
}

static void test_newer_segment(void **state) {
    struct fixture *fixture = *state;
    segment_maker_begin(&fixture->maker);
    add_block(&fixture->maker, 1);
    segment_maker_seal(&fixture->maker);
    size_t bytes;
    uint8_t *data = file_bytes_read(fixture->maker.path, &bytes);
    size_t payload_bytes = alog_le_load32(data + 4);
    alog_le_store16(data + 8 + ALOG_HEAD_VERSION, 2);
    alog_le_store64(data + payload_bytes, alog_frame_check_of(data + 8, payload_bytes));
    file_bytes_write(fixture->maker.path, data, bytes);
    struct alog_reader *reader = NULL;
    struct alog_error error = {0};
    assert_int_equal(alog_reader_open(fixture->maker.path, NULL, NULL, NULL, &reader, &error),
                     ALOG_UNSUPPORTED);
    assert_non_null(strstr(error.message, "version 2"));
    free(data);
}

/* Made to look like headers everywhere, each with a megabyte to check: it ends all the same. */
static void test_file_full_of_false_headers(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    size_t bytes = 3u << 20;
    uint8_t *data = calloc(1, bytes);
    memcpy(data, pieces.data, pieces.block[1]);
    for (size_t at = pieces.block[1] + 1; at + 40 < bytes; at += 40) {
        memcpy(data + at, pieces.data + pieces.block[1], 40);
        alog_le_store32(data + at + 4, ALOG_MAX_HEADER_BYTES);
    }
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/a.zst", fixture->dir);
    file_bytes_write(path, data, bytes);
    struct segment_dump dump = {0};
    struct alog_segment_scan *scan;
    const struct alog_block_header *header;
    assert_int_equal(
        alog_segment_scan_open(&fixture->script.io, path, segment_dump_note, &dump, &scan, NULL),
        ALOG_OK);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    assert_non_null(header);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    assert_null(header);
    assert_int_equal(dump.damage_count, 1);
    /* 50,000 candidates, of which a few hundred are looked at. */
    assert_in_range(fixture->script.calls_of[SCRIPTED_PREAD], 100, 2000);
    alog_segment_scan_close(scan);
    segment_dump_free(&dump);
    free(data);
    free(pieces.data);
}

static void test_every_read_fails(void **state) {
    struct fixture *fixture = *state;
    segment_maker_begin(&fixture->maker);
    add_block(&fixture->maker, 2);
    add_block(&fixture->maker, 1);
    segment_maker_seal(&fixture->maker);
    bool passed = false;
    for (uint64_t fail_at = 1; !passed; fail_at++) {
        struct scripted_io *script = &fixture->script;
        scripted_io_init(script);
        script->fail_at = fail_at;
        struct alog_segment_scan *scan = NULL;
        const struct alog_block_header *header = NULL;
        struct alog_error error = {0};
        enum alog_status status =
            alog_segment_scan_open(&script->io, fixture->maker.path, NULL, NULL, &scan, &error);
        unsigned blocks = 0;
        while (status == ALOG_OK) {
            const uint8_t *frame;
            status = alog_segment_scan_next(scan, &header, &error);
            if (status != ALOG_OK || header == NULL) {
                break;
            }
            status = alog_segment_scan_frame(scan, &frame, &error);
            blocks += status == ALOG_OK;
        }
        passed = script->failures == 0;
        assert_int_equal(status, passed ? ALOG_OK : ALOG_IO);
        assert_true(!passed || blocks == 2);
        assert_int_equal(error.system_errno, passed ? 0 : EIO);
        alog_segment_scan_close(scan);
    }
}

/* A frame is the same in room of the caller's, whether or not the scan has read it; a damaged one
 * is refused there as well, and the walk goes on. */
static void test_frame_in_room_of_the_caller(void **state) {
    struct fixture *fixture = *state;
    struct pieces pieces;
    make_three_blocks(fixture, &pieces);
    pieces.data[pieces.block[2] - 1] ^= 1; /* the second's last byte */
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/room.open", fixture->dir);
    file_bytes_write(path, pieces.data, pieces.bytes);
    struct alog_segment_scan *scan;
    struct segment_dump dump = {0};
    assert_int_equal(
        alog_segment_scan_open(alog_io_system(), path, segment_dump_note, &dump, &scan, NULL),
        ALOG_OK);
    const struct alog_block_header *header;
    const uint8_t *frame;
    struct alog_error error = {0};
    uint8_t *room = malloc(pieces.bytes);
    assert_non_null(room);
    assert_int_equal(alog_segment_scan_frame_into(scan, room, &error), ALOG_INVALID);
    for (int block = 0; block < 3; block++) {
        assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
        assert_non_null(header);
        if (block == 1) {
            assert_int_equal(alog_segment_scan_frame_into(scan, room, &error), ALOG_CORRUPT);
            continue;
        }
        for (int times = 0; times < 2; times++) {
            const size_t bytes = header->facts.compressed_bytes;
            memset(room, 0, bytes);
            assert_int_equal(alog_segment_scan_frame_into(scan, room, &error), ALOG_OK);
            assert_int_equal(alog_segment_scan_frame(scan, &frame, NULL), ALOG_OK);
            assert_memory_equal(room, frame, bytes);
        }
    }
    assert_int_equal(dump.damage_count, 1);
    free(room);
    alog_segment_scan_close(scan);
    segment_dump_free(&dump);
    free(pieces.data);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_frames_of_others_are_passed_over),
        TEST(test_frames_of_others_are_not_trusted),
        TEST(test_gaps_and_repeats),
        TEST(test_predecessor_says_what_is_missing_before),
        TEST(test_blocks_of_another_file_are_not_read),
        TEST(test_bytes_after_the_seek_table),
        TEST(test_frame_in_room_of_the_caller),
        TEST(test_growing_file),
        TEST(test_file_that_grows_by_bytes),
        TEST(test_header_without_its_data),
        TEST(test_tail_that_becomes_whole),
        TEST(test_seek),
        TEST(test_digest_names_the_content),
        TEST(test_what_is_no_segment),
        TEST(test_newer_segment),
        TEST(test_file_full_of_false_headers),
        TEST(test_every_read_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
