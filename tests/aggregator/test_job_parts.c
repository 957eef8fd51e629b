/* job_parts.c: what is written is read back, and what was not written is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "aggregator/job_parts.h"
#include "aggregator/sql_text.h"

#define FIRST_NS INT64_C(1770163200000000000)

static uint32_t name(struct alog_groups *groups, struct alog_string text) {
    return alog_names_add(&groups->names, text);
}

static void add_error(struct alog_groups *groups, struct alog_part_list *list,
                      struct alog_string type, int64_t at_ns, struct alog_string message) {
    uint32_t key[ALOG_MAX_DIMENSIONS] = {name(groups, type)};
    struct alog_row_job_errors *row = alog_groups_part(groups, ALOG_IN_job_errors, list, key);
    assert_non_null(row);
    row->errors++;
    assert_int_equal(alog_groups_offer_sample(groups, &row->sample, row->first_ns, at_ns, message),
                     ALOG_OK);
    row->first_ns = at_ns < row->first_ns ? at_ns : row->first_ns;
    row->last_ns = at_ns > row->last_ns ? at_ns : row->last_ns;
}

static void fill(struct alog_groups *groups, struct alog_part_list *list) {
    name(groups, ALOG_STR(""));
    add_error(groups, list, ALOG_STR("z \"quoted\" \\ back"), FIRST_NS + 5, ALOG_STR("later"));
    add_error(groups, list, (struct alog_string){"a\0b\x01", 4}, FIRST_NS + 7,
              (struct alog_string){"\xff\n\0\x1f", 4});
    add_error(groups, list, ALOG_STR("z \"quoted\" \\ back"), FIRST_NS + 2, ALOG_STR("first"));
    for (char c = 'A'; c <= 'Z'; c++) {
        add_error(groups, list, (struct alog_string){&c, 1}, FIRST_NS, ALOG_STR(""));
    }
}

/* With the ranks of the first `ranked` names. */
static struct alog_buffer write_ranked(struct alog_groups *groups, enum alog_rollup part,
                                       const struct alog_part_list *list, uint32_t ranked) {
    struct alog_buffer text = {NULL, 0, 0};
    uint32_t *ranks;
    assert_int_equal(alog_names_rank(&groups->names, &ranks), ALOG_OK);
    struct alog_part_names names = {.ranks = ranks, .ranked = ranked};
    assert_int_equal(alog_part_names_add(&names, &groups->names), ALOG_OK);
    assert_int_equal(alog_job_parts_write(groups, &names, part, list, FIRST_NS, &text), ALOG_OK);
    alog_part_names_free(&names);
    free(ranks);
    return text;
}

static struct alog_buffer write_list(struct alog_groups *groups,
                                     const struct alog_part_list *list) {
    return write_ranked(groups, ALOG_IN_job_errors, list, groups->names.count);
}

static struct alog_string whole(const struct alog_buffer *text) {
    return (struct alog_string){(const char *)text->data, text->len};
}

static void there_and_back(void **state) {
    (void)state;
    struct alog_groups groups = {0}, other = {0};
    struct alog_part_list list = {0}, again = {0};
    fill(&groups, &list);
    struct alog_buffer text = write_list(&groups, &list);
    name(&other, ALOG_STR("other ids than before"));
    assert_int_equal(
        alog_job_parts_read(&other, ALOG_IN_job_errors, whole(&text), FIRST_NS, &again), ALOG_OK);
    struct alog_buffer copy = write_list(&other, &again);
    assert_int_equal(copy.len, text.len);
    assert_memory_equal(copy.data, text.data, text.len);
    /* Merged with itself: twice the errors, the same times and samples. */
    assert_int_equal(
        alog_job_parts_read(&other, ALOG_IN_job_errors, whole(&text), FIRST_NS, &again), ALOG_OK);
    assert_int_equal(again.count, list.count);
    uint32_t key[ALOG_MAX_DIMENSIONS] = {name(&other, ALOG_STR("z \"quoted\" \\ back"))};
    const struct alog_row_job_errors *row =
        alog_groups_part(&other, ALOG_IN_job_errors, &again, key);
    assert_int_equal(row->errors, 4);
    assert_true(row->first_ns == FIRST_NS + 2 && row->last_ns == FIRST_NS + 5);
    assert_true(alog_string_equal(alog_sample_text(row->sample), ALOG_STR("first")));
    alog_buffer_free(&text);
    alog_buffer_free(&copy);
    alog_groups_free(&groups);
    alog_groups_free(&other);
}

