/* Programs of every generator through both forms that programs are kept in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "generators/generator.h"
#include "generators/listing.h"
#include "vm/test_program.h"

static uint8_t *pack(const struct px_program *program, size_t *size)
{
    size_t room = px_program_pack_bound(program);
    uint8_t *bytes = malloc(room);
    assert_non_null(bytes);
    assert_int_equal(px_program_pack(program, bytes, room, size), PX_OK);
    return bytes;
}

static void make(const struct px_gen *gen, uint64_t index, struct px_program *program)
{
    uint64_t count = px_gen_count(gen);
    assert_int_equal(px_gen_make(gen, 1, count == UINT64_MAX ? index : index * 7919 % count, program), PX_OK);
}

static void programs_of_every_generator_come_back_to_the_byte(void **state)
{
    (void)state;
    struct px_program program, read;
    px_program_init(&program);
    px_program_init(&read);
    for (size_t g = 0; px_generators[g]; g++) {
        struct px_gen gen;
        struct px_error err = { "" };
        assert_int_equal(px_gen_parse(px_generators[g]->name, &gen, &err), PX_OK);
        for (uint64_t i = 0; i < 500; i++) {
            size_t size, text_size, again_size;
            make(&gen, i, &program);
            uint8_t *bytes = pack(&program, &size);
            assert_int_equal(px_program_read(&read, "read", bytes, size, &err), PX_OK);
            test_expect_same_program(&read, &program);
            free(bytes);
            char *text = test_program_text(&program, &text_size);
            assert_int_equal(px_program_read(&read, "read", text, text_size, &err), PX_OK);
            bytes = pack(&read, &size);
            assert_int_equal(px_program_read(&read, "read", bytes, size, &err), PX_OK);
            char *again = test_program_text(&read, &again_size);
            assert_int_equal(again_size, text_size);
            assert_memory_equal(again, text, text_size);
            free(again);
            free(bytes);
            free(text);
        }
    }
    px_program_fini(&read);
    px_program_fini(&program);
}

static size_t instructions_in(const struct px_program *program)
{
    struct listing listing = { 0 };
    assert_int_equal(listing_read(&listing, program), PX_OK);
    size_t count = listing.count;
    listing_fini(&listing);
    return count;
}

/* Of about 64 instructions, whose code alone has 246 bytes in the mean. */
static void programs_are_small(void **state)
{
    (void)state;
    struct px_program program;
    struct px_gen gen;
    struct px_error err = { "" };
    size_t all = 0, count = 0, largest = 0;
    px_program_init(&program);
    assert_int_equal(px_gen_parse("mix", &gen, &err), PX_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        size_t size;
        make(&gen, i, &program);
        size_t instructions = instructions_in(&program);
        if (instructions < 60 || instructions > 68)
            continue;
        program.origin.known = false;
        free(pack(&program, &size));
        all += size;
        largest = size > largest ? size : largest;
        count++;
    }
    print_message("%zu %zu %zu\n", count, all / count, largest);
    assert_in_range(count, 100, 20000);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_of_every_generator_come_back_to_the_byte),
        cmocka_unit_test(programs_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
