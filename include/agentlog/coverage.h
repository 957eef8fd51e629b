/*
 * agentlog coverage: instrumentation that is silent. Tracking code that nobody calls looks like
 * agents that do nothing; this says what should be in the log and is not.
 */
#ifndef AGENTLOG_COVERAGE_H
#define AGENTLOG_COVERAGE_H

#include <agentlog/aggregator.h>

#ifdef __cplusplus
extern "C" {
#endif

struct alog_coverage_options {
    size_t struct_bytes;
    struct alog_opt_i64 since_ns;   /* look at days from this one on; default: all */
    struct alog_opt_i64 until_ns;   /* … and before this, which is also what "stopped" is measured
                                       against; default: now */
    struct alog_string environment; /* absent = "production"; "*" = every one but "test" */
};
#define ALOG_COVERAGE_OPTIONS_INIT                                                                 \
    { .struct_bytes = sizeof(struct alog_coverage_options) }

/*
 * One row per finding, none = all is well. Columns: environment, check_name, subject (an event
 * type, EVENT.FIELD, an agent, a writer), found and total (what the finding counts, of how many),
 * last_seen, explanation. Checks:
 *
 *   no_events                nothing at all in the environment
 *   event_never_seen         a type of the catalogue; event_only_in_test: … but in `test`
 *   field_never_seen         a field of a type that is seen; field_only_in_test likewise
 *   event_stopped            it came on five days or more, and now there is a gap more than twice
 * as long as the longest before events_without_job       events that carry no job id
 *   jobs_without_end         nothing was heard of them for a day
 *   jobs_without_agents      AI jobs in which no agent_execution was logged
 *   jobs_without_providers   AI jobs with agents and without any provider call
 *   constant_confidence      an agent that always says the same, 20 times or more
 *   events_lost              by event and reason
 *   writer_with_losses       sequence numbers that are missing in its segments
 *
 * The table is freed with alog_table_free. ALOG_INVALID (options), ALOG_IO, ALOG_NO_MEMORY. Cost:
 * milliseconds; reads rollups, daily rows and jobs.
 */
ALOG_API ALOG_MUST_CHECK enum alog_status
alog_db_coverage(struct alog_db *db, const struct alog_coverage_options *options,
                 struct alog_table **ret_table, struct alog_error *error);

#ifdef __cplusplus
}
#endif

#endif
