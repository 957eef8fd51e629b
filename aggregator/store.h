/*
 * The database file: made, checked, opened. What is in it is schema.sql's and views.sql's.
 *
 * While it is written it is in WAL mode, so that readers never wait; at rest it has no journal
 * beside it and opens from a read-only directory.
 */
#ifndef AGENTLOG_AGGREGATOR_STORE_H
#define AGENTLOG_AGGREGATOR_STORE_H

#include <agentlog/agentlog.h>
#include <sqlite3.h>

#include "latency_limits.h"

#define ALOG_DEFAULT_DIMENSION_CAP 10000u

/* What the sums depend on, recorded in `settings`. */
struct alog_store_settings {
    int32_t time_zone_offset_s; /* of the reporting zone, east of UTC */
    uint32_t dimension_cap;
    struct alog_latency_limits latency_limits;
};

struct alog_store;

/*
 * Open for writing, for which one process at a time holds DB.lock; an absent or empty database is
 * made with `settings`. ALOG_LOCKED: another process writes it. ALOG_INVALID: not an agentlog
 * database. ALOG_UNSUPPORTED: a newer schema, or an
 * older one. ALOG_READ_ONLY, ALOG_IO, ALOG_NO_MEMORY.
 */
enum alog_status alog_store_open(const char *path, const struct alog_store_settings *settings,
                                 struct alog_store **ret_store, struct alog_error *error);

/* The same, but a database of an older schema is opened too: only to be replaced. */
enum alog_status alog_store_open_any(const char *path, const struct alog_store_settings *settings,
                                     struct alog_store **ret_store, struct alog_error *error);
bool alog_store_is_old(const struct alog_store *store);

/* Settle the database at rest, release the lock, free. ALOG_IO: it could not be closed in order;
 * what was committed is safe all the same. */
enum alog_status alog_store_close(struct alog_store *store, struct alog_error *error);

sqlite3 *alog_store_db(const struct alog_store *store);

/* The recorded settings. */
const struct alog_store_settings *alog_store_settings_of(const struct alog_store *store);

/* Begin a transaction that will write (into WAL mode first), commit it, or undo it. Committing may
 * change the connection (alog_store_db): a new database is made under another name, and without a
 * journal, before the first commit. */
enum alog_status alog_store_begin(struct alog_store *store, struct alog_error *error);
enum alog_status alog_store_commit(struct alog_store *store, struct alog_error *error);
void alog_store_rollback(struct alog_store *store);

/* What has been written of a new database is on its way to the disk from now on, so that the commit
 * has less to wait for; `all`: also the pages that SQLite keeps in its cache, of any database,
 * which is for the last before the commit. Does not wait itself, and fails when the commit does. */
void alog_store_write_back(const struct alog_store *store, bool all);

/*
 * Build the content of `store` anew beside it: a new database with the same settings, without
 * journal or readers, which alog_store_replace then puts in place of the old content in one
 * transaction (its file and its readers stay) or alog_store_close throws away.
 */
enum alog_status alog_store_open_beside(const struct alog_store *store,
                                        const struct alog_store_settings *settings,
                                        struct alog_store **ret_beside, struct alog_error *error);
enum alog_status alog_store_replace(struct alog_store *store, struct alog_store *beside,
                                    struct alog_error *error);

/*
 * Open for reading: the connection has a busy timeout and query_only set; close it with
 * sqlite3_close. ALOG_NOT_FOUND, ALOG_INVALID (not an agentlog database), ALOG_UNSUPPORTED (a newer
 * schema, or an older one), ALOG_IO.
 */
enum alog_status alog_store_open_read(const char *path, sqlite3 **ret_db, struct alog_error *error);

/* What a database has recorded. ALOG_CORRUPT, ALOG_IO, … */
enum alog_status alog_store_read_settings(sqlite3 *db, struct alog_store_settings *ret_settings,
                                          struct alog_error *error);

#endif
