/* A bar on stderr while long work goes on. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH   30
#define INTERVAL_NS INT64_C(100000000)

static int64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct progress progress_begin(const char *label) {
    return (struct progress){
        .label = label, .wanted = isatty(STDERR_FILENO) == 1, .last_ns = monotonic_ns()};
}

void progress_update(void *context, uint64_t done, uint64_t total) {
    struct progress *progress = context;
    if (!progress->wanted || total == 0) {
        return;
    }
    const int64_t now_ns = monotonic_ns();
    if (now_ns - progress->last_ns < INTERVAL_NS) {
        return;
    }
    progress->last_ns = now_ns;
    progress->drawn = true;
    const double part = done < total ? (double)done / (double)total : 1.0;
    const int filled = (int)(part * BAR_WIDTH);
    char bar[BAR_WIDTH + 1];
    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r%s [%s] %3.0f %%\x1b[K", progress->label, bar, part * 100.0);
    fflush(stderr);
}

void progress_clear(struct progress *progress) {
    if (progress->drawn) {
        fputs("\r\x1b[K", stderr);
        progress->drawn = false;
    }
}