/* By the texts, whatever the order in which they came, and whether all have a rank or not. */
static void in_order(void **state) {
    (void)state;
    struct alog_groups groups = {0};
    struct alog_part_list list = {0};
    name(&groups, ALOG_STR(""));
    uint32_t b = name(&groups, ALOG_STR("b")), a = name(&groups, ALOG_STR("a"));
    const uint32_t keys[][ALOG_MAX_DIMENSIONS] = {
        {b, a, 0, b}, {a, b, 0, b}, {a, a, b, 0}, {a, a, b, a}};
    for (size_t i = 0; i < 4; i++) {
        struct alog_row_job_agents *row =
            alog_groups_part(&groups, ALOG_IN_job_agents, &list, keys[i]);
        assert_non_null(row);
        row->executions = (int64_t)i + 1;
        row->first_ns = FIRST_NS + 10;
        row->last_ns = FIRST_NS + 15;
        row->last_success_ns = 0;
    }
    for (uint32_t ranked = 0; ranked <= groups.names.count; ranked++) {
        struct alog_buffer text = write_ranked(&groups, ALOG_IN_job_agents, &list, ranked);
        const char *expected = "[[\"a\",\"a\",\"b\",\"\",3,0,0,0,0,0,0,0,10,5,1770163200000000015],"
                               "[\"a\",\"a\",\"b\",\"a\",4,0,0,0,0,0,0,0,10,5,1770163200000000015],"
                               "[\"a\",\"b\",\"\",\"b\",2,0,0,0,0,0,0,0,10,5,1770163200000000015],"
                               "[\"b\",\"a\",\"\",\"b\",1,0,0,0,0,0,0,0,10,5,1770163200000000015]]";
        assert_true(alog_string_equal(whole(&text), alog_str(expected)));
        alog_buffer_free(&text);
    }
    alog_groups_free(&groups);
}

/* Each time as its distance from another, none of which need be far. */
static void times(void **state) {
    (void)state;
    struct alog_groups groups = {0}, other = {0};
    struct alog_part_list list = {0}, again = {0};
    name(&groups, ALOG_STR(""));
    const int64_t at_ns[][3] = {{FIRST_NS, FIRST_NS, FIRST_NS},
                                {FIRST_NS + 7, FIRST_NS + 9, FIRST_NS + 8},
                                {FIRST_NS + 7, FIRST_NS + 9, 0}};
    for (size_t i = 0; i < 3; i++) {
        uint32_t key[ALOG_MAX_DIMENSIONS] = {name(&groups, (struct alog_string){&"abc"[i], 1})};
        struct alog_row_job_agents *row = alog_groups_part(&groups, ALOG_IN_job_agents, &list, key);
        row->first_ns = at_ns[i][0];
        row->last_ns = at_ns[i][1];
        row->last_success_ns = at_ns[i][2];
    }
    struct alog_buffer text = write_ranked(&groups, ALOG_IN_job_agents, &list, groups.names.count);
    assert_true(alog_string_equal(
        whole(&text), ALOG_STR("[[\"a\",\"\",\"\",\"\",0,0,0,0,0,0,0,0,0,0,0],"
                               "[\"b\",\"\",\"\",\"\",0,0,0,0,0,0,0,0,7,2,1],"
                               "[\"c\",\"\",\"\",\"\",0,0,0,0,0,0,0,0,7,2,1770163200000000009]]")));
    assert_int_equal(
        alog_job_parts_read(&other, ALOG_IN_job_agents, whole(&text), FIRST_NS, &again), ALOG_OK);
    assert_int_equal(again.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct alog_row_job_agents *row = alog_groups_part_at(ALOG_IN_job_agents, &again, i);
        assert_true(row->first_ns == at_ns[i][0] && row->last_ns == at_ns[i][1] &&
                    row->last_success_ns == at_ns[i][2]);
    }
    alog_buffer_free(&text);
    alog_groups_free(&groups);
    alog_groups_free(&other);
}

/* More rows than most jobs have. */
static void many_rows(void **state) {
    (void)state;
    for (int ranked = 0; ranked < 2; ranked++) {
        struct alog_groups groups = {0}, other = {0};
        struct alog_part_list list = {0}, again = {0};
        char text[32];
        name(&groups, ALOG_STR(""));
        for (unsigned i = 0; i < 300; i++) {
            snprintf(text, sizeof(text), "name %03u", i * 7 % 300);
            add_error(&groups, &list, alog_str(text), FIRST_NS + i, ALOG_STR("s"));
        }
        struct alog_buffer written =
            write_ranked(&groups, ALOG_IN_job_errors, &list, ranked ? groups.names.count : 200);
        assert_int_equal(
            alog_job_parts_read(&other, ALOG_IN_job_errors, whole(&written), FIRST_NS, &again),
            ALOG_OK);
        assert_int_equal(again.count, 300);
        for (uint32_t i = 0; i < 300; i++) {
            snprintf(text, sizeof(text), "name %03u", i);
            assert_true(alog_string_equal(other.names.texts[again.keys[i][0]], alog_str(text)));
        }
        alog_buffer_free(&written);
        alog_groups_free(&groups);
        alog_groups_free(&other);
    }
}

