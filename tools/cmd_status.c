/* agentlog status: is a log alive, is its database up to date, and how long will the disk last? */
#include <agentlog/aggregator.h>
#include <agentlog/ndjson.h>

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "commands.h"
#include "messages.h"
#include "nightly_run.h"
#include "output.h"
#include "writer_counts.h"

#define DAY_NS        INT64_C(86400000000000)
#define GROWTH_DAYS   7
#define NS_PER_SECOND INT64_C(1000000000)

static const struct cli_option options[] = {
    {.name = "json", .kind = CLI_FLAG, CLI_MEMBER(json), .doc = "print a JSON object"},
    {.name = NULL}};

static const struct cli_exit exits[] = {
    {EXIT_FINE, "fine"},
    {EXIT_FAILED, "something could not be read; the reason is on stderr"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_NOT_FOUND, "there is no such log or database"},
    {EXIT_FINE, NULL}};

struct status {
    struct writer_counts writers;
    struct nightly_run nightly;
    uint64_t segments, segments_unsealed, segments_unread, bytes;
    uint64_t events, events_behind, segments_behind;
    int64_t latest_event_ns, earliest_behind_ns; /* -1 = none */
    uint64_t recent_bytes;                       /* of the last GROWTH_DAYS days */
    int64_t first_start_ns, now_ns;
    uint64_t disk_free_bytes, disk_bytes;
    int64_t database_changed_ns;
    uint64_t database_bytes;
    enum exit_code code;
};

static void count_segment(struct status *status, struct alog_db *db,
                          const struct alog_segment_path *segment) {
    struct alog_segment_info info;
    struct alog_db_segment known = {.known = false};
    status->segments++;
    status->segments_unsealed += segment->open;
    if (alog_segment_inspect(segment->path, false, NULL, NULL, &info, NULL) != ALOG_OK) {
        status->segments_unread++;
        return;
    }
    status->bytes += info.file_bytes;
    status->events += info.events;
    status->recent_bytes +=
        segment->start_ns >= status->now_ns - GROWTH_DAYS * DAY_NS ? info.file_bytes : 0;
    if (status->first_start_ns < 0 || segment->start_ns < status->first_start_ns) {
        status->first_start_ns = segment->start_ns;
    }
    if (info.events > 0 && info.max_timestamp_ns > status->latest_event_ns) {
        status->latest_event_ns = info.max_timestamp_ns;
    }
    /* Of a sealed segment that was ingested, what the database does not have is damaged and counted
     * as lost: it will not come. */
    if (info.archived_segments == 0 &&
        alog_db_find_segment(db, info.file_id, &known, NULL) == ALOG_OK && !known.sealed &&
        known.events < info.events) {
        status->segments_behind++;
        status->events_behind += info.events - known.events;
        if (status->earliest_behind_ns < 0 || segment->start_ns < status->earliest_behind_ns) {
            status->earliest_behind_ns = segment->start_ns;
        }
    }
    alog_segment_info_free(&info);
}

static enum alog_status look(struct status *status, const char *log_dir, const char *db_path,
                             struct alog_error *error) {
    struct alog_segment_list list;
    struct alog_db *db = NULL;
    struct stat facts;
    struct statvfs disk;
    enum alog_status result = alog_segments_list(log_dir, &list, error);
    if (result != ALOG_OK) {
        return result;
    }
    result = alog_db_open(db_path, &db, error);
    if (result == ALOG_OK) {
        for (size_t i = 0; i < list.count; i++) {
            count_segment(status, db, &list.segments[i]);
        }
        writer_counts_add(&status->writers, log_dir);
        if (statvfs(log_dir, &disk) == 0) {
            status->disk_free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
            status->disk_bytes = (uint64_t)disk.f_blocks * disk.f_frsize;
        }
        if (stat(db_path, &facts) == 0) {
            status->database_changed_ns =
                (int64_t)facts.st_mtim.tv_sec * NS_PER_SECOND + facts.st_mtim.tv_nsec;
            status->database_bytes = (uint64_t)facts.st_size;
        }
        if (!nightly_run_read(db_path, &status->nightly)) {
            status->code = EXIT_FAILED;
        }
    }
    alog_db_close(db);
    alog_segments_free(&list);
    return result;
}

/* Over the last days, or over as many as there are; the day at hand counts as far as it is. */
static double bytes_per_day(const struct status *status) {
    const int64_t age_ns = status->now_ns - status->first_start_ns;
    double days = (double)age_ns / (double)DAY_NS;
    if (status->first_start_ns < 0 || days < 1.0) {
        days = 1.0;
    }
    return (double)status->recent_bytes / (days < GROWTH_DAYS ? days : GROWTH_DAYS);
}

static struct alog_value time_or_null(int64_t time_ns) {
    return time_ns < 0 ? (struct alog_value){.kind = ALOG_VALUE_NULL}
                       : (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = time_ns};
}

static struct alog_value count(uint64_t number) {
    return (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = (int64_t)number};
}

