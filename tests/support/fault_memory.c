#include "fault_memory.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "aggregator/arena.h"

static struct {
    atomic_bool armed, failed;
    atomic_uint count;
    unsigned at;
    bool for_ever;
} state;

void fault_memory_arm(unsigned at, bool for_ever) {
    state.at = at;
    state.for_ever = for_ever;
    atomic_store(&state.count, 0);
    atomic_store(&state.failed, false);
    atomic_store(&state.armed, true);
}

unsigned fault_memory_count(void) {
    return atomic_load(&state.count);
}

bool fault_memory_disarm(void) {
    atomic_store(&state.armed, false);
    return atomic_load(&state.failed);
}

/* Whether this one fails. */
static bool fails(void) {
    if (!atomic_load(&state.armed)) {
        return false;
    }
    const unsigned number = atomic_fetch_add(&state.count, 1) + 1;
    if (state.at == 0 || number < state.at || (number > state.at && !state.for_ever)) {
        return false;
    }
    atomic_store(&state.failed, true);
    errno = ENOMEM;
    return true;
}

/* The linker calls these instead (--wrap), and gives the C library's the names behind. The names
 * are the linker's to say. */
/* NOLINTBEGIN(bugprone-reserved-identifier) */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_reallocarray(void *old, size_t count, size_t bytes);
char *__real_strdup(const char *text);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);

void *__real_alog_arena_take(struct alog_arena *arena, size_t bytes, size_t align);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_reallocarray(void *old, size_t count, size_t bytes);
char *__wrap_strdup(const char *text);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);
void *__wrap_alog_arena_take(struct alog_arena *arena, size_t bytes, size_t align);

void *__wrap_malloc(size_t bytes) {
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes) {
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes) {
    return fails() ? NULL : __real_realloc(old, bytes);
}

void *__wrap_reallocarray(void *old, size_t count, size_t bytes) {
    return fails() ? NULL : __real_reallocarray(old, count, bytes);
}

char *__wrap_strdup(const char *text) {
    return fails() ? NULL : __real_strdup(text);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset) {
    const bool is_memory = (flags & MAP_ANONYMOUS) != 0;
    return is_memory && fails() ? MAP_FAILED
                                : __real_mmap(at, bytes, protection, flags, fd, offset);
}

void *__wrap_alog_arena_take(struct alog_arena *arena, size_t bytes, size_t align) {
    return fails() ? NULL : __real_alog_arena_take(arena, bytes, align);
}
/* NOLINTEND(bugprone-reserved-identifier) */
