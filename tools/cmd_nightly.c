/*
 * agentlog nightly: everything that has to be done every night, in the order in which nothing can
 * be lost: what dead writers left is brought in before the log is read; raw segments are archived
 * and rows deleted only after everything is in the database.
 */
#include <agentlog/archive.h>
#include <agentlog/coverage.h>
#include <agentlog/prune.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "allow_list.h"
#include "commands.h"
#include "db_query.h"
#include "dead_writers.h"
#include "messages.h"
#include "name_list.h"
#include "output.h"
#include "report/report.h"
#include "report/report_file.h"
#include "segment_args.h"

#define DEFAULT_KEEP_RAW_DAYS 30
#define COVERAGE_DAYS         30
#define NS_PER_DAY            INT64_C(86400000000000)

static const struct cli_option options[] = {
    {.name = "archive-to",
     .argument = "DIR",
     .kind = CLI_TEXT,
     CLI_MEMBER(to),
     .doc = "archive segments that are older than --keep-raw there; without it they stay"},
    {.name = "keep-raw",
     .argument = "AGE",
     .kind = CLI_AGE,
     CLI_MEMBER(keep_raw_days),
     .fallback = "30d",
     .doc = "how long segments stay in the log as they are: 30d, 8w, 2y, or forever"},
    {.name = "redact",
     .argument = "FIELD,...",
     .kind = CLI_TEXT,
     CLI_MEMBER(redact),
     .doc = "leave the values of these fields and attributes out of the archive, for good"},
    {.name = "keep-rows",
     .argument = "AGE",
     .kind = CLI_AGE,
     CLI_MEMBER(keep_rows_days),
     .fallback = "90d",
     .doc = "how long the database keeps what belongs to single jobs"},
    {.name = "keep-rollups",
     .argument = "AGE",
     .kind = CLI_AGE,
     CLI_MEMBER(keep_rollups_days),
     .fallback = "400d, or as long as rows",
     .doc = "how long it keeps hourly sums"},
    {.name = "report",
     .argument = "FILE",
     .kind = CLI_TEXT,
     CLI_MEMBER(report),
     .doc = "write the page of 'agentlog report' to FILE, which is replaced as a whole"},
    {.name = "environment",
     .argument = "NAME",
     .kind = CLI_TEXT,
     CLI_MEMBER(environment),
     .fallback = "production",
     .doc =
         "the environment that coverage and the report are about; '*' is every one but test, and "
         "takes no report"},
    {.name = "allow",
     .argument = "FILE",
     .kind = CLI_TEXT,
     CLI_MEMBER(allow),
     .doc = "what is silent on purpose, as for 'agentlog coverage'"},
    {.name = "jobs",
     .argument = "N",
     .kind = CLI_NUMBER,
     CLI_MEMBER(jobs),
     .minimum = 1,
     .maximum = 64,
     .fallback = "the number of processors",
     .doc = "decoding threads"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "everything was done, and nothing is silent that should not be"},
    {EXIT_FAILED, "a step failed; those behind it that could lose something were left out"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "done, but for what was set aside with a reason on stderr"},
    {EXIT_THRESHOLD, "done, and the coverage has findings"},
    {EXIT_NOT_FOUND, "there is no such log"},
    {EXIT_LOCKED, "another run is at it, or the database is being written"},
    {EXIT_FINE, NULL}};

struct nightly {
    const struct cli_arguments *arguments;
    int64_t now_ns;
    struct alog_prune_options prune;
    const char *redact[NAME_LIST_MAX + 1]; /* [0] NULL: none */
    struct allow_list allowed;
    json_t *report;
    enum exit_code code; /* the worst of the steps so far */
    bool breached;
};

/* ---- Small things ---------------------------------------------------------------------------- */

static int64_t realtime_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static json_t *json_time(int64_t ns) {
    char text[32];
    struct tm parts;
    time_t seconds = (time_t)(ns / 1000000000);
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return json_string(text);
}

static json_t *count(uint64_t value) {
    return json_integer((json_int_t)value);
}

/* A step is over: what it says goes into the report, what it did into the exit code. */
static void step_done(struct nightly *nightly, const char *step, json_t *facts,
                      enum exit_code code) {
    json_object_set_new(nightly->report, step, facts);
    nightly->code = exit_code_worse(nightly->code, code);
}

