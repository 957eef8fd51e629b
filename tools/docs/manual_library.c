/* The manual of the library, section 3: a page for each header and for each function. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "docs/manual_pages.h"

#define LONGEST_PROTOTYPE 70
#define NOTHING_SAID      "(as its name says)"

/* "agentlog/writer.h" is agentlog_writer(3), "agentlog/agentlog.h" is agentlog(3). */
static void page_of(const struct header *header, char name[64]) {
    const char *base = strrchr(header->name, '/');
    base = base != NULL ? base + 1 : header->name;
    const int len = (int)strcspn(base, ".");
    if (strncmp(base, "agentlog.", (size_t)len + 1) == 0) {
        snprintf(name, 64, "agentlog");
    } else {
        snprintf(name, 64, "agentlog_%.*s", len, base);
    }
}

/* What has to be linked for the functions of a header, as pkg-config calls it. */
static const char *package_of(const struct header *header) {
    static const char *const packages[][2] = {
        {"agentlog/agentlog.h", "agentlog"}, {"agentlog/writer.h", "agentlog"},
        {"agentlog/events.h", "agentlog"},   {"agentlog/reader.h", "agentlog"},
        {"agentlog/recover.h", "agentlog"},  {"agentlog/ndjson.h", "agentlog-ndjson"}};
    for (size_t i = 0; i < sizeof packages / sizeof packages[0]; i++) {
        if (strcmp(header->name, packages[i][0]) == 0) {
            return packages[i][1];
        }
    }
    return "agentlog-aggregator"; /* what reads or keeps databases and archives */
}

/* "Open a writer" is about the function: "open a writer". "NDJSON …" stays. */
static void write_name(struct manual *manual, const char *name, const char *text, size_t len) {
    char about[512];
    snprintf(about, sizeof about, "%.*s", (int)len, text);
    if (islower((unsigned char)about[1]) || about[1] == ' ') {
        about[0] = (char)tolower((unsigned char)about[0]);
    }
    manual_section(manual, "NAME");
    manual_escaped(manual, name, strlen(name));
    manual->column += (size_t)fprintf(manual->out, " \\-");
    manual_words(manual, about, strlen(about));
    manual_end_line(manual);
}

/* How much of a comment its first sentence takes, without the full stop. */
static size_t first_sentence(const char *text) {
    size_t len = 0;
    while (text[len] != '\0' && !(text[len] == '\n' && text[len + 1] == '\n') &&
           !((text[len] == '.' || text[len] == ':' || text[len] == ';') &&
             (text[len + 1] == ' ' || text[len + 1] == '\n' || text[len + 1] == '\0'))) {
        len++;
    }
    return len;
}

/* ---- Declarations ---------------------------------------------------------------------------- */

/* A prototype, broken behind its commas where it is long. */
static void write_prototype(struct manual *manual, const char *code) {
    char lines[2048];
    size_t used = 0;
    size_t column = 0;
    for (const char *at = code; *at != '\0' && used + 8 < sizeof lines;) {
        const size_t part = strcspn(at, ",") + (strchr(at, ',') != NULL);
        if (column > 0 && column + part > LONGEST_PROTOTYPE) {
            used += (size_t)snprintf(lines + used, sizeof lines - used, "\n    ");
            column = 4;
            at += *at == ' ';
            continue;
        }
        used += (size_t)snprintf(lines + used, sizeof lines - used, "%.*s", (int)part, at);
        column += part;
        at += part;
    }
    snprintf(lines + used, sizeof lines - used, "%s", strchr(code, ';') == NULL ? ";" : "");
    manual_literal(manual, lines);
}

static bool has_docs(const struct header_declaration *declaration) {
    for (size_t i = 0; i < declaration->member_count; i++) {
        if (declaration->members[i].doc[0] != '\0') {
            return true;
        }
    }
    return false;
}

static void write_members(struct manual *manual, const struct header_declaration *declaration) {
    if (declaration->member_count == 0) {
        return;
    }
    manual_paragraph(manual);
    char head[128];
    snprintf(head, sizeof head, "Members of `%s`:", declaration->name);
    manual_text(manual, head);
    if (!has_docs(declaration)) {
        for (size_t i = 0; i < declaration->member_count; i++) {
            manual_words(manual, declaration->members[i].code,
                         strlen(declaration->members[i].code));
            fputs(i + 1 < declaration->member_count ? "," : ".", manual->out);
        }
        manual_end_line(manual);
        return;
    }
    for (size_t i = 0; i < declaration->member_count; i++) {
        const struct header_member *member = &declaration->members[i];
        manual_term(manual, member->code);
        manual_text(manual, member->doc[0] != '\0' ? member->doc : NOTHING_SAID);
    }
}

static void write_declaration(struct manual *manual, const struct header_declaration *declaration) {
    switch (declaration->kind) {
    case DECLARATION_FUNCTION:
        break; /* in the synopsis, or a page of its own */
    case DECLARATION_CONSTANT:
        manual_term(manual, strchr(declaration->code, '\\') == NULL
                                ? declaration->code + strlen("#define ")
                                : declaration->name);
        manual_text(manual, declaration->doc[0] != '\0' ? declaration->doc : NOTHING_SAID);
        break;
    case DECLARATION_TYPE:
        if (declaration->member_count == 0) {
            write_prototype(manual, declaration->code);
        }
        write_members(manual, declaration);
        break;
    }
}

static void write_group(struct manual *manual, const struct header_group *group) {
    if (group->doc[0] != '\0') {
        manual_comment(manual, group->doc);
    }
    for (size_t i = 0; i < group->count; i++) {
        write_declaration(manual, &group->declarations[i]);
    }
}

