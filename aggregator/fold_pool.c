#include "fold_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum slot_state { SLOT_FREE, SLOT_READY, SLOT_BUSY };

struct slot {
    enum slot_state state;
    uint8_t *frame;
    size_t capacity;
    struct alog_block_facts facts; /* without what points elsewhere */
    struct alog_fold_progress *progress;
};

struct worker {
    struct alog_fold_pool *pool;
    struct alog_fold *fold;
    pthread_t thread;
    bool started;
    size_t bytes;
};

struct alog_fold_pool {
    pthread_mutex_t lock;
    pthread_cond_t ready, done; /* a slot is ready, or the end; a slot has become free */
    bool stop, no_memory;
    uint32_t worker_count, slot_count, busy; /* busy: slots that are not free */
    uint32_t at_work, most_at_work;          /* workers */
    bool crowded;                            /* no processor is left beside the workers */
    struct worker *workers;
    struct slot *slots;
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

static struct slot *find_slot(struct alog_fold_pool *pool, enum slot_state state) {
    for (uint32_t i = 0; i < pool->slot_count; i++) {
        if (pool->slots[i].state == state) {
            return &pool->slots[i];
        }
    }
    return NULL;
}

static void *work(void *context) {
    struct worker *worker = context;
    struct alog_fold_pool *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct slot *slot;
        while (!pool->stop &&
               (pool->at_work >= pool->most_at_work || !(slot = find_slot(pool, SLOT_READY)))) {
            pthread_cond_wait(&pool->ready, &pool->lock);
        }
        if (pool->stop) {
            break;
        }
        slot->state = SLOT_BUSY;
        pool->at_work++;
        pthread_mutex_unlock(&pool->lock);
        struct alog_fold_result result = {0};
        enum alog_status status = alog_fold_block(worker->fold, slot->frame, &slot->facts,
                                                  slot->progress->environment, &result);
        size_t bytes = alog_groups_bytes(alog_fold_groups(worker->fold)) +
                       alog_fold_seen_jobs(worker->fold)->bytes;
        pthread_mutex_lock(&pool->lock);
        pool->no_memory |= status != ALOG_OK;
        worker->bytes = bytes;
        add_result(slot->progress, &result);
        slot->state = SLOT_FREE;
        pool->at_work--;
        pool->busy--;
        pthread_cond_signal(&pool->done);
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
    for (uint32_t i = 0; pool->slots && i < pool->slot_count; i++) {
        free(pool->slots[i].frame);
    }
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->ready);
    pthread_cond_destroy(&pool->done);
    free(pool->workers);
    free(pool->slots);
    free(pool);
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
    pool->worker_count = pool->most_at_work = threads;
    pool->crowded = threads > 1 && sysconf(_SC_NPROCESSORS_ONLN) <= (long)threads;
    pool->slot_count = 2 * threads + 1;
    pool->workers = calloc(pool->worker_count, sizeof(*pool->workers));
    pool->slots = calloc(pool->slot_count, sizeof(*pool->slots));
    bool good = pool->workers && pool->slots;
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

static bool copy_frame(struct slot *slot, const uint8_t *frame, size_t bytes) {
    if (bytes > slot->capacity) {
        free(slot->frame);
        slot->frame = malloc(bytes);
        slot->capacity = slot->frame ? bytes : 0;
    }
    if (bytes != 0 && slot->frame) {
        memcpy(slot->frame, frame, bytes);
    }
    return bytes == 0 || slot->frame;
}

enum alog_status alog_fold_pool_add(struct alog_fold_pool *pool, const uint8_t *frame,
                                    const struct alog_block_facts *facts,
                                    struct alog_fold_progress *progress) {
    struct slot *slot;
    pthread_mutex_lock(&pool->lock);
    while (!(slot = find_slot(pool, SLOT_FREE))) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    bool failed = pool->no_memory;
    pthread_mutex_unlock(&pool->lock);
    /* Only this thread fills free slots, so the copy needs no lock. */
    if (failed || !copy_frame(slot, frame, facts->compressed_bytes)) {
        return ALOG_NO_MEMORY;
    }
    slot->facts = *facts;
    slot->facts.counts = slot->facts.drops = NULL;
    slot->facts.rings = NULL;
    slot->facts.bloom = NULL;
    slot->facts.count_count = slot->facts.drop_count = slot->facts.ring_count = 0;
    slot->facts.bloom_bytes = 0;
    slot->progress = progress;
    pthread_mutex_lock(&pool->lock);
    slot->state = SLOT_READY;
    pool->busy++;
    pthread_cond_signal(&pool->ready);
    pthread_mutex_unlock(&pool->lock);
    return ALOG_OK;
}

size_t alog_fold_pool_bytes(struct alog_fold_pool *pool) {
    size_t bytes = 0;
    pthread_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        bytes += pool->workers[i].bytes;
    }
    pthread_mutex_unlock(&pool->lock);
    return bytes;
}

void alog_fold_pool_make_way(struct alog_fold_pool *pool, bool busy) {
    pthread_mutex_lock(&pool->lock);
    pool->most_at_work = pool->worker_count - (busy && pool->crowded);
    pthread_cond_broadcast(&pool->ready);
    pthread_mutex_unlock(&pool->lock);
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
        *groups = (struct alog_groups){0};
        worker->bytes = 0;
    }
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
    pthread_mutex_unlock(&pool->lock);
    return status;
}
