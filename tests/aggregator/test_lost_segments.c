/* Segments that are missing between others: counted once, in their day, until they arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/database_fixture.h"
#include "support/db_dump.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

#define SEGMENTS 5
#define EVENTS   10 /* of each segment, in two blocks */

struct fixture {
    char *dir;
    char log[300], away[300], db[300];
    char paths[SEGMENTS + 1][PATH_MAX]; /* by number, from 1 */
};

static void add(struct segment_maker *maker, int day, const char *rest) {
    char line[400];
    snprintf(
        line, sizeof line,
        "{\"event\":\"error\",\"error_type\":\"x\",\"timestamp\":\"2026-02-%02dT10:00:00Z\"%s}",
        day, rest);
    segment_maker_add_line(maker, line);
}

static void expect(const struct fixture *f, const char *sql, const char *expected) {
    char *rows = fixture_select(f->db, sql);
    assert_string_equal(rows, expected);
    free(rows);
}

/* Segment n has the events 10 n - 9 … 10 n, of the n-th of February. */
static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof f->log, "%s/log", f->dir);
    snprintf(f->away, sizeof f->away, "%s/away", f->dir);
    snprintf(f->db, sizeof f->db, "%s/a.db", f->dir);
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), f->log, 7);
    for (int number = 1; number <= SEGMENTS; number++) {
        segment_maker_begin(&maker);
        for (int block = 0; block < 2; block++) {
            for (int event = 0; event < EVENTS / 2; event++) {
                add(&maker, number, "");
            }
            assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        }
        segment_maker_seal(&maker);
        snprintf(f->paths[number], sizeof f->paths[number], "%s", maker.path);
    }
    segment_maker_free(&maker);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void take_away(const struct fixture *f, int number) {
    char to[400];
    snprintf(to, sizeof to, "%s-%d", f->away, number);
    assert_int_equal(rename(f->paths[number], to), 0);
}

static void bring_back(const struct fixture *f, int number) {
    char from[400];
    snprintf(from, sizeof from, "%s-%d", f->away, number);
    assert_int_equal(rename(from, f->paths[number]), 0);
}

static uint64_t ingest(const struct fixture *f) {
    struct alog_ingest_report report;
    ingest_fixture_ingest(f->log, f->db, 2, &report);
    return report.events_lost;
}

static void same_as_at_once(const struct fixture *f) {
    char once[320];
    snprintf(once, sizeof once, "%s/once.db", f->dir);
    unlink(once);
    ingest_fixture_ingest(f->log, once, 1, NULL);
    char *expected = db_dump(once, NULL);
    db_dump_assert_equal(f->db, expected, "at once");
    free(expected);
}

static void a_whole_log_has_lost_nothing(void **state) {
    const struct fixture *f = *state;
    assert_int_equal(ingest(f), 0);
    expect(f, "SELECT * FROM lost_segments", "");
    expect(f, "SELECT SUM(events_lost) FROM daily_summary", "0\n");
}

static void those_between_others_are_counted_until_they_arrive(void **state) {
    const struct fixture *f = *state;
    take_away(f, 2);
    take_away(f, 3);
    assert_int_equal(ingest(f), 2 * EVENTS);
    expect(f,
           "SELECT writer_id, number, environment, first_sequence, last_sequence, events_lost"
           " FROM lost_segments",
           "0000000000000007|4|production|11|30|20\n");
    expect(f, "SELECT day, events, events_lost FROM daily_summary",
           "2026-02-01|10|0\n2026-02-04|10|20\n2026-02-05|10|0\n");
    expect(f,
           "SELECT datetime(hour_epoch, 'unixepoch'), environment, event, reason, events_lost"
           " FROM losses",
           "2026-02-04 10:00:00|production||segment_lost|20\n");
    same_as_at_once(f);

    bring_back(f, 3);
    assert_int_equal(ingest(f), 0);
    expect(f, "SELECT number, first_sequence, last_sequence, events_lost FROM lost_segments",
           "3|11|20|10\n");
    expect(f, "SELECT day, events_lost FROM daily_summary WHERE events_lost > 0",
           "2026-02-03|10\n");
    same_as_at_once(f);

    bring_back(f, 2);
    assert_int_equal(ingest(f), 0);
    expect(f, "SELECT * FROM lost_segments", "");
    expect(f, "SELECT SUM(events_lost) FROM daily_summary", "0\n");
    same_as_at_once(f);
}

/* Two losses, of which a segment between them arrives last. */
static void a_segment_in_the_middle_divides_a_loss(void **state) {
    const struct fixture *f = *state;
    for (int number = 2; number <= 4; number++) {
        take_away(f, number);
    }
    assert_int_equal(ingest(f), 3 * EVENTS);
    bring_back(f, 3);
    assert_int_equal(ingest(f), 0);
    expect(f, "SELECT number, first_sequence, last_sequence, events_lost FROM lost_segments",
           "3|11|20|10\n5|31|40|10\n");
    same_as_at_once(f);
}

