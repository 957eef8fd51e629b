/* The commands of `agentlog`, in the order of its help. */
#include "commands.h"

const struct cli_command *const cli_commands[] = {
    &cmd_log,    &cmd_import, &cmd_ingest, &cmd_rebuild,  &cmd_summary, &cmd_stats,   &cmd_job,
    &cmd_report, &cmd_cat,    &cmd_export, &cmd_info,     &cmd_verify,  &cmd_recover, &cmd_archive,
    &cmd_trace,  &cmd_sql,    &cmd_status, &cmd_coverage, &cmd_nightly, &cmd_prune,   NULL};
