-- Friendly views for people and other tools (the sqlite3 shell, Datasette, Grafana, DuckDB): names and units to read,
-- CAST columns so that every tool sees their types, rates beside their n. Rates are NULL when n is 0. They add up the
-- rollups and jobs over all days; v_days and the daily_* tables have the days. Each column's comment is its documentation:
-- it goes into schema_docs, like those of schema.sql.
--
-- WILSON() of three columns, a count, the n that it is of and their WILSON_ROOT(), stands for two more: the ends of its 95 %
-- interval, which embed_sql.cmake writes out in plain SQL. There is no sqrt() in it, since not every SQLite has that, and a
-- view that names an unknown function cannot be opened at all. An interval takes some microseconds where it is asked for.

-- What agents did in a job. Repeats are attempts. Ask for one job: that takes a millisecond, all jobs of a
-- busy day take seconds. So it is with the other job_* views.
CREATE VIEW job_agents (
    environment,            -- the job's environment
    job_id,                 -- the job
    agent_name,             -- the agent
    issue_type,             -- what it worked on
    provider_id,            -- with which provider
    model,                  -- and which model
    executions,             -- attempts
    successes,              -- of them, successful
    confidence_count,       -- attempts with a finite confidence
    confidence_e6_sum,      -- sum of confidence
    execution_time_count,   -- attempts with a finite time
    execution_time_us_sum,  -- sum of their times
    failure_time_us_sum,    -- of it, failed attempts'
    fixes_applied_sum,      -- sum of fixes_applied
    first_ns,               -- the first attempt
    last_ns,                -- the last attempt
    last_success_ns         -- the last successful attempt; 0 = none
) AS
SELECT j.environment, j.job_id,
    json_extract(p.value, '$[0]'),
    json_extract(p.value, '$[1]'),
    json_extract(p.value, '$[2]'),
    json_extract(p.value, '$[3]'),
    json_extract(p.value, '$[4]'),
    json_extract(p.value, '$[5]'),
    json_extract(p.value, '$[6]'),
    json_extract(p.value, '$[7]'),
    json_extract(p.value, '$[8]'),
    json_extract(p.value, '$[9]'),
    json_extract(p.value, '$[10]'),
    json_extract(p.value, '$[11]'),
    j.first_ns + json_extract(p.value, '$[12]'),
    j.first_ns + json_extract(p.value, '$[12]') + json_extract(p.value, '$[13]'),
    j.first_ns + json_extract(p.value, '$[12]') + json_extract(p.value, '$[13]') - json_extract(p.value, '$[14]')
FROM jobs AS j JOIN job_details AS d ON d.job = j.id, json_each(d.agent_parts) AS p;

-- Which providers a job called. Ask for one.
CREATE VIEW job_providers (
    environment,             -- the job's environment
    job_id,                  -- the job
    provider_id,             -- the provider
    model,                   -- the model
    agent_name,              -- the agent that called
    calls,                   -- how many
    successes,               -- of them, successful
    availability_failures,   -- failed: never got to run
    execution_failures,      -- failed: ran and gave a bad result
    cancelled,               -- failed: cancelled
    latency_count,           -- calls with a finite latency
    latency_us_sum,          -- sum of their latencies
    failure_latency_us_sum,  -- of it, failed calls'
    retry_count_sum,         -- sum of retry_count
    fallbacks,               -- calls with fallback_from
    input_tokens_sum,        -- sum of input_tokens
    output_tokens_sum,       -- sum of output_tokens
    cost_count,              -- calls that said what they cost
    cost_nusd_sum,           -- sum of cost
    first_ns,                -- the first call
    last_ns                  -- the last call
) AS
SELECT j.environment, j.job_id,
    json_extract(p.value, '$[0]'),
    json_extract(p.value, '$[1]'),
    json_extract(p.value, '$[2]'),
    json_extract(p.value, '$[3]'),
    json_extract(p.value, '$[4]'),
    json_extract(p.value, '$[5]'),
    json_extract(p.value, '$[6]'),
    json_extract(p.value, '$[7]'),
    json_extract(p.value, '$[8]'),
    json_extract(p.value, '$[9]'),
    json_extract(p.value, '$[10]'),
    json_extract(p.value, '$[11]'),
    json_extract(p.value, '$[12]'),
    json_extract(p.value, '$[13]'),
    json_extract(p.value, '$[14]'),
    json_extract(p.value, '$[15]'),
    json_extract(p.value, '$[16]'),
    j.first_ns + json_extract(p.value, '$[17]'),
    j.first_ns + json_extract(p.value, '$[17]') + json_extract(p.value, '$[18]')
FROM jobs AS j JOIN job_details AS d ON d.job = j.id, json_each(d.provider_parts) AS p;

-- What went wrong in a job: its error events. Ask for one.
CREATE VIEW job_errors (
    environment,     -- the job's environment
    job_id,          -- the job
    error_type,      -- hook, test, lint, type_check, …
    error_category,  -- a finer class
    errors,          -- how many
    sample,          -- message of the earliest, at most 500 bytes; on equal times the smallest text
    first_ns,        -- the first of them
    last_ns          -- the last of them
) AS
SELECT j.environment, j.job_id,
    json_extract(p.value, '$[0]'),
    json_extract(p.value, '$[1]'),
    json_extract(p.value, '$[2]'),
    json_extract(p.value, '$[3]'),
    j.first_ns + json_extract(p.value, '$[4]'),
    j.first_ns + json_extract(p.value, '$[4]') + json_extract(p.value, '$[5]')
FROM jobs AS j JOIN job_details AS d ON d.job = j.id, json_each(d.error_parts) AS p;

-- The strategies that a job chose. Ask for one.
CREATE VIEW job_strategies (
    environment,           -- the job's environment
    job_id,                -- the job
    strategy,              -- selected_strategy
    decisions,             -- how often
    effectiveness_count,   -- decisions with a finite score
    effectiveness_e6_sum,  -- sum of the scores
    first_ns,              -- the first of them
    last_ns                -- the last of them
) AS
SELECT j.environment, j.job_id,
    json_extract(p.value, '$[0]'),
    json_extract(p.value, '$[1]'),
    json_extract(p.value, '$[2]'),
    json_extract(p.value, '$[3]'),
    j.first_ns + json_extract(p.value, '$[4]'),
    j.first_ns + json_extract(p.value, '$[4]') + json_extract(p.value, '$[5]')
FROM jobs AS j JOIN job_details AS d ON d.job = j.id, json_each(d.strategy_parts) AS p;

-- The tests that failed in a job, or were in error. Ask for one.
CREATE VIEW job_tests (
    environment,  -- the job's environment
    job_id,       -- the job
    test_id,      -- the test
    failed,       -- runs that failed
    errors,       -- runs that ended in an error
    sample,       -- message of the earliest, at most 500 bytes; on equal times the smallest text
    first_ns,     -- the first of them
    last_ns       -- the last of them
) AS
SELECT j.environment, j.job_id,
    json_extract(p.value, '$[0]'),
    json_extract(p.value, '$[1]'),
    json_extract(p.value, '$[2]'),
    json_extract(p.value, '$[3]'),
    j.first_ns + json_extract(p.value, '$[4]'),
    j.first_ns + json_extract(p.value, '$[4]') + json_extract(p.value, '$[5]')
