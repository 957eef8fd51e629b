/* A set of 128-bit hashes of event ids, with a file form that is checked when it is read. */
#ifndef AGENTLOG_TOOLS_ID_SET_H
#define AGENTLOG_TOOLS_ID_SET_H

#include <agentlog/agentlog.h>

/* The XXH3-128 of an id; never zero. */
struct id_hash {
    uint64_t low, high;
};
struct id_hash id_hash_of(const void *data, size_t len);

/* The same of a record's parts, each with its length, so that no two records run together. */
struct id_hasher;
struct id_hasher *id_hasher_new(void);
void id_hasher_begin(struct id_hasher *hasher);
void id_hasher_add(struct id_hasher *hasher, const void *data, size_t len);
struct id_hash id_hasher_end(struct id_hasher *hasher);
void id_hasher_free(struct id_hasher *hasher);

/* As 32 hex digits, NUL-terminated. */
#define ID_HASH_TEXT_BYTES 33
void id_hash_text(struct id_hash id, char text[ID_HASH_TEXT_BYTES]);

/* Start with zeros; free with id_set_free. */
struct id_set {
    struct id_hash *slots; /* open addressing; zero = free */
    size_t count, capacity;
};

bool id_set_has(const struct id_set *set, struct id_hash id);
void id_set_add(struct id_set *set, struct id_hash id);
void id_set_free(struct id_set *set);

/* How often each hash was met, for records that nothing tells apart. Start with zeros. */
struct id_counts {
    struct id_count {
        struct id_hash id;
        uint64_t count; /* 0 = free */
    } * slots;
    size_t count, capacity;
};

/* Count one more, and how many that makes. */
uint64_t id_counts_add(struct id_counts *counts, struct id_hash id);
void id_counts_free(struct id_counts *counts);

/*
 * The file: "ALGIDS1\n", u64 count, the hashes (low, high), XXH3-64 of all before; little-endian.
 * id_set_read adds what the file holds; ALOG_CORRUPT when it is not such a file, ALOG_IO.
 * id_set_write appends the bytes to an empty file; 0 or an errno.
 */
enum alog_status id_set_read(int fd, struct id_set *set);
int id_set_write(int fd, const struct id_set *set);

#endif
