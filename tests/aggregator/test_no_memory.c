/*
 * Memory runs out at any allocation, once or for good: folding, merging and a whole ingest say so,
 * leave nothing behind (the address sanitizer looks), and the database is as it was.
 *
 * ALOG_FAULT_PLACES=N   at about so many allocations of each ingest (default 20; 100000 = at every
 *                       one). Of folding and merging a few groups it is every one anyway.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "aggregator/fold.h"
#include "format/block.h"
#include "support/db_dump.h"
#include "support/fault_memory.h"
#include "support/ingest_fixture.h"
#include "support/plain_log.h"
#include "support/scratch_dir.h"

/* Of `places`, how far they are apart. */
static unsigned stride_of(unsigned places) {
    const char *text = getenv("ALOG_FAULT_PLACES");
    const int wanted = text ? atoi(text) : 0;
    const unsigned stride = places / (wanted > 0 ? (unsigned)wanted : 20) + 1;
    print_message("%u allocations, every %u\n", places, stride);
    return stride;
}

/* ---- Folding and merging ---- */

#define HALVES 2

/* Two blocks of random events. */
struct blocks {
    unsigned events; /* in each */
    uint8_t *frames[HALVES];
    struct alog_block_facts facts[HALVES];
};

static void make_block(struct alog_schema *schema, struct test_random *random, unsigned events,
                       uint8_t **ret_frame, struct alog_block_facts *ret_facts) {
    const struct alog_block_builder_options options = {
        .environment = ALOG_STR("production"), .schema = schema, .block_bytes = 16u << 20};
    struct alog_block_builder *builder;
    struct alog_block_compressor *compressor;
    struct test_plain_log log = {0};
    const uint8_t *raw, *frame;
    test_plain_log_add_random(&log, random, schema, events);
    assert_int_equal(alog_block_builder_new(&options, &builder), ALOG_OK);
    assert_int_equal(alog_block_compressor_new(1, &compressor), ALOG_OK);
    for (size_t i = 0; i < log.count; i++) {
        size_t len;
        const uint8_t *plain = test_plain_log_get(&log, i, &len);
        assert_int_equal(alog_block_builder_add(builder, plain, len), ALOG_OK);
    }
    assert_int_equal(alog_block_builder_finish(builder, 1, &raw, ret_facts), ALOG_OK);
    assert_int_equal(alog_block_compress(compressor, raw, ret_facts->raw_bytes, &frame, ret_facts),
                     ALOG_OK);
    *ret_frame = malloc(ret_facts->compressed_bytes);
    memcpy(*ret_frame, frame, ret_facts->compressed_bytes);
    ret_facts->counts = NULL; /* the builder's */
    ret_facts->count_count = 0;
    ret_facts->bloom = NULL;
    ret_facts->bloom_bytes = 0;
    alog_block_compressor_free(compressor);
    alog_block_builder_free(builder);
    test_plain_log_free(&log);
}

static enum alog_status sort_all(const struct alog_groups *groups) {
    struct alog_group_ranks ranks = {NULL, NULL};
    enum alog_status status = alog_names_rank(&groups->names, &ranks.names);
    if (status == ALOG_OK) {
        status = alog_names_rank(&groups->jobs, &ranks.jobs);
    }
    for (unsigned rollup = 0; rollup < ALOG_ROLLUP_COUNT && status == ALOG_OK; rollup++) {
        struct alog_group **sorted = NULL;
        if (alog_rollup_kind((enum alog_rollup)rollup)->scope != ALOG_SCOPE_PART) {
            status = alog_groups_sort(groups, (enum alog_rollup)rollup, &ranks, &sorted);
        }
        free(sorted);
    }
    free(ranks.names);
    free(ranks.jobs);
    return status;
}

