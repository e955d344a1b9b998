/* What a piece of the program says on stdout or stderr, caught for a test. */
#ifndef PX_TEST_CAPTURE_H
#define PX_TEST_CAPTURE_H

#include <stdio.h>

struct capture {
    FILE *stream;
    int saved, file;
};

/* Leads @stream (stdout or stderr) into a nameless file. Fails the test when it cannot. */
void capture_begin(struct capture *capture, FILE *stream);

/* Leads it back and gives what was written; the caller frees it. */
char *capture_end(struct capture *capture);

#endif
