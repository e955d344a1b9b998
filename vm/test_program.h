/* What the tests of programs share. Include cmocka.h first. */
#ifndef PX_TEST_PROGRAM_H
#define PX_TEST_PROGRAM_H

#include <stdlib.h>
#include <string.h>

#include "vm/program.h"

/* The text form; the caller frees it. */
static inline char *test_program_text(const struct px_program *program, size_t *size)
{
    char *text = NULL;
    FILE *file = open_memstream(&text, size);
    assert_non_null(file);
    assert_int_equal(px_program_write(program, file), PX_OK);
    assert_int_equal(fclose(file), 0);
    return text;
}

static inline void test_parse(struct px_program *program, const char *text, size_t size)
{
    struct px_error err = { "" };
    if (px_program_parse(program, "test.px", text, size, &err) != PX_OK)
        fail_msg("%s", err.text);
}

/* Everything that @a and @b mean, not where their bytes lie or what fields hold that are not set. */
static inline void test_expect_same_program(const struct px_program *a, const struct px_program *b)
{
    assert_int_equal(a->origin.known, b->origin.known);
    if (a->origin.known) {
        assert_int_equal(a->origin.seed, b->origin.seed);
        assert_int_equal(a->origin.index, b->origin.index);
        assert_string_equal(a->origin.gen, b->origin.gen);
        assert_int_equal(a->origin.version, b->origin.version);
    }
    assert_int_equal(a->gas, b->gas);
    assert_int_equal(a->entry_pc, b->entry_pc);
    assert_memory_equal(a->x, b->x, sizeof a->x);
    assert_int_equal(a->code_size, b->code_size);
    if (a->code_size > 0)
        assert_memory_equal(a->code, b->code, a->code_size);
    assert_int_equal(a->map_count, b->map_count);
    for (size_t i = 0; i < a->map_count; i++) {
        struct px_mapping one = px_program_mapping(a, i), other = px_program_mapping(b, i);
        assert_int_equal(one.start, other.start);
        assert_int_equal(one.size, other.size);
        assert_int_equal(one.kind, other.kind);
        assert_int_equal(one.content_size, other.content_size);
        if (one.content_size > 0)
            assert_memory_equal(one.content, other.content, one.content_size);
    }
    assert_int_equal(a->has_expect, b->has_expect);
    if (a->has_expect) {
        const struct px_expect *one = &a->expect, *other = &b->expect;
        assert_int_equal(one->has_exit, other->has_exit);
        assert_int_equal(one->has_pc, other->has_pc);
        assert_int_equal(one->has_gas, other->has_gas);
        assert_int_equal(one->has_x, other->has_x);
        assert_string_equal(one->oracle, other->oracle);
        assert_true(!one->has_exit || (one->out.exit == other->out.exit && one->out.arg == other->out.arg));
        assert_true(!one->has_pc || one->out.pc == other->out.pc);
        assert_true(!one->has_gas || one->out.gas == other->out.gas);
        for (unsigned i = 1; i < PX_REG_COUNT; i++)
            assert_true((one->has_x >> i & 1) == 0 || one->out.x[i] == other->out.x[i]);
    }
}

#endif
