/* Looking cells of an answer up by their column's name. */
#include "table_cells.h"

#include <math.h>

int table_column(const struct alog_table *table, const char *name) {
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

const struct alog_value *table_cell(const struct alog_table *table, size_t row, const char *name) {
    const int column = table_column(table, name);
    return column < 0 || row >= table->row_count
               ? NULL
               : &table->cells[row * table->column_count + (size_t)column];
}

double table_number(const struct alog_table *table, size_t row, const char *name) {
    const struct alog_value *value = table_cell(table, row, name);
    if (value == NULL) {
        return NAN;
    }
    switch (value->kind) {
    case ALOG_VALUE_I64:
        return (double)value->i64;
    case ALOG_VALUE_U64:
        return (double)value->u64;
    case ALOG_VALUE_F64:
        return value->f64;
    case ALOG_VALUE_BOOL:
        return value->boolean;
    default:
        return NAN;
    }
}

struct alog_string table_text(const struct alog_table *table, size_t row, const char *name) {
    const struct alog_value *value = table_cell(table, row, name);
    const bool is_text =
        value != NULL && (value->kind == ALOG_VALUE_STRING || value->kind == ALOG_VALUE_JSON);
    return is_text ? value->string : (struct alog_string){"", 0};
}