FROM jobs AS j JOIN job_details AS d ON d.job = j.id, json_each(d.test_parts) AS p;

-- The environments that there are.
CREATE VIEW v_environments (
    environment -- the environment
) AS
SELECT DISTINCT environment FROM daily_summary;

-- One row per day and environment, latest first: daily_summary in short.
CREATE VIEW v_days (
    day,                     -- YYYY-MM-DD in the reporting time zone
    environment,             -- the environment
    jobs,                    -- jobs that belong to the day
    successful_jobs,         -- of them, ended with success
    failed_jobs,             -- of them, ended with failed
    avg_job_duration_s,      -- mean duration of those with a start and an end, seconds
    agent_executions,        -- what agents did
    agent_success_rate,      -- of that, how much was successful
    agent_success_rate_low,  -- lower end of its 95 % interval (Wilson)
    agent_success_rate_high, -- upper end of it
    provider_calls,          -- calls to providers
    provider_not_cancelled,  -- of them, not cancelled: n of availability
    provider_availability,   -- calls that got to run / calls that were not cancelled
    provider_availability_low, -- lower end of its 95 % interval (Wilson)
    provider_availability_high, -- upper end of it
    provider_p50_s,          -- median latency of successful calls, seconds
    provider_p95_s,          -- 95th percentile of it, seconds
    tokens,                  -- input and output tokens
    cost_usd,                -- what the calls cost, dollars
    errors,                  -- error events
    tests_run,               -- individual tests that ran
    tests_failed,            -- of them, failed or in error
    events,                  -- all events
    events_lost              -- known to be missing
) AS
SELECT day, environment, CAST(total_jobs AS INTEGER), CAST(successful_jobs AS INTEGER), CAST(failed_jobs AS INTEGER),
    CAST(avg_job_duration_ms / 1000 AS REAL), CAST(agent_executions AS INTEGER), CAST(agent_success_rate AS REAL),
    WILSON(agent_successes, agent_executions, root_1), CAST(provider_calls AS INTEGER), CAST(not_cancelled AS INTEGER),
    CAST(provider_availability AS REAL), WILSON(ran, not_cancelled, root_2),
    CAST(provider_p50_ms / 1000 AS REAL), CAST(provider_p95_ms / 1000 AS REAL),
    CAST(input_tokens + output_tokens AS INTEGER), CAST(cost_usd AS REAL), CAST(total_errors AS INTEGER),
    CAST(tests_run AS INTEGER), CAST(tests_failed AS INTEGER), CAST(events AS INTEGER), CAST(events_lost AS INTEGER)
FROM (SELECT *, WILSON_ROOT(agent_successes, agent_executions) AS root_1, WILSON_ROOT(ran, not_cancelled) AS root_2
    FROM daily_summary LEFT JOIN (SELECT day_epoch, environment, SUM(calls - cancelled) AS not_cancelled,
    SUM(calls - cancelled - availability_failures) AS ran FROM daily_providers GROUP BY day_epoch, environment)
    USING (day_epoch, environment))
ORDER BY day_epoch DESC, environment;

-- Each agent and issue type, over all days; most executions first.
CREATE VIEW v_agents (
    environment,             -- the environment
    agent_name,              -- the agent
    issue_type,              -- what it worked on; '' = not said
    executions,              -- how many: n
    successes,               -- of them, successful
    success_rate,            -- successes / executions
    success_rate_low,        -- lower end of its 95 % interval (Wilson)
    success_rate_high,       -- upper end of it
    avg_confidence,          -- mean confidence, 0..1
    avg_execution_time_s,    -- mean time, seconds
    fixes_applied,           -- sum of fixes applied
    retries,                 -- executions whose attempt was above 1
    first_day,               -- first day with one, YYYY-MM-DD
    last_day                 -- last day with one
) AS
SELECT environment, agent_name, issue_type, CAST(n AS INTEGER), CAST(s AS INTEGER), CAST(s * 1.0 / NULLIF(n, 0) AS REAL),
    WILSON(s, n, root), CAST(confidence AS REAL), CAST(execution_time_s AS REAL), CAST(fixes AS INTEGER), CAST(retries AS INTEGER),
    CAST(strftime('%Y-%m-%d', first_epoch + (SELECT CAST(value AS INTEGER) FROM settings
        WHERE name = 'time_zone_offset_s'), 'unixepoch') AS TEXT),
    CAST(strftime('%Y-%m-%d', last_epoch + (SELECT CAST(value AS INTEGER) FROM settings
        WHERE name = 'time_zone_offset_s'), 'unixepoch') AS TEXT)
FROM (SELECT *, WILSON_ROOT(s, n) AS root
    FROM (SELECT environment, agent_name, issue_type, SUM(executions) AS n, SUM(successes) AS s,
        SUM(confidence_e6_sum) / (1e6 * NULLIF(SUM(confidence_count), 0)) AS confidence,
        SUM(execution_time_us_sum) / (1e6 * NULLIF(SUM(execution_time_count), 0)) AS execution_time_s,
        SUM(fixes_applied_sum) AS fixes, SUM(retries) AS retries, MIN(day_epoch) AS first_epoch, MAX(day_epoch) AS last_epoch
    FROM rollup_agents_day GROUP BY environment, agent_name, issue_type))
ORDER BY n DESC, environment, agent_name, issue_type;

-- Each provider, over all days; most calls first. Latency percentiles per day are in daily_providers.
CREATE VIEW v_providers (
    environment,             -- the environment
    provider_id,             -- the provider
    calls,                   -- how many
    successes,               -- of them, successful
    success_rate,            -- successes / calls
    success_rate_low,        -- lower end of its 95 % interval (Wilson)
    success_rate_high,       -- upper end of it
    not_cancelled,           -- calls that were not cancelled: n of availability
    availability,            -- calls that got to run / calls that were not cancelled
    availability_low,        -- lower end of its 95 % interval (Wilson)
    availability_high,       -- upper end of it
    avg_latency_s,           -- mean latency of successful calls, seconds
    retried_calls,           -- calls that were tried before
    fallbacks,               -- calls made in place of another provider's
    input_tokens,            -- tokens sent
    output_tokens,           -- tokens received
    cost_usd                 -- what they cost, dollars; NULL when no call says
) AS
SELECT environment, provider_id, CAST(n AS INTEGER), CAST(s AS INTEGER), CAST(s * 1.0 / NULLIF(n, 0) AS REAL),
    WILSON(s, n, root_1), CAST(not_cancelled AS INTEGER), CAST(ran * 1.0 / NULLIF(not_cancelled, 0) AS REAL),
    WILSON(ran, not_cancelled, root_2), CAST(latency_s AS REAL), CAST(retried AS INTEGER), CAST(replacing AS INTEGER), CAST(tokens_in AS INTEGER),
    CAST(tokens_out AS INTEGER), CAST(usd AS REAL)
