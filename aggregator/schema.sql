-- The database's schema, version 6. Each column's comment is its documentation: it goes into schema_docs.
--
-- Layers: segments (the ledger) -> rollup_* (hourly integer sums) and jobs, job_* (facts of one job) -> daily_* (made
-- again from those for days that changed). rollup_* and job* are only ever added to, in any order with the same result;
-- nothing here depends on when, or in how many steps, the log was ingested.
--
-- Absent dimensions are '' and never NULL; beyond settings.dimension_cap different values a day (ten times that for test ids) the rest is '_OTHER', in the
-- rollups (those with fewest digits stay, then the shortest; event types of the catalogue always: see cap.h). Numbers that are NaN, infinite, outside their field's
-- range in the catalogue or above 2^53 of the column's units are left out of sums and counted in not_finite. *_us are microseconds,
-- *_nusd billionths of a dollar, *_e6 millionths. *_hist are latency sketches: see FORMAT.md, "Sketches".

-- Settings that the sums depend on; recorded when the database is made.
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY, -- name of the setting: time_zone_offset_s, dimension_cap, latency_thresholds_us
    value TEXT NOT NULL             -- its value
) STRICT, WITHOUT ROWID;

-- The ledger: which segments are in the sums, and how far.
CREATE TABLE segments (
    segment_id TEXT NOT NULL PRIMARY KEY,    -- the file's random id, 32 hex digits
    writer_id TEXT NOT NULL,                 -- the writer, 16 hex digits
    number INTEGER NOT NULL,                 -- the segment's number among its writer's, from 1
    environment TEXT NOT NULL,               -- the writer's environment
    name TEXT NOT NULL,                      -- DAY/FILE below the log directory, without .open
    state TEXT NOT NULL,                     -- sealed, or open while only a part was there
    sha256 TEXT NOT NULL,                    -- SHA-256 of the file's ingested bytes (sealed: the whole file)
    digest TEXT NOT NULL,                    -- a sealed file's index digest, which tells quickly that it is the same; else ''
    bytes INTEGER NOT NULL,                  -- bytes ingested (sealed: the file's size)
    blocks INTEGER NOT NULL,                 -- blocks ingested
    events INTEGER NOT NULL,                 -- events ingested, the writer's own included
    first_sequence INTEGER NOT NULL,         -- of the first event; 0 = none
    last_sequence INTEGER NOT NULL,          -- of the last event ingested; 0 = none
    min_timestamp_ns INTEGER NOT NULL,       -- earliest event; 0 = none
    max_timestamp_ns INTEGER NOT NULL,       -- latest event; 0 = none
    missing_events INTEGER NOT NULL,         -- sequence numbers missing within it, at its end as far as its index knows: damaged or cut blocks
    predecessor_id TEXT NOT NULL,            -- segment_id of the writer's segment before; '' = its first
    predecessor_last_sequence INTEGER NOT NULL -- the last sequence number in that one
) STRICT, WITHOUT ROWID;

CREATE INDEX segments_by_writer ON segments (writer_id, number);

-- Segments that are missing between others of their writer, or end too early: what the segments of the ledger leave
-- open between them. It follows from the ledger alone, and a row goes when what was missing arrives.
CREATE TABLE lost_segments (
    writer_id TEXT NOT NULL,         -- the writer
    number INTEGER NOT NULL,         -- number of the segment that tells: the first that is there after the loss
    environment TEXT NOT NULL,       -- the writer's environment
    hour_epoch INTEGER NOT NULL,     -- hour of that segment's earliest event, seconds since 1970-01-01 UTC
    day_epoch INTEGER NOT NULL,      -- start of its day in the reporting time zone
    first_sequence INTEGER NOT NULL, -- the first event that is missing
    last_sequence INTEGER NOT NULL,  -- the last one
    events_lost INTEGER NOT NULL,    -- how many
    PRIMARY KEY (writer_id, number)
) STRICT, WITHOUT ROWID;

-- Segments set aside: why, until an ingest can read them.
CREATE TABLE bad_segments (
    name TEXT NOT NULL PRIMARY KEY, -- DAY/FILE below the log directory
    reason TEXT NOT NULL            -- what is wrong with it
) STRICT, WITHOUT ROWID;

-- Events by type: every event is counted here once.
CREATE TABLE rollup_events (
    hour_epoch INTEGER NOT NULL,    -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,      -- the events' environment
    event TEXT NOT NULL,            -- event type, the writer's own and user-defined ones included
    events INTEGER NOT NULL,        -- how many
    without_job INTEGER NOT NULL,   -- of them, without a job id
    PRIMARY KEY (environment, hour_epoch, event)
) STRICT, WITHOUT ROWID;

-- Which fields of the catalogue's events were there at all: what coverage looks at.
CREATE TABLE rollup_fields (
    hour_epoch INTEGER NOT NULL,    -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,      -- the events' environment
    event TEXT NOT NULL,            -- event type of the catalogue
    fields_seen INTEGER NOT NULL,   -- bit i (from 0) = an event had the type's field i, in the catalogue's order
    PRIMARY KEY (environment, hour_epoch, event)
) STRICT, WITHOUT ROWID;

-- agent_execution events.
CREATE TABLE rollup_agents (
    hour_epoch INTEGER NOT NULL,            -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the events' environment
    agent_name TEXT NOT NULL,               -- the agent
    issue_type TEXT NOT NULL,               -- what it worked on
    provider_id TEXT NOT NULL,              -- with which provider
    model TEXT NOT NULL,                    -- and which model
    executions INTEGER NOT NULL,            -- how many
    successes INTEGER NOT NULL,             -- of them, successful
    confidence_count INTEGER NOT NULL,      -- executions with a finite confidence
    confidence_e6_sum INTEGER NOT NULL,     -- sum of confidence
    confidence_success_e6_sum INTEGER NOT NULL, -- sum of confidence over successful executions
    confidence_square_e9_sum INTEGER NOT NULL,  -- sum of squared confidence (of its millionths), billionths, each rounded half even
    fixes_applied_sum INTEGER NOT NULL,     -- sum of fixes_applied
    files_modified_sum INTEGER NOT NULL,    -- sum of files_modified
    remaining_issues_sum INTEGER NOT NULL,  -- sum of remaining_issues
    execution_time_count INTEGER NOT NULL,  -- executions with a finite time
    execution_time_us_sum INTEGER NOT NULL, -- sum of their times
    failure_time_us_sum INTEGER NOT NULL,   -- of it, failed executions'
    success_time_hist BLOB NOT NULL,        -- sketch of successful executions' times
    failure_time_hist BLOB NOT NULL,        -- sketch of failed executions' times
    retries INTEGER NOT NULL,               -- executions with attempt > 1
    not_finite INTEGER NOT NULL,            -- numbers that were left out: NaN, infinite, outside their field's range, above 2^53 units
    PRIMARY KEY (environment, hour_epoch, agent_name, issue_type, provider_id, model)
) STRICT, WITHOUT ROWID;

-- The confidence of agent_execution events that have one, in thousandths. The sketches' buckets are thousandths of
-- confidence, rounded down: 0 to 1000 (see FORMAT.md, "Sketches").
CREATE TABLE rollup_calibration (
    hour_epoch INTEGER NOT NULL,            -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the events' environment
    agent_name TEXT NOT NULL,               -- the agent
    executions INTEGER NOT NULL,            -- executions with a finite confidence
    success_hist BLOB NOT NULL,             -- of them, successful ones by confidence
    failure_hist BLOB NOT NULL,             -- of them, failed ones by confidence
    rest_hist BLOB NOT NULL,                -- millionths that rounding down left out, summed up by confidence
    PRIMARY KEY (environment, hour_epoch, agent_name)
) STRICT, WITHOUT ROWID;

-- provider_performance events.
CREATE TABLE rollup_providers (
    hour_epoch INTEGER NOT NULL,            -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the events' environment
    provider_id TEXT NOT NULL,              -- the provider
    model TEXT NOT NULL,                    -- the model
    agent_name TEXT NOT NULL,               -- the agent that called
    calls INTEGER NOT NULL,                 -- how many
    successes INTEGER NOT NULL,             -- of them, successful
    availability_failures INTEGER NOT NULL, -- failed: never got to run
    execution_failures INTEGER NOT NULL,    -- failed: ran and gave a bad result
    cancelled INTEGER NOT NULL,             -- failed: cancelled
    unclassified_failures INTEGER NOT NULL, -- failed without a failure_class
    success_latency_count INTEGER NOT NULL, -- successful calls with a finite latency
    success_latency_us_sum INTEGER NOT NULL, -- sum of their latencies
    failure_latency_count INTEGER NOT NULL, -- failed calls with a finite latency
    failure_latency_us_sum INTEGER NOT NULL, -- sum of their latencies
    success_latency_hist BLOB NOT NULL,     -- sketch of successful calls' latencies
    failure_latency_hist BLOB NOT NULL,     -- sketch of failed calls' latencies
    success_band_1 INTEGER NOT NULL,       -- successful calls of at most the first of settings.latency_thresholds_us, and more than the one before
    success_band_2 INTEGER NOT NULL,       -- successful calls of at most the second of settings.latency_thresholds_us, and more than the one before
    success_band_3 INTEGER NOT NULL,       -- successful calls of at most the third of settings.latency_thresholds_us, and more than the one before
    success_band_4 INTEGER NOT NULL,       -- successful calls of at most the fourth of settings.latency_thresholds_us, and more than the one before
    success_band_5 INTEGER NOT NULL,       -- successful calls of at most the fifth of settings.latency_thresholds_us, and more than the one before
    success_band_6 INTEGER NOT NULL,       -- successful calls of at most the sixth of settings.latency_thresholds_us, and more than the one before
    success_band_7 INTEGER NOT NULL,       -- successful calls of at most the seventh of settings.latency_thresholds_us, and more than the one before
    success_band_8 INTEGER NOT NULL,       -- successful calls of at most the eighth of settings.latency_thresholds_us, and more than the one before
    retried_calls INTEGER NOT NULL,         -- calls with retry_count > 0
    retry_count_sum INTEGER NOT NULL,       -- sum of retry_count
    fallbacks INTEGER NOT NULL,             -- calls with fallback_from
    input_tokens_sum INTEGER NOT NULL,      -- sum of input_tokens
    output_tokens_sum INTEGER NOT NULL,     -- sum of output_tokens
    cost_count INTEGER NOT NULL,            -- calls with a finite cost
    cost_nusd_sum INTEGER NOT NULL,         -- sum of cost, each call rounded half even to a billionth of a dollar
    not_finite INTEGER NOT NULL,            -- numbers that were left out: NaN, infinite, outside their field's range, above 2^53 units
    PRIMARY KEY (environment, hour_epoch, provider_id, model, agent_name)
) STRICT, WITHOUT ROWID;

-- provider_performance events that replace a call to another provider.
CREATE TABLE rollup_fallbacks (
    hour_epoch INTEGER NOT NULL,            -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the events' environment
    fallback_from TEXT NOT NULL,            -- the provider that was replaced
    provider_id TEXT NOT NULL,              -- the provider called in its place
    fallback_reason TEXT NOT NULL,          -- why
    calls INTEGER NOT NULL,                 -- how many
    successes INTEGER NOT NULL,             -- of them, successful
    latency_count INTEGER NOT NULL,         -- calls with a finite latency
    latency_us_sum INTEGER NOT NULL,        -- sum of their latencies
    PRIMARY KEY (environment, hour_epoch, fallback_from, provider_id, fallback_reason)
) STRICT, WITHOUT ROWID;

-- strategy_decision events.
CREATE TABLE rollup_strategies (
    hour_epoch INTEGER NOT NULL,             -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,               -- the events' environment
    selected_strategy TEXT NOT NULL,         -- the strategy chosen
    previous_strategy TEXT NOT NULL,         -- the one before
    decisions INTEGER NOT NULL,              -- how many
    effectiveness_count INTEGER NOT NULL,    -- decisions with a finite score
    effectiveness_e6_sum INTEGER NOT NULL,   -- sum of the scores
    not_finite INTEGER NOT NULL,             -- numbers that were left out: NaN, infinite, outside their field's range, above 2^53 units
    PRIMARY KEY (environment, hour_epoch, selected_strategy, previous_strategy)
) STRICT, WITHOUT ROWID;

-- orchestration_execution events.
CREATE TABLE rollup_orchestrations (
    hour_epoch INTEGER NOT NULL,             -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,               -- the events' environment
    execution_strategy TEXT NOT NULL,        -- how the work was run
    ai_mode TEXT NOT NULL,                   -- how the AI took part
    progress_level TEXT NOT NULL,            -- how much progress was shown
    executions INTEGER NOT NULL,             -- how many
    iteration_count_count INTEGER NOT NULL,  -- executions with iteration_count
    iteration_count_sum INTEGER NOT NULL,    -- sum of iteration_count
    strategy_switches_sum INTEGER NOT NULL,  -- sum of strategy_switches
    total_time_count INTEGER NOT NULL,       -- executions with a finite total time
    total_time_us_sum INTEGER NOT NULL,      -- sum of total_execution_time
    hooks_time_us_sum INTEGER NOT NULL,      -- sum of hooks_execution_time
    tests_time_us_sum INTEGER NOT NULL,      -- sum of tests_execution_time
    ai_time_us_sum INTEGER NOT NULL,         -- sum of ai_analysis_time
    not_finite INTEGER NOT NULL,             -- numbers that were left out: NaN, infinite, outside their field's range, above 2^53 units
    PRIMARY KEY (environment, hour_epoch, execution_strategy, ai_mode, progress_level)
) STRICT, WITHOUT ROWID;

-- Hooks that orchestration_execution events name in their correlation_insights, as "problematic_hooks".
CREATE TABLE rollup_problem_hooks (
    hour_epoch INTEGER NOT NULL,            -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the events' environment
    hook_name TEXT NOT NULL,                -- the hook
    executions INTEGER NOT NULL,            -- orchestrations that name it
    PRIMARY KEY (environment, hour_epoch, hook_name)
) STRICT, WITHOUT ROWID;

-- hook_execution events.
CREATE TABLE rollup_hooks (
    hour_epoch INTEGER NOT NULL,            -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the events' environment
    hook_name TEXT NOT NULL,                -- the hook
    hook_type TEXT NOT NULL,                -- its kind
    runs INTEGER NOT NULL,                  -- how many
    successes INTEGER NOT NULL,             -- of them, successful
    failures INTEGER NOT NULL,              -- of them, failed
    skips INTEGER NOT NULL,                 -- of them, skipped
    execution_time_count INTEGER NOT NULL,  -- runs with a finite time
    execution_time_us_sum INTEGER NOT NULL, -- sum of their times
    time_hist BLOB NOT NULL,                -- sketch of their times
    not_finite INTEGER NOT NULL,            -- numbers that were left out: NaN, infinite, outside their field's range, above 2^53 units
    PRIMARY KEY (environment, hour_epoch, hook_name, hook_type)
) STRICT, WITHOUT ROWID;

-- test_execution events.
CREATE TABLE rollup_test_runs (
    hour_epoch INTEGER NOT NULL,            -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the events' environment
    runs INTEGER NOT NULL,                  -- how many
    total_tests_sum INTEGER NOT NULL,       -- sum of total_tests
    passed_sum INTEGER NOT NULL,            -- sum of passed
    failed_sum INTEGER NOT NULL,            -- sum of failed
    skipped_sum INTEGER NOT NULL,           -- sum of skipped
    execution_time_count INTEGER NOT NULL,  -- runs with a finite time
    execution_time_us_sum INTEGER NOT NULL, -- sum of their times
    coverage_count INTEGER NOT NULL,        -- runs with a finite coverage
    coverage_e6_sum INTEGER NOT NULL,       -- sum of coverage_percent, millionths of a percent
    not_finite INTEGER NOT NULL,            -- numbers that were left out: NaN, infinite, outside their field's range, above 2^53 units
    PRIMARY KEY (environment, hour_epoch)
) STRICT, WITHOUT ROWID;

-- individual_test_execution events.
CREATE TABLE rollup_tests (
    hour_epoch INTEGER NOT NULL,            -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the events' environment
    test_id TEXT NOT NULL,                  -- the test
    passed INTEGER NOT NULL,                -- runs that passed
    failed INTEGER NOT NULL,                -- runs that failed
    skipped INTEGER NOT NULL,               -- runs that were skipped
    errors INTEGER NOT NULL,                -- runs that ended in an error
    execution_time_count INTEGER NOT NULL,  -- runs with a finite time
    execution_time_us_sum INTEGER NOT NULL, -- sum of their times
    execution_time_us_max INTEGER NOT NULL, -- the longest of them
    not_finite INTEGER NOT NULL,            -- numbers that were left out: NaN, infinite, outside their field's range, above 2^53 units
    PRIMARY KEY (environment, hour_epoch, test_id)
) STRICT, WITHOUT ROWID;

-- error events.
CREATE TABLE rollup_errors (
    hour_epoch INTEGER NOT NULL,   -- start of the hour, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,     -- the events' environment
    error_type TEXT NOT NULL,      -- hook, test, lint, type_check, …
    error_category TEXT NOT NULL,  -- a finer class
    pattern TEXT NOT NULL,         -- the message's first line with numbers, paths and ids folded, at most 160 bytes
    errors INTEGER NOT NULL,       -- how many
    first_ns INTEGER NOT NULL,     -- the earliest of them
    last_ns INTEGER NOT NULL,      -- the latest of them
    sample TEXT NOT NULL,          -- message of the earliest, at most 500 bytes; on equal times the smallest text
    PRIMARY KEY (environment, hour_epoch, error_type, error_category, pattern)
) STRICT, WITHOUT ROWID;

-- What is known to be missing within segments: counted by the writers (writer_loss), or seen as gaps in sequence
-- numbers. The view losses has it together with lost_segments, each event once.
CREATE TABLE rollup_losses (
    hour_epoch INTEGER NOT NULL,  -- hour in which the loss was noted
    environment TEXT NOT NULL,    -- the writer's environment
    event TEXT NOT NULL,          -- type of the lost events; '' when not known
    reason TEXT NOT NULL,         -- ring_full, too_big, …; sync_failed: their numbers are missing, so that they are gaps as well
    events_lost INTEGER NOT NULL, -- how many
    PRIMARY KEY (environment, hour_epoch, event, reason)
) STRICT, WITHOUT ROWID;

-- Jobs: one row per job id.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,          -- the row's number: depends on the order of the ingests and means nothing
    environment TEXT NOT NULL,       -- the job's environment
    job_id TEXT NOT NULL,            -- the job
    day_epoch INTEGER NOT NULL,      -- start of the day it belongs to (that it started; without a start, of its first event)
    start_ns INTEGER,                -- its job_start; NULL = none was seen
    end_ns INTEGER,                  -- its job_end; NULL = none was seen (the latest, if there are several)
    status TEXT,                     -- of that job_end
    ai_agent INTEGER,                -- 1 if a job_start said so, 0 if it said not, NULL unknown
    iterations INTEGER,              -- of that job_end
    error_message TEXT,              -- of that job_end
    metadata TEXT,                   -- of that job_start, JSON text
    start_event_id TEXT,             -- that job_start
    end_event_id TEXT,               -- that job_end
    first_ns INTEGER NOT NULL,       -- its earliest event
    last_ns INTEGER NOT NULL,        -- its latest event
    events INTEGER NOT NULL,         -- all its events
    agent_executions INTEGER NOT NULL, -- its agent_execution events
    agent_successes INTEGER NOT NULL, -- of them, successful
    provider_calls INTEGER NOT NULL, -- its provider_performance events
    provider_successes INTEGER NOT NULL, -- of them, successful
    input_tokens INTEGER NOT NULL,   -- of its provider calls
    output_tokens INTEGER NOT NULL,  -- of its provider calls
    cost_count INTEGER NOT NULL,     -- of its provider calls, those that said what they cost
    cost_nusd INTEGER NOT NULL,      -- of its provider calls
    decisions INTEGER NOT NULL,      -- its strategy_decision events
    orchestrations INTEGER NOT NULL, -- its orchestration_execution events
    orchestration_iterations INTEGER NOT NULL, -- sum of their iteration_count
    strategy_switches INTEGER NOT NULL, -- sum of their strategy_switches
    orchestration_time_us INTEGER NOT NULL, -- sum of their total_execution_time
    hooks_time_us INTEGER NOT NULL,  -- sum of their hooks_execution_time
    tests_time_us INTEGER NOT NULL,  -- sum of their tests_execution_time
    ai_time_us INTEGER NOT NULL,     -- sum of their ai_analysis_time
    hook_runs INTEGER NOT NULL,      -- its hook_execution events
    hook_failures INTEGER NOT NULL,  -- of them, failed
    tests_run INTEGER NOT NULL,      -- its individual_test_execution events
    tests_failed INTEGER NOT NULL,   -- of them, failed or in error
    errors INTEGER NOT NULL,         -- its error events
    UNIQUE (job_id, environment)
) STRICT;
CREATE INDEX jobs_by_day ON jobs (day_epoch);

