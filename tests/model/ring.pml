/*
 * The protocol of writer/ring.h and of the drain thread above it, for the model checker spin: one
 * producer, one consumer, a machine and a compiler that reorder, and a process that may be killed
 * at any step.
 *
 *   - A store is made visible some time later, stores to different places in any order; a release
 *     waits until all stores before it are visible. What is not visible when the process is killed
 *     is gone. (The kernel completes what a processor has begun; it is the compiler that may have
 *     put a store behind the instruction where the kill came.)
 *   - The bytes of records are not atomic. Whoever touches a place that the other side touched
 *     before must be ordered behind it by a release and the acquire that reads it: C11's
 *     happens-before, kept as epochs as a race detector does. A race is an error.
 *   - A kill is no step of its own: in every state that can be reached, `Killed` does what a
 *     recovery would and checks the outcome. It changes nothing.
 *
 * Proved, for CALLS log calls with records of 1 to LONGEST cells in a ring of CAPACITY cells, and
 * blocks of at most BLOCK events of which one may be closed and not written yet: each event that
 * was acknowledged is in the file or recovered, exactly once, whole and in order; at most one more
 * is; nothing is read or overwritten that the other side may still be using.
 *
 * check_model.py runs it as it is, where nothing may be found, and once with each WITHOUT_…
 * defined, a fault in the protocol, which must be found.
 */
#ifndef CAPACITY
#define CAPACITY 4
#endif
#ifndef LONGEST
#define LONGEST 2
#endif
#ifndef CALLS
#define CALLS 4
#endif
#ifndef BLOCK
#define BLOCK 2
#endif

#define PADDING 100 /* added to the length in a padding record's head */

/* ---- The mapping: cells of 8 bytes, head, tail ---------------------------------------------- */

byte number[CAPACITY]; /* whose event it belongs to */
byte cells[CAPACITY];  /* a record's head: its length; 0: payload */
byte head, tail;       /* positions never wrap */
byte head_epoch, tail_epoch; /* what an acquire of it learns */

/* ---- Stores that are not visible yet -------------------------------------------------------- */

byte new_number[CAPACITY], new_cells[CAPACITY];
bit waits[CAPACITY];
byte new_head, new_head_epoch, new_tail, new_tail_epoch;
bit head_waits, tail_waits;

hidden byte i;

/* Everything that the producer stored is visible. */
inline producer_fence() {
    d_step {
        i = 0;
        do
        :: i < CAPACITY ->
            if
            :: waits[i] ->
                number[i] = new_number[i];
                cells[i] = new_cells[i];
                waits[i] = 0
            :: else
            fi;
            i++
        :: else -> break
        od;
        if
        :: head_waits -> head = new_head; head_epoch = new_head_epoch; head_waits = 0
        :: else
        fi
    }
}

active proctype Memory() {
    byte c;
end:
    do
    :: atomic {
        select (c : 0 .. CAPACITY - 1);
        waits[c] -> number[c] = new_number[c]; cells[c] = new_cells[c]; waits[c] = 0; c = 0
       }
    :: atomic { head_waits -> head = new_head; head_epoch = new_head_epoch; head_waits = 0 }
    :: atomic { tail_waits -> tail = new_tail; tail_epoch = new_tail_epoch; tail_waits = 0 }
    od
}

/* ---- Happens-before: the epoch of each side, and what it knows of the other's --------------- */

byte producer_epoch = 1, consumer_epoch = 1;
byte producer_knows, consumer_knows;
byte wrote[CAPACITY], read[CAPACITY];

/* ---- What is outside of the ring ------------------------------------------------------------ */

byte acknowledged; /* log calls that returned "stored" */
byte stored;       /* events in the file */
byte file_mark;    /* the ring mark in its last block */
bool logged;       /* the producer has ended */

/* ---- The producer --------------------------------------------------------------------------- */

inline store_cell(position, its_number, its_cells) {
    d_step {
        i = (position) % CAPACITY;
        assert(read[i] <= producer_knows); /* the consumer may still be reading it */
        wrote[i] = producer_epoch;
        new_number[i] = its_number;
        new_cells[i] = its_cells;
        waits[i] = 1
    }
}

active proctype Producer() {
    byte at, limit; /* struct alog_ring_producer's head and limit */
    byte next = 1;  /* number of the next event; one that is dropped leaves it to the next */
    byte need, seen, skipped, calls, c;
    bool room;

    do
    :: calls == CALLS -> break
    :: calls < CALLS ->
        calls++;
        if
        :: true -> /* another thread takes the ring over, after a lock: alog_ring_producer_init */
            producer_fence();
            limit = at
        :: true
        fi;
        select (need : 1 .. LONGEST);
        room = true;

        /* alog_ring_reserve, alog_ring_reserve_slowly */
        if
        :: limit - at >= need
        :: else ->
            d_step {
                seen = tail;
#ifndef WITHOUT_ACQUIRE_OF_TAIL
                if
                :: tail_epoch > producer_knows -> producer_knows = tail_epoch
                :: else
                fi;
#endif
                skipped = (need > CAPACITY - at % CAPACITY -> CAPACITY - at % CAPACITY : 0);
#ifdef WITHOUT_PADDING_AS_ROOM
                room = at + need - seen <= CAPACITY
#else
                room = at + skipped + need - seen <= CAPACITY
#endif
            }
            if
            :: room ->
                if
                :: skipped > 0 -> store_cell(at, 0, PADDING + skipped)
                :: else
                fi;
                d_step {
                    at = at + skipped;
                    limit = (at / CAPACITY + 1) * CAPACITY;
#ifdef WITHOUT_WRAP_IN_LIMIT
                    limit = seen + CAPACITY;
#endif
                    limit = (seen + CAPACITY < limit -> seen + CAPACITY : limit);
                    seen = 0;
                    skipped = 0
                }
            :: else -> seen = 0; skipped = 0
            fi
        fi;

        if
        :: !room /* counted as lost */
        :: room ->
            assert(at % CAPACITY + need <= CAPACITY);
            /* The payload, in place. */
            c = 1;
            do
            :: c < need -> store_cell(at + c, next, 0); c++
            :: else -> break
            od;
            c = 0;
            if
            :: true /* too big after all: forgotten */
            :: true ->
                /* alog_ring_publish */
#ifdef WITHOUT_RECORD_BEFORE_HEAD
                d_step { new_head = at + need; new_head_epoch = producer_epoch; head_waits = 1 };
                producer_fence();
#endif
                store_cell(at, next, need);
#ifndef WITHOUT_RELEASE_OF_HEAD
                producer_fence();
                d_step {
                    new_head_epoch = producer_epoch;
                    producer_epoch++
                }
#endif
                d_step { at = at + need; new_head = at; head_waits = 1 }
                /* alog_slot_leave, and the call returns */
#ifndef WITHOUT_RELEASE_OF_BUSY
                producer_fence();
#endif
                d_step { acknowledged = next; next++ }
            fi
        fi
    od;
    producer_fence();
    logged = true
}

