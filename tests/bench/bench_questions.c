/*
 * How long each question takes as a whole process: at rest, and while an ingest runs.
 *
 *     bench_questions [--events N] [--days N] [--rounds N] [--no-ingest] [--ingest-priority N]
 *                     [--dir DIR] [--keep DIR] [--program PATH]
 *
 * Writes N events (default 10,000,000) of the realistic mix, spread over --days days (default 1),
 * and ingests them (with --keep into DIR, where log and database stay and are found the next time;
 * else below --dir). Then asks every kind `rounds` times (default 9), interleaved, over all time
 * and in windows whose edges lie inside days and hours, or, with many days, inside months; and once
 * more, again and again, while as many events as a fifth of those are ingested into the same
 * database. Prints median and longest of each kind and window, and the median of the processor's
 * time at rest, which other work on the machine hardly changes. Where there is such work, run it as
 * chrt -f 10, with --ingest-priority 5: the ingest has real-time priority too, but below the
 * questions.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench_tools.h"

#define MAX_TIMES 4096
#define MAX_WORDS 16
#define WINDOWS   3

/* DB and JOB stand for the database and for one of its jobs. */
static const char *const questions[] = {"summary DB",
                                        "stats success-rate DB",
                                        "stats availability DB",
                                        "stats confidence DB",
                                        "stats calibration DB",
                                        "stats calibration-bins DB",
                                        "stats orchestration DB",
                                        "stats orchestration-time DB",
                                        "stats problem-hooks DB",
                                        "stats agents DB",
                                        "stats providers DB",
                                        "stats models DB",
                                        "stats agents-providers DB",
                                        "stats retries DB",
                                        "stats fallbacks DB",
                                        "stats errors DB",
                                        "stats error-patterns DB",
                                        "stats hooks DB",
                                        "stats tests DB",
                                        "stats all-time DB",
                                        "stats trend DB",
                                        "stats trend DB --metric latency-p95",
                                        "stats trend DB --metric ece",
                                        "stats trend DB --metric execution-time-p95",
                                        "stats trend DB --metric flaky-tests --by week",
                                        "stats regress DB",
                                        "stats completeness DB",
                                        "report DB -o -",
                                        "job DB JOB"};
#define QUESTIONS (sizeof questions / sizeof questions[0])

struct times {
    double seconds[MAX_TIMES];
    int count;
};

struct bench {
    char *program;
    char dir[512], db[640], job[64];
    uint64_t events;
    uint32_t days;
    int rounds;
    int ingest_priority;
    char since[WINDOWS][32], until[WINDOWS][32]; /* "" = no bound */
    struct times rest[QUESTIONS][WINDOWS], processor[QUESTIONS][WINDOWS], busy[QUESTIONS][WINDOWS];
};

static void note(struct times *times, double seconds) {
    if (times->count < MAX_TIMES) {
        times->seconds[times->count++] = seconds;
    }
}

/* ---- What is asked ---- */

static void time_text(char text[32], int64_t at_s) {
    time_t at = (time_t)at_s;
    struct tm tm;
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&at, &tm));
}

/* All time; most of it; its last tenth. Edges inside hours, days and months. */
static void lay_out_windows(struct bench *b) {
    int64_t span_s = (int64_t)b->days * 86400;
    time_text(b->since[1], BENCH_START_S + span_s / 24 + 1234);
    time_text(b->until[1], BENCH_START_S + span_s - span_s / 24 - 4321);
    time_text(b->since[2], BENCH_START_S + span_s - span_s / 10 - 2345);
}

static bool is_about_a_job(size_t q) {
    return strstr(questions[q], "JOB") != NULL;
}

static struct bench_process ask(struct bench *b, size_t q, int window) {
    char words[128], *argv[MAX_WORDS] = {b->program}, *rest = NULL;
    size_t count = 1;
    snprintf(words, sizeof words, "%s", questions[q]);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        argv[count++] = strcmp(word, "DB") == 0 ? b->db : strcmp(word, "JOB") == 0 ? b->job : word;
    }
    if (b->since[window][0] != '\0') {
        argv[count++] = "--since";
        argv[count++] = b->since[window];
    }
    if (b->until[window][0] != '\0') {
        argv[count++] = "--until";
        argv[count++] = b->until[window];
    }
    if (strncmp(questions[q], "report", 6) != 0) {
        argv[count] = (char *)(uintptr_t) "--json"; /* which has no words for an empty answer */
    }
    return bench_run(argv);
}

static int windows_of(size_t q) {
    return is_about_a_job(q) ? 1 : WINDOWS;
}