-- What was done in a job, one row per job that has any of it. The views job_agents, job_providers, job_errors,
-- job_strategies and job_tests show it as rows, a job at a time; over all jobs they are slow. Each list is a JSON
-- array with an array for each row: the columns of the view in their order, from the third on; times are nanoseconds
-- from another, which are few digits: a row's first_ns after that of the job, its last_ns after its first_ns, and
-- last_success_ns before its last_ns. (One row per job, and not per agent, model and error of a job, is what makes a
-- fleet's day small and quick to write; with a number, as jobs, so that what is new goes to the end, whatever the ids of
-- jobs look like.)
CREATE TABLE job_details (
    job INTEGER PRIMARY KEY REFERENCES jobs, -- the job: the id of its row
    agent_parts TEXT NOT NULL,       -- JSON: what its agents did; see job_agents
    provider_parts TEXT NOT NULL,    -- JSON: which providers it called; see job_providers
    error_parts TEXT NOT NULL,       -- JSON: its errors; see job_errors
    strategy_parts TEXT NOT NULL,    -- JSON: the strategies that it chose; see job_strategies
    test_parts TEXT NOT NULL         -- JSON: its failed tests; see job_tests
) STRICT;

-- Jobs by the day that they belong to. Like the next two it is what the rows of jobs say, added up when they change.
CREATE TABLE rollup_jobs (
    day_epoch INTEGER NOT NULL,         -- start of the job's day, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,          -- the job's environment
    seen INTEGER NOT NULL,              -- jobs that any event names
    jobs INTEGER NOT NULL,              -- of them, with a job_start or job_end: the others are not counted in what follows
    successful_jobs INTEGER NOT NULL,   -- jobs that ended with success
    failed_jobs INTEGER NOT NULL,       -- jobs that ended with failed
    cancelled_jobs INTEGER NOT NULL,    -- jobs that ended with cancelled
    ended_jobs INTEGER NOT NULL,        -- jobs with a start and an end
    timed_jobs INTEGER NOT NULL,        -- of those, whose end is not before their start
    duration_us_sum INTEGER NOT NULL,   -- sum of the durations of those, each rounded down
    ai_jobs INTEGER NOT NULL,           -- jobs that an AI agent took part in
    ai_successful_jobs INTEGER NOT NULL, -- of them, ended with success
    iterations_count INTEGER NOT NULL,  -- jobs whose job_end has iterations
    iterations_sum INTEGER NOT NULL,    -- sum of those
    orchestrated_jobs INTEGER NOT NULL, -- jobs with an orchestration_execution
    PRIMARY KEY (environment, day_epoch)
) STRICT, WITHOUT ROWID;

