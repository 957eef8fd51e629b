/*
 * The public headers, taken apart for the manual: what a comment says of which declarations. This
 * is no C parser; it knows the house's way of writing headers, and a test holds the two together.
 */
#ifndef AGENTLOG_TOOLS_HEADER_PARTS_H
#define AGENTLOG_TOOLS_HEADER_PARTS_H

#include <stdbool.h>
#include <stddef.h>

enum declaration_kind {
    DECLARATION_FUNCTION,
    DECLARATION_TYPE,    /* struct, enum, typedef */
    DECLARATION_CONSTANT /* a macro */
};

/* One member of a struct or an enumeration. */
struct header_member {
    char *code; /* in one line, e.g. "uint64_t ring_bytes" */
    char *doc;  /* "" = nothing is said */
};

struct header_declaration {
    enum declaration_kind kind;
    char *name; /* of the function or macro; "struct alog_event" of a type */
    char *code; /* in one line; of a struct or an enumeration only what stands before its brace */
    char *doc;  /* of a macro, what stands behind it; else "" */
    struct header_member *members;
    size_t member_count;
};

/* What one comment tells, and the declarations that follow it up to the next comment. */
struct header_group {
    char *doc;
    struct header_declaration *declarations;
    size_t count;
};

struct header {
    char *name;  /* "agentlog/writer.h" */
    char *title; /* of its first comment, what stands behind the colon of its first line */
    char *about; /* its first comment, without that line */
    struct header_group *groups;
    size_t count;
};

/* Read a header. False after a message on stderr. Memory is for the program's life. */
bool header_read(const char *path, const char *name, struct header *ret_header);

/* The first function of a group, or NULL. */
const struct header_declaration *header_group_function(const struct header_group *group);

#endif
