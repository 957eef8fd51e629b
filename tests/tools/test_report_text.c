/* What becomes of texts and numbers on the report's page. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "report/html.h"
#include "report/number_text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const struct {
    const char *data;
    size_t len;
    const char *shown;
} texts[] = {
    {"", 0, ""},
    {"plain", 5, "plain"},
    {"<script>alert(1)</script>", 25, "&lt;script&gt;alert(1)&lt;/script&gt;"},
    {"\" onload='x' &amp;", 18, "&quot; onload=&#39;x&#39; &amp;amp;"},
    {"]]>--><!--", 10, "]]&gt;--&gt;&lt;!--"},
    {"a\0<b", 4, "a\\x00&lt;b"},
    {"\x1b[31m\n\t\x7f", 8, "\\x1b[31m\\x0a\\x09\\x7f"},
    {"\xe2\x80\xae"
     "evil",
     7, "\\u202eevil"}, /* turns the text around */
    {"\xe2\x81\xa6\xe2\x80\xa8", 6, "\\u2066\\u2028"},
    {"gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f"},
    {"a\xff"
     "b",
     3,
     "a\xef\xbf\xbd"
     "b"},
    {"\xc3", 1, "\xef\xbf\xbd"},                                 /* cut short */
    {"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
    {"\xc0\xbc", 2, "\xef\xbf\xbd\xef\xbf\xbd"},                 /* an overlong '<' */
    {"\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80"},
};

static void assert_html(struct html *html, const char *expected) {
    html_raw(html, "|");
    char all[512];
    assert_true(html->len < sizeof all);
    snprintf(all, sizeof all, "%.*s", (int)html->len, html->data);
    char wanted[512];
    snprintf(wanted, sizeof wanted, "%s|", expected);
    assert_string_equal(all, wanted);
    html_free(html);
    assert_null(html->data);
}

static void test_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct html html = {0};
        html_text(&html, (struct alog_string){texts[i].data, texts[i].len});
        assert_html(&html, texts[i].shown);
    }
    struct html html = {0};
    html_text(&html, (struct alog_string){NULL, 0});
    assert_html(&html, "");
}

/* Each of the 256 bytes alone, and each pair that begins with one of markup: nothing but entities
 * and harmless characters comes out. */
static void test_every_byte(void **state) {
    (void)state;
    for (int first = 0; first < 256; first++) {
        for (int second = 0; second < 256; second++) {
            const char pair[2] = {(char)first, (char)second};
            struct html html = {0};
            html_text(&html, (struct alog_string){pair, 2});
            for (size_t i = 0; i < html.len; i++) {
                const unsigned char shown = (unsigned char)html.data[i];
                assert_true(shown >= 0x20 && shown != 0x7f && strchr("<>\"'", shown) == NULL);
            }
            html_free(&html);
        }
    }
}

static void test_cut(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t columns;
        const char *shown;
    } cuts[] = {
        {"abcdef", 6, "abcdef"},
        {"abcdefg", 6, "abcde…"},
        {"<<<<", 3, "&lt;&lt;…"},
        {"größer", 6, "größer"},
        {"größere", 6, "größe…"},
        {"漢字", 4, "漢字"},
        {"漢字漢", 4, "漢…"},
        {"\x1b\x1b", 5, "\\x1b…"},
        {"x", 1, "x"},
        {"", 0, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        struct html html = {0};
        html_text_cut(&html, alog_str(cuts[i].text), cuts[i].columns);
        assert_html(&html, cuts[i].shown);
    }
}

static void test_growth(void **state) {
    (void)state;
    struct html html = {0};
    for (int i = 0; i < 100000; i++) {
        html_raw(&html, "0123456789");
    }
    html_format(&html, "%d%s", 42, "!");
    assert_int_equal(html.len, 1000003);
    assert_memory_equal(html.data + 999990, "012345678942!", 13);
    html_free(&html);
}

/* ---- Numbers ---- */

#define _ "\xc2\xa0" /* a space that is no place to break a line */

