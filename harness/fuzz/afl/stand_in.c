/* What targets ask of libFuzzer when it mutates for them; AFL++ does not ask them to. */
#include "harness/fuzz/entry.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data;
    return size < max_size ? size : max_size;
}