FROM (SELECT *, WILSON_ROOT(s, n) AS root_1, WILSON_ROOT(ran, not_cancelled) AS root_2
    FROM (SELECT environment, provider_id, SUM(calls) AS n, SUM(successes) AS s, SUM(calls - cancelled) AS not_cancelled,
        SUM(calls - cancelled - availability_failures) AS ran,
        SUM(success_latency_us_sum) / (1e6 * NULLIF(SUM(success_latency_count), 0)) AS latency_s,
        SUM(retried_calls) AS retried, SUM(fallbacks) AS replacing, SUM(input_tokens_sum) AS tokens_in,
        SUM(output_tokens_sum) AS tokens_out, CASE WHEN SUM(cost_count) > 0 THEN SUM(cost_nusd_sum) / 1e9 END AS usd
    FROM rollup_providers_month GROUP BY environment, provider_id))
ORDER BY n DESC, environment, provider_id;

-- How often each provider and model got to run, over all days; most calls first. By day: daily_providers.
CREATE VIEW v_availability (
    environment,             -- the environment
    provider_id,             -- the provider
    model,                   -- the model; '' = not said
    calls,                   -- how many
    successes,               -- of them, successful
    availability_failures,   -- failed: never got to run
    execution_failures,      -- failed: ran and gave a bad result
    cancelled,               -- failed: cancelled
    not_cancelled,           -- calls that were not: n of availability
    availability,            -- calls that got to run / calls that were not cancelled
    availability_low,        -- lower end of its 95 % interval (Wilson)
    availability_high        -- upper end of it
) AS
SELECT environment, provider_id, model, CAST(n AS INTEGER), CAST(s AS INTEGER), CAST(not_run AS INTEGER), CAST(bad AS INTEGER),
    CAST(gone AS INTEGER), CAST(not_cancelled AS INTEGER), CAST(ran * 1.0 / NULLIF(not_cancelled, 0) AS REAL),
    WILSON(ran, not_cancelled, root)
FROM (SELECT *, WILSON_ROOT(ran, not_cancelled) AS root
    FROM (SELECT environment, provider_id, model, SUM(calls) AS n, SUM(successes) AS s, SUM(availability_failures) AS not_run,
        SUM(execution_failures) AS bad, SUM(cancelled) AS gone, SUM(calls - cancelled) AS not_cancelled,
        SUM(calls - cancelled - availability_failures) AS ran
    FROM rollup_providers_month GROUP BY environment, provider_id, model))
ORDER BY n DESC, environment, provider_id, model;

-- Each model that was called, over all days; most calls first.
CREATE VIEW v_models (
    environment,             -- the environment
    model,                   -- the model; '' = not said
    calls,                   -- how many: n
    successes,               -- of them, successful
    success_rate,            -- successes / calls
    success_rate_low,        -- lower end of its 95 % interval (Wilson)
    success_rate_high,       -- upper end of it
    avg_latency_s,           -- mean latency of successful calls, seconds
    input_tokens,            -- tokens sent
    output_tokens,           -- tokens received
    cost_usd,                -- what they cost, dollars; NULL when no call says
    cost_per_success_usd     -- cost / successes, dollars
) AS
SELECT environment, model, CAST(n AS INTEGER), CAST(s AS INTEGER), CAST(s * 1.0 / NULLIF(n, 0) AS REAL), WILSON(s, n, root),
    CAST(latency_s AS REAL), CAST(tokens_in AS INTEGER), CAST(tokens_out AS INTEGER), CAST(nusd / 1e9 AS REAL),
    CAST(nusd / (1e9 * NULLIF(s, 0)) AS REAL)
FROM (SELECT *, WILSON_ROOT(s, n) AS root
    FROM (SELECT environment, model, SUM(calls) AS n, SUM(successes) AS s,
        SUM(success_latency_us_sum) / (1e6 * NULLIF(SUM(success_latency_count), 0)) AS latency_s,
        SUM(input_tokens_sum) AS tokens_in, SUM(output_tokens_sum) AS tokens_out,
        CASE WHEN SUM(cost_count) > 0 THEN SUM(cost_nusd_sum) END AS nusd
    FROM rollup_providers_month GROUP BY environment, model))
ORDER BY n DESC, environment, model;

-- Each agent with each provider, over all days; most executions first.
CREATE VIEW v_agents_providers (
    environment,             -- the environment
    agent_name,              -- the agent
    provider_id,             -- the provider; '' = not said
    executions,              -- the agent's executions with the provider: n
    successes,               -- of them, successful
    success_rate,            -- successes / executions
    success_rate_low,        -- lower end of its 95 % interval (Wilson)
    success_rate_high,       -- upper end of it
    other_executions,        -- its executions with other providers
    other_success_rate,      -- of those, how many were successful
    other_success_rate_low,  -- lower end of its 95 % interval (Wilson)
    other_success_rate_high, -- upper end of it
    difference               -- success_rate - other_success_rate
) AS
SELECT environment, agent_name, provider_id, CAST(n AS INTEGER), CAST(s AS INTEGER), CAST(s * 1.0 / NULLIF(n, 0) AS REAL),
    WILSON(s, n, root_1), CAST(other_n AS INTEGER), CAST(other_s * 1.0 / NULLIF(other_n, 0) AS REAL),
    WILSON(other_s, other_n, root_2),
    CAST(s * 1.0 / NULLIF(n, 0) - other_s * 1.0 / NULLIF(other_n, 0) AS REAL)
FROM (SELECT *, WILSON_ROOT(s, n) AS root_1, WILSON_ROOT(other_s, other_n) AS root_2
    FROM (SELECT *, SUM(n) OVER w - n AS other_n, SUM(s) OVER w - s AS other_s
    FROM (SELECT environment, agent_name, provider_id, SUM(executions) AS n, SUM(successes) AS s
        FROM rollup_agents_month GROUP BY environment, agent_name, provider_id)
    WINDOW w AS (PARTITION BY environment, agent_name)))
ORDER BY n DESC, environment, agent_name, provider_id;

-- Each job, latest first; times to the second, UTC.
CREATE VIEW v_jobs (
    job_id,                  -- the job
    environment,             -- its environment
    started,                 -- YYYY-MM-DD HH:MM:SS UTC; NULL = no start was seen
    ended,                   -- the same of its end
    duration_s,              -- from start to end, seconds
    status,                  -- how it ended: success, failed, cancelled; NULL = no end was seen
    ai_agent,                -- 1 = an AI agent took part, 0 = none, NULL = not said
    iterations,              -- rounds that it took
    error_message,           -- why it failed
    agent_executions,        -- what its agents did
    agent_successes,         -- of that, successful
    provider_calls,          -- calls to providers
    provider_successes,      -- of them, successful
    tokens,                  -- input and output tokens
    cost_usd,                -- what the calls cost, dollars; NULL when none says
    hook_failures,           -- hooks that failed
    tests_failed,            -- tests that failed or were in error
    errors,                  -- error events
    events                   -- all its events
) AS
SELECT job_id, environment, CAST(strftime('%Y-%m-%d %H:%M:%S', start_ns / 1000000000, 'unixepoch') AS TEXT),
    CAST(strftime('%Y-%m-%d %H:%M:%S', end_ns / 1000000000, 'unixepoch') AS TEXT), CAST(CASE WHEN end_ns >= start_ns THEN (end_ns - start_ns) / 1e9 END AS REAL),
    status, CAST(ai_agent AS INTEGER), CAST(iterations AS INTEGER), error_message,
    CAST(agent_executions AS INTEGER), CAST(agent_successes AS INTEGER), CAST(provider_calls AS INTEGER),
    CAST(provider_successes AS INTEGER), CAST(input_tokens + output_tokens AS INTEGER), CAST(CASE WHEN cost_count > 0 THEN cost_nusd / 1e9 END AS REAL),
    CAST(hook_failures AS INTEGER), CAST(tests_failed AS INTEGER), CAST(errors AS INTEGER), CAST(events AS INTEGER)
