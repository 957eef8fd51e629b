/*
 * bench_writer: what a log call costs its caller, and how much the writer can take.
 *
 *     bench_writer [--events N] [--calls N] [--dir D] [--ring-bytes N] [--level L] [--json]
 *                  [--only latency|sustained|others] [--event five|small] [--threads 1|4|1000]
 *                  [--drain-threads 1|2]
 *
 * Latency: per call by TSC, the timer's own cost subtracted, beside a floor that is measured in the
 * same run: a TSC read, a copy of 104 prepared bytes into the same kind of ring, one release store.
 * Sustained: events per second until the last byte is synced and the segment sealed, nothing
 * dropped (callers wait for room). Others: the caller's latency with what people use instead, and
 * the writer's in the same run.
 */
#include "bench_writer.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/scratch_dir.h"

static const char *const event_names[BENCH_EVENTS] = {"floor", "five strings", "small"};

_Noreturn void bench_die(const char *what) {
    fprintf(stderr, "bench_writer: %s\n", what);
    exit(1);
}

char *bench_dir_make(const struct bench_options *options) {
    if (options->dir != NULL) {
        setenv("TMPDIR", options->dir, 1);
    }
    char *dir = scratch_dir_make();
    if (dir == NULL) {
        bench_die("cannot make a directory for the log");
    }
    return dir;
}

void bench_dir_remove(char *dir) {
    scratch_dir_remove(dir);
}

/* ---- Events --------------------------------------------------------------------------------- */

static struct alog_agent_execution five_strings[BENCH_PREPARED], small[BENCH_PREPARED];

static struct alog_string pick(const char *const *names, uint64_t random) {
    return alog_str(names[random % 8]);
}

void bench_events_init(void) {
    static const char *const agents[8] = {
        "RefactoringAgent", "DependencyAgent_", "PerformanceAgent", "SecurityAgent_v2",
        "FormattingAgent_", "TestRepairAgent_", "TypeCheckAgent_1", "DocumentationAgt"};
    static const char *const issues[8] = {"import_error", "test_failure", "type_mismatc",
                                          "dead_code_01", "formatting_1", "complexity_9",
                                          "dependency_x", "performance_"};
    static const char *const providers[8] = {"provid_a", "provid_b", "provid_c", "provid_d",
                                             "provid_e", "provid_f", "provid_g", "provid_h"};
    static const char *const models[8] = {
        "model-large-2025", "model-small-2025", "model-mini-20241", "model-flash-2.50",
        "model-opus-4-200", "model-haiku-3.5_", "model-coder-32b_", "model-instruct-7"};
    uint64_t random = 88172645463325252u;
    for (uint32_t i = 0; i < BENCH_PREPARED; i++) {
        /* xorshift64, G. Marsaglia, "Xorshift RNGs", 2003. */
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        struct alog_opt_f64 confidence = ALOG_F64((double)(random % 1000) / 1000);
        struct alog_opt_f64 time_ms = ALOG_F64((double)(random >> 40) / 1000);
        five_strings[i] = (struct alog_agent_execution){
            .agent_name = pick(agents, random >> 3),
            .issue_type = pick(issues, random >> 6),
            .success = (random >> 9) % 4 != 0,
            .confidence = confidence,
            .fixes_applied = ALOG_I64((int64_t)((random >> 11) % 8)),
            .files_modified = ALOG_I64((int64_t)((random >> 14) % 16)),
            .remaining_issues = ALOG_I64((int64_t)((random >> 18) % 32)),
            .execution_time_ms = time_ms,
            .provider_id = pick(providers, random >> 23),
            .model = pick(models, random >> 26),
            .attempt = ALOG_I64((int64_t)(1 + (random >> 29) % 3)),
        };
        small[i] = (struct alog_agent_execution){
            .agent_name = pick(agents, random >> 3),
            .success = true,
            .confidence = confidence,
            .fixes_applied = ALOG_I64((int64_t)((random >> 11) % 8)),
            .execution_time_ms = time_ms,
        };
    }
}

const struct alog_agent_execution *bench_event_at(enum bench_event event, uint64_t i) {
    return event == BENCH_SMALL ? &small[i % BENCH_PREPARED] : &five_strings[i % BENCH_PREPARED];
}

/* ---- Tables --------------------------------------------------------------------------------- */

