/* A unit is complete or absent: the code buffer may be full at any byte. */
#include "jit/memo.h"
#include "jit/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit/runtime.h"
#include "vm/isa.h"

enum { CAPACITY = 1 << 20, GUARD = 4096 };

struct world {
    struct codebuf buf;
    struct jit_stubs stubs;
    struct jit_lists lists;
    struct jit_memo memo;
    struct px_unit unit;
};

static void open_world(struct world *w)
{
    struct px_error err;
    *w = (struct world){ 0 };
    assert_int_equal(codebuf_init(&w->buf, CAPACITY, &err), PX_OK);
    assert_int_equal(jit_stubs_emit(&w->buf, &w->stubs, &err), PX_OK);
    assert_int_equal(jit_memo_init(&w->memo, &err), PX_OK);
}

static void close_world(struct world *w)
{
    free(w->unit.sites);
    free(w->unit.gates);
    free(w->unit.marks);
    jit_lists_fini(&w->lists);
    jit_memo_fini(&w->memo);
    codebuf_fini(&w->buf);
}

static size_t put(uint8_t *code, size_t at, struct px_insn insn)
{
    uint32_t word;
    unsigned length = px_encode(&insn, &word);
    assert_int_equal(length, 4);
    memcpy(code + at, &word, length);
    return at + length;
}

/* Every kind of thing that a unit can hold: table, gates, sites, jumps good and bad, jalr, host calls, cold exits. */
static size_t make_code(uint8_t *code)
{
    size_t n = 0;
    n = put(code, n, (struct px_insn){ .op = PX_OP_LD, .rd = 5, .rs1 = 6, .imm = 8 });
    n = put(code, n, (struct px_insn){ .op = PX_OP_DIV, .rd = 3, .rs1 = 4, .rs2 = 4 });
    n = put(code, n, (struct px_insn){ .op = PX_OP_BEQ, .rs1 = 5, .rs2 = 6, .imm = 8 });
    n = put(code, n, (struct px_insn){ .op = PX_OP_BNE, .rs1 = 5, .rs2 = 6, .imm = 6 });
    n = put(code, n, (struct px_insn){ .op = PX_OP_SD, .rs1 = 6, .rs2 = 3, .imm = -8 });
    n = put(code, n, (struct px_insn){ .op = PX_OP_ECALLI, .imm = 2 });
    n = put(code, n, (struct px_insn){ .op = PX_OP_JALR, .rd = 1, .rs1 = 5 });
    n = put(code, n, (struct px_insn){ .op = PX_OP_ECALLI });
    return n;
}

static enum px_status compile(struct world *w, const uint8_t *code, size_t size, size_t room,
                              struct px_error *err)
{
    struct codebuf small = w->buf;
    small.capacity = small.used + room;
    w->unit.image = (struct px_image){ .code = code, .code_size = size };
    enum px_status status = jit_compile(&w->unit, JIT_TIER_BLOCK, &small, &w->stubs, 0, JIT_TOUCH_CHECK,
                                        &w->lists, &w->memo, err);
    if (status == PX_OK)
        w->buf.used = small.used;
    else
        assert_int_equal(small.used, w->buf.used);
    return status;
}

static void a_unit_that_does_not_fit_publishes_nothing_and_writes_nothing_beyond(void **state)
{
    (void)state;
    struct world w;
    struct px_error err;
    uint8_t code[64], *edge = malloc(GUARD);
    open_world(&w);
    size_t size = make_code(code), start = w.buf.used;
    assert_non_null(edge);
    assert_int_equal(compile(&w, code, size, CAPACITY / 2, &err), PX_OK);
    size_t needed = w.unit.size;
    w.buf.used = start;
    memset(edge, 0x5a, GUARD);
    for (size_t room = 0; room < needed; room++) {
        memset(w.buf.write + start, 0x5a, needed + GUARD);
        assert_int_equal(compile(&w, code, size, room, &err), PX_ERR_FULL);
        assert_memory_equal(w.buf.write + start + room, edge, GUARD);
    }
    assert_non_null(strstr(err.text, "code memory is full: 32 bytes of guest code do not fit the "));
    /* The emitter wants its red zone once more behind the last instruction. */
    assert_int_equal(compile(&w, code, size, needed + X64_RED_ZONE, &err), PX_OK);
    assert_int_equal(w.unit.size, needed);
    free(edge);
    close_world(&w);
}

