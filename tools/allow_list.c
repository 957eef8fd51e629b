/* The allow-list of coverage; see allow_list.h. */
#include "allow_list.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages.h"

void allow_list_free(struct allow_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].line);
    }
    free(list->items);
}

/* False after saying what is wrong. Takes `line` over. */
static bool add_line(struct allow_list *list, const char *path, unsigned number, char *line) {
    static const char blank[] = " \t\r\n";
    char *words[4];
    size_t count = 0;
    line[strcspn(line, "#")] = '\0';
    char *rest = NULL;
    for (char *word = strtok_r(line, blank, &rest); word != NULL && count < 4;
         word = strtok_r(NULL, blank, &rest)) {
        words[count++] = word;
    }
    if (count == 0) {
        free(line);
        return true;
    }
    if (count < 2 || count > 3) {
        message("%s: line %u is not CHECK SUBJECT [ENVIRONMENT]", path, number);
        free(line);
        return false;
    }
    struct allow_item *grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    if (grown == NULL) {
        message("out of memory");
        exit(EXIT_FAILED);
    }
    list->items = grown;
    list->items[list->count++] =
        (struct allow_item){line, words[0], words[1], count == 3 ? words[2] : "*", number, false};
    return true;
}

enum exit_code allow_list_read(const char *path, struct allow_list *list) {
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        message("cannot open %s: %s", path, strerror(errno));
        return EXIT_FAILED;
    }
    enum exit_code code = EXIT_FINE;
    unsigned number = 0;
    while (code == EXIT_FINE) {
        char *line = NULL;
        size_t capacity = 0;
        if (getline(&line, &capacity, file) < 0) {
            free(line);
            break;
        }
        code = add_line(list, path, ++number, line) ? EXIT_FINE : EXIT_USAGE;
    }
    if (code == EXIT_FINE && ferror(file)) {
        message("cannot read %s", path);
        code = EXIT_FAILED;
    }
    fclose(file);
    return code;
}

static bool matches(const char *pattern, const struct alog_value *cell) {
    char text[2 * ALOG_MAX_NAME_BYTES + 2];
    size_t len = cell->string.len < sizeof text - 1 ? cell->string.len : sizeof text - 1;
    memcpy(text, cell->string.data, len);
    text[len] = '\0';
    return fnmatch(pattern, text, 0) == 0;
}

/* Columns 0 to 2 are environment, check and subject. */
static bool is_allowed(struct allow_list *list, const struct alog_value *row) {
    bool found = false;
    for (size_t i = 0; i < list->count; i++) {
        struct allow_item *item = &list->items[i];
        if (matches(item->environment, &row[0]) && matches(item->check, &row[1]) &&
            matches(item->subject, &row[2])) {
            item->used = true;
            found = true;
        }
    }
    return found;
}

size_t allow_list_apply(struct allow_list *list, struct alog_table *table) {
    size_t kept = 0;
    for (size_t row = 0; row < table->row_count; row++) {
        struct alog_value *cells = &table->cells[row * table->column_count];
        if (!is_allowed(list, cells)) {
            memmove(&table->cells[kept++ * table->column_count], cells,
                    table->column_count * sizeof *cells);
        }
    }
    size_t dropped = table->row_count - kept;
    table->row_count = kept;
    return dropped;
}

void allow_list_tell_unused(const struct allow_list *list, const char *path) {
    for (size_t i = 0; i < list->count; i++) {
        if (!list->items[i].used) {
            message("%s: line %u allows nothing that was found", path, list->items[i].number);
        }
    }
}