-- Attempts, by the day that their job belongs to. An operation is what an agent did about one issue type in one job;
-- each of its agent_execution events is an attempt.
CREATE TABLE rollup_attempts (
    day_epoch INTEGER NOT NULL,    -- start of the job's day, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,     -- the job's environment
    agent_name TEXT NOT NULL,      -- the agent
    issue_type TEXT NOT NULL,      -- what it worked on
    operations INTEGER NOT NULL,   -- how many
    attempts INTEGER NOT NULL,     -- their attempts
    ended_well INTEGER NOT NULL,   -- operations whose last attempt was successful
    retried INTEGER NOT NULL,      -- operations with more than one attempt
    recovered INTEGER NOT NULL,    -- of them, with a failed attempt and a successful last one
    given_up INTEGER NOT NULL,     -- of them, with a failed last attempt
    attempts_2 INTEGER NOT NULL,   -- operations with two attempts
    attempts_3 INTEGER NOT NULL,   -- operations with three attempts
    attempts_4_up INTEGER NOT NULL, -- operations with more
    time_lost_us_sum INTEGER NOT NULL, -- time of failed attempts
    PRIMARY KEY (environment, day_epoch, agent_name, issue_type)
) STRICT, WITHOUT ROWID;

-- Jobs by the strategies that they chose, each once however often it chose one, by the day that the job belongs to.
-- In _OTHER a job counts once for each of the strategies that are there.
CREATE TABLE rollup_strategy_jobs (
    day_epoch INTEGER NOT NULL,    -- start of the job's day, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,     -- the job's environment
    strategy TEXT NOT NULL,        -- selected_strategy
    jobs INTEGER NOT NULL,         -- jobs that chose it
    orchestrated_jobs INTEGER NOT NULL, -- of them, with an orchestration_execution
    orchestration_iterations_sum INTEGER NOT NULL, -- sum of iteration_count of those
    finished_jobs INTEGER NOT NULL, -- of the jobs, with a job_end
    successful_jobs INTEGER NOT NULL, -- of those, ended with success
    PRIMARY KEY (environment, day_epoch, strategy)
) STRICT, WITHOUT ROWID;