static void the_table_knows_exactly_the_block_starts(void **state)
{
    (void)state;
    static const bool is_start[] = {
        [0] = true, [12] = true, [16] = true, [20] = true, [24] = true, [28] = true
    };
    struct world w;
    struct px_error err;
    uint8_t code[64];
    open_world(&w);
    size_t size = make_code(code);
    assert_int_equal(compile(&w, code, size, CAPACITY / 2, &err), PX_OK);
    for (uint32_t pc = 0; pc < 64; pc++) {
        uint32_t at, back;
        bool expected = pc < sizeof is_start && is_start[pc];
        assert_int_equal(jit_unit_block(&w.unit, &w.buf, pc, &at), expected);
        if (!expected)
            continue;
        assert_true(jit_unit_guest_pc(&w.unit, &w.buf, at, &back));
        assert_int_equal(back, pc);
    }
    close_world(&w);
}

static void every_access_has_a_row_with_its_pc_and_what_follows_it(void **state)
{
    (void)state;
    struct world w;
    struct px_error err;
    uint8_t code[64];
    open_world(&w);
    size_t size = make_code(code);
    assert_int_equal(compile(&w, code, size, CAPACITY / 2, &err), PX_OK);
    assert_int_equal(w.unit.site_count, 2);
    assert_int_equal(w.unit.sites[0].pc, 0);
    assert_int_equal(w.unit.sites[0].undone, 2); /* div, beq */
    assert_int_equal(w.unit.sites[1].pc, 16);
    assert_int_equal(w.unit.sites[1].undone, 0);
    for (size_t i = 0; i < 2; i++)
        assert_ptr_equal(jit_unit_site(&w.unit, w.unit.start + w.unit.sites[i].host), &w.unit.sites[i]);
    assert_null(jit_unit_site(&w.unit, w.unit.start + w.unit.sites[0].host + 1));
    close_world(&w);
}

static void code_outside_the_unit_belongs_to_no_guest_pc(void **state)
{
    (void)state;
    struct world w;
    struct px_error err;
    uint8_t code[64];
    uint32_t pc;
    open_world(&w);
    size_t size = make_code(code);
    assert_int_equal(compile(&w, code, size, CAPACITY / 2, &err), PX_OK);
    assert_false(jit_unit_guest_pc(&w.unit, &w.buf, w.unit.start - 1, &pc));
    assert_false(jit_unit_guest_pc(&w.unit, &w.buf, w.unit.start + w.unit.size, &pc));
    close_world(&w);
}

static void a_map_changes_no_code_and_covers_all_of_it(void **state)
{
    (void)state;
    struct world w;
    struct px_error err;
    uint8_t code[64];
    open_world(&w);
    size_t size = make_code(code), start = w.buf.used;
    assert_int_equal(compile(&w, code, size, CAPACITY / 2, &err), PX_OK);
    assert_int_equal(w.unit.mark_count, 0);
    uint32_t plain_size = w.unit.size;
    uint8_t *plain = malloc(plain_size);
    assert_non_null(plain);
    memcpy(plain, w.buf.exec + start, plain_size);
    w.buf.used = start;
    w.unit.flags = PX_PREPARE_MAPPED;
    assert_int_equal(compile(&w, code, size, CAPACITY / 2, &err), PX_OK);
    assert_int_equal(w.unit.size, plain_size);
    assert_memory_equal(w.buf.exec + start, plain, plain_size);
    free(plain);

    const struct jit_mark *marks = w.unit.marks;
    uint32_t bodies = 0, heads = 0, pc;
    assert_int_equal(marks[0].host, size / 2 * 4); /* behind the table */
    assert_int_equal(marks[w.unit.mark_count - 1].host, plain_size);
    for (size_t i = 0; i + 1 < w.unit.mark_count; i++) {
        assert_true(marks[i].host <= marks[i + 1].host);
        assert_true(marks[i].pc <= size);
        if (marks[i].role == PX_CODE_BODY)
            assert_int_equal(marks[i].pc, 4 * bodies++);
        heads += marks[i].role == PX_CODE_HEAD;
        assert_true(jit_unit_guest_pc(&w.unit, &w.buf, (uint32_t)start + marks[i + 1].host - 1, &pc));
        assert_int_equal(pc, marks[i].pc);
    }
    assert_int_equal(bodies, size / 4);
    assert_int_equal(heads, 6 + 1); /* block starts, and the end of the code */
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_that_does_not_fit_publishes_nothing_and_writes_nothing_beyond),
        cmocka_unit_test(the_table_knows_exactly_the_block_starts),
        cmocka_unit_test(every_access_has_a_row_with_its_pc_and_what_follows_it),
        cmocka_unit_test(a_map_changes_no_code_and_covers_all_of_it),
        cmocka_unit_test(code_outside_the_unit_belongs_to_no_guest_pc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
