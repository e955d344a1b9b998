/*
 * Editing programs in memory. The text form has program_text_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "vm/program.h"
#include "vm/test_program.h"

static const struct px_insn addi_a0 = { .op = PX_OP_ADDI, .len = 4, .rd = 10, .rs1 = 10, .imm = 5 };

/* One of everything. */
static void fill(struct px_program *program)
{
    px_program_clear(program);
    program->origin =
        (struct px_origin){ .known = true, .seed = 1, .index = 2, .gen = "control", .version = 3 };
    program->gas = 1000;
    program->entry_pc = 2;
    program->x[8] = UINT64_MAX;
    assert_int_equal(px_program_append(program, "\x01\x02\x03", 3), PX_OK);
    assert_int_equal(px_program_map(program, PX_DATA_BASE, 4096, PX_MAP_RO, "abc", 3), PX_OK);
    assert_int_equal(px_program_map(program, 0x20000000, 8192, PX_MAP_ZERO, NULL, 0), PX_OK);
    program->has_expect = true;
    program->expect = (struct px_expect){ .has_exit = true,
                                          .has_x = 1 << 4,
                                          .out = { .exit = PX_EXIT_TRAP, .x = { [4] = 9 } },
                                          .oracle = "qemu-7.2" };
}

static void an_initialized_program_is_an_empty_image(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    struct px_image image;
    px_program_image(&program, &image);
    assert_int_equal(px_image_check(&image, NULL), PX_OK);
    assert_int_equal(image.code_size, 0);
    assert_int_equal(image.map_count, 0);
    assert_int_equal(image.gas, 0);
    px_program_fini(&program);
    px_program_fini(&program);
}

static void the_image_has_everything_that_was_put_into_the_program(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    fill(&program);
    struct px_image image;
    px_program_image(&program, &image);
    assert_int_equal(px_image_check(&image, NULL), PX_OK);
    assert_int_equal(image.gas, 1000);
    assert_int_equal(image.entry_pc, 2);
    assert_memory_equal(image.x, program.x, sizeof image.x);
    assert_int_equal(image.code_size, 3);
    assert_memory_equal(image.code, "\x01\x02\x03", 3);
    assert_int_equal(image.map_count, 2);
    assert_int_equal(image.maps[0].start, PX_DATA_BASE);
    assert_int_equal(image.maps[0].size, 4096);
    assert_int_equal(image.maps[0].kind, PX_MAP_RO);
    assert_int_equal(image.maps[0].content_size, 3);
    assert_memory_equal(image.maps[0].content, "abc", 3);
    assert_int_equal(image.maps[1].start, 0x20000000);
    assert_int_equal(image.maps[1].size, 8192);
    assert_int_equal(image.maps[1].kind, PX_MAP_ZERO);
    assert_int_equal(image.maps[1].content_size, 0);
    px_program_fini(&program);
}

static void clearing_leaves_nothing_and_keeps_the_buffers(void **state)
{
    (void)state;
    struct px_program program, empty;
    px_program_init(&program);
    px_program_init(&empty);
    fill(&program);
    const uint8_t *code = program.code, *content = program.content;
    px_program_clear(&program);
    test_expect_same_program(&program, &empty);
    fill(&program);
    assert_ptr_equal(program.code, code);
    assert_ptr_equal(program.content, content);
    px_program_fini(&program);
}

static void a_copy_is_equal_and_independent(void **state)
{
    (void)state;
    struct px_program from, to;
    px_program_init(&from);
    px_program_init(&to);
    fill(&from);
    assert_int_equal(px_program_copy(&to, &from), PX_OK);
    test_expect_same_program(&to, &from);
    assert_int_equal(px_program_copy(&to, &to), PX_OK);
    test_expect_same_program(&to, &from);

    from.code[0] = 77;
    from.content[0] = 'x';
    assert_int_equal(to.code[0], 1);
    assert_int_equal(px_program_mapping(&to, 0).content[0], 'a');
    px_program_fini(&from);
    assert_memory_equal(px_program_mapping(&to, 0).content, "abc", 3);
    px_program_fini(&to);
}

static void copying_an_empty_program_over_a_full_one_empties_it(void **state)
{
    (void)state;
    struct px_program full, empty;
    px_program_init(&full);
    px_program_init(&empty);
    fill(&full);
    assert_int_equal(px_program_copy(&full, &empty), PX_OK);
    test_expect_same_program(&full, &empty);
    px_program_fini(&full);
}

