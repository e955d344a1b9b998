/* Bodies become images: the halt, the signature epilogue, pinned regions, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "vm/body.h"
#include "vm/engine.h"
#include "vm/isa.h"

#define SIGNATURE_PAGE UINT32_C(0x7ffff000)

/* What a run of the reference engine leaves. */
struct ran {
    struct px_outcome out; /* dirty is NULL */
    uint32_t dirty[8];     /* page numbers */
    uint8_t page[PX_PAGE_SIZE]; /* the last dirty page */
};

static void run(const struct px_image *image, struct ran *ran)
{
    struct px_error err = { "" };
    struct px_engine *engine;
    struct px_unit *unit;
    struct px_entry entry = { .pc = image->entry_pc, .gas = image->gas };
    const uint8_t *bytes;
    memcpy(entry.x, image->x, sizeof entry.x);
    if (px_image_check(image, &err) != PX_OK)
        fail_msg("%s", err.text);
    assert_int_equal(px_interp_engine.create("", &engine, &err), PX_OK);
    assert_int_equal(px_interp_engine.prepare(engine, image, 0, &unit, &err), PX_OK);
    assert_int_equal(px_interp_engine.run(engine, unit, &entry, &ran->out, &err), PX_OK);
    assert_in_range(ran->out.dirty_count, 0, 8);
    for (size_t i = 0; i < ran->out.dirty_count; i++) {
        ran->dirty[i] = ran->out.dirty[i];
        assert_int_equal(px_interp_engine.read_page(engine, ran->dirty[i], ran->page, &bytes), PX_OK);
        memmove(ran->page, bytes, PX_PAGE_SIZE);
    }
    ran->out.dirty = NULL;
    px_interp_engine.destroy(engine);
}

static void emit(struct px_program *program, enum px_op op, unsigned rd, unsigned rs1, unsigned rs2,
                 int32_t imm)
{
    struct px_insn insn = {
        .op = (uint8_t)op, .len = 4, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm
    };
    assert_int_equal(px_program_emit(program, &insn), PX_OK);
}

static void half(struct px_program *program, uint16_t word)
{
    assert_int_equal(px_program_append(program, &word, sizeof word), PX_OK);
}

/* An empty program whose registers hold 0x0101... times their number. */
static void start(struct px_program *program)
{
    px_program_init(program);
    program->gas = 1000000;
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        assert_int_equal(px_seed_reg(program, x, UINT64_C(0x0101010101010101) * x, NULL), PX_OK);
}

