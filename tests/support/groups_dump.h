/* Groups as text, for comparing two of them. */
#ifndef AGENTLOG_TESTS_GROUPS_DUMP_H
#define AGENTLOG_TESTS_GROUPS_DUMP_H

#include "aggregator/groups.h"

/*
 * All groups, a line each, names as texts, in the order of their keys: groups that say the same
 * give the same text, however they came about. The caller frees it; the process ends when memory
 * does.
 */
char *groups_dump(const struct alog_groups *groups);

#endif
