/* A dead writer's rings: where they are, and what of them is not in the log yet. Their files are
 * untrusted, and are read and never mapped: one that shrinks must not kill us with SIGBUS. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "format/error.h"
#include "recover_state.h"
#include "ring_set.h"

#define PAGE_BYTES 4096u

static enum alog_status no_memory(struct alog_error *error) {
    return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "no memory for a dead writer's rings");
}

/* ---- Finding --------------------------------------------------------------------------------- */

struct search {
    const struct alog_recover_run *run;
    const struct alog_control_facts *facts;
    uint64_t writer_id;
    struct alog_dead_rings rings;
    int denied; /* an errno: a directory may hold rings, and may not be read */
};

/* The id in "agentlog-<writer id>-<ring id>.ring", or 0. */
static uint64_t ring_of_name(const char *name, uint64_t writer_id) {
    char canonical[64];
    char *end;
    if (strncmp(name, "agentlog-", 9) != 0 || strlen(name) < 9 + 16 + 1 || name[25] != '-') {
        return 0;
    }
    uint64_t id = strtoull(name + 26, &end, 10);
    snprintf(canonical, sizeof canonical, "agentlog-%016" PRIx64 "-%" PRIu64 ".ring", writer_id,
             id);
    return id <= INT64_MAX && strcmp(name, canonical) == 0 ? id : 0;
}

/* A ring with its file, or (path NULL) without one. Takes the path over. */
static bool add_ring(struct search *search, uint64_t id, char *path) {
    struct alog_dead_rings *rings = &search->rings;
    struct alog_dead_ring *grown = realloc(rings->rings, (rings->count + 1) * sizeof *rings->rings);
    if (grown == NULL) {
        free(path);
        return false;
    }
    rings->rings = grown;
    rings->rings[rings->count++] =
        (struct alog_dead_ring){.id = id, .path = path, .state = ALOG_DEAD_RING_GONE};
    return true;
}

