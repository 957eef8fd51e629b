/*
 * A page of HTML as it grows in memory. Text out of the database reaches it through html_text and
 * html_text_cut alone, which escape it: there is no other way for a text to become part of a page.
 */
#ifndef AGENTLOG_TOOLS_REPORT_HTML_H
#define AGENTLOG_TOOLS_REPORT_HTML_H

#include <agentlog/agentlog.h>

/* Start with zeros; free with html_free. Without memory the program ends with a message. */
struct html {
    char *data; /* not NUL-terminated */
    size_t len;
    size_t capacity;
};
void html_free(struct html *html);

/* Markup of our own, which is not escaped. */
void html_raw(struct html *html, const char *markup);
/* The same with numbers, and words of our own, filled in: never with a text out of the database. */
ALOG_PRINTF(2, 3)
void html_format(struct html *html, const char *format, ...);

/*
 * A text that anybody may have written, for an element's content or a quoted attribute: the
 * characters of markup are escaped; bytes that are no UTF-8 become U+FFFD; control characters and
 * those that reorder text are shown as \x1b, \u202e.
 */
void html_text(struct html *html, struct alog_string text);

/* The same, cut to about `columns` characters (wide ones count double), the last one of them "…".
 */
void html_text_cut(struct html *html, struct alog_string text, size_t columns);

#endif