static const struct alog_column columns[] = {
    {"writers_alive", ALOG_COLUMN_INTEGER, "processes that write to the log"},
    {"writers_dead", ALOG_COLUMN_INTEGER, "killed ones that wait for 'agentlog recover'"},
    {"writers_unknown", ALOG_COLUMN_INTEGER, "ones that cannot be looked at"},
    {"segments", ALOG_COLUMN_INTEGER, "segments in the log"},
    {"segments_unsealed", ALOG_COLUMN_INTEGER, "of them, still written to, or left by a crash"},
    {"segments_unread", ALOG_COLUMN_INTEGER, "of them, not readable"},
    {"events", ALOG_COLUMN_INTEGER, "events in the log"},
    {"latest_event", ALOG_COLUMN_TIME, "the latest event's time"},
    {"events_behind", ALOG_COLUMN_INTEGER, "events that the database does not have yet"},
    {"segments_behind", ALOG_COLUMN_INTEGER, "segments that hold them"},
    {"behind_since", ALOG_COLUMN_TIME, "when the earliest of these segments was begun"},
    {"lag_seconds", ALOG_COLUMN_INTEGER, "how long ago that was; 0 = the database has everything"},
    {"database_changed", ALOG_COLUMN_TIME, "when the database was last written to"},
    {"database_bytes", ALOG_COLUMN_INTEGER, "its size"},
    {"log_bytes", ALOG_COLUMN_INTEGER, "size of the log"},
    {"log_bytes_per_day", ALOG_COLUMN_INTEGER, "its growth, over the last 7 days"},
    {"disk_free_bytes", ALOG_COLUMN_INTEGER, "free where the log is"},
    {"disk_bytes", ALOG_COLUMN_INTEGER, "size of that disk"},
    {"days_until_full", ALOG_COLUMN_REAL, "at that growth"},
    {"nightly_began", ALOG_COLUMN_TIME, "when 'agentlog nightly' last ran on this database"},
    {"nightly_seconds", ALOG_COLUMN_INTEGER, "how long that took"},
    {"nightly_exit_code", ALOG_COLUMN_INTEGER, "how it ended, see 'agentlog help nightly'"},
    {"nightly_result", ALOG_COLUMN_TEXT, "the same in words; a step that failed, with its reason"},
};
#define COLUMN_COUNT (sizeof columns / sizeof *columns)

static void print(const struct status *status, bool json, struct output *output) {
    const double growth = bytes_per_day(status);
    const struct nightly_run *nightly = &status->nightly;
    const int64_t lag_ns =
        status->earliest_behind_ns < 0 ? 0 : status->now_ns - status->earliest_behind_ns;
    const struct alog_value none = {.kind = ALOG_VALUE_NULL};
    struct alog_value days = none;
    if (growth > 0) {
        days = (struct alog_value){.kind = ALOG_VALUE_F64,
                                   .f64 = (double)status->disk_free_bytes / growth};
    }
    struct alog_value cells[COLUMN_COUNT] = {
        count(status->writers.alive),
        count(status->writers.dead),
        count(status->writers.unknown),
        count(status->segments),
        count(status->segments_unsealed),
        count(status->segments_unread),
        count(status->events),
        time_or_null(status->latest_event_ns),
        count(status->events_behind),
        count(status->segments_behind),
        time_or_null(status->earliest_behind_ns),
        count(lag_ns > 0 ? (uint64_t)(lag_ns / NS_PER_SECOND) : 0),
        time_or_null(status->database_changed_ns),
        count(status->database_bytes),
        count(status->bytes),
        count((uint64_t)growth),
        count(status->disk_free_bytes),
        count(status->disk_bytes),
        days,
        time_or_null(nightly->began_ns),
        nightly->began_ns < 0 ? none : count(nightly->seconds),
        nightly->began_ns < 0 ? none : count((uint64_t)nightly->exit_code),
        {.kind = ALOG_VALUE_STRING, .string = alog_str(nightly->result)},
    };
    const struct alog_table table = {columns, COLUMN_COUNT, cells, 1};
    if (json) {
        output_json(output, output_json_row(&table, 0));
    } else {
        output_records(output, &table);
    }
}

static enum exit_code run(const struct cli_command *command,
                          const struct cli_arguments *arguments) {
    (void)command;
    struct timespec now;
    struct alog_error error = {.message = ""};
    struct output output = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    struct status status = {.latest_event_ns = -1,
                            .earliest_behind_ns = -1,
                            .first_start_ns = -1,
                            .database_changed_ns = -1,
                            .now_ns = (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec,
                            .code = EXIT_FINE};
    const enum alog_status result =
        look(&status, arguments->operands[0], arguments->operands[1], &error);
    if (result != ALOG_OK) {
        return message_failure(result, &error);
    }
    if (status.segments_unread > 0) {
        message("%" PRIu64 " segment%s could not be read, see 'agentlog verify'",
                status.segments_unread, status.segments_unread == 1 ? "" : "s");
        status.code = EXIT_FAILED;
    }
    print(&status, arguments->json, &output);
    return output_finish(&output, status.code);
}

const struct cli_command cmd_status = {
    .name = "status",
    .operands = "LOGDIR DB",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "writers, how far the database is behind, disk use and growth, the last night",
    .description = "Print which writers live and which were killed, how many events of the log the "
                   "database does not have yet, when it was last written to, how large the log is, "
                   "how it grows, for how many days the disk will do at that growth, and how the "
                   "last 'agentlog nightly' ended (from DB.nightly.json).",
    .examples = "agentlog status ./log agents.db\n"
                "agentlog status ./log agents.db --json | jq .events_behind",
    .options = options,
    .exits = exits,
    .run = run};
