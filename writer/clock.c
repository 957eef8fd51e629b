/* The timestamp source; see clock.h. */
#include "clock.h"

void alog_clock_init(struct alog_clock *clock, const struct alog_io *io) {
    clock->io = io;
    clock->system = io->realtime_ns == alog_io_system()->realtime_ns;
}
