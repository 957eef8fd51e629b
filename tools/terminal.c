/* How wide what is printed may be; see terminal.h. */
#include "terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDEST 10000

size_t terminal_columns(void) {
    const char *asked = getenv("COLUMNS");
    if (asked != NULL && asked[0] != '\0') {
        char *end;
        const long columns = strtol(asked, &end, 10);
        if (*end == '\0' && columns > 0 && columns < WIDEST) {
            return (size_t)columns;
        }
    }
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
