#include "fold_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

/*
 * Blocks are handed out in runs of neighbours: those of one job stand together in the log, so that
 * hardly any job is known to two threads, and merging their groups is mostly moving. Who has no run
 * helps with another's.
 */
#define MAX_RUN_BLOCKS 32u
#define QUEUE_BYTES    (16u << 20) /* of frames that wait or are being folded, all runs together */
#define MIN_RUN_BYTES  (256u << 10)
#define MAX_RUN_BYTES  (2u << 20)

/*
 * Blocks that wait become groups before anybody can stop it, and what an event becomes may be many
 * times its compressed length: a job of its own takes a thousand bytes. So no more wait than come
 * to GROWTH_BYTES by what the last SAMPLE_EVENTS took, or LEAST_BYTES an event, since the next may
 * be of another kind.
 */
#define GROWTH_BYTES  (24u << 20)
#define SAMPLE_EVENTS 50000u
#define LEAST_BYTES   96u
#define FIRST_BYTES   1024u /* an event, while nothing is known */

/* Above the caller: who reads blocks, and who writes what was folded, is waited for by all. */
#define MORE_NICE 5

struct block {
    size_t frame;                  /* where it begins in the run's bytes */
    struct alog_block_facts facts; /* without what points elsewhere */
    struct alog_fold_progress *progress;
};

/* 0 <= folded <= taken <= filled; filled once more when it is closed and all are folded. */
struct run {
    const struct worker *owner; /* NULL = nobody's yet */
    bool closed;                /* no more blocks come */
    uint32_t filled, taken, folded;
    uint8_t *bytes;
    size_t used, capacity;
    struct block blocks[MAX_RUN_BLOCKS];
};

struct worker {
    struct alog_fold_pool *pool;
    struct alog_fold *fold;
    pthread_t thread;
    bool started;
    struct run *run; /* it owned last; may have another owner by now */
    size_t bytes;
};

struct alog_fold_pool {
    pthread_mutex_t lock;
    pthread_cond_t ready, done; /* a block is ready, or the end; a run, or all, has been folded */
    bool stop, no_memory;
    uint32_t worker_count, run_count;
    uint32_t busy; /* blocks that are not folded yet, */
    uint64_t busy_events;
    bool held_up;           /* somebody waits until these are fewer */
    size_t event_bytes;     /* what one takes in the groups */
    uint64_t sample_events; /* folded since that was found out, when groups had … */
    size_t sample_bytes;
    size_t run_bytes;
    uint32_t filling; /* index of the run that gets the next block */
    struct worker *workers;
    struct run *runs;
    struct alog_arena_reserve *reserve; /* of the workers' groups */
};

static void add_result(struct alog_fold_progress *progress, const struct alog_fold_result *result) {
    if (result->events != 0) {
        if (progress->events == 0 || result->min_timestamp_ns < progress->min_timestamp_ns) {
            progress->min_timestamp_ns = result->min_timestamp_ns;
        }
        if (progress->events == 0 || result->max_timestamp_ns > progress->max_timestamp_ns) {
            progress->max_timestamp_ns = result->max_timestamp_ns;
        }
    }
    progress->events += result->events;
    progress->undecoded += result->undecoded;
}

static bool has_ready(const struct run *run) {
    return run->taken < run->filled;
}

/* ---- Memory ---- */

static size_t all_bytes(const struct alog_fold_pool *pool) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        bytes += pool->workers[i].bytes;
    }
    return bytes;
}

static void begin_sample(struct alog_fold_pool *pool) {
    pool->sample_events = 0;
    pool->sample_bytes = all_bytes(pool);
}

/* So many events more have been folded. */
static void sample(struct alog_fold_pool *pool, uint64_t events) {
    pool->sample_events += events;
    if (pool->sample_events >= SAMPLE_EVENTS) {
        const size_t grown = all_bytes(pool) - pool->sample_bytes;
        const size_t one = (size_t)(grown / pool->sample_events);
        pool->event_bytes = one > LEAST_BYTES ? one : LEAST_BYTES;
        begin_sample(pool);
    }
}

/* Whether what waits may come to more than `bytes`. */
static bool may_exceed(const struct alog_fold_pool *pool, size_t bytes) {
    return pool->busy_events > bytes / pool->event_bytes;
}

static uint64_t events_of(const struct alog_block_facts *facts) {
    return facts->last_sequence - facts->first_sequence + 1;
}

/* ---- Folding ---- */

/* The run that a worker goes on with: its own, else the eldest that nobody owns, else the eldest.
 * NULL: no block is ready. */
