/*
 * The structural rules of ISA.md 2, one by one, and overlaps against a page map.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "vm/image.h"
#include "vm/test_insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define PAGE UINT64_C(4096)

static const uint8_t content[2 * PAGE];

static void expect_message(const struct px_image *image, const char *message)
{
    struct px_error err = { "" };
    assert_int_equal(px_image_check(image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, message);
    assert_int_equal(px_image_check(image, NULL), PX_ERR_INPUT);
}

static void expect_ok(const struct px_image *image)
{
    struct px_error err = { "untouched" };
    if (px_image_check(image, &err) != PX_OK)
        fail_msg("%s", err.text);
    assert_string_equal(err.text, "untouched");
}

static void every_broken_mapping_is_refused_by_field_and_index(void **state)
{
    (void)state;
    const uint64_t base = PX_DATA_BASE;
    const struct {
        struct px_mapping map;
        enum px_map_field field;
        const char *message;
    } rows[] = {
        { { base + 0x800, PAGE, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_START,
          "mapping 2: start 0x10000800 is not a multiple of 4096" },
        { { base - PAGE, PAGE, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_START,
          "mapping 2: start 0xffff000 is below the data base 0x10000000" },
        { { 0, PAGE, PX_MAP_RO, NULL, 0 },
          PX_MAP_FIELD_START,
          "mapping 2: start 0x0 is below the data base 0x10000000" },
        { { PX_SPACE_SIZE, PAGE, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_START,
          "mapping 2: start 0x100000000 is not below 2^32" },
        { { UINT64_MAX - PAGE + 1, PAGE, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_START,
          "mapping 2: start 0xfffffffffffff000 is not below 2^32" },
        { { base, 0, PX_MAP_ZERO, NULL, 0 }, PX_MAP_FIELD_SIZE, "mapping 2: size is 0" },
        { { base, PAGE + 1, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_SIZE,
          "mapping 2: size 0x1001 is not a multiple of 4096" },
        { { 0xfffff000, 2 * PAGE, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_SIZE,
          "mapping 2: size 0x2000 from start 0xfffff000 runs past 2^32" },
        { { base, UINT64_MAX - PAGE + 1, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_SIZE,
          "mapping 2: size 0xfffffffffffff000 from start 0x10000000 runs past 2^32" },
        { { base, PAGE, PX_MAP_KIND_COUNT, NULL, 0 }, PX_MAP_FIELD_KIND, "mapping 2: kind 3 is unknown" },
        { { base, PAGE, PX_MAP_ZERO, content, 1 },
          PX_MAP_FIELD_CONTENT,
          "mapping 2: content of 1 bytes on a zero mapping" },
        { { base, PAGE, PX_MAP_RO, content, PAGE + 1 },
          PX_MAP_FIELD_CONTENT,
          "mapping 2: content of 4097 bytes is longer than size 0x1000" },
        { { base, PAGE, PX_MAP_COW, NULL, 5 },
          PX_MAP_FIELD_CONTENT,
          "mapping 2: content of 5 bytes is NULL" },
        { { 0x30000000, PAGE, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_NONE,
          "mapping 2: start 0x30000000 and size 0x1000 overlap mapping 1" },
        { { base, PX_SPACE_SIZE - base, PX_MAP_ZERO, NULL, 0 },
          PX_MAP_FIELD_NONE,
          "mapping 2: start 0x10000000 and size 0xf0000000 overlap mapping 0" },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct px_mapping maps[] = {
            { .start = 0x20000000, .size = PAGE, .kind = PX_MAP_ZERO },
            { .start = 0x30000000, .size = PAGE, .kind = PX_MAP_COW, .content = content, .content_size = 3 },
            rows[i].map,
        };
        struct px_image image = { .maps = maps, .map_count = COUNT(maps) };
        expect_message(&image, rows[i].message);
        assert_int_equal(px_mapping_bad_field(&rows[i].map), rows[i].field);
    }
}

static void code_over_the_cap_and_missing_bytes_are_refused(void **state)
{
    (void)state;
    expect_message(&(struct px_image){ .code = content, .code_size = PX_CODE_MAX + 1 },
                   "code: size 16777217 is over 16777216");
    expect_message(&(struct px_image){ .code_size = 4 }, "code: 4 bytes are NULL");
    expect_message(&(struct px_image){ .map_count = 1 }, "maps: 1 mappings are NULL");
}

static void everything_that_isa_md_allows_passes(void **state)
{
    (void)state;
    struct px_mapping maps[] = {
        /* An exact end at 2^32, short and absent contents, neighbours on both sides, any order. */
        { 0xfffff000, PAGE, PX_MAP_ZERO, NULL, 0 },
        { 0x10001000, 2 * PAGE, PX_MAP_RO, content, 1 },
        { 0x10000000, PAGE, PX_MAP_COW, content, PAGE },
        { 0x10003000, PAGE, PX_MAP_COW, NULL, 0 },
    };
    expect_ok(&(struct px_image){ .code_size = 0 });
    expect_ok(&(struct px_image){ .maps = maps, .map_count = COUNT(maps) });
    expect_ok(&(struct px_image){ .code = content, .code_size = 5, .entry_pc = UINT32_MAX });
    expect_ok(&(struct px_image){ .code = content, .code_size = PX_CODE_MAX });
    maps[0] = (struct px_mapping){ PX_DATA_BASE, PX_SPACE_SIZE - PX_DATA_BASE, PX_MAP_ZERO, NULL, 0 };
    expect_ok(&(struct px_image){ .maps = maps, .map_count = 1 });
}

