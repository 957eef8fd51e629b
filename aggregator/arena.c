#include "arena.h"

#include <stdlib.h>

#define CHUNK_BYTES (64u << 10)

struct alog_arena_chunk {
    struct alog_arena_chunk *next;
    size_t used, capacity;
    max_align_t bytes[];
};

void alog_arena_join(struct alog_arena *into, struct alog_arena *from) {
    struct alog_arena_chunk **end = &from->chunks;
    while (*end) {
        end = &(*end)->next;
    }
    *end = into->chunks;
    *into = (struct alog_arena){from->chunks, into->bytes + from->bytes};
    *from = (struct alog_arena){0};
}

void alog_arena_free(struct alog_arena *arena) {
    while (arena->chunks) {
        struct alog_arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    *arena = (struct alog_arena){0};
}

static struct alog_arena_chunk *add_chunk(struct alog_arena *arena, size_t bytes) {
    size_t capacity = bytes > CHUNK_BYTES / 4 ? bytes : CHUNK_BYTES;
    struct alog_arena_chunk *chunk = malloc(sizeof(*chunk) + capacity);
    if (chunk) {
        *chunk = (struct alog_arena_chunk){arena->chunks, 0, capacity};
        arena->chunks = chunk;
        arena->bytes += sizeof(*chunk) + capacity;
    }
    return chunk;
}

void *alog_arena_take(struct alog_arena *arena, size_t bytes, size_t align) {
    struct alog_arena_chunk *chunk = arena->chunks;
    size_t from = chunk ? (chunk->used + align - 1) & ~(align - 1) : 0;
    if (!chunk || from > chunk->capacity || chunk->capacity - from < bytes) {
        chunk = add_chunk(arena, bytes);
        from = 0;
    }
    if (!chunk) {
        return NULL;
    }
    chunk->used = from + bytes;
    return (char *)chunk->bytes + from;
}
