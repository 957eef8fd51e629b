/*
 * agentlog aggregator: segments into an SQLite database of rollups and daily summaries, exactly
 * once; and the questions people ask of it.
 *
 * The database is a view of the log and a public interface of its own: its tables and columns are
 * described in its table `schema_docs`. One process ingests at a time (ALOG_LOCKED for a second
 * one); readers are never blocked and see the old state or the new one.
 *
 * Threads: a handle is used by one thread at a time. Memory: bounded by the groups of one ingest
 * step, not by the log.
 */
#ifndef AGENTLOG_AGGREGATOR_H
#define AGENTLOG_AGGREGATOR_H

#include <agentlog/agentlog.h>
#include <agentlog/reader.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the database's schema (PRAGMA user_version) and its application_id ("alog"). */
#define ALOG_SCHEMA_VERSION 6
#define ALOG_APPLICATION_ID 0x616C6F67

/* ---- Ingest
 * -----------------------------------------------------------------------------------------------
 */

/* Called now and then; `done` of `total` compressed bytes. */
typedef void alog_progress_fn(void *context, uint64_t done, uint64_t total);

struct alog_ingest_options {
    size_t struct_bytes;
    uint32_t threads;       /* decoding threads, 1..64, by 5 nicer than the caller; default: the
                               processors online */
    const char *time_zone;  /* reporting zone: "UTC" or a fixed offset "+08:00"; recorded in the
                               database. Default: the recorded one, UTC for a new database; another
                               one is ALOG_INVALID, except for a rebuild of all days */
    uint32_t dimension_cap; /* distinct values per dimension and day before _OTHER; default 10000 */
    const char *day;        /* rebuild only: this day alone (YYYY-MM-DD); NULL = all */
    alog_progress_fn *progress;
    void *progress_context;
    alog_damage_fn *damage; /* each fault of a segment; NULL = count only */
    void *damage_context;
    /* Latencies for which AVAILABILITY counts exactly how many calls kept them: at most 8, to the
     * microsecond, recorded in the database. NULL: the recorded ones; for a new database 500, 1000,
     * 2000, 5000, 10000, 20000, 30000, 60000. Others than recorded are ALOG_INVALID, except for a
     * rebuild of all days. */
    const double *latency_thresholds_ms;
    size_t latency_threshold_count;
    const char *archive_dir; /* read as well, for the segments that were archived there; NULL =
                                none. The log may itself be an archive */
};
#define ALOG_INGEST_OPTIONS_INIT                                                                   \
    { .struct_bytes = sizeof(struct alog_ingest_options) }

struct alog_ingest_report {
    uint64_t segments_seen;
    uint64_t segments_ingested; /* read in this run, wholly or in part */
    uint64_t segments_skipped;  /* nothing new in them */
    uint64_t segments_bad;      /* set aside with a reason, tried again by the next ingest, which
                                   tells of each only if that is new */
    uint64_t events;            /* of this run, the writer's own included */
    uint64_t events_lost;       /* newly known losses */
    uint64_t days;              /* rows of daily_summary made (again) */
    uint64_t bytes;             /* compressed bytes read */
};

/*
 * Bring the database at `db_path` up to date with the log (created if absent). Ledger and sums
 * commit together, so a killed run is simply run again. Sealed segments are read once; unsealed
 * ones up to their last whole block, and continued later. ALOG_OK also when segments were set
 * aside: look at report->segments_bad. Errors: ALOG_NOT_FOUND (no log), ALOG_LOCKED,
 * ALOG_READ_ONLY, ALOG_INVALID (not an agentlog database; everybody may write to the
 * log; a symbolic link is in place of a day or of the lock), ALOG_UNSUPPORTED (newer schema;
 * one of an older schema is made anew from the log, which must still hold all its segments),
 * ALOG_IO, ALOG_CORRUPT (a segment changed after it was ingested, or the sums do not reconcile:
 * nothing is committed).
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_ingest(const char *log_dir, const char *db_path,
                                                      const struct alog_ingest_options *options,
                                                      struct alog_ingest_report *ret_report,
                                                      struct alog_error *error);

/*
 * Make the database anew from the log: built beside the old one and copied over it in one
 * transaction, or, with options->day, that day's rows alone, likewise. The result equals that of
 * any sequence of ingests. ALOG_CORRUPT when segments that the database has are gone from the
 * log, or sealed ones were damaged since, so that events would be lost: nothing is changed.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_rebuild(const char *log_dir, const char *db_path,
                                                       const struct alog_ingest_options *options,
                                                       struct alog_ingest_report *ret_report,
                                                       struct alog_error *error);

/* ---- Questions ------------------------------------------------------------------------------- */

struct alog_db;