FROM jobs ORDER BY COALESCE(start_ns, first_ns) DESC, environment, job_id;

-- Errors by type and category, over all days; most first.
CREATE VIEW v_errors (
    environment,             -- the environment
    error_type,              -- hook, test, lint, type_check, …
    error_category,          -- a finer class; '' = not said
    errors,                  -- how many
    first_seen,              -- YYYY-MM-DD HH:MM:SS UTC
    last_seen                -- the same of the latest
) AS
SELECT environment, error_type, error_category, CAST(SUM(errors) AS INTEGER),
    CAST(strftime('%Y-%m-%d %H:%M:%S', MIN(first_ns) / 1000000000, 'unixepoch') AS TEXT),
    CAST(strftime('%Y-%m-%d %H:%M:%S', MAX(last_ns) / 1000000000, 'unixepoch') AS TEXT)
FROM daily_errors GROUP BY environment, error_type, error_category
ORDER BY SUM(errors) DESC, environment, error_type, error_category;

-- Tests, over all days; those that fail most first.
CREATE VIEW v_tests (
    environment,             -- the environment
    test_id,                 -- the test
    runs,                    -- how often it ran, skipped not: n
    failures,                -- of them, failed or in error
    failure_rate,            -- failures / runs
    failure_rate_low,        -- lower end of its 95 % interval (Wilson)
    failure_rate_high,       -- upper end of it
    flaky,                   -- 1 = it has both passed and failed
    skipped,                 -- besides, skipped
    avg_execution_time_s,    -- mean time, seconds
    max_execution_time_s     -- longest time, seconds
) AS
SELECT environment, test_id, CAST(n AS INTEGER), CAST(bad AS INTEGER), CAST(bad * 1.0 / NULLIF(n, 0) AS REAL),
    WILSON(bad, n, root), CAST(n > bad AND bad > 0 AS INTEGER), CAST(skips AS INTEGER), CAST(time_s AS REAL), CAST(longest_s AS REAL)
FROM (SELECT *, WILSON_ROOT(bad, n) AS root
    FROM (SELECT environment, test_id, SUM(passed + failed + errors) AS n, SUM(failed + errors) AS bad, SUM(skipped) AS skips,
        SUM(execution_time_us_sum) / (1e6 * NULLIF(SUM(execution_time_count), 0)) AS time_s,
        CASE WHEN SUM(execution_time_count) > 0 THEN MAX(execution_time_us_max) / 1e6 END AS longest_s
    FROM rollup_tests_month GROUP BY environment, test_id))
ORDER BY bad DESC, environment, test_id;

-- Strategies, over all days; most decisions first.
CREATE VIEW v_strategies (
    environment,             -- the environment
    strategy,                -- selected_strategy
    decisions,               -- how often it was selected
    scores,                  -- of them, with an effectiveness score: n of the mean
    avg_effectiveness        -- mean score, 0..1
) AS
SELECT environment, selected_strategy, CAST(SUM(decisions) AS INTEGER), CAST(SUM(effectiveness_count) AS INTEGER),
    CAST(SUM(effectiveness_e6_sum) / (1e6 * NULLIF(SUM(effectiveness_count), 0)) AS REAL)
FROM rollup_strategies_month GROUP BY environment, selected_strategy
ORDER BY SUM(decisions) DESC, environment, selected_strategy;

-- Hooks, over all days; those that fail most first. Percentiles of their times, by day: daily_hooks.
CREATE VIEW v_hooks (
    environment,             -- the environment
    hook_name,               -- the hook
    hook_type,               -- its kind; '' = not said
    runs,                    -- how often it ran
    successes,               -- of them, successful
    failures,                -- of them, failed
    skips,                   -- of them, skipped
    not_skipped,             -- runs that were not: n of failure_rate
    failure_rate,            -- failures / not_skipped
    failure_rate_low,        -- lower end of its 95 % interval (Wilson)
    failure_rate_high,       -- upper end of it
    avg_execution_time_s     -- mean time, seconds
) AS
SELECT environment, hook_name, hook_type, CAST(n + skipped AS INTEGER), CAST(s AS INTEGER), CAST(bad AS INTEGER),
    CAST(skipped AS INTEGER), CAST(n AS INTEGER), CAST(bad * 1.0 / NULLIF(n, 0) AS REAL), WILSON(bad, n, root),
    CAST(time_s AS REAL)
FROM (SELECT *, WILSON_ROOT(bad, n) AS root
    FROM (SELECT environment, hook_name, hook_type, SUM(runs - skips) AS n, SUM(successes) AS s, SUM(failures) AS bad,
        SUM(skips) AS skipped, SUM(execution_time_us_sum) / (1e6 * NULLIF(SUM(execution_time_count), 0)) AS time_s
    FROM rollup_hooks_month GROUP BY environment, hook_name, hook_type))
ORDER BY bad DESC, environment, hook_name, hook_type;

-- Hooks that the correlation_insights of orchestrated runs name, over all days; most named first.
CREATE VIEW v_problem_hooks (
    environment,             -- the environment
    hook_name,               -- the hook
    named,                   -- orchestrations that name it
    orchestrations,          -- all orchestrations: n
    named_rate,              -- named / orchestrations
    named_rate_low,          -- lower end of its 95 % interval (Wilson)
    named_rate_high          -- upper end of it
) AS
SELECT environment, hook_name, CAST(named AS INTEGER), CAST(n AS INTEGER), CAST(named * 1.0 / n AS REAL), WILSON(named, n, root)
FROM (SELECT *, WILSON_ROOT(named, n) AS root
    FROM (SELECT environment, hook_name, SUM(executions) AS named FROM rollup_problem_hooks_month GROUP BY environment, hook_name)
    JOIN (SELECT environment, SUM(executions) AS n FROM rollup_orchestrations_month GROUP BY environment) USING (environment))
ORDER BY named DESC, environment, hook_name;

-- Events by type, over all days; most first. The writers' own are not among them.
CREATE VIEW v_events (
    environment,             -- the environment
    event,                   -- event type
    events,                  -- how many
    without_job,             -- of them, without a job id
    first_day,               -- first day with one, YYYY-MM-DD
    last_day                 -- last day with one
) AS
SELECT environment, event, CAST(SUM(events) AS INTEGER), CAST(SUM(without_job) AS INTEGER), CAST(MIN(day) AS TEXT),
    CAST(MAX(day) AS TEXT)
