/*
 * Text for manual pages: the man(7) language of roff, as groff and mandoc read it. What is written
 * is escaped and filled, so that any text may be handed in.
 */
#ifndef AGENTLOG_TOOLS_MANUAL_TEXT_H
#define AGENTLOG_TOOLS_MANUAL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A page being written. */
struct manual {
    FILE *out;
    size_t column;      /* of the line that is being filled */
    bool fresh;         /* nothing stands below the last heading yet: no paragraph can begin */
    bool bold;          /* between two backticks */
    const char *date;   /* YYYY-MM-DD */
    const char *source; /* program and version, for the foot of the page */
};

/* `.TH`: the page's name and section, e.g. "agentlog-log", "1". */
void manual_begin(struct manual *manual, const char *name, const char *section);

/* A section heading, as it stands. */
void manual_section(struct manual *manual, const char *title);
/* The same in capitals. */
void manual_section_upper(struct manual *manual, const char *title);
void manual_subsection(struct manual *manual, const char *title);

/* Begin a paragraph. */
void manual_paragraph(struct manual *manual);

/* Words to fill into the line, `len` bytes of them; what stands in backticks is bold. */
void manual_words(struct manual *manual, const char *text, size_t len);
void manual_text(struct manual *manual, const char *text);

/* A term and, with the words that follow, what it means. */
void manual_term(struct manual *manual, const char *term);
/* A term that is bold up to its first blank. */
void manual_option(struct manual *manual, const char *option, const char *argument);
/* A point of a list. */
void manual_bullet(struct manual *manual);

/* Lines as they are; each of `lines` ends in a line feed or at the text's end. */
void manual_literal(struct manual *manual, const char *lines);

/* Write one text without line feeds, escaped, at the place where the line is. */
void manual_escaped(struct manual *manual, const char *text, size_t len);

/* End the line that is being filled. */
void manual_end_line(struct manual *manual);

/* Write a comment of a header, its signs already gone: paragraphs, points, indented code. */
void manual_comment(struct manual *manual, const char *text);

#endif
