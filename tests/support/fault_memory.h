/*
 * Allocations of our own code, of which the n-th fails. A program that is linked with
 * alog_test_memory has them; libraries of others (SQLite, zstd, OpenSSL) allocate as always.
 */
#ifndef AGENTLOG_TESTS_FAULT_MEMORY_H
#define AGENTLOG_TESTS_FAULT_MEMORY_H

#include <stdbool.h>

/* From now on, over all threads: the `at`-th allocation fails, and with `for_ever` all behind it. 0
 * = none, they are only counted. What is mapped as memory is an allocation too, and so is each
 * piece of an arena, although most of them need no chunk of their own. */
void fault_memory_arm(unsigned at, bool for_ever);

/* How many there were since. */
unsigned fault_memory_count(void);

/* None fails any more, and none is counted. Returns whether one did fail. */
bool fault_memory_disarm(void);

#endif