-- Days whose sums changed since they were summarised; empty at rest.
CREATE TABLE dirty_days (
    environment TEXT NOT NULL, -- the environment
    day_epoch INTEGER NOT NULL, -- start of the day, seconds since 1970-01-01 UTC
    PRIMARY KEY (environment, day_epoch)
) STRICT, WITHOUT ROWID;

-- Days that retention took rows from: they are not summarised again, since that would make them less.
CREATE TABLE pruned_days (
    day_epoch INTEGER NOT NULL,      -- start of the day, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,       -- the environment
    rows_pruned INTEGER NOT NULL,    -- 1 = rows of single jobs are gone
    rollups_pruned INTEGER NOT NULL, -- 1 = hourly sums are gone
    events INTEGER NOT NULL,         -- events that were counted in those: the ledger still has them
    PRIMARY KEY (day_epoch, environment)
) STRICT, WITHOUT ROWID;

-- One row per day and environment: the figures people ask for first. No data is NULL, never 0.
CREATE TABLE daily_summary (
    day TEXT NOT NULL,                  -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,         -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,          -- the environment
    total_jobs INTEGER NOT NULL,        -- jobs that belong to the day (those with a job_start or job_end)
    successful_jobs INTEGER NOT NULL,   -- of them, ended with success
    failed_jobs INTEGER NOT NULL,       -- of them, ended with failed
    cancelled_jobs INTEGER NOT NULL,    -- of them, ended with cancelled
    ended_jobs INTEGER NOT NULL,        -- of them, with a start and an end
    timed_jobs INTEGER NOT NULL,        -- of those, whose end is not before their start: where the clock was set back there is no duration
    job_duration_us_sum INTEGER NOT NULL, -- sum of the durations of those
    avg_job_duration_ms REAL,           -- mean of the durations of those
    ai_jobs INTEGER NOT NULL,           -- jobs of the day that an AI agent took part in
    job_iterations_count INTEGER NOT NULL, -- jobs of the day that said how many rounds they took
    job_iterations_sum INTEGER NOT NULL, -- sum of those rounds
    total_errors INTEGER NOT NULL,      -- error events
    hook_errors INTEGER NOT NULL,       -- of them, type hook
    test_errors INTEGER NOT NULL,       -- of them, type test
    lint_errors INTEGER NOT NULL,       -- of them, type lint
    type_errors INTEGER NOT NULL,       -- of them, type type_check
    total_ai_fixes INTEGER NOT NULL,    -- successful jobs that had an AI agent
    orchestrated_jobs INTEGER NOT NULL, -- jobs of the day with an orchestration_execution
    avg_orchestration_iterations REAL,  -- mean iteration_count of the day's orchestrations
    most_used_strategy TEXT,            -- selected_strategy with most decisions; on a tie the first by name
    most_effective_strategy TEXT,       -- best mean effectiveness among those with at least 5 scores
    agent_executions INTEGER NOT NULL,  -- agent_execution events
    agent_successes INTEGER NOT NULL,   -- of them, successful
    agent_success_rate REAL,            -- successes / executions
    provider_calls INTEGER NOT NULL,    -- provider_performance events
    provider_successes INTEGER NOT NULL, -- of them, successful
    provider_availability REAL,         -- calls that got to run / calls that were not cancelled
    provider_p50_ms REAL,               -- median latency of successful calls
    provider_p90_ms REAL,               -- 90th percentile of it
    provider_p95_ms REAL,               -- 95th percentile of it
    provider_p99_ms REAL,               -- 99th percentile of it
    input_tokens INTEGER NOT NULL,      -- sum over provider calls
    output_tokens INTEGER NOT NULL,     -- sum over provider calls
    cost_nusd INTEGER NOT NULL,         -- sum over provider calls, exact
    cost_usd REAL,                      -- the same in dollars; NULL when no call says
    hook_runs INTEGER NOT NULL,         -- hook_execution events
    hook_failures INTEGER NOT NULL,     -- of them, failed
    tests_run INTEGER NOT NULL,         -- individual tests that ran (skipped ones not)
    tests_failed INTEGER NOT NULL,      -- of them, failed or in error
    events INTEGER NOT NULL,            -- all events, the writers' own not
    events_lost INTEGER NOT NULL,       -- known to be missing
    PRIMARY KEY (day_epoch, environment)
) STRICT, WITHOUT ROWID;

