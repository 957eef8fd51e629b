/* Signals to stop, held until the work at hand is finished. */
#include "stop_signals.h"

#include <poll.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

struct stop_signals stop_signals_hold(void) {
    struct stop_signals signals;
    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGHUP);
    sigprocmask(SIG_BLOCK, &stops, &signals.before);
    signals.fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
    return signals;
}

void stop_signals_release(struct stop_signals *signals) {
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
    if (signals->fd >= 0) {
        close(signals->fd);
        signals->fd = -1;
    }
}

bool stop_signals_came(const struct stop_signals *signals) {
    struct pollfd wait = {.fd = signals->fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}
