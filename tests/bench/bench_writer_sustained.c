/* How many events a second the writer takes, compresses, writes and syncs, without a loss; and what
 * of that is zstd, and memory. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <agentlog/reader.h>

#include "bench_writer.h"
#include "format/block.h"
#include "format/segment.h"
#include "format/segment_scan.h"

struct logger {
    struct alog_writer *writer;
    enum bench_event event;
    uint32_t number;
    uint64_t events;
    uint32_t lives; /* one thread after the other, so many */
    uint64_t dropped;
    double cpu_seconds;
};

static double seconds_of(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* A job of about 250 events follows the other. */
static void *log_all(void *argument) {
    struct logger *logger = argument;
    struct alog_job_scope scope = {.job_id_len = 16, .job_id = "job-000000000000"};
    for (uint64_t i = 0; i < logger->events; i++) {
        if (i % 250 == 0) {
            uint64_t job = (i / 250) * BENCH_MAX_THREADS + logger->number;
            for (int digit = 15; digit >= 4; digit--, job /= 10) {
                scope.job_id[digit] = (char)('0' + job % 10);
            }
            alog_job_detach();
            if (alog_job_attach(&scope) != ALOG_OK) {
                bench_die("no job scope");
            }
        }
        const struct alog_agent_execution *event =
            bench_event_at(logger->event, i + logger->number * (BENCH_PREPARED / 4));
        logger->dropped += alog_log_agent_execution(logger->writer, event) != ALOG_OK;
    }
    logger->cpu_seconds += seconds_of(CLOCK_THREAD_CPUTIME_ID);
    return NULL;
}

/* Threads that come and go: each logs its part, and the next takes over its ring. */
static void *live_on(void *argument) {
    struct logger *logger = argument;
    for (uint32_t life = 0; life < logger->lives; life++) {
        pthread_t id;
        if (pthread_create(&id, NULL, log_all, logger) != 0) {
            bench_die("cannot start a thread");
        }
        pthread_join(id, NULL);
    }
    return NULL;
}

/* ---- Memory ---------------------------------------------------------------------------------- */

/* From now on VmHWM says what is needed from now on. */
static void reset_peak(void) {
    FILE *file = fopen("/proc/self/clear_refs", "w");
    if (file != NULL) {
        fputs("5", file);
        fclose(file);
    }
}

/* VmRSS or VmHWM in MiB, rings included. */
static double memory_of(const char *name) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    uint64_t kib = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtoull(line + strlen(name) + 1, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)kib / 1024;
}

/* ---- The log ----------------------------------------------------------------------------------
 */

/* The bound that zstd sets: the log's blocks once more, by one thread that does nothing else. */
static void compress_again(const char *path, const struct bench_options *options,
                           struct bench_sustained *result) {
    struct alog_segment_scan *scan;
    struct alog_block block = {0};
    struct alog_block_compressor *compressor;
    int level = options->compression_level != 0 ? options->compression_level : 1;
    const struct alog_block_header *header;
    if (alog_block_compressor_new(level, &compressor) != ALOG_OK ||
        alog_segment_scan_open(alog_io_system(), path, NULL, NULL, &scan, NULL) != ALOG_OK) {
        bench_die("cannot read the log");
    }
    while (alog_segment_scan_next(scan, &header, NULL) == ALOG_OK && header != NULL) {
        const uint8_t *frame;
        struct alog_block_facts facts = header->facts;
        if (alog_segment_scan_frame(scan, &frame, NULL) != ALOG_OK ||
            alog_block_open(&block, frame, &facts, NULL) != ALOG_OK) {
            bench_die("a block is damaged");
        }
        double begun = seconds_of(CLOCK_THREAD_CPUTIME_ID);
        if (alog_block_compress(compressor, block.raw, block.raw_bytes, &frame, &facts) !=
            ALOG_OK) {
            bench_die("a block cannot be compressed");
        }
        result->zstd_seconds += seconds_of(CLOCK_THREAD_CPUTIME_ID) - begun;
    }
    alog_block_close(&block);
    alog_segment_scan_close(scan);
    alog_block_compressor_free(compressor);
}

/* What is on the disk: file bytes and msgpack bytes. */
static void measure_log(const char *dir, const struct bench_options *options, uint64_t events,
                        struct bench_sustained *result) {
    struct alog_segment_list list;
    uint64_t file_bytes = 0;
    uint64_t raw_bytes = 0;
    uint64_t found = 0;
    if (alog_segments_list(dir, &list, NULL) != ALOG_OK) {
        bench_die("there is no log");
    }
    for (size_t i = 0; i < list.count; i++) {
        struct alog_segment_info info;
        if (list.segments[i].open || alog_segment_inspect(list.segments[i].path, false, NULL, NULL,
                                                          &info, NULL) != ALOG_OK) {
            bench_die("a segment is not sealed");
        }
        file_bytes += info.file_bytes;
        raw_bytes += info.raw_bytes;
        found += info.events;
        alog_segment_info_free(&info);
        compress_again(list.segments[i].path, options, result);
    }
    alog_segments_free(&list);
    if (found < events) {
        bench_die("events are missing from the log");
    }
    result->file_bytes_per_event = (double)file_bytes / (double)events;
    result->raw_bytes_per_event = (double)raw_bytes / (double)events;
}

struct bench_sustained bench_sustained_run(const struct bench_options *options,
                                           enum bench_event event, uint32_t threads) {
    struct alog_writer_options writer_options = ALOG_WRITER_OPTIONS_INIT;
    writer_options.full_wait_ns = UINT64_C(60000000000);
    writer_options.ring_bytes = options->ring_bytes;
    writer_options.compression_level = options->compression_level;
    writer_options.drain_threads = options->drain_threads;
    struct bench_sustained result = {0};
    struct logger loggers[BENCH_MAX_THREADS];
    pthread_t ids[BENCH_MAX_THREADS];
    char *dir = bench_dir_make(options);
    struct alog_writer *writer = NULL;
    uint32_t at_once = threads < BENCH_MAX_THREADS ? threads : BENCH_MAX_THREADS;
    reset_peak();
    double memory_before = memory_of("VmRSS:");
    if (alog_writer_open(dir, &writer_options, &writer, NULL) != ALOG_OK) {
        bench_die("cannot open a writer");
    }
    double cpu_before = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    double begun = seconds_of(CLOCK_MONOTONIC);
    for (uint32_t i = 0; i < at_once; i++) {
        loggers[i] = (struct logger){.writer = writer,
                                     .event = event,
                                     .number = i,
                                     .events = options->events / threads,
                                     .lives = threads / at_once};
        if (pthread_create(&ids[i], NULL, live_on, &loggers[i]) != 0) {
            bench_die("cannot start a thread");
        }
    }
    for (uint32_t i = 0; i < at_once; i++) {
        pthread_join(ids[i], NULL);
        result.dropped += loggers[i].dropped;
        result.logging_seconds += loggers[i].cpu_seconds;
    }
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    if (alog_writer_get_stats(writer, &stats) != ALOG_OK ||
        alog_writer_close(writer, NULL) != ALOG_OK) {
        bench_die("the log is not whole");
    }
    result.rings = stats.rings;
    result.peak_mib = memory_of("VmHWM:") - memory_before;
    result.seconds = seconds_of(CLOCK_MONOTONIC) - begun;
    result.drain_seconds =
        seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_before - result.logging_seconds;
    uint64_t events = options->events / threads * threads;
    result.events_per_second = (double)events / result.seconds;
    measure_log(dir, options, events - result.dropped, &result);
    bench_dir_remove(dir);
    return result;
}
