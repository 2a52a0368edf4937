/*
 * test_corpus.c -- the inputs that the fuzzer collected (tests/fuzz/corpus), read once more without it: what was found and
 * mended stays mended, with every compiler.
 */
#define _GNU_SOURCE 1
#include <criterion/criterion.h>

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#include "../../bench/memory.h"
#include "../fuzz/reader.h"

enum { LEAST_FILES = 100, LEAST_ACCEPTED = 20, LONGEST = 1 << 20 };

static size_t corpus_read(const char *folder, const char *name, uint8_t *data)
{
    char *path = memory_text("%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    size_t size;

    cr_assert(file, "%s", path);
    free(path);
    size = fread(data, 1, LONGEST, file);
    fclose(file);
    return size;
}

Test(corpus, every_input_is_read_or_refused, .timeout = 60)
{
    static uint8_t data[LONGEST];
    char here[] = __FILE__, *folder = memory_text("%s/../fuzz/corpus", dirname(here));
    int nothing = open("/dev/null", O_WRONLY), files = 0, accepted = 0;
    struct dirent *entry;
    DIR *list;

    list = opendir(folder);
    cr_assert(list, "%s: tests run from the root of the repository", folder);
    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    while ((entry = readdir(list))) {
        size_t size;

        if (entry->d_name[0] == '.')
            continue;
        size = corpus_read(folder, entry->d_name, data);
        accepted += reader_one(data, size);
        files++;
    }
    closedir(list);
    free(folder);
    cr_assert_geq(files, LEAST_FILES);
    cr_assert_geq(accepted, LEAST_ACCEPTED, "a reader that refuses all would pass too");
}
