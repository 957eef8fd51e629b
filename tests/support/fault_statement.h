/* SQL statements, of which the n-th ends the process as it starts, or lets something happen: a
 * kill, or another's change, at every one of them. */
#ifndef AGENTLOG_TESTS_FAULT_STATEMENT_H
#define AGENTLOG_TESTS_FAULT_STATEMENT_H

/* For all connections that this process opens from now on; again arms it anew. `at` counts starts
 * of statements from 1, over all of them; 0 = only count. The process ends as by kill -9. */
void fault_statement_install(unsigned at);

/* The same, but the n-th calls `act` before it reads anything. It is called once, and must not use
 * the connection that the statement is of. */
void fault_statement_call(unsigned at, void (*act)(void *context), void *context);

/* How many have started since. */
unsigned fault_statement_count(void);

#endif
