/* What the fuzzers of importers share: any bytes as a source, read in a dry run. */
#ifndef AGENTLOG_TESTS_FUZZ_IMPORT_H
#define AGENTLOG_TESTS_FUZZ_IMPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "import/import_run.h"

/*
 * Every event that the reader makes is written as NDJSON and judged by its parser, as the log would
 * judge it; what a record is refused for is said on stderr.
 */
static inline void fuzz_import(import_source_fn *source, const uint8_t *data, size_t size) {
    struct cli_arguments arguments = {.dry_run = true};
    struct import import = {.arguments = &arguments, .log_dir = "/nonexistent"};
    char path[64];
    char *paths[] = {path};
    const int fd = memfd_create("source", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size ||
        alog_ndjson_parser_new(&import.checker) != ALOG_OK ||
        import_ids_open(import.log_dir, NULL, true, &import.progress, &import.ids) != EXIT_FINE) {
        abort();
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    import.stop = stop_signals_hold();
    source(&import, paths, 1);
    stop_signals_release(&import.stop);
    for (size_t i = 0; i < import.count_count; i++) {
        free(import.counts[i].name);
    }
    import_ids_close(import.ids);
    alog_ndjson_parser_free(import.checker);
    alog_text_free(&import.line);
    close(fd);
}

#endif
