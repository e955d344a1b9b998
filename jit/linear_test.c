/* Which images the linear tier takes, and how much of them it compiles. */
#include "jit/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm/isa.h"

#define ADDI { .op = PX_OP_ADDI, .len = 4, .rd = 5, .rs1 = 5, .imm = 1 }
#define HALT { .op = PX_OP_ECALLI, .len = 4 }
#define HOST { .op = PX_OP_ECALLI, .len = 4, .imm = PX_HOSTCALL_POW }
#define NEXT { .op = PX_OP_FALLTHROUGH, .len = 4 }
#define TRAP { .op = PX_OP_TRAP, .len = 4 }
#define BRANCH { .op = PX_OP_BEQ, .len = 4, .rs1 = 5, .imm = 8 }
#define JUMP { .op = PX_OP_JAL, .len = 4, .imm = 4 }
#define JUMP_REG { .op = PX_OP_JALR, .len = 4, .rs1 = 5 }

struct line {
    struct px_insn code[8]; /* up to one of length 0 */
    uint32_t entry_pc;
    bool taken;
    enum px_exit exit;
    uint64_t native, x5; /* after a run with x5 = 0 */
};

static size_t assemble(const struct line *line, uint8_t *code)
{
    size_t size = 0;
    for (size_t i = 0; i < 8 && line->code[i].len != 0; i++) {
        uint32_t word;
        assert_int_equal(px_encode(&line->code[i], &word), 4);
        memcpy(code + size, &word, 4);
        size += 4;
    }
    return size;
}

static void check_line(struct px_engine *engine, const struct line *line)
{
    uint8_t code[64];
    struct px_error err = { "" };
    struct px_unit *unit;
    struct px_outcome out;
    struct px_image image = { .code = code, .code_size = assemble(line, code), .entry_pc = line->entry_pc };
    enum px_status status = px_linear_engine.prepare(engine, &image, 0, &unit, &err);
    assert_int_equal(status, line->taken ? PX_OK : PX_UNSUPPORTED);
    if (!line->taken) {
        assert_string_not_equal(err.text, "");
        return;
    }
    struct px_entry entry = { .gas = 100000 };
    assert_int_equal(px_linear_engine.run(engine, unit, &entry, &out, &err), PX_OK);
    assert_int_equal(out.exit, line->exit);
    assert_int_equal(out.native, line->native);
    assert_int_equal(out.x[5], line->x5);
    entry.pc = 4;
    assert_int_equal(px_linear_engine.run(engine, unit, &entry, &out, &err), PX_ERR_INTERNAL);
    assert_string_equal(err.text, "engine linear: entered at pc 0x4: expected 0");
    px_linear_engine.release(engine, unit);
}

static void it_takes_lines_that_end_before_any_jump(void **state)
{
    (void)state;
    static const struct line lines[] = {
        { { ADDI, HALT }, 0, true, PX_EXIT_HOSTCALL, 2, 1 },
        { { ADDI, HALT, BRANCH, ADDI }, 0, true, PX_EXIT_HOSTCALL, 2, 1 },
        { { ADDI, NEXT, ADDI, NEXT, NEXT, ADDI, TRAP, JUMP }, 0, true, PX_EXIT_TRAP, 7, 3 },
        { { ADDI, HOST, ADDI, HOST, HALT }, 0, true, PX_EXIT_HOSTCALL, 5, 2 },
        { { ADDI, ADDI }, 0, true, PX_EXIT_PANIC, 2, 2 },
        { { ADDI, NEXT }, 0, true, PX_EXIT_PANIC, 2, 1 },
        { { { 0 } }, 0, true, PX_EXIT_PANIC, 0, 0 },
        { { ADDI, BRANCH, HALT }, 0, false, 0, 0, 0 },
        { { JUMP, HALT }, 0, false, 0, 0, 0 },
        { { ADDI, JUMP_REG, HALT }, 0, false, 0, 0, 0 },
        { { ADDI, NEXT, BRANCH, HALT }, 0, false, 0, 0, 0 },
        { { ADDI, HOST, JUMP, HALT }, 0, false, 0, 0, 0 },
        { { ADDI, NEXT, ADDI, HALT }, 8, false, 0, 0, 0 },
    };
    struct px_engine *engine;
    struct px_error err;
    assert_int_equal(px_linear_engine.create("", &engine, &err), PX_OK);
    assert_string_equal(px_linear_engine.spec(engine), "linear");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        check_line(engine, &lines[i]);
    px_linear_engine.destroy(engine);
}

/* More than is decoded at once, with the end and the jump on either side of that edge. */
static void long_lines_are_lines_too(void **state)
{
    (void)state;
    struct px_engine *engine;
    struct px_error err;
    assert_int_equal(px_linear_engine.create("touch=fault", &engine, &err), PX_OK);
    for (size_t length = 60; length < 200; length++) {
        for (unsigned jump = 0; jump < 2; jump++) {
            static const struct px_insn add = ADDI, halt = HALT, jal = JUMP;
            uint32_t words[256], word;
            struct px_unit *unit = NULL;
            px_encode(&add, &word);
            for (size_t i = 0; i < length; i++)
                words[i] = word;
            px_encode(jump ? &jal : &halt, &words[length]);
            px_encode(&halt, &words[length + 1]);
            struct px_image image = { .code = (const uint8_t *)words, .code_size = 4 * (length + 2) };
            struct px_entry entry = { .gas = 100000 };
            struct px_outcome out;
            enum px_status status = px_linear_engine.prepare(engine, &image, 0, &unit, &err);
            assert_int_equal(status, jump ? PX_UNSUPPORTED : PX_OK);
            if (jump)
                continue;
            assert_int_equal(px_linear_engine.run(engine, unit, &entry, &out, &err), PX_OK);
            assert_int_equal(out.x[5], length);
            assert_int_equal(out.native, length + 1);
            px_linear_engine.release(engine, unit);
        }
    }
    px_linear_engine.destroy(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_takes_lines_that_end_before_any_jump),
        cmocka_unit_test(long_lines_are_lines_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
