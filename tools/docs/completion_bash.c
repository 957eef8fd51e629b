/* Completion for bash. The logic is the same for every command; each has a few lines of facts. */
#include <agentlog/agentlog.h>

#include "docs/completions.h"

static const char opening[] =
    "# bash completion for agentlog. Generated from the program's own tables.\n"
    "\n"
    "_agentlog_facts() {\n"
    "    options= valued= operands= choices= values=\n"
    "    case \"$1\" in\n";

/*
 * `options` are the command's; `valued` those that take a value, each with what it is completed to
 * ("--since:nothing"; `values`: of the one that has some); `operands` likewise, the last one for
 * all that follow if it ends in '+'.
 */
static const char logic[] =
    "    esac\n"
    "}\n"
    "\n"
    "_agentlog_words() {\n"
    "    COMPREPLY=($(compgen -W \"$1\" -- \"$word\"))\n"
    "}\n"
    "\n"
    "_agentlog_kind() {\n"
    "    case \"$1\" in\n"
    "    file) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
    "    directory) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- \"$word\")) ;;\n"
    "    choice) _agentlog_words \"$choices\" ;;\n"
    "    event) _agentlog_words \"$events\" ;;\n"
    "    value) _agentlog_words \"$values\" ;;\n"
    "    esac\n"
    "}\n"
    "\n"
    "_agentlog() {\n"
    "    local IFS=$' \\t\\n' word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local options valued operands choices values operand index=0 at\n"
    "    COMPREPLY=()\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        _agentlog_words \"$commands help --help --version\"\n"
    "        return\n"
    "    fi\n"
    "    if [[ ${COMP_WORDS[1]} == help ]]; then\n"
    "        ((COMP_CWORD == 2)) && _agentlog_words \"$commands events\"\n"
    "        return\n"
    "    fi\n"
    "    _agentlog_facts \"${COMP_WORDS[1]}\"\n"
    "    # '=' parts words: --since=7d is three.\n"
    "    [[ $word == = ]] && word=\n"
    "    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}\n"
    "    if [[ $before == -* && \" $valued\" == *\" $before:\"* ]]; then\n"
    "        at=${valued#*\"$before:\"}\n"
    "        _agentlog_kind \"${at%% *}\"\n"
    "        return\n"
    "    fi\n"
    "    if [[ $word == -* ]]; then\n"
    "        _agentlog_words \"$options --help\"\n"
    "        return\n"
    "    fi\n"
    "    for ((at = 2; at < COMP_CWORD; at++)); do\n"
    "        before=${COMP_WORDS[at]}\n"
    "        if [[ $before == -* && \" $valued\" == *\" $before:\"* ]]; then\n"
    "            at=$((at + 1))\n"
    "            [[ ${COMP_WORDS[at]} == = ]] && at=$((at + 1))\n"
    "        elif [[ $before != -* ]]; then\n"
    "            index=$((index + 1))\n"
    "        fi\n"
    "    done\n"
    "    for operand in $operands; do\n"
    "        if ((index == 0)) || [[ $operand == *+ ]]; then\n"
    "            _agentlog_kind \"${operand%+}\"\n"
    "            return\n"
    "        fi\n"
    "        index=$((index - 1))\n"
    "    done\n"
    "}\n"
    "\n"
    "complete -F _agentlog agentlog\n";

static const char *kind_word(enum completion_kind kind) {
    switch (kind) {
    case COMPLETE_FILE:
        return "file";
    case COMPLETE_DIRECTORY:
        return "directory";
    case COMPLETE_CHOICE:
        return "choice";
    case COMPLETE_EVENT:
        return "event";
    case COMPLETE_VALUE:
        return "value";
    case COMPLETE_NOTHING:
        break;
    }
    return "nothing";
}

static void write_command(FILE *out, const struct cli_command *command) {
    fprintf(out, "    %s)\n        options='", command->name);
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        fprintf(out, "--%s ", option->name);
    }
    fputs("'\n        valued='", out);
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        if (option->argument != NULL) {
            fprintf(out, "--%s:%s ", option->name, kind_word(completion_value(option)));
            if (option->letter != '\0') {
                fprintf(out, "-%c:%s ", option->letter, kind_word(completion_value(option)));
            }
        }
    }
    fputs("'\n        operands='", out);
    enum completion_kind kind;
    bool is_last = false;
    char name[64];
    for (size_t i = 0;
         !is_last && completion_operand(command, i, &kind, &is_last, name, sizeof name); i++) {
        fprintf(out, "%s%s ", kind_word(kind), is_last ? "+" : "");
    }
    fputs("'\n", out);
    if (command->choices != NULL) {
        fputs("        choices='", out);
        for (const struct cli_choice *choice = command->choices; choice->name != NULL; choice++) {
            fprintf(out, "%s ", choice->name);
        }
        fputs("'\n", out);
    }
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        struct cli_value value;
        for (size_t i = 0; option->value != NULL && option->value(i, &value); i++) {
            fprintf(out, "%s%s", i == 0 ? "        values='" : " ", value.name);
        }
        fputs(option->value != NULL ? "'\n" : "", out);
    }
    fputs("        ;;\n", out);
}

bool completions_write_bash(const struct docs_place *place,
                            const struct cli_command *const *commands) {
    FILE *out = docs_file_open(place, "bash", "agentlog");
    if (out == NULL) {
        return false;
    }
    size_t count = 0;
    const struct alog_event_type *types = alog_catalogue(&count);
    fputs(opening, out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        write_command(out, commands[i]);
    }
    /* The lists are put into the one function that knows them. */
    for (const char *at = logic; *at != '\0'; at++) {
        if (strncmp(at, "    local options valued", strlen("    local options valued")) == 0) {
            fputs("    local commands='", out);
            for (size_t i = 0; commands[i] != NULL; i++) {
                fprintf(out, "%s%s", i > 0 ? " " : "", commands[i]->name);
            }
            fputs("' events='", out);
            for (size_t i = 0; i < count; i++) {
                fprintf(out, "%s%s", i > 0 ? " " : "", types[i].name);
            }
            fputs("'\n", out);
        }
        fputc(*at, out);
    }
    return docs_file_close(out, "bash/agentlog");
}