/* Each half by a fold of its own, then merged and sorted, as an ingest does it. */
static enum alog_status fold_and_merge(const struct blocks *blocks) {
    const struct alog_fold_scope scope = {
        .rollups = true, .from_epoch_s = INT64_MIN, .until_epoch_s = INT64_MAX, .jobs = true};
    struct alog_fold *folds[HALVES] = {NULL, NULL};
    struct alog_fold_result result;
    enum alog_status status = ALOG_OK;
    for (unsigned i = 0; i < HALVES && status == ALOG_OK; i++) {
        folds[i] = alog_fold_new(&scope);
        status = folds[i] ? alog_fold_block(folds[i], blocks->frames[i], &blocks->facts[i],
                                            ALOG_STR("production"), &result)
                          : ALOG_NO_MEMORY;
        assert_true(status != ALOG_OK || result.events == blocks->events);
    }
    if (status == ALOG_OK) {
        status = alog_groups_merge(alog_fold_groups(folds[0]), alog_fold_groups(folds[1]));
    }
    if (status == ALOG_OK) {
        status = sort_all(alog_fold_groups(folds[0]));
    }
    alog_fold_free(folds[0]);
    alog_fold_free(folds[1]);
    return status;
}

static void folding_and_merging_say_so(unsigned events, bool everywhere) {
    struct blocks blocks = {.events = events};
    struct test_random random = {8};
    struct alog_schema *schema;
    assert_int_equal(alog_schema_new(&schema), ALOG_OK);
    for (unsigned i = 0; i < HALVES; i++) {
        make_block(schema, &random, events, &blocks.frames[i], &blocks.facts[i]);
    }
    fault_memory_arm(0, false);
    assert_int_equal(fold_and_merge(&blocks), ALOG_OK);
    const unsigned places = fault_memory_count();
    const unsigned stride = everywhere ? 1 : stride_of(places);
    for (unsigned at = 1; at <= places; at += stride) {
        fault_memory_arm(at, at / stride % 2 != 0);
        const enum alog_status status = fold_and_merge(&blocks);
        assert_true(fault_memory_disarm());
        if (status != ALOG_NO_MEMORY) {
            fail_msg("allocation %u of %u failed: %s", at, places, alog_status_name(status));
        }
    }
    for (unsigned i = 0; i < HALVES; i++) {
        free(blocks.frames[i]);
    }
    alog_schema_free(schema);
}

static void few_groups(void **state) {
    (void)state;
    folding_and_merging_say_so(100, true);
}

/* So many that arenas take large chunks. */
static void many_groups(void **state) {
    (void)state;
    folding_and_merging_say_so(6000, false);
}

/* ---- Sketches ---- */

static struct alog_sketch sketch_of(uint32_t bucket, uint64_t count) {
    struct alog_sketch sketch = {.zeros = 3};
    if (count != 0) {
        assert_int_equal(alog_sketch_add_at(&sketch, 90, 1, NULL), ALOG_OK);
        assert_int_equal(alog_sketch_add_at(&sketch, bucket, count, NULL), ALOG_OK);
    }
    return sketch;
}

static size_t encode(const struct alog_sketch *sketch, uint8_t *bytes, size_t capacity) {
    assert_true(alog_sketch_encoded_bound(sketch) <= capacity);
    return alog_sketch_encode(sketch, bytes);
}

/* Merged into one without buckets, of other buckets, and where counts leave 16 bits. */
static void a_sketch_that_cannot_be_merged_stays(void **state) {
    static const struct {
        uint32_t bucket, from_bucket;
        uint64_t count;
    } cases[] = {{0, 100, 0}, {100, 1500, 1}, {100, 100, 60000}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool failed = true;
        unsigned failures = 0;
        for (unsigned at = 1; failed; at++) {
            uint8_t before[32768], after[32768];
            struct alog_sketch from = sketch_of(cases[i].from_bucket, 60000);
            struct alog_sketch into = sketch_of(cases[i].bucket, cases[i].count);
            const size_t len = encode(&into, before, sizeof(before));
            fault_memory_arm(at, false);
            const enum alog_status status = alog_sketch_merge(&into, &from, NULL);
            failed = fault_memory_disarm();
            failures += failed;
            assert_int_equal(status, failed ? ALOG_NO_MEMORY : ALOG_OK);
            if (failed) {
                assert_int_equal(encode(&into, after, sizeof(after)), len);
                assert_memory_equal(after, before, len);
            }
            alog_sketch_free(&from);
            alog_sketch_free(&into);
        }
        assert_true(failures > 0);
    }
}

