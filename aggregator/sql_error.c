#include "sql_error.h"

#include <errno.h>

#include "format/error.h"

static enum alog_status status_of(int code) {
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ALOG_LOCKED;
    case SQLITE_READONLY:
        return ALOG_READ_ONLY;
    case SQLITE_NOMEM:
        return ALOG_NO_MEMORY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* our SQL is fixed, so it is the tables that are not as they should be */
        return ALOG_CORRUPT;
    default:
        return ALOG_IO;
    }
}

enum alog_status alog_sql_fail(sqlite3 *db, struct alog_error *error, const char *doing) {
    enum alog_status status = status_of(sqlite3_extended_errcode(db));
    if (status == ALOG_LOCKED) {
        return alog_fail(error, status, 0, -1,
                         "another program has locked the database; try again when it is done");
    }
    if ((sqlite3_errcode(db) & 0xff) == SQLITE_FULL) {
        return alog_fail(error, status, ENOSPC, -1,
                         "there is no room for the database or its temporary files: make "
                         "some and try again");
    }
    int system_errno = status == ALOG_IO ? sqlite3_system_errno(db) : 0;
    return alog_fail(error, status, system_errno, -1, "%s: %s", doing, sqlite3_errmsg(db));
}
