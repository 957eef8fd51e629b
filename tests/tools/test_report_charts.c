/* Where things lie on the report's charts: scales, days and weeks, lines and their gaps. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "report/chart.h"
#include "report/scale.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void test_scales(void **state) {
    (void)state;
    static const struct {
        double low, high;
        int marks;
        double wanted_low, wanted_high, wanted_step;
    } cases[] = {
        {0, 1, 5, 0, 1, 0.2},         {0, 100, 5, 0, 100, 20},
        {0, 97, 5, 0, 100, 20},       {0.921, 0.998, 5, 0.92, 1, 0.02},
        {-3, 4, 5, -4, 4, 2},         {0, 7.2e9, 5, 0, 8e9, 2e9},
        {5, 5, 5, 4.5, 5.5, 0.5}, /* one value has room on both sides */
        {0, 0, 5, 0, 1, 0.2},     /* nothing at all */
        {4, 3, 5, 0, 1, 0.2},     /* no range */
        {NAN, NAN, 5, 0, 1, 0.2},     {0, INFINITY, 5, 0, 1, 0.2},
        {0, 1e-9, 5, 0, 1e-9, 2e-10},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct scale scale = scale_make(cases[i].low, cases[i].high, cases[i].marks, 0, 100);
        print_message("%g to %g: %g to %g by %g\n", cases[i].low, cases[i].high, scale.low,
                      scale.high, scale.step);
        assert_true(fabs(scale.step - cases[i].wanted_step) <= 1e-9 * cases[i].wanted_step);
        assert_true(scale_marks(&scale) <= (size_t)cases[i].marks + 2);
        assert_true(fabs(scale.low - cases[i].wanted_low) <= 1e-6 * scale.step);
        assert_true(fabs(scale.high - cases[i].wanted_high) <= 1e-6 * scale.step);
    }
}

/* Whatever the range, it lies within its scale, which has a few marks. */
static void test_any_scale(void **state) {
    (void)state;
    srand(1);
    for (int i = 0; i < 100000; i++) {
        const double size = pow(10, rand() % 30 - 12);
        const double low = (rand() / (double)RAND_MAX - 0.5) * size;
        const double high = low + rand() / (double)RAND_MAX * size;
        const struct scale scale = scale_make(low, high, 5, 188, 10);
        assert_true(scale.low <= low + 1e-6 * scale.step && scale.high >= high - 1e-6 * scale.step);
        assert_in_range(scale_marks(&scale), 2, 6);
        assert_true(scale_at(&scale, low) <= 188 && scale_at(&scale, high) >= 10);
        assert_true(scale_at(&scale, low - size) == 188 || scale.low <= low - size);
    }
}

static void test_days(void **state) {
    (void)state;
    int64_t day = 0;
    size_t bucket = 0;
    char text[BUCKET_BYTES];
    assert_true(day_parse("2026-02-04", 10, &day));
    assert_int_equal(day, 20488);
    assert_true(day_parse("1970-01-01", 10, &day));
    assert_int_equal(day, 0);
    assert_false(day_parse("", 0, &day));
    assert_false(day_parse("2026-02", 7, &day));
    assert_false(day_parse("2026-02-04T", 11, &day));
    assert_false(day_parse("not a day at all, nor short", 27, &day));
    char short_text[DAY_BYTES];
    day_format_short(20488, short_text);
    assert_string_equal(short_text, "4 Feb");
    day_format_long(20488, short_text);
    assert_string_equal(short_text, "4 Feb 2026");

    struct time_axis axis = time_axis_make(20488, 20491);
    assert_int_equal(axis.count, 3);
    assert_true(time_axis_bucket(&axis, 20490, &bucket));
    assert_int_equal(bucket, 2);
    assert_false(time_axis_bucket(&axis, 20491, &bucket));
    assert_false(time_axis_bucket(&axis, 20487, &bucket));
    time_axis_name(&axis, 2, text);
    assert_string_equal(text, "2026-02-06");

    /* 2026-02-04 is a Wednesday; a year of it is 53 weeks and the rest of them. */
    axis = time_axis_make(20488, 20488 + 365);
    assert_int_equal(axis.step, 7);
    assert_int_equal(axis.first, 20486);
    assert_int_equal(axis.count, 53);
    assert_true(time_axis_bucket(&axis, 20488 + 364, &bucket));
    assert_int_equal(bucket, 52);
    time_axis_name(&axis, 0, text);
    assert_string_equal(text, "week of 2026-02-02");
    assert_int_equal(time_axis_make(5, 5).count, 1);
    assert_int_equal(time_axis_make(0, TIME_AXIS_DAYS).step, 1);
    assert_int_equal(time_axis_make(0, TIME_AXIS_DAYS + 1).step, 7);
}

/* How often `what` stands in the page. */
static size_t count_in(const struct html *html, const char *what) {
    size_t count = 0;
    const size_t len = strlen(what);
    for (size_t i = 0; i + len <= html->len; i++) {
        count += memcmp(html->data + i, what, len) == 0;
    }
    return count;
}

static const struct chart chart = {"id", "Title", "What is <drawn>", NUMBER_RATE};