static bool is_known(const struct search *search, const char *path) {
    for (size_t i = 0; i < search->rings.count; i++) {
        const char *known = search->rings.rings[i].path;
        if (known != NULL && strcmp(known, path) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_found(const struct search *search, uint64_t id) {
    for (size_t i = 0; i < search->rings.count; i++) {
        if (search->rings.rings[i].id == id) {
            return true;
        }
    }
    return false;
}

/*
 * Everybody can make files in a directory for shared memory. A ring is believed when it belongs to
 * the writer's user, as its control file does, or to the log's owner (a daemon that opens its
 * writer as root and goes on as that user); another one is none of this writer's.
 */
static bool is_trusted(const struct search *search, const char *path) {
    const struct alog_io *io = search->run->io;
    struct stat facts;
    int fd = io->open(io->context, path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0) {
        return true; /* who opens it for reading is told why not */
    }
    bool trusted = io->fstat(io->context, fd, &facts) < 0 || facts.st_uid == search->facts->owner ||
                   facts.st_uid == search->run->log_owner;
    io->close(io->context, fd);
    return trusted;
}

static bool add_file(struct search *search, const char *dir, const char *name) {
    uint64_t id = ring_of_name(name, search->writer_id);
    char *path;
    if (id == 0 || search->rings.count >= ALOG_CONTROL_MAX_RINGS) {
        return true;
    }
    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        return false;
    }
    if (is_known(search, path) || !is_trusted(search, path)) {
        free(path);
        return true;
    }
    return add_ring(search, id, path);
}

/* What is not there holds no rings; what only failed now may. */
static enum alog_status cannot_look(struct search *search, const char *path, int reason,
                                    struct alog_error *error) {
    if (reason == ENOENT || reason == ENOTDIR) {
        return ALOG_OK;
    }
    if (reason == EACCES || reason == EPERM) {
        search->denied = reason;
        return ALOG_OK;
    }
    return alog_fail(error, ALOG_IO, reason, -1, "cannot look for rings in %.256s", path);
}

static enum alog_status search_dir(struct search *search, const char *dir,
                                   struct alog_error *error) {
    DIR *directory = opendir(dir);
    if (directory == NULL) {
        return cannot_look(search, dir, errno, error);
    }
    bool memory = true;
    const struct dirent *entry;
    errno = 0;
    while (memory && (entry = readdir(directory)) != NULL) {
        memory = add_file(search, dir, entry->d_name);
        errno = 0;
    }
    int reason = errno;
    closedir(directory);
    if (!memory) {
        return no_memory(error);
    }
    return reason == 0 ? ALOG_OK : cannot_look(search, dir, reason, error);
}

/* A ring that the control file names: where it says, unless that is no name of a ring of this
 * writer, which nobody here must touch. */
static enum alog_status search_named(struct search *search, const struct alog_control_ring *named,
                                     struct alog_error *error) {
    const char *slash = strrchr(named->path, '/');
    if (slash == NULL || slash == named->path || named->path[0] != '/' ||
        ring_of_name(slash + 1, search->writer_id) != named->id || is_found(search, named->id)) {
        return ALOG_OK;
    }
    const struct alog_io *io = search->run->io;
    int fd = io->open(io->context, named->path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0) {
        return cannot_look(search, named->path, -fd, error);
    }
    io->close(io->context, fd);
    if (!is_trusted(search, named->path)) {
        return ALOG_OK;
    }
    char *path = strdup(named->path);
    return path != NULL && add_ring(search, named->id, path) ? ALOG_OK : no_memory(error);
}

static enum alog_status search_everywhere(struct search *search, struct alog_error *error) {
    const struct alog_control_facts *facts = search->facts;
    const char *dirs[] = {facts->ring_dir, ALOG_SHARED_MEMORY_DIR, search->run->own_dir};
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; i < 3 && status == ALOG_OK; i++) {
        if (dirs[i] != NULL && dirs[i][0] != '\0') {
            status = search_dir(search, dirs[i], error);
        }
    }
    for (size_t i = 0; i < facts->ring_count && status == ALOG_OK; i++) {
        status = search_named(search, &facts->rings[i], error);
    }
    for (size_t i = 0; i < facts->ring_count && status == ALOG_OK; i++) {
        if (!is_found(search, facts->rings[i].id) && !add_ring(search, facts->rings[i].id, NULL)) {
            status = no_memory(error);
        }
    }
    return status;
}

/* ---- Looking at one -------------------------------------------------------------------------- */

static bool same_boot(const struct search *search) {
    return search->run->boot[0] != '\0' && strcmp(search->run->boot, search->facts->boot) == 0;
}

/* Such a file system does not outlive a boot, so that what is on it is of this one. */
static bool is_in_memory(int fd) {
    struct statfs facts;
    return fstatfs(fd, &facts) == 0 && facts.f_type == TMPFS_MAGIC;
}

static enum alog_dead_ring_state read_header(const struct alog_ring_header *header,
                                             uint64_t writer_id, const struct alog_past *past,
                                             struct alog_dead_ring *ring) {
    /* Relaxed, here and below: nobody else has this memory. */
    uint64_t head = atomic_load_explicit(&header->head, memory_order_relaxed);
    if (header->magic == 0 && head == 0) {
        return ALOG_DEAD_RING_UNUSED;
    }
    if (!alog_ring_valid(header, ring->file_bytes) || header->ring_id != ring->id ||
        header->writer_id != writer_id) {
        return ALOG_DEAD_RING_BROKEN;
    }
    uint64_t mark = alog_past_mark(past, ring->id);
    ring->capacity = header->capacity;
    ring->head = head;
    ring->tail = atomic_load_explicit(&header->tail, memory_order_relaxed);
    ring->from = mark > ring->tail ? mark : ring->tail;
    ring->lost_total = atomic_load_explicit(&header->lost_total, memory_order_relaxed);
    ring->lost_at = atomic_load_explicit(&header->lost_at, memory_order_relaxed);
    return ring->from <= head && ring->from % 8 == 0 ? ALOG_DEAD_RING_GOOD : ALOG_DEAD_RING_BROKEN;
}

/* Copy what it counted as lost. A producer that was killed while it counted has stored the type's
 * count, and not the total yet: the types decide. */
static bool read_losses(const struct alog_ring_header *header, struct alog_dead_ring *ring) {
    ring->lost = calloc(ALOG_MAX_TYPES, sizeof *ring->lost);
    if (ring->lost == NULL) {
        return false;
    }
    ring->lost_total = 0;
    for (uint32_t type = 0; type < ALOG_MAX_TYPES; type++) {
        uint64_t lost = atomic_load_explicit(&header->lost[type], memory_order_relaxed);
        /* Nothing can lose so many; their sum must not overflow. */
        ring->lost[type] = lost < UINT64_C(1) << 48 ? lost : 0;
        ring->lost_total += ring->lost[type];
    }
    return true;
}

enum alog_status alog_dead_ring_examine(const struct alog_io *io, int fd, uint64_t writer_id,
                                        const struct alog_past *past, struct alog_dead_ring *ring,
                                        struct alog_error *error) {
    struct alog_ring_header *header = aligned_alloc(PAGE_BYTES, ALOG_RING_HEADER_BYTES);
    if (header == NULL) {
        return no_memory(error);
    }
    memset(header, 0, ALOG_RING_HEADER_BYTES);
    int64_t got = alog_io_read_full(io, fd, header, ALOG_RING_HEADER_BYTES, 0);
    enum alog_status status = ALOG_OK;
    if (got < 0) {
        status = alog_fail(error, ALOG_IO, (int)-got, 0, "cannot read %s", ring->path);
    } else {
        ring->state = read_header(header, writer_id, past, ring);
        if (ring->state == ALOG_DEAD_RING_GOOD && !read_losses(header, ring)) {
            status = no_memory(error);
        }
    }
    free(header);
    return status;
}

static enum alog_status look_at_file(const struct search *search, const struct alog_past *past,
                                     struct alog_dead_ring *ring, int fd,
                                     struct alog_error *error) {
    const struct alog_io *io = search->run->io;
    struct stat facts;
    int result = io->fstat(io->context, fd, &facts);
    if (result < 0) {
        return alog_fail(error, ALOG_IO, -result, -1, "cannot look at %s", ring->path);
    }
    ring->state = ALOG_DEAD_RING_BROKEN;
    if (!S_ISREG(facts.st_mode)) {
        return ALOG_OK;
    }
    ring->file_bytes = (uint64_t)facts.st_size;
    if (!same_boot(search) && !is_in_memory(fd)) {
        bool known = search->run->boot[0] != '\0' && search->facts->boot[0] != '\0';
        ring->state = known ? ALOG_DEAD_RING_OLD_BOOT : ALOG_DEAD_RING_UNKNOWN_BOOT;
        return ALOG_OK;
    }
    return alog_dead_ring_examine(io, fd, search->writer_id, past, ring, error);
}

static enum alog_status look_at(const struct search *search, const struct alog_past *past,
                                struct alog_dead_ring *ring, struct alog_error *error) {
    const struct alog_io *io = search->run->io;
    if (ring->path == NULL) {
        char here[ALOG_DIR_ID_BYTES] = "";
        if (search->facts->ring_dir != NULL) {
            alog_dir_id(search->facts->ring_dir, here);
        }
        bool elsewhere = same_boot(search) && search->facts->ring_dir_id[0] != '\0' &&
                         strcmp(here, search->facts->ring_dir_id) != 0;
        ring->error = search->denied != 0 ? search->denied : ENOENT;
        ring->state =
            elsewhere || search->denied != 0 ? ALOG_DEAD_RING_ELSEWHERE : ALOG_DEAD_RING_GONE;
        return ALOG_OK;
    }
    int fd = io->open(io->context, ring->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        ring->error = -fd;
        ring->state = fd == -ENOENT  ? ALOG_DEAD_RING_GONE
                      : fd == -ELOOP ? ALOG_DEAD_RING_BROKEN
                                     : ALOG_DEAD_RING_ELSEWHERE;
        return ALOG_OK;
    }
    enum alog_status status = ALOG_OK;
    if (io->lock(io->context, fd) == -EWOULDBLOCK) {
        /* Its writer lives: this control file is a copy of that writer's, whose lock a copy does
         * not have. The ring is not ours to read, or to remove. */
        ring->error = EBUSY;
        ring->state = ALOG_DEAD_RING_ELSEWHERE;
        free(ring->path);
        ring->path = NULL;
    } else {
        status = look_at_file(search, past, ring, fd, error);
    }
    io->close(io->context, fd);
    return status;
}

static int compare_rings(const void *left, const void *right) {
    const struct alog_dead_ring *a = left;
    const struct alog_dead_ring *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

enum alog_status alog_dead_rings_find(const struct alog_recover_run *run, uint64_t writer_id,
                                      const struct alog_control_facts *facts,
                                      const struct alog_past *past,
                                      struct alog_dead_rings *ret_rings, struct alog_error *error) {
    struct search search = {.run = run, .facts = facts, .writer_id = writer_id};
    enum alog_status status = search_everywhere(&search, error);
    if (search.rings.count > 0) {
        qsort(search.rings.rings, search.rings.count, sizeof *search.rings.rings, compare_rings);
    }
    for (size_t i = 0; i < search.rings.count && status == ALOG_OK; i++) {
        status = look_at(&search, past, &search.rings.rings[i], error);
    }
    if (status != ALOG_OK) {
        alog_dead_rings_free(&search.rings);
        return status;
    }
    *ret_rings = search.rings;
    return ALOG_OK;
}

void alog_dead_rings_free(struct alog_dead_rings *rings) {
    for (size_t i = 0; i < rings->count; i++) {
        free(rings->rings[i].path);
        free(rings->rings[i].lost);
    }
    free(rings->rings);
    *rings = (struct alog_dead_rings){0};
}

/* ---- Reading --------------------------------------------------------------------------------- */

/* The positions [from, end), which do not wrap, to their places. */
static enum alog_status read_piece(const struct alog_io *io, const struct alog_dead_ring *ring,
                                   int fd, uint8_t *memory, uint64_t from, uint64_t end,
                                   struct alog_error *error) {
    uint64_t place = ALOG_RING_HEADER_BYTES + (from & (ring->capacity - 1));
    size_t bytes = (size_t)(end - from);
    int64_t got = alog_io_read_full(io, fd, memory + place, bytes, place);
    if (got < 0) {
        return alog_fail(error, ALOG_IO, (int)-got, (int64_t)place, "cannot read %s", ring->path);
    }
    return (size_t)got == bytes
               ? ALOG_OK
               : alog_fail(error, ALOG_CORRUPT, 0, (int64_t)place, "%s has shrunk", ring->path);
}

static enum alog_status read_pieces(const struct alog_io *io, const struct alog_dead_ring *ring,
                                    int fd, uint8_t *memory, struct alog_error *error) {
    int64_t got = alog_io_read_full(io, fd, memory, ALOG_RING_HEADER_BYTES, 0);
    if (got < 0) {
        return alog_fail(error, ALOG_IO, (int)-got, 0, "cannot read %s", ring->path);
    }
    const struct alog_ring_header *header = (const void *)memory;
    if (got != ALOG_RING_HEADER_BYTES || !alog_ring_valid(memory, ring->file_bytes) ||
        header->capacity != ring->capacity ||
        atomic_load_explicit(&header->head, memory_order_relaxed) != ring->head) {
        return alog_fail(error, ALOG_CORRUPT, 0, 0, "%s has changed", ring->path);
    }
    uint64_t wrap = (ring->from | (ring->capacity - 1)) + 1;
    uint64_t middle = wrap < ring->head ? wrap : ring->head;
    enum alog_status status = read_piece(io, ring, fd, memory, ring->from, middle, error);
    if (status == ALOG_OK && middle < ring->head) {
        status = read_piece(io, ring, fd, memory, middle, ring->head, error);
    }
    return status;
}

enum alog_status alog_dead_ring_load(const struct alog_io *io, const struct alog_dead_ring *ring,
                                     void **ret_memory, struct alog_error *error) {
    int fd = io->open(io->context, ring->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) {
        return alog_fail(error, ALOG_IO, -fd, -1, "cannot open %s", ring->path);
    }
    /* Only the pages that are read into take memory. A multiple of the page, as both parts are. */
    void *memory = aligned_alloc(PAGE_BYTES, (size_t)alog_ring_total_bytes(ring->capacity));
    enum alog_status status = memory == NULL ? no_memory(error) : ALOG_OK;
    if (status == ALOG_OK) {
        status = read_pieces(io, ring, fd, memory, error);
    }
    io->close(io->context, fd);
    if (status != ALOG_OK) {
        free(memory);
        return status;
    }
    *ret_memory = memory;
    return ALOG_OK;
}