static void emitted_instructions_follow_each_other_in_their_own_lengths(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    struct px_insn compressed = {
        .op = PX_OP_ADDI, .rvc = PX_C_ADDI, .len = 2, .rd = 10, .rs1 = 10, .imm = 1
    };
    assert_int_equal(px_program_emit(&program, &addi_a0), PX_OK);
    assert_int_equal(px_program_emit(&program, &compressed), PX_OK);
    assert_int_equal(px_program_emit(&program, &addi_a0), PX_OK);
    assert_int_equal(program.code_size, 10);
    assert_memory_equal(program.code, "\x13\x05\x55\x00\x05\x05\x13\x05\x55\x00", 10);
    px_program_fini(&program);
}

static void an_operand_that_does_not_fit_is_refused_and_adds_nothing(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    struct px_insn insn = addi_a0;
    insn.imm = 2048;
    assert_int_equal(px_program_emit(&program, &insn), PX_ERR_INPUT);
    insn = (struct px_insn){ .op = PX_OP_ILLEGAL, .len = 4 };
    assert_int_equal(px_program_emit(&program, &insn), PX_ERR_INPUT);
    assert_int_equal(program.code_size, 0);
    px_program_fini(&program);
}

static void a_patch_replaces_one_instruction_of_the_same_length(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    struct px_insn compressed = {
        .op = PX_OP_ADDI, .rvc = PX_C_ADDI, .len = 2, .rd = 10, .rs1 = 10, .imm = 1
    };
    struct px_insn wide = addi_a0, misfit = addi_a0;
    wide.imm = 6;
    misfit.imm = 4096;
    assert_int_equal(px_program_emit(&program, &addi_a0), PX_OK);
    assert_int_equal(px_program_append(&program, "\0\0\x13\x05", 4), PX_OK);

    assert_int_equal(px_program_patch(&program, 0, &wide), PX_OK);
    assert_int_equal(px_program_patch(&program, 4, &compressed), PX_OK);
    assert_int_equal(px_program_patch(&program, 0, &compressed), PX_ERR_INPUT);
    assert_int_equal(px_program_patch(&program, 4, &wide), PX_ERR_INPUT);
    assert_int_equal(px_program_patch(&program, 0, &misfit), PX_ERR_INPUT);
    assert_int_equal(px_program_patch(&program, 6, &wide), PX_ERR_INPUT); /* cut by the end of code */
    assert_int_equal(px_program_patch(&program, 7, &compressed), PX_ERR_INPUT);
    assert_int_equal(px_program_patch(&program, 8, &compressed), PX_ERR_INPUT);
    assert_int_equal(px_program_patch(&program, SIZE_MAX, &compressed), PX_ERR_INPUT);
    assert_int_equal(program.code_size, 8);
    assert_memory_equal(program.code, "\x13\x05\x65\x00\x05\x05\x13\x05", 8);
    px_program_fini(&program);
}

static void code_grows_to_its_cap_and_no_further(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    const uint8_t chunk[5000] = { 1, [4999] = 2 };
    while (program.code_size + sizeof chunk <= PX_CODE_MAX)
        assert_int_equal(px_program_append(&program, chunk, sizeof chunk), PX_OK);
    size_t size = program.code_size, room = PX_CODE_MAX - size;
    assert_int_equal(px_program_append(&program, chunk, sizeof chunk), PX_ERR_INPUT);
    assert_int_equal(px_program_append(&program, chunk, SIZE_MAX), PX_ERR_INPUT);
    assert_int_equal(program.code_size, size);
    assert_int_equal(px_program_append(&program, chunk, room), PX_OK);
    assert_int_equal(px_program_append(&program, NULL, 0), PX_OK);
    assert_int_equal(px_program_append(&program, chunk, 1), PX_ERR_INPUT);
    assert_int_equal(px_program_emit(&program, &addi_a0), PX_ERR_INPUT);
    for (size_t i = 0; i + sizeof chunk <= size; i += sizeof chunk)
        assert_memory_equal(program.code + i, chunk, sizeof chunk);
    px_program_fini(&program);
}

