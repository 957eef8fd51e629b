/* A directory of a test's own, gone with everything in it when the test is over. */
#ifndef AGENTLOG_TESTS_SUPPORT_SCRATCH_DIR_H
#define AGENTLOG_TESTS_SUPPORT_SCRATCH_DIR_H

#include <stddef.h>

/* Make one below $TMPDIR or /tmp; the caller frees the path with scratch_dir_remove. */
char *scratch_dir_make(void);

/* Remove it with everything in it and free the path. */
void scratch_dir_remove(char *path);

/* The two as a cmocka test's set-up and tear-down; *state is the path. */
int scratch_dir_set_up(void **state);
int scratch_dir_tear_down(void **state);

/* How many files below `dir` (NULL-safe) end in `suffix`, hidden directories included. */
size_t scratch_dir_count(const char *dir, const char *suffix);

#endif