static void step_failed(struct nightly *nightly, const char *step, enum alog_status status,
                        const struct alog_error *error) {
    json_t *facts = json_object();
    json_object_set_new(facts, "error", output_json_string(alog_str(error->message)));
    step_done(nightly, step, facts, message_failure(status, error));
}

/* ---- The steps ------------------------------------------------------------------------------- */

static void recover(struct nightly *nightly) {
    struct alog_recover_options recovering = ALOG_RECOVER_OPTIONS_INIT;
    struct alog_recover_report report;
    struct alog_error error = {.message = ""};
    recovering.tell = dead_writers_tell;
    const enum alog_status status =
        alog_recover(nightly->arguments->operands[0], &recovering, &report, &error);
    if (dead_writers_leave_to_reader(status)) {
        return;
    }
    if (status != ALOG_OK) {
        step_failed(nightly, "recover", status, &error);
        return;
    }
    json_t *facts = json_object();
    json_object_set_new(facts, "writers_alive", count(report.writers_alive));
    json_object_set_new(facts, "writers_finished", count(report.writers_finished));
    json_object_set_new(facts, "events_recovered", count(report.events_recovered));
    json_object_set_new(facts, "events_lost", count(report.events_lost));
    json_object_set_new(facts, "rings_lost", count(report.rings_lost));
    json_object_set_new(facts, "problems", count(report.problems));
    step_done(nightly, "recover", facts, dead_writers_whole(&report) ? EXIT_FINE : EXIT_PARTLY);
    alog_recover_report_free(&report);
}

/* False: what the log holds is not in the database, so that nothing may go. */
static bool ingest(struct nightly *nightly) {
    struct alog_ingest_options ingesting = ALOG_INGEST_OPTIONS_INIT;
    struct alog_ingest_report report;
    struct alog_error error = {.message = ""};
    struct damage_report damage = {.progress = NULL};
    const struct cli_arguments *arguments = nightly->arguments;
    ingesting.threads = arguments->jobs.present ? (uint32_t)arguments->jobs.value : 0;
    ingesting.damage = damage_report_tell;
    ingesting.damage_context = &damage;
    const enum alog_status status =
        alog_ingest(arguments->operands[0], arguments->operands[1], &ingesting, &report, &error);
    if (status != ALOG_OK) {
        step_failed(nightly, "ingest", status, &error);
        return false;
    }
    json_t *facts = json_object();
    json_object_set_new(facts, "segments_ingested", count(report.segments_ingested));
    json_object_set_new(facts, "segments_bad", count(report.segments_bad));
    json_object_set_new(facts, "events", count(report.events));
    json_object_set_new(facts, "events_lost", count(report.events_lost));
    json_object_set_new(facts, "days", count(report.days));
    step_done(nightly, "ingest", facts,
              report.segments_bad == 0 && damage.faults == 0 ? EXIT_FINE : EXIT_PARTLY);
    return true;
}

static void coverage(struct nightly *nightly) {
    struct alog_coverage_options covering = ALOG_COVERAGE_OPTIONS_INIT;
    struct alog_error error = {.message = ""};
    struct alog_db *db = NULL;
    struct alog_table *table = NULL;
    covering.environment = alog_str(nightly->arguments->environment);
    covering.since_ns = ALOG_I64(nightly->now_ns - COVERAGE_DAYS * NS_PER_DAY);
    enum alog_status status = alog_db_open(nightly->arguments->operands[1], &db, &error);
    if (status == ALOG_OK) {
        status = alog_db_coverage(db, &covering, &table, &error);
    }
    if (status == ALOG_OK && nightly->arguments->report == NULL) { /* the report says it itself */
        db_query_tell_unknown_environment(db, covering.environment);
    }
    alog_db_close(db);
    if (status != ALOG_OK) {
        step_failed(nightly, "coverage", status, &error);
        return;
    }
    const size_t allowed = allow_list_apply(&nightly->allowed, table);
    for (size_t row = 0; row < table->row_count; row++) {
        const struct alog_value *cells = &table->cells[row * table->column_count];
        message("coverage: %.*s: %.*s: %.*s: %.*s", (int)cells[0].string.len, cells[0].string.data,
                (int)cells[1].string.len, cells[1].string.data, (int)cells[2].string.len,
                cells[2].string.data, (int)cells[6].string.len, cells[6].string.data);
    }
    json_t *facts = json_object();
    json_object_set_new(facts, "findings", count(table->row_count));
    json_object_set_new(facts, "allowed", count(allowed));
    nightly->breached = table->row_count > 0;
    step_done(nightly, "coverage", facts, EXIT_FINE);
    alog_table_free(table);
}

