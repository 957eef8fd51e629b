#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/error.h"
#include "lost_segments.h"
#include "sql_error.h"

#define COLUMNS                                                                                    \
    "segment_id, writer_id, number, environment, name, state, sha256, digest, bytes, blocks,"      \
    " events, first_sequence, last_sequence, min_timestamp_ns, max_timestamp_ns, missing_events,"  \
    " predecessor_id, predecessor_last_sequence"

void alog_hex(const uint8_t *bytes, size_t count, char *ret_text) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *ret_text++ = digits[bytes[i] >> 4];
        *ret_text++ = digits[bytes[i] & 15];
    }
    *ret_text = '\0';
}

static void take_text(sqlite3_stmt *row, int at, char *ret_text, size_t capacity) {
    const char *text = (const char *)sqlite3_column_text(row, at);
    snprintf(ret_text, capacity, "%s", text ? text : "");
}

static uint64_t take_count(sqlite3_stmt *row, int at) {
    return (uint64_t)sqlite3_column_int64(row, at);
}

static void take_row(sqlite3_stmt *row, struct alog_ledger_row *to) {
    *to = (struct alog_ledger_row){0};
    take_text(row, 0, to->segment_id, sizeof(to->segment_id));
    take_text(row, 1, to->writer_id, sizeof(to->writer_id));
    to->number = take_count(row, 2);
    const void *environment = sqlite3_column_blob(row, 3);
    size_t len = (size_t)sqlite3_column_bytes(row, 3);
    to->environment_len = len < sizeof(to->environment) ? len : sizeof(to->environment) - 1;
    if (to->environment_len != 0) {
        memcpy(to->environment, environment, to->environment_len);
    }
    take_text(row, 4, to->name, sizeof(to->name));
    char state[8];
    take_text(row, 5, state, sizeof(state));
    to->sealed = strcmp(state, "sealed") == 0;
    take_text(row, 6, to->sha256, sizeof(to->sha256));
    take_text(row, 7, to->digest, sizeof(to->digest));
    to->bytes = take_count(row, 8);
    to->blocks = take_count(row, 9);
    to->events = take_count(row, 10);
    to->first_sequence = take_count(row, 11);
    to->last_sequence = take_count(row, 12);
    to->min_timestamp_ns = sqlite3_column_int64(row, 13);
    to->max_timestamp_ns = sqlite3_column_int64(row, 14);
    to->missing_events = take_count(row, 15);
    take_text(row, 16, to->predecessor_id, sizeof(to->predecessor_id));
    to->predecessor_last_sequence = take_count(row, 17);
}

enum alog_status alog_ledger_find(sqlite3 *db, const char *segment_id,
                                  struct alog_ledger_row *ret_row, bool *ret_found,
                                  struct alog_error *error) {
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(db, "SELECT " COLUMNS " FROM segments WHERE segment_id = ?", -1, &select,
                           NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "segments");
    }
    sqlite3_bind_text(select, 1, segment_id, -1, SQLITE_STATIC);
    *ret_found = sqlite3_step(select) == SQLITE_ROW;
    if (*ret_found) {
        take_row(select, ret_row);
    }
    if (sqlite3_finalize(select) != SQLITE_OK) {
        return alog_sql_fail(db, error, "segments");
    }
    return ALOG_OK;
}

enum alog_status alog_ledger_put(sqlite3 *db, const struct alog_ledger_row *row,
                                 struct alog_error *error) {
    sqlite3_stmt *put = NULL;
    if (sqlite3_prepare_v2(db,
                           "INSERT OR REPLACE INTO segments (" COLUMNS
                           ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                           -1, &put, NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "segments");
    }
    const char *texts[] = {row->segment_id, row->writer_id, NULL,        NULL,
                           row->name,       NULL,           row->sha256, row->digest};
    for (int i = 0; i < 8; i++) {
        if (texts[i]) {
            sqlite3_bind_text(put, i + 1, texts[i], -1, SQLITE_STATIC);
        }
    }
    sqlite3_bind_int64(put, 3, (sqlite3_int64)row->number);
    sqlite3_bind_text(put, 4, row->environment, (int)row->environment_len, SQLITE_STATIC);
    sqlite3_bind_text(put, 6, row->sealed ? "sealed" : "open", -1, SQLITE_STATIC);
    const uint64_t counts[] = {row->bytes, row->blocks, row->events, row->first_sequence,
                               row->last_sequence};
    for (int i = 0; i < 5; i++) {
        sqlite3_bind_int64(put, 9 + i, (sqlite3_int64)counts[i]);
    }
    sqlite3_bind_int64(put, 14, row->min_timestamp_ns);
    sqlite3_bind_int64(put, 15, row->max_timestamp_ns);
    sqlite3_bind_int64(put, 16, (sqlite3_int64)row->missing_events);
    sqlite3_bind_text(put, 17, row->predecessor_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 18, (sqlite3_int64)row->predecessor_last_sequence);
    sqlite3_step(put);
    if (sqlite3_finalize(put) != SQLITE_OK) {
        return alog_sql_fail(db, error, "segments");
    }
    return alog_lost_segments_note(db, row->writer_id, error);
}

