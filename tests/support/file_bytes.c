/* Whole files, read and written in one call. */
#include "file_bytes.h"

#include <stdio.h>
#include <stdlib.h>

static _Noreturn void give_up(const char *what, const char *path) {
    fprintf(stderr, "cannot %s ", what);
    perror(path);
    abort();
}

uint8_t *file_bytes_read(const char *path, size_t *ret_bytes) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        give_up("read", path);
    }
    long bytes = ftell(file);
    rewind(file);
    uint8_t *data = malloc((size_t)bytes + 1);
    if (data == NULL || fread(data, 1, (size_t)bytes, file) != (size_t)bytes) {
        give_up("read", path);
    }
    data[bytes] = 0;
    fclose(file);
    *ret_bytes = (size_t)bytes;
    return data;
}

void file_bytes_write(const char *path, const void *data, size_t bytes) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, bytes, file) != bytes || fclose(file) != 0) {
        give_up("write", path);
    }
}