static void tell_archive(void *context, enum alog_archive_step step, const char *path,
                         const char *reason) {
    (void)context;
    if (step == ALOG_ARCHIVE_LEFT) {
        message("%s: left as it is: %s", path, reason);
    }
}

static void archive(struct nightly *nightly) {
    struct alog_archive_options archiving = ALOG_ARCHIVE_OPTIONS_INIT;
    struct alog_archive_report report = {0};
    struct alog_error error = {.message = ""};
    const struct cli_arguments *arguments = nightly->arguments;
    const int64_t days =
        arguments->keep_raw_days.present ? arguments->keep_raw_days.value : DEFAULT_KEEP_RAW_DAYS;
    const int64_t most = nightly->now_ns / NS_PER_DAY;
    archiving.before_ns = ALOG_I64(nightly->now_ns - (days < most ? days : most) * NS_PER_DAY);
    archiving.redact = nightly->redact[0] != NULL ? nightly->redact : NULL;
    archiving.tell = tell_archive;
    const enum alog_status status =
        alog_archive(arguments->operands[0], arguments->to, &archiving, &report, &error);
    if (status != ALOG_OK) {
        step_failed(nightly, "archive", status, &error);
        return;
    }
    json_t *facts = json_object();
    json_object_set_new(facts, "segments", count(report.segments));
    json_object_set_new(facts, "segments_removed", count(report.segments_removed));
    json_object_set_new(facts, "segments_left", count(report.segments_left));
    json_object_set_new(facts, "segments_needed", count(report.segments_needed));
    json_object_set_new(facts, "files", count(report.files));
    json_object_set_new(facts, "bytes_before", count(report.bytes_before));
    json_object_set_new(facts, "bytes_after", count(report.bytes_after));
    step_done(nightly, "archive", facts, report.segments_left == 0 ? EXIT_FINE : EXIT_PARTLY);
}

static void prune(struct nightly *nightly) {
    struct alog_prune_report report;
    struct alog_error error = {.message = ""};
    const enum alog_status status =
        alog_prune(nightly->arguments->operands[1], &nightly->prune, &report, &error);
    if (status != ALOG_OK) {
        step_failed(nightly, "prune", status, &error);
        return;
    }
    json_t *facts = json_object();
    json_object_set_new(facts, "rows", count(report.rows));
    json_object_set_new(facts, "bytes_before", count(report.bytes_before));
    json_object_set_new(facts, "bytes_after", count(report.bytes_after));
    step_done(nightly, "prune", facts, EXIT_FINE);
    alog_prune_report_free(&report);
}

static void report(struct nightly *nightly) {
    const char *path = nightly->arguments->report;
    const struct report_options reporting = {.db_path = nightly->arguments->operands[1],
                                             .environment = nightly->arguments->environment,
                                             .now_ns = nightly->now_ns};
    const enum exit_code code = report_write(&reporting, path);
    json_t *facts = json_object();
    json_object_set_new(facts, "file", output_json_string(alog_str(path)));
    if (code != EXIT_FINE) {
        json_object_set_new(facts, "error", json_string("it was not written: see stderr"));
    }
    step_done(nightly, "report", facts, code);
}

static void run_steps(struct nightly *nightly) {
    recover(nightly);
    if (!ingest(nightly)) {
        return;
    }
    coverage(nightly);
    if (nightly->arguments->to != NULL) {
        archive(nightly);
    }
    prune(nightly);
    if (nightly->arguments->report != NULL) {
        report(nightly);
    }
}

/* ---- The run --------------------------------------------------------------------------------- */

