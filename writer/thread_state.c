/* Threads that come and go, and fork; see thread_state.h. */
#include "thread_state.h"

#include <pthread.h>
#include <stdlib.h>

#include "job_scope.h"
#include "writer_fork.h"
#include "writer_state.h"

_Thread_local struct alog_thread alog_self = {.writer = ALOG_NO_WRITER, .job = &alog_job_none};

/* What a child of fork keeps of its parent's threads: known here, so that no leak checker asks. */
struct abandoned {
    const void *memory;
    struct abandoned *next;
};

/* The process's own state: why it is here says thread_state.h. */
static struct {
    pthread_once_t once;
    int failed;        /* of what `once` did, an errno */
    pthread_key_t key; /* its destructor runs when a thread ends */
    pthread_mutex_t mutex;
    struct alog_writer *writers; /* all that are not freed yet */
    struct abandoned *abandoned;
} process = {.once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER};

static void drop_entry(struct alog_thread_entry *entry) {
    alog_ring_set_give_back(entry->writer, entry->slot);
    alog_writer_release(entry->writer);
    free(entry);
}

/* A thread ends. Its own later destructors may still log; then this runs once more. */
static void thread_ends(void *value) {
    struct alog_thread *self = value;
    while (self->entries != NULL) {
        struct alog_thread_entry *entry = self->entries;
        self->entries = entry->next;
        drop_entry(entry);
    }
    self->writer = ALOG_NO_WRITER;
    self->slot = NULL;
    self->has_destructor = false;
    while (alog_job_pop()) {
    }
}

/* fork copies memory as it stands: hold every lock, so that the child finds it whole. */
static void before_fork(void) {
    pthread_mutex_lock(&process.mutex);
    for (struct alog_writer *w = process.writers; w != NULL; w = w->process_next) {
        alog_writer_before_fork(w);
    }
}

static void after_fork_in_parent(void) {
    for (struct alog_writer *w = process.writers; w != NULL; w = w->process_next) {
        alog_writer_after_fork_in_parent(w);
    }
    pthread_mutex_unlock(&process.mutex);
}

/* This is the child's only thread. Its slots are the parent's; its job scopes stay. */
static void after_fork_in_child(void) {
    struct alog_thread *self = &alog_self;
    for (struct alog_writer *w = process.writers; w != NULL; w = w->process_next) {
        alog_writer_after_fork_in_child(w);
    }
    while (self->entries != NULL) {
        struct alog_thread_entry *entry = self->entries;
        self->entries = entry->next;
        free(entry); /* its reference went with those of the threads that were not copied */
    }
    self->writer = ALOG_NO_WRITER;
    self->slot = NULL;
    pthread_mutex_unlock(&process.mutex);
}

static void process_init(void) {
    process.failed = pthread_key_create(&process.key, thread_ends);
    if (process.failed == 0) {
        process.failed = pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
    }
}

enum alog_status alog_process_add(struct alog_writer *writer) {
    pthread_once(&process.once, process_init);
    if (process.failed != 0) {
        return ALOG_NO_MEMORY;
    }
    pthread_mutex_lock(&process.mutex);
    writer->process_previous = NULL;
    writer->process_next = process.writers;
    if (process.writers != NULL) {
        process.writers->process_previous = writer;
    }
    process.writers = writer;
    pthread_mutex_unlock(&process.mutex);
    return ALOG_OK;
}

void alog_process_remove(struct alog_writer *writer) {
    pthread_mutex_lock(&process.mutex);
    if (writer->process_previous != NULL) {
        writer->process_previous->process_next = writer->process_next;
    } else {
        process.writers = writer->process_next;
    }
    if (writer->process_next != NULL) {
        writer->process_next->process_previous = writer->process_previous;
    }
    pthread_mutex_unlock(&process.mutex);
}

void alog_process_abandon(const void *memory) {
    struct abandoned *entry = malloc(sizeof *entry);
    if (entry == NULL) {
        return; /* then it is only less easy to find */
    }
    entry->memory = memory;
    pthread_mutex_lock(&process.mutex);
    entry->next = process.abandoned;
    process.abandoned = entry;
    pthread_mutex_unlock(&process.mutex);
}

enum alog_status alog_thread_watch(void) {
    if (alog_self.has_destructor) {
        return ALOG_OK;
    }
    pthread_once(&process.once, process_init);
    if (process.failed != 0 || pthread_setspecific(process.key, &alog_self) != 0) {
        return ALOG_NO_MEMORY;
    }
    alog_self.has_destructor = true;
    return ALOG_OK;
}

static bool is_closed(const struct alog_ring_slot *slot) {
    /* Relaxed: it only ever goes from 0 to 1, and a late sight of it does no harm here. */
    return atomic_load_explicit(&slot->closed, memory_order_relaxed) != 0;
}

/* The entry for that writer, or NULL. Lets go of writers that were closed meanwhile. */
static struct alog_thread_entry *find_entry(struct alog_thread *self, struct alog_writer *writer) {
    struct alog_thread_entry *found = NULL;
    struct alog_thread_entry **at = &self->entries;
    while (*at != NULL) {
        struct alog_thread_entry *entry = *at;
        if (entry->writer == writer) {
            found = entry;
        } else if (is_closed(entry->slot)) {
            *at = entry->next;
            if (self->slot == entry->slot) {
                self->writer = ALOG_NO_WRITER;
                self->slot = NULL;
            }
            drop_entry(entry);
            continue;
        }
        at = &entry->next;
    }
    return found;
}

static enum alog_status add_entry(struct alog_thread *self, struct alog_writer *writer,
                                  struct alog_thread_entry **ret_entry) {
    struct alog_thread_entry *entry = malloc(sizeof *entry);
    if (entry == NULL || alog_thread_watch() != ALOG_OK) {
        free(entry);
        return ALOG_NO_MEMORY;
    }
    /* Before the slot is asked for: it keeps the handle while `close` runs beside us. */
    alog_writer_retain(writer);
    entry->writer = writer;
    enum alog_status status = alog_writer_reopen_after_fork(writer);
    if (status == ALOG_OK) {
        status = alog_ring_set_take(writer, &entry->slot);
    }
    if (status != ALOG_OK) {
        alog_writer_release(writer);
        free(entry);
        return status;
    }
    entry->next = self->entries;
    self->entries = entry;
    *ret_entry = entry;
    return ALOG_OK;
}

enum alog_status alog_thread_attach(struct alog_writer *writer) {
    struct alog_thread *self = &alog_self;
    struct alog_thread_entry *entry = find_entry(self, writer);
    if (entry == NULL) {
        enum alog_status status = add_entry(self, writer, &entry);
        if (status != ALOG_OK) {
            return status;
        }
    }
    self->slot = entry->slot;
    self->writer = writer;
    return is_closed(entry->slot) ? ALOG_CLOSED : ALOG_OK;
}
