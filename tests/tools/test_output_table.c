/* Cells and tables as people see them, and rows as JSON. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "output.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#define TEXT(literal)                                                                              \
    {                                                                                              \
        .kind = ALOG_VALUE_STRING, .string = { literal, sizeof(literal) - 1 }                      \
    }
#define REAL(x)                                                                                    \
    { .kind = ALOG_VALUE_F64, .f64 = (x) }
#define INTEGER(x)                                                                                 \
    { .kind = ALOG_VALUE_I64, .i64 = (x) }
#define NOTHING                                                                                    \
    { .kind = ALOG_VALUE_NULL }

static const struct {
    enum alog_column_kind kind;
    struct alog_value value;
    const char *text;
    const char *json;
} cells[] = {
    {ALOG_COLUMN_TEXT, TEXT("a"), "a", "\"a\""},
    {ALOG_COLUMN_TEXT, TEXT(""), "-", "\"\""},
    {ALOG_COLUMN_TEXT, NOTHING, "-", "null"},
    {ALOG_COLUMN_TEXT, TEXT("\x1b[31m\xff"), "\\x1b[31m\\xff", "\"\\u001B[31m\xef\xbf\xbd\""},
    {ALOG_COLUMN_INTEGER, INTEGER(-5), "-5", "-5"},
    {ALOG_COLUMN_INTEGER, INTEGER(INT64_MAX), "9223372036854775807", "9223372036854775807"},
    {ALOG_COLUMN_INTEGER, NOTHING, "-", "null"},
    {ALOG_COLUMN_REAL, REAL(2.345), "2.35", "2.345"},
    {ALOG_COLUMN_RATE, REAL(0.923), "92.3 %", "0.923"},
    {ALOG_COLUMN_RATE, REAL(1.0), "100.0 %", "1.0"},
    {ALOG_COLUMN_RATE, REAL(0.0), "0.0 %", "0.0"},
    {ALOG_COLUMN_RATE, NOTHING, "-", "null"},
    {ALOG_COLUMN_MS, REAL(1528.15), "1528.2", "1528.15"},
    {ALOG_COLUMN_USD, REAL(289.2502), "289.2502", "289.2502"},
    {ALOG_COLUMN_USD, REAL(0.0), "0.0000", "0.0"},
    {ALOG_COLUMN_USD, REAL(0.0012), "0.0012", "0.0012"},
    {ALOG_COLUMN_USD, REAL(0.0000042), "0.0000042", "4.2e-6"},
    {ALOG_COLUMN_USD, REAL(1e-12), "0.000000000", "1e-12"},
    {ALOG_COLUMN_TIME, INTEGER(INT64_C(1770206400123456789)), "2026-02-04T12:00:00Z",
     "\"2026-02-04T12:00:00.123456789Z\""},
    {ALOG_COLUMN_BOOL, INTEGER(1), "yes", "true"},
    {ALOG_COLUMN_BOOL, INTEGER(0), "no", "false"},
    {ALOG_COLUMN_REAL, REAL((double)INFINITY), "inf", "null"},
};

static void test_cells(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cells); i++) {
        const struct alog_column column = {"c", cells[i].kind, ""};
        struct alog_value value = cells[i].value;
        const struct alog_table table = {&column, 1, &value, 1};
        char *text = output_cell(&column, &value);
        assert_string_equal(text, cells[i].text);
        free(text);

        char expected[128];
        json_t *row = output_json_row(&table, 0);
        char *json = json_dumps(row, JSON_REAL_PRECISION(15) | JSON_COMPACT);
        snprintf(expected, sizeof expected, "{\"c\":%s}", cells[i].json);
        assert_string_equal(json, expected);
        free(json);
        json_decref(row);
    }
}

/* ---- Whole tables, by way of stdout ---- */

static const struct alog_column columns[] = {
    {"agent_name", ALOG_COLUMN_TEXT, ""}, {"n", ALOG_COLUMN_INTEGER, ""},
    {"rate", ALOG_COLUMN_RATE, ""},       {"rate_low", ALOG_COLUMN_RATE, ""},
    {"rate_high", ALOG_COLUMN_RATE, ""},  {"sample", ALOG_COLUMN_TEXT, ""}};

static struct alog_value rows[] = {
    TEXT("fixer"),       INTEGER(300), REAL(0.95), REAL(0.92), REAL(0.97), TEXT("a\nb"),
    TEXT("gr\xc3\xbcn"), INTEGER(0),   NOTHING,    NOTHING,    NOTHING,    TEXT("")};

static const struct alog_table table = {columns, COUNT_OF(columns), rows, 2};

typedef void print_fn(struct output *output);

static void print_all(struct output *output) {
    output_table(output, &table, NULL);
}

static void print_some(struct output *output) {
    static const char *const names[] = {"rate_low", "no_such_column", "agent_name", NULL};
    output_table(output, &table, names);
}

static void print_records(struct output *output) {
    output_records(output, &table);
}

static void print_json(struct output *output) {
    output_json_table(output, &table);
}

static void print_no_rows(struct output *output) {
    const struct alog_table none = {columns, COUNT_OF(columns), NULL, 0};
    output_json_table(output, &none);
}

/* What a function prints to stdout. */
static char *printed(print_fn *print) {
    static char text[4096];
    struct output output = {0};
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    print(&output);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void test_tables(void **state) {
    (void)state;
    static const struct {
        print_fn *print;
        const char *text;
    } tables[] = {
        {print_all, "agent_name    n    rate      rate 95 %  sample\n"
                    "fixer       300  95.0 %  92.0 - 97.0 %  a\\x0ab\n"
                    "gr\xc3\xbcn          0       -              -  -\n"},
        {print_some, "    rate 95 %  agent_name\n"
                     "92.0 - 97.0 %  fixer\n"
                     "            -  gr\xc3\xbcn\n"},
        {print_records, "agent_name  fixer\n"
                        "n           300\n"
                        "rate        95.0 %\n"
                        "rate 95 %   92.0 - 97.0 %\n"
                        "sample      a\\x0ab\n"
                        "\n"
                        "agent_name  gr\xc3\xbcn\n"
                        "n           0\n"
                        "rate        -\n"
                        "rate 95 %   -\n"
                        "sample      -\n"},
        {print_json,
         "[\n"
         "{\"agent_name\": \"fixer\", \"n\": 300, \"rate\": 0.95, \"rate_low\": 0.92, "
         "\"rate_high\": 0.97, \"sample\": \"a\\nb\"},\n"
         "{\"agent_name\": \"gr\xc3\xbcn\", \"n\": 0, \"rate\": null, \"rate_low\": null, "
         "\"rate_high\": null, \"sample\": \"\"}\n"
         "]\n"},
        {print_no_rows, "[]\n"},
    };
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        assert_string_equal(printed(tables[i].print), tables[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
