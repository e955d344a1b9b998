/*
 * What the reference's memory remembers of the access before (ISA.md 7: a page touched in the same way charges nothing), and
 * that it forgets all of it with the image: what a program covers is to depend on that program alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "vm/memory.h"

#define PAGE UINT64_C(4096)

static const struct px_mapping maps[] = { { PX_DATA_BASE, 4 * PAGE, PX_MAP_ZERO, NULL, 0 } };
static const struct px_image image = { .maps = maps, .map_count = 1 };

static void touch(struct px_memory *memory, uint64_t address, bool store, uint64_t expected_charge)
{
    uint64_t charge = 0;
    uint32_t fault = 0;
    assert_true(px_memory_access(memory, address, 8, store, &charge, &fault));
    assert_int_equal(charge, expected_charge);
}

/* Which of these accesses of the only pages need no more than a look at the page before: one bit each. */
static unsigned remembered(const struct px_memory *memory)
{
    static const struct {
        uint64_t offset;
        bool store;
    } rows[] = { { 0, false },   { PAGE - 8, false }, { PAGE - 7, false }, { PAGE, false },    { 0, true },
                 { PAGE, true }, { 2 * PAGE, true },  { 2 * PAGE, false }, { 3 * PAGE, false } };
    unsigned set = 0;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        set |= (unsigned)(px_memory_again(memory, PX_DATA_BASE + rows[i].offset, 8, rows[i].store) != NULL)
               << i;
    return set;
}

/* Loads and stores over three pages; after each, what is remembered. */
static void go_through(struct px_memory *memory)
{
    assert_int_equal(remembered(memory), 0);
    touch(memory, PX_DATA_BASE, false, px_memory_price(memory, PX_DATA_BASE / PAGE, 1, false));
    assert_int_equal(remembered(memory),
                     0x03); /* the page's loads, up to its last byte; no store, which costs */
    touch(memory, PX_DATA_BASE, true, px_memory_price(memory, PX_DATA_BASE / PAGE, 1, true));
    assert_int_equal(remembered(memory), 0x13);
    touch(memory, PX_DATA_BASE + PAGE, false, px_memory_price(memory, PX_DATA_BASE / PAGE + 1, 1, false));
    touch(memory, PX_DATA_BASE + 2 * PAGE, true, px_memory_price(memory, PX_DATA_BASE / PAGE + 2, 1, true));
    touch(memory, PX_DATA_BASE + 2 * PAGE, true, 0);
    assert_int_equal(remembered(memory), 0x40);
    touch(memory, PX_DATA_BASE + PAGE, false, 0);
    assert_int_equal(remembered(memory), 0x08);
}

static void every_image_finds_memory_that_remembers_nothing(void **state)
{
    struct px_memory memory;
    (void)state;
    assert_int_equal(px_memory_init(&memory), PX_OK);
    for (int round = 0; round < 3; round++) {
        px_memory_reset(&memory, &image);
        go_through(&memory);
    }
    px_memory_fini(&memory);
}

static void who_watches_sees_every_access(void **state)
{
    uint8_t watch[PX_TOUCHES] = { 0 };
    struct px_memory memory;
    (void)state;
    assert_int_equal(px_memory_init(&memory), PX_OK);
    px_memory_reset(&memory, &image);
    memory.watch = watch;
    touch(&memory, PX_DATA_BASE, false, px_memory_price(&memory, PX_DATA_BASE / PAGE, 1, false));
    assert_int_equal(remembered(&memory), 0);
    px_memory_fini(&memory);
}

/* Pages whose content ends inside them, the longer one first; also as the next image finds them. */
static void pages_put_together_are_whole_and_do_not_outlive_their_image(void **state)
{
    static const uint8_t content[] = "abcdefgh";
    static const struct px_mapping parts[] = { { PX_DATA_BASE, PAGE, PX_MAP_RO, content, 8 },
                                               { PX_DATA_BASE + 2 * PAGE, PAGE, PX_MAP_RO, content, 3 } };
    static const struct px_image half = { .maps = parts, .map_count = 2 };
    struct px_memory memory;
    (void)state;
    assert_int_equal(px_memory_init(&memory), PX_OK);
    for (int round = 0; round < 3; round++) {
        uint8_t expected[PX_PAGE_SIZE] = "abcdefgh";
        px_memory_reset(&memory, &half);
        assert_int_equal(memory.lent_size, 0);
        assert_memory_equal(px_memory_page(&memory, PX_DATA_BASE / PAGE), expected, PX_PAGE_SIZE);
        memset(expected + 3, 0, 5);
        assert_memory_equal(px_memory_page(&memory, PX_DATA_BASE / PAGE + 2), expected, PX_PAGE_SIZE);
    }
    px_memory_fini(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_image_finds_memory_that_remembers_nothing),
        cmocka_unit_test(who_watches_sees_every_access),
        cmocka_unit_test(pages_put_together_are_whole_and_do_not_outlive_their_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
