/*
 * A fuzzer's inputs once more, without a fuzzer: `replay_<target> DIRECTORY...` hands every file to
 * it. So what was found stays found in every build, with every sanitizer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LARGEST_INPUT ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replay(const char *directory) {
    unsigned count = 0;
    uint8_t *data = malloc(LARGEST_INPUT);
    DIR *entries = opendir(directory);
    if (entries == NULL || data == NULL) {
        perror(directory);
        exit(1);
    }
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (file != NULL) {
            const size_t size = fread(data, 1, LARGEST_INPUT, file);
            fclose(file);
            /* In memory of its own size, for the address sanitizer. */
            uint8_t *input = malloc(size > 0 ? size : 1);
            if (input == NULL) {
                exit(1);
            }
            for (size_t i = 0; i < size; i++) {
                input[i] = data[i];
            }
            LLVMFuzzerTestOneInput(input, size);
            free(input);
            count++;
        }
    }
    closedir(entries);
    free(data);
    return count;
}

int main(int argc, char **argv) {
    unsigned count = 0;
    for (int i = 1; i < argc; i++) {
        count += replay(argv[i]);
    }
    printf("%u inputs\n", count);
    return count > 0 ? 0 : 1;
}