FROM daily_events GROUP BY environment, event
ORDER BY SUM(events) DESC, environment, event;

-- Everything so far, a row per environment. By day: v_days, daily_summary.
CREATE VIEW v_all_time (
    environment,             -- the environment
    first_day,               -- first day with any events, YYYY-MM-DD
    last_day,                -- last day with any events
    jobs,                    -- jobs: n of ai_share
    successful_jobs,         -- of them, ended with success
    failed_jobs,             -- of them, ended with failed
    cancelled_jobs,          -- of them, ended with cancelled
    ai_share,                -- of the jobs, those that an AI agent took part in
    ai_share_low,            -- lower end of its 95 % interval (Wilson)
    ai_share_high,           -- upper end of it
    avg_job_duration_s,      -- mean duration of those with a start and an end, seconds
    avg_iterations,          -- mean rounds of jobs that said
    agent_executions,        -- what agents did: n
    agent_success_rate,      -- of that, how much was successful
    agent_success_rate_low,  -- lower end of its 95 % interval (Wilson)
    agent_success_rate_high, -- upper end of it
    provider_calls,          -- calls to providers
    tokens,                  -- input and output tokens
    cost_usd,                -- what the calls cost, dollars; NULL when no call says
    errors,                  -- error events
    hook_errors,             -- of them, type hook
    test_errors,             -- of them, type test
    lint_errors,             -- of them, type lint
    type_errors,             -- of them, type type_check
    events,                  -- all events
    events_lost              -- known to be missing
) AS
SELECT environment, CAST(first_day AS TEXT), CAST(last_day AS TEXT), CAST(n AS INTEGER), CAST(successful AS INTEGER),
    CAST(failed AS INTEGER), CAST(cancelled AS INTEGER), CAST(ai * 1.0 / NULLIF(n, 0) AS REAL), WILSON(ai, n, root_1),
    CAST(duration_s AS REAL), CAST(rounds AS REAL), CAST(executions AS INTEGER),
    CAST(successes * 1.0 / NULLIF(executions, 0) AS REAL), WILSON(successes, executions, root_2), CAST(calls AS INTEGER),
    CAST(tokens AS INTEGER), CAST(usd AS REAL), CAST(all_errors AS INTEGER), CAST(of_hooks AS INTEGER), CAST(of_tests AS INTEGER),
    CAST(of_lint AS INTEGER), CAST(of_types AS INTEGER), CAST(all_events AS INTEGER), CAST(lost AS INTEGER)
FROM (SELECT *, WILSON_ROOT(ai, n) AS root_1, WILSON_ROOT(successes, executions) AS root_2
    FROM (SELECT environment, MIN(day) AS first_day, MAX(day) AS last_day, SUM(total_jobs) AS n, SUM(successful_jobs) AS successful,
        SUM(failed_jobs) AS failed, SUM(cancelled_jobs) AS cancelled, SUM(ai_jobs) AS ai,
        SUM(job_duration_us_sum) / (1e6 * NULLIF(SUM(timed_jobs), 0)) AS duration_s,
        SUM(job_iterations_sum) * 1.0 / NULLIF(SUM(job_iterations_count), 0) AS rounds, SUM(agent_executions) AS executions,
        SUM(agent_successes) AS successes, SUM(provider_calls) AS calls, SUM(input_tokens + output_tokens) AS tokens,
        SUM(cost_usd) AS usd, SUM(total_errors) AS all_errors, SUM(hook_errors) AS of_hooks, SUM(test_errors) AS of_tests,
        SUM(lint_errors) AS of_lint, SUM(type_errors) AS of_types, SUM(events) AS all_events, SUM(events_lost) AS lost
    FROM daily_summary GROUP BY environment))
ORDER BY environment;

-- The figures of `agentlog stats trend` that the daily tables have, by day and over everybody; latest first.
CREATE VIEW v_trend (
    metric,                  -- success_rate, cost_usd, latency_p95_ms, …: SELECT DISTINCT metric FROM v_trend has them all
    environment,             -- the environment
    day,                     -- YYYY-MM-DD in the reporting time zone
    n,                       -- how many the figure was made of; without any there is no row, but for counts
    value,                   -- the figure: rates and shares as 0..1
    value_low,               -- of a rate of n, lower end of its 95 % interval (Wilson)
    value_high,              -- upper end of it
    previous,                -- that of the day before; NULL when it has none
    change                   -- value - previous
) AS
WITH summaries AS (SELECT *, successful_jobs + failed_jobs + cancelled_jobs AS finished FROM daily_summary),
calls AS (SELECT environment, day_epoch, SUM(calls) AS calls, SUM(calls - cancelled) AS not_cancelled, SUM(successes) AS successes,
        SUM(availability_failures) AS not_run, SUM(execution_failures) AS bad, SUM(fallbacks) AS fallbacks,
        SUM(input_tokens + output_tokens) AS tokens, SUM(cost_count) AS costs, SUM(cost_nusd) AS nusd,
        SUM(success_latency_count) AS timed
    FROM daily_providers GROUP BY environment, day_epoch),