/* ---- The consumer, and the drain thread above it -------------------------------------------- */

inline load_cell(position) {
    i = (position) % CAPACITY;
    assert(wrote[i] <= consumer_knows); /* the producer may still be writing it */
    read[i] = consumer_epoch
}

inline give_back(position) {
    d_step {
#ifndef WITHOUT_RELEASE_OF_TAIL
        new_tail_epoch = consumer_epoch;
        consumer_epoch++;
#endif
        new_tail = position;
        tail_waits = 1
    }
}

/* The closed block's write returns; then, not before, its room is given back. */
inline write_block() {
    d_step {
        stored = stored + closed;
        file_mark = closed_mark;
        closed = 0
    };
    give_back(closed_mark);
    closed_mark = 0
}

/* Close the block. Its mark is `taken`: all that is below is in it or before it. */
inline cut(mark) {
    if
    :: closed > 0 -> write_block()
    :: else
    fi;
    d_step { closed = block; closed_mark = mark; block = 0 };
#ifdef WITHOUT_WRITE_BEFORE_TAIL
    give_back(closed_mark)
#endif
}

active proctype Consumer() {
    byte taken, until, length, event, c;
    byte count;               /* events taken since the beginning */
    byte block;               /* of them in the open block */
    byte closed, closed_mark; /* in the closed one, and its mark */
    bool last;

    do
    :: taken == until ->
        if
        :: logged && !last -> last = true
        :: !last
        fi;
        /* alog_ring_published */
        d_step {
            until = head;
#ifndef WITHOUT_ACQUIRE_OF_HEAD
            if
            :: head_epoch > consumer_knows -> consumer_knows = head_epoch
            :: else
            fi
#endif
        }
        if
        :: last && taken == until -> break
        :: else
        fi
    :: taken < until ->
        /* alog_ring_take */
        d_step { load_cell(taken); event = number[i]; length = cells[i] }
        if
        :: length > PADDING -> d_step { taken = taken + length - PADDING; event = 0; length = 0 }
        :: else ->
            assert(event == count + 1);
            assert(length > 0 && taken + length <= until);
            c = 1;
            do
            :: c < length -> d_step { load_cell(taken + c); assert(number[i] == event && cells[i] == 0); c++ }
            :: else -> atomic { c = 0; event = 0; break }
            od;
            if
            :: block == BLOCK ->
#ifdef WITHOUT_MARK_BEFORE_THE_NEXT
                cut(taken + length)
#else
                cut(taken)
#endif
            :: else
            fi;
            d_step { block++; count++; taken = taken + length; length = 0 }
        fi
    :: block > 0 -> cut(taken)
    :: closed > 0 -> write_block()
    od;
    /* close: the rest, and then nothing is missing */
    if
    :: block > 0 -> cut(taken)
    :: else
    fi;
    if
    :: closed > 0 -> write_block()
    :: else
    fi;
    assert(stored == acknowledged)
}

/* ---- Killed now, in whatever state this is -------------------------------------------------- */

hidden byte r, from, events, runs;

active proctype Killed() {
end:
    do
    :: atomic {
        true;
        d_step {
        /* From where neither tail nor file say that it is in a block. */
#ifdef WITHOUT_MARKS_IN_RECOVERY
        from = tail;
#else
        assert(tail <= file_mark);
        from = (tail > file_mark -> tail : file_mark);
#endif
        assert(from <= head && head - from <= CAPACITY);
        r = from;
        events = stored;
        do
        :: r < head ->
            i = r % CAPACITY;
            if
            :: cells[i] > PADDING -> r = r + cells[i] - PADDING
            :: else ->
                events++;
                assert(number[i] == events);
                assert(cells[i] > 0 && i + cells[i] <= CAPACITY && r + cells[i] <= head);
                runs = 1;
                do
                :: runs < cells[i] -> assert(number[i + runs] == events && cells[i + runs] == 0); runs++
                :: else -> break
                od;
                r = r + cells[i]
            fi
        :: else -> break
        od;
        assert(r == head);
        assert(events == acknowledged || events == acknowledged + 1);
        r = 0; from = 0; events = 0; runs = 0; i = 0
        }
       }
    od
}