-- A day's events by type; the writers' own are not among them.
CREATE TABLE daily_events (
    day TEXT NOT NULL,            -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,   -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,    -- the environment
    event TEXT NOT NULL,          -- event type, user-defined ones included
    events INTEGER NOT NULL,      -- how many
    without_job INTEGER NOT NULL, -- of them, without a job id
    PRIMARY KEY (day_epoch, environment, event)
) STRICT, WITHOUT ROWID;

-- A day's agent executions by agent and issue type.
CREATE TABLE daily_agents (
    day TEXT NOT NULL,                  -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,         -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,          -- the environment
    agent_name TEXT NOT NULL,           -- the agent
    issue_type TEXT NOT NULL,           -- what it worked on
    executions INTEGER NOT NULL,        -- how many
    successes INTEGER NOT NULL,         -- of them, successful
    success_rate REAL,                  -- successes / executions
    success_rate_low REAL,              -- Wilson 95 % interval, lower end
    success_rate_high REAL,             -- and upper end
    confidence_avg REAL,                -- mean confidence
    fixes_applied INTEGER NOT NULL,     -- sum of fixes_applied
    execution_time_us_sum INTEGER NOT NULL, -- sum of times
    execution_time_p50_ms REAL,         -- median time
    execution_time_p95_ms REAL,         -- 95th percentile of it
    PRIMARY KEY (day_epoch, environment, agent_name, issue_type)
) STRICT, WITHOUT ROWID;

