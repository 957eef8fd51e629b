/* The manual of the program: agentlog(1), agentlog-<command>(1), agentlog-events(7). */
#include <stdio.h>
#include <string.h>

#include "cli_help.h"
#include "docs/manual_pages.h"
#include "help_events.h"

#define LINE_BYTES 1024

static void write_name(struct manual *manual, const char *name, const char *summary) {
    manual_section(manual, "NAME");
    manual_escaped(manual, name, strlen(name));
    manual->column += (size_t)fprintf(manual->out, " \\-");
    manual_text(manual, summary);
}

static void write_exits(struct manual *manual, const struct cli_exit *exits) {
    manual_section(manual, "EXIT STATUS");
    for (; exits->meaning != NULL; exits++) {
        char code[16];
        snprintf(code, sizeof code, "%d", (int)exits->code);
        manual_term(manual, code);
        manual_text(manual, exits->meaning);
    }
}

static void write_option(struct manual *manual, const struct cli_option *option) {
    char name[64];
    char fallback[256];
    snprintf(name, sizeof name, "--%s", option->name);
    manual_option(manual, name, option->argument);
    manual_text(manual, option->doc);
    if (option->letter != '\0') {
        snprintf(name, sizeof name, "(short: `-%c`)", option->letter);
        manual_text(manual, name);
    }
    if (option->fallback != NULL) {
        snprintf(fallback, sizeof fallback, "(default: %s)", option->fallback);
        manual_text(manual, fallback);
    }
}

static void write_references(struct manual *manual, const struct cli_command *const *commands,
                             const struct cli_command *self) {
    char line[LINE_BYTES];
    manual_section(manual, "SEE ALSO");
    if (self != NULL) {
        manual_text(manual, "`agentlog`(1),");
    }
    for (; *commands != NULL; commands++) {
        if (*commands != self) {
            snprintf(line, sizeof line, "`agentlog-%s`(1),", (*commands)->name);
            manual_text(manual, line);
        }
    }
    manual_text(manual, self != NULL ? "`agentlog-events`(7)"
                                     : "`agentlog-events`(7), `agentlog`(3), `agentlog_writer`(3)");
}

/* ---- agentlog(1) ----------------------------------------------------------------------------- */

static bool write_program(const struct docs_place *place,
                          const struct cli_command *const *commands) {
    struct manual manual;
    if (!docs_page_open(place, "agentlog", "1", &manual)) {
        return false;
    }
    write_name(&manual, "agentlog",
               "an event log for software agents: append, ingest, ask, look after");
    manual_section(&manual, "SYNOPSIS");
    manual_text(&manual, "`agentlog` COMMAND [OPTION...] [ARGUMENT...]");
    manual_section(&manual, "DESCRIPTION");
    manual_text(&manual, cli_introduction);
    manual_paragraph(&manual);
    manual_text(&manual, "Data goes to standard output, messages and progress to standard error.");
    manual_section(&manual, "COMMANDS");
    for (const struct cli_command *const *command = commands; *command != NULL; command++) {
        char reference[64];
        manual_option(&manual, (*command)->name, (*command)->operands);
        manual_text(&manual, (*command)->summary);
        snprintf(reference, sizeof reference, "(see `agentlog-%s`(1))", (*command)->name);
        manual_text(&manual, reference);
    }
    manual_option(&manual, "help", "COMMAND");
    manual_text(&manual, "explain a command, with examples; `agentlog help events` lists the "
                         "events and their fields");
    manual_section(&manual, "OPTIONS");
    manual_option(&manual, "--version", NULL);
    manual_text(&manual, "program, segment format and database schema versions");
    manual_option(&manual, "--help", NULL);
    manual_text(&manual, "show a short help");
    write_exits(&manual, cli_program_exits);
    manual_section(&manual, "ENVIRONMENT");
    manual_term(&manual, "COLUMNS");
    manual_text(&manual, "the width to which tables are made to fit; without it that of the "
                         "terminal, if standard output is one");
    manual_section(&manual, "EXAMPLES");
    manual_literal(&manual, cli_first_steps);
    write_references(&manual, commands, NULL);
    return docs_file_close(manual.out, "agentlog.1");
}

