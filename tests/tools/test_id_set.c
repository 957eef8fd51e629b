/* The memory of imported events: what its file holds, and every damage to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "import/id_set.h"

#define IDS 5000

static struct id_hash hash_of(unsigned number) {
    return id_hash_of(&number, sizeof number);
}

static int file_of(const struct id_set *set) {
    const int fd = memfd_create("ids", 0);
    assert_true(fd >= 0);
    assert_int_equal(id_set_write(fd, set), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void test_what_was_added_is_there(void **state) {
    (void)state;
    struct id_set set = {0}, back = {0};
    assert_false(id_set_has(&set, hash_of(0)));
    for (unsigned i = 0; i < IDS; i++) {
        id_set_add(&set, hash_of(i));
        id_set_add(&set, hash_of(i)); /* twice is once */
    }
    assert_int_equal(set.count, IDS);
    const int fd = file_of(&set);
    assert_int_equal(id_set_read(fd, &back), ALOG_OK);
    close(fd);
    assert_int_equal(back.count, IDS);
    for (unsigned i = 0; i < IDS; i++) {
        assert_true(id_set_has(&back, hash_of(i)));
        assert_false(id_set_has(&back, hash_of(IDS + i)));
    }
    id_set_free(&set);
    id_set_free(&back);
}

static void test_an_empty_set(void **state) {
    (void)state;
    struct id_set set = {0}, back = {0};
    const int fd = file_of(&set);
    assert_int_equal(id_set_read(fd, &back), ALOG_OK);
    assert_int_equal(back.count, 0);
    close(fd);
    id_set_free(&back);
}

/* Every byte cut, and every bit of every byte flipped: never taken for whole. */
static void test_damage_is_found(void **state) {
    (void)state;
    struct id_set set = {0};
    for (unsigned i = 0; i < 5; i++) {
        id_set_add(&set, hash_of(i));
    }
    const int whole = file_of(&set);
    const off_t size = lseek(whole, 0, SEEK_END);
    unsigned char bytes[256];
    assert_true(size > 0 && (size_t)size <= sizeof bytes);
    assert_int_equal(pread(whole, bytes, sizeof bytes, 0), size);
    for (off_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 9; bit++) { /* the ninth: cut here */
            struct id_set back = {0};
            const unsigned char flipped = (unsigned char)(bytes[at] ^ (bit < 8 ? 1 << bit : 0));
            const int fd = memfd_create("damaged", 0);
            assert_int_equal(write(fd, bytes, bit < 8 ? (size_t)size : (size_t)at),
                             bit < 8 ? size : at);
            assert_true(bit == 8 || pwrite(fd, &flipped, 1, at) == 1);
            assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
            assert_int_equal(id_set_read(fd, &back), ALOG_CORRUPT);
            id_set_free(&back);
            close(fd);
        }
    }
    close(whole);
    id_set_free(&set);
}

static void test_counts(void **state) {
    (void)state;
    struct id_counts counts = {0};
    for (uint64_t round = 1; round <= 3; round++) {
        for (unsigned i = 0; i < IDS; i++) {
            assert_int_equal(id_counts_add(&counts, hash_of(i)), round);
        }
    }
    id_counts_free(&counts);
}

/* Parts do not run together. */
static void test_hashes_of_parts(void **state) {
    (void)state;
    struct id_hasher *hasher = id_hasher_new();
    id_hasher_begin(hasher);
    id_hasher_add(hasher, "ab", 2);
    id_hasher_add(hasher, "c", 1);
    const struct id_hash one = id_hasher_end(hasher);
    id_hasher_begin(hasher);
    id_hasher_add(hasher, "a", 1);
    id_hasher_add(hasher, "bc", 2);
    const struct id_hash other = id_hasher_end(hasher);
    assert_true(one.low != other.low || one.high != other.high);
    id_hasher_free(hasher);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_there), cmocka_unit_test(test_an_empty_set),
        cmocka_unit_test(test_damage_is_found), cmocka_unit_test(test_counts),
        cmocka_unit_test(test_hashes_of_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