-- A day's provider calls by provider and model.
CREATE TABLE daily_providers (
    day TEXT NOT NULL,                      -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,             -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,              -- the environment
    provider_id TEXT NOT NULL,              -- the provider
    model TEXT NOT NULL,                    -- the model
    calls INTEGER NOT NULL,                 -- how many
    successes INTEGER NOT NULL,             -- of them, successful
    availability_failures INTEGER NOT NULL, -- failed: never got to run
    execution_failures INTEGER NOT NULL,    -- failed: ran and gave a bad result
    cancelled INTEGER NOT NULL,             -- failed: cancelled
    unclassified_failures INTEGER NOT NULL, -- failed without a failure_class
    availability REAL,                      -- calls that got to run / calls that were not cancelled
    availability_low REAL,                  -- Wilson 95 % interval, lower end
    availability_high REAL,                 -- and upper end
    latency_p50_ms REAL,                    -- median latency of successful calls
    latency_p90_ms REAL,                    -- 90th percentile of it
    latency_p95_ms REAL,                    -- 95th percentile of it
    latency_p99_ms REAL,                    -- 99th percentile of it
    retried_calls INTEGER NOT NULL,         -- calls with retry_count > 0
    fallbacks INTEGER NOT NULL,             -- calls with fallback_from
    input_tokens INTEGER NOT NULL,          -- sum of input_tokens
    output_tokens INTEGER NOT NULL,         -- sum of output_tokens
    cost_nusd INTEGER NOT NULL,             -- sum of cost
    cost_count INTEGER NOT NULL,            -- calls that said what they cost
    success_latency_count INTEGER NOT NULL, -- successful calls with a finite latency
    success_latency_hist BLOB NOT NULL,     -- sketch of their latencies
    PRIMARY KEY (day_epoch, environment, provider_id, model)
) STRICT, WITHOUT ROWID;