/* ---- agentlog-<command>(1) ------------------------------------------------------------------- */

/* A section of the words that an option takes. */
static void write_values(struct manual *manual, const struct cli_option *option) {
    struct cli_value value;
    for (size_t i = 0; option->value != NULL && option->value(i, &value); i++) {
        if (i == 0) {
            char title[64];
            snprintf(title, sizeof title, "Values of --%s", option->name);
            manual_section_upper(manual, title);
        }
        manual_term(manual, value.name);
        manual_text(manual, value.doc);
    }
}

static bool write_command(const struct docs_place *place, const struct cli_command *const *commands,
                          const struct cli_command *command) {
    char name[64];
    struct manual manual;
    snprintf(name, sizeof name, "agentlog-%s", command->name);
    if (!docs_page_open(place, name, "1", &manual)) {
        return false;
    }
    write_name(&manual, name, command->summary);
    manual_section(&manual, "SYNOPSIS");
    char synopsis[256];
    snprintf(synopsis, sizeof synopsis, "`agentlog %s` [OPTION...] %s", command->name,
             command->operands);
    manual_text(&manual, synopsis);
    manual_section(&manual, "DESCRIPTION");
    manual_text(&manual, command->description);
    if (command->in_background) {
        manual_paragraph(&manual);
        manual_text(&manual, cli_in_background);
    }
    if (command->choices != NULL) {
        manual_section_upper(&manual, command->choices_title);
        for (const struct cli_choice *choice = command->choices; choice->name != NULL; choice++) {
            manual_term(&manual, choice->name);
            manual_text(&manual, choice->doc);
        }
    }
    manual_section(&manual, "OPTIONS");
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        write_option(&manual, option);
    }
    manual_option(&manual, "--help", NULL);
    manual_text(&manual, "show a short help");
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        write_values(&manual, option);
    }
    write_exits(&manual, command->exits);
    manual_section(&manual, "EXAMPLES");
    manual_literal(&manual, command->examples);
    write_references(&manual, commands, command);
    return docs_file_close(manual.out, name);
}

/* ---- agentlog-events(7) ---------------------------------------------------------------------- */

static void write_field(struct manual *manual, const struct alog_field *field) {
    char kind[HELP_EVENTS_KIND_BYTES];
    help_events_kind(field, kind);
    manual_option(manual, field->name, kind);
    manual_text(manual, field->doc);
    if (field->otel[0] != '\0') {
        char otel[256];
        snprintf(otel, sizeof otel, "(OpenTelemetry: `%s`)", field->otel);
        manual_text(manual, otel);
    }
}

static bool write_events(const struct docs_place *place) {
    struct manual manual;
    if (!docs_page_open(place, "agentlog-events", "7", &manual)) {
        return false;
    }
    size_t count = 0;
    const struct alog_event_type *types = alog_catalogue(&count);
    write_name(&manual, "agentlog-events", "the catalogue of events and their fields");
    manual_section(&manual, "DESCRIPTION");
    manual_text(&manual, help_events_introduction);
    manual_section(&manual, "EVENTS");
    for (size_t i = 0; i < count; i++) {
        manual_subsection(&manual, types[i].name);
        manual_text(&manual, types[i].doc);
        for (uint32_t j = 0; j < types[i].field_count; j++) {
            write_field(&manual, &types[i].fields[j]);
        }
    }
    manual_section(&manual, "SEE ALSO");
    manual_text(&manual, "`agentlog`(1), `agentlog-log`(1), `agentlog_events`(3)");
    return docs_file_close(manual.out, "agentlog-events.7");
}

bool manual_write_commands(const struct docs_place *place,
                           const struct cli_command *const *commands) {
    bool done = write_program(place, commands) && write_events(place);
    for (const struct cli_command *const *command = commands; done && *command != NULL; command++) {
        done = write_command(place, commands, *command);
    }
    return done;
}
