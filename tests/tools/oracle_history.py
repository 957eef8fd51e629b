"""The oracle's part that goes by days: summaries, all time, what got worse, what is degraded."""
import math

from oracle_base import DAY_NS, SKETCH_ERROR, compare, day_text, fail, median, nearest_rank, rate, same, wilson

OWN = "('writer_stats', 'writer_loss')"
# Sums over the events of a day or a window.
EVENT_SUMS = """SUM(event = 'error') AS total_errors,
 COALESCE(SUM(error_type = 'hook') FILTER (WHERE event = 'error'), 0) AS hook_errors,
 COALESCE(SUM(error_type = 'test') FILTER (WHERE event = 'error'), 0) AS test_errors,
 COALESCE(SUM(error_type = 'lint') FILTER (WHERE event = 'error'), 0) AS lint_errors,
 COALESCE(SUM(error_type = 'type_check') FILTER (WHERE event = 'error'), 0) AS type_errors,
 SUM(event = 'agent_execution') AS agent_executions, COALESCE(SUM(success) FILTER (WHERE event = 'agent_execution'), 0) AS agent_successes,
 SUM(event = 'provider_performance') AS provider_calls,
 COALESCE(SUM(COALESCE(failure_class, '') <> 'cancelled') FILTER (WHERE event = 'provider_performance'), 0) AS provider_not_cancelled,
 COALESCE(SUM(COALESCE(failure_class, '') NOT IN ('cancelled', 'availability')) FILTER (WHERE event = 'provider_performance'), 0) AS ran,
 COALESCE(SUM(input_tokens) FILTER (WHERE event = 'provider_performance'), 0) AS input_tokens,
 COALESCE(SUM(output_tokens) FILTER (WHERE event = 'provider_performance'), 0) AS output_tokens,
 SUM(cost_usd) FILTER (WHERE event = 'provider_performance') AS cost_usd,
 SUM(event = 'hook_execution') AS hook_runs, COALESCE(SUM(status = 'failed') FILTER (WHERE event = 'hook_execution'), 0) AS hook_failures,
 SUM(event = 'individual_test_execution' AND status <> 'skipped') AS tests_run,
 SUM(event = 'individual_test_execution' AND status IN ('failed', 'error')) AS tests_failed, COUNT(*) AS events"""
JOB_SUMS = """COUNT(*) AS total_jobs, SUM(COALESCE(status = 'success', 0)) AS successful_jobs, SUM(COALESCE(status = 'failed', 0)) AS failed_jobs,
 SUM(COALESCE(status = 'cancelled', 0)) AS cancelled_jobs, SUM(COALESCE("end" >= start, 0)) AS timed_jobs,
 AVG(CASE WHEN "end" >= start THEN ("end" - start) / 1000 / 1e3 END) AS avg_job_duration_ms, SUM(COALESCE(ai, 0)) AS ai_jobs,
 SUM(COALESCE(ai AND status = 'success', 0)) AS total_ai_fixes, SUM(orchestrations > 0) AS orchestrated_jobs"""
REAL_JOBS = "(start IS NOT NULL OR \"end\" IS NOT NULL)"
SUBJECT = "provider_id || CASE COALESCE(model, '') WHEN '' THEN '' ELSE ' ' || model END"

WINDOWS = "day >= {first} AND day < {behind} {where} GROUP BY 1, 2"  # the one asked about, and the one before it
SOURCES = {  # subject, whether it is the window before, n and s; a good rate is high
    "success_rate": f"SELECT agent_name, day < {{begin}}, COUNT(*), SUM(success) FROM p WHERE event = 'agent_execution' AND {WINDOWS}",
    "availability": f"SELECT {SUBJECT}, day < {{begin}}, COUNT(*), SUM(COALESCE(failure_class, '') <> 'availability') FROM p"
                    f" WHERE event = 'provider_performance' AND COALESCE(failure_class, '') <> 'cancelled' AND {WINDOWS}",
    "hook_failure_rate": "SELECT hook_name, day < {begin}, COUNT(*), SUM(status <> 'failed') FROM p WHERE event = 'hook_execution'"
                         f" AND status <> 'skipped' AND {WINDOWS}",
    "test_failure_rate": "SELECT '', day < {begin}, COUNT(*), SUM(status = 'passed') FROM p"
                         f" WHERE event = 'individual_test_execution' AND status <> 'skipped' AND {WINDOWS}",
    "job_success_rate": f"SELECT '', day < {{begin}}, COUNT(*), SUM(status = 'success') FROM j WHERE status IS NOT NULL AND {WINDOWS}"}


