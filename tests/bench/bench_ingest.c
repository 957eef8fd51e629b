/*
 * How fast the aggregator is, against the floor of merely decompressing and walking the same
 * segments.
 *
 *     bench_ingest [--events N] [--threads N] [--rounds N] [--dir DIR]
 *
 * Writes N events (default 10,000,000) of the realistic mix through the writer, from two threads,
 * then, interleaved, `rounds` times each: the floor (hash, decompress, walk every msgpack value;
 * the same number of threads) and a whole ingest into a new database until it is committed. Prints
 * medians and ratios; then an ingest with nothing new, and each question as a call on the open
 * database.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <agentlog/aggregator.h>
#include <agentlog/reader.h>
#include <agentlog/writer.h>

#include "format/segment.h"
#include "workload.h"

#define MAX_ROUNDS 31
#define PRODUCERS  2

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const struct alog_error *error) {
    fprintf(stderr, "bench_ingest: %s: %s\n", what, error ? error->message : "failed");
    exit(1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

/* ---- Making the log
 * --------------------------------------------------------------------------------------- */

struct producer {
    struct alog_writer *writer;
    struct workload workload;
    uint64_t events;
};

static void *produce(void *context) {
    struct producer *p = context;
    for (uint64_t i = 0; i < p->events; i++) {
        if (workload_next(&p->workload, p->writer) != ALOG_OK) {
            die("an event was not stored", NULL);
        }
    }
    return NULL;
}

static void make_log(const char *log_dir, uint64_t events) {
    struct alog_error error;
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.ring_bytes = 4u << 20;
    options.full_wait_ns = 60ull * 1000000000;
    struct alog_writer *writer;
    if (alog_writer_open(log_dir, &options, &writer, &error) != ALOG_OK) {
        die("cannot open a writer", &error);
    }
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i].writer = writer;
        producers[i].events = events / PRODUCERS + (i == 0 ? events % PRODUCERS : 0);
        workload_init(&producers[i].workload, 20260204, i, producers[i].events, 1770163200000000000,
                      86400000000000);
        if (pthread_create(&threads[i], NULL, produce, &producers[i]) != 0) {
            die("cannot start a thread", NULL);
        }
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
    }
    if (alog_writer_close(writer, &error) != ALOG_OK) {
        die("cannot close the writer", &error);
    }
}

/* ---- The floor
 * -------------------------------------------------------------------------------------------- */

struct floor_state {
    pthread_mutex_t lock;
    struct alog_segment_list list;
    size_t next;
    uint64_t events, values;
};

static void walk_segment(const char *path, uint64_t *events, uint64_t *values) {
    struct alog_error error;
    struct alog_segment_scan *scan;
    struct alog_block block = {0};
    if (alog_segment_scan_open(alog_io_system(), path, NULL, NULL, &scan, &error) != ALOG_OK) {
        die(path, &error);
    }
    for (;;) {
        const struct alog_block_header *header;
        const uint8_t *frame;
        if (alog_segment_scan_next(scan, &header, &error) != ALOG_OK) {
            die(path, &error);
        }
        if (!header) {
            break;
        }
        if (alog_segment_scan_frame(scan, &frame, &error) != ALOG_OK ||
            alog_block_open(&block, frame, &header->facts, &error) != ALOG_OK) {
            die(path, &error);
        }
        struct alog_mp_cursor cursor = block.events;
        struct alog_mp_token token;
        while (alog_mp_next(&cursor, &token)) {
            *values += 1;
        }
        *events += header->facts.last_sequence - header->facts.first_sequence + 1;
    }
    alog_block_close(&block);
    alog_segment_scan_close(scan);
}

static void *walk(void *context) {
    struct floor_state *state = context;
    uint64_t events = 0, values = 0;
    for (;;) {
        pthread_mutex_lock(&state->lock);
        size_t i = state->next++;
        pthread_mutex_unlock(&state->lock);
        if (i >= state->list.count) {
            break;
        }
        walk_segment(state->list.segments[i].path, &events, &values);
    }
    pthread_mutex_lock(&state->lock);
    state->events += events;
    state->values += values;
    pthread_mutex_unlock(&state->lock);
    return NULL;
}

static uint64_t run_floor(const char *log_dir, unsigned threads) {
    struct floor_state state = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct alog_error error;
    pthread_t ids[64];
    if (alog_segments_list(log_dir, &state.list, &error) != ALOG_OK) {
        die(log_dir, &error);
    }
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&ids[i], NULL, walk, &state) != 0) {
            die("cannot start a thread", NULL);
        }
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    alog_segments_free(&state.list);
    return state.events;
}

/* ---- Ingest and questions
 * --------------------------------------------------------------------------------- */

static void run_ingest(const char *log_dir, const char *db, unsigned threads,
                       struct alog_ingest_report *report) {
    struct alog_error error;
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    options.threads = threads;
    if (alog_ingest(log_dir, db, &options, report, &error) != ALOG_OK) {
        die("ingest", &error);
    }
}

