/*
 * A disk that may lose its power: the system's calls, recorded, and from the record the states that
 * a file system may be found in after a crash at any moment.
 *
 *     struct crash_io *disk = crash_io_new(root);       what happens below `root` is recorded
 *     … a writer runs with crash_io_calls(disk) …
 *     crash_io_promise(disk, n);                        from here on, n must survive
 *     promised = crash_io_state(disk, at, &random, to); a state after call `at`, as files in `to`
 *
 * What a state may be is what POSIX leaves open, which is more than any one file system does:
 *   - What was synced is there: a file's bytes and size by fsync or fdatasync of the file, a name
 * by fsync of its directory. A sync that failed covers nothing, and no later one makes up for it.
 *   - Of each later write, any of its 512-byte sectors may be there or not, whatever came later.
 *   - A file's size may be any that it has had since. Where it has size but no bytes there are
 *     zeros, or what lay on the disk before: bytes of other files.
 *   - Of names made, renamed and removed since, any may be there or not, in any combination.
 * Rings, which are mapped, are not recorded: have them outside of `root`.
 *
 * Threads: calls and promises from any; the states from one, when nothing runs any more. Syncs are
 * only recorded, so that they cost nothing. Failures abort the test program.
 */
#ifndef AGENTLOG_TESTS_SUPPORT_CRASH_IO_H
#define AGENTLOG_TESTS_SUPPORT_CRASH_IO_H

#include <stdatomic.h>

#include "format/io.h"
#include "support/random_event.h"

struct crash_io;

/* `root` must exist and stay, and counts as synced. */
struct crash_io *crash_io_new(const char *root);
void crash_io_free(struct crash_io *disk);
const struct alog_io *crash_io_calls(struct crash_io *disk);

/* Let the next so many syncs of files fail with EIO. */
void crash_io_fail_syncs(struct crash_io *disk, int count);

/* Add to both clocks. */
void crash_io_advance(struct crash_io *disk, int64_t ns);

/* Everything up to `count` is said to be safe. */
void crash_io_promise(struct crash_io *disk, uint64_t count);

/* Recorded calls so far. */
size_t crash_io_count(struct crash_io *disk);

/* Are there writes or names that no sync covers? Only paths that contain `only`. */
bool crash_io_is_unsynced(struct crash_io *disk, const char *only);

/*
 * One state that a crash after the first `at` calls may leave, chosen by `random`, made as files
 * below `to`, an empty directory. Returns the highest promise that was given by then.
 */
uint64_t crash_io_state(struct crash_io *disk, size_t at, struct test_random *random,
                        const char *to);

#endif
