#include "event_id.h"

#define HEX_DIGITS 16u

struct alog_string alog_event_id(uint64_t writer_id, uint64_t sequence,
                                 char room[ALOG_EVENT_ID_BYTES]) {
    static const char hex[] = "0123456789abcdef";
    char digits[20];
    unsigned first = sizeof(digits);
    do {
        digits[--first] = (char)('0' + sequence % 10);
        sequence /= 10;
    } while (sequence != 0);
    for (unsigned i = 0; i < HEX_DIGITS; i++) {
        room[i] = hex[writer_id >> (60 - 4 * i) & 15];
    }
    room[HEX_DIGITS] = '-';
    memcpy(room + HEX_DIGITS + 1, digits + first, sizeof(digits) - first);
    return (struct alog_string){room, HEX_DIGITS + 1 + sizeof(digits) - first};
}
