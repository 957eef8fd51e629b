/* Hooks named in correlation_insights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "aggregator/insights.h"
#include "support/random_event.h"

static void expect(const char *json, const char *expected) {
    struct alog_insight_hooks hooks;
    char actual[512] = "";
    alog_insights_read(alog_str(json), &hooks);
    for (unsigned i = 0; i < hooks.count; i++) {
        size_t len = strlen(actual);
        snprintf(actual + len, sizeof(actual) - len, "%s%.*s", i == 0 ? "" : "|",
                 (int)hooks.names[i].len, hooks.names[i].data);
    }
    if (strcmp(actual, expected) != 0) {
        fail_msg("%s gives '%s', not '%s'", json, actual, expected);
    }
}

static void test_forms(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"problematic_hooks\":[\"ruff\",\"mypy\"]}", "ruff|mypy"},
        {" { \"a\" : [ {\"b\":[1,2,\"]\"]}, null ] , \"problematic_hooks\" : [ \"x\" ] } ", "x"},
        {"{\"problematic_hooks\":{\"ruff\":3,\"mypy\":{\"failures\":[1]}}}", "ruff|mypy"},
        {"{\"problematic_hooks\":[{\"failures\":2,\"hook_name\":\"a\"},{\"name\":\"b\"},"
         "{\"hook\":\"c\",\"x\":{\"name\":\"no\"}}]}",
         "a|b|c"},
        {"{\"problematic_hooks\":[\"a\",\"a\",7,null,[\"no\"],\"\",\"b\"]}", "a|b"},
        {"{\"problematic_hooks\":[\"q\\\"\\u00e9\\ud83d\\ude00\\ud800\\n\"]}",
         "q\"\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd\n"},
        {"{\"problematic_hooks\":\"ruff\"}", ""},
        {"{\"problematic_hooks\":[]}", ""},
        {"{\"inner\":{\"problematic_hooks\":[\"no\"]}}", ""},
        {"[\"problematic_hooks\"]", ""},
        {"", ""},
        /* up to the fault */
        {"{\"problematic_hooks\":[\"a\",\"b", "a"},
        {"{\"problematic_hooks\":[\"a\" \"b\"]}", "a"},
        {"{\"problematic_hooks\":[\"a\",\"\\x\"]}", "a"},
        {"{\"x\"}", ""},
        {"{\"x\":}", ""},
        {"{\"x\":]}", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        expect(cases[i][0], cases[i][1]);
    }
}

static void test_many(void **state) {
    (void)state;
    char json[8192];
    size_t len = (size_t)snprintf(json, sizeof(json), "{\"problematic_hooks\":[\"h\"");
    for (int i = 0; i < 300; i++) {
        len += (size_t)snprintf(json + len, sizeof(json) - len, ",\"hook-%d\"", i);
    }
    snprintf(json + len, sizeof(json) - len, "]}");
    struct alog_insight_hooks hooks;
    alog_insights_read(alog_str(json), &hooks);
    assert_int_equal(hooks.count, ALOG_INSIGHT_HOOKS);
}

/* Every cut and every change of a byte of a text: nothing is read behind its end. */
static void test_damage(void **state) {
    (void)state;
    static const char json[] = "{\"a\":[1,{\"b\":\"\\u00e9\\\\\"}],\"problematic_hooks\":"
                               "[\"x\",{\"name\":\"\\ud83d\\ude00y\"},[[]],{\"k\":{}}],\"z\":true}";
    static const char bytes[] = "\"\\[]{},:u0 \0z";
    struct alog_insight_hooks hooks;
    for (size_t len = 0; len < sizeof(json); len++) {
        char *copy = test_malloc(len + 1);
        for (size_t at = 0; at <= len; at++) {
            for (size_t b = 0; b < sizeof(bytes); b++) {
                memcpy(copy, json, len);
                copy[at < len ? at : 0] = bytes[b];
                char *exact = test_malloc(len == 0 ? 1 : len);
                memcpy(exact, copy, len);
                alog_insights_read((struct alog_string){exact, len}, &hooks);
                assert_true(hooks.count <= 16);
                test_free(exact);
            }
        }
        test_free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
