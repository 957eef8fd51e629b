/* Help texts, made from the tables that the parser uses. */
#ifndef AGENTLOG_TOOLS_CLI_HELP_H
#define AGENTLOG_TOOLS_CLI_HELP_H

#include <stdio.h>

#include "cli_options.h"

/* What the program's help says beside the commands: paragraphs, example lines, exit codes. */
extern const char cli_introduction[];
extern const char cli_first_steps[];
extern const struct cli_exit cli_program_exits[];

/* What the help of a command that is in_background says of that. */
extern const char cli_in_background[];

/* The help of one command. */
void cli_print_command_help(FILE *stream, const struct cli_command *command);

/* The help of the program: what it is, its commands, how to begin. */
void cli_print_program_help(FILE *stream, const struct cli_command *const *commands);

#endif
