/* What is silent on purpose: a file of lines CHECK SUBJECT [ENVIRONMENT], with * and ? for any
 * text; # begins a comment. */
#ifndef AGENTLOG_TOOLS_ALLOW_LIST_H
#define AGENTLOG_TOOLS_ALLOW_LIST_H

#include <agentlog/coverage.h>

#include "exit_codes.h"

struct allow_item {
    char *line; /* the three point into it */
    const char *check, *subject, *environment;
    unsigned number; /* of the line */
    bool used;
};

struct allow_list {
    struct allow_item *items;
    size_t count;
};

/* Read it into a zeroed list. EXIT_FAILED or EXIT_USAGE after saying why. */
enum exit_code allow_list_read(const char *path, struct allow_list *list);
void allow_list_free(struct allow_list *list);

/* Take the rows that it allows out of a table of alog_db_coverage; how many. */
size_t allow_list_apply(struct allow_list *list, struct alog_table *table);

/* Say on stderr which lines allowed nothing. */
void allow_list_tell_unused(const struct allow_list *list, const char *path);

#endif
