/*
 * Build-time program: writes the manual pages and the completions out of the commands' tables and
 * the public headers, so that they say what the program does.
 *
 *     agentlog_docs DIRECTORY DATE agentlog/HEADER=PATH...
 *
 * DIRECTORY gets man/man1, man/man3, man/man7, bash, zsh and fish; DATE (YYYY-MM-DD) stands at the
 * foot of the pages.
 */
#include <agentlog/agentlog.h>

#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "docs/completions.h"
#include "docs/manual_pages.h"

#define MAX_HEADERS 32

int main(int argc, char **argv) {
    struct header headers[MAX_HEADERS];
    size_t count = 0;
    if (argc < 3 || argc - 3 > MAX_HEADERS) {
        fputs("usage: agentlog_docs DIRECTORY DATE NAME=PATH...\n", stderr);
        return 2;
    }
    for (int i = 3; i < argc; i++) {
        char name[256];
        const char *path = strchr(argv[i], '=');
        if (path == NULL || (size_t)(path - argv[i]) >= sizeof name) {
            fprintf(stderr, "agentlog_docs: %s is not NAME=PATH\n", argv[i]);
            return 2;
        }
        snprintf(name, sizeof name, "%.*s", (int)(path - argv[i]), argv[i]);
        if (!header_read(path + 1, name, &headers[count++])) {
            return 1;
        }
    }
    const struct docs_place place = {
        .directory = argv[1], .date = argv[2], .source = "agentlog " ALOG_VERSION_TEXT};
    const bool done = manual_write_commands(&place, cli_commands) &&
                      manual_write_library(&place, headers, count) &&
                      completions_write_bash(&place, cli_commands) &&
                      completions_write_zsh(&place, cli_commands) &&
                      completions_write_fish(&place, cli_commands);
    return done ? 0 : 1;
}