figures AS (
    SELECT 'success_rate' AS metric, environment, day_epoch, agent_executions AS n, agent_success_rate AS value
        FROM summaries
    UNION ALL SELECT 'executions', environment, day_epoch, agent_executions, agent_executions FROM summaries
    UNION ALL SELECT 'calls', environment, day_epoch, provider_calls, provider_calls FROM summaries
    UNION ALL SELECT 'input_tokens', environment, day_epoch, provider_calls, input_tokens FROM summaries
    UNION ALL SELECT 'output_tokens', environment, day_epoch, provider_calls, output_tokens FROM summaries
    UNION ALL SELECT 'test_failure_rate', environment, day_epoch, tests_run, tests_failed * 1.0 / NULLIF(tests_run, 0)
        FROM summaries
    UNION ALL SELECT 'errors', environment, day_epoch, total_errors, total_errors FROM summaries
    UNION ALL SELECT 'jobs', environment, day_epoch, total_jobs, total_jobs FROM summaries
    UNION ALL SELECT 'job_success_rate', environment, day_epoch, finished, successful_jobs * 1.0 / NULLIF(finished, 0)
        FROM summaries
    UNION ALL SELECT 'failed_job_rate', environment, day_epoch, finished, failed_jobs * 1.0 / NULLIF(finished, 0)
        FROM summaries
    UNION ALL SELECT 'cancelled_job_rate', environment, day_epoch, finished, cancelled_jobs * 1.0 / NULLIF(finished, 0)
        FROM summaries
    UNION ALL SELECT 'ai_share', environment, day_epoch, total_jobs, ai_jobs * 1.0 / NULLIF(total_jobs, 0) FROM summaries
    UNION ALL SELECT 'ai_fixes', environment, day_epoch, total_ai_fixes, total_ai_fixes FROM summaries
    UNION ALL SELECT 'job_time_ms', environment, day_epoch, timed_jobs, avg_job_duration_ms FROM summaries
    UNION ALL SELECT 'job_iterations', environment, day_epoch, job_iterations_count, job_iterations_sum * 1.0 / NULLIF(job_iterations_count, 0)
        FROM summaries
    UNION ALL SELECT 'events', environment, day_epoch, events, events FROM summaries
    UNION ALL SELECT 'events_lost', environment, day_epoch, events_lost, events_lost FROM summaries
    UNION ALL SELECT 'latency_p50_ms', environment, day_epoch, timed, provider_p50_ms
        FROM summaries JOIN calls USING (environment, day_epoch)
    UNION ALL SELECT 'latency_p90_ms', environment, day_epoch, timed, provider_p90_ms
        FROM summaries JOIN calls USING (environment, day_epoch)
    UNION ALL SELECT 'latency_p95_ms', environment, day_epoch, timed, provider_p95_ms
        FROM summaries JOIN calls USING (environment, day_epoch)
    UNION ALL SELECT 'latency_p99_ms', environment, day_epoch, timed, provider_p99_ms
        FROM summaries JOIN calls USING (environment, day_epoch)
    UNION ALL SELECT 'availability', environment, day_epoch, not_cancelled, (not_cancelled - not_run) * 1.0 / NULLIF(not_cancelled, 0)
        FROM calls
    UNION ALL SELECT 'call_success_rate', environment, day_epoch, calls, successes * 1.0 / calls FROM calls
    UNION ALL SELECT 'execution_failure_rate', environment, day_epoch, calls, bad * 1.0 / calls FROM calls
    UNION ALL SELECT 'cancelled_call_rate', environment, day_epoch, calls, (calls - not_cancelled) * 1.0 / calls FROM calls
    UNION ALL SELECT 'fallback_rate', environment, day_epoch, calls, fallbacks * 1.0 / calls FROM calls
    UNION ALL SELECT 'cost_usd', environment, day_epoch, costs, nusd / 1e9 FROM calls
    UNION ALL SELECT 'cost_per_success_usd', environment, day_epoch, costs, nusd / 1e9 / NULLIF(successes, 0) FROM calls
    UNION ALL SELECT 'tokens_per_success', environment, day_epoch, calls, tokens * 1.0 / NULLIF(successes, 0) FROM calls
    UNION ALL SELECT 'fixes_applied', environment, day_epoch, SUM(executions), SUM(fixes_applied)
        FROM daily_agents GROUP BY environment, day_epoch
    UNION ALL SELECT 'confidence', environment, day_epoch, SUM(executions), SUM(confidence_e6_sum) / (1e6 * SUM(executions))
        FROM daily_calibration GROUP BY environment, day_epoch
    UNION ALL SELECT 'ece', environment, day_epoch, SUM(n), SUM(ABS(e6 / 1e6 - s)) / SUM(n)
        FROM (SELECT environment, day_epoch, SUM(executions) AS n, SUM(successes) AS s,
            SUM(confidence_e6_sum) AS e6 FROM daily_calibration GROUP BY environment, day_epoch, confidence_tenth)
        GROUP BY environment, day_epoch
    UNION ALL SELECT 'decisions', environment, day_epoch, SUM(n), SUM(n)
        FROM (SELECT environment, day_epoch, decisions AS n FROM daily_strategies UNION ALL
            SELECT environment, day_epoch, 0 FROM daily_summary) GROUP BY environment, day_epoch
    UNION ALL SELECT 'effectiveness', environment, day_epoch, SUM(effectiveness_count), SUM(effectiveness_e6_sum) / (1e6 * NULLIF(SUM(effectiveness_count), 0))
        FROM daily_strategies GROUP BY environment, day_epoch
    UNION ALL SELECT 'orchestration_iterations', environment, day_epoch, SUM(iteration_count_count), SUM(iteration_count_sum) * 1.0 / NULLIF(SUM(iteration_count_count), 0)
        FROM rollup_orchestrations_day GROUP BY environment, day_epoch
    UNION ALL SELECT 'orchestration_time_ms', environment, day_epoch, SUM(total_time_count), SUM(total_time_us_sum) / (1e3 * NULLIF(SUM(total_time_count), 0))
        FROM rollup_orchestrations_day GROUP BY environment, day_epoch
    UNION ALL SELECT 'hooks_time_share', environment, day_epoch, SUM(total_time_count), SUM(hooks_time_us_sum) * 1.0 / NULLIF(SUM(total_time_us_sum), 0)
        FROM rollup_orchestrations_day GROUP BY environment, day_epoch
    UNION ALL SELECT 'tests_time_share', environment, day_epoch, SUM(total_time_count), SUM(tests_time_us_sum) * 1.0 / NULLIF(SUM(total_time_us_sum), 0)
        FROM rollup_orchestrations_day GROUP BY environment, day_epoch
    UNION ALL SELECT 'ai_time_share', environment, day_epoch, SUM(total_time_count), SUM(ai_time_us_sum) * 1.0 / NULLIF(SUM(total_time_us_sum), 0)
        FROM rollup_orchestrations_day GROUP BY environment, day_epoch
    UNION ALL SELECT 'flaky_test_rate', environment, day_epoch, SUM(passed + failed + errors > 0), SUM(passed > 0 AND failed + errors > 0) * 1.0
        / NULLIF(SUM(passed + failed + errors > 0), 0)
        FROM daily_tests GROUP BY environment, day_epoch
    UNION ALL SELECT 'hook_runs', environment, day_epoch, SUM(n), SUM(n)
        FROM (SELECT environment, day_epoch, runs - skips AS n FROM daily_hooks UNION ALL
            SELECT environment, day_epoch, 0 FROM daily_summary) GROUP BY environment, day_epoch
    UNION ALL SELECT 'hook_failure_rate', environment, day_epoch, SUM(runs - skips), SUM(failures) * 1.0 / NULLIF(SUM(runs - skips), 0)
        FROM daily_hooks GROUP BY environment, day_epoch
    UNION ALL SELECT 'attempts_per_operation', environment, day_epoch, SUM(operations), SUM(attempts) * 1.0 / SUM(operations)
        FROM rollup_attempts GROUP BY environment, day_epoch
    UNION ALL SELECT 'retried_rate', environment, day_epoch, SUM(operations), SUM(retried) * 1.0 / SUM(operations)
        FROM rollup_attempts GROUP BY environment, day_epoch
    UNION ALL SELECT 'recovered_rate', environment, day_epoch, SUM(retried), SUM(recovered) * 1.0 / NULLIF(SUM(retried), 0)
        FROM rollup_attempts GROUP BY environment, day_epoch
    UNION ALL SELECT 'ended_well_rate', environment, day_epoch, SUM(operations), SUM(ended_well) * 1.0 / SUM(operations)
        FROM rollup_attempts GROUP BY environment, day_epoch
    UNION ALL SELECT 'time_lost_ms', environment, day_epoch, SUM(operations), SUM(time_lost_us_sum) / 1e3
        FROM rollup_attempts GROUP BY environment, day_epoch),
