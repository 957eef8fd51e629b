/* Asking a database, as all its commands do: open, ask, print, exit code. */
#ifndef AGENTLOG_TOOLS_DB_QUERY_H
#define AGENTLOG_TOOLS_DB_QUERY_H

#include <agentlog/aggregator.h>

#include "cli_options.h"
#include "output.h"

#define CLI_OPTION_WIDE                                                                            \
    {                                                                                              \
        .name = "all", .kind = CLI_FLAG, CLI_MEMBER(all),                                          \
        .doc = "print every column, not only the most telling ones (JSON always has all)"          \
    }

/* What was asked for on the command line. */
struct alog_query db_query_from(enum alog_query_kind kind, const struct cli_arguments *arguments);

/* Times that were given without an offset are meant in the database's zone. */
void db_query_localise(const struct alog_db *db, struct cli_arguments *arguments);

/* Say on stderr that the database does not have the environment (none = production, "*" = all), and
 * which it has: it is most often a mistyped one, and some questions answer with zeros. */
void db_query_tell_unknown_environment(struct alog_db *db, struct alog_string asked);

/* Ask for one table, which the caller frees; the times of `arguments` and `query` are made the
 * database's first. What went wrong was said on stderr, and that the database has no such
 * environment, which is no failure; a filter that the question does not know is EXIT_USAGE. */
enum exit_code db_query_ask(const struct cli_command *command, struct cli_arguments *arguments,
                            const char *db_path, struct alog_query *query,
                            struct alog_table **ret_table);

/* Print it: in JSON, with all columns, or with those of `names` (NULL-terminated); when `names` is
 * empty, as "name  value" lines. Nothing matching is said on stderr. */
enum exit_code db_query_show(const struct cli_arguments *arguments, const struct alog_table *table,
                             const char *const *names);

/* Both. */
enum exit_code db_query_print(const struct cli_command *command,
                              const struct cli_arguments *arguments, const char *db_path,
                              const struct alog_query *query, const char *const *names);

#endif
