/* agentlog: the command line. Finds the command and lets it run; the commands are in cmd_<name>.c.
 */
#include <agentlog/aggregator.h>

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "cli_help.h"
#include "commands.h"
#include "help_events.h"
#include "messages.h"
#include "output.h"

#define MAX_COMMANDS        64
#define BACKGROUND_NICENESS 10

static const struct cli_command *find_command(const char *name) {
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) {
            return cli_commands[i];
        }
    }
    return NULL;
}

static enum exit_code no_such_command(const char *word) {
    const char *names[MAX_COMMANDS];
    size_t count = 0;
    for (; count < MAX_COMMANDS && cli_commands[count] != NULL; count++) {
        names[count] = cli_commands[count]->name;
    }
    const char *nearest = cli_nearest(word, names, count);
    if (nearest != NULL) {
        message("there is no command '%s'; did you mean '%s'?\nTry 'agentlog --help'.", word,
                nearest);
    } else {
        message("there is no command '%s'.\nTry 'agentlog --help'.", word);
    }
    return EXIT_USAGE;
}

static enum exit_code finish_help(void) {
    struct output output = {0};
    return output_finish(&output, EXIT_FINE);
}

static enum exit_code help(const char *name) {
    if (name == NULL) {
        cli_print_program_help(stdout, cli_commands);
        return finish_help();
    }
    if (strcmp(name, "events") == 0) {
        struct output output = {0};
        help_events_print(&output);
        return output_finish(&output, EXIT_FINE);
    }
    const struct cli_command *command = find_command(name);
    if (command == NULL) {
        return no_such_command(name);
    }
    cli_print_command_help(stdout, command);
    return finish_help();
}

static enum exit_code version(void) {
    struct output output = {0};
    output_format(&output, "agentlog %s (segment format %d, database schema %d)\n",
                  ALOG_VERSION_TEXT, ALOG_FORMAT_VERSION, ALOG_SCHEMA_VERSION);
    return output_finish(&output, EXIT_FINE);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Agents, and who asks the database, are waited for by someone; this is not. Whoever started it
 * with a niceness of their own meant it. */
static void go_to_background(void) {
    errno = 0;
    if (getpriority(PRIO_PROCESS, 0) == 0 && errno == 0) {
        setpriority(PRIO_PROCESS, 0, BACKGROUND_NICENESS);
    }
}

static enum exit_code run(const struct cli_command *command, int argc, char **argv) {
    struct cli_arguments arguments;
    switch (cli_parse(command, argc, argv, now_ns(), &arguments)) {
    case CLI_HELP:
        return help(command->name);
    case CLI_WRONG:
        return EXIT_USAGE;
    default:
        if (command->in_background) {
            go_to_background();
        }
        return command->run(command, &arguments);
    }
}

int main(int argc, char **argv) {
    /* Nobody asks SQLite how much memory it has: it need not count it, under a lock. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    /* A reader that goes away is found out at the write, so that logs and databases are closed
     * well. */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        cli_print_program_help(stderr, cli_commands);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        return (int)help(argc > 2 ? argv[2] : NULL);
    }
    if (strcmp(word, "--version") == 0) {
        return (int)version();
    }
    const struct cli_command *command = find_command(word);
    if (command == NULL) {
        return (int)no_such_command(word);
    }
    return (int)run(command, argc - 2, argv + 2);
}
