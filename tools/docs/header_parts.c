/* Taking the public headers apart; see header_parts.h. */
#include "docs/header_parts.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_HEADER ((size_t)1 << 20)

static void *checked(void *memory) {
    if (memory == NULL) {
        fputs("agentlog_docs: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

/* Room for one more at the end of an array. */
static void *grow(void *array, size_t *count, size_t bytes) {
    char *grown = checked(realloc(array, (*count + 1) * bytes));
    memset(grown + *count * bytes, 0, bytes);
    ++*count;
    return grown;
}

static bool begins(const char *text, const char *beginning) {
    return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* The same with every run of blanks as one, none at its ends. */
static char *squeezed(const char *text, size_t len) {
    char *out = checked(malloc(len + 1));
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        if (!isspace((unsigned char)text[i])) {
            out[used++] = text[i];
        } else if (used > 0 && out[used - 1] != ' ') {
            out[used++] = ' ';
        }
    }
    while (used > 0 && out[used - 1] == ' ') {
        used--;
    }
    out[used] = '\0';
    return out;
}

/* A comment's text (between its signs): each line without the star before it. */
static char *comment_text(const char *text, size_t len) {
    char *out = checked(malloc(len + 2));
    size_t used = 0;
    size_t i = 0;
    while (i < len) {
        while (i < len && text[i] == ' ') {
            i++;
        }
        if (used > 0 && i < len && text[i] == '*') {
            i++;
            i += i < len && text[i] == ' ';
        }
        while (i < len && text[i] != '\n') {
            out[used++] = text[i++];
        }
        while (used > 0 && out[used - 1] == ' ') {
            used--;
        }
        out[used++] = '\n';
        i++;
    }
    while (used > 0 && isspace((unsigned char)out[used - 1])) {
        used--;
    }
    out[used] = '\0';
    size_t begin = 0;
    while (out[begin] == '\n') {
        begin++;
    }
    memmove(out, out + begin, used - begin + 1);
    return out;
}

/* ---- Members --------------------------------------------------------------------------------- */

static void add_member(struct header_declaration *declaration, const char *prefix, char *code) {
    declaration->members =
        grow(declaration->members, &declaration->member_count, sizeof *declaration->members);
    struct header_member *member = &declaration->members[declaration->member_count - 1];
    const size_t room = strlen(prefix) + strlen(code) + 1;
    member->code = checked(malloc(room));
    snprintf(member->code, room, "%s%s", prefix, code);
    member->doc = "";
    free(code);
}

/* What is said behind a member, or above it. */
struct member_comment {
    char *above;
    bool on_line_of_last; /* the member before it ended on this line */
};

static void say_of_last(struct header_declaration *declaration, char *doc) {
    if (declaration->member_count > 0) {
        struct header_member *last = &declaration->members[declaration->member_count - 1];
        if (last->doc[0] == '\0') {
            last->doc = doc;
        }
    }
}

/* The inside of the braces of a struct or an enumeration. */
static void read_members(struct header_declaration *declaration, const char *body, size_t len) {
    char prefix[32] = "";
    size_t begin = 0; /* of the code that is being gathered */
    bool any = false;
    struct member_comment comment = {0};
    for (size_t i = 0; i < len; i++) {
        if (begins(body + i, "/*")) {
            const char *end = strstr(body + i, "*/");
            char *doc = comment_text(body + i + 2, (size_t)(end - body) - i - 2);
            char *before = squeezed(body + begin, i - begin);
            if (before[0] != '\0') { /* the last of an enumeration has no comma */
                add_member(declaration, prefix, before);
                say_of_last(declaration, doc);
                comment.above = NULL;
            } else if (comment.on_line_of_last) {
                say_of_last(declaration, doc);
            } else {
                comment.above = doc;
            }
            i = (size_t)(end - body) + 1;
            begin = i + 1;
            continue;
        }
        if (body[i] == '\n') {
            char *before = squeezed(body + begin, i - begin);
            any = before[0] != '\0';
            comment.on_line_of_last = comment.on_line_of_last && any;
            free(before);
        } else if (body[i] == '{') {
            snprintf(prefix, sizeof prefix, "%.20s: ", squeezed(body + begin, i - begin));
            begin = i + 1;
        } else if (body[i] == '}') {
            prefix[0] = '\0';
            begin = i + 1;
        } else if (body[i] == ';' || (body[i] == ',' && declaration->code[0] == 'e')) {
            char *code = squeezed(body + begin, i - begin);
            begin = i + 1;
            if (code[0] == '\0') {
                free(code);
                continue;
            }
            add_member(declaration, prefix, code);
            comment.on_line_of_last = true;
            if (comment.above != NULL) {
                say_of_last(declaration, comment.above);
                comment.above = NULL;
            }
        }
    }
    char *last = squeezed(body + begin, len - begin);
    if (last[0] != '\0') {
        add_member(declaration, prefix, last);
    }
}

/* ---- Declarations ---------------------------------------------------------------------------- */

static char *without(char *code, const char *word) {
    char *at = strstr(code, word);
    if (at != NULL) {
        memmove(at, at + strlen(word), strlen(at + strlen(word)) + 1);
    }
    return code;
}

/* The identifier that ends before `end`. */
static char *name_before(const char *code, const char *end) {
    while (end > code && !isalnum((unsigned char)end[-1]) && end[-1] != '_') {
        end--;
    }
    const char *begin = end;
    while (begin > code && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_')) {
        begin--;
    }
    return squeezed(begin, (size_t)(end - begin));
}

static void add_declaration(struct header_group *group, const char *text, size_t len) {
    const char *brace = memchr(text, '{', len);
    const bool is_macro = text[0] == '#';
    const bool is_type = begins(text, "struct ") || begins(text, "enum ");
    struct header_declaration made = {.kind = DECLARATION_TYPE, .doc = ""};
    if (is_macro) {
        const char *comment = memmem(text, len, "/*", 2);
        made.kind = DECLARATION_CONSTANT;
        made.code = squeezed(text, comment != NULL ? (size_t)(comment - text) : len);
        if (comment != NULL) {
            made.doc = comment_text(comment + 2, (size_t)(strstr(comment, "*/") - comment) - 2);
        }
        const char *name = made.code + strlen("#define ");
        made.name = squeezed(name, strcspn(name, " ("));
    } else if (is_type && brace != NULL && memchr(text, '(', (size_t)(brace - text)) == NULL) {
        made.code = squeezed(text, (size_t)(brace - text));
        made.name = made.code;
        const char *end = text + len;
        while (*end != '}') {
            end--;
        }
        read_members(&made, brace + 1, (size_t)(end - brace) - 1);
    } else {
        char *code = squeezed(text, brace != NULL ? (size_t)(brace - text) : len);
        made.code = without(without(code, "ALOG_API "), "ALOG_MUST_CHECK ");
        made.code = without(made.code, "static inline ");
        const char *parenthesis = strchr(made.code, '(');
        if (begins(made.code, "typedef ")) {
            made.name = name_before(made.code, parenthesis ? parenthesis : made.code + len);
        } else if (parenthesis != NULL) {
            made.kind = DECLARATION_FUNCTION;
            made.name = name_before(made.code, parenthesis);
        } else {
            return; /* only announced: `struct alog_writer;` */
        }
    }
    group->declarations = grow(group->declarations, &group->count, sizeof *group->declarations);
    group->declarations[group->count - 1] = made;
}

/* Where the declaration at `text` ends: behind its semicolon, its function's brace, its macro. */
static const char *end_of_declaration(const char *text) {
    int depth = 0;
    bool was_function = false;
    if (*text == '#') {
        const char *end = text;
        do {
            end = strchr(end, '\n') + 1;
        } while (end[-2] == '\\');
        return end;
    }
    for (; *text != '\0'; text++) {
        if (begins(text, "/*")) {
            text = strstr(text, "*/") + 1;
        } else if (*text == '(') {
            was_function = was_function || depth == 0;
        } else if (*text == '{') {
            depth++;
        } else if (*text == '}') {
            depth--;
            if (depth == 0 && was_function) {
                return text + 1;
            }
        } else if (*text == ';' && depth == 0) {
            return text + 1;
        }
    }
    return text;
}

/* ---- Headers --------------------------------------------------------------------------------- */

static char *read_file(const char *path) {
    char *text = checked(malloc(LARGEST_HEADER + 1));
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        perror(path);
        return NULL;
    }
    const size_t len = fread(text, 1, LARGEST_HEADER, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

/* "agentlog writer: log events.\n\n…": a title, and what comes behind its paragraph or line. */
static void read_opening(struct header *header, char *comment) {
    const char *colon = strchr(comment, ':');
    const char *from = colon != NULL ? colon + 1 : comment;
    const size_t len = strcspn(from, ".;");
    header->title = squeezed(from, len);
    const char *rest = from + len;
    rest += *rest == '.';
    if (*rest == ';') {
        rest = from + 1;
    }
    rest += *rest == ' ';
    rest += strspn(rest, "\n");
    header->about = checked(strdup(rest));
}

static bool is_public_macro(const char *line) {
    return begins(line, "#define ALOG_") && strchr(line, '\n') > line &&
           !begins(line, "#define ALOG_API") && !begins(line, "#define ALOG_MUST_CHECK") &&
           !begins(line, "#define ALOG_PRINTF");
}

static const char *next_line(const char *at) {
    const char *feed = strchr(at, '\n');
    return feed != NULL ? feed + 1 : at + strlen(at);
}

bool header_read(const char *path, const char *name, struct header *ret_header) {
    const char *at = read_file(path);
    if (at == NULL) {
        return false;
    }
    struct header header = {.name = squeezed(name, strlen(name))};
    bool fresh = false; /* the group at hand has no declaration yet */
    while (*at != '\0') {
        if (begins(at, "/*")) {
            const char *end = strstr(at, "*/");
            char *text = comment_text(at + 2, (size_t)(end - at) - 2);
            at = next_line(end);
            if (header.title == NULL) {
                read_opening(&header, text);
                continue;
            }
            const bool is_heading = begins(text, "----");
            header.groups = grow(header.groups, &header.count, sizeof *header.groups);
            header.groups[header.count - 1].doc = is_heading ? "" : text;
            fresh = !is_heading;
        } else if (begins(at, "#define ") && !is_public_macro(at)) {
            at = end_of_declaration(at);
        } else if (isspace((unsigned char)*at) || (*at == '#' && !is_public_macro(at)) ||
                   begins(at, "extern \"C\"") || *at == '}') {
            /* A comment that stands apart is nobody's. */
            if (fresh && *at == '\n') {
                header.groups[header.count - 1].doc = "";
            }
            at = next_line(at);
        } else {
            const char *end = end_of_declaration(at);
            if (header.count == 0) {
                header.groups = grow(header.groups, &header.count, sizeof *header.groups);
                header.groups[0].doc = "";
            }
            add_declaration(&header.groups[header.count - 1], at, (size_t)(end - at));
            fresh = false;
            at = end[-1] == '\n' ? end : next_line(end);
        }
    }
    if (header.title == NULL) {
        fprintf(stderr, "agentlog_docs: %s does not begin with a comment\n", path);
        return false;
    }
    *ret_header = header;
    return true;
}

const struct header_declaration *header_group_function(const struct header_group *group) {
    for (size_t i = 0; i < group->count; i++) {
        if (group->declarations[i].kind == DECLARATION_FUNCTION) {
            return &group->declarations[i];
        }
    }
    return NULL;
}
