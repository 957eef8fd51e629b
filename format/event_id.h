/* What an event without an id of its own is called: its writer's id and its sequence number. */
#ifndef AGENTLOG_FORMAT_EVENT_ID_H
#define AGENTLOG_FORMAT_EVENT_ID_H

#include <agentlog/agentlog.h>

#define ALOG_EVENT_ID_BYTES 37u /* 16 hex digits, a dash, 20 digits at most */

/* "0123456789abcdef-42"; the string is in `room`. Cost: some 100 instructions. */
struct alog_string alog_event_id(uint64_t writer_id, uint64_t sequence,
                                 char room[ALOG_EVENT_ID_BYTES]);

#endif