/* Two runs with a gap between them, and one value alone. */
static void test_gaps(void **state) {
    (void)state;
    const double values[] = {0.5, 0.6, NAN, 0.4, NAN, 0.7, 0.8};
    const double low[] = {0.4, 0.5, NAN, 0.3, NAN, 0.6, 0.7};
    const double high[] = {0.6, 0.7, NAN, 0.5, NAN, 0.8, 0.9};
    const struct chart_series series = {ALOG_STR("a<b"), values, low, high};
    const struct time_axis axis = {20488, COUNT_OF(values), 1};
    struct html html = {0};
    chart_lines(&html, &chart, &axis, &series, 1, false);
    assert_int_equal(count_in(&html, "class=\"line s1\" d=\"M"), 1);
    assert_int_equal(count_in(&html, "class=\"point s1\""), 5);
    assert_int_equal(count_in(&html, "class=\"band s1\""), 2);
    assert_int_equal(count_in(&html, "class=\"whisker s1\""), 1);
    assert_int_equal(count_in(&html, "a<b"), 0);
    assert_int_equal(count_in(&html, "a&lt;b, 2026-02-04: 50.0"), 1);
    assert_int_equal(count_in(&html, "What is &lt;drawn&gt;"), 1);
    assert_int_equal(count_in(&html, "nan"), 0);
    const char *line = strstr(html.data, "class=\"line s1\" d=\"");
    const char *end = strchr(line + 20, '"');
    size_t moves = 0;
    for (const char *at = line + 15; at < end; at++) {
        moves += *at == 'M';
    }
    assert_int_equal(moves, 3);
    html_free(&html);
}

/* No value, the same value everywhere, one bucket: never a NaN in the picture. */
static void test_odd_series(void **state) {
    (void)state;
    static const double nothing[] = {NAN, NAN};
    static const double alike[] = {1, 1};
    static const double zeros[] = {0, 0};
    static const double *const all[] = {nothing, alike, zeros};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        for (size_t buckets = 1; buckets <= 2; buckets++) {
            const struct chart_series series[] = {{ALOG_STR("x"), all[i], NULL, NULL},
                                                  {ALOG_STR("y"), all[i], all[i], all[i]}};
            const struct time_axis axis = {0, buckets, 7};
            struct html html = {0};
            chart_lines(&html, &chart, &axis, series, 2, true);
            chart_stacks(&html, &chart, &axis, series, 2);
            html_raw(&html, "|");
            assert_int_equal(count_in(&html, "nan"), 0);
            assert_int_equal(count_in(&html, "inf"), 0);
            assert_int_equal(count_in(&html, "</figure>"), 2);
            const size_t drawn = all[i] == alike ? 2 : all[i] == zeros ? 1 : 0;
            assert_int_equal(count_in(&html, "<ul class=\"legend\">"), drawn);
            assert_int_equal(count_in(&html, "class=\"nothing\""), 2 - drawn);
            html_free(&html);
        }
    }
}

static void test_rates_and_bins(void **state) {
    (void)state;
    const struct chart_rate rates[] = {
        {ALOG_STR("<agent>"), ALOG_STR("type"), NULL, 0.5, 0.4, 0.6, 12345},
        {ALOG_STR(""), ALOG_STR(""), NULL, NAN, NAN, NAN, 0}};
    const struct chart_bin bins[] = {{0, 0.5, NAN, NAN, NAN, NAN, 0},
                                     {0.5, 1, 0.75, 0.6, 0.5, 0.7, 1234}};
    const struct chart_share shares[] = {{ALOG_STR("s"), {0.5, NAN, 0.9}}};
    static const char *const parts[] = {"a", "b", "c"};
    struct html html = {0};
    chart_rates(&html, &chart, rates, COUNT_OF(rates));
    assert_int_equal(count_in(&html, "&lt;agent&gt;"), 1);
    assert_int_equal(count_in(&html, "(not said)"), 1);
    assert_int_equal(count_in(&html, "n = 12,345"), 1);
    assert_int_equal(count_in(&html, "class=\"whisker"), 1);
    assert_int_equal(count_in(&html, "no data"), 1);
    chart_rates(&html, &chart, rates + 1, 1); /* none that could give a scale */
    chart_rates(&html, &chart, NULL, 0);
    assert_int_equal(count_in(&html, "class=\"nothing\""), 2);
    html.len = 0;
    chart_reliability(&html, &chart, bins, COUNT_OF(bins));
    assert_int_equal(count_in(&html, "class=\"whisker"), 1);
    assert_int_equal(count_in(&html, "class=\"diagonal\""), 1);
    assert_int_equal(count_in(&html, "1.2\xc2\xa0k"), 1);
    chart_shares(&html, &chart, parts, 3, shares, 1);
    assert_int_equal(count_in(&html, "class=\"bar s3\" x=\"314.0\" y=\"12.0\" width=\"154.0\""), 1);
    assert_int_equal(count_in(&html, "nan"), 0);
    html_free(&html);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scales),     cmocka_unit_test(test_any_scale),
        cmocka_unit_test(test_days),       cmocka_unit_test(test_gaps),
        cmocka_unit_test(test_odd_series), cmocka_unit_test(test_rates_and_bins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
