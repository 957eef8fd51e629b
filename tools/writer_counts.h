/* Which writers of a log live? */
#ifndef AGENTLOG_TOOLS_WRITER_COUNTS_H
#define AGENTLOG_TOOLS_WRITER_COUNTS_H

#include <stdint.h>

struct writer_counts {
    uint64_t alive;
    uint64_t dead;    /* killed, and not finished yet: see 'agentlog recover' */
    uint64_t unknown; /* of other users: this process may not look */
};

/* Add the writers of `log_dir`; none when it has no control files. Nothing is changed. */
void writer_counts_add(struct writer_counts *counts, const char *log_dir);

#endif
