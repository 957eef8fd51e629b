/* Messages that differ only in numbers, paths and ids, as one text. */
#ifndef AGENTLOG_AGGREGATOR_MESSAGE_PATTERN_H
#define AGENTLOG_AGGREGATOR_MESSAGE_PATTERN_H

#include <agentlog/agentlog.h>

#define ALOG_PATTERN_BYTES 160u

/*
 * The pattern of a message: its first line that is not blank (of it, the first 1024 bytes), where
 *   - a path becomes <path>: a run of path characters that begins with / ./ ../ or ~/, has two
 *     separators (so URLs too), or one and a file name with an extension behind it;
 *   - an id becomes <id>: 0x… , eight or more hexadecimal digits and hyphens with at least one of
 *     0-9 among them, or a word of eight or more in which digits and letters change three times;
 *   - a number becomes <n>, its fraction included; not up to four digits right behind a letter
 *     (E501, utf8, python3), which name a thing;
 *   - white space and control characters become one space.
 * Everything else stays. At most ALOG_PATTERN_BYTES, cut between characters. The result is in
 * `room` and not terminated. Cost: one pass over the line.
 */
struct alog_string alog_message_pattern(struct alog_string message, char room[ALOG_PATTERN_BYTES]);

#endif
