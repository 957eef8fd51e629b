/*
 * Text out of logs and files, made safe to show: control characters, which a terminal would obey,
 * and bytes that are no UTF-8 become visible escapes (\x1b, \u009b). So do the characters that
 * reorder text.
 */
#ifndef AGENTLOG_TOOLS_SAFE_TEXT_H
#define AGENTLOG_TOOLS_SAFE_TEXT_H

#include <agentlog/agentlog.h>

/* Room that safe_text needs for a text of `len` bytes, its NUL included. */
#define SAFE_TEXT_BYTES(len) ((len)*6 + 1)

/*
 * Write the safe form of `text` into `out`, NUL-terminated; what does not fit into `room` bytes is
 * cut at a character. Returns the bytes written without the NUL.
 */
size_t safe_text(struct alog_string text, char *out, size_t room);

/* The same, except that line feeds stay: for messages of several lines. */
size_t safe_lines(struct alog_string text, char *out, size_t room);

/*
 * JSON text (one value, or lines of them) may hold DEL, C1 controls and the characters that reorder
 * text as they are, which only strings can: write them as \u escapes, which mean the same. `room`
 * is at least SAFE_TEXT_BYTES(json.len) + 8. Returns the bytes written; there is no NUL.
 */
size_t safe_json(struct alog_string json, char *out, size_t room);
/* False: it would stay as it is. */
bool safe_json_needed(const char *json, size_t len);

/* Characters in a NUL-terminated text that safe_text made: its width on a terminal, wide scripts
 * apart. */
size_t safe_width(const char *text);

/* The valid UTF-8 nearest to `text`, each stray byte replaced by U+FFFD, malloc'ed and
 * NUL-terminated, or NULL. */
char *valid_utf8(struct alog_string text, size_t *ret_len);

#endif
