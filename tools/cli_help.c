/* Help texts, made from the tables that the parser uses. */
#include "cli_help.h"

#include "safe_text.h"

#define LINE_WIDTH   80
#define OPTION_WIDTH 24

static void print_spaces(FILE *stream, size_t count) {
    fprintf(stream, "%*s", (int)count, "");
}

/* Words at `indent`, broken before LINE_WIDTH; `column` is where the first line already stands. */
static void print_wrapped(FILE *stream, const char *text, size_t indent, size_t column) {
    bool at_start = true;
    while (*text != '\0') {
        const size_t bytes = strcspn(text, " ");
        size_t width = 0;
        for (size_t i = 0; i < bytes; i++) {
            width += ((unsigned char)text[i] & 0xc0) != 0x80;
        }
        if (!at_start && column + 1 + width > LINE_WIDTH) {
            fputc('\n', stream);
            print_spaces(stream, indent);
            column = indent;
        } else if (!at_start) {
            fputc(' ', stream);
            column++;
        }
        fwrite(text, 1, bytes, stream);
        column += width;
        at_start = false;
        text += bytes;
        text += *text == ' ';
    }
    fputc('\n', stream);
}

/* A term and what it means, in two columns. */
static void print_entry(FILE *stream, const char *term, size_t term_width, const char *doc) {
    const size_t indent = 2 + term_width;
    fprintf(stream, "  %s", term);
    size_t column = 2 + safe_width(term);
    if (column + 1 >= indent) {
        fputc('\n', stream);
        column = 0;
    }
    print_spaces(stream, indent - column);
    print_wrapped(stream, doc, indent, indent);
}

static void print_paragraphs(FILE *stream, const char *text) {
    char line[2048];
    while (*text != '\0') {
        const size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        print_wrapped(stream, line, 0, 0);
        text += len;
        text += *text == '\n';
    }
}

static void print_indented_lines(FILE *stream, const char *text) {
    while (*text != '\0') {
        const size_t len = strcspn(text, "\n");
        fprintf(stream, "  %.*s\n", (int)len, text);
        text += len;
        text += *text == '\n';
    }
}

static void print_option(FILE *stream, const struct cli_option *option) {
    char term[64];
    char doc[512];
    char letter[] = " (short: -?)";
    letter[sizeof letter - 3] = option->letter;
    snprintf(term, sizeof term, "--%s%s%s", option->name, option->argument ? " " : "",
             option->argument ? option->argument : "");
    if (option->fallback != NULL) {
        snprintf(doc, sizeof doc, "%s%s (default: %s)", option->doc,
                 option->letter != '\0' ? letter : "", option->fallback);
    } else {
        snprintf(doc, sizeof doc, "%s%s", option->doc, option->letter != '\0' ? letter : "");
    }
    print_entry(stream, term, OPTION_WIDTH, doc);
}

static void print_exits(FILE *stream, const struct cli_exit *exits) {
    fputs("\nExit codes:\n", stream);
    for (; exits->meaning != NULL; exits++) {
        char code[16];
        snprintf(code, sizeof code, "%d", (int)exits->code);
        print_entry(stream, code, 4, exits->meaning);
    }
}

const char cli_in_background[] =
    "It lets every other process go first (niceness 10), unless it was "
    "started with a niceness of its own.";

void cli_print_command_help(FILE *stream, const struct cli_command *command) {
    fprintf(stream, "Usage: agentlog %s [OPTION...] %s\n\n", command->name, command->operands);
    print_paragraphs(stream, command->description);
    if (command->in_background) {
        print_paragraphs(stream, cli_in_background);
    }
    if (command->choices != NULL) {
        fprintf(stream, "\n%s:\n", command->choices_title);
        for (const struct cli_choice *choice = command->choices; choice->name != NULL; choice++) {
            print_entry(stream, choice->name, OPTION_WIDTH, choice->doc);
        }
    }
    fputs("\nOptions:\n", stream);
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        print_option(stream, option);
    }
    print_entry(stream, "--help", OPTION_WIDTH, "show this");
    for (const struct cli_option *option = command->options; option->name != NULL; option++) {
        struct cli_value value;
        for (size_t i = 0; option->value != NULL && option->value(i, &value); i++) {
            if (i == 0) {
                fprintf(stream, "\nValues of --%s:\n", option->name);
            }
            print_entry(stream, value.name, OPTION_WIDTH, value.doc);
        }
    }
    fputs("\nExamples:\n", stream);
    print_indented_lines(stream, command->examples);
    print_exits(stream, command->exits);
}

const char cli_introduction[] = "agentlog keeps what software agents do in a log of compressed "
                                "segments, and turns it into daily "
                                "summaries in an SQLite database.\n"
                                "\n"
                                "LOGDIR is a directory of segments, DB a database file. The "
                                "segments are the truth: the database "
                                "can be made anew from them at any time.\n";

const char cli_first_steps[] =
    "agentlog log ./log events.ndjson       append events, one JSON object a line\n"
    "agentlog ingest ./log agents.db        bring the database up to date\n"
    "agentlog summary agents.db --since 7d  the last week, day by day\n"
    "agentlog stats success-rate agents.db  which agents solve which issues\n"
    "agentlog job agents.db job-17          the story of one job\n"
    "agentlog cat ./log | head              the events themselves\n";

const struct cli_exit cli_program_exits[] = {
    {EXIT_FINE, "fine"},
    {EXIT_FAILED, "failed"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_PARTLY, "partly: bad lines skipped, bad segments set aside, damage passed over"},
    {EXIT_THRESHOLD, "a threshold was breached"},
    {EXIT_NOT_FOUND, "there is no such log, database or job"},
    {EXIT_LOCKED, "another process holds the database"},
    {EXIT_FINE, NULL}};

void cli_print_program_help(FILE *stream, const struct cli_command *const *commands) {
    fputs("Usage: agentlog COMMAND [OPTION...] [ARGUMENT...]\n\n", stream);
    print_paragraphs(stream, cli_introduction);
    fputs("\nCommands:\n", stream);
    for (; *commands != NULL; commands++) {
        print_entry(stream, (*commands)->name, 12, (*commands)->summary);
    }
    print_entry(stream, "help", 12,
                "'agentlog help COMMAND' explains one, with examples; 'agentlog help events' "
                "lists the events and their fields");
    fputs("\nOptions:\n", stream);
    print_entry(stream, "--version", 12, "program, segment format and database schema versions");
    print_entry(stream, "--help", 12, "show this");
    fputs("\nTo begin:\n", stream);
    print_indented_lines(stream, cli_first_steps);
    print_exits(stream, cli_program_exits);
    fputs("\nData goes to stdout, messages and progress to stderr.\n", stream);
}