static void pick_job(struct bench *b) {
    sqlite3 *db;
    sqlite3_stmt *row;
    if (sqlite3_open_v2(b->db, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT job_id FROM jobs LIMIT 1 OFFSET 10", -1, &row, NULL) !=
            SQLITE_OK ||
        sqlite3_step(row) != SQLITE_ROW) {
        bench_die(b->db, NULL);
    }
    snprintf(b->job, sizeof b->job, "%s", (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    sqlite3_close(db);
}

/* ---- Asking ---- */

static void ask_at_rest(struct bench *b) {
    for (int round = -1; round < b->rounds; round++) { /* the first fills the page cache */
        for (size_t q = 0; q < QUESTIONS; q++) {
            for (int window = 0; window < windows_of(q); window++) {
                struct bench_process took = ask(b, q, window);
                if (round >= 0) {
                    note(&b->rest[q][window], took.seconds);
                    note(&b->processor[q][window], took.processor_seconds);
                }
            }
        }
    }
}

static void ask_during_ingest(struct bench *b, char *log) {
    char *argv[] = {b->program, "ingest", "--jobs", "2", log, b->db, NULL};
    pid_t child = bench_start(argv);
    int status;
    if (b->ingest_priority != 0 &&
        sched_setscheduler(child, SCHED_FIFO,
                           &(struct sched_param){.sched_priority = b->ingest_priority}) != 0) {
        bench_die("no real-time priority for the ingest", NULL);
    }
    for (int window = 0;; window = (window + 1) % WINDOWS) {
        for (size_t q = 0; q < QUESTIONS; q++) {
            if (waitpid(child, &status, WNOHANG) != 0) {
                if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                    bench_die("the ingest that was asked during", NULL);
                }
                return;
            }
            if (window < windows_of(q)) {
                note(&b->busy[q][window], ask(b, q, window).seconds);
            }
        }
    }
}

/* ---- Showing ---- */

static void show(struct times *times) {
    double longest = 0;
    for (int i = 0; i < times->count; i++) {
        longest = times->seconds[i] > longest ? times->seconds[i] : longest;
    }
    if (times->count == 0) {
        printf("   %6s %6s", "-", "-");
    } else {
        printf("   %6.1f %6.1f", bench_median(times->seconds, times->count) * 1e3, longest * 1e3);
    }
}

static void show_all(struct bench *b) {
    static const char *const windows[WINDOWS] = {"all", "most", "last tenth"};
    printf("%-38s %15s %9s %15s\n", "median and longest, ms", "at rest", "processor",
           "during ingest");
    for (size_t q = 0; q < QUESTIONS; q++) {
        for (int window = 0; window < windows_of(q); window++) {
            printf("%-38s ", questions[q]);
            show(&b->rest[q][window]);
            printf("   %6.1f",
                   bench_median(b->processor[q][window].seconds, b->processor[q][window].count) *
                       1e3);
            show(&b->busy[q][window]);
            printf("   %s\n", windows[window]);
        }
    }
}

/* ---- The log and its database ---- */

static bool is_there(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

/* The database, made once where it is kept; the questions get a copy, which an ingest changes. */
static void make_database(struct bench *b, const char *kept) {
    char log[640], db[640];
    snprintf(log, sizeof log, "%s/log", kept);
    snprintf(db, sizeof db, "%s/a.db", kept);
    mkdir(kept, 0777);
    if (!is_there(log)) {
        bench_make_log(log, b->events, b->days);
    }
    if (!is_there(db)) {
        char *argv[] = {b->program, "ingest", log, db, NULL};
        bench_run(argv);
    }
    snprintf(b->db, sizeof b->db, "%s/asked.db", b->dir);
    char *copy[] = {"/bin/cp", db, b->db, NULL};
    bench_run(copy);
    struct stat info;
    if (stat(b->db, &info) == 0) {
        printf("%llu events in %u days, database %.0f MiB, %d rounds\n",
               (unsigned long long)b->events, b->days, (double)info.st_size / 1048576, b->rounds);
    }
}

int main(int argc, char **argv) {
    static const struct option longs[] = {{"events", required_argument, NULL, 'e'},
                                          {"days", required_argument, NULL, 'd'},
                                          {"rounds", required_argument, NULL, 'r'},
                                          {"dir", required_argument, NULL, 'i'},
                                          {"keep", required_argument, NULL, 'k'},
                                          {"program", required_argument, NULL, 'p'},
                                          {"no-ingest", no_argument, NULL, 'n'},
                                          {"ingest-priority", required_argument, NULL, 'y'},
                                          {NULL, 0, NULL, 0}};
    static struct bench b = {.events = 10000000, .days = 1, .rounds = 9};
    const char *dir = "/var/tmp", *kept = NULL;
    bool with_ingest = true;
    int option;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (option) {
        case 'e':
            b.events = strtoull(optarg, NULL, 10);
            break;
        case 'd':
            b.days = (uint32_t)strtoul(optarg, NULL, 10);
            break;
        case 'r':
            b.rounds = atoi(optarg);
            break;
        case 'i':
            dir = optarg;
            break;
        case 'n':
            with_ingest = false;
            break;
        case 'y':
            b.ingest_priority = atoi(optarg);
            break;
        case 'k':
            kept = optarg;
            break;
        case 'p':
            b.program = optarg;
            break;
        default:
            return 2;
        }
    }
    if (b.events < 10000 || b.days < 1 || b.days > 3660 || b.rounds < 1 || b.rounds > MAX_TIMES) {
        fprintf(stderr, "bench_questions: --events >= 10000, --days 1..3660, --rounds 1..%d\n",
                MAX_TIMES);
        return 2;
    }
    char *beside = b.program ? NULL : bench_find_program(argv[0]);
    b.program = b.program ? b.program : beside;
    snprintf(b.dir, sizeof b.dir, "%s/agentlog-bench-XXXXXX", dir);
    if (!mkdtemp(b.dir)) {
        fprintf(stderr, "bench_questions: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    make_database(&b, kept ? kept : b.dir);
    lay_out_windows(&b);
    pick_job(&b);
    ask_at_rest(&b);
    char other[640];
    snprintf(other, sizeof other, "%s/other", b.dir);
    if (with_ingest) {
        bench_make_log(other, b.events / 5, b.days);
        ask_during_ingest(&b, other);
    }
    show_all(&b);
    free(beside);
    char *clean[] = {"/bin/rm", "-rf", b.dir, NULL};
    bench_run(clean);
    return 0;
}