/* Open for reading. ALOG_NOT_FOUND, ALOG_INVALID (not an agentlog database), ALOG_UNSUPPORTED,
 * ALOG_IO. */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_db_open(const char *db_path, struct alog_db **ret_db,
                                                       struct alog_error *error);
ALOG_API void alog_db_close(struct alog_db *db);

/*
 * What is asked from here on sees one state of the database, whatever is ingested meanwhile, until
 * alog_db_let_go (or alog_db_close). Keep it short: an ingest waits a few seconds for the last
 * reader of the old state, then gives up. Once is enough: ALOG_INVALID when held already; ALOG_IO.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_db_hold(struct alog_db *db,
                                                       struct alog_error *error);
ALOG_API void alog_db_let_go(struct alog_db *db);

/* What the database has of a segment. */
struct alog_db_segment {
    bool known;
    bool sealed;
    uint64_t events;
};

/* Look a segment up by its file id. ALOG_IO. Cost: one row by its key. */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_db_find_segment(struct alog_db *db,
                                                               const uint8_t file_id[16],
                                                               struct alog_db_segment *ret_segment,
                                                               struct alog_error *error);

/* The reporting time zone that the database was made with, in seconds east of UTC: its days begin
 * at midnight there. */
ALOG_API int32_t alog_db_time_zone_offset_s(const struct alog_db *db);

/*
 * Each kind is one table of answers; what a column means is in its alog_column.doc. Behind each:
 * the filters that it takes besides time and environment (a: agent_name, i: issue_type, p:
 * provider_id, m: model), and what else of struct alog_query it heeds.
 */
enum alog_query_kind {
    ALOG_QUERY_SUMMARY = 1,      /* a row per day and environment */
    ALOG_QUERY_SUCCESS_RATE = 2, /* aipm; by what `by` says: agent and issue type */
    ALOG_QUERY_AVAILABILITY = 3, /* apm; by provider and model; max_latency_ms, min_count */
    ALOG_QUERY_AGENTS = 4,       /* aipm; by agent */
    ALOG_QUERY_PROVIDERS = 5,    /* apm; by provider */
    ALOG_QUERY_MODELS = 6,       /* apm; by model */
    ALOG_QUERY_ERRORS = 7,       /* by type and category */
    ALOG_QUERY_TESTS = 8,        /* by test, in the order of `sort` */
    ALOG_QUERY_JOB = 9,          /* one job: one row of facts */
    ALOG_QUERY_JOB_AGENTS = 10,
    ALOG_QUERY_JOB_PROVIDERS = 11,
    ALOG_QUERY_JOB_ERRORS = 12,
    ALOG_QUERY_CONFIDENCE = 13,         /* a; by agent and class of confidence; thresholds */
    ALOG_QUERY_CALIBRATION = 14,        /* a; by agent, and all agents together; bins, max_ece,
                                           min_count */
    ALOG_QUERY_CALIBRATION_BINS = 15,   /* a; by bin of confidence; bins */
    ALOG_QUERY_AGENTS_PROVIDERS = 16,   /* aipm; by agent and provider */
    ALOG_QUERY_FALLBACKS = 17,          /* p: the one called; by from, to and reason */
    ALOG_QUERY_ERROR_PATTERNS = 18,     /* by type, category and message pattern */
    ALOG_QUERY_HOOKS = 19,              /* by hook */
    ALOG_QUERY_ORCHESTRATION = 20,      /* by strategy chosen; whole days; min_count */
    ALOG_QUERY_ORCHESTRATION_TIME = 21, /* by execution strategy */
    ALOG_QUERY_PROBLEM_HOOKS = 22,      /* by hook that correlation_insights name */
    ALOG_QUERY_RETRIES = 23,            /* ai; by agent and issue type; whole days */
    ALOG_QUERY_ALL_TIME = 24,           /* a row per environment; whole days */
    ALOG_QUERY_TREND = 25,   /* a row per day or week; metric, weekly, and the metric's filters */
    ALOG_QUERY_REGRESS = 26, /* aipm; what got worse; whole days, without until_ns up to the latest
                                with events that is over; min_count, max_ratio */
    ALOG_QUERY_JOB_STRATEGIES = 27,
    ALOG_QUERY_JOB_TESTS = 28,         /* those that failed or were in error */
    ALOG_QUERY_JOB_TIMELINE = 29,      /* all of them in order of time */
    ALOG_QUERY_COMPLETENESS = 30,      /* a row per environment: what is missing; whole days */
    ALOG_QUERY_KNOWN_ENVIRONMENTS = 31 /* a row per environment that has a day; takes no time */
};

/* SUCCESS_RATE: what rows are told apart by; 0 = agent and issue type. */
#define ALOG_BY_AGENT      1u
#define ALOG_BY_ISSUE_TYPE 2u
#define ALOG_BY_PROVIDER   4u
#define ALOG_BY_MODEL      8u

