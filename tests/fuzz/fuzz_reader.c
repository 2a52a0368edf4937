/*
 * fuzz_reader.c -- libFuzzer's harness for the reader of sample files: `make fuzz FUZZ_SECONDS=300`.
 */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reader_one(data, size);
    return 0;
}
