/* Completion scripts for shells, made from the commands' tables. */
#ifndef AGENTLOG_TOOLS_COMPLETIONS_H
#define AGENTLOG_TOOLS_COMPLETIONS_H

#include "cli_options.h"
#include "docs/docs_file.h"

/* What a word on the command line can be completed to. */
enum completion_kind {
    COMPLETE_NOTHING, /* it is the user's own */
    COMPLETE_FILE,
    COMPLETE_DIRECTORY,
    COMPLETE_CHOICE, /* one of the command's choices */
    COMPLETE_EVENT,  /* an event of the catalogue */
    COMPLETE_VALUE   /* one of the option's values */
};

/* Operand `index` of the command, counted from 0. *ret_last: all that follow are of this kind too;
 * *ret_name: what the help calls it, `name_bytes` of room. False: there is no such operand. */
bool completion_operand(const struct cli_command *command, size_t index,
                        enum completion_kind *ret_kind, bool *ret_last, char *ret_name,
                        size_t name_bytes);

/* The value of an option; COMPLETE_NOTHING for a flag. */
enum completion_kind completion_value(const struct cli_option *option);

/* bash/agentlog, zsh/_agentlog and fish/agentlog.fish. False after a message. */
bool completions_write_bash(const struct docs_place *place,
                            const struct cli_command *const *commands);
bool completions_write_zsh(const struct docs_place *place,
                           const struct cli_command *const *commands);
bool completions_write_fish(const struct docs_place *place,
                            const struct cli_command *const *commands);

#endif