static void time_queries(const char *db_path) {
    static const struct {
        const char *name;
        enum alog_query_kind kind;
    } questions[] = {{"summary", ALOG_QUERY_SUMMARY},
                     {"success-rate", ALOG_QUERY_SUCCESS_RATE},
                     {"availability", ALOG_QUERY_AVAILABILITY},
                     {"agents", ALOG_QUERY_AGENTS},
                     {"providers", ALOG_QUERY_PROVIDERS},
                     {"models", ALOG_QUERY_MODELS},
                     {"errors", ALOG_QUERY_ERRORS},
                     {"tests", ALOG_QUERY_TESTS}};
    struct alog_error error;
    struct alog_db *db;
    if (alog_db_open(db_path, &db, &error) != ALOG_OK) {
        die(db_path, &error);
    }
    for (size_t q = 0; q < sizeof questions / sizeof questions[0]; q++) {
        double times[9];
        size_t rows = 0;
        for (int i = 0; i < 9; i++) {
            struct alog_query query = {.kind = questions[q].kind};
            struct alog_table *table;
            double start = now_s();
            if (alog_db_query(db, &query, &table, &error) != ALOG_OK) {
                die(questions[q].name, &error);
            }
            times[i] = now_s() - start;
            rows = table->row_count;
            alog_table_free(table);
        }
        printf("question %-13s %8.2f ms  %6zu rows\n", questions[q].name, median(times, 9) * 1e3,
               rows);
    }
    alog_db_close(db);
}

static uint64_t log_bytes(const char *log_dir, size_t *ret_segments) {
    struct alog_segment_list list;
    struct alog_error error;
    uint64_t bytes = 0;
    if (alog_segments_list(log_dir, &list, &error) != ALOG_OK) {
        die(log_dir, &error);
    }
    for (size_t i = 0; i < list.count; i++) {
        struct stat s;
        bytes += stat(list.segments[i].path, &s) == 0 ? (uint64_t)s.st_size : 0;
    }
    *ret_segments = list.count;
    alog_segments_free(&list);
    return bytes;
}

int main(int argc, char **argv) {
    static const struct option longs[] = {{"events", required_argument, NULL, 'e'},
                                          {"threads", required_argument, NULL, 't'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"dir", required_argument, NULL, 'd'},
                                          {NULL, 0, NULL, 0}};
    uint64_t events = 10000000;
    unsigned threads = 2;
    int rounds = 5, option;
    const char *dir = "/var/tmp";
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (option) {
        case 'e':
            events = strtoull(optarg, NULL, 10);
            break;
        case 't':
            threads = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'r':
            rounds = atoi(optarg);
            break;
        case 'd':
            dir = optarg;
            break;
        default:
            return 2;
        }
    }
    if (events == 0 || threads < 1 || threads > 64 || rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "bench_ingest: --events >= 1, --threads 1..64, --rounds 1..%d\n",
                MAX_ROUNDS);
        return 2;
    }
    char base[512], log_dir[600], db[600], command[700];
    snprintf(base, sizeof base, "%s/agentlog-bench-XXXXXX", dir);
    if (!mkdtemp(base)) {
        fprintf(stderr, "bench_ingest: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    snprintf(log_dir, sizeof log_dir, "%s/log", base);

    double start = now_s();
    make_log(log_dir, events);
    double took = now_s() - start;
    size_t segments;
    uint64_t bytes = log_bytes(log_dir, &segments);
    printf("events %llu, %u threads, %d rounds\n", (unsigned long long)events, threads, rounds);
    printf("log      %8.2f M events/s  %6.1f bytes/event  %zu segments (2 producers that also make "
           "the events)\n",
           (double)events / took / 1e6, (double)bytes / (double)events, segments);

    double floors[MAX_ROUNDS], ingests[MAX_ROUNDS], ratios[MAX_ROUNDS];
    for (int i = 0; i < rounds; i++) {
        struct alog_ingest_report report;
        start = now_s();
        uint64_t walked = run_floor(log_dir, threads);
        floors[i] = now_s() - start;
        snprintf(db, sizeof db, "%s/%d.db", base, i);
        start = now_s();
        run_ingest(log_dir, db, threads, &report);
        ingests[i] = now_s() - start;
        ratios[i] = floors[i] / ingests[i];
        if (report.events != walked || walked < events) {
            fprintf(stderr, "bench_ingest: %llu events ingested, %llu walked, %llu logged\n",
                    (unsigned long long)report.events, (unsigned long long)walked,
                    (unsigned long long)events);
            return 1;
        }
    }
    printf("floor    %8.2f M events/s  (hash, decompress and walk every value)\n",
           (double)events / median(floors, rounds) / 1e6);
    printf("ingest   %8.2f M events/s  (to committed rollups and daily summaries)\n",
           (double)events / median(ingests, rounds) / 1e6);
    printf("ratio    %8.2f of the floor's speed\n", median(ratios, rounds));
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("memory   %8.1f MiB peak (writer and aggregator in one process)\n",
           (double)usage.ru_maxrss / 1024);

    struct alog_ingest_report report;
    start = now_s();
    run_ingest(log_dir, db, threads, &report);
    printf("nothing new %5.2f ms\n", (now_s() - start) * 1e3);
    struct stat s;
    printf("database %8.1f MiB\n", stat(db, &s) == 0 ? (double)s.st_size / 1048576 : 0);
    time_queries(db);

    snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command) == 0 ? 0 : 1;
}