static void the_65th_mapping_is_refused(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    for (unsigned i = 0; i < PX_PROGRAM_MAPS_MAX; i++) {
        const uint8_t content[200] = { (uint8_t)i, [199] = 1 };
        assert_int_equal(
            px_program_map(&program, PX_DATA_BASE + i * 4096, 4096, PX_MAP_COW, content, sizeof content),
            PX_OK);
    }
    assert_int_equal(px_program_map(&program, 0x20000000, 4096, PX_MAP_ZERO, NULL, 0), PX_ERR_INPUT);
    struct px_image image;
    px_program_image(&program, &image);
    assert_int_equal(px_image_check(&image, NULL), PX_OK);
    assert_int_equal(image.map_count, PX_PROGRAM_MAPS_MAX);
    for (unsigned i = 0; i < PX_PROGRAM_MAPS_MAX; i++)
        assert_int_equal(image.maps[i].content[0], i);
    px_program_fini(&program);
}

static void structure_is_left_to_the_image_check(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    assert_int_equal(px_program_map(&program, 5, 0, PX_MAP_ZERO, "a", 1), PX_OK);
    struct px_image image;
    struct px_error err;
    px_program_image(&program, &image);
    assert_int_equal(px_image_check(&image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "mapping 0: start 0x5 is not a multiple of 4096");
    px_program_fini(&program);
}

static void expect_map(const struct px_program *program, size_t index, uint64_t start, const char *content)
{
    struct px_mapping map = px_program_mapping(program, index);
    assert_int_equal(map.start, start);
    assert_int_equal(map.content_size, strlen(content));
    if (map.content_size > 0)
        assert_memory_equal(map.content, content, strlen(content));
}

static void content_grows_shrinks_and_goes_with_its_mapping(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    const char *contents[] = { "first", "", "third", "fourth" };
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(px_program_map(&program, PX_DATA_BASE + i * 4096, 4096, PX_MAP_RO, contents[i],
                                        strlen(contents[i])),
                         PX_OK);
    assert_int_equal(px_program_resize_content(&program, 0, 3), PX_OK);
    assert_int_equal(px_program_resize_content(&program, 2, 5), PX_OK); /* as it was */
    assert_int_equal(px_program_resize_content(&program, 1, 2), PX_OK);
    assert_int_equal(px_program_resize_content(&program, 2, 7), PX_OK);
    assert_memory_equal(px_program_mapping(&program, 1).content, "\0\0", 2);
    assert_memory_equal(px_program_mapping(&program, 2).content, "third\0\0", 7);
    memcpy(program.content + program.maps[1].content, "XY", 2);
    memcpy(program.content + program.maps[2].content + 5, "Z", 1);
    expect_map(&program, 0, PX_DATA_BASE, "fir");
    expect_map(&program, 1, PX_DATA_BASE + 4096, "XY");
    assert_memory_equal(px_program_mapping(&program, 2).content, "thirdZ", 7);
    expect_map(&program, 3, PX_DATA_BASE + 3 * 4096, "fourth");
    assert_int_equal(program.content_size, 3 + 2 + 7 + 6);
    assert_int_equal(px_program_resize_content(&program, 0, SIZE_MAX), PX_ERR_INPUT);

    px_program_unmap(&program, 2);
    assert_int_equal(program.map_count, 3);
    expect_map(&program, 0, PX_DATA_BASE, "fir");
    expect_map(&program, 1, PX_DATA_BASE + 4096, "XY");
    expect_map(&program, 2, PX_DATA_BASE + 3 * 4096, "fourth");
    px_program_unmap(&program, 2);
    px_program_unmap(&program, 0);
    px_program_unmap(&program, 0);
    assert_int_equal(program.map_count, 0);
    assert_int_equal(program.content_size, 0);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_initialized_program_is_an_empty_image),
        cmocka_unit_test(the_image_has_everything_that_was_put_into_the_program),
        cmocka_unit_test(clearing_leaves_nothing_and_keeps_the_buffers),
        cmocka_unit_test(a_copy_is_equal_and_independent),
        cmocka_unit_test(copying_an_empty_program_over_a_full_one_empties_it),
        cmocka_unit_test(emitted_instructions_follow_each_other_in_their_own_lengths),
        cmocka_unit_test(an_operand_that_does_not_fit_is_refused_and_adds_nothing),
        cmocka_unit_test(a_patch_replaces_one_instruction_of_the_same_length),
        cmocka_unit_test(code_grows_to_its_cap_and_no_further),
        cmocka_unit_test(the_65th_mapping_is_refused),
        cmocka_unit_test(structure_is_left_to_the_image_check),
        cmocka_unit_test(content_grows_shrinks_and_goes_with_its_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
