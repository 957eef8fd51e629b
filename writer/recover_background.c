/* Recovery beside a new writer's work; see recover_background.h. */
#include "recover_background.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recover_state.h"
#include "writer_state.h"

struct alog_background {
    struct alog_writer *writer;
    pthread_t thread;
    atomic_bool stop;
};

/* Does another writer have a control file? Most often it lives, which the thread finds out. */
static bool has_others(const struct alog_writer *writer) {
    char own[32];
    snprintf(own, sizeof own, "%016" PRIx64 ".writer", writer->writer_id);
    DIR *directory = opendir(writer->own_dir);
    if (directory == NULL) {
        return false;
    }
    bool found = false;
    const struct dirent *entry;
    while (!found && (entry = readdir(directory)) != NULL) {
        size_t len = strlen(entry->d_name);
        found = len == strlen(own) && strcmp(entry->d_name + 16, own + 16) == 0 &&
                strcmp(entry->d_name, own) != 0;
    }
    closedir(directory);
    return found;
}

static void *run(void *argument) {
    struct alog_background *background = argument;
    struct alog_writer *writer = background->writer;
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    options.io = writer->io;
    options.compression_level = writer->options.compression_level;
    struct alog_recover_report report;
    struct alog_error error = {.system_errno = 0};
    if (alog_recover_until(writer->log_dir, &options, &background->stop, &report, &error) ==
        ALOG_OK) {
        /* Relaxed: a count by itself. */
        atomic_fetch_add_explicit(&writer->recovered, report.events_recovered,
                                  memory_order_relaxed);
        alog_recover_report_free(&report);
    } else if (error.system_errno != 0) {
        alog_writer_note_failure(writer, -error.system_errno);
    }
    return NULL;
}

void alog_background_start(struct alog_writer *writer) {
    if (writer->options.no_recovery || !has_others(writer)) {
        return;
    }
    struct alog_background *background = calloc(1, sizeof *background);
    if (background == NULL) {
        return;
    }
    background->writer = writer;
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&background->thread, NULL, run, background);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        alog_writer_note_failure(writer, -failed);
        free(background);
        return;
    }
    pthread_setname_np(background->thread, "agentlog-recov");
    writer->background = background;
}

void alog_background_end(struct alog_writer *writer) {
    struct alog_background *background = writer->background;
    if (background == NULL) {
        return;
    }
    /* Relaxed: a request; the join orders everything. */
    atomic_store_explicit(&background->stop, true, memory_order_relaxed);
    pthread_join(background->thread, NULL);
    free(background);
    writer->background = NULL;
}
