/*
 * Patterns of messages by what they were found to be before: most messages of a program differ from
 * earlier ones in their digits only, and have the same pattern then. One thread at a time.
 */
#ifndef AGENTLOG_AGGREGATOR_PATTERN_MEMO_H
#define AGENTLOG_AGGREGATOR_PATTERN_MEMO_H

#include <agentlog/agentlog.h>

/* Longer messages are not remembered. */
#define ALOG_PATTERN_MEMO_BYTES 128u
#define ALOG_PATTERN_MEMO_WORDS (ALOG_PATTERN_MEMO_BYTES / 8)

/* A message with every digit as 0, filled up with NUL bytes. */
struct alog_pattern_shape {
    uint32_t len;  /* of the message; 0 = it is not remembered */
    uint32_t name; /* the caller's number of its pattern */
    uint64_t words[ALOG_PATTERN_MEMO_WORDS];
};

#define ALOG_PATTERN_MEMO_SHAPES 256u

/* Zero-initialise, which also forgets everything. */
struct alog_pattern_memo {
    struct alog_pattern_shape shapes[ALOG_PATTERN_MEMO_SHAPES];
};

/*
 * The place of a message's shape. True: *ret_shape is it, and has the name of its pattern. False:
 * it is another's, or NULL; alog_pattern_memo_put makes it this message's. Cost: three
 * instructions a byte.
 */
bool alog_pattern_memo_find(struct alog_pattern_memo *memo, struct alog_string message,
                            struct alog_pattern_shape **ret_shape);

/* Remember that the message, not found just now, has this pattern. Does nothing when its pattern
 * may depend on what its digits are. */
void alog_pattern_memo_put(struct alog_pattern_shape *shape, struct alog_string message,
                           struct alog_string pattern, uint32_t name);

#endif
