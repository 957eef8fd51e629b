/* Completion for zsh, through its function _arguments. */
#include <agentlog/agentlog.h>

#include "docs/completions.h"

/* Text inside a specification in single quotes: `[`, `]`, `:` and `\` part its pieces. */
static void put_text(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", out);
        } else {
            if (strchr("[]:\\", *text) != NULL) {
                fputc('\\', out);
            }
            fputc(*text, out);
        }
    }
}

/* What is offered, behind the last colon; `option` is NULL for an operand. */
static void put_action(FILE *out, const struct cli_command *command,
                       const struct cli_option *option, enum completion_kind kind) {
    struct cli_value value;
    size_t count = 0;
    const struct alog_event_type *types = alog_catalogue(&count);
    switch (kind) {
    case COMPLETE_FILE:
        fputs("_files", out);
        break;
    case COMPLETE_DIRECTORY:
        fputs("_files -/", out);
        break;
    case COMPLETE_CHOICE:
        fputs("((", out);
        for (const struct cli_choice *choice = command->choices; choice->name != NULL; choice++) {
            fprintf(out, "%s%s\\:\"", choice == command->choices ? "" : " ", choice->name);
            put_text(out, choice->doc);
            fputs("\"", out);
        }
        fputs("))", out);
        break;
    case COMPLETE_EVENT:
        fputs("(", out);
        for (size_t i = 0; i < count; i++) {
            fprintf(out, "%s%s", i > 0 ? " " : "", types[i].name);
        }
        fputs(")", out);
        break;
    case COMPLETE_VALUE:
        fputs("(", out);
        for (size_t i = 0; option->value(i, &value); i++) {
            fprintf(out, "%s%s", i > 0 ? " " : "", value.name);
        }
        fputs(")", out);
        break;
    case COMPLETE_NOTHING:
        fputs(" ", out);
        break;
    }
}

/* `spelled` is the option in one of its forms, as _arguments writes it. */
static void write_spelled(FILE *out, const struct cli_command *command,
                          const struct cli_option *option, const char *spelled) {
    fprintf(out, "            '%s%s[", option->kind == CLI_LIST ? "*" : "", spelled);
    put_text(out, option->doc);
    fputc(']', out);
    if (option->argument != NULL) {
        fprintf(out, ":%s:", option->argument);
        put_action(out, command, option, completion_value(option));
    }
    fputs("' \\\n", out);
}

static void write_option(FILE *out, const struct cli_command *command,
                         const struct cli_option *option) {
    char spelled[64];
    snprintf(spelled, sizeof spelled, "--%s%s", option->name, option->argument != NULL ? "=" : "");
    write_spelled(out, command, option, spelled);
    if (option->letter != '\0') {
        snprintf(spelled, sizeof spelled, "-%c%s", option->letter,
                 option->argument != NULL ? "+" : "");
        write_spelled(out, command, option, spelled);
    }
}

static void write_command(FILE *out, const struct cli_command *command) {
    fprintf(out, "    (%s)\n        _arguments \\\n", command->name);
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        write_option(out, command, option);
    }
    fputs("            '--help[show a short help]'", out);
    enum completion_kind kind;
    bool is_last = false;
    char name[64];
    for (size_t i = 0;
         !is_last && completion_operand(command, i, &kind, &is_last, name, sizeof name); i++) {
        fputs(" \\\n            '", out);
        if (is_last) {
            fputc('*', out);
        } else {
            fprintf(out, "%zu", i + 1);
        }
        fprintf(out, ":%s:", name);
        put_action(out, command, NULL, kind);
        fputc('\'', out);
    }
    fputs("\n        ;;\n", out);
}

bool completions_write_zsh(const struct docs_place *place,
                           const struct cli_command *const *commands) {
    FILE *out = docs_file_open(place, "zsh", "_agentlog");
    if (out == NULL) {
        return false;
    }
    fputs("#compdef agentlog\n"
          "# zsh completion for agentlog. Generated from the program's own tables.\n"
          "\n"
          "_agentlog_commands() {\n"
          "    local -a commands\n"
          "    commands=(\n",
          out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(out, "        '%s:", commands[i]->name);
        put_text(out, commands[i]->summary);
        fputs("'\n", out);
    }
    fputs("        'help:explain a command, with examples'\n"
          "    )\n"
          "    _describe command commands\n"
          "}\n"
          "\n"
          "_agentlog() {\n"
          "    local curcontext=$curcontext state line\n"
          "    _arguments -C \\\n"
          "        '(- *)--help[show a short help]' \\\n"
          "        '(- *)--version[program, segment format and database schema versions]' \\\n"
          "        '1:command:_agentlog_commands' \\\n"
          "        '*::argument:->argument' && return\n"
          "    [[ $state == argument ]] || return\n"
          "    case $words[1] in\n"
          "    (help)\n"
          "        _arguments '1:command:_agentlog_commands'\n"
          "        ;;\n",
          out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        write_command(out, commands[i]);
    }
    fputs("    esac\n"
          "}\n"
          "\n"
          "if [[ $funcstack[1] == _agentlog ]]; then\n"
          "    _agentlog \"$@\"\n"
          "else\n"
          "    compdef _agentlog agentlog\n"
          "fi\n",
          out);
    return docs_file_close(out, "zsh/_agentlog");
}