/* One run at a time for a database; -1 after saying why not. */
static int take_lock(const char *db_path, enum exit_code *ret_code) {
    char *path = NULL;
    if (asprintf(&path, "%s.nightly.lock", db_path) < 0) {
        message("out of memory");
        *ret_code = EXIT_FAILED;
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    *ret_code = EXIT_FAILED;
    if (fd < 0) {
        if (errno == ELOOP) {
            message("there is a symbolic link in place of the lock %s", path);
        } else {
            message("cannot open %s: %s", path, strerror(errno));
        }
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        *ret_code = errno == EWOULDBLOCK ? EXIT_LOCKED : EXIT_FAILED;
        message(errno == EWOULDBLOCK ? "another nightly run is at %s" : "cannot lock %s", db_path);
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

/* The last run, for 'agentlog status': beside the database, put there whole. */
static void keep_report(const char *db_path, const char *text) {
    char *path = NULL;
    char *line = NULL;
    if (asprintf(&path, "%s.nightly.json", db_path) < 0) {
        path = NULL;
    }
    const int len = asprintf(&line, "%s\n", text);
    if (path == NULL || len < 0) {
        message("out of memory");
    } else {
        (void)report_file_put(path, line, (size_t)len); /* said so when it failed */
        free(line);
    }
    free(path);
}

static enum exit_code finish(struct nightly *nightly) {
    enum exit_code code = nightly->code;
    if (code == EXIT_FINE && nightly->breached) {
        code = EXIT_THRESHOLD;
    }
    json_object_set_new(nightly->report, "ended", json_time(realtime_ns()));
    json_object_set_new(nightly->report, "exit_code", json_integer(code));
    char *text = json_dumps(nightly->report, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (text == NULL) {
        message("out of memory");
        return EXIT_FAILED;
    }
    struct output output = {0};
    output_json(&output, json_incref(nightly->report));
    keep_report(nightly->arguments->operands[1], text);
    free(text);
    return output_finish(&output, code);
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    struct nightly nightly = {.arguments = arguments, .now_ns = realtime_ns()};
    struct alog_error error = {.message = ""};
    nightly.prune = (struct alog_prune_options)ALOG_PRUNE_OPTIONS_INIT;
    nightly.prune.keep_rows_days = (uint32_t)arguments->keep_rows_days.value;
    nightly.prune.keep_rollups_days = (uint32_t)arguments->keep_rollups_days.value;
    if (!alog_prune_options_valid(&nightly.prune, &error)) {
        return cli_usage_error(command, "%s", error.message);
    }
    if (arguments->report != NULL && arguments->environment != NULL &&
        strcmp(arguments->environment, "*") == 0) {
        return cli_usage_error(command,
                               "a report is about one environment: --environment '*' takes "
                               "no --report");
    }
    char *names = arguments->redact != NULL ? strdup(arguments->redact) : NULL;
    if (names != NULL && !name_list_split(names, nightly.redact)) {
        free(names);
        return cli_usage_error(command, "--redact takes at most %d names divided by commas",
                               NAME_LIST_MAX);
    }
    if (names != NULL && arguments->to == NULL) {
        free(names);
        return cli_usage_error(command, "--redact is for the archive: --archive-to is missing");
    }
    enum exit_code code = EXIT_FINE;
    if (arguments->allow != NULL) {
        code = allow_list_read(arguments->allow, &nightly.allowed);
    }
    int lock = code == EXIT_FINE ? take_lock(arguments->operands[1], &code) : -1;
    if (lock >= 0) {
        nightly.report = json_object();
        json_object_set_new(nightly.report, "began", json_time(nightly.now_ns));
        run_steps(&nightly);
        code = finish(&nightly);
        json_decref(nightly.report);
        close(lock);
    }
    allow_list_free(&nightly.allowed);
    free(names);
    return code;
}

const struct cli_command cmd_nightly = {
    .name = "nightly",
    .operands = "LOGDIR DB",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "do everything that is due every night",
    .description =
        "Recover what killed writers left, ingest, look for silent instrumentation (of the last "
        "30 days), archive old segments, prune the database, write the report: in this order, "
        "under one lock. When "
        "the log cannot be ingested, nothing is archived or deleted. It can be killed at any point "
        "and run again.\n"
        "The last line on stdout is one JSON object about the run; it is kept in "
        "DB.nightly.json, too.",
    .examples = "agentlog nightly /var/log/agents agents.db\n"
                "agentlog nightly /var/log/agents agents.db --archive-to /srv/archive "
                "--keep-raw 30d --keep-rows 90d --redact error_message,error_traceback "
                "--report /var/www/agents.html",
    .options = options,
    .exits = exits,
    .in_background = true,
    .run = run};