/* TESTS */
enum alog_test_sort {
    ALOG_SORT_FAILING = 0, /* most failures first */
    ALOG_SORT_FLAKY = 1,   /* those that have both passed and failed first */
    ALOG_SORT_SLOWEST = 2  /* longest mean time first */
};

/*
 * TREND: figures of the questions above by day or week. What each is, and what it takes, says
 * alog_metric_describe.
 */
enum alog_metric {
    ALOG_METRIC_SUCCESS_RATE = 0,
    ALOG_METRIC_CONFIDENCE_WEIGHTED_RATE = 1,
    ALOG_METRIC_EXECUTIONS = 2,
    ALOG_METRIC_FIXES_APPLIED = 3,
    ALOG_METRIC_EXECUTION_TIME_P50 = 4,
    ALOG_METRIC_EXECUTION_TIME_P95 = 5,
    ALOG_METRIC_CALLS = 6,
    ALOG_METRIC_AVAILABILITY = 7,
    ALOG_METRIC_FAST_ENOUGH = 8,
    ALOG_METRIC_CALL_SUCCESS = 9,
    ALOG_METRIC_EXECUTION_FAILURES = 10,
    ALOG_METRIC_CANCELLED_CALLS = 11,
    ALOG_METRIC_LATENCY_P50 = 12,
    ALOG_METRIC_LATENCY_P90 = 13,
    ALOG_METRIC_LATENCY_P95 = 14,
    ALOG_METRIC_LATENCY_P99 = 15,
    ALOG_METRIC_COST = 16,
    ALOG_METRIC_COST_PER_SUCCESS = 17,
    ALOG_METRIC_INPUT_TOKENS = 18,
    ALOG_METRIC_OUTPUT_TOKENS = 19,
    ALOG_METRIC_TOKENS_PER_SUCCESS = 20,
    ALOG_METRIC_CONFIDENCE = 21,
    ALOG_METRIC_CONFIDENT_SHARE = 22,
    ALOG_METRIC_CONFIDENT_SUCCESS = 23,
    ALOG_METRIC_BRIER_SCORE = 24,
    ALOG_METRIC_RELIABILITY = 25,
    ALOG_METRIC_RESOLUTION = 26,
    ALOG_METRIC_UNCERTAINTY = 27,
    ALOG_METRIC_ECE = 28,
    ALOG_METRIC_DECISIONS = 29,
    ALOG_METRIC_STRATEGY_SHARE = 30,
    ALOG_METRIC_EFFECTIVENESS = 31,
    ALOG_METRIC_STRATEGY_SUCCESS = 32,
    ALOG_METRIC_STRATEGY_ITERATIONS = 33,
    ALOG_METRIC_ORCHESTRATION_ITERATIONS = 34,
    ALOG_METRIC_ORCHESTRATION_TIME = 35,
    ALOG_METRIC_HOOKS_TIME_SHARE = 36,
    ALOG_METRIC_TESTS_TIME_SHARE = 37,
    ALOG_METRIC_AI_TIME_SHARE = 38,
    ALOG_METRIC_PROBLEM_HOOKS = 39,
    ALOG_METRIC_TEST_FAILURES = 40,
    ALOG_METRIC_FLAKY_TESTS = 41,
    ALOG_METRIC_TEST_TIME = 42,
    ALOG_METRIC_ERRORS = 43,
    ALOG_METRIC_CATEGORY_ERRORS = 44,
    ALOG_METRIC_PATTERN_ERRORS = 45,
    ALOG_METRIC_HOOK_RUNS = 46,
    ALOG_METRIC_HOOK_FAILURES = 47,
    ALOG_METRIC_HOOK_TIME = 48,
    ALOG_METRIC_HOOK_TIME_P95 = 49,
    ALOG_METRIC_ATTEMPTS = 50,
    ALOG_METRIC_RETRIED = 51,
    ALOG_METRIC_RECOVERED = 52,
    ALOG_METRIC_ENDED_WELL = 53,
    ALOG_METRIC_TIME_LOST = 54,
    ALOG_METRIC_FALLBACKS = 55,
    ALOG_METRIC_FALLBACK_SUCCESS = 56,
    ALOG_METRIC_CORRELATION = 57,
    ALOG_METRIC_JOBS = 58,
    ALOG_METRIC_JOB_SUCCESS = 59,
    ALOG_METRIC_FAILED_JOBS = 60,
    ALOG_METRIC_CANCELLED_JOBS = 61,
    ALOG_METRIC_AI_SHARE = 62,
    ALOG_METRIC_AI_FIXES = 63,
    ALOG_METRIC_JOB_TIME = 64,
    ALOG_METRIC_JOB_ITERATIONS = 65,
    ALOG_METRIC_EVENTS = 66,
    ALOG_METRIC_EVENTS_LOST = 67
};
#define ALOG_METRIC_COUNT 68