static struct run *find_run(struct alog_fold_pool *pool, struct worker *worker) {
    if (worker->run && worker->run->owner == worker && has_ready(worker->run)) {
        return worker->run;
    }
    struct run *any = NULL;
    for (uint32_t i = 1; i <= pool->run_count; i++) {
        struct run *run = &pool->runs[(pool->filling + i) % pool->run_count];
        if (has_ready(run) && !run->owner) {
            run->owner = worker;
            worker->run = run;
            return run;
        }
        any = has_ready(run) && !any ? run : any;
    }
    return any;
}

static void *work(void *context) {
    struct worker *worker = context;
    struct alog_fold_pool *pool = worker->pool;
    /* Of this thread alone, as Linux has it. Where it is refused, all take turns. */
    (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + MORE_NICE);
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct run *run = NULL;
        while (!pool->stop && (run = find_run(pool, worker)) == NULL) {
            pthread_cond_wait(&pool->ready, &pool->lock);
        }
        if (pool->stop) {
            break;
        }
        const struct block *block = &run->blocks[run->taken++];
        pthread_mutex_unlock(&pool->lock);
        struct alog_fold_result result = {0};
        enum alog_status status =
            alog_fold_block(worker->fold, run->bytes + block->frame, &block->facts,
                            block->progress->environment, &result);
        size_t bytes = alog_groups_bytes(alog_fold_groups(worker->fold)) +
                       alog_fold_seen_jobs(worker->fold)->bytes;
        pthread_mutex_lock(&pool->lock);
        pool->no_memory |= status != ALOG_OK;
        worker->bytes = bytes;
        add_result(block->progress, &result);
        run->folded++;
        pool->busy--;
        pool->busy_events -= events_of(&block->facts);
        sample(pool, events_of(&block->facts));
        if (run->folded == run->filled || pool->busy == 0 ||
            (pool->held_up && !may_exceed(pool, GROWTH_BYTES / 2))) {
            pthread_cond_signal(&pool->done);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

void alog_fold_pool_free(struct alog_fold_pool *pool) {
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->ready);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; pool->workers && i < pool->worker_count; i++) {
        if (pool->workers[i].started) {
            pthread_join(pool->workers[i].thread, NULL);
        }
        alog_fold_free(pool->workers[i].fold);
    }
    for (uint32_t i = 0; pool->runs && i < pool->run_count; i++) {
        free(pool->runs[i].bytes);
    }
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->ready);
    pthread_cond_destroy(&pool->done);
    free(pool->workers);
    free(pool->runs);
    alog_arena_reserve_free(pool->reserve);
    free(pool);
}

static size_t run_bytes(uint32_t run_count) {
    size_t bytes = QUEUE_BYTES / run_count;
    return bytes < MIN_RUN_BYTES ? MIN_RUN_BYTES : bytes > MAX_RUN_BYTES ? MAX_RUN_BYTES : bytes;
}