static void show_latency(const struct bench_options *options, bool *first, enum bench_event event,
                         uint32_t threads, bool paced, struct bench_latency floor,
                         struct bench_latency result) {
    if (options->json) {
        printf("%s{\"event\":\"%s\",\"threads\":%u,\"mode\":\"%s\",\"p50_ns\":%.1f,\"p99_ns\":%.1f,"
               "\"p999_ns\":%.1f,\"max_ns\":%.0f,\"mean_ns\":%.1f,\"dropped\":%" PRIu64 "}",
               *first ? "" : ",", event_names[event], threads, paced ? "paced" : "bursts",
               result.p50, result.p99, result.p999, result.max, result.mean, result.dropped);
        *first = false;
        return;
    }
    printf("%-14s %7u  %-6s %8.1f %8.1f %8.1f %10.0f %8.1f %8" PRIu64, event_names[event], threads,
           paced ? "paced" : "bursts", result.p50, result.p99, result.p999, result.max, result.mean,
           result.dropped);
    if (event != BENCH_FLOOR) {
        printf("   %5.2f %5.2f %5.2f", result.p50 / floor.p50, result.p99 / floor.p99,
               result.p999 / floor.p999);
    }
    printf("\n");
    fflush(stdout);
}

/* Of what --event and --threads leave. */
static bool is_wanted(const struct bench_options *options, enum bench_event event,
                      uint32_t threads) {
    return (options->event == BENCH_EVENTS || options->event == event) &&
           (options->threads == 0 || options->threads == threads);
}

static void run_latency(const struct bench_options *options) {
    if (!options->json) {
        printf("Caller latency, ns (ratio to the floor: p50, p99, p99.9)\n%-14s %7s  %-6s %8s %8s "
               "%8s %10s %8s %8s   %s\n",
               "event", "threads", "mode", "p50", "p99", "p99.9", "max", "mean", "dropped",
               "ratio");
    }
    bool first = true;
    for (int paced = 0; paced <= 1; paced++) {
        for (uint32_t threads = 1; threads <= BENCH_MAX_THREADS; threads += 3) {
            if (options->threads != 0 && options->threads != threads) {
                continue;
            }
            struct bench_latency floor = {0};
            for (int event = 0; event < BENCH_EVENTS; event++) {
                if (event != BENCH_FLOOR && !is_wanted(options, (enum bench_event)event, threads)) {
                    continue;
                }
                struct bench_latency result =
                    bench_latency_run(options, (enum bench_event)event, threads, paced != 0);
                if (event == BENCH_FLOOR) {
                    floor = result;
                }
                show_latency(options, &first, (enum bench_event)event, threads, paced != 0, floor,
                             result);
            }
        }
    }
}

static void show_sustained(const struct bench_options *options, bool first, enum bench_event event,
                           uint32_t threads, const struct bench_sustained *r) {
    double zstd_alone = (double)(options->events / threads * threads) / r->zstd_seconds;
    if (options->json) {
        printf("%s{\"event\":\"%s\",\"threads\":%u,\"events_per_second\":%.0f,\"seconds\":"
               "%.3f,\"bytes_per_event\":%.2f,\"raw_bytes_per_event\":%.2f,"
               "\"zstd_alone_per_second\":%.0f,\"rings\":%" PRIu64 ",\"peak_mib\":%.1f,"
               "\"dropped\":%" PRIu64 "}",
               first ? "" : ",", event_names[event], threads, r->events_per_second, r->seconds,
               r->file_bytes_per_event, r->raw_bytes_per_event, zstd_alone, r->rings, r->peak_mib,
               r->dropped);
        return;
    }
    printf("%-14s %7u %10.0f %8.3f %8.2f %8.2f %8.3f %8.3f %11.0f %6" PRIu64 " %8.1f %8" PRIu64
           "\n",
           event_names[event], threads, r->events_per_second, r->seconds, r->file_bytes_per_event,
           r->raw_bytes_per_event, r->logging_seconds, r->drain_seconds, zstd_alone, r->rings,
           r->peak_mib, r->dropped);
    fflush(stdout);
}

static void run_sustained(const struct bench_options *options) {
    static const uint32_t thread_counts[] = {1, BENCH_MAX_THREADS, BENCH_CHURN};
    if (!options->json) {
        printf("\nSustained, %" PRIu64
               " events, until the last byte is synced; %u threads come and "
               "go, %u at once; zstd alone: the same blocks by one thread\n",
               options->events, BENCH_CHURN, BENCH_MAX_THREADS);
        printf("%-14s %7s %10s %8s %8s %8s %8s %8s %11s %6s %8s %8s\n", "event", "threads",
               "events/s", "seconds", "B/event", "raw B", "log CPU", "drainCPU", "zstd alone/s",
               "rings", "peak MiB", "dropped");
    }
    bool first = true;
    for (int event = BENCH_FIVE_STRINGS; event < BENCH_EVENTS; event++) {
        for (size_t i = 0; i < sizeof thread_counts / sizeof thread_counts[0]; i++) {
            if (!is_wanted(options, (enum bench_event)event, thread_counts[i])) {
                continue;
            }
            struct bench_sustained r =
                bench_sustained_run(options, (enum bench_event)event, thread_counts[i]);
            show_sustained(options, first, (enum bench_event)event, thread_counts[i], &r);
            first = false;
        }
    }
}

