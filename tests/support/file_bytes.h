/* Whole files, read and written in one call. Failures abort the test program. */
#ifndef AGENTLOG_TESTS_SUPPORT_FILE_BYTES_H
#define AGENTLOG_TESTS_SUPPORT_FILE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* malloc'ed, with a NUL behind the last byte. */
uint8_t *file_bytes_read(const char *path, size_t *ret_bytes);

/* The file is made or truncated first. */
void file_bytes_write(const char *path, const void *data, size_t bytes);

#endif
