/* The chain of a writer's segments, of which some are in the log and some in an archive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/archive.h>
#include <agentlog/writer.h>

#include "segment_links.h"
#include "support/random_event.h"
#include "support/scratch_dir.h"

#define SEGMENT_BYTES (64u << 10)
#define FAR_FUTURE_NS (INT64_C(4102444800) * 1000000000)
#define PATH_BYTES    512

struct fixture {
    char *dir;
    char log[PATH_BYTES], archive[PATH_BYTES];
    struct alog_segment_list list; /* of the log, before anything was done to it */
    uint64_t missing;
};

static void fill_log(const char *log_dir) {
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    struct alog_writer *writer;
    struct test_random random = {.state = 20260204};
    options.segment_bytes = SEGMENT_BYTES;
    options.block_bytes = SEGMENT_BYTES;
    assert_int_equal(alog_writer_open(log_dir, &options, &writer, NULL), ALOG_OK);
    for (int i = 0; i < 2000; i++) {
        char text[257];
        for (size_t at = 0; at < sizeof text - 1; at++) {
            text[at] = (char)('!' + test_random_below(&random, 90));
        }
        text[sizeof text - 1] = '\0';
        assert_int_equal(
            alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("lint"),
                                                              .error_message = alog_str(text)}),
            ALOG_OK);
        if (i % 200 == 199) {
            assert_int_equal(alog_writer_flush(writer, 60000, NULL), ALOG_OK);
        }
    }
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
}

static int set_up(void **state) {
    static struct fixture f;
    f = (struct fixture){.dir = scratch_dir_make()};
    snprintf(f.log, sizeof f.log, "%s/log", f.dir);
    snprintf(f.archive, sizeof f.archive, "%s/archive", f.dir);
    fill_log(f.log);
    assert_int_equal(alog_segments_list(f.log, &f.list, NULL), ALOG_OK);
    assert_true(f.list.count >= 4);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_segments_free(&f->list);
    scratch_dir_remove(f->dir);
    return 0;
}

static void archive(const struct fixture *f, bool keep) {
    struct alog_archive_options options = ALOG_ARCHIVE_OPTIONS_INIT;
    options.before_ns = ALOG_I64(FAR_FUTURE_NS);
    options.compression_level = 1;
    options.keep_segments = keep;
    assert_int_equal(alog_archive(f->log, f->archive, &options, NULL, NULL), ALOG_OK);
}

static void add_directory(struct segment_links *links, const char *directory) {
    struct alog_segment_list list;
    struct alog_segment_info info;
    assert_int_equal(alog_segments_list(directory, &list, NULL), ALOG_OK);
    for (size_t i = 0; i < list.count; i++) {
        assert_int_equal(
            alog_segment_inspect(list.segments[i].path, false, NULL, NULL, &info, NULL), ALOG_OK);
        segment_links_add(links, list.segments[i].path, &info, 0);
        alog_segment_info_free(&info);
    }
    alog_segments_free(&list);
}

static void count_missing(void *context, const struct segment_break *found) {
    struct fixture *f = context;
    f->missing += found->last_sequence - found->first_sequence + 1;
}

/* How many events the segments of the two directories lack; either may be NULL. */
static uint64_t missing_from(struct fixture *f, const char *one, const char *other) {
    struct segment_links links = {0};
    if (one != NULL) {
        add_directory(&links, one);
    }
    if (other != NULL) {
        add_directory(&links, other);
    }
    f->missing = 0;
    segment_chain_check(links.links, links.count, count_missing, f);
    segment_links_free(&links);
    return f->missing;
}

/* The second segment's events are nowhere but in the archive. */
static void test_archive_fills_the_gap(void **state) {
    struct fixture *f = *state;
    assert_int_equal(missing_from(f, f->log, NULL), 0);
    archive(f, true);
    struct alog_segment_info second;
    assert_int_equal(
        alog_segment_inspect(f->list.segments[1].path, false, NULL, NULL, &second, NULL), ALOG_OK);
    assert_int_equal(unlink(f->list.segments[1].path), 0);
    assert_int_equal(missing_from(f, f->log, NULL), second.events);
    assert_int_equal(missing_from(f, f->log, f->archive), 0);
    assert_int_equal(missing_from(f, f->archive, NULL), 0);
    alog_segment_info_free(&second);
}

/* A segment that was never archived is missing from the archive too. */
static void test_archive_lacks_one(void **state) {
    struct fixture *f = *state;
    struct alog_segment_info third;
    assert_int_equal(
        alog_segment_inspect(f->list.segments[2].path, false, NULL, NULL, &third, NULL), ALOG_OK);
    assert_int_equal(unlink(f->list.segments[2].path), 0);
    archive(f, false);
    assert_int_equal(missing_from(f, f->archive, NULL), third.events);
    assert_int_equal(missing_from(f, f->log, f->archive), third.events);
    alog_segment_info_free(&third);
}

static void test_name_tells_of_what_is_unread(void **state) {
    (void)state;
    struct segment_links links = {0};
    segment_links_add_unread(
        &links, "LOG/2026-02-04/20260204T120000.123456789Z-0123456789abcdef-000017.msgpack.zst");
    segment_links_add_unread(&links, "a/rubbish-x.zst");
    segment_links_add_unread(&links, "nothing");
    assert_int_equal(links.count, 1);
    assert_true(links.links[0].unread);
    assert_int_equal(links.links[0].writer_id, 0x0123456789abcdef);
    assert_int_equal(links.links[0].number, 17);
    segment_links_free(&links);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_archive_fills_the_gap, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_archive_lacks_one, set_up, tear_down),
        cmocka_unit_test(test_name_tells_of_what_is_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