static void write_synopsis(struct manual *manual, const struct header *header) {
    char line[256];
    manual_section(manual, "SYNOPSIS");
    snprintf(line, sizeof line, "`#include <%s>`", header->name);
    manual_text(manual, line);
}

static void write_linking(struct manual *manual, const struct header *header) {
    char line[256];
    snprintf(line, sizeof line, "Compile and link with `pkg-config --cflags --libs %s`.",
             package_of(header));
    manual_paragraph(manual);
    manual_text(manual, line);
}

/* The pages of all headers but that of `self`. */
static void write_references(struct manual *manual, const struct header *headers,
                             size_t header_count, const struct header *self) {
    char page[64];
    char line[128];
    size_t left = header_count - 1;
    manual_section(manual, "SEE ALSO");
    for (size_t i = 0; i < header_count; i++) {
        if (&headers[i] != self) {
            page_of(&headers[i], page);
            snprintf(line, sizeof line, "`%s`(3)%s", page, --left > 0 ? "," : "");
            manual_text(manual, line);
        }
    }
}

/* The page of a function's header. */
static void write_reference(struct manual *manual, const struct header *header) {
    char page[64];
    char line[128];
    page_of(header, page);
    snprintf(line, sizeof line, "`%s`(3)%s", page,
             strcmp(page, "agentlog") == 0 ? "" : ", `agentlog`(3)");
    manual_section(manual, "SEE ALSO");
    manual_text(manual, line);
}

/* ---- Pages ----------------------------------------------------------------------------------- */

static bool write_function(const struct docs_place *place, const struct header *header,
                           const struct header_group *group) {
    const struct header_declaration *first = header_group_function(group);
    struct manual manual;
    if (!docs_page_open(place, first->name, "3", &manual)) {
        return false;
    }
    char names[512] = "";
    for (size_t i = 0, used = 0; i < group->count; i++) {
        if (group->declarations[i].kind == DECLARATION_FUNCTION && used < sizeof names) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s",
                                     used > 0 ? ", " : "", group->declarations[i].name);
        }
    }
    const char *doc = group->doc[0] != '\0' ? group->doc : header->title;
    write_name(&manual, names, doc, first_sentence(doc));
    write_synopsis(&manual, header);
    for (size_t i = 0; i < group->count; i++) {
        if (group->declarations[i].kind == DECLARATION_FUNCTION) {
            write_prototype(&manual, group->declarations[i].code);
        }
    }
    write_linking(&manual, header);
    manual_section(&manual, "DESCRIPTION");
    write_group(&manual, group);
    write_reference(&manual, header);
    bool done = docs_file_close(manual.out, first->name);
    for (size_t i = 0; done && i < group->count; i++) {
        const struct header_declaration *other = &group->declarations[i];
        if (other->kind == DECLARATION_FUNCTION && other != first) {
            done = docs_page_alias(place, other->name, first->name, "3");
        }
    }
    return done;
}

static void write_function_list(struct manual *manual, const struct header *header) {
    for (size_t i = 0; i < header->count; i++) {
        const struct header_group *group = &header->groups[i];
        for (size_t j = 0; j < group->count; j++) {
            const struct header_declaration *declaration = &group->declarations[j];
            if (declaration->kind != DECLARATION_FUNCTION) {
                continue;
            }
            manual_option(manual, declaration->name, NULL);
            const struct header_declaration *first = header_group_function(group);
            if (declaration != first) {
                char reference[128];
                snprintf(reference, sizeof reference, "see `%s`(3)", first->name);
                manual_text(manual, reference);
            } else if (group->doc[0] != '\0') {
                manual_words(manual, group->doc, first_sentence(group->doc));
                manual_end_line(manual);
            } else {
                manual_text(manual, declaration->code);
            }
        }
    }
}

static bool has_functions(const struct header *header) {
    for (size_t i = 0; i < header->count; i++) {
        if (header_group_function(&header->groups[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool write_header(const struct docs_place *place, const struct header *headers,
                         size_t header_count, const struct header *header) {
    char name[64];
    struct manual manual;
    page_of(header, name);
    if (!docs_page_open(place, name, "3", &manual)) {
        return false;
    }
    write_name(&manual, name, header->title, strlen(header->title));
    write_synopsis(&manual, header);
    write_linking(&manual, header);
    manual_section(&manual, "DESCRIPTION");
    if (header->about[0] != '\0') {
        manual_comment(&manual, header->about);
    } else {
        manual_text(&manual, header->title);
    }
    if (has_functions(header)) {
        manual_section(&manual, "FUNCTIONS");
        manual_text(&manual, "Each has a page of its own in section 3.");
        write_function_list(&manual, header);
    }
    bool headed = false;
    for (size_t i = 0; i < header->count; i++) {
        const struct header_group *group = &header->groups[i];
        if (group->count == 0 || header_group_function(group) != NULL) {
            continue;
        }
        if (!headed) {
            manual_section(&manual, "TYPES AND CONSTANTS");
            headed = true;
        } else {
            manual_paragraph(&manual);
        }
        write_group(&manual, group);
    }
    write_references(&manual, headers, header_count, header);
    return docs_file_close(manual.out, name);
}

bool manual_write_library(const struct docs_place *place, const struct header *headers,
                          size_t header_count) {
    bool done = true;
    for (size_t i = 0; done && i < header_count; i++) {
        done = write_header(place, headers, header_count, &headers[i]);
        for (size_t j = 0; done && j < headers[i].count; j++) {
            if (header_group_function(&headers[i].groups[j]) != NULL) {
                done = write_function(place, &headers[i], &headers[i].groups[j]);
            }
        }
    }
    return done;
}
