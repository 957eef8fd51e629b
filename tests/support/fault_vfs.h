/* SQLite's file calls, of which the n-th that changes a file fails or ends the process: a full disk
 * or a kill at every place where it can come. */
#ifndef AGENTLOG_TESTS_FAULT_VFS_H
#define AGENTLOG_TESTS_FAULT_VFS_H

#include <stdbool.h>

enum fault_vfs_action {
    FAULT_VFS_COUNT, /* only count */
    FAULT_VFS_FULL,  /* this call and all after it find the disk full */
    FAULT_VFS_KILL   /* the process ends as by kill -9 before the call */
};

/* Make it the default VFS of this process, or arm it anew: `at` counts calls from 1. */
void fault_vfs_install(enum fault_vfs_action action, unsigned at);

/* How many calls there have been since. */
unsigned fault_vfs_calls(void);

#endif
