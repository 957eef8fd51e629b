/* rollups.def as tables of columns. */
#include "groups.h"

/* clang-format off */

#define ALOG_ROLLUP(table, scope) static const char *const table##_dimensions[] = {
#define ALOG_DIMENSION(table, column) #column,
#define ALOG_ROLLUP_END(table) NULL};
#include "rollups.def"

#define COLUMN(table, column, merge) {#column, merge, offsetof(struct alog_row_##table, column), 0, 0},
#define ALOG_ROLLUP(table, scope) static const struct alog_rollup_column table##_columns[] = {
#define ALOG_SUM(table, column) COLUMN(table, column, ALOG_MERGE_SUM)
#define ALOG_LEAST(table, column) COLUMN(table, column, ALOG_MERGE_LEAST)
#define ALOG_BITS(table, column) COLUMN(table, column, ALOG_MERGE_BITS)
#define ALOG_MOST(table, column) COLUMN(table, column, ALOG_MERGE_MOST)
#define ALOG_MAYBE(table, column) COLUMN(table, column, ALOG_MERGE_MAYBE)
#define ALOG_HISTOGRAM(table, column) COLUMN(table, column, ALOG_MERGE_HISTOGRAM)
#define ALOG_SAMPLE(table, column)                                                                 \
    {#column, ALOG_MERGE_SAMPLE, offsetof(struct alog_row_##table, column),                        \
     offsetof(struct alog_row_##table, first_ns), 0},
#define ALOG_EDGE(table, column, which) COLUMN(table, column, ALOG_MERGE_##which)
#define ALOG_PARTS(table, column, part)                                                            \
    {#column, ALOG_MERGE_PARTS, offsetof(struct alog_row_##table, column), 0, ALOG_IN_##part},
#define ALOG_ROLLUP_END(table) };
#include "rollups.def"

#define ALOG_ROLLUP(table, scope) static const struct alog_row_##table table##_empty = {
#define ALOG_SUM(table, column) .column = 0,
#define ALOG_LEAST(table, column) .column = INT64_MAX,
#define ALOG_BITS(table, column) .column = 0,
#define ALOG_MOST(table, column) .column = 0,
#define ALOG_MAYBE(table, column) .column = -1,
#define ALOG_ROLLUP_END(table) };
#include "rollups.def"

/* clang-format on */

const struct alog_rollup_kind *alog_rollup_kind(enum alog_rollup rollup) {
#define ALOG_ROLLUP(table, scope)                                                                  \
    [ALOG_IN_##table] = {                                                                          \
        #table,                                                                                    \
        ALOG_SCOPE_##scope,                                                                        \
        table##_dimensions,                                                                        \
        sizeof(table##_dimensions) / sizeof(table##_dimensions[0]) - 1,                            \
        table##_columns,                                                                           \
        sizeof(table##_columns) / sizeof(table##_columns[0]),                                      \
        sizeof(struct alog_row_##table),                                                           \
        &table##_empty,                                                                            \
    },
    static const struct alog_rollup_kind kinds[ALOG_ROLLUP_COUNT] = {
#include "rollups.def"
    };
    return &kinds[rollup];
}
