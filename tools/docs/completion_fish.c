/* Completion for fish: a line for each thing that can be typed. */
#include <agentlog/agentlog.h>

#include "docs/completions.h"

/* In single quotes. */
static void put_quoted(FILE *out, const char *text) {
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\') {
            fputc('\\', out);
        }
        fputc(*text, out);
    }
    fputc('\'', out);
}

static void write_value(FILE *out, const struct cli_option *option, enum completion_kind kind) {
    struct cli_value value;
    size_t count = 0;
    const struct alog_event_type *types = alog_catalogue(&count);
    switch (kind) {
    case COMPLETE_FILE:
    case COMPLETE_DIRECTORY:
        fputs(" -r -F", out);
        break;
    case COMPLETE_EVENT:
        fputs(" -x -a '", out);
        for (size_t i = 0; i < count; i++) {
            fprintf(out, "%s%s", i > 0 ? " " : "", types[i].name);
        }
        fputs("'", out);
        break;
    case COMPLETE_VALUE:
        fputs(" -x -a '", out);
        for (size_t i = 0; option->value(i, &value); i++) {
            fprintf(out, "%s%s", i > 0 ? " " : "", value.name);
        }
        fputs("'", out);
        break;
    case COMPLETE_CHOICE:
    case COMPLETE_NOTHING:
        fputs(" -x", out);
        break;
    }
}

static void write_option(FILE *out, const struct cli_command *command,
                         const struct cli_option *option) {
    fprintf(out, "complete -c agentlog -n '__agentlog_is %s' -l %s", command->name, option->name);
    if (option->letter != '\0') {
        fprintf(out, " -s %c", option->letter);
    }
    if (option->argument != NULL) {
        write_value(out, option, completion_value(option));
    }
    fputs(" -d ", out);
    put_quoted(out, option->doc);
    fputc('\n', out);
}

/* One line for each operand that files or choices are offered for. */
static void write_operands(FILE *out, const struct cli_command *command) {
    enum completion_kind kind;
    bool is_last = false;
    char name[64];
    for (size_t i = 0;
         !is_last && completion_operand(command, i, &kind, &is_last, name, sizeof name); i++) {
        char condition[128];
        snprintf(condition, sizeof condition, "__agentlog_is %s; and __agentlog_operand %s %zu",
                 command->name, is_last ? "-ge" : "-eq", i);
        if (kind == COMPLETE_FILE) {
            fprintf(out, "complete -c agentlog -n '%s' -F\n", condition);
        } else if (kind == COMPLETE_DIRECTORY) {
            fprintf(out, "complete -c agentlog -n '%s' -a '(__fish_complete_directories)'\n",
                    condition);
        } else if (kind == COMPLETE_CHOICE) {
            for (const struct cli_choice *choice = command->choices; choice->name != NULL;
                 choice++) {
                fprintf(out, "complete -c agentlog -n '%s' -a %s -d ", condition, choice->name);
                put_quoted(out, choice->doc);
                fputc('\n', out);
            }
        }
    }
}

/* The options that take a word of their own, so that it is no operand. */
static void write_valued(FILE *out, const struct cli_command *const *commands) {
    fputs("    set -l valued", out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        for (const struct cli_option *option = commands[i]->options; option->name; option++) {
            if (option->argument != NULL) {
                fprintf(out, " --%s", option->name);
                if (option->letter != '\0') {
                    fprintf(out, " -%c", option->letter);
                }
            }
        }
    }
    fputc('\n', out);
}

bool completions_write_fish(const struct docs_place *place,
                            const struct cli_command *const *commands) {
    FILE *out = docs_file_open(place, "fish", "agentlog.fish");
    if (out == NULL) {
        return false;
    }
    fputs("# fish completion for agentlog. Generated from the program's own tables.\n"
          "\n"
          "function __agentlog_is\n"
          "    set -l words (commandline -opc)\n"
          "    test (count $words) -ge 2; and test $words[2] = $argv[1]\n"
          "end\n"
          "\n"
          "# Compare the number of operands before the cursor: __agentlog_operand -eq 0\n"
          "function __agentlog_operand\n"
          "    set -l words (commandline -opc)\n"
          "    set -l found 0\n"
          "    set -l skip 0\n",
          out);
    write_valued(out, commands);
    fputs("    for word in $words[3..-1]\n"
          "        if test $skip = 1\n"
          "            set skip 0\n"
          "        else if contains -- $word $valued\n"
          "            set skip 1\n"
          "        else if not string match -q -- '-*' $word\n"
          "            set found (math $found + 1)\n"
          "        end\n"
          "    end\n"
          "    test $found $argv[1] $argv[2]\n"
          "end\n"
          "\n"
          "complete -c agentlog -f\n"
          "complete -c agentlog -n 'test (count (commandline -opc)) -eq 1' -l help"
          " -d 'show a short help'\n"
          "complete -c agentlog -n 'test (count (commandline -opc)) -eq 1' -l version"
          " -d 'program, segment format and database schema versions'\n"
          "complete -c agentlog -n 'test (count (commandline -opc)) -eq 1' -a help"
          " -d 'explain a command, with examples'\n",
          out);
    for (size_t i = 0; commands[i] != NULL; i++) {
        fprintf(out, "complete -c agentlog -n 'test (count (commandline -opc)) -eq 1' -a %s -d ",
                commands[i]->name);
        put_quoted(out, commands[i]->summary);
        fprintf(out,
                "\ncomplete -c agentlog -n '__agentlog_is help; and __agentlog_operand -eq 0'"
                " -a %s\n",
                commands[i]->name);
    }
    for (size_t i = 0; commands[i] != NULL; i++) {
        fputc('\n', out);
        for (const struct cli_option *option = commands[i]->options; option->name; option++) {
            write_option(out, commands[i], option);
        }
        fprintf(out, "complete -c agentlog -n '__agentlog_is %s' -l help -d 'show a short help'\n",
                commands[i]->name);
        write_operands(out, commands[i]);
    }
    return docs_file_close(out, "fish/agentlog.fish");
}
