/*
 * Pages that the recompiler's memory puts together from content and zeros (ISA.md 2), and that it forgets them with the image:
 * what a program covers is to depend on that program alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "jit/memory.h"

#define PAGE UINT64_C(4096)

/* The longer content first; also as the next image finds them. */
static void pages_put_together_are_whole_and_do_not_outlive_their_image(void **state)
{
    static const uint8_t content[] = "abcdefgh";
    static const struct px_mapping parts[] = { { PX_DATA_BASE, PAGE, PX_MAP_RO, content, 8 },
                                               { PX_DATA_BASE + 2 * PAGE, PAGE, PX_MAP_RO, content, 3 } };
    static const struct px_image image = { .maps = parts, .map_count = 2 };
    static struct jit_memory memory;
    struct px_error err = { "" };
    (void)state;
    assert_int_equal(jit_memory_init(&memory, false, &err), PX_OK);
    for (int round = 0; round < 3; round++) {
        uint8_t expected[PX_PAGE_SIZE] = "abcdefgh";
        jit_memory_reset(&memory, &image);
        assert_int_equal(memory.mixed_size, 0);
        assert_memory_equal(jit_memory_page(&memory, PX_DATA_BASE / PAGE), expected, PX_PAGE_SIZE);
        memset(expected + 3, 0, 5);
        assert_memory_equal(jit_memory_page(&memory, PX_DATA_BASE / PAGE + 2), expected, PX_PAGE_SIZE);
    }
    jit_memory_fini(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_put_together_are_whole_and_do_not_outlive_their_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
