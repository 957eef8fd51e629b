/* Tables of the page: real ones, with caption and headers, that scroll in a region of their own. */
#ifndef AGENTLOG_TOOLS_REPORT_ANSWER_TABLE_H
#define AGENTLOG_TOOLS_REPORT_ANSWER_TABLE_H

#include "report/chart.h"
#include "report/page.h"

#define ANSWER_ROWS                                                                                \
    20 /* more are left to the command line, as are texts of more than 300 characters */

/* A column of an answer, and what it is called. A name that ends in _low stands for the interval
 * from it to the column after it. */
struct answer_column {
    const char *name; /* NULL ends a list */
    const char *heading;
};

/*
 * An answer as a table of at most ANSWER_ROWS rows, whose first column names the row. When there
 * are more, a line says how many, and which command shows them: 'agentlog COMMAND DB …'. `folded`:
 * behind a line that opens it, for what a chart shows.
 */
struct answer_table {
    const char *id; /* unique on the page */
    const char *caption;
    const char *command; /* "stats models" */
    const struct answer_column *columns;
    bool folded;
    const char *unnamed; /* what to call a row whose first column is NULL; NULL = "–" */
};
void answer_table(struct page *page, const struct alog_table *table,
                  const struct answer_table *form);

/* "and 37 more: agentlog COMMAND DB …", for the page's window and environment. */
void answer_more(struct page *page, size_t more, const char *command);

/* The values of a chart over time, a row per bucket that has any; nothing when none has. */
void answer_series(struct page *page, const char *id, const char *caption, enum number_unit unit,
                   const struct chart_series *series, size_t count);

#endif
