/*
 * How fast the aggregator is, against the floor of merely decompressing and walking the same
 * segments.
 *
 *     bench_ingest [--events N] [--threads N] [--rounds N] [--dir DIR] [--log DIR] [--rows N]
 *                  [--program PATH]
 *
 * Writes N events (default 10,000,000) of the realistic mix through the writer, from two threads
 * (to --log, where they stay and are found the next time; else below --dir), as a day; the first
 * fiftieth of such a day as a small log, as dense in jobs; and a log of a single event. Then,
 * interleaved, `rounds` times each: the floor (hash, decompress, walk every msgpack value; the same
 * number of threads) and a whole `agentlog ingest` into a new database, as a process, of each of
 * the logs. Prints medians, the ratio, the process's peak memory, the time per event of both and
 * what a run costs whatever the log; then an ingest with nothing new. With --rows N also the first
 * N events as rows of SQLite, and DuckDB over NDJSON. What questions take: bench_questions.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <agentlog/reader.h>

#include "bench_ingest.h"

#define MAX_ROUNDS 31

/* ---- Measuring ---- */

struct bench {
    char *program, *threads;
    char log[640], small[640], single[640], base[512];
    uint64_t events, small_events;
    int rounds;
};

static void make_once(const char *log_dir, uint64_t events, double days) {
    struct stat made;
    if (stat(log_dir, &made) != 0) {
        bench_make_log(log_dir, events, days);
    }
}

static uint64_t log_bytes(const char *log_dir, size_t *ret_segments) {
    struct alog_segment_list list;
    struct alog_error error;
    uint64_t bytes = 0;
    if (alog_segments_list(log_dir, &list, &error) != ALOG_OK) {
        bench_die(log_dir, &error);
    }
    for (size_t i = 0; i < list.count; i++) {
        struct stat s;
        bytes += stat(list.segments[i].path, &s) == 0 ? (uint64_t)s.st_size : 0;
    }
    *ret_segments = list.count;
    alog_segments_free(&list);
    return bytes;
}

static struct bench_process ingest(const struct bench *b, char *log, char *db) {
    char *argv[] = {b->program, "ingest", "--jobs", b->threads, log, db, NULL};
    return bench_run(argv);
}

static void remove_file(const char *path) {
    if (unlink(path) != 0 && errno != ENOENT) {
        bench_die(path, NULL);
    }
}

/* The rounds; the database of the last stays as `db`. */
static void measure(struct bench *b, char *db, unsigned threads) {
    double floors[MAX_ROUNDS], ingests[MAX_ROUNDS], ratios[MAX_ROUNDS], smalls[MAX_ROUNDS];
    double singles[MAX_ROUNDS];
    double peak_mib = 0;
    char small_db[700];
    snprintf(small_db, sizeof small_db, "%s/small.db", b->base);
    for (int i = 0; i < b->rounds; i++) {
        double start = bench_now_s();
        uint64_t walked = bench_floor(b->log, threads);
        floors[i] = bench_now_s() - start;
        if (walked < b->events) {
            bench_die("events are missing in the log", NULL);
        }
        remove_file(db);
        remove_file(small_db);
        struct bench_process run = ingest(b, b->log, db);
        ingests[i] = run.seconds;
        ratios[i] = floors[i] / ingests[i];
        peak_mib = run.peak_mib > peak_mib ? run.peak_mib : peak_mib;
        smalls[i] = ingest(b, b->small, small_db).seconds;
        remove_file(small_db);
        singles[i] = ingest(b, b->single, small_db).seconds;
    }
    double took = bench_median(ingests, b->rounds), small = bench_median(smalls, b->rounds);
    double events = (double)b->events, small_events = (double)b->small_events;
    struct stat s;
    printf("floor    %8.2f M events/s  (hash, decompress and walk every value)\n",
           events / bench_median(floors, b->rounds) / 1e6);
    printf("ingest   %8.2f M events/s  (a process, to committed rollups and daily summaries)\n",
           events / took / 1e6);
    printf("ratio    %8.2f of the floor's speed\n", bench_median(ratios, b->rounds));
    printf("memory   %8.1f MiB peak of that process\n", peak_mib);
    printf("an event %8.1f ns, of %llu; %.1f ns, of %llu: %.2f of it\n", took / events * 1e9,
           (unsigned long long)b->events, small / small_events * 1e9,
           (unsigned long long)b->small_events, took / events / (small / small_events));
    printf("a run    %8.1f ms, of a single event\n", bench_median(singles, b->rounds) * 1e3);
    printf("database %8.1f MiB\n", stat(db, &s) == 0 ? (double)s.st_size / 1048576 : 0);
    printf("nothing new %5.1f ms\n", ingest(b, b->log, db).seconds * 1e3);
}