/* job_parts.c goes by it. */
static void sums_then_a_sample_then_times(void **state) {
    (void)state;
    for (enum alog_rollup part = 0; part < ALOG_ROLLUP_COUNT; part++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(part);
        unsigned at = 0;
        if (kind->scope != ALOG_SCOPE_PART) {
            continue;
        }
        for (; at < kind->column_count && kind->columns[at].merge == ALOG_MERGE_SUM; at++) {
            assert_int_equal(kind->columns[at].offset, kind->columns[0].offset + 8 * at);
        }
        assert_true(at > 0 && at < kind->column_count);
        bool sampled = kind->columns[at].merge == ALOG_MERGE_SAMPLE;
        at += sampled;
        const struct alog_rollup_column *first = &kind->columns[at];
        assert_true(at < kind->column_count && first->merge == ALOG_MERGE_LEAST);
        assert_true(!sampled || first[-1].first_ns_offset == first->offset);
        for (unsigned i = 1; at + i < kind->column_count; i++) {
            assert_int_equal(first[i].merge, ALOG_MERGE_MOST);
            assert_int_equal(first[i].offset, first->offset + 8 * i);
        }
    }
}

static void what_was_not_written_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "[",
        "[]x",
        "[[]]",
        "[[\"a\",\"b\",1,\"s\",2]]",
        "[[\"a\",\"b\",1,\"s\",2,3,4]]",
        "[[\"a\",\"b\",1,\"s\",2;3]]",
        "[[\"a\",\"b\",1.5,\"s\",2,3]]",
        "[[\"a\",\"b\",9223372036854775808,\"s\",2,3]]",
        "[[\"a\",\"b\",1,\"\\u0041\",2,3]]",
        "[[\"a\",\"b\",1,\"\\x\",2,3]]",
        "[[\"a\",\"b\",1,\"s\",2,3],]",
        "[[\"a\",\"b\",1,\"s\",2,3][\"a\",\"b\",1,\"s\",2,3]]",
        "[[\"a\",\"b\",1,\"s",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct alog_groups groups = {0};
        struct alog_part_list list = {0};
        if (alog_job_parts_read(&groups, ALOG_IN_job_errors, alog_str(texts[i]), FIRST_NS, &list) !=
            ALOG_CORRUPT) {
            fail_msg("%s was taken", texts[i]);
        }
        alog_groups_free(&groups);
    }
}

/* Every place where it may be cut. */
static void so_is_half_of_it(void **state) {
    (void)state;
    struct alog_groups groups = {0};
    struct alog_part_list list = {0};
    fill(&groups, &list);
    struct alog_buffer text = write_list(&groups, &list);
    for (size_t len = 0; len < text.len; len++) {
        struct alog_groups other = {0};
        struct alog_part_list half = {0};
        char *cut = malloc(len + 1);
        memcpy(cut, text.data, len);
        assert_int_equal(alog_job_parts_read(&other, ALOG_IN_job_errors,
                                             (struct alog_string){cut, len}, FIRST_NS, &half),
                         ALOG_CORRUPT);
        free(cut);
        alog_groups_free(&other);
    }
    alog_buffer_free(&text);
    alog_groups_free(&groups);
}

/* The views name the lists' places: they must be those of rollups.def. */
static void the_views_have_the_columns(void **state) {
    (void)state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, alog_schema_sql(), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, alog_views_sql(), NULL, NULL, NULL), SQLITE_OK);
    for (enum alog_rollup part = 0; part < ALOG_ROLLUP_COUNT; part++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(part);
        if (kind->scope != ALOG_SCOPE_PART) {
            continue;
        }
        char sql[128];
        sqlite3_stmt *select;
        snprintf(sql, sizeof(sql), "SELECT * FROM %s", kind->table);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &select, NULL), SQLITE_OK);
        unsigned count = kind->dimension_count + kind->column_count;
        assert_int_equal(sqlite3_column_count(select), 2 + count);
        for (unsigned i = 0; i < count; i++) {
            assert_string_equal(sqlite3_column_name(select, (int)i + 2),
                                i < kind->dimension_count
                                    ? kind->dimensions[i]
                                    : kind->columns[i - kind->dimension_count].name);
        }
        sqlite3_finalize(select);
    }
    sqlite3_close(db);
}

/* People ask for a job by its id and seldom say where it ran: no view looks at every job for it. */
static void a_job_is_found_by_its_id(void **state) {
    (void)state;
    sqlite3 *db;
    static const char *const tables[] = {"jobs",       "job_agents",     "job_providers",
                                         "job_errors", "job_strategies", "job_tests"};
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, alog_schema_sql(), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, alog_views_sql(), NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        char sql[128];
        sqlite3_stmt *plan;
        snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN SELECT * FROM %s WHERE job_id = 'j'",
                 tables[i]);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(plan), SQLITE_ROW);
        const char *step = (const char *)sqlite3_column_text(plan, 3);
        if (strstr(step, "SEARCH ") != step || strstr(step, "(job_id=?)") == NULL) {
            fail_msg("%s: %s", tables[i], step);
        }
        sqlite3_finalize(plan);
    }
    sqlite3_close(db);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(in_order),
        cmocka_unit_test(times),
        cmocka_unit_test(many_rows),
        cmocka_unit_test(sums_then_a_sample_then_times),
        cmocka_unit_test(what_was_not_written_is_refused),
        cmocka_unit_test(so_is_half_of_it),
        cmocka_unit_test(the_views_have_the_columns),
        cmocka_unit_test(a_job_is_found_by_its_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
