#!/bin/sh
# check_fleet.sh FLEET AGENTLOG: the example's own count is what the log holds, and every event carries a job.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"$1" "$here/log" 3 10 | tee "$here/said"
said=$(sed -n 's/.* and logged \([0-9]*\) events (0 not taken)$/\1/p' "$here/said")
"$2" cat "$here/log" >"$here/events"
"$2" verify "$here/log"
events=$(wc -l <"$here/events")
jobless=$(grep -vc '"job_id":"job-' "$here/events" || true)
echo "said $said, logged $events, without a job $jobless"
[ "$said" = "$events" ] && [ "$jobless" = 0 ]
for type in job_start job_end agent_execution provider_performance strategy_decision orchestration_execution \
    hook_execution test_execution individual_test_execution error cache_lookup; do
    grep -q "\"event\":\"$type\"" "$here/events" || { echo "no $type"; exit 1; }
done
