/* The pool's threads let the others of the process go first. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "aggregator/fold_pool.h"

#define THREADS   3
#define MORE_NICE 5
#define MOST_NICE 19

/* How many threads of this process have this niceness. */
static int count_nice(int niceness) {
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    int count = 0;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        const int id = atoi(task->d_name);
        count += id > 0 && getpriority(PRIO_PROCESS, (id_t)id) == niceness;
    }
    closedir(tasks);
    return count;
}

static void its_threads_are_nicer(void **state) {
    (void)state;
    const int own = getpriority(PRIO_PROCESS, 0);
    const int theirs = own + MORE_NICE > MOST_NICE ? MOST_NICE : own + MORE_NICE;
    if (theirs == own) {
        skip(); /* nobody can be nicer than this test was started with */
    }
    const struct alog_fold_scope scope = {.rollups = true};
    struct alog_fold_pool *pool;
    assert_int_equal(alog_fold_pool_new(THREADS, &scope, &pool), ALOG_OK);
    for (int tries = 0; count_nice(theirs) < THREADS && tries < 5000; tries++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL); /* they have to come that far */
    }
    assert_int_equal(count_nice(theirs), THREADS);
    assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
    alog_fold_pool_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(its_threads_are_nicer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