static void run_others(const struct bench_options *options) {
    size_t count;
    const struct bench_other *others = bench_others(&count);
    if (!options->json) {
        printf("\nFive strings, one thread, bursts of 1,000 calls, ns a call\n%-28s %10s %10s %10s "
               "%12s %8s %8s\n",
               "kept as", "p50", "p99", "p99.9", "max", "failed", "B/event");
    }
    for (size_t i = 0; i <= count; i++) {
        const struct bench_other *other = i == 0 ? NULL : &others[i - 1];
        const char *name = other == NULL ? "agentlog" : other->name;
        double bytes;
        struct bench_latency r = bench_latency_run_other(options, other, &bytes);
        if (options->json) {
            printf("%s{\"kept_as\":\"%s\",\"p50_ns\":%.1f,\"p99_ns\":%.1f,\"p999_ns\":%.1f,"
                   "\"max_ns\":%.0f,\"failed\":%" PRIu64 ",\"bytes_per_event\":%.1f}",
                   i == 0 ? "" : ",", name, r.p50, r.p99, r.p999, r.max, r.dropped, bytes);
            continue;
        }
        printf("%-28s %10.0f %10.0f %10.0f %12.0f %8" PRIu64 " %8.1f\n", name, r.p50, r.p99, r.p999,
               r.max, r.dropped, bytes);
        fflush(stdout);
    }
}

static enum bench_event event_named(const char *name) {
    if (strcmp(name, "five") != 0 && strcmp(name, "small") != 0) {
        bench_die("--event is five or small");
    }
    return name[0] == 'f' ? BENCH_FIVE_STRINGS : BENCH_SMALL;
}

static void run(const struct bench_options *options, const char *only) {
    bool latency = only == NULL || strcmp(only, "latency") == 0;
    bool sustained = only == NULL || strcmp(only, "sustained") == 0;
    bool with_others = only == NULL || strcmp(only, "others") == 0;
    if (!latency && !sustained && !with_others) {
        bench_die("--only is latency, sustained or others");
    }
    printf(options->json ? "{\"latency\":[" : "");
    if (latency) {
        run_latency(options);
    }
    printf(options->json ? "],\"sustained\":[" : "");
    if (sustained) {
        run_sustained(options);
    }
    printf(options->json ? "],\"others\":[" : "");
    if (with_others) {
        run_others(options);
    }
    printf(options->json ? "]}\n" : "");
}

static uint64_t number(const char *text) {
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end != '\0') {
        bench_die("an option needs a number");
    }
    return value;
}

int main(int argc, char **argv) {
    static const struct option long_options[] = {{"events", required_argument, NULL, 'e'},
                                                 {"calls", required_argument, NULL, 'c'},
                                                 {"dir", required_argument, NULL, 'd'},
                                                 {"level", required_argument, NULL, 'l'},
                                                 {"ring-bytes", required_argument, NULL, 'r'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"only", required_argument, NULL, 'o'},
                                                 {"event", required_argument, NULL, 'v'},
                                                 {"threads", required_argument, NULL, 't'},
                                                 {"drain-threads", required_argument, NULL, 'z'},
                                                 {NULL, 0, NULL, 0}};
    struct bench_options options = {.events = 6000000, .calls = 500000, .event = BENCH_EVENTS};
    const char *only = NULL;
    int option;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'e':
            options.events = number(optarg);
            break;
        case 'c':
            options.calls = number(optarg);
            break;
        case 'd':
            options.dir = optarg;
            break;
        case 'l':
            options.compression_level = atoi(optarg);
            break;
        case 'r':
            options.ring_bytes = number(optarg);
            break;
        case 'j':
            options.json = true;
            break;
        case 'o':
            only = optarg;
            break;
        case 'v':
            options.event = event_named(optarg);
            break;
        case 'z':
            options.drain_threads = (uint32_t)number(optarg);
            break;
        case 't':
            options.threads = (uint32_t)number(optarg);
            break;
        default:
            return 2;
        }
    }
    bench_events_init();
    run(&options, only);
    return 0;
}