/* What to ask. Absent strings and zeros = no restriction. Times are compared by hour (rollups) or
 * day (summaries, and the kinds that say so). A filter that a kind does not take, and a choice that
 * there is not, are ALOG_INVALID; a choice that a kind does not heed has no effect. */
struct alog_query {
    enum alog_query_kind kind;
    struct alog_opt_i64 since_ns;   /* event time >=, rounded down to the bucket */
    struct alog_opt_i64 until_ns;   /* event time <, rounded up to the bucket */
    struct alog_string environment; /* absent = "production", also for the JOB kinds ('agentlog job'
                                       asks for "*"); "*" = all */
    struct alog_string agent_name;
    struct alog_string issue_type;
    struct alog_string provider_id;
    struct alog_string model;
    struct alog_string job_id;          /* JOB kinds: required */
    struct alog_opt_f64 max_latency_ms; /* AVAILABILITY, TREND of FAST_ENOUGH: slower calls count as
                                           not fast enough */
    uint32_t limit;                     /* rows; 0 = all */
    uint32_t by;                        /* ALOG_BY_… */
    enum alog_test_sort sort;
    enum alog_metric metric;
    bool weekly; /* weeks begin on Monday, and are asked for as a whole */
    /* CONFIDENCE: ascending, above 0, up to 1, whole thousandths, at most 20; NULL = 0.5 and 0.8.
     * A confidence that equals one is in the class above it. */
    const double *thresholds;
    size_t threshold_count;
    uint32_t bins;                 /* CALIBRATION…: of equal width, 1 to 1000; 0 = 10 */
    uint32_t min_count;            /* n below which nothing is judged; 0 = 5 (ORCHESTRATION), 30 */
    struct alog_opt_f64 max_ratio; /* REGRESS: p95 and cost, absent = 1.5 */
    struct alog_opt_f64 max_ece;   /* CALIBRATION: which rows are above it, 0..1 */
    struct alog_string subject; /* TREND: one strategy, hook, …: what the metric's `subject` says */
};

enum alog_column_kind {
    ALOG_COLUMN_TEXT = 1,
    ALOG_COLUMN_INTEGER = 2,
    ALOG_COLUMN_REAL = 3,
    ALOG_COLUMN_RATE = 4, /* 0..1 */
    ALOG_COLUMN_MS = 5,   /* milliseconds */
    ALOG_COLUMN_USD = 6,  /* dollars */
    ALOG_COLUMN_TIME = 7, /* ns since 1970, as an integer */
    ALOG_COLUMN_BOOL = 8
};

struct alog_column {
    const char *name;
    enum alog_column_kind kind;
    const char *doc;
};

/* What a metric takes besides time and environment. */
#define ALOG_TAKES_AGENT       1u
#define ALOG_TAKES_ISSUE_TYPE  2u
#define ALOG_TAKES_PROVIDER    4u
#define ALOG_TAKES_MODEL       8u
#define ALOG_TAKES_SUBJECT     16u
#define ALOG_TAKES_MAX_LATENCY 32u
#define ALOG_TAKES_THRESHOLDS  64u
#define ALOG_TAKES_BINS        128u

struct alog_metric_info {
    const char *name; /* "success-rate", as `agentlog stats trend --metric` takes it */
    const char *doc;
    enum alog_column_kind unit; /* of its value: REAL, RATE, MS or USD */
    uint32_t takes;             /* ALOG_TAKES_…; another filter is ALOG_INVALID */
    uint32_t needs;             /* of those, what must be given */
    const char *subject; /* what `subject` names: "strategy", "hook", …; "" = it takes none */
};

/* What there is to know about a metric, for ever; NULL = there is no such metric. Any thread. */
ALOG_API const struct alog_metric_info *alog_metric_describe(enum alog_metric metric);

/* A table of answers: cells[row * column_count + column]; a cell without data is ALOG_VALUE_NULL.
 */
struct alog_table {
    const struct alog_column *columns;
    size_t column_count;
    struct alog_value *cells;
    size_t row_count;
};

/*
 * Ask. The caller frees the table. ALOG_INVALID (unknown kind, job_id missing, a filter that the
 * kind does not take), ALOG_NOT_FOUND (no such job), ALOG_IO. Cost: a few milliseconds; reads
 * rollups and summaries, never events.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status alog_db_query(struct alog_db *db,
                                                        const struct alog_query *query,
                                                        struct alog_table **ret_table,
                                                        struct alog_error *error);
ALOG_API void alog_table_free(struct alog_table *table);

#ifdef __cplusplus
}
#endif

#endif
