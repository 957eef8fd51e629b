#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <agentlog/aggregator.h>

#include "format/error.h"
#include "format/trust.h"
#include "levels.h"
#include "schema_docs.h"
#include "sql_error.h"
#include "sql_functions.h"
#include "sql_text.h"

#define BUSY_TIMEOUT_MS   5000
#define SETTLE_TIMEOUT_MS 200 /* readers that stay keep the database in WAL mode: no harm done */

struct alog_store {
    sqlite3 *db;
    char *path;
    int lock_fd;
    struct alog_store_settings settings;
    int64_t version; /* of its schema */
    bool wal;        /* in WAL mode, from us or from a run that was killed */
    bool beside;     /* a rebuild: not durable before it replaces the real one */
    /* A database that is not there yet is made under this name, without a journal, and gets its own
     * name with the first commit; NULL = it has it. */
    char *building;
    int building_fd; /* … of that file; -1 = none */
    bool spoiled;    /* … and what is in it counts for nothing */
};

static enum alog_status run(sqlite3 *db, const char *sql, struct alog_error *error) {
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return alog_sql_fail(db, error, sql);
    }
    return ALOG_OK;
}

static enum alog_status read_integer(sqlite3 *db, const char *sql, int64_t *ret_value,
                                     struct alog_error *error) {
    sqlite3_stmt *statement = NULL;
    enum alog_status status = ALOG_OK;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        status = alog_sql_fail(db, error, sql);
    } else {
        *ret_value = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return status;
}

/* ---- Whose it is ---- */

/* DB.lock is removed by its last holder, so a lock counts only on the file that bears the name. */
static enum alog_status take_lock(const char *path, int *ret_fd, struct alog_error *error) {
    char name[4096];
    if ((size_t)snprintf(name, sizeof(name), "%s.lock", path) >= sizeof(name)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the path of the database is too long");
    }
    for (;;) {
        int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, ALOG_FILE_MODE);
        if (fd < 0) {
            if (errno == ELOOP) {
                return alog_fail(error, ALOG_INVALID, 0, -1,
                                 "there is a symbolic link in place of the lock %s", name);
            }
            enum alog_status status = errno == EROFS || errno == EACCES ? ALOG_READ_ONLY : ALOG_IO;
            return alog_fail(error, status, errno, -1, "cannot create %s", name);
        }
        struct stat held, named;
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int cause = errno;
            close(fd);
            if (cause == EWOULDBLOCK) {
                return alog_fail(error, ALOG_LOCKED, 0, -1,
                                 "another process is writing to %s; try again when it is done",
                                 path);
            }
            return alog_fail(error, ALOG_IO, cause, -1, "cannot lock %s", name);
        }
        if (fstat(fd, &held) == 0 && stat(name, &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev) {
            *ret_fd = fd;
            return ALOG_OK;
        }
        close(fd);
    }
}

static void drop_lock(const char *path, int fd) {
    char name[4096];
    if (fd >= 0) {
        snprintf(name, sizeof(name), "%s.lock", path);
        unlink(name);
        close(fd);
    }
}

/* ---- What it is ---- */

static enum alog_status not_ours(const char *path, struct alog_error *error) {
    return alog_fail(error, ALOG_INVALID, 0, -1, "%s is not an agentlog database", path);
}

/* *ret_version is 0 for a new database, without anything in it. */
static enum alog_status check_identity(sqlite3 *db, const char *path, int64_t *ret_version,
                                       struct alog_error *error) {
    int64_t id = 0, version = 0, objects = 0;
    struct alog_error cause = {0};
    enum alog_status status = read_integer(db, "PRAGMA application_id", &id, &cause);
    if (status == ALOG_OK) {
        status = read_integer(db, "PRAGMA user_version", &version, &cause);
    }
    if (status == ALOG_OK) {
        status = read_integer(db, "SELECT count(*) FROM sqlite_schema", &objects, &cause);
    }
    if (status != ALOG_OK) {
        if (sqlite3_errcode(db) == SQLITE_NOTADB) {
            return not_ours(path, error);
        }
        return alog_fail(error, cause.status, cause.system_errno, -1, "%s: %s", path,
                         cause.message);
    }
    bool empty = id == 0 && version == 0 && objects == 0;
    *ret_version = version;
    if (!empty && (id != ALOG_APPLICATION_ID || version < 1)) {
        return not_ours(path, error);
    }
    if (version > ALOG_SCHEMA_VERSION) {
        return alog_fail(error, ALOG_UNSUPPORTED, 0, -1,
                         "%s has schema version %lld, of a newer program than this, which knows "
                         "versions up to %d: use that one",
                         path, (long long)version, ALOG_SCHEMA_VERSION);
    }
    return ALOG_OK;
}