enum alog_status alog_fold_pool_new(uint32_t threads, const struct alog_fold_scope *scope,
                                    struct alog_fold_pool **ret_pool) {
    struct alog_fold_pool *pool = calloc(1, sizeof(*pool));
    if (!pool) {
        return ALOG_NO_MEMORY;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->ready, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->worker_count = threads;
    pool->run_count = threads + 1;
    pool->run_bytes = run_bytes(pool->run_count);
    pool->event_bytes = FIRST_BYTES;
    pool->workers = calloc(pool->worker_count, sizeof(*pool->workers));
    pool->runs = calloc(pool->run_count, sizeof(*pool->runs));
    pool->reserve = alog_arena_reserve_new();
    bool good = pool->workers && pool->runs && pool->reserve;
    for (uint32_t i = 0; good && i < threads; i++) {
        struct worker *worker = &pool->workers[i];
        worker->pool = pool;
        worker->fold = alog_fold_new(scope);
        worker->started = worker->fold && pthread_create(&worker->thread, NULL, work, worker) == 0;
        good = worker->started;
    }
    if (!good) {
        alog_fold_pool_free(pool);
        return ALOG_NO_MEMORY;
    }
    *ret_pool = pool;
    return ALOG_OK;
}

/* ---- Filling runs; by the pool's user alone ---- */

static bool has_room(const struct run *run, size_t bytes) {
    return !run->closed && run->filled < MAX_RUN_BLOCKS && bytes <= run->capacity - run->used;
}

/* A run that is as new, for a first frame of `bytes`. */
static bool begin_run(const struct alog_fold_pool *pool, struct run *run, size_t bytes) {
    size_t want = bytes > pool->run_bytes ? bytes : pool->run_bytes;
    uint8_t *room = run->bytes;
    if (run->capacity != want) {
        free(room);
        room = malloc(want);
    }
    *run = (struct run){.bytes = room, .capacity = room ? want : 0};
    return room != NULL;
}

/* The run with room for a frame of `bytes`; the pool is locked, and unlocked while this waits.
 * NULL: no memory. */
static struct run *run_for(struct alog_fold_pool *pool, size_t bytes) {
    struct run *run = &pool->runs[pool->filling];
    pool->held_up = may_exceed(pool, GROWTH_BYTES);
    while (pool->held_up) {
        pthread_cond_wait(&pool->done, &pool->lock);
        pool->held_up = pool->busy != 0 && may_exceed(pool, GROWTH_BYTES / 2);
    }
    if (has_room(run, bytes)) {
        return run;
    }
    run->closed = true;
    pool->filling = (pool->filling + 1) % pool->run_count;
    run = &pool->runs[pool->filling];
    while (run->folded != run->filled) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    return begin_run(pool, run, bytes) ? run : NULL;
}

/* Nobody else looks behind what a run has been filled with: what is put there needs no lock. */
uint8_t *alog_fold_pool_room(struct alog_fold_pool *pool, size_t bytes) {
    pthread_mutex_lock(&pool->lock);
    struct run *run = pool->no_memory ? NULL : run_for(pool, bytes);
    pthread_mutex_unlock(&pool->lock);
    return run ? run->bytes + run->used : NULL;
}

enum alog_status alog_fold_pool_add(struct alog_fold_pool *pool, const uint8_t *frame,
                                    const struct alog_block_facts *facts,
                                    struct alog_fold_progress *progress) {
    uint8_t *room = alog_fold_pool_room(pool, facts->compressed_bytes);
    if (!room) {
        return ALOG_NO_MEMORY;
    }
    if (frame != room && facts->compressed_bytes != 0) {
        memcpy(room, frame, facts->compressed_bytes);
    }
    struct run *run = &pool->runs[pool->filling];
    struct block *block = &run->blocks[run->filled];
    block->frame = run->used;
    block->facts = *facts;
    block->facts.counts = block->facts.drops = NULL;
    block->facts.rings = NULL;
    block->facts.bloom = NULL;
    block->facts.count_count = block->facts.drop_count = block->facts.ring_count = 0;
    block->facts.bloom_bytes = 0;
    block->progress = progress;
    pthread_mutex_lock(&pool->lock);
    run->used += facts->compressed_bytes;
    run->filled++;
    pool->busy++;
    pool->busy_events += events_of(facts);
    pthread_cond_signal(&pool->ready);
    pthread_mutex_unlock(&pool->lock);
    return ALOG_OK;
}

size_t alog_fold_pool_bytes(struct alog_fold_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    const size_t bytes = all_bytes(pool);
    pthread_mutex_unlock(&pool->lock);
    return bytes;
}

static enum alog_status merge_names(struct alog_names *into, struct alog_names *from) {
    enum alog_status status = ALOG_OK;
    for (uint32_t i = 0; into && status == ALOG_OK && i < from->count; i++) {
        status = alog_names_add(into, from->texts[i]) == ALOG_NAME_NONE ? ALOG_NO_MEMORY : ALOG_OK;
    }
    alog_names_free(from);
    return status;
}

enum alog_status alog_fold_pool_take(struct alog_fold_pool *pool, struct alog_groups *ret_groups) {
    pthread_mutex_lock(&pool->lock);
    while (pool->busy != 0) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        struct worker *worker = &pool->workers[i];
        struct alog_groups *groups = alog_fold_groups(worker->fold);
        ret_groups[i] = *groups;
        ret_groups[i].arena.reserve = pool->reserve;
        *groups = (struct alog_groups){.arena = {.reserve = pool->reserve}};
        worker->bytes = 0;
    }
    begin_sample(pool);
    enum alog_status status = pool->no_memory ? ALOG_NO_MEMORY : ALOG_OK;
    pthread_mutex_unlock(&pool->lock);
    return status;
}

enum alog_status alog_fold_pool_collect(struct alog_fold_pool *pool, struct alog_groups *into,
                                        struct alog_names *seen_jobs) {
    pthread_mutex_lock(&pool->lock);
    while (pool->busy != 0) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    enum alog_status status = pool->no_memory ? ALOG_NO_MEMORY : ALOG_OK;
    for (uint32_t i = 0; status == ALOG_OK && i < pool->worker_count; i++) {
        struct worker *worker = &pool->workers[i];
        status = alog_groups_merge(into, alog_fold_groups(worker->fold));
        if (status == ALOG_OK) {
            status = merge_names(seen_jobs, alog_fold_seen_jobs(worker->fold));
        }
        worker->bytes = 0;
    }
    begin_sample(pool);
    into->arena.reserve = NULL; /* these groups may outlive the pool */
    pthread_mutex_unlock(&pool->lock);
    return status;
}