changes AS (SELECT *, CASE WHEN LAG(day_epoch) OVER w = day_epoch - 86400 THEN LAG(value) OVER w END AS previous,
        CASE WHEN metric IN ('success_rate', 'test_failure_rate', 'job_success_rate', 'failed_job_rate', 'cancelled_job_rate',
            'ai_share', 'availability', 'call_success_rate', 'execution_failure_rate', 'cancelled_call_rate', 'fallback_rate',
            'flaky_test_rate', 'hook_failure_rate', 'retried_rate', 'recovered_rate', 'ended_well_rate')
            THEN ROUND(value * n) END AS s
    FROM figures
    WHERE n > 0 OR metric IN ('executions', 'calls', 'errors', 'jobs', 'ai_fixes', 'events', 'events_lost', 'decisions', 'hook_runs')
    WINDOW w AS (PARTITION BY metric, environment ORDER BY day_epoch))
SELECT metric, environment, CAST(strftime('%Y-%m-%d', day_epoch + (SELECT CAST(value AS INTEGER) FROM settings
        WHERE name = 'time_zone_offset_s'), 'unixepoch') AS TEXT),
    CAST(n AS INTEGER), CAST(value AS REAL), WILSON(s, n, root), CAST(previous AS REAL), CAST(value - previous AS REAL)
FROM (SELECT *, WILSON_ROOT(s, n) AS root FROM changes)
ORDER BY day_epoch DESC, metric, environment;

-- Each environment's latest day that is over, rates against the day before, p95 and cost against the median of the days with
-- any among the 7 before; rates come first, and of both those that changed for the worse most. `agentlog stats regress` compares
-- any window, and judges: it has the p value of rates, and leaves out what has too small an n.
CREATE VIEW v_regress (
    metric,                  -- success_rate, availability, hook_failure_rate, test_failure_rate, job_success_rate, latency_p95_ms, cost_usd
    environment,             -- the environment
    subject,                 -- whose: an agent, a provider and its model, a hook; '' = all
    day,                     -- the day, YYYY-MM-DD
    n,                       -- how many it had
    value,                   -- the figure: a rate as 0..1
    value_low,               -- of a rate, lower end of its 95 % interval (Wilson)
    value_high,              -- upper end of it
    n_before,                -- how many the day before had; of p95 and cost, how many days
    value_before,            -- the rate of that day, or the median of those days
    value_before_low,        -- of a rate, lower end of its 95 % interval (Wilson)
    value_before_high,       -- upper end of it
    change,                  -- value - value_before
    chi_square,              -- of two rates being equal, one degree of freedom: above 6.6 once in a hundred times by chance
    ratio                    -- of p95 and cost, value / value_before
) AS
WITH latest_days AS (SELECT environment, MAX(day_epoch) AS latest FROM daily_summary
    WHERE events > 0 AND day_epoch + 86400 <= CAST(strftime('%s', 'now') AS INTEGER) GROUP BY environment),
providers AS (SELECT *, CASE model WHEN '' THEN provider_id ELSE provider_id || ' ' || model END AS subject FROM daily_providers),
rates AS (SELECT metric, environment, subject, latest, SUM(n) FILTER (WHERE day_epoch = latest) AS n,
        SUM(s) FILTER (WHERE day_epoch = latest) AS s, SUM(n) FILTER (WHERE day_epoch < latest) AS n2,
        SUM(s) FILTER (WHERE day_epoch < latest) AS s2
    FROM latest_days
    JOIN (SELECT 'success_rate' AS metric, environment, agent_name AS subject, day_epoch, executions AS n, successes AS s
            FROM daily_agents
        UNION ALL SELECT 'availability', environment, subject, day_epoch, calls - cancelled,
            calls - cancelled - availability_failures FROM providers
        UNION ALL SELECT 'hook_failure_rate', environment, hook_name, day_epoch, runs - skips, failures FROM daily_hooks
        UNION ALL SELECT 'test_failure_rate', environment, '', day_epoch, tests_run, tests_failed FROM daily_summary
        UNION ALL SELECT 'job_success_rate', environment, '', day_epoch, successful_jobs + failed_jobs + cancelled_jobs,
            successful_jobs FROM daily_summary) USING (environment)
    WHERE day_epoch IN (latest, latest - 86400)
    GROUP BY metric, environment, subject),
figures AS (SELECT *, ROW_NUMBER() OVER w AS place, COUNT(*) OVER (PARTITION BY metric, environment, subject, before) AS days
    FROM (SELECT metric, environment, subject, latest, day_epoch < latest AS before, n, value
        FROM latest_days
        JOIN (SELECT 'latency_p95_ms' AS metric, environment, subject, day_epoch, success_latency_count AS n,
                latency_p95_ms AS value FROM providers
            UNION ALL SELECT 'cost_usd', environment, subject, day_epoch, cost_count, cost_nusd / 1e9 FROM providers)
            USING (environment)
        WHERE day_epoch >= latest - 7 * 86400 AND day_epoch <= latest AND n > 0)
    WINDOW w AS (PARTITION BY metric, environment, subject, before ORDER BY value)),
changes AS (SELECT metric, environment, subject, latest, n, s, s * 1.0 / n AS value, n2, s2, s2 * 1.0 / n2 AS value_before,
        (s + s2) * 1.0 / (n + n2) AS pooled, NULL AS ratio
    FROM rates WHERE n > 0 AND n2 > 0
    UNION ALL SELECT metric, environment, subject, latest, SUM(n) FILTER (WHERE NOT before), NULL,
        SUM(value) FILTER (WHERE NOT before), COUNT(*) FILTER (WHERE before), NULL, AVG(value) FILTER (WHERE before AND place IN ((days + 1) / 2, (days + 2) / 2)), NULL,
        SUM(value) FILTER (WHERE NOT before)
            / NULLIF(AVG(value) FILTER (WHERE before AND place IN ((days + 1) / 2, (days + 2) / 2)), 0)
    FROM figures GROUP BY metric, environment, subject, latest HAVING MIN(before) = 0 AND MAX(before) = 1)
SELECT metric, environment, subject, CAST(strftime('%Y-%m-%d', latest + (SELECT CAST(value AS INTEGER) FROM settings
        WHERE name = 'time_zone_offset_s'), 'unixepoch') AS TEXT),
    CAST(n AS INTEGER), CAST(value AS REAL), WILSON(s, n, root_1), CAST(n2 AS INTEGER), CAST(value_before AS REAL),
    WILSON(s2, n2, root_2),
    CAST(value - value_before AS REAL),
    CAST((value - value_before) * (value - value_before) / NULLIF(pooled * (1 - pooled) * (1.0 / n + 1.0 / n2), 0) AS REAL),
    CAST(ratio AS REAL)
FROM (SELECT *, WILSON_ROOT(s, n) AS root_1, WILSON_ROOT(s2, n2) AS root_2 FROM changes)
ORDER BY pooled IS NULL, ratio DESC, (value - value_before) * CASE WHEN metric LIKE '%failure%' THEN -1 ELSE 1 END,
    metric, environment, subject;

