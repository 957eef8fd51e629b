/* Names of the reasons for a loss; see losses.h. */
#include "losses.h"

const char *alog_loss_reason_name(enum alog_loss_reason reason) {
    static const char *const names[ALOG_LOSS_REASONS] = {
        [ALOG_LOSS_TOO_BIG] = "too_big",         [ALOG_LOSS_NO_RING] = "no_ring",
        [ALOG_LOSS_REENTERED] = "reentered",     [ALOG_LOSS_UNREADABLE] = "unreadable",
        [ALOG_LOSS_SYNC_FAILED] = "sync_failed",
    };
    return names[reason];
}