-- A day's strategy decisions.
CREATE TABLE daily_strategies (
    day TEXT NOT NULL,             -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,    -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,     -- the environment
    strategy TEXT NOT NULL,        -- selected_strategy
    decisions INTEGER NOT NULL,    -- how many
    effectiveness_count INTEGER NOT NULL, -- of them, with a score
    effectiveness_e6_sum INTEGER NOT NULL, -- sum of the scores
    effectiveness_avg REAL,        -- mean score
    PRIMARY KEY (day_epoch, environment, strategy)
) STRICT, WITHOUT ROWID;

-- A day's agent executions by confidence, in tenths.
CREATE TABLE daily_calibration (
    day TEXT NOT NULL,             -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,    -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,     -- the environment
    agent_name TEXT NOT NULL,      -- the agent
    confidence_tenth INTEGER NOT NULL, -- confidence from this many tenths and below the next; 9 includes 1
    executions INTEGER NOT NULL,   -- executions with such a confidence
    successes INTEGER NOT NULL,    -- of them, successful
    confidence_e6_sum INTEGER NOT NULL, -- sum of confidence
    PRIMARY KEY (day_epoch, environment, agent_name, confidence_tenth)
) STRICT, WITHOUT ROWID;

-- A day's hook runs.
CREATE TABLE daily_hooks (
    day TEXT NOT NULL,             -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,    -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,     -- the environment
    hook_name TEXT NOT NULL,       -- the hook
    hook_type TEXT NOT NULL,       -- its kind
    runs INTEGER NOT NULL,         -- how many
    successes INTEGER NOT NULL,    -- of them, successful
    failures INTEGER NOT NULL,     -- of them, failed
    skips INTEGER NOT NULL,        -- of them, skipped
    execution_time_us_sum INTEGER NOT NULL, -- sum of times
    execution_time_p50_ms REAL,    -- median time
    execution_time_p95_ms REAL,    -- 95th percentile of it
    PRIMARY KEY (day_epoch, environment, hook_name, hook_type)
) STRICT, WITHOUT ROWID;

