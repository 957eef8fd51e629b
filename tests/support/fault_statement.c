#include "fault_statement.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include <sqlite3.h>

/* SQLite calls what is registered for every connection of the process. */
static struct {
    unsigned at;
    void (*act)(void *context);
    void *context;
    atomic_uint started;
} state;

static void end_process(void *context) {
    (void)context;
    kill(getpid(), SIGKILL);
}

static int statement_starts(unsigned type, void *context, void *statement, void *text) {
    (void)type;
    (void)context;
    (void)statement;
    (void)text;
    if (atomic_fetch_add_explicit(&state.started, 1, memory_order_relaxed) + 1 == state.at) {
        state.act(state.context);
    }
    return 0;
}

static int watch(sqlite3 *db, const char **ret_message, const struct sqlite3_api_routines *api) {
    (void)ret_message;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, statement_starts, NULL);
}

void fault_statement_install(unsigned at) {
    fault_statement_call(at, end_process, NULL);
}

void fault_statement_call(unsigned at, void (*act)(void *context), void *context) {
    state.at = at;
    state.act = act;
    state.context = context;
    atomic_store_explicit(&state.started, 0, memory_order_relaxed);
    /* The type that auto_extension wants is not the one that it calls; twice is once. */
    sqlite3_auto_extension((void (*)(void))watch);
}

unsigned fault_statement_count(void) {
    return atomic_load_explicit(&state.started, memory_order_relaxed);
}
