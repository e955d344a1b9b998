#define _GNU_SOURCE
#include "harness/tests/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/tests/give_up.h"

void capture_begin(struct capture *capture, FILE *stream)
{
    assert_int_equal(fflush(stream), 0);
    capture->stream = stream;
    capture->file = memfd_create("capture", MFD_CLOEXEC);
    if (capture->file < 0)
        give_up("memfd_create");
    capture->saved = dup(fileno(stream));
    if (capture->saved < 0 || dup2(capture->file, fileno(stream)) < 0)
        give_up("dup");
}

char *capture_end(struct capture *capture)
{
    int flushed = fflush(capture->stream);
    if (dup2(capture->saved, fileno(capture->stream)) < 0)
        give_up("dup2");
    assert_int_equal(flushed, 0);
    assert_int_equal(close(capture->saved), 0);
    off_t size = lseek(capture->file, 0, SEEK_END);
    if (size < 0)
        give_up("lseek");
    char *text = malloc((size_t)size + 1);
    if (!text)
        give_up("malloc");
    assert_int_equal(pread(capture->file, text, (size_t)size, 0), size);
    text[size] = '\0';
    assert_int_equal(close(capture->file), 0);
    return text;
}
