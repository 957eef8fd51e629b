/* The system's io and its helpers. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file_bytes.h"
#include "support/scratch_dir.h"
#include "support/scripted_io.h"

static int setup(void **state) {
    *state = scratch_dir_make();
    return 0;
}

static int teardown(void **state) {
    scratch_dir_remove(*state);
    return 0;
}

static void join(const char *dir, const char *name, char path[PATH_MAX]) {
    snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

static int make_file(const struct alog_io *io, const char *path) {
    int fd = io->open(io->context, path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void test_write_all_and_read_full(void **state) {
    struct scripted_io script;
    char path[PATH_MAX];
    join(*state, "file", path);
    for (unsigned at_most = 0; at_most < 12; at_most++) {
        scripted_io_init(&script);
        script.write_at_most = at_most;
        int fd = make_file(&script.io, path);
        char first[] = "abc", last[] = "defghij";
        struct iovec parts[] = {{first, 3}, {first, 0}, {last, 7}, {last, 0}};
        assert_int_equal(alog_io_write_all(&script.io, fd, parts, 4, 5), 0);
        char back[32];
        assert_int_equal(alog_io_read_full(&script.io, fd, back, sizeof back, 5), 10);
        assert_memory_equal(back, "abcdefghij", 10);
        assert_int_equal(alog_io_read_full(&script.io, fd, back, 4, 6), 4);
        assert_memory_equal(back, "bcde", 4);
        assert_int_equal(alog_io_read_full(&script.io, fd, back, 4, 15), 0);
        script.fail_always[SCRIPTED_PWRITEV] = ENOSPC;
        struct iovec part = {first, 3};
        assert_int_equal(alog_io_write_all(&script.io, fd, &part, 1, 0), -ENOSPC);
        script.fail_always[SCRIPTED_PREAD] = EIO;
        assert_int_equal(alog_io_read_full(&script.io, fd, back, 4, 0), -EIO);
        script.io.close(script.io.context, fd);
        unlink(path);
    }
}

/* An interrupted call is made again. */
static void test_interrupted_calls(void **state) {
    struct scripted_io script;
    char path[PATH_MAX];
    join(*state, "file", path);
    scripted_io_init(&script);
    int fd = make_file(&script.io, path);
    char text[] = "abc";
    struct iovec part = {text, 3};
    script.fail_errno = EINTR;
    script.fail_at = script.calls + 1;
    assert_int_equal(alog_io_write_all(&script.io, fd, &part, 1, 0), 0);
    script.fail_at = script.calls + 1;
    char back[3];
    assert_int_equal(alog_io_read_full(&script.io, fd, back, 3, 0), 3);
    assert_int_equal(script.failures, 2);
    script.io.close(script.io.context, fd);
}

static void test_make_dirs(void **state) {
    const struct alog_io *io = alog_io_system();
    char path[PATH_MAX], file[PATH_MAX];
    struct stat facts;
    static const char *const names[] = {"a", "a", "b/c/d", "b/c/d/", "b//e"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        join(*state, names[i], path);
        assert_int_equal(alog_io_make_dirs(io, path, 0700), 0);
        assert_int_equal(stat(path, &facts), 0);
        assert_true(S_ISDIR(facts.st_mode));
    }
    join(*state, "file", file);
    file_bytes_write(file, "", 0);
    assert_int_equal(alog_io_make_dirs(io, file, 0700), -ENOTDIR);
    join(*state, "file/x/y", path);
    assert_int_equal(alog_io_make_dirs(io, path, 0700), -ENOTDIR);
}

/* So that a file in them that is synced can be found after a power loss. */
static void test_make_dirs_syncs_the_names_of_new_parents(void **state) {
    struct scripted_io script;
    scripted_io_init(&script);
    char path[PATH_MAX];
    join(*state, "f/g/h", path);
    assert_int_equal(alog_io_make_dirs(&script.io, path, 0700), 0);
    assert_int_equal(script.calls_of[SCRIPTED_FSYNC], 2);
    assert_int_equal(alog_io_make_dirs(&script.io, path, 0700), 0);
    join(*state, "f/g/i/j", path);
    assert_int_equal(alog_io_make_dirs(&script.io, path, 0700), 0);
    assert_int_equal(script.calls_of[SCRIPTED_FSYNC], 3);
    join(*state, "k/l", path);
    script.fail_always[SCRIPTED_FSYNC] = EIO;
    assert_int_equal(alog_io_make_dirs(&script.io, path, 0700), -EIO);
}

/* The directory that a name is in, however the name is written. */
static void test_sync_name(void **state) {
    struct scripted_io script;
    scripted_io_init(&script);
    char path[PATH_MAX];
    static const char *const names[] = {"m", "m/", "m//", "m/not there"};
    join(*state, "m", path);
    assert_int_equal(alog_io_make_dirs(&script.io, path, 0700), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        join(*state, names[i], path);
        assert_int_equal(alog_io_sync_name(&script.io, path), 0);
    }
    assert_int_equal(script.calls_of[SCRIPTED_FSYNC], 4);
    assert_int_equal(alog_io_sync_name(&script.io, "relative"), 0);
    assert_int_equal(alog_io_sync_name(&script.io, "/"), 0);
    assert_int_equal(alog_io_sync_name(&script.io, "/nonexistent/x/"), -ENOENT);
    script.fail_always[SCRIPTED_FSYNC] = EIO;
    assert_int_equal(alog_io_sync_name(&script.io, path), -EIO);
}

