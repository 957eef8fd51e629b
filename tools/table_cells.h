/* Looking cells of an answer up by their column's name. */
#ifndef AGENTLOG_TOOLS_TABLE_CELLS_H
#define AGENTLOG_TOOLS_TABLE_CELLS_H

#include <agentlog/aggregator.h>

/* The column's index, or -1. */
int table_column(const struct alog_table *table, const char *name);

/* The cell; NULL when there is no such column or row. */
const struct alog_value *table_cell(const struct alog_table *table, size_t row, const char *name);

/* The cell as a number, NaN when it has none; as a text, empty when it is none. */
double table_number(const struct alog_table *table, size_t row, const char *name);
struct alog_string table_text(const struct alog_table *table, size_t row, const char *name);

#endif
