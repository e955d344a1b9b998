#include "jit/codebuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <seccomp.h>
#include <sys/syscall.h>

enum { CAPACITY = 32 << 20 };

static struct codebuf make(void)
{
    struct codebuf buf;
    struct px_error err;
    assert_int_equal(codebuf_init(&buf, CAPACITY, &err), PX_OK);
    return buf;
}

static void both_views_show_the_same_bytes_at_different_addresses(void **state)
{
    (void)state;
    struct codebuf buf = make();
    assert_ptr_not_equal(buf.write, buf.exec);
    memcpy(buf.write + 12345, "parallax", 8);
    assert_memory_equal(buf.exec + 12345, "parallax", 8);
    codebuf_fini(&buf);
}

/* The line of /proc/self/maps about the mapping that holds @address. */
static void name_of(const void *address, char line[512])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    bool found = false;
    if (!maps)
        fail_msg("no /proc/self/maps");
    while (maps && !found && fgets(line, 512, maps)) {
        char *at = line;
        unsigned long start = strtoul(at, &at, 16);
        unsigned long end = strtoul(at + 1, &at, 16);
        found = start <= (unsigned long)address && (unsigned long)address < end;
    }
    if (maps)
        (void)fclose(maps);
    assert_true(found);
}

/* The protection of that mapping: "rw-s". */
static void protection_of(const void *address, char protection[5])
{
    char line[512];
    name_of(address, line);
    memcpy(protection, strchr(line, ' ') + 1, 4);
    protection[4] = '\0';
}

static void no_view_is_writable_and_executable(void **state)
{
    (void)state;
    struct codebuf buf = make();
    char protection[5];
    protection_of(buf.write, protection);
    assert_string_equal(protection, "rw-s");
    protection_of(buf.exec, protection);
    assert_string_equal(protection, "r-xs");
    codebuf_fini(&buf);
}

static void written_code_runs_without_a_system_call_in_between(void **state)
{
    (void)state;
    struct codebuf buf = make();
    for (unsigned char n = 0; n < 100; n++) {
        const unsigned char code[] = { 0xb8, n, 0, 0, 0, 0xc3 }; /* mov eax, n; ret */
        memcpy(buf.write, code, sizeof code);
        union {
            const uint8_t *bytes;
            int (*call)(void);
        } entry = { .bytes = buf.exec };
        assert_int_equal(entry.call(), n);
    }
    codebuf_fini(&buf);
}

static void recycling_keeps_what_is_fixed_and_nothing_else(void **state)
{
    (void)state;
    struct codebuf buf = make();
    memcpy(buf.write, "stub", 4);
    codebuf_publish(&buf, 4);
    assert_int_equal(buf.used, 64); /* units start on cache lines */
    codebuf_fix(&buf);
    codebuf_publish(&buf, 65);
    assert_int_equal(buf.used, 192);
    codebuf_recycle(&buf);
    assert_int_equal(buf.used, 64);
    assert_memory_equal(buf.exec, "stub", 4);
    codebuf_fini(&buf);
}

static void behind_what_is_published_a_cleared_buffer_traps(void **state)
{
    (void)state;
    struct codebuf buf = make();
    uint8_t traps[128];
    memset(traps, 0xcc, sizeof traps);
    assert_memory_equal(buf.exec, traps, sizeof traps); /* as a new one does */
    memcpy(buf.write, "stub", 4);
    codebuf_publish(&buf, 4);
    memset(buf.write + 64, 0x90, 128);
    codebuf_clear(&buf);
    assert_memory_equal(buf.exec, "stub", 4);
    assert_memory_equal(buf.exec + 64, traps, sizeof traps);
    codebuf_fini(&buf);
}

static void recycling_gives_large_memory_back(void **state)
{
    (void)state;
    struct codebuf buf = make();
    memset(buf.write, 0xcc, CAPACITY);
    codebuf_publish(&buf, CAPACITY);
    codebuf_recycle(&buf);
    assert_int_equal(buf.exec[0], 0xcc);            /* kept for the next units */
    assert_int_equal(buf.exec[CAPACITY - 1], 0x00); /* a hole reads as zeros */
    codebuf_fini(&buf);
}

static void an_impossible_size_is_a_system_error_that_says_so(void **state)
{
    (void)state;
    struct codebuf buf;
    struct px_error err;
    assert_int_equal(codebuf_init(&buf, (size_t)1 << 60, &err), PX_ERR_SYSTEM);
    assert_non_null(strstr(err.text, "MiB of code memory twice (RW and RX): "));
}

/* For good. */
static int refuse_mremap(void **state)
{
    (void)state;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), SYS_mremap, 0);
    failed = failed ? failed : seccomp_load(filter);
    seccomp_release(filter);
    return failed;
}

static void code_memory_is_nameless(void **state)
{
    (void)state;
    char name[512];
    struct codebuf buf = make();
    name_of(buf.exec, name);
    assert_non_null(
        strstr(name, "/dev/zero")); /* so the kernel calls it, and perf treats it as it treats a heap */
    codebuf_fini(&buf);
}

static void code_memory_is_a_file_where_it_must(void **state)
{
    (void)state;
    char name[512];
    struct codebuf buf = make();
    name_of(buf.exec, name);
    assert_non_null(strstr(name, "memfd:parallax-code"));
    codebuf_fini(&buf);
}

#define CASES                                                                                                \
    cmocka_unit_test(both_views_show_the_same_bytes_at_different_addresses),                                 \
        cmocka_unit_test(no_view_is_writable_and_executable),                                                \
        cmocka_unit_test(written_code_runs_without_a_system_call_in_between),                                \
        cmocka_unit_test(recycling_keeps_what_is_fixed_and_nothing_else),                                    \
        cmocka_unit_test(behind_what_is_published_a_cleared_buffer_traps),                                   \
        cmocka_unit_test(recycling_gives_large_memory_back),                                                 \
        cmocka_unit_test(an_impossible_size_is_a_system_error_that_says_so)

int main(void)
{
    const struct CMUnitTest nameless[] = { cmocka_unit_test(code_memory_is_nameless), CASES };
    const struct CMUnitTest in_a_file[] = { cmocka_unit_test(code_memory_is_a_file_where_it_must), CASES };
    return cmocka_run_group_tests(nameless, NULL, NULL) +
           cmocka_run_group_tests(in_a_file, refuse_mremap, NULL);
}