static void test_rename_never_replaces(void **state) {
    const struct alog_io *io = alog_io_system();
    char from[PATH_MAX], to[PATH_MAX];
    join(*state, "from", from);
    join(*state, "to", to);
    file_bytes_write(from, "new", 3);
    file_bytes_write(to, "old", 3);
    assert_int_equal(io->rename(io->context, from, to), -EEXIST);
    size_t bytes;
    uint8_t *data = file_bytes_read(to, &bytes);
    assert_memory_equal(data, "old", 3);
    free(data);
    unlink(to);
    assert_int_equal(io->rename(io->context, from, to), 0);
    assert_int_equal(access(from, F_OK), -1);
    assert_int_equal(io->rename(io->context, from, to), -ENOENT);
}

static void test_lock_is_exclusive_and_goes_with_the_descriptor(void **state) {
    const struct alog_io *io = alog_io_system();
    char path[PATH_MAX];
    join(*state, "file", path);
    int first = make_file(io, path);
    int second = io->open(io->context, path, O_RDWR, 0);
    assert_int_equal(io->lock(io->context, first), 0);
    assert_int_equal(io->lock(io->context, second), -EWOULDBLOCK);
    assert_int_equal(io->close(io->context, first), 0);
    assert_int_equal(io->lock(io->context, second), 0);
    io->close(io->context, second);
}

static void test_map_is_shared_and_backed(void **state) {
    const struct alog_io *io = alog_io_system();
    char path[PATH_MAX];
    join(*state, "file", path);
    int fd = make_file(io, path);
    assert_int_equal(io->fallocate(io->context, fd, 8192), 0);
    struct stat facts;
    assert_int_equal(io->fstat(io->context, fd, &facts), 0);
    assert_int_equal(facts.st_size, 8192);
    int error = 0;
    char *memory = io->map(io->context, fd, 8192, &error);
    assert_non_null(memory);
    strcpy(memory + 5000, "here");
    char back[5];
    assert_int_equal(alog_io_read_full(io, fd, back, 5, 5000), 5);
    assert_string_equal(back, "here");
    assert_int_equal(io->unmap(io->context, memory, 8192), 0);
    assert_null(io->map(io->context, -1, 8192, &error));
    assert_int_equal(error, -EBADF);
    io->close(io->context, fd);
}

static void test_failures_are_negative_errnos(void **state) {
    (void)state;
    const struct alog_io *io = alog_io_system();
    struct stat facts;
    struct iovec part = {NULL, 0};
    assert_int_equal(io->open(io->context, "/nonexistent/x", O_RDONLY, 0), -ENOENT);
    assert_int_equal(io->close(io->context, -1), -EBADF);
    assert_int_equal(io->pread(io->context, -1, &facts, 1, 0), -EBADF);
    assert_int_equal(io->pread(io->context, 0, &facts, 1, UINT64_MAX), -EINVAL);
    assert_int_equal(io->pwritev(io->context, -1, &part, 1, 0), -EBADF);
    assert_int_equal(io->pwritev(io->context, 0, &part, 1, UINT64_MAX), -EINVAL);
    assert_int_equal(io->fsync(io->context, -1), -EBADF);
    assert_int_equal(io->fdatasync(io->context, -1), -EBADF);
    assert_int_equal(io->ftruncate(io->context, -1, 0), -EBADF);
    assert_int_equal(io->ftruncate(io->context, 0, UINT64_MAX), -EINVAL);
    assert_int_equal(io->fallocate(io->context, -1, 1), -EBADF);
    assert_int_equal(io->fallocate(io->context, 0, UINT64_MAX), -EINVAL);
    assert_int_equal(io->fstat(io->context, -1, &facts), -EBADF);
    assert_int_equal(io->lock(io->context, -1), -EBADF);
    assert_int_equal(io->unlink(io->context, "/nonexistent/x"), -ENOENT);
    assert_int_equal(io->mkdir(io->context, "/nonexistent/x", 0700), -ENOENT);
    assert_int_equal(alog_io_sync_dir(io, "/nonexistent"), -ENOENT);
}

static void test_clocks_and_random(void **state) {
    (void)state;
    const struct alog_io *io = alog_io_system();
    int64_t before = io->monotonic_ns(io->context);
    assert_true(io->monotonic_ns(io->context) >= before);
    assert_true(io->realtime_ns(io->context) > INT64_C(1700000000000000000));
    uint8_t a[16] = {0}, b[16] = {0};
    assert_int_equal(io->random(io->context, a, sizeof a), 0);
    assert_int_equal(io->random(io->context, b, sizeof b), 0);
    assert_memory_not_equal(a, b, sizeof a);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_write_all_and_read_full),
        TEST(test_interrupted_calls),
        TEST(test_make_dirs),
        TEST(test_make_dirs_syncs_the_names_of_new_parents),
        TEST(test_sync_name),
        TEST(test_rename_never_replaces),
        TEST(test_lock_is_exclusive_and_goes_with_the_descriptor),
        TEST(test_map_is_shared_and_backed),
        TEST(test_failures_are_negative_errnos),
        TEST(test_clocks_and_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