-- A day's individual tests.
CREATE TABLE daily_tests (
    day TEXT NOT NULL,             -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,    -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,     -- the environment
    test_id TEXT NOT NULL,         -- the test
    passed INTEGER NOT NULL,       -- runs that passed
    failed INTEGER NOT NULL,       -- runs that failed
    skipped INTEGER NOT NULL,      -- runs that were skipped
    errors INTEGER NOT NULL,       -- runs that ended in an error
    execution_time_us_sum INTEGER NOT NULL, -- sum of times
    PRIMARY KEY (day_epoch, environment, test_id)
) STRICT, WITHOUT ROWID;

-- A day's errors.
CREATE TABLE daily_errors (
    day TEXT NOT NULL,             -- YYYY-MM-DD in the reporting time zone
    day_epoch INTEGER NOT NULL,    -- its start, seconds since 1970-01-01 UTC
    environment TEXT NOT NULL,     -- the environment
    error_type TEXT NOT NULL,      -- hook, test, lint, type_check, …
    error_category TEXT NOT NULL,  -- a finer class
    errors INTEGER NOT NULL,       -- how many
    first_ns INTEGER NOT NULL,     -- the earliest of them
    last_ns INTEGER NOT NULL,      -- the latest of them
    sample TEXT NOT NULL,          -- message of the earliest
    PRIMARY KEY (day_epoch, environment, error_type, error_category)
) STRICT, WITHOUT ROWID;

-- What every column of every table and view means.
CREATE TABLE schema_docs (
    table_name TEXT NOT NULL,  -- table or view
    column_name TEXT NOT NULL, -- its column; '' = the table itself
    doc TEXT NOT NULL,         -- what it means
    PRIMARY KEY (table_name, column_name)
) STRICT, WITHOUT ROWID;