class History:
    def named(self, sql):
        """Rows as dictionaries."""
        cursor = self.sql.execute(sql)
        names = [c[0] for c in cursor.description]
        return [dict(zip(names, row)) for row in cursor]

    def check_summary(self):
        jobs = {r.pop("day"): r for r in self.named(f"SELECT day, {JOB_SUMS} FROM jd WHERE {REAL_JOBS} GROUP BY day")}
        no_jobs = self.named(f"SELECT {JOB_SUMS} FROM jd WHERE 0")[0]
        no_jobs = {k: 0 if v is None and not k.startswith("avg") else v for k, v in no_jobs.items()}
        expected = {}
        for sums in self.named(f"SELECT day, {EVENT_SUMS}, AVG(iteration_count) FILTER (WHERE event = 'orchestration_execution')"
                               f" AS avg_orchestration_iterations FROM d WHERE event NOT IN {OWN} GROUP BY day"):
            day = sums.pop("day")
            row = sums | jobs.get(day, no_jobs)
            row["agent_success_rate"], row["agent_success_rate_low"], row["agent_success_rate_high"] = rate(
                row["agent_successes"], row["agent_executions"])
            row["provider_availability"], row["provider_availability_low"], row["provider_availability_high"] = rate(
                row.pop("ran"), row["provider_not_cancelled"])
            used = self.rows(f"SELECT selected_strategy, COUNT(*), COUNT(effectiveness_score), SUM(ROUND(effectiveness_score * 1e6))"
                             f" FROM e WHERE event = 'strategy_decision' AND environment = 'production' AND day = {day} GROUP BY 1")
            scored = [u for u in used if u[2] >= 5]
            row["most_used_strategy"] = min(used, key=lambda u: (-u[1], u[0]))[0] if used else None
            row["most_effective_strategy"] = min(scored, key=lambda u: (-u[3] / u[2], u[0]))[0] if scored else None
            expected[(day_text(day),)] = row
        rows = self.stats("summary")
        columns = list(next(iter(expected.values()))) if expected else []
        for row in rows:  # NULL where there are no calls
            if row["provider_not_cancelled"] is None:
                row["provider_not_cancelled"] = 0
        compare("summary", [r for r in rows if r["events"]], ("day",),
                {k: tuple(v[c] for c in columns) for k, v in expected.items()}, columns)
        for row in rows:
            latencies = [v for v, in self.sql.execute(
                "SELECT latency_ms FROM e WHERE environment = 'production' AND event = 'provider_performance' AND success"
                " AND latency_ms IS NOT NULL AND date(day * 86400, 'unixepoch') = ?", (row["day"],))]
            for q in (50, 90, 95, 99):
                if not same(row[f"provider_p{q}_ms"], nearest_rank(latencies, q / 100), SKETCH_ERROR):
                    fail(f"p{q} of {row['day']}", row[f"provider_p{q}_ms"], nearest_rank(latencies, q / 100))

    def check_all_time(self):
        row = self.named(f"SELECT {EVENT_SUMS}, MIN(day) AS first_day, MAX(day) AS last_day, COUNT(DISTINCT day) AS days FROM d"
                         f" WHERE event NOT IN {OWN}")[0]
        row |= self.named(f"SELECT {JOB_SUMS}, AVG(iterations) AS avg_iterations FROM jd WHERE {REAL_JOBS}")[0]
        if not row["events"] and not row["total_jobs"]:
            return
        row = {k: 0 if v is None and k.endswith(("jobs", "fixes")) else v for k, v in row.items()}
        row["first_day"], row["last_day"] = day_text(row["first_day"]), day_text(row["last_day"])
        row["finished_jobs"] = sum(row[k] for k in ("successful_jobs", "failed_jobs", "cancelled_jobs"))
        for name, s, n in (("job_success_rate", "successful_jobs", "finished_jobs"), ("ai_share", "ai_jobs", "total_jobs"),
                           ("agent_success_rate", "agent_successes", "agent_executions"),
                           ("provider_availability", "ran", "provider_not_cancelled"), ("test_failure_rate", "tests_failed", "tests_run")):
            row[name], row[f"{name}_low"], row[f"{name}_high"] = rate(row[s], row[n])
        del row["ran"]
        common = self.rows("SELECT error_type || CASE COALESCE(error_category, '') WHEN '' THEN '' ELSE ' ' || error_category END,"
                           " COUNT(*) FROM d WHERE event = 'error' GROUP BY error_type, COALESCE(error_category, '')"
                           " ORDER BY 2 DESC, error_type, COALESCE(error_category, '') LIMIT 1")
        row["most_common_error"], row["most_common_error_count"] = common[0] if common else (None, None)
        compare("all-time", self.stats("all-time"), ("environment",), {("production",): tuple(row.values())}, list(row))

    # ---- What got worse

    def check_regress(self):
        """A window against the one before it, and against the seven days before it; without one, the last day."""
        behind = self.days[1]
        last, = self.rows(f"SELECT MAX(day) FROM e WHERE environment = 'production' AND event NOT IN {OWN} AND day < {behind}")[0]
        behind = behind if behind < 1 << 40 else last + 1
        begin = self.days[0] if "--since" in self.window else behind - 1
        for options, where, about in ((("--min-count", 5), "", SOURCES), (("--min-count", 3, "--max-ratio", 1.1), "", SOURCES),
                                      (("--min-count", 5, "--provider", "p0"), " AND provider_id = 'p0'", ("success_rate", "availability")),
                                      ((), "", SOURCES)):
            given = dict(zip(options[::2], options[1::2]))
            least, max_ratio = given.get("--min-count", 30), given.get("--max-ratio", 1.5)
            rows = self.stats("regress", *options)
            if self.exit != (4 if any(r["worse"] for r in rows) else 0):
                fail(f"exit code of regress {options}", self.exit, rows)
            for row in rows:
                if (row["first_day"], row["last_day"]) != (day_text(begin), day_text(behind - 1)):
                    fail("window of regress", row, (day_text(begin), day_text(behind - 1)))
            figures = ("latency_p95_ms", "cost_usd")
            self.compare_rates([r for r in rows if r["metric"] not in figures], begin, behind, least, where, about)
            self.compare_medians([r for r in rows if r["metric"] in figures], begin, behind, least, max_ratio, where)

    def compare_rates(self, rows, begin, behind, least, where, about):
        tests = {}
        for metric in about:
            figures = {}
            for subject, before, n, s in self.rows(
                    SOURCES[metric].format(begin=begin, first=2 * begin - behind, behind=behind, where=where)):
                figures.setdefault(subject, {})[before] = (n, s)
            for subject, windows in figures.items():
                (n, s), (m, t) = windows.get(0, (0, 0)), windows.get(1, (0, 0))
                if n >= least and m >= least:
                    p = (s + t) / (n + m)
                    sd = math.sqrt(p * (1 - p) * (1 / n + 1 / m))
                    chance = 0.5 * math.erfc((t / m - s / n) / sd / math.sqrt(2)) if sd else 1.0
                    bad = "failure" in metric
                    tests[metric, subject] = (n, *rate(n - s if bad else s, n), m, *rate(m - t if bad else t, m), None, chance)
        expected = {key: (*values, values[-1] < 0.01 / len(tests)) for key, values in tests.items()}
        columns = ("n", "value", "value_low", "value_high", "n_before", "value_before", "value_before_low", "value_before_high",
                   "ratio", "p_value", "worse")
        compare("regress", rows, ("metric", "subject"), expected, columns)

    def compare_medians(self, rows, begin, behind, least, max_ratio, where):
        """p95 and cost, by day; all days of the window as one."""
        latencies, costs = {}, {}
        for subject, day, success, ms, usd in self.rows(
                f"SELECT {SUBJECT}, MIN(day, {begin}), success, latency_ms, cost_usd FROM p WHERE event = 'provider_performance'"
                f" AND day >= {begin} - 7 AND day < {behind} {where}"):
            if success and ms is not None:
                latencies.setdefault(subject, {}).setdefault(day, []).append(ms)
            if usd is not None:
                costs.setdefault(subject, {}).setdefault(day, []).append(usd)
        expected = {}
        length = behind - begin
        for metric, by_subject, figure, enough, days_in in (
                ("latency_p95_ms", latencies, lambda v: nearest_rank(v, 0.95), least, 1), ("cost_usd", costs, sum, 1, length)):
            for subject, days in by_subject.items():
                before = [figure(v) for day, v in days.items() if day < begin and len(v) >= enough]
                if len(days.get(begin, ())) >= least and before:
                    value, usual = figure(days[begin]) / days_in, median(before)
                    expected[metric, subject] = (len(days[begin]), value, len(before), usual, None, None)
        compare("regress of p95 and cost", rows, ("metric", "subject"), expected,
                ("n", "value", "n_before", "value_before", "value_low", "value_before_high"), SKETCH_ERROR)
        for row in rows:
            _, value, _, usual, *_ = expected[row["metric"], row["subject"]]
            ratio = value / usual if usual else None
            if not same(row["ratio"], ratio, 3 * SKETCH_ERROR):
                fail(f"ratio, {row['metric']} of {row['subject']}", row, ratio)
            if ratio is not None and abs(ratio / max_ratio - 1) > 3 * SKETCH_ERROR and row["worse"] != (ratio > max_ratio):
                fail(f"worse, {row['metric']} of {row['subject']}", row, ratio)

    # ---- What is degraded

    def check_degradation(self):
        least = 5
        days = {}
        for provider, model, day, failure, success, ms in self.rows(
                "SELECT provider_id, COALESCE(model, ''), day, COALESCE(failure_class, ''), success, latency_ms FROM e"
                f" WHERE environment = 'production' AND event = 'provider_performance' AND day < {self.days[1]}"):
            n = days.setdefault((provider, model), {}).setdefault(day, [0, 0, []])
            n[0] += failure != "cancelled"
            n[1] += failure not in ("cancelled", "availability")
            n[2] += [ms] if success and ms is not None else []
        newest = max((day for v in days.values() for day in v), default=0)
        for row in self.stats("availability", "--min-count", least):
            known = {day: v for day, v in days[row["provider_id"], row["model"]].items() if v[0] > 0}
            # Who was silent on the last days of all calls is not judged.
            latest = max((day for day in known if day >= max(self.days[0], newest - 8)), default=None)
            if latest is None:
                if (row["latest_day"], row["degraded"]) != (None, None):
                    fail(f"degradation of {row['provider_id']}, which was silent", row, None)
                continue
            known = {day: v for day, v in known.items() if day >= newest - 8}
            n, ran, latencies = known[latest]
            before = [v for day, v in known.items() if latest - 7 <= day < latest]
            usual = median([v[1] / v[0] for v in before])
            usual_p95, p95 = median([nearest_rank(v[2], 0.95) for v in before]), nearest_rank(latencies, 0.95)
            compare("degradation", [row], (), {(): (day_text(latest), n, p95, usual_p95)},
                    ("latest_day", "latest_calls", "latest_p95_ms", "trailing_p95_ms"), SKETCH_ERROR)
            compare("degradation, rates", [row], (), {(): (*rate(ran, n), len(before), usual)},
                    ("latest_availability", "latest_availability_low", "latest_availability_high", "trailing_days",
                     "trailing_availability"))
            slow = p95 is not None and usual_p95 is not None and p95 > 1.5 * usual_p95
            if n < least or usual is None:
                expected = None
            elif wilson(ran, n)[1] < usual:
                expected = True
            elif p95 is not None and usual_p95 and abs(p95 / usual_p95 / 1.5 - 1) < 3 * SKETCH_ERROR:
                continue
            else:
                expected = slow
            if row["degraded"] != expected:
                fail(f"degraded, {row['provider_id']} {row['model']}", row, expected)