enum alog_status alog_ledger_reconcile(sqlite3 *db, struct alog_error *error) {
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(db,
                           "SELECT (SELECT COALESCE(SUM(events), 0) FROM rollup_events)"
                           " + (SELECT COALESCE(SUM(events), 0) FROM pruned_days),"
                           " (SELECT COALESCE(SUM(events), 0) FROM segments)",
                           -1, &select, NULL) != SQLITE_OK ||
        sqlite3_step(select) != SQLITE_ROW) {
        sqlite3_finalize(select);
        return alog_sql_fail(db, error, "reconciling");
    }
    int64_t counted = sqlite3_column_int64(select, 0), ingested = sqlite3_column_int64(select, 1);
    sqlite3_finalize(select);
    if (counted != ingested) {
        return alog_fail(error, ALOG_CORRUPT, 0, -1,
                         "the database does not reconcile: its rollups hold %lld events and its"
                         " segments %lld; rebuild it",
                         (long long)counted, (long long)ingested);
    }
    return ALOG_OK;
}

/* ---- Bad segments ---- */

void alog_bad_segments_free(struct alog_bad_segments *bad) {
    for (size_t i = 0; i < bad->count; i++) {
        free(bad->items[i].name);
        free(bad->items[i].reason);
    }
    free(bad->items);
    *bad = (struct alog_bad_segments){0};
}

enum alog_status alog_bad_segments_add(struct alog_bad_segments *bad, const char *name,
                                       const char *reason) {
    struct alog_bad_segment *items = realloc(bad->items, (bad->count + 1) * sizeof(*items));
    if (!items) {
        return ALOG_NO_MEMORY;
    }
    bad->items = items;
    struct alog_bad_segment item = {strdup(name), strdup(reason)};
    if (!item.name || !item.reason) {
        free(item.name);
        free(item.reason);
        return ALOG_NO_MEMORY;
    }
    items[bad->count++] = item;
    return ALOG_OK;
}

static bool is_listed(const struct alog_bad_segments *bad, const char *name, const char *reason) {
    for (size_t i = 0; i < bad->count; i++) {
        if (strcmp(bad->items[i].name, name) == 0) {
            return strcmp(bad->items[i].reason, reason) == 0;
        }
    }
    return false;
}

enum alog_status alog_bad_segments_known(sqlite3 *db, const char *name, const char *reason,
                                         bool *ret_known, struct alog_error *error) {
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(db, "SELECT 1 FROM bad_segments WHERE name = ?1 AND reason = ?2", -1,
                           &select, NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "bad_segments");
    }
    sqlite3_bind_text(select, 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_text(select, 2, reason, -1, SQLITE_STATIC);
    *ret_known = sqlite3_step(select) == SQLITE_ROW;
    return sqlite3_finalize(select) != SQLITE_OK ? alog_sql_fail(db, error, "bad_segments")
                                                 : ALOG_OK;
}

enum alog_status alog_bad_segments_differ(sqlite3 *db, const struct alog_bad_segments *bad,
                                          bool *ret_differ, struct alog_error *error) {
    sqlite3_stmt *select = NULL;
    if (sqlite3_prepare_v2(db, "SELECT name, reason FROM bad_segments", -1, &select, NULL) !=
        SQLITE_OK) {
        return alog_sql_fail(db, error, "bad_segments");
    }
    size_t rows = 0;
    bool same = true;
    while (sqlite3_step(select) == SQLITE_ROW) {
        same &= is_listed(bad, (const char *)sqlite3_column_text(select, 0),
                          (const char *)sqlite3_column_text(select, 1));
        rows++;
    }
    *ret_differ = !same || rows != bad->count;
    if (sqlite3_finalize(select) != SQLITE_OK) {
        return alog_sql_fail(db, error, "bad_segments");
    }
    return ALOG_OK;
}

enum alog_status alog_bad_segments_put(sqlite3 *db, const struct alog_bad_segments *bad,
                                       struct alog_error *error) {
    sqlite3_stmt *put = NULL;
    if (sqlite3_exec(db, "DELETE FROM bad_segments", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO bad_segments VALUES (?, ?)", -1, &put,
                           NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, "bad_segments");
    }
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; status == ALOG_OK && i < bad->count; i++) {
        sqlite3_bind_text(put, 1, bad->items[i].name, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, bad->items[i].reason, -1, SQLITE_STATIC);
        sqlite3_step(put);
        if (sqlite3_reset(put) != SQLITE_OK) {
            status = alog_sql_fail(db, error, "bad_segments");
        }
    }
    sqlite3_finalize(put);
    return status;
}
