/* Lines of any length, in any pieces, up to a limit. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "line_reader.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define MAX_BYTES       8

/* Input, and what comes out of it: lines in [], too long ones as their length in (). */
static const struct {
    const char *input;
    const char *lines;
} cases[] = {
    {"", ""},
    {"\n", "[]"},
    {"a", "[a]"},
    {"a\n", "[a]"},
    {"a\nb", "[a][b]"},
    {"a\n\nb\n", "[a][][b]"},
    {"12345678\n1", "[12345678][1]"},
    {"123456789\n1", "(9)[1]"},
    {"123456789", "(9)"},
    {"1\n12345678901234567890\n\n123\n", "[1](20)[][123]"},
};

static void describe(struct line_reader *reader, char *out, size_t room) {
    const char *line = NULL;
    size_t len = 0;
    uint64_t number = 0;
    enum line_result result;
    size_t at = 0;
    out[0] = '\0';
    while ((result = line_reader_next(reader, &line, &len)) != LINE_END) {
        assert_true(result == LINE_FOUND || result == LINE_TOO_LONG);
        assert_int_equal(reader->line_number, ++number);
        if (result == LINE_FOUND) {
            at += (size_t)snprintf(out + at, room - at, "[%.*s]", (int)len, line);
        } else {
            at += (size_t)snprintf(out + at, room - at, "(%zu)", len);
        }
        assert_true(at < room);
    }
    /* The end stays the end. */
    assert_int_equal(line_reader_next(reader, &line, &len), LINE_END);
}

static void test_lines(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int ends[2];
        char out[128];
        struct line_reader reader;
        assert_int_equal(pipe(ends), 0);
        const size_t len = strlen(cases[i].input);
        assert_int_equal(write(ends[1], cases[i].input, len), (ssize_t)len);
        close(ends[1]);
        line_reader_begin(&reader, ends[0], -1, MAX_BYTES);
        describe(&reader, out, sizeof out);
        assert_string_equal(out, cases[i].lines);
        assert_int_equal(reader.bytes_read, len);
        line_reader_free(&reader);
        close(ends[0]);
    }
}

/* Lines larger than any chunk, and one beyond the limit between them. */
static void test_large_lines(void **state) {
    (void)state;
    const size_t sizes[] = {700000, 3000001, 10, 1048576, 0, 2999999};
    const size_t most = 3000000;
    struct line_reader reader;
    char *block = malloc(4000000);
    FILE *file = tmpfile();
    assert_non_null(block);
    assert_non_null(file);
    memset(block, 'x', 4000000);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        assert_int_equal(fwrite(block, 1, sizes[i], file), sizes[i]);
        fputc('\n', file);
    }
    rewind(file);
    line_reader_begin(&reader, fileno(file), -1, most);
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const char *line = NULL;
        size_t len = 0;
        assert_int_equal(line_reader_next(&reader, &line, &len),
                         sizes[i] > most ? LINE_TOO_LONG : LINE_FOUND);
        assert_int_equal(len, sizes[i]);
        if (sizes[i] <= most) {
            assert_memory_equal(line, block, len);
        }
    }
    line_reader_free(&reader);
    fclose(file);
    free(block);
}

static void test_stop_and_failure(void **state) {
    (void)state;
    const char *line = NULL;
    size_t len = 0;
    int input[2];
    int stop[2];
    struct line_reader reader;
    assert_int_equal(pipe(input), 0);
    assert_int_equal(pipe(stop), 0);
    assert_int_equal(write(input[1], "a\nb", 3), 3);
    line_reader_begin(&reader, input[0], stop[0], MAX_BYTES);
    assert_int_equal(line_reader_next(&reader, &line, &len), LINE_FOUND);
    assert_int_equal(write(stop[1], "!", 1), 1);
    /* The half line is not taken for a whole one. */
    assert_int_equal(line_reader_next(&reader, &line, &len), LINE_STOPPED);
    line_reader_free(&reader);

    const int unreadable = open("/dev/null", O_WRONLY);
    assert_true(unreadable >= 0);
    line_reader_begin(&reader, unreadable, -1, MAX_BYTES);
    assert_int_equal(line_reader_next(&reader, &line, &len), LINE_FAILED);
    assert_int_equal(errno, EBADF);
    line_reader_free(&reader);
    close(unreadable);
    for (size_t i = 0; i < 2; i++) {
        close(input[i]);
        close(stop[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_large_lines),
        cmocka_unit_test(test_stop_and_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
