/* An ingest that had read a part of an unsealed segment goes on in the one that a recovery made. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/db_dump.h"
#include "support/file_bytes.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define BLOCKS 5
#define EVENTS 20

struct fixture {
    char *dir;
    char log[300], db[300], other_db[300];
    struct segment_maker maker;
    struct test_random random;
    char open_path[PATH_MAX];
    uint64_t ends[BLOCKS + 1];
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    snprintf(f->db, sizeof f->db, "%s/a.db", f->dir);
    snprintf(f->other_db, sizeof f->other_db, "%s/b.db", f->dir);
    f->random = (struct test_random){7};
    segment_maker_init(&f->maker, alog_io_system(), f->log, 0xabc);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    segment_maker_free(&f->maker);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void add_block(struct fixture *f) {
    for (unsigned i = 0; i < EVENTS; i++) {
        ingest_fixture_add(&f->maker, &f->random);
    }
    assert_int_equal(segment_maker_end_block(&f->maker), ALOG_OK);
}

static void leave(struct fixture *f) {
    segment_maker_begin(&f->maker);
    strcpy(f->open_path, f->maker.path);
    f->ends[0] = alog_segment_bytes(f->maker.segment);
    for (unsigned i = 1; i <= BLOCKS; i++) {
        add_block(f);
        f->ends[i] = alog_segment_bytes(f->maker.segment);
    }
    segment_maker_abandon(&f->maker);
}

static void flip(const struct fixture *f, uint64_t at) {
    size_t bytes;
    uint8_t *data = file_bytes_read(f->open_path, &bytes);
    data[at] ^= 1;
    file_bytes_write(f->open_path, data, bytes);
    free(data);
}

/* As a recovery does: a new file, with events that had been in rings. */
static void finish(struct fixture *f) {
    const struct alog_file_header fallback = {.environment = {"production", 10}};
    struct alog_segment_remains remains;
    assert_int_equal(alog_segment_rebuild(alog_io_system(), f->open_path, false, &fallback,
                                          &f->maker.segment, &remains, NULL),
                     ALOG_OK);
    add_block(f);
    segment_maker_seal(&f->maker);
}

static void ingest(struct fixture *f, const char *db) {
    ingest_fixture_ingest(f->log, db, 2, NULL);
}

/* What went on must be what one ingest of it all gives. */
static void compare(struct fixture *f) {
    ingest(f, f->db);
    ingest(f, f->other_db);
    char *expected = db_dump(f->other_db, NULL);
    db_dump_assert_equal(f->db, expected, "goes on");
    free(expected);
}

static void it_goes_on(void **state) {
    struct fixture *f = *state;
    leave(f);
    ingest(f, f->db);
    finish(f);
    ingest(f, f->db); /* both files there: killed before the old one was removed */
    unlink(f->open_path);
    compare(f);
}

static void past_damage_before_its_place(void **state) {
    struct fixture *f = *state;
    leave(f);
    flip(f, f->ends[2] - 10);
    ingest(f, f->db);
    finish(f);
    unlink(f->open_path);
    compare(f);
}

static void past_damage_behind_its_place(void **state) {
    struct fixture *f = *state;
    leave(f);
    size_t bytes;
    uint8_t *data = file_bytes_read(f->open_path, &bytes);
    file_bytes_write(f->open_path, data, (size_t)f->ends[2]);
    ingest(f, f->db);
    file_bytes_write(f->open_path, data, bytes);
    free(data);
    flip(f, f->ends[4] - 10);
    finish(f);
    unlink(f->open_path);
    compare(f);
}

/* A block that was in the sums and is not in the file any more: that is not to be passed over. */
static void but_not_without_what_it_counted(void **state) {
    struct fixture *f = *state;
    leave(f);
    ingest(f, f->db);
    flip(f, f->ends[2] - 10);
    finish(f);
    unlink(f->open_path);
    struct alog_error error;
    assert_int_equal(alog_ingest(f->log, f->db, NULL, NULL, &error), ALOG_CORRUPT);
    assert_non_null(strstr(error.message, "has other content"));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(it_goes_on),
        CASE(past_damage_before_its_place),
        CASE(past_damage_behind_its_place),
        CASE(but_not_without_what_it_counted),
    };
    return cmocka_run_group_tests_name("ingest_recovered", tests, NULL, NULL);
}
