/* Where the documentation goes, and a file of it. */
#ifndef AGENTLOG_TOOLS_DOCS_FILE_H
#define AGENTLOG_TOOLS_DOCS_FILE_H

#include <stdbool.h>

#include "docs/manual_text.h"

struct docs_place {
    const char *directory; /* below it man/man1 and so on; they are made */
    const char *date;      /* YYYY-MM-DD */
    const char *source;    /* "agentlog 0.1.0" */
};

/* Create `directory`/`folder`/`name`. NULL after a message on stderr. */
FILE *docs_file_open(const struct docs_place *place, const char *folder, const char *name);

/* False, after a message, when not everything was written. */
bool docs_file_close(FILE *file, const char *name);

/* Open `name`.`section` and write its head. False after a message. */
bool docs_page_open(const struct docs_place *place, const char *name, const char *section,
                    struct manual *ret_manual);

/* Another name for a page that was written: a symbolic link. False after a message. */
bool docs_page_alias(const struct docs_place *place, const char *name, const char *page,
                     const char *section);

#endif
