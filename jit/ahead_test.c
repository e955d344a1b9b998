/* Looking ahead sees what decoding says, whatever the code is and wherever it ends. */
#include "jit/ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit/memo.h"
#include "vm/isa.h"
#include "vm/test_insn.h"

enum { CODE = 1 << 16, ROUNDS = 16 };

struct world {
    struct jit_memo memo;
    struct jit_ahead ahead[JIT_AHEAD];
    uint8_t code[CODE];
};

/* With a number of its own for nearly every shape; every other opcode tells registers apart finely. */
static void open_world(struct world *w)
{
    struct px_error err;
    assert_int_equal(jit_memo_init(&w->memo, &err), PX_OK);
    for (size_t i = 0; i < (size_t)PX_OP_COUNT * (JIT_SHAPES_COARSE + JIT_SHAPES_FINE); i++)
        w->memo.index[i] = (uint16_t)(i * 40503 >> 4) % JIT_TEMPLATES_MAX;
    for (unsigned op = 0; op < PX_OP_COUNT; op += 2) {
        w->memo.rows[op].fine = true;
        w->memo.rows[op].registers = w->memo.registers + JIT_TRIPLE_FREE;
        if (w->memo.rows[op].imm_step != 0)
            w->memo.rows[op].imm_step = JIT_CLASSES_FINE;
        w->memo.rows[op].base = (uint32_t)PX_OP_COUNT * JIT_SHAPES_COARSE + op * JIT_SHAPES_FINE;
    }
}

/* An instruction, now and then with a bit that is another, or any halfword. */
static size_t put_something(uint8_t *at, uint64_t *seed)
{
    uint64_t pick = test_random(seed);
    uint32_t word = (uint32_t)(pick >> 32);
    if (pick % 8 != 0) {
        unsigned op = 1 + (unsigned)(pick >> 8) % (PX_OP_COUNT - 1);
        word = (word & ~px_ops[op].mask) | px_ops[op].match;
        if (pick >> 3 & 3)
            word &= ~(px_ops[op].fields & 0x01080800); /* x0..x15 */
    }
    if ((pick >> 5 & 7) == 0)
        word ^= UINT32_C(1) << (pick >> 24 & 31);
    memcpy(at, &word, sizeof word);
    return px_length((uint8_t)word);
}

static void expect_ahead(const struct world *w, const struct jit_ahead *got, size_t size, uint32_t pc)
{
    struct px_insn in = px_decode(w->code, size, pc);
    struct jit_ahead want = jit_ahead_of(&w->memo, &in, pc);
    if (got->t != want.t || got->operands != want.operands || got->imm != want.imm || got->pc != want.pc)
        fail_msg("%s rd=%u rs1=%u rs2=%u imm=%d at %u: seen template %td, operands %x, imm %d at %u",
                 px_ops[in.op].mnemonic, in.rd, in.rs1, in.rs2, in.imm, pc, got->t - w->memo.templates,
                 got->operands, got->imm, got->pc);
}

/* All of the first @size bytes; how many instructions that are. */
static size_t expect_all(struct world *w, size_t size)
{
    struct jit_compiler c = { .memo = &w->memo, .code = w->code, .code_size = (uint32_t)size };
    uint32_t at = 0, pc = 0;
    size_t all = 0;
    while (at < size) {
        size_t count = jit_look_ahead(&c, &at, w->ahead);
        assert_true(count == JIT_AHEAD || (count > 0 && count < JIT_AHEAD && at >= size));
        for (size_t i = 0; i < count; i++) {
            expect_ahead(w, &w->ahead[i], size, pc);
            pc += px_length(w->code[pc]);
        }
        assert_int_equal(at, pc);
        all += count;
    }
    assert_int_equal(jit_look_ahead(&c, &at, w->ahead), 0);
    return all;
}

static void it_sees_what_decoding_says(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w);
    uint64_t seed = 1;
    assert_non_null(w);
    open_world(w);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t size = 0;
        while (size + 4 <= CODE)
            size += put_something(w->code + size, &seed);
        assert_true(expect_all(w, size) > CODE / 4);
    }
    jit_memo_fini(&w->memo);
    free(w);
}

static void code_may_end_within_an_instruction(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w);
    uint64_t seed = 2;
    assert_non_null(w);
    open_world(w);
    for (size_t size = 0; size < 400; size++) {
        for (size_t at = 0; at + 4 <= CODE / 64;)
            at += put_something(w->code + at, &seed);
        assert_true(expect_all(w, size) <= (size + 1) / 2);
    }
    jit_memo_fini(&w->memo);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_sees_what_decoding_says),
        cmocka_unit_test(code_may_end_within_an_instruction),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