-- Whether agents are as sure as they may be, by tenths of confidence, over all days.
CREATE VIEW v_calibration (
    environment,             -- the environment
    agent_name,              -- the agent
    confidence_tenth,        -- confidence from this many tenths and below the next; 9 includes 1
    executions,              -- executions with such a confidence: n
    successes,               -- of them, successful
    success_rate,            -- successes / executions
    success_rate_low,        -- lower end of its 95 % interval (Wilson)
    success_rate_high,       -- upper end of it
    avg_confidence,          -- mean confidence, 0..1
    gap                      -- avg_confidence - success_rate: above 0 = too sure
) AS
SELECT environment, agent_name, CAST(confidence_tenth AS INTEGER), CAST(n AS INTEGER), CAST(s AS INTEGER),
    CAST(s * 1.0 / n AS REAL), WILSON(s, n, root), CAST(e6 / (1e6 * n) AS REAL), CAST((e6 / 1e6 - s) / n AS REAL)
FROM (SELECT *, WILSON_ROOT(s, n) AS root
    FROM (SELECT environment, agent_name, confidence_tenth, SUM(executions) AS n, SUM(successes) AS s, SUM(confidence_e6_sum) AS e6
    FROM daily_calibration GROUP BY environment, agent_name, confidence_tenth))
ORDER BY environment, agent_name, confidence_tenth;

-- Attempts per operation (what an agent did about an issue type in a job), over all days; most retried first.
CREATE VIEW v_retries (
    environment,             -- the environment
    agent_name,              -- the agent
    issue_type,              -- what it worked on; '' = not said
    operations,              -- how many: n
    attempts,                -- their attempts
    retried,                 -- operations with more than one attempt: n of recovered_rate
    recovered,               -- of them, with a failed attempt and a successful last one
    recovered_rate,          -- recovered / retried
    recovered_rate_low,      -- lower end of its 95 % interval (Wilson)
    recovered_rate_high,     -- upper end of it
    given_up,                -- of the retried, with a failed last attempt
    time_lost_s              -- time of failed attempts, seconds
) AS
SELECT environment, agent_name, issue_type, CAST(n AS INTEGER), CAST(tries AS INTEGER), CAST(again AS INTEGER),
    CAST(well AS INTEGER), CAST(well * 1.0 / NULLIF(again, 0) AS REAL), WILSON(well, again, root), CAST(lost AS INTEGER),
    CAST(lost_us / 1e6 AS REAL)
FROM (SELECT *, WILSON_ROOT(well, again) AS root
    FROM (SELECT environment, agent_name, issue_type, SUM(operations) AS n, SUM(attempts) AS tries, SUM(retried) AS again,
        SUM(recovered) AS well, SUM(given_up) AS lost, SUM(time_lost_us_sum) AS lost_us
    FROM rollup_attempts GROUP BY environment, agent_name, issue_type))
ORDER BY again DESC, environment, agent_name, issue_type;

-- Calls made in place of another provider's, over all days; most first.
CREATE VIEW v_fallbacks (
    environment,             -- the environment
    fallback_from,           -- the provider that was replaced
    provider_id,             -- the provider called in its place
    fallback_reason,         -- why; '' = not said
    calls,                   -- how many: n
    successes,               -- of them, successful
    success_rate,            -- successes / calls
    success_rate_low,        -- lower end of its 95 % interval (Wilson)
    success_rate_high        -- upper end of it
) AS
SELECT environment, fallback_from, provider_id, fallback_reason, CAST(n AS INTEGER), CAST(s AS INTEGER),
    CAST(s * 1.0 / n AS REAL), WILSON(s, n, root)
FROM (SELECT *, WILSON_ROOT(s, n) AS root
    FROM (SELECT environment, fallback_from, provider_id, fallback_reason, SUM(calls) AS n, SUM(successes) AS s
    FROM rollup_fallbacks_month GROUP BY environment, fallback_from, provider_id, fallback_reason))
ORDER BY n DESC, environment, fallback_from, provider_id, fallback_reason;

-- Errors by message, numbers, paths and ids folded, over all days; most first.
CREATE VIEW v_error_patterns (
    environment,             -- the environment
    error_type,              -- hook, test, lint, type_check, …
    error_category,          -- a finer class; '' = not said
    pattern,                 -- the message's first line, folded
    errors,                  -- how many
    first_seen,              -- YYYY-MM-DD HH:MM:SS UTC
    last_seen                -- the same of the latest
) AS
SELECT environment, error_type, error_category, pattern, CAST(SUM(errors) AS INTEGER),
    CAST(strftime('%Y-%m-%d %H:%M:%S', MIN(first_ns) / 1000000000, 'unixepoch') AS TEXT),
    CAST(strftime('%Y-%m-%d %H:%M:%S', MAX(last_ns) / 1000000000, 'unixepoch') AS TEXT)
FROM rollup_errors_month GROUP BY environment, error_type, error_category, pattern
ORDER BY SUM(errors) DESC, environment, error_type, error_category, pattern;

-- Orchestrated runs by execution strategy, and where their time went, over all days; most first.
CREATE VIEW v_orchestrations (
    environment,             -- the environment
    execution_strategy,      -- how the work was run
    executions,              -- how many: n
    avg_iterations,          -- mean rounds
    avg_total_time_s,        -- mean time, seconds
    hooks_share,             -- of the time, hooks; no interval: time is no count
    tests_share,             -- of the time, tests, likewise
    ai_share                 -- of the time, AI analysis, likewise
) AS
SELECT environment, execution_strategy, CAST(SUM(executions) AS INTEGER),
    CAST(SUM(iteration_count_sum) * 1.0 / NULLIF(SUM(iteration_count_count), 0) AS REAL),
    CAST(SUM(total_time_us_sum) / (1e6 * NULLIF(SUM(total_time_count), 0)) AS REAL),
    CAST(SUM(hooks_time_us_sum) * 1.0 / NULLIF(SUM(total_time_us_sum), 0) AS REAL),
    CAST(SUM(tests_time_us_sum) * 1.0 / NULLIF(SUM(total_time_us_sum), 0) AS REAL),
    CAST(SUM(ai_time_us_sum) * 1.0 / NULLIF(SUM(total_time_us_sum), 0) AS REAL)
FROM rollup_orchestrations_month GROUP BY environment, execution_strategy
ORDER BY SUM(executions) DESC, environment, execution_strategy;

-- What is known to be missing, each event once: what daily_summary.events_lost adds up. Not the rows of reason sync_failed
-- in rollup_losses, which tell the types of events that are counted here as gaps or lost segments.
CREATE VIEW losses (
    hour_epoch,              -- hour in which the loss was noted, seconds since 1970-01-01 UTC
    environment,             -- the writer's environment
    event,                   -- type of the lost events; '' when not known
    reason,                  -- ring_full, too_big, …; gap: within a segment; segment_lost: see lost_segments
    events_lost              -- how many
) AS
SELECT hour_epoch, environment, event, reason, events_lost FROM rollup_losses WHERE reason <> 'sync_failed'
UNION ALL
SELECT hour_epoch, environment, '', 'segment_lost', events_lost FROM lost_segments;
