/*
 * A fuzz target's process under AFL++: inputs come through shared memory, one process runs many. With files as arguments it runs
 * those and ends, without them and without afl-fuzz one from standard input.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/fuzz/entry.h"

/* AFL++'s runtime, and what afl-fuzz looks for in the file to know how it is to be run. */
extern uint8_t *__afl_fuzz_ptr;
extern uint32_t *__afl_fuzz_len;
int __afl_persistent_loop(unsigned count);
void __afl_manual_init(void);
extern int __afl_sharedmem_fuzzing;
int __afl_sharedmem_fuzzing = 1;
static const char *const volatile signatures[] = { "##SIG_AFL_PERSISTENT##", "##SIG_AFL_DEFER_FORKSRV##" };

enum {
    INPUTS = 100000, /* for one process: then another is forked */
    INPUT_MAX = 1 << 20,
};

static int run_stream(FILE *stream, const char *name)
{
    uint8_t *bytes = malloc(INPUT_MAX);
    if (!bytes)
        return 2;
    size_t size = fread(bytes, 1, INPUT_MAX, stream);
    int status = ferror(stream) || !feof(stream) ? 2 : 0;
    if (status != 0)
        fprintf(stderr, "%s: %s\n", name,
                ferror(stream) ? strerror(errno) : "expected at most 1048576 bytes");
    else
        (void)LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    return status;
}

static int run_file(const char *name)
{
    FILE *stream = fopen(name, "rb");
    if (!stream) {
        fprintf(stderr, "%s: %s\n", name, strerror(errno));
        return 2;
    }
    int status = run_stream(stream, name);
    (void)fclose(stream);
    return status;
}

int main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    int status = 0;
    (void)signatures[0];
    for (int i = 1; i < argc; i++)
        status |= run_file(argv[i]);
    if (argc > 1)
        return status;
    __afl_manual_init();
    /* What only the first input meets is met here, so that all inputs find the same. */
    (void)LLVMFuzzerTestOneInput(nothing, sizeof nothing);
    if (!__afl_fuzz_ptr)
        return run_stream(stdin, "standard input");
    while (__afl_persistent_loop(INPUTS))
        (void)LLVMFuzzerTestOneInput(__afl_fuzz_ptr, *__afl_fuzz_len);
    return 0;
}
