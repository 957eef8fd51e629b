/* A set of 128-bit hashes. */
#include "import/id_set.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <xxhash.h>

#include "messages.h"
#include "output.h"

#define FIRST_CAPACITY 1024
#define CHUNK_IDS      4096

static const char magic[8] = "ALGIDS1\n";

/* ---- Hashes ---------------------------------------------------------------------------------- */

static struct id_hash of_xxh(XXH128_hash_t hash) {
    const struct id_hash id = {hash.low64, hash.high64};
    return id.low == 0 && id.high == 0 ? (struct id_hash){1, 0} : id;
}

struct id_hash id_hash_of(const void *data, size_t len) {
    return of_xxh(XXH3_128bits(data, len));
}

struct id_hasher {
    XXH3_state_t *state;
};

struct id_hasher *id_hasher_new(void) {
    struct id_hasher *hasher = output_allocate(1, sizeof *hasher);
    hasher->state = XXH3_createState();
    if (hasher->state == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    return hasher;
}

void id_hasher_begin(struct id_hasher *hasher) {
    XXH3_128bits_reset(hasher->state);
}

void id_hasher_add(struct id_hasher *hasher, const void *data, size_t len) {
    const uint64_t length = len;
    XXH3_128bits_update(hasher->state, &length, sizeof length);
    if (len > 0) {
        XXH3_128bits_update(hasher->state, data, len);
    }
}

struct id_hash id_hasher_end(struct id_hasher *hasher) {
    return of_xxh(XXH3_128bits_digest(hasher->state));
}

void id_hasher_free(struct id_hasher *hasher) {
    XXH3_freeState(hasher->state);
    free(hasher);
}

void id_hash_text(struct id_hash id, char text[ID_HASH_TEXT_BYTES]) {
    snprintf(text, ID_HASH_TEXT_BYTES, "%016" PRIx64 "%016" PRIx64, id.high, id.low);
}

/* ---- The set --------------------------------------------------------------------------------- */

static bool is_free(struct id_hash slot) {
    return slot.low == 0 && slot.high == 0;
}

static bool same(struct id_hash a, struct id_hash b) {
    return a.low == b.low && a.high == b.high;
}

/* The slot that has it, or the free one where it belongs. */
static size_t find_slot(const struct id_set *set, struct id_hash id) {
    size_t at = (size_t)id.low & (set->capacity - 1);
    while (!is_free(set->slots[at]) && !same(set->slots[at], id)) {
        at = (at + 1) & (set->capacity - 1);
    }
    return at;
}

bool id_set_has(const struct id_set *set, struct id_hash id) {
    return set->capacity > 0 && !is_free(set->slots[find_slot(set, id)]);
}

static void grow(struct id_set *set) {
    struct id_set larger = {.capacity = set->capacity == 0 ? FIRST_CAPACITY : 2 * set->capacity,
                            .count = set->count};
    larger.slots = output_allocate(larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < set->capacity; i++) {
        if (!is_free(set->slots[i])) {
            larger.slots[find_slot(&larger, set->slots[i])] = set->slots[i];
        }
    }
    free(set->slots);
    *set = larger;
}

void id_set_add(struct id_set *set, struct id_hash id) {
    if (set->count + 1 > set->capacity / 10 * 7) {
        grow(set);
    }
    const size_t at = find_slot(set, id);
    set->count += is_free(set->slots[at]);
    set->slots[at] = id;
}

void id_set_free(struct id_set *set) {
    free(set->slots);
    *set = (struct id_set){0};
}

/* ---- Counts ---------------------------------------------------------------------------------- */

static struct id_count *find_count(const struct id_counts *counts, struct id_hash id) {
    size_t at = (size_t)id.low & (counts->capacity - 1);
    while (counts->slots[at].count != 0 && !same(counts->slots[at].id, id)) {
        at = (at + 1) & (counts->capacity - 1);
    }
    return &counts->slots[at];
}

static void grow_counts(struct id_counts *counts) {
    struct id_counts larger = {.capacity =
                                   counts->capacity == 0 ? FIRST_CAPACITY : 2 * counts->capacity,
                               .count = counts->count};
    larger.slots = output_allocate(larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < counts->capacity; i++) {
        if (counts->slots[i].count != 0) {
            *find_count(&larger, counts->slots[i].id) = counts->slots[i];
        }
    }
    free(counts->slots);
    *counts = larger;
}

uint64_t id_counts_add(struct id_counts *counts, struct id_hash id) {
    if (counts->count + 1 > counts->capacity / 10 * 7) {
        grow_counts(counts);
    }
    struct id_count *found = find_count(counts, id);
    counts->count += found->count == 0;
    found->id = id;
    return ++found->count;
}

void id_counts_free(struct id_counts *counts) {
    free(counts->slots);
    *counts = (struct id_counts){0};
}

/* ---- The file -------------------------------------------------------------------------------- */

/* All of `bytes`; false: an error (errno) or, with errno 0, the end of the file. */
static bool read_all(int fd, void *data, size_t bytes) {
    char *at = data;
    while (bytes > 0) {
        const ssize_t got = read(fd, at, bytes);
        if (got == 0) {
            errno = 0;
            return false;
        }
        if (got < 0 && errno != EINTR) {
            return false;
        }
        if (got > 0) {
            at += got;
            bytes -= (size_t)got;
        }
    }
    return true;
}

static bool read_ids(int fd, struct id_set *set, uint64_t count, XXH3_state_t *check) {
    struct id_hash *ids = output_allocate(CHUNK_IDS, sizeof *ids);
    bool fine = true;
    while (fine && count > 0) {
        const size_t now = count < CHUNK_IDS ? (size_t)count : CHUNK_IDS;
        fine = read_all(fd, ids, now * sizeof *ids);
        XXH3_64bits_update(check, ids, fine ? now * sizeof *ids : 0);
        for (size_t i = 0; fine && i < now; i++) {
            if (is_free(ids[i])) {
                errno = 0;
                fine = false;
            } else {
                id_set_add(set, ids[i]);
            }
        }
        count -= now;
    }
    free(ids);
    return fine;
}

enum alog_status id_set_read(int fd, struct id_set *set) {
    char head[sizeof magic];
    uint64_t count = 0, expected = 0;
    XXH3_state_t *check = XXH3_createState();
    if (check == NULL) {
        return ALOG_NO_MEMORY;
    }
    XXH3_64bits_reset(check);
    bool fine = read_all(fd, head, sizeof head) && read_all(fd, &count, sizeof count);
    if (fine && memcmp(head, magic, sizeof magic) != 0) {
        errno = 0;
        fine = false;
    }
    if (fine) {
        XXH3_64bits_update(check, head, sizeof head);
        XXH3_64bits_update(check, &count, sizeof count);
        fine = read_ids(fd, set, count, check) && read_all(fd, &expected, sizeof expected);
    }
    const bool whole = fine && XXH3_64bits_digest(check) == expected;
    XXH3_freeState(check);
    if (whole) {
        return ALOG_OK;
    }
    return fine || errno == 0 ? ALOG_CORRUPT : ALOG_IO;
}

static int write_all(int fd, const void *data, size_t bytes) {
    const char *at = data;
    while (bytes > 0) {
        const ssize_t put = write(fd, at, bytes);
        if (put < 0 && errno != EINTR) {
            return errno;
        }
        if (put > 0) {
            at += put;
            bytes -= (size_t)put;
        }
    }
    return 0;
}

/* Like write_all, and into the check. */
static int put(int fd, XXH3_state_t *check, const void *data, size_t bytes) {
    XXH3_64bits_update(check, data, bytes);
    return write_all(fd, data, bytes);
}

static int put_ids(int fd, XXH3_state_t *check, const struct id_set *set) {
    struct id_hash *ids = output_allocate(CHUNK_IDS, sizeof *ids);
    size_t used = 0;
    int failed = 0;
    for (size_t i = 0; i < set->capacity && failed == 0; i++) {
        if (!is_free(set->slots[i])) {
            ids[used++] = set->slots[i];
        }
        if (used == CHUNK_IDS || (i + 1 == set->capacity && used > 0)) {
            failed = put(fd, check, ids, used * sizeof *ids);
            used = 0;
        }
    }
    free(ids);
    return failed;
}

int id_set_write(int fd, const struct id_set *set) {
    const uint64_t count = set->count;
    XXH3_state_t *check = XXH3_createState();
    if (check == NULL) {
        return ENOMEM;
    }
    XXH3_64bits_reset(check);
    int failed = put(fd, check, magic, sizeof magic);
    failed = failed != 0 ? failed : put(fd, check, &count, sizeof count);
    failed = failed != 0 ? failed : put_ids(fd, check, set);
    const uint64_t digest = XXH3_64bits_digest(check);
    failed = failed != 0 ? failed : write_all(fd, &digest, sizeof digest);
    XXH3_freeState(check);
    return failed;
}