int main(int argc, char **argv) {
    static const struct option longs[] = {
        {"events", required_argument, NULL, 'e'},  {"threads", required_argument, NULL, 't'},
        {"rounds", required_argument, NULL, 'r'},  {"dir", required_argument, NULL, 'd'},
        {"log", required_argument, NULL, 'l'},     {"rows", required_argument, NULL, 'o'},
        {"program", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
    struct bench b = {.events = 10000000, .threads = "2", .rounds = 5};
    uint64_t rows = 0;
    const char *dir = "/var/tmp", *kept_log = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (option) {
        case 'e':
            b.events = strtoull(optarg, NULL, 10);
            break;
        case 't':
            b.threads = optarg;
            break;
        case 'r':
            b.rounds = atoi(optarg);
            break;
        case 'd':
            dir = optarg;
            break;
        case 'l':
            kept_log = optarg;
            break;
        case 'o':
            rows = strtoull(optarg, NULL, 10);
            break;
        case 'p':
            b.program = optarg;
            break;
        default:
            return 2;
        }
    }
    unsigned threads = (unsigned)strtoul(b.threads, NULL, 10);
    if (b.events == 0 || threads < 1 || threads > 64 || b.rounds < 1 || b.rounds > MAX_ROUNDS) {
        fprintf(stderr, "bench_ingest: --events >= 1, --threads 1..64, --rounds 1..%d\n",
                MAX_ROUNDS);
        return 2;
    }
    char *beside = b.program ? NULL : bench_find_program(argv[0]);
    b.program = b.program ? b.program : beside;
    b.small_events = b.events / 50 + 1;
    snprintf(b.base, sizeof b.base, "%s/agentlog-bench-XXXXXX", dir);
    if (!mkdtemp(b.base)) {
        fprintf(stderr, "bench_ingest: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    snprintf(b.log, sizeof b.log, "%s%s", kept_log ? kept_log : b.base, kept_log ? "" : "/log");
    snprintf(b.small, sizeof b.small, "%s%s", kept_log ? kept_log : b.base, "-small");
    snprintf(b.single, sizeof b.single, "%s/single", b.base);
    make_once(b.log, b.events, 1);
    make_once(b.small, b.small_events, (double)b.small_events / (double)b.events);
    make_once(b.single, 1, 1);
    size_t segments;
    uint64_t bytes = log_bytes(b.log, &segments);
    printf("events %llu, %u threads, %d rounds; %.1f bytes/event, %zu segments\n",
           (unsigned long long)b.events, threads, b.rounds, (double)bytes / (double)b.events,
           segments);
    char db[700], command[1400];
    snprintf(db, sizeof db, "%s/a.db", b.base);
    measure(&b, db, threads);
    if (rows != 0) {
        bench_rows(b.log, b.base, rows);
    }
    free(beside);
    snprintf(command, sizeof command, "rm -rf '%s'%s%s%s", b.base, kept_log ? "" : " '",
             kept_log ? "" : b.small, kept_log ? "" : "'");
    return system(command) == 0 ? 0 : 1;
}
