#include "arena.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CHUNK_BYTES (64u << 10)
#define HUGE_BYTES  (2u << 20) /* a huge page of the processor's */
#define MAX_RESERVE 24u        /* chunks */

struct alog_arena_chunk {
    struct alog_arena_chunk *next;
    size_t used, capacity;
    bool is_huge; /* mapped, not malloc'ed */
    max_align_t bytes[];
};

/* ---- Reserve ---- */

struct alog_arena_reserve {
    pthread_mutex_t lock;
    struct alog_arena_chunk *chunks; /* all of them huge */
    uint32_t count;
};

struct alog_arena_reserve *alog_arena_reserve_new(void) {
    struct alog_arena_reserve *reserve = calloc(1, sizeof(*reserve));
    if (reserve) {
        pthread_mutex_init(&reserve->lock, NULL);
    }
    return reserve;
}

void alog_arena_reserve_free(struct alog_arena_reserve *reserve) {
    if (!reserve) {
        return;
    }
    while (reserve->chunks) {
        struct alog_arena_chunk *next = reserve->chunks->next;
        munmap(reserve->chunks, HUGE_BYTES);
        reserve->chunks = next;
    }
    pthread_mutex_destroy(&reserve->lock);
    free(reserve);
}

static bool give(struct alog_arena_reserve *reserve, struct alog_arena_chunk *chunk) {
    pthread_mutex_lock(&reserve->lock);
    const bool room = reserve->count < MAX_RESERVE;
    if (room) {
        chunk->next = reserve->chunks;
        reserve->chunks = chunk;
        reserve->count++;
    }
    pthread_mutex_unlock(&reserve->lock);
    return room;
}

/* NULL: there is none. */
static struct alog_arena_chunk *take_back(struct alog_arena_reserve *reserve) {
    pthread_mutex_lock(&reserve->lock);
    struct alog_arena_chunk *chunk = reserve->chunks;
    if (chunk) {
        reserve->chunks = chunk->next;
        reserve->count--;
    }
    pthread_mutex_unlock(&reserve->lock);
    return chunk;
}

/* ---- Arenas ---- */

void alog_arena_join(struct alog_arena *into, struct alog_arena *from) {
    struct alog_arena_chunk **end = &from->chunks;
    while (*end) {
        end = &(*end)->next;
    }
    *end = into->chunks;
    *into = (struct alog_arena){from->chunks, into->bytes + from->bytes,
                                into->reserve ? into->reserve : from->reserve};
    *from = (struct alog_arena){0};
}

void alog_arena_free(struct alog_arena *arena) {
    while (arena->chunks) {
        struct alog_arena_chunk *next = arena->chunks->next;
        if (!arena->chunks->is_huge) {
            free(arena->chunks);
        } else if (!arena->reserve || !give(arena->reserve, arena->chunks)) {
            munmap(arena->chunks, HUGE_BYTES);
        }
        arena->chunks = next;
    }
    *arena = (struct alog_arena){0};
}

/* At a multiple of its length. */
static void *map_huge(void) {
    char *map = mmap(NULL, 2 * (size_t)HUGE_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) {
        return NULL;
    }
    size_t before = (HUGE_BYTES - ((uintptr_t)map & (HUGE_BYTES - 1))) & (HUGE_BYTES - 1);
    if (before != 0) {
        munmap(map, before);
    }
    munmap(map + before + HUGE_BYTES, HUGE_BYTES - before);
    madvise(map + before, HUGE_BYTES, MADV_HUGEPAGE); /* where there are none it is of no use */
    return map + before;
}

static struct alog_arena_chunk *add_chunk(struct alog_arena *arena, size_t bytes) {
    const bool is_huge = arena->bytes >= HUGE_BYTES / 2 && bytes <= HUGE_BYTES / 4;
    const size_t whole = is_huge                   ? HUGE_BYTES
                         : bytes > CHUNK_BYTES / 4 ? sizeof(struct alog_arena_chunk) + bytes
                                                   : CHUNK_BYTES;
    struct alog_arena_chunk *chunk = is_huge && arena->reserve ? take_back(arena->reserve) : NULL;
    if (!chunk) {
        chunk = is_huge ? map_huge() : malloc(whole);
    }
    if (chunk) {
        *chunk = (struct alog_arena_chunk){arena->chunks, 0, whole - sizeof(*chunk), is_huge};
        arena->chunks = chunk;
        arena->bytes += whole;
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