static enum alog_status too_old(const char *path, int64_t version, struct alog_error *error) {
    return alog_fail(error, ALOG_UNSUPPORTED, 0, -1,
                     "%s has schema version %lld, of an earlier program; ingest its log once, or "
                     "rebuild it, and it has version %d",
                     path, (long long)version, ALOG_SCHEMA_VERSION);
}

static enum alog_status check_file(const char *path, struct alog_error *error) {
    struct stat info;
    if (stat(path, &info) != 0) {
        if (errno == ENOENT) {
            return alog_fail(error, ALOG_NOT_FOUND, 0, -1, "there is no database %s", path);
        }
        return alog_fail(error, ALOG_IO, errno, -1, "cannot read %s", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return not_ours(path, error);
    }
    /* SQLite would take a few bytes of something else for an empty database, and write over them.
     */
    static const char magic[16] = "SQLite format 3";
    char head[sizeof(magic)];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return alog_fail(error, ALOG_IO, errno, -1, "cannot read %s", path);
    }
    ssize_t got = read(fd, head, sizeof(head));
    close(fd);
    bool is_sqlite = got == 0 || (got == sizeof(head) && memcmp(head, magic, sizeof(head)) == 0);
    return is_sqlite ? ALOG_OK : not_ours(path, error);
}

static enum alog_status read_latency_limits(sqlite3 *db, struct alog_latency_limits *ret_limits,
                                            struct alog_error *error) {
    sqlite3_stmt *statement = NULL;
    enum alog_status status = ALOG_OK;
    if (sqlite3_prepare_v2(db, "SELECT value FROM settings WHERE name = 'latency_thresholds_us'",
                           -1, &statement, NULL) != SQLITE_OK) {
        status = alog_sql_fail(db, error, "settings");
    } else if (sqlite3_step(statement) != SQLITE_ROW) {
        alog_latency_limits_default(ret_limits); /* version 1 */
    } else {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        status = text ? alog_latency_limits_read(text, ret_limits) : ALOG_NO_MEMORY;
        if (status != ALOG_OK) {
            alog_fail(error, status, 0, -1, "the setting latency_thresholds_us cannot be read");
        }
    }
    sqlite3_finalize(statement);
    return status;
}

enum alog_status alog_store_read_settings(sqlite3 *db, struct alog_store_settings *ret_settings,
                                          struct alog_error *error) {
    int64_t offset = 0, cap = 0;
    enum alog_status status = read_integer(
        db, "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'time_zone_offset_s'",
        &offset, error);
    if (status == ALOG_OK) {
        status = read_integer(
            db, "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'dimension_cap'", &cap,
            error);
    }
    struct alog_latency_limits limits = {0};
    if (status == ALOG_OK) {
        status = read_latency_limits(db, &limits, error);
    }
    if (status == ALOG_OK) {
        *ret_settings = (struct alog_store_settings){(int32_t)offset, (uint32_t)cap, limits};
    }
    return status;
}