static void make(const struct px_program *program, unsigned flags, struct px_image *image)
{
    struct px_error err = { "" };
    if (px_image_for(program, flags, image, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static void expect_signature(const struct ran *ran, const uint64_t *x)
{
    uint8_t expected[PX_PAGE_SIZE] = { 0 };
    for (size_t i = 1; i < PX_REG_COUNT; i++)
        if (i != 3 && i != 4)
            memcpy(expected + 8 * i, &x[i], 8);
    assert_int_equal(ran->dirty[ran->out.dirty_count - 1], SIGNATURE_PAGE >> PX_PAGE_BITS);
    assert_memory_equal(ran->page, expected, sizeof expected);
}

static void registers_are_seeded_from_1_to_15(void **state)
{
    (void)state;
    struct px_program program;
    struct px_error err = { "" };
    px_program_init(&program);
    assert_int_equal(px_seed_reg(&program, 15, 7, &err), PX_OK);
    assert_int_equal(program.x[15], 7);
    assert_int_equal(px_seed_reg(&program, 16, 7, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "register 16: expected 1 to 15");
    assert_int_equal(px_seed_reg(&program, 0, 0, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "register 0: expected 1 to 15");
    px_program_fini(&program);
}

static void a_body_gets_its_halt_and_stays_as_it_was(void **state)
{
    (void)state;
    struct px_program program;
    struct px_image image;
    struct ran ran;
    start(&program);
    emit(&program, PX_OP_ADD, 10, 8, 9, 0);
    make(&program, 0, &image);
    assert_int_equal(program.code_size, 4);
    assert_int_equal(image.code_size, 8);
    assert_int_equal(image.entry_pc, 0);
    run(&image, &ran);
    assert_int_equal(ran.out.exit, PX_EXIT_HOSTCALL);
    assert_int_equal(ran.out.arg, 0);
    assert_int_equal(ran.out.x[10], UINT64_C(0x1111111111111111));
    assert_int_equal(ran.out.dirty_count, 0);
    px_image_release(&image);
    px_program_fini(&program);
}

static void an_image_owns_what_the_program_lent(void **state)
{
    (void)state;
    static const uint8_t content[] = { 1, 2, 3 };
    struct px_program program;
    struct px_image image;
    start(&program);
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, PX_PAGE_SIZE, PX_MAP_COW, content, 3), PX_OK);
    emit(&program, PX_OP_ADD, 10, 8, 9, 0);
    make(&program, PX_IMAGE_SIGN, &image);
    px_program_fini(&program);
    assert_int_equal(image.map_count, 2);
    assert_int_equal(image.maps[0].kind, PX_MAP_COW);
    assert_memory_equal(image.maps[0].content, content, 3);
    px_image_release(&image);
    assert_null(image.code);
    assert_int_equal(image.map_count, 0);
    px_image_release(&image);
}

static void the_signature_holds_every_register_but_x3_and_x4(void **state)
{
    (void)state;
    struct px_program program;
    struct px_image image;
    struct ran ran;
    start(&program);
    emit(&program, PX_OP_XOR, 10, 8, 9, 0);
    make(&program, PX_IMAGE_SIGN, &image);
    run(&image, &ran);
    assert_int_equal(ran.out.exit, PX_EXIT_HOSTCALL);
    assert_int_equal(ran.out.dirty_count, 1);
    assert_int_equal(ran.out.x[3], SIGNATURE_PAGE);
    assert_int_equal(ran.out.x[4], UINT64_C(0x0404040404040404));
    assert_int_equal(ran.out.x[10], UINT64_C(0x0101010101010101));
    expect_signature(&ran, ran.out.x);
    for (unsigned x = 0; x < 20; x++) {
        bool stored = x > 0 && x != 3 && x != 4 && x < PX_REG_COUNT;
        assert_int_equal(px_signature_offset(x), stored ? (int)(8 * x) : -1);
    }
    px_image_release(&image);
    px_program_fini(&program);
}

/* All ways to jump to the end of the body: the epilogue is entered through a block start of its own. */
static void jumps_to_the_end_of_a_body_reach_its_signature(void **state)
{
    (void)state;
    enum { WAYS = 4 };
    for (unsigned way = 0; way < WAYS; way++) {
        struct px_program program;
        struct px_image image;
        struct ran ran;
        start(&program);
        program.x[9] = 0;
        if (way == 0)
            emit(&program, PX_OP_BEQ, 0, 9, 0, 8);
        else if (way == 1)
            emit(&program, PX_OP_JAL, 1, 0, 0, 8);
        else if (way == 2)
            half(&program, 0xa019); /* c.j 6 */
        else
            half(&program, 0xc099); /* c.beqz x9, 6 */
        emit(&program, PX_OP_ADDI, 10, 0, 0, 1); /* jumped over */
        make(&program, PX_IMAGE_SIGN, &image);
        run(&image, &ran);
        assert_int_equal(ran.out.exit, PX_EXIT_HOSTCALL);
        assert_int_equal(ran.out.x[10], UINT64_C(0x0a0a0a0a0a0a0a0a));
        assert_int_equal(ran.out.x[1], way == 1 ? PX_CODE_BASE + 4 : UINT64_C(0x0101010101010101));
        expect_signature(&ran, ran.out.x);
        px_image_release(&image);
        px_program_fini(&program);
    }
}

static void a_branch_that_cannot_reach_further_is_refused(void **state)
{
    (void)state;
    struct px_program program;
    struct px_image image;
    struct px_error err = { "" };
    start(&program);
    half(&program, 0xccfd); /* c.beqz x9, 254 */
    while (program.code_size < 254)
        half(&program, 0x0001); /* c.nop */
    make(&program, 0, &image);
    px_image_release(&image);
    assert_int_equal(px_image_for(&program, PX_IMAGE_SIGN, &image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text,
                        "code: the branch at 0x0 cannot go 4 bytes further than to the end of the body");
    px_program_fini(&program);
}

static void a_body_that_faults_leaves_no_signature(void **state)
{
    (void)state;
    struct px_program program;
    struct px_image image;
    struct ran ran;
    start(&program);
    emit(&program, PX_OP_LW, 10, 0, 0, 0);
    make(&program, PX_IMAGE_SIGN, &image);
    run(&image, &ran);
    assert_int_equal(ran.out.exit, PX_EXIT_PAGE_FAULT);
    assert_int_equal(ran.out.pc, 0);
    assert_int_equal(ran.out.dirty_count, 0);
    px_image_release(&image);
    px_program_fini(&program);
}

static void the_signature_takes_the_highest_free_page(void **state)
{
    (void)state;
    struct px_program program;
    struct px_image image;
    struct px_error err = { "" };
    start(&program);
    assert_int_equal(px_program_map(&program, SIGNATURE_PAGE - 0x2000, 0x1000, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_program_map(&program, SIGNATURE_PAGE, 0x2000, PX_MAP_ZERO, NULL, 0), PX_OK);
    make(&program, PX_IMAGE_SIGN, &image);
    assert_int_equal(image.map_count, 3);
    assert_int_equal(image.maps[2].start, SIGNATURE_PAGE - 0x1000);
    assert_int_equal(image.maps[2].size, PX_PAGE_SIZE);
    px_image_release(&image);
    px_program_clear(&program);
    assert_int_equal(
        px_program_map(&program, PX_DATA_BASE, PX_SPACE_SIZE - PX_DATA_BASE, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_image_for(&program, PX_IMAGE_SIGN, &image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "maps: no page below 2^31 is free for the signature");
    px_program_fini(&program);
}

static void signing_keeps_one_halt_at_the_end(void **state)
{
    (void)state;
    struct px_program program;
    struct px_image plain, one, two;
    struct ran ran;
    start(&program);
    emit(&program, PX_OP_JAL, 0, 0, 0, 8);
    emit(&program, PX_OP_ADDI, 10, 0, 0, 1);
    make(&program, 0, &plain);
    make(&program, PX_IMAGE_SIGN, &one);
    assert_int_equal(px_image_sign(&plain, &two, NULL), PX_OK);
    assert_int_equal(one.code_size, two.code_size);
    assert_memory_equal(one.code, two.code, one.code_size);
    assert_int_equal(two.maps[0].start, SIGNATURE_PAGE);
    run(&two, &ran);
    expect_signature(&ran, ran.out.x);
    px_image_release(&two);
    /* Without a halt of its own it gets one. */
    plain.code_size -= 4;
    assert_int_equal(px_image_sign(&plain, &two, NULL), PX_OK);
    assert_int_equal(one.code_size, two.code_size);
    assert_memory_equal(one.code, two.code, one.code_size);
    px_image_release(&two);
    px_image_release(&one);
    px_image_release(&plain);
    px_program_fini(&program);
}

static void bodies_that_cannot_be_are_refused(void **state)
{
    (void)state;
    struct px_program program;
    struct px_image image;
    struct px_error err = { "" };
    start(&program);
    assert_int_equal(px_image_for(&program, 2, &image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "flags 0x2: expected 0 or PX_IMAGE_SIGN");
    emit(&program, PX_OP_ADD, 10, 8, 9, 0);
    half(&program, 0x0003); /* the first half of a load */
    assert_int_equal(px_image_for(&program, 0, &image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "code: the instruction at 0x4 is cut by the end of the code");
    program.code_size = 3;
    assert_int_equal(px_image_for(&program, PX_IMAGE_SIGN, &image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "code: the instruction at 0x0 is cut by the end of the code");
    program.code_size = 4;
    assert_int_equal(px_program_map(&program, 0x1000, 0x1000, PX_MAP_ZERO, NULL, 0), PX_OK);
    assert_int_equal(px_image_for(&program, 0, &image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "mapping 0: start 0x1000 is below the data base 0x10000000");
    px_program_fini(&program);
}

static void a_body_may_be_as_long_as_it_says(void **state)
{
    (void)state;
    static const uint8_t byte[] = { 1 };
    size_t n = PX_BODY_WORDS_MAX;
    struct px_image image, signed_image;
    struct px_error err = { "" };
    uint32_t *words = malloc((n + 1) * sizeof *words);
    assert_non_null(words);
    for (size_t i = 0; i <= n; i++)
        words[i] = 0x00000013; /* nop */
    assert_int_equal(px_image_with_ro(words, n, PX_DATA_BASE, byte, 1, &image, &err), PX_OK);
    assert_int_equal(px_image_check(&image, &err), PX_OK);
    assert_int_equal(px_image_sign(&image, &signed_image, &err), PX_OK);
    assert_int_equal(px_image_check(&signed_image, &err), PX_OK);
    px_image_release(&signed_image);
    px_image_release(&image);
    assert_int_equal(px_image_with_ro(words, n + 1, PX_DATA_BASE, byte, 1, &image, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "code: 4194273 words: expected at most 4194272");
    free(words);
}

/* lbu a0, 0(s0); lbu a1, 0(s1); s0 and s1 come from the caller. */
static const uint32_t loads[] = { 0x00044503, 0x0004c583 };

static void pinned_regions_read_as_given_and_take_no_store(void **state)
{
    (void)state;
    uint8_t first[] = { 0x11, 0x22 }, second[PX_PAGE_SIZE + 1];
    memset(second, 0x33, sizeof second);
    const struct px_region regions[] = { { PX_DATA_BASE, first, sizeof first },
                                         { PX_DATA_BASE + PX_PAGE_SIZE, second, sizeof second } };
    struct px_image image;
    struct px_error err = { "" };
    struct ran ran;
    assert_int_equal(px_image_with_ro_caps(loads, 2, regions, 2, &image, &err), PX_OK);
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    assert_int_equal(image.gas, PX_BODY_GAS);
    assert_int_equal(image.map_count, 2);
    assert_int_equal(image.maps[1].size, 2 * PX_PAGE_SIZE);
    image.x[8] = PX_DATA_BASE + 1;
    image.x[9] = PX_DATA_BASE + 2 * PX_PAGE_SIZE;
    run(&image, &ran);
    assert_int_equal(ran.out.exit, PX_EXIT_HOSTCALL);
    assert_int_equal(ran.out.x[10], 0x22);
    assert_int_equal(ran.out.x[11], 0x33);
    image.x[9]++; /* behind its bytes */
    run(&image, &ran);
    assert_int_equal(ran.out.x[11], 0);
    px_image_release(&image);

    static const uint32_t store[] = { 0x00943023 }; /* sd s1, 0(s0) */
    assert_int_equal(px_image_with_ro(store, 1, PX_DATA_BASE, second, sizeof second, &image, &err), PX_OK);
    image.x[8] = PX_DATA_BASE;
    run(&image, &ran);
    assert_int_equal(ran.out.exit, PX_EXIT_PAGE_FAULT);
    assert_int_equal(ran.out.arg, PX_DATA_BASE);
    px_image_release(&image);
}

static void images_need_no_region_and_no_word(void **state)
{
    (void)state;
    struct px_image image;
    struct px_error err = { "" };
    struct ran ran;
    assert_int_equal(px_image_with_ro_caps(NULL, 0, NULL, 0, &image, &err), PX_OK);
    assert_int_equal(image.code_size, 4);
    run(&image, &ran);
    assert_int_equal(ran.out.exit, PX_EXIT_HOSTCALL);
    assert_int_equal(ran.out.gas, PX_BODY_GAS - PX_GAS_HOSTCALL);
    px_image_release(&image);
}

static void regions_that_cannot_be_are_refused_by_name(void **state)
{
    (void)state;
    static const uint8_t bytes[PX_PAGE_SIZE];
    const struct px_region good = { PX_DATA_BASE, bytes, PX_PAGE_SIZE };
    static const struct {
        struct px_region region;
        const char *text;
    } cases[] = {
        { { PX_DATA_BASE, bytes, 1 }, "mapping 1: start 0x10000000 and size 0x1000 overlap mapping 0" },
        { { PX_DATA_BASE + 1, bytes, 1 },
          "region 1: start 0x10000001: expected a page multiple from 0x10000000 to below 2^32" },
        { { 0x1000, bytes, 1 },
          "region 1: start 0x1000: expected a page multiple from 0x10000000 to below 2^32" },
        { { PX_SPACE_SIZE, bytes, 1 },
          "region 1: start 0x100000000: expected a page multiple from 0x10000000 to below 2^32" },
        { { PX_DATA_BASE + PX_PAGE_SIZE, bytes, 0 }, "region 1: 0 bytes: expected 1 to 2^32" },
        { { PX_DATA_BASE + PX_PAGE_SIZE, bytes, UINT64_MAX },
          "region 1: 18446744073709551615 bytes: expected 1 to 2^32" },
        { { PX_DATA_BASE + PX_PAGE_SIZE, NULL, 1 }, "region 1: its bytes are NULL" },
        { { PX_SPACE_SIZE - PX_PAGE_SIZE, bytes, PX_PAGE_SIZE + 1 },
          "region 1: 4097 bytes from 0xfffff000 run past 2^32" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct px_region regions[] = { good, cases[i].region };
        struct px_image image;
        struct px_error err = { "" };
        assert_int_equal(px_image_with_ro_caps(loads, 2, regions, 2, &image, &err), PX_ERR_INPUT);
        assert_string_equal(err.text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_are_seeded_from_1_to_15),
        cmocka_unit_test(a_body_gets_its_halt_and_stays_as_it_was),
        cmocka_unit_test(an_image_owns_what_the_program_lent),
        cmocka_unit_test(the_signature_holds_every_register_but_x3_and_x4),
        cmocka_unit_test(jumps_to_the_end_of_a_body_reach_its_signature),
        cmocka_unit_test(a_branch_that_cannot_reach_further_is_refused),
        cmocka_unit_test(a_body_that_faults_leaves_no_signature),
        cmocka_unit_test(the_signature_takes_the_highest_free_page),
        cmocka_unit_test(signing_keeps_one_halt_at_the_end),
        cmocka_unit_test(bodies_that_cannot_be_are_refused),
        cmocka_unit_test(a_body_may_be_as_long_as_it_says),
        cmocka_unit_test(pinned_regions_read_as_given_and_take_no_store),
        cmocka_unit_test(images_need_no_region_and_no_word),
        cmocka_unit_test(regions_that_cannot_be_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
