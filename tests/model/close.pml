/*
 * How a log call and alog_ring_set_close keep apart (writer/record.h, writer/ring_set.c), for the
 * model checker spin: a thread that logs, its signal handler that logs too, and a thread that
 * closes and then unmaps the ring. With membarrier, where the call has no fence, and without.
 *
 * A store is made visible some time later, stores to different places in any order; a release waits
 * until all stores of the thread before it are visible, and so does a full fence, also one that
 * membarrier runs on the thread's processor.
 *
 * Proved: nobody touches the ring once it is unmapped; what was acknowledged is published when
 * close has waited, and nothing is published after that; a handler never writes into a record that
 * its thread is making.
 *
 * check_model.py runs it as it is, and with each WITHOUT_… defined, which must be found faulty.
 */
#define CALLS   2
#define SIGNALS 2

bool asymmetric; /* membarrier works */

/* What everybody sees, and what the thread stored that is not visible yet. */
byte busy, head;
bool closed;
byte new_busy, new_head;
bit busy_waits, head_waits, record_waits;

bool unmapped;
bool writing;      /* the thread is making a record */
bool handling;     /* … is in its signal handler */
byte acknowledged; /* events that a log call returned "stored" for */

inline record_arrives() {
    assert(!unmapped);
    record_waits = 0
}

inline fence() {
    d_step {
        if
        :: record_waits -> record_arrives()
        :: else
        fi;
        if
        :: head_waits -> assert(!unmapped); head = new_head; head_waits = 0
        :: else
        fi;
        if
        :: busy_waits -> busy = new_busy; busy_waits = 0
        :: else
        fi
    }
}

active proctype Memory() {
end:
    do
    :: atomic { record_waits -> record_arrives() }
    :: atomic { head_waits -> assert(!unmapped); head = new_head; head_waits = 0 }
    :: atomic { busy_waits -> busy = new_busy; busy_waits = 0 }
    od
}

/* alog_slot_leave */
inline leave() {
#ifndef WITHOUT_RELEASE_OF_BUSY
    fence();
#endif
    d_step { new_busy = 0; busy_waits = 1 }
}

/* alog_slot_enter, a record, alog_record_end; a thread sees its own stores at once. */
inline log_call() {
    if
#ifdef WITHOUT_LOOK_AT_BUSY
    :: false
#else
    :: new_busy != 0 /* dropped, and counted: it interrupts a log call */
#endif
    :: else ->
#ifdef WITHOUT_LOOK_AT_CLOSED_LAST
        early = closed;
#endif
        d_step { new_busy = 1; busy_waits = 1 }
#ifndef WITHOUT_FENCE
        if
        :: !asymmetric -> fence()
        :: else
        fi;
#endif
        if
#ifdef WITHOUT_LOOK_AT_CLOSED_LAST
        :: early -> early = false; leave()
#else
        :: closed -> leave()
#endif
        :: else ->
            assert(!writing);
            writing = true;
            d_step { assert(!unmapped); record_waits = 1 }
            fence();
            d_step { new_head++; head_waits = 1; writing = false }
            leave();
            acknowledged++
        fi
    fi
}

proctype Caller() provided(!handling) {
    byte calls;
    bool early;
    do
    :: calls < CALLS -> calls++; log_call()
    :: calls == CALLS -> break
    od
}

proctype Handler() {
    byte signals;
    bool early;
end:
    do
    :: signals < SIGNALS -> atomic { signals++; handling = true }; log_call(); handling = false
    od
}

proctype Closer() {
    byte all;
    closed = true; /* sequentially consistent: visible before what follows */
#ifndef WITHOUT_MEMBARRIER
    if
    :: asymmetric -> fence()
    :: else
    fi;
#endif
#ifndef WITHOUT_WAIT_FOR_BUSY
    busy == 0;
#endif
    /* The drain thread empties the ring. */
    d_step {
        all = head;
        assert(all >= acknowledged);
        unmapped = true
    }
    assert(head == all && acknowledged <= all)
}

init {
    if
    :: asymmetric = true
    :: asymmetric = false
    fi;
    atomic { run Caller(); run Handler(); run Closer() }
}
