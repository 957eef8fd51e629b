/* Whoever reads while segments are ingested sees one state or the next, whole, and is never
 * refused. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "aggregator/store.h"
#include "support/ingest_fixture.h"
#include "support/scratch_dir.h"

struct reader {
    const char *db;
    atomic_bool stop;
    unsigned reads, states;
    char fault[200];
};

/* What must be equal in every state, and how many events there are. */
static const char question[] = "SELECT (SELECT COALESCE(SUM(events), 0) FROM segments),"
                               " (SELECT COALESCE(SUM(events), 0) FROM rollup_events),"
                               " (SELECT COALESCE(SUM(events), 0) FROM rollup_events"
                               "   WHERE event NOT IN ('writer_loss', 'writer_stats')),"
                               " (SELECT COALESCE(SUM(events), 0) FROM daily_summary),"
                               " (SELECT COUNT(*) FROM dirty_days)";

static bool read_once(struct reader *reader, int64_t *seen) {
    sqlite3 *db;
    sqlite3_stmt *row = NULL;
    struct alog_error error = {.message = ""};
    if (alog_store_open_read(reader->db, &db, &error) != ALOG_OK) {
        snprintf(reader->fault, sizeof(reader->fault), "opening: %.150s", error.message);
        return false;
    }
    bool good = sqlite3_prepare_v2(db, question, -1, &row, NULL) == SQLITE_OK &&
                sqlite3_step(row) == SQLITE_ROW;
    if (!good) {
        snprintf(reader->fault, sizeof(reader->fault), "reading: %.150s", sqlite3_errmsg(db));
    } else {
        int64_t events = sqlite3_column_int64(row, 0);
        good = events >= *seen && sqlite3_column_int64(row, 1) == events &&
               sqlite3_column_int64(row, 2) == sqlite3_column_int64(row, 3) &&
               sqlite3_column_int64(row, 4) == 0;
        if (!good) {
            snprintf(reader->fault, sizeof(reader->fault),
                     "half a state: %lld events, %lld before, %lld in rollups", (long long)events,
                     (long long)*seen, (long long)sqlite3_column_int64(row, 1));
        }
        reader->states += events != *seen;
        *seen = events;
    }
    sqlite3_finalize(row);
    sqlite3_close(db);
    reader->reads++;
    return good;
}

static void *read_on(void *context) {
    struct reader *reader = context;
    int64_t seen = 0;
    /* The stop is only a signal: what the main thread made stands in the file. */
    while (!atomic_load_explicit(&reader->stop, memory_order_relaxed) && read_once(reader, &seen)) {
    }
    return NULL;
}

static void link_segment(const char *to_log, const struct alog_segment_path *segment) {
    char day[400], path[512];
    snprintf(day, sizeof(day), "%s/%.10s", to_log, segment->name - 11);
    mkdir(to_log, 0777);
    mkdir(day, 0777);
    snprintf(path, sizeof(path), "%s/%s", day, segment->name);
    assert_int_equal(link(segment->path, path), 0);
}

static void one_state_or_the_next(void **state) {
    const char *dir = *state;
    char source[300], log[300], db[300];
    struct alog_segment_list list;
    snprintf(source, sizeof(source), "%s/source", dir);
    snprintf(log, sizeof(log), "%s/log", dir);
    snprintf(db, sizeof(db), "%s/a.db", dir);
    ingest_fixture_make_log(source, test_random_seed(3), 4, 5, 2, 60);
    assert_int_equal(alog_segments_list(source, &list, NULL), ALOG_OK);
    assert_true(list.count >= 10);
    link_segment(log, &list.segments[0]);
    ingest_fixture_ingest(log, db, 1, NULL);
    struct reader readers[2] = {{.db = db}, {.db = db}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (size_t i = 1; i < list.count; i++) {
        link_segment(log, &list.segments[i]);
        ingest_fixture_ingest(log, db, 1 + (uint32_t)i % 2, NULL);
    }
    for (int i = 0; i < 2; i++) {
        atomic_store_explicit(&readers[i].stop, true, memory_order_relaxed);
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        if (readers[i].fault[0] != '\0') {
            fail_msg("after %u reads: %s", readers[i].reads, readers[i].fault);
        }
        assert_true(readers[i].reads > 0);
    }
    alog_segments_free(&list);
}

/* A plain connection that waits for nothing, as any tool may open it; the days' events, or -1 when
 * it was refused. */
static int64_t read_at_once(const char *path, int flags) {
    sqlite3 *db = NULL;
    sqlite3_stmt *row = NULL;
    int64_t events = -1;
    if (sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, "SELECT COALESCE(SUM(events), 0) FROM daily_summary", -1, &row,
                           NULL) == SQLITE_OK &&
        sqlite3_step(row) == SQLITE_ROW) {
        events = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    sqlite3_close(db);
    return events;
}

static void assert_all_read(const char *path, int64_t events) {
    for (int i = 0; i < 10; i++) {
        int flags = i % 2 == 0 ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
        assert_int_equal(read_at_once(path, flags), events);
    }
}

/* From the beginning of its transaction until the end of the store nobody is refused: only the
 * changes of the journal mode before and after can be in somebody's way. */
static void nobody_is_refused_between_the_ends(void **state) {
    const char *dir = *state;
    char log[300], db[300];
    snprintf(log, sizeof(log), "%s/log", dir);
    snprintf(db, sizeof(db), "%s/a.db", dir);
    ingest_fixture_make_log(log, test_random_seed(5), 1, 1, 1, 60);
    ingest_fixture_ingest(log, db, 1, NULL);
    int64_t events = read_at_once(db, SQLITE_OPEN_READONLY);
    assert_true(events > 0);
    assert_all_read(db, events);
    struct alog_store *store = NULL;
    assert_int_equal(alog_store_open(db, NULL, &store, NULL), ALOG_OK);
    assert_all_read(db, events);
    for (int commit = 1; commit <= 3; commit++) {
        assert_int_equal(alog_store_begin(store, NULL), ALOG_OK);
        assert_all_read(db, events);
        assert_int_equal(sqlite3_exec(alog_store_db(store),
                                      "UPDATE daily_summary SET events = events + 1", NULL, NULL,
                                      NULL),
                         SQLITE_OK);
        assert_all_read(db, events);
        int64_t days = sqlite3_changes(alog_store_db(store));
        assert_int_equal(alog_store_commit(store, NULL), ALOG_OK);
        events += days;
        assert_all_read(db, events);
    }
    assert_int_equal(alog_store_close(store, NULL), ALOG_OK);
    assert_all_read(db, events);
    char wal[320];
    snprintf(wal, sizeof(wal), "%s-wal", db);
    assert_int_not_equal(access(wal, F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_state_or_the_next, scratch_dir_set_up,
                                        scratch_dir_tear_down),
        cmocka_unit_test_setup_teardown(nobody_is_refused_between_the_ends, scratch_dir_set_up,
                                        scratch_dir_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
