/*
 * What a thread keeps: the ring slot of each writer it logs to, and its job scopes.
 *
 * This is the process's only state outside a handle: a thread-local variable, and in thread_state.c
 * the key whose destructor runs when a thread ends and the list of writers that fork must know.
 * None of it can live in a handle, because threads end and fork without asking one.
 */
#ifndef AGENTLOG_WRITER_THREAD_STATE_H
#define AGENTLOG_WRITER_THREAD_STATE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <agentlog/agentlog.h>

struct alog_writer;
struct alog_ring_slot;
struct alog_job_frame;

/* A thread's slot at one writer. The entry holds a reference to the writer. */
struct alog_thread_entry {
    struct alog_writer *writer;
    struct alog_ring_slot *slot;
    struct alog_thread_entry *next;
};

/* Not NULL, which a caller may hand in. */
#define ALOG_NO_WRITER ((struct alog_writer *)UINTPTR_MAX)

struct alog_thread {
    struct alog_writer *writer;  /* the one logged to last, or ALOG_NO_WRITER */
    struct alog_ring_slot *slot; /* … and its slot */
    const struct alog_job_frame *job;
    int64_t last_ns; /* the timestamp given last, see alog_clock_in_order */
    struct alog_thread_entry *entries;
    atomic_bool attaching; /* in the slow path: a signal handler must not enter it as well */
    bool has_destructor;
};

/*
 * Small, and in the static TLS block: then its address costs one instruction, in a shared library
 * too. Not where the undefined-behaviour sanitizer compares that address with NULL: ld may turn the
 * addition before the comparison into one that leaves no flags (x86-64, initial exec to local
 * exec).
 */
#ifdef ALOG_DEFAULT_TLS_MODEL
#define ALOG_TLS_MODEL __attribute__((visibility("hidden")))
#else
#define ALOG_TLS_MODEL __attribute__((visibility("hidden"), tls_model("initial-exec")))
#endif
extern _Thread_local struct alog_thread alog_self ALOG_TLS_MODEL;

/*
 * Give the calling thread a slot at `writer` and make it the current one. Takes locks, makes files.
 * ALOG_CLOSED; ALOG_NO_MEMORY or ALOG_IO when no ring can be had now.
 */
enum alog_status alog_thread_attach(struct alog_writer *writer);

/* See that this thread's destructor will run. ALOG_NO_MEMORY. */
enum alog_status alog_thread_watch(void);

/* Make a writer known to fork, and forget it again. ALOG_NO_MEMORY. */
enum alog_status alog_process_add(struct alog_writer *writer);
void alog_process_remove(struct alog_writer *writer);

/*
 * Keep memory that a thread which fork did not copy was working on: nobody can say in what state it
 * is, so it is never freed.
 */
void alog_process_abandon(const void *memory);

#endif