/* All in one transaction: a kill leaves an empty database, which is made again. */
static enum alog_status make_schema(sqlite3 *db, const struct alog_store_settings *settings,
                                    struct alog_error *error) {
    char facts[512], limits[ALOG_LATENCY_LIMITS_BYTES];
    alog_latency_limits_write(&settings->latency_limits, limits);
    snprintf(facts, sizeof(facts),
             "PRAGMA application_id = %d; PRAGMA user_version = %d;"
             "INSERT INTO settings VALUES ('dimension_cap', '%u'), ('time_zone_offset_s', '%d'),"
             " ('latency_thresholds_us', '%s');",
             ALOG_APPLICATION_ID, ALOG_SCHEMA_VERSION, settings->dimension_cap,
             settings->time_zone_offset_s, limits);
    /* Before there is a page: pages that take a row of job_details whole, several of them; and
     * retention gives pages back to the file system. */
    enum alog_status status =
        run(db, "PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL", error);
    if (status == ALOG_OK) {
        status = run(db, "BEGIN IMMEDIATE", error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    char *levels = alog_level_schema(alog_schema_sql());
    const char *parts[] = {alog_schema_sql(), levels, alog_views_sql(), facts};
    if (!levels) {
        status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    for (size_t i = 0; status == ALOG_OK && i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (sqlite3_exec(db, parts[i], NULL, NULL, NULL) != SQLITE_OK) {
            status = alog_sql_fail(db, error, "making the database");
        }
    }
    for (size_t i = 0; status == ALOG_OK && i < 3; i++) {
        status = alog_schema_docs_insert(db, parts[i], error);
    }
    sqlite3_free(levels);
    if (status == ALOG_OK) {
        status = run(db, "COMMIT", error);
    }
    if (status != ALOG_OK) {
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

/* ---- Journal modes ---- */

/* SQLITE_OK; SQLITE_BUSY, also when the mode simply stays as it was; or what went wrong. */
static int set_journal_mode(sqlite3 *db, const char *mode) {
    char sql[64];
    snprintf(sql, sizeof(sql), "PRAGMA journal_mode = %s", mode);
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(statement);
    }
    if (result == SQLITE_ROW) {
        const char *now = (const char *)sqlite3_column_text(statement, 0);
        result = now && sqlite3_stricmp(now, mode) == 0 ? SQLITE_OK : SQLITE_BUSY;
    }
    sqlite3_finalize(statement);
    return result == SQLITE_DONE ? SQLITE_BUSY : result;
}

/*
 * Into WAL mode, or out of it. The change needs the file for a moment alone. SQLite waits for some
 * of what may be in the way and not for the rest, so it waits for nothing and we for all of it.
 */
static int wait_for_wal(sqlite3 *db, bool wal, int timeout_ms) {
    int result;
    bool busy;
    int waited_ms = 0;
    sqlite3_busy_timeout(db, 0);
    /* A moment of microseconds, then, and not of a disk's flush. Either mode is right after a power
     * loss: all content is on the disk before the change, which is of a few bytes in one sector. */
    sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL);
    /* Nor of a journal's making and removing, for the same reason: what is written is the first
     * page, of which only the first hundred bytes differ. */
    if (wal) {
        set_journal_mode(db, "MEMORY");
    }
    for (;;) {
        result = set_journal_mode(db, wal ? "WAL" : "MEMORY");
        busy = (result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED;
        if (!busy || waited_ms >= timeout_ms) {
            break;
        }
        sqlite3_sleep(2);
        waited_ms += 2;
    }
    if (wal ? result != SQLITE_OK : result == SQLITE_OK) {
        set_journal_mode(db, "DELETE");
    }
    sqlite3_exec(db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    return result;
}

static void note_journal_mode(struct alog_store *store) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(store->db, "PRAGMA journal_mode", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        store->wal = sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    }
    sqlite3_finalize(statement);
}

static enum alog_status ensure_wal(struct alog_store *store, struct alog_error *error) {
    if (store->wal || store->beside || store->building) {
        return ALOG_OK;
    }
    int result = wait_for_wal(store->db, true, BUSY_TIMEOUT_MS);
    store->wal = result == SQLITE_OK;
    if (result == SQLITE_OK) {
        return ALOG_OK;
    }
    if ((result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED) {
        return alog_fail(
            error, ALOG_LOCKED, 0, -1,
            "somebody has been reading %s for too long in one transaction; try again when"
            " it is over",
            store->path);
    }
    return alog_sql_fail(store->db, error, "journal_mode");
}

enum alog_status alog_store_begin(struct alog_store *store, struct alog_error *error) {
    enum alog_status status = ensure_wal(store, error);
    return status == ALOG_OK ? run(store->db, "BEGIN IMMEDIATE", error) : status;
}

static enum alog_status finish_building(struct alog_store *store, struct alog_error *error);

enum alog_status alog_store_commit(struct alog_store *store, struct alog_error *error) {
    enum alog_status status = run(store->db, "COMMIT", error);
    if (status != ALOG_OK) {
        alog_store_rollback(store);
        return status;
    }
    return store->building ? finish_building(store, error) : ALOG_OK;
}

void alog_store_rollback(struct alog_store *store) {
    /* Of a new database nothing is left to go back to; SQLite itself may have tried already. */
    store->spoiled |= store->building != NULL;
    if (store->db && !sqlite3_get_autocommit(store->db)) {
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    }
}

/* ---- Opening and closing ---- */

static enum alog_status configure(struct alog_store *store, struct alog_error *error) {
    sqlite3 *db = store->db;
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, (int *)NULL);
    enum alog_status status = alog_sql_functions_register(db, error);
    if (status != ALOG_OK) {
        return status;
    }
    /* WAL with NORMAL: power loss may take back the last commits, whole; the ledger goes with the
     * sums, so they are simply ingested again. While a database is first filled, what is moved
     * within it need not be overwritten with zeros, as distributions have SQLite do. */
    return run(
        db,
        store->beside || store->building
            ? "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA secure_delete = OFF;"
              "PRAGMA locking_mode = EXCLUSIVE"
            : "PRAGMA synchronous = NORMAL",
        error);
}

/* SQLite makes databases that everybody may read. Its journals take after them. When this fails,
 * SQLite fails as well, and says why. */
static void make_file(const char *path) {
    int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, ALOG_FILE_MODE);
    if (fd >= 0) {
        close(fd);
    }
}

void alog_store_write_back(const struct alog_store *store, bool all) {
    if (all) {
        sqlite3_db_cacheflush(store->db);
    }
    if (store->building_fd >= 0) {
        sync_file_range(store->building_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    }
}

/* Not before SQLite's connection is closed: its locks on the file would go with it. */
static void close_building(struct alog_store *store) {
    if (store->building_fd >= 0) {
        close(store->building_fd);
        store->building_fd = -1;
    }
}

static enum alog_status open_database(struct alog_store *store,
                                      const struct alog_store_settings *settings,
                                      struct alog_error *error) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const char *name = store->building ? store->building : store->path;
    make_file(name);
    if (store->building) {
        store->building_fd = open(name, O_RDONLY | O_CLOEXEC);
    }
    if (sqlite3_open_v2(name, &store->db, flags, NULL) != SQLITE_OK) {
        return alog_sql_fail(store->db, error, store->path);
    }
    sqlite3_extended_result_codes(store->db, 1);
    enum alog_status status = configure(store, error);
    if (status == ALOG_OK) {
        status = check_identity(store->db, store->path, &store->version, error);
    }
    if (status == ALOG_OK && sqlite3_db_readonly(store->db, "main") == 1) {
        status = alog_fail(error, ALOG_READ_ONLY, 0, -1, "%s cannot be written", store->path);
    }
    if (status == ALOG_OK && store->version == 0) {
        status = make_schema(store->db, settings, error);
        store->version = ALOG_SCHEMA_VERSION;
    }
    if (status == ALOG_OK) {
        /* In KiB; but SQLite makes pages of it at once, of the length that it knows by now. */
        status = run(store->db, "PRAGMA cache_size = -32768", error);
    }
    if (status == ALOG_OK) {
        note_journal_mode(store);
        status = alog_store_read_settings(store->db, &store->settings, error);
    }
    return status;
}

/* What a rename needs to survive a power loss: the file before it, its directory after it. */
static bool sync_path(const char *path, bool parent) {
    char name[4096];
    snprintf(name, sizeof(name), "%s", path);
    if (parent) {
        char *slash = strrchr(name, '/');
        snprintf(slash ? slash + 1 : name, 2, "%s", slash ? "" : ".");
    }
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

/* Give a new database its name, and open it under that. */
static enum alog_status finish_building(struct alog_store *store, struct alog_error *error) {
    if (sqlite3_close(store->db) != SQLITE_OK) {
        return alog_sql_fail(store->db, error, store->building);
    }
    store->db = NULL;
    close_building(store);
    if (!sync_path(store->building, false) || rename(store->building, store->path) != 0 ||
        !sync_path(store->path, true)) {
        return alog_fail(error, ALOG_IO, errno, -1, "cannot make %s", store->path);
    }
    free(store->building);
    store->building = NULL;
    struct alog_store_settings settings = store->settings;
    return open_database(store, &settings, error);
}

static void free_store(struct alog_store *store) {
    if (store) {
        sqlite3_close(store->db);
        close_building(store);
        if (store->building) {
            unlink(store->building);
            free(store->building);
        }
        drop_lock(store->path, store->lock_fd);
        free(store->path);
        free(store);
    }
}

/* Before a name in which SQLite would see something else than a file: "file:a.db?mode=memory",
 * ":memory:". */
static const char *file_prefix(const char *path) {
    return strncmp(path, "file:", 5) == 0 || path[0] == ':' ? "./" : "";
}

static struct alog_store *new_store(const char *path, const char *suffix) {
    struct alog_store *store = calloc(1, sizeof(*store));
    size_t bytes = strlen(file_prefix(path)) + strlen(path) + strlen(suffix) + 1;
    char *name = malloc(bytes);
    if (!store || !name) {
        free(store);
        free(name);
        return NULL;
    }
    snprintf(name, bytes, "%s%s%s", file_prefix(path), path, suffix);
    store->path = name;
    store->lock_fd = -1;
    store->building_fd = -1;
    return store;
}

static enum alog_status plan_building(struct alog_store *store, bool is_new,
                                      struct alog_error *error) {
    char name[4096];
    if ((size_t)snprintf(name, sizeof(name), "%s.new", store->path) >= sizeof(name)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the path of the database is too long");
    }
    unlink(name); /* what a killed run left */
    store->building = is_new && access(store->path, F_OK) != 0 ? strdup(name) : NULL;
    return !is_new || store->building || access(store->path, F_OK) == 0
               ? ALOG_OK
               : alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
}

enum alog_status alog_store_open(const char *path, const struct alog_store_settings *settings,
                                 struct alog_store **ret_store, struct alog_error *error) {
    struct alog_store *store;
    enum alog_status status = alog_store_open_any(path, settings, &store, error);
    if (status == ALOG_OK && alog_store_is_old(store)) {
        status = too_old(path, store->version, error);
        alog_store_close(store, NULL);
    }
    if (status == ALOG_OK) {
        *ret_store = store;
    }
    return status;
}

bool alog_store_is_old(const struct alog_store *store) {
    return store->version < ALOG_SCHEMA_VERSION;
}

enum alog_status alog_store_open_any(const char *path, const struct alog_store_settings *settings,
                                     struct alog_store **ret_store, struct alog_error *error) {
    struct alog_store *store = new_store(path, "");
    if (!store) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    struct alog_error ignored = {0};
    enum alog_status status = check_file(path, &ignored);
    const bool is_new = status == ALOG_NOT_FOUND;
    if (status == ALOG_OK || is_new) {
        status = take_lock(path, &store->lock_fd, error);
    } else if (error) {
        *error = ignored;
    }
    if (status == ALOG_OK) {
        status = plan_building(store, is_new, error);
    }
    if (status == ALOG_OK) {
        status = open_database(store, settings, error);
    }
    if (status != ALOG_OK) {
        free_store(store);
        return status;
    }
    *ret_store = store;
    return ALOG_OK;
}

enum alog_status alog_store_close(struct alog_store *store, struct alog_error *error) {
    if (!store) {
        return ALOG_OK;
    }
    enum alog_status status = ALOG_OK;
    if (store->building && !store->spoiled) { /* there was nothing to put into it */
        status = finish_building(store, error);
        store->spoiled = status != ALOG_OK;
    }
    if (store->wal) {
        sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        wait_for_wal(store->db, false, SETTLE_TIMEOUT_MS);
    }
    if (sqlite3_close(store->db) != SQLITE_OK) {
        status = alog_sql_fail(store->db, error, store->path);
    } else {
        store->db = NULL;
    }
    if (store->beside) {
        unlink(store->path);
    }
    free_store(store);
    return status;
}

sqlite3 *alog_store_db(const struct alog_store *store) {
    return store->db;
}

const struct alog_store_settings *alog_store_settings_of(const struct alog_store *store) {
    return &store->settings;
}

/* ---- Rebuilding ---- */

enum alog_status alog_store_open_beside(const struct alog_store *store,
                                        const struct alog_store_settings *settings,
                                        struct alog_store **ret_beside, struct alog_error *error) {
    struct alog_store *beside = new_store(store->path, ".rebuild");
    if (!beside) {
        return alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    beside->beside = true;
    unlink(beside->path); /* what a killed rebuild left */
    enum alog_status status = open_database(beside, settings, error);
    if (status != ALOG_OK) {
        unlink(beside->path);
        free_store(beside);
        return status;
    }
    *ret_beside = beside;
    return ALOG_OK;
}

/* Out of WAL mode, in which a database's pages cannot become of another size. */
static enum alog_status leave_wal(struct alog_store *store, struct alog_error *error) {
    int result = wait_for_wal(store->db, false, BUSY_TIMEOUT_MS);
    store->wal = false;
    return result == SQLITE_OK ? ALOG_OK : alog_sql_fail(store->db, error, "journal_mode");
}

/* Copied by pages in one transaction, not renamed: readers go on undisturbed, and no journal of the
 * old file can ever be taken for the new one's. */
enum alog_status alog_store_replace(struct alog_store *store, struct alog_store *beside,
                                    struct alog_error *error) {
    enum alog_status status = store->building ? finish_building(store, error) : ALOG_OK;
    if (status == ALOG_OK) {
        status = alog_store_is_old(store) ? leave_wal(store, error) : ensure_wal(store, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    sqlite3_backup *backup = sqlite3_backup_init(store->db, "main", beside->db, "main");
    if (!backup) {
        return alog_sql_fail(store->db, error, "replacing the database");
    }
    sqlite3_backup_step(backup, -1);
    if (sqlite3_backup_finish(backup) != SQLITE_OK) {
        return alog_sql_fail(store->db, error, "replacing the database");
    }
    store->settings = beside->settings;
    store->version = beside->version;
    return ALOG_OK;
}

/* ---- Reading ---- */

/* "file:" and the path, with what has a meaning in a URI escaped. */
static char *uri_of(const char *path) {
    static const char hex[] = "0123456789ABCDEF", options[] = "?immutable=1";
    char *uri = malloc(strlen("file:") + 3 * strlen(path) + sizeof(options));
    if (!uri) {
        return NULL;
    }
    char *at = stpcpy(uri, "file:");
    for (; *path != '\0'; path++) {
        unsigned char c = (unsigned char)*path;
        if (strchr("?#%", c) != NULL || (c == '/' && path[1] == '/')) {
            *at++ = '%';
            *at++ = hex[c >> 4];
            *at++ = hex[c & 15];
        } else {
            *at++ = (char)c;
        }
    }
    memcpy(at, options, sizeof(options));
    return uri;
}

static enum alog_status try_read(const char *name, int more_flags, const char *path, sqlite3 **db,
                                 struct alog_error *error) {
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | more_flags;
    if (sqlite3_open_v2(name, db, flags, NULL) != SQLITE_OK) {
        return alog_sql_fail(*db, error, path);
    }
    sqlite3_extended_result_codes(*db, 1);
    sqlite3_busy_timeout(*db, BUSY_TIMEOUT_MS);
    /* The views job_agents, … are made of JSON functions, which SQLite before 3.42 does not trust
     * in a schema that is not. There is nothing on a read-only connection that could do harm. */
    sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, (int *)NULL);
    int64_t version = 0;
    enum alog_status status = check_identity(*db, path, &version, error);
    if (status == ALOG_OK && version < ALOG_SCHEMA_VERSION) {
        status = version == 0 ? not_ours(path, error) : too_old(path, version, error);
    }
    return status;
}

enum alog_status alog_store_open_read(const char *path, sqlite3 **ret_db,
                                      struct alog_error *error) {
    enum alog_status status = check_file(path, error);
    if (status != ALOG_OK) {
        return status;
    }
    sqlite3 *db = NULL;
    char name[4096];
    char wal[4096];
    if ((size_t)snprintf(name, sizeof(name), "%s%s", file_prefix(path), path) >= sizeof(name) ||
        (size_t)snprintf(wal, sizeof(wal), "%s-wal", path) >= sizeof(wal)) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "the path of the database is too long");
    }
    status = try_read(name, 0, path, &db, error);
    if (status != ALOG_OK && (sqlite3_errcode(db) & 0xff) == SQLITE_CANTOPEN &&
        access(wal, F_OK) != 0) {
        /* Left in WAL mode by readers that outlived an ingest, and now in a directory where its
         * index cannot be made: without a journal the file alone is the whole truth. */
        sqlite3_close(db);
        db = NULL;
        char *uri = uri_of(path);
        status = uri ? try_read(uri, SQLITE_OPEN_URI, path, &db, error)
                     : alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
        free(uri);
    }
    if (status != ALOG_OK) {
        sqlite3_close(db);
        return status;
    }
    *ret_db = db;
    return ALOG_OK;
}
