/* The commands of `agentlog`, each in a file of its own, cmd_<name>.c. */
#ifndef AGENTLOG_TOOLS_COMMANDS_H
#define AGENTLOG_TOOLS_COMMANDS_H

#include "cli_options.h"

extern const struct cli_command cmd_log;
extern const struct cli_command cmd_ingest;
extern const struct cli_command cmd_rebuild;
extern const struct cli_command cmd_summary;
extern const struct cli_command cmd_stats;
extern const struct cli_command cmd_job;
extern const struct cli_command cmd_cat;
extern const struct cli_command cmd_info;
extern const struct cli_command cmd_verify;
extern const struct cli_command cmd_nightly;
extern const struct cli_command cmd_prune;
extern const struct cli_command cmd_coverage;
extern const struct cli_command cmd_recover;
extern const struct cli_command cmd_report;
extern const struct cli_command cmd_archive;
extern const struct cli_command cmd_trace;
extern const struct cli_command cmd_sql;
extern const struct cli_command cmd_status;
extern const struct cli_command cmd_import;
extern const struct cli_command cmd_export;

/* All of them, in the order of the help; NULL ends the list. Help, manual pages and completions are
 * made from it. */
extern const struct cli_command *const cli_commands[];

#endif