/* Claims the pages of @map in @pages; false when one was claimed already. */
static bool claim(uint8_t *pages, const struct px_mapping *map)
{
    bool unclaimed = true;
    for (uint64_t page = 0; page < map->size / PAGE; page++) {
        uint8_t *slot = &pages[(map->start - PX_DATA_BASE) / PAGE + page];
        unclaimed = unclaimed && *slot == 0;
        *slot = 1;
    }
    return unclaimed;
}

static void overlaps_are_found_in_any_order_and_number(void **state)
{
    (void)state;
    enum { SPAN = 4096, MOST = 200 };
    uint64_t seed = 1;
    uint8_t pages[SPAN + 8];
    unsigned refused = 0;
    for (unsigned round = 0; round < 20000; round++) {
        struct px_mapping maps[MOST];
        size_t count = 1 + test_random(&seed) % (round % 2 ? 8 : MOST);
        uint64_t span = count < 9 ? 64 : SPAN;
        bool sound = true;
        memset(pages, 0, sizeof pages);
        for (size_t i = 0; i < count; i++) {
            maps[i] = (struct px_mapping){ .start = PX_DATA_BASE + test_random(&seed) % span * PAGE,
                                           .size = (1 + test_random(&seed) % (count < 9 ? 8 : 2)) * PAGE,
                                           .kind = PX_MAP_ZERO };
            sound = claim(pages, &maps[i]) && sound;
        }
        struct px_image image = { .maps = maps, .map_count = count };
        assert_int_equal(px_image_check(&image, NULL), sound ? PX_OK : PX_ERR_INPUT);
        refused += !sound;
    }
    assert_in_range(refused, 5000, 19000);
}

static void many_mappings_in_descending_order_pass_and_name_the_pair_that_overlaps(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    struct px_mapping maps[MANY];
    for (size_t i = 0; i < MANY; i++)
        maps[i] = (struct px_mapping){ PX_DATA_BASE + (MANY - i) * 2 * PAGE, 2 * PAGE, PX_MAP_ZERO, NULL, 0 };
    struct px_image image = { .maps = maps, .map_count = MANY };
    expect_ok(&image);
    maps[700].size = 3 * PAGE;
    expect_message(&image, "mapping 700: start 0x10258000 and size 0x3000 overlap mapping 699");
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(px_map_kind_name(PX_MAP_ZERO), "zero");
    assert_string_equal(px_map_kind_name(PX_MAP_RO), "ro");
    assert_string_equal(px_map_kind_name(PX_MAP_COW), "cow");
    assert_string_equal(px_map_kind_name(PX_MAP_KIND_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_broken_mapping_is_refused_by_field_and_index),
        cmocka_unit_test(code_over_the_cap_and_missing_bytes_are_refused),
        cmocka_unit_test(everything_that_isa_md_allows_passes),
        cmocka_unit_test(overlaps_are_found_in_any_order_and_number),
        cmocka_unit_test(many_mappings_in_descending_order_pass_and_name_the_pair_that_overlaps),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
