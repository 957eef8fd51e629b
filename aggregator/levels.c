#include "levels.h"

static const char *const suffixes[] = {"_day", "_month"};
static const char *const epochs[] = {"day_epoch", "month_epoch"};

const char *alog_level_suffix(enum alog_level level) {
    return suffixes[level];
}

const char *alog_level_epoch(enum alog_level level) {
    return epochs[level];
}

bool alog_level_wanted(enum alog_rollup rollup) {
    return alog_rollup_kind(rollup)->scope == ALOG_SCOPE_HOUR && rollup != ALOG_IN_rollup_events &&
           rollup != ALOG_IN_rollup_losses;
}

/* ---- Schema ---- */

/* The statement that makes the table, up to and with its semicolon; NULL when it is not there. */
static const char *find_table(const char *schema_sql, const char *table, size_t *ret_len) {
    char head[96];
    sqlite3_snprintf(sizeof(head), head, "\nCREATE TABLE %s (", table);
    const char *start = strstr(schema_sql, head);
    const char *end = start ? strstr(start, "WITHOUT ROWID;") : NULL;
    if (!end) {
        return NULL;
    }
    *ret_len = (size_t)(end - start) + strlen("WITHOUT ROWID;") - 1;
    return start + 1;
}

/* Append the table's text with another name and another time. */
static void append_table(sqlite3_str *sql, const struct alog_rollup_kind *kind,
                         enum alog_level level, const char *text, size_t len) {
    static const char hour[] = "hour_epoch";
    static const char *const docs[] = {
        "day_epoch INTEGER NOT NULL,     -- start of the day in the reporting time zone, seconds"
        " since 1970-01-01 UTC",
        "month_epoch INTEGER NOT NULL,   -- start of the month in the reporting time zone, seconds"
        " since 1970-01-01 UTC"};
    static const char *const what[] = {"day", "month"};
    sqlite3_str_appendf(sql, "\n-- The sums of %s by %s; made again when they change.\n",
                        kind->table, what[level]);
    sqlite3_str_appendf(sql, "CREATE TABLE %s%s", kind->table, suffixes[level]);
    const char *at = text + strlen("CREATE TABLE ") + strlen(kind->table), *end = text + len;
    const char *column = strstr(at, hour);
    const char *line_end = strchr(column, '\n');
    const char *key = strstr(line_end, hour);
    sqlite3_str_append(sql, at, (int)(column - at));
    sqlite3_str_appendall(sql, docs[level]);
    sqlite3_str_append(sql, line_end, (int)(key - line_end));
    sqlite3_str_appendall(sql, epochs[level]);
    key += strlen(hour);
    sqlite3_str_append(sql, key, (int)(end - key));
    sqlite3_str_appendall(sql, "\n");
}

char *alog_level_schema(const char *schema_sql) {
    sqlite3_str *sql = sqlite3_str_new(NULL);
    for (enum alog_rollup rollup = 0; rollup < ALOG_ROLLUP_COUNT; rollup++) {
        const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
        size_t len;
        const char *text =
            alog_level_wanted(rollup) ? find_table(schema_sql, kind->table, &len) : NULL;
        for (enum alog_level level = ALOG_LEVEL_DAY; text && level <= ALOG_LEVEL_MONTH; level++) {
            append_table(sql, kind, level, text, len);
        }
    }
    return sqlite3_str_finish(sql);
}

/* ---- Filling ---- */

char *alog_level_erase_sql(enum alog_rollup rollup, enum alog_level level) {
    return sqlite3_mprintf("DELETE FROM %s%s WHERE environment = :env AND %s = :bucket",
                           alog_rollup_kind(rollup)->table, suffixes[level], epochs[level]);
}

void alog_level_append_merged(sqlite3_str *sql, const struct alog_rollup_column *column) {
    switch (column->merge) {
    case ALOG_MERGE_BITS:
        sqlite3_str_appendf(sql, ", bits_or(%s)", column->name);
        break;
    case ALOG_MERGE_LEAST:
        sqlite3_str_appendf(sql, ", MIN(%s)", column->name);
        break;
    case ALOG_MERGE_MOST:
        sqlite3_str_appendf(sql, ", MAX(%s)", column->name);
        break;
    case ALOG_MERGE_HISTOGRAM:
        sqlite3_str_appendf(sql, ", sketch_merge(%s)", column->name);
        break;
    case ALOG_MERGE_SAMPLE:
        sqlite3_str_appendf(sql, ", earliest_text(first_ns, %s)", column->name);
        break;
    default:
        sqlite3_str_appendf(sql, ", SUM(%s)", column->name);
        break;
    }
}

char *alog_level_insert_sql(enum alog_rollup rollup, enum alog_level level) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(rollup);
    bool by_day = level == ALOG_LEVEL_DAY;
    sqlite3_str *sql = sqlite3_str_new(NULL), *dimensions = sqlite3_str_new(NULL);
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        sqlite3_str_appendf(dimensions, ", %s", kind->dimensions[i]);
    }
    char *names = sqlite3_str_finish(dimensions);
    sqlite3_str_appendf(sql, "INSERT INTO %s%s (environment, %s%s", kind->table, suffixes[level],
                        epochs[level], names ? names : "");
    for (unsigned i = 0; i < kind->column_count; i++) {
        sqlite3_str_appendf(sql, ", %s", kind->columns[i].name);
    }
    sqlite3_str_appendf(sql, ") SELECT :env, :bucket%s", names ? names : "");
    for (unsigned i = 0; i < kind->column_count; i++) {
        alog_level_append_merged(sql, &kind->columns[i]);
    }
    const char *from = by_day ? "hour_epoch" : "day_epoch";
    sqlite3_str_appendf(sql,
                        " FROM %s%s WHERE environment = :env AND %s >= :bucket"
                        " AND %s < :bucket_end GROUP BY %s",
                        kind->table, by_day ? "" : "_day", from, from,
                        names && *names ? names + 2 : "environment");
    bool failed = names == NULL && kind->dimension_count != 0;
    sqlite3_free(names);
    char *text = sqlite3_str_finish(sql);
    if (failed) {
        sqlite3_free(text);
        return NULL;
    }
    return text;
}
