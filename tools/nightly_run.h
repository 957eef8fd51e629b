/* The last run of 'agentlog nightly' on a database, as it left it in DB.nightly.json. */
#ifndef AGENTLOG_TOOLS_NIGHTLY_RUN_H
#define AGENTLOG_TOOLS_NIGHTLY_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "exit_codes.h"

#define NIGHTLY_RESULT_BYTES 512

struct nightly_run {
    int64_t began_ns; /* -1 = there was none, or nothing is known of it */
    uint64_t seconds;
    enum exit_code exit_code;
    char result[NIGHTLY_RESULT_BYTES]; /* in words, "STEP: ERROR" for a step that failed; "never" */
};

/* False after saying on stderr why the file cannot be read. That it is not there is no failure. */
bool nightly_run_read(const char *db_path, struct nightly_run *ret_run);

#endif