/* ---- A whole ingest ---- */

enum way { FROM_NOTHING, MORE, REBUILD };

static enum alog_status run(enum way way, const char *log, const char *db) {
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.threads = 2;
    return way == REBUILD ? alog_rebuild(log, db, &options, NULL, NULL)
                          : alog_ingest(log, db, &options, NULL, NULL);
}

struct fixture {
    char *dir;
    char log[300], db[300], base[300];
    char *before, *expected; /* dumps; before: NULL = there is no database */
};

static void copy(const char *from, const char *to) {
    char command[1400];
    snprintf(command, sizeof(command), "rm -f '%s'* && if [ -e '%s' ]; then cp '%s' '%s'; fi", to,
             from, from, to);
    assert_int_equal(system(command), 0);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    f->dir = scratch_dir_make();
    snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(f->db, sizeof(f->db), "%s/a.db", f->dir);
    snprintf(f->base, sizeof(f->base), "%s/base.db", f->dir);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f->before);
    free(f->expected);
    free(f);
    return 0;
}

/* One fault, and what a run after it makes of it. */
static void one_place(const struct fixture *f, enum way way, unsigned at, bool for_ever,
                      unsigned places) {
    char what[100];
    snprintf(what, sizeof(what), "allocation %u of %u, way %d", at, places, (int)way);
    copy(f->base, f->db);
    fault_memory_arm(at, for_ever);
    const enum alog_status status = run(way, f->log, f->db);
    if (!fault_memory_disarm()) {
        assert_int_equal(status, ALOG_OK); /* the threads came by with fewer */
    } else if (status != ALOG_NO_MEMORY) {
        fail_msg("%s failed: %s", what, alog_status_name(status));
    } else if (f->before) {
        db_dump_assert_equal(f->db, f->before, what);
    } else if (access(f->db, F_OK) == 0) {
        assert_int_equal(ingest_fixture_integer(f->db, "SELECT COUNT(*) FROM segments"), 0);
    }
    assert_int_equal(run(way, f->log, f->db), ALOG_OK);
    db_dump_assert_equal(f->db, f->expected, what);
}

static void run_out(struct fixture *f, enum way way) {
    f->before = access(f->base, F_OK) == 0 ? db_dump(f->base, NULL) : NULL;
    copy(f->base, f->db);
    fault_memory_arm(0, false);
    assert_int_equal(run(way, f->log, f->db), ALOG_OK);
    const unsigned places = fault_memory_count();
    fault_memory_disarm();
    f->expected = db_dump(f->db, NULL);
    const unsigned stride = stride_of(places);
    for (unsigned at = 1; at <= places; at += stride) {
        one_place(f, way, at, at / stride % 2 != 0, places);
    }
}

static void new_database(void **state) {
    struct fixture *f = *state;
    ingest_fixture_make_log(f->log, 5, 2, 2, 2, 60);
    run_out(f, FROM_NOTHING);
}

static void database_that_has_some(void **state) {
    struct fixture *f = *state;
    ingest_fixture_make_log(f->log, 5, 2, 1, 2, 60);
    ingest_fixture_ingest(f->log, f->base, 1, NULL);
    char other[320], command[1400];
    snprintf(other, sizeof(other), "%s/other", f->dir);
    ingest_fixture_make_log(other, 6, 3, 2, 2, 60);
    snprintf(command, sizeof(command), "cp -r '%s'/* '%s'/", other, f->log);
    assert_int_equal(system(command), 0);
    run_out(f, MORE);
}

static void rebuild(void **state) {
    struct fixture *f = *state;
    ingest_fixture_make_log(f->log, 5, 2, 2, 2, 60);
    ingest_fixture_ingest(f->log, f->base, 1, NULL);
    run_out(f, REBUILD);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_groups),
        cmocka_unit_test(many_groups),
        cmocka_unit_test(a_sketch_that_cannot_be_merged_stays),
        cmocka_unit_test_setup_teardown(new_database, set_up, tear_down),
        cmocka_unit_test_setup_teardown(database_that_has_some, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rebuild, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
