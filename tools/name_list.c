/* Names divided by commas; see name_list.h. */
#include "name_list.h"

#include <stddef.h>
#include <string.h>

bool name_list_split(char *text, const char *names[NAME_LIST_MAX + 1]) {
    size_t count = 0;
    for (char *at = text; at != NULL; count++) {
        char *comma = strchr(at, ',');
        if (comma != NULL) {
            *comma = '\0';
        }
        if (count == NAME_LIST_MAX || *at == '\0') {
            return false;
        }
        names[count] = at;
        at = comma != NULL ? comma + 1 : NULL;
    }
    names[count] = NULL;
    return true;
}
