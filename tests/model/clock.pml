/*
 * The two lines of writer/clock.h, for the model checker spin: the drain thread publishes one line
 * after another, a reader takes the line that counts without waiting for anybody.
 *
 * The stores of the one thread that writes are numbered. A load may give any value of its place
 * that is not older than what the reader must know of it: what it read there before, and, once it
 * acquired a store that was a release, everything before that store. So a load may be as late as
 * C11 lets it be; `done` stores have been made so far.
 *
 * Proved: a reader that finds the version unchanged has the whole line of that version.
 *
 * check_model.py runs it as it is, and with each WITHOUT_… defined, which must be found faulty.
 */
#define LINES   4 /* published after the first */
#define MEMBERS 3
#define STORES  4 /* for a line: its members, then the version */

#ifdef WITHOUT_TWO_LINES
#define SLOTS 1
#else
#define SLOTS 2
#endif

byte done;

active proctype Drain() {
    do
    :: done < STORES * LINES -> done++
    :: else -> break
    od
}

/* The number of the store that gives member m its value from line k (the last one: the version). */
#define NUMBER(m, k) ((k) == 0 -> 0 : STORES * ((k) - 1) + 1 + (m))

/* May the load give the value from line k? Lines whose values come to this place are `step` apart;
 * the next one must not be there yet for the reader to know. */
#define MAY_BE(m, k, step, slot, at_least)                                                         \
    (k) % (step) == (slot) && (k) >= (at_least) && NUMBER(m, k) <= done &&                         \
        ((k) + (step) > LINES || NUMBER(m, (k) + (step)) > known)

/* Load member m, or MEMBERS for the version. `ret` is the line whose value is read; it is not
 * before line `at_least`, which was read there before. */
inline load(m, step, slot, at_least, synchronizes, ret) {
    atomic {
        if
        :: MAY_BE(m, 0, step, slot, at_least) -> ret = 0
        :: MAY_BE(m, 1, step, slot, at_least) -> ret = 1
        :: MAY_BE(m, 2, step, slot, at_least) -> ret = 2
        :: MAY_BE(m, 3, step, slot, at_least) -> ret = 3
        :: MAY_BE(m, 4, step, slot, at_least) -> ret = 4
        fi;
        if
        :: synchronizes && NUMBER(m, ret) > known -> known = NUMBER(m, ret)
        :: else
        fi
    }
}

#if defined(WITHOUT_RELEASE_OF_VERSION) || defined(WITHOUT_ACQUIRE_OF_VERSION)
#define VERSION_SYNCHRONIZES false
#else
#define VERSION_SYNCHRONIZES true
#endif
#if defined(WITHOUT_RELEASE_OF_MEMBERS) || defined(WITHOUT_ACQUIRE_OF_MEMBERS)
#define MEMBERS_SYNCHRONIZE false
#else
#define MEMBERS_SYNCHRONIZE true
#endif

active proctype Reader() {
    byte known, version, again, ticks, ns, rate;
    load(MEMBERS, 1, 0, 0, VERSION_SYNCHRONIZES, version);
    load(0, SLOTS, version % SLOTS, 0, MEMBERS_SYNCHRONIZE, ticks);
    load(1, SLOTS, version % SLOTS, 0, MEMBERS_SYNCHRONIZE, ns);
    load(2, SLOTS, version % SLOTS, 0, MEMBERS_SYNCHRONIZE, rate);
#ifdef WITHOUT_SECOND_LOOK
    again = version;
#else
    load(MEMBERS, 1, 0, version, false, again);
#endif
    if
    :: again == version -> assert(ticks == version && ns == version && rate == version)
    :: else /* the kernel is asked */
    fi
}
