/* SQL statements, of which the n-th ends the process as it starts: a kill at every one of them. */
#ifndef AGENTLOG_TESTS_FAULT_STATEMENT_H
#define AGENTLOG_TESTS_FAULT_STATEMENT_H

/* For all connections that this process opens from now on; again arms it anew. `at` counts starts
 * of statements from 1, over all of them; 0 = only count. The process ends as by kill -9. */
void fault_statement_install(unsigned at);

/* How many have started since. */
unsigned fault_statement_count(void);

#endif