static void what_came_before_the_first_may_be_gone_on_purpose(void **state) {
    const struct fixture *f = *state;
    take_away(f, 1);
    take_away(f, 2);
    assert_int_equal(ingest(f), 0);
    expect(f, "SELECT * FROM lost_segments", "");
    same_as_at_once(f);
}

static void a_day_in_another_zone(void **state) {
    const struct fixture *f = *state;
    take_away(f, 2);
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.time_zone = "+14:00";
    assert_int_equal(alog_ingest(f->log, f->db, &options, NULL, NULL), ALOG_OK);
    expect(f,
           "SELECT s.day, s.events_lost, l.events_lost, (l.hour_epoch - l.day_epoch) / 3600"
           " FROM daily_summary AS s JOIN lost_segments AS l USING (day_epoch, environment)",
           "2026-02-04|10|10|0\n");
    options.day = "2026-02-04";
    assert_int_equal(alog_rebuild(f->log, f->db, &options, NULL, NULL), ALOG_OK);
    expect(f, "SELECT SUM(events_lost) FROM daily_summary", "10\n");
}

/* An unsealed file that ends at the boundary of two blocks has nothing torn about it. */
static void one_that_ends_too_early(void **state) {
    const struct fixture *f = *state;
    char open[PATH_MAX + 8], command[3 * PATH_MAX];
    struct alog_segment_scan *scan;
    const struct alog_block_header *header;
    assert_int_equal(alog_segment_scan_open(alog_io_system(), f->paths[3], NULL, NULL, &scan, NULL),
                     ALOG_OK);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    snprintf(open, sizeof open, "%s.open", f->paths[3]);
    snprintf(command, sizeof command, "head -c %llu '%s' > '%s'",
             (unsigned long long)alog_segment_scan_end(scan), f->paths[3], open);
    alog_segment_scan_close(scan);
    assert_int_equal(system(command), 0);
    take_away(f, 3);
    assert_int_equal(ingest(f), EVENTS / 2);
    expect(f, "SELECT number, first_sequence, last_sequence, events_lost FROM lost_segments",
           "4|26|30|5\n");
    same_as_at_once(f);
    bring_back(f, 3);
    assert_int_equal(unlink(open), 0);
    assert_int_equal(ingest(f), 0);
    expect(f, "SELECT * FROM lost_segments", "");
    same_as_at_once(f);
}

/* What a sealed segment's index knows to be missing at its end is not counted again. */
static void a_damaged_end_is_counted_once(void **state) {
    const struct fixture *f = *state;
    struct alog_segment_scan *scan;
    const struct alog_block_header *header;
    assert_int_equal(alog_segment_scan_open(alog_io_system(), f->paths[3], NULL, NULL, &scan, NULL),
                     ALOG_OK);
    assert_int_equal(alog_segment_scan_next(scan, &header, NULL), ALOG_OK);
    FILE *file = fopen(f->paths[3], "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)alog_segment_scan_end(scan) + 20, SEEK_SET), 0);
    fputs("damage", file);
    fclose(file);
    alog_segment_scan_close(scan);
    assert_int_equal(ingest(f), EVENTS / 2);
    expect(f, "SELECT * FROM lost_segments", "");
    expect(f, "SELECT SUM(missing_events) FROM segments", "5\n");
    expect(f, "SELECT day, events_lost FROM daily_summary WHERE events_lost > 0", "2026-02-03|5\n");
}

/* Blocks that a failed sync lost: their numbers are missing, and the writer tells their types. */
static void a_failed_sync_is_counted_once(void **state) {
    const struct fixture *f = *state;
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), f->log, 8);
    segment_maker_begin(&maker);
    add(&maker, 10, "");
    assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
    maker.next_sequence += 6;
    segment_maker_add_line(&maker,
                           "{\"event\":\"writer_loss\",\"timestamp\":\"2026-02-10T11:00:00Z\","
                           "\"lost_event\":\"error\",\"lost_count\":6,"
                           "\"reason\":\"sync_failed\"}");
    segment_maker_add_line(&maker,
                           "{\"event\":\"writer_loss\",\"timestamp\":\"2026-02-10T11:00:00Z\","
                           "\"lost_event\":\"error\",\"lost_count\":3,"
                           "\"reason\":\"ring_full\"}");
    assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
    segment_maker_seal(&maker);
    segment_maker_free(&maker);
    ingest(f);
    expect(f, "SELECT day, events_lost FROM daily_summary WHERE events_lost > 0", "2026-02-10|9\n");
    expect(f, "SELECT event, reason, events_lost FROM losses ORDER BY reason",
           "|gap|6\nerror|ring_full|3\n");
    expect(f, "SELECT event, reason, events_lost FROM rollup_losses ORDER BY reason",
           "|gap|6\nerror|ring_full|3\nerror|sync_failed|6\n");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(a_whole_log_has_lost_nothing),
        CASE(those_between_others_are_counted_until_they_arrive),
        CASE(a_segment_in_the_middle_divides_a_loss),
        CASE(what_came_before_the_first_may_be_gone_on_purpose),
        CASE(a_day_in_another_zone),
        CASE(one_that_ends_too_early),
        CASE(a_damaged_end_is_counted_once),
        CASE(a_failed_sync_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