static const struct {
    enum number_unit unit;
    double value;
    const char *full, *brief;
} numbers[] = {
    {NUMBER_COUNT, 0, "0", "0"},
    {NUMBER_COUNT, 999, "999", "999"},
    {NUMBER_COUNT, 1000, "1,000", "1,000"},
    {NUMBER_COUNT, 12345, "12,345", "12,345"},
    {NUMBER_COUNT, 99999, "99,999", "99,999"},
    {NUMBER_COUNT, 123456, "123,456", "123" _ "k"},
    {NUMBER_COUNT, 999499, "999,499", "999" _ "k"},
    {NUMBER_COUNT, 999500, "999,500", "1.00" _ "M"},
    {NUMBER_COUNT, 1234567890, "1,234,567,890", "1.23" _ "G"},
    {NUMBER_COUNT, -1234,
     "\xe2\x88\x92"
     "1,234",
     "\xe2\x88\x92"
     "1,234"},
    {NUMBER_RATE, 0.8821, "88.2" _ "%", "88.2" _ "%"},
    {NUMBER_RATE, 1, "100.0" _ "%", "100.0" _ "%"},
    {NUMBER_MS, 0, "0" _ "ms", "0" _ "ms"},
    {NUMBER_MS, 0.25, "0.25" _ "ms", "0.25" _ "ms"},
    {NUMBER_MS, 7.5, "7.50" _ "ms", "7.50" _ "ms"},
    {NUMBER_MS, 812.4, "812" _ "ms", "812" _ "ms"},
    {NUMBER_MS, 999.6, "1.00" _ "s", "1.00" _ "s"},
    {NUMBER_MS, 59990, "60.0" _ "s", "60.0" _ "s"},
    {NUMBER_MS, 90000, "1.5" _ "min", "1.5" _ "min"},
    {NUMBER_MS, 5400000, "1.5" _ "h", "1.5" _ "h"},
    {NUMBER_MS, 3.6e9, "1,000" _ "h", "1,000" _ "h"},
    {NUMBER_USD, 0, "$0.00", "$0.00"},
    {NUMBER_USD, 0.000012, "$0.000012", "$0.000012"},
    {NUMBER_USD, 0.0164, "$0.016", "$0.016"},
    {NUMBER_USD, 18.2426, "$18.24", "$18.24"},
    {NUMBER_USD, 1824.26, "$1,824", "$1,824"},
    {NUMBER_USD, 123456, "$123,456", "$123" _ "k"},
    {NUMBER_USD, 1e-15, "$0.000000000", "$0.000000000"},
    {NUMBER_PLAIN, 0.1234, "0.123", "0.123"},
    {NUMBER_PLAIN, 2.345, "2.35", "2.35"},
    {NUMBER_PLAIN, 5820.02, "5,820", "5,820"},
    {NUMBER_COUNT, NAN, "\xe2\x80\x93", "\xe2\x80\x93"},
    {NUMBER_USD, NAN, "\xe2\x80\x93", "\xe2\x80\x93"},
    {NUMBER_MS, INFINITY, "\xe2\x80\x93", "\xe2\x80\x93"},
};

static void test_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        assert_string_equal(number_full(numbers[i].unit, numbers[i].value).text, numbers[i].full);
        assert_string_equal(number_short(numbers[i].unit, numbers[i].value).text, numbers[i].brief);
    }
    /* The largest there are do not overflow their room. */
    assert_true(strlen(number_full(NUMBER_COUNT, 9.3e18).text) > 20);
    assert_true(strlen(number_full(NUMBER_COUNT, 1e300).text) < NUMBER_BYTES);
    assert_true(strlen(number_full(NUMBER_MS, 1e300).text) < NUMBER_BYTES);
    assert_true(strlen(number_full(NUMBER_USD, 1e300).text) < NUMBER_BYTES);
}

static void test_marks(void **state) {
    (void)state;
    static const struct {
        enum number_unit unit;
        double value, step;
        const char *text;
    } marks[] = {
        {NUMBER_COUNT, 0, 5, "0"},
        {NUMBER_COUNT, 500, 500, "500"},
        {NUMBER_COUNT, 12500, 500, "12.5" _ "k"},
        {NUMBER_COUNT, 12000, 1000, "12" _ "k"},
        {NUMBER_COUNT, 2e6, 1e6, "2" _ "M"},
        {NUMBER_RATE, 0.8, 0.2, "80" _ "%"},
        {NUMBER_RATE, 0.995, 0.005, "99.5" _ "%"},
        {NUMBER_MS, 0, 500, "0"},
        {NUMBER_MS, 500, 500, "500" _ "ms"},
        {NUMBER_MS, 1500, 500, "1.5" _ "s"},
        {NUMBER_MS, 2000, 1000, "2" _ "s"},
        {NUMBER_USD, 0, 5, "$0"},
        {NUMBER_USD, 15, 5, "$15"},
        {NUMBER_USD, 0.5, 0.1, "$0.50"},
        {NUMBER_USD, 0.005, 0.001, "$0.005"},
        {NUMBER_USD, 0.00004, 0.00002, "$0.00004"},
        {NUMBER_USD, 1500, 500, "$1.5" _ "k"},
    };
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        assert_string_equal(number_mark(marks[i].unit, marks[i].value, marks[i].step).text,
                            marks[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),   cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_cut),     cmocka_unit_test(test_growth),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
