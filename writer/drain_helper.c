/* The helper: a second thread that compresses blocks, so that the drain thread can take events
 * meanwhile. It touches nothing but the blocks that it was given. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "drain.h"

struct alog_drain_helper {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards what follows; what is in a block passes from thread to thread
                              with it */
    pthread_cond_t given, done;
    struct alog_drain_block *blocks[ALOG_DRAIN_BLOCKS]; /* block i of all is at i % their number */
    uint64_t given_count, done_count;
    bool stop;
};

static void *run(void *argument) {
    struct alog_drain_helper *helper = argument;
    pthread_mutex_lock(&helper->mutex);
    for (;;) {
        while (helper->done_count == helper->given_count && !helper->stop) {
            pthread_cond_wait(&helper->given, &helper->mutex);
        }
        if (helper->done_count == helper->given_count) {
            pthread_mutex_unlock(&helper->mutex);
            return NULL;
        }
        struct alog_drain_block *block = helper->blocks[helper->done_count % ALOG_DRAIN_BLOCKS];
        pthread_mutex_unlock(&helper->mutex);
        /* Without memory there is no frame, and the drain thread tries again. */
        if (alog_block_compress(block->compressor, block->raw, block->facts.raw_bytes,
                                &block->frame, &block->facts) != ALOG_OK) {
            block->frame = NULL;
        }
        pthread_mutex_lock(&helper->mutex);
        helper->done_count++;
        pthread_cond_signal(&helper->done);
    }
}

static void helper_free(struct alog_drain_helper *helper) {
    pthread_cond_destroy(&helper->done);
    pthread_cond_destroy(&helper->given);
    pthread_mutex_destroy(&helper->mutex);
    free(helper);
}

struct alog_drain_helper *alog_drain_helper_start(int *ret_errno) {
    struct alog_drain_helper *helper = calloc(1, sizeof *helper);
    if (helper == NULL) {
        *ret_errno = ENOMEM;
        return NULL;
    }
    pthread_mutex_init(&helper->mutex, NULL);
    pthread_cond_init(&helper->given, NULL);
    pthread_cond_init(&helper->done, NULL);
    /* The drain thread, which calls this, takes no signals, and neither does what it starts. */
    int failed = pthread_create(&helper->thread, NULL, run, helper);
    if (failed != 0) {
        helper_free(helper);
        *ret_errno = failed;
        return NULL;
    }
    pthread_setname_np(helper->thread, "agentlog-zstd");
    return helper;
}

void alog_drain_helper_give(struct alog_drain_helper *helper, struct alog_drain_block *block) {
    block->handed_over = true;
    pthread_mutex_lock(&helper->mutex);
    helper->blocks[helper->given_count % ALOG_DRAIN_BLOCKS] = block;
    helper->given_count++;
    pthread_cond_signal(&helper->given);
    pthread_mutex_unlock(&helper->mutex);
}

bool alog_drain_helper_has(struct alog_drain_helper *helper, const struct alog_drain_block *block,
                           bool wait) {
    bool done = true;
    pthread_mutex_lock(&helper->mutex);
    for (uint64_t i = helper->done_count; i < helper->given_count; i++) {
        if (helper->blocks[i % ALOG_DRAIN_BLOCKS] == block) {
            while (wait && helper->done_count <= i) {
                pthread_cond_wait(&helper->done, &helper->mutex);
            }
            done = helper->done_count > i;
        }
    }
    pthread_mutex_unlock(&helper->mutex);
    return done;
}

void alog_drain_helper_stop(struct alog_drain_helper *helper) {
    if (helper == NULL) {
        return;
    }
    pthread_mutex_lock(&helper->mutex);
    helper->stop = true;
    pthread_cond_signal(&helper->given);
    pthread_mutex_unlock(&helper->mutex);
    pthread_join(helper->thread, NULL);
    helper_free(helper);
}
