/* A template gives what lowering gives, for every instruction, all registers and immediates of every size, wherever it is. */
#include "jit/memo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit/runtime.h"

enum { CAPACITY = 1 << 20, ROOM = 1024 };

/* One of two compilers that are given the same instructions. */
struct side {
    struct jit_compiler c;
    struct jit_lists lists;
    struct jit_site *sites;
    size_t site_count, site_capacity;
    uint8_t code[ROOM];
};

struct world {
    struct codebuf buf;
    struct jit_stubs stubs;
    struct jit_memo memo;
    struct side lowered, remembered;
    uint32_t drift; /* where the next instruction is put */
};

static void open_side(struct side *side, struct world *w, unsigned cpu, enum jit_touch touch)
{
    side->c = (struct jit_compiler){ .origin = 0x4000,
                                     .stubs = &w->stubs,
                                     .cpu = cpu,
                                     .touch = touch,
                                     .code_size = 0x2000,
                                     .lists = &side->lists,
                                     .memo = &w->memo,
                                     .sites = &side->sites,
                                     .site_count = &side->site_count,
                                     .site_capacity = &side->site_capacity };
}

static void open_world(struct world *w, unsigned cpu, enum jit_touch touch)
{
    struct px_error err;
    memset(w, 0, sizeof *w);
    assert_int_equal(codebuf_init(&w->buf, CAPACITY, &err), PX_OK);
    assert_int_equal(jit_stubs_emit(&w->buf, &w->stubs, &err), PX_OK);
    assert_int_equal(jit_memo_init(&w->memo, &err), PX_OK);
    open_side(&w->lowered, w, cpu, touch);
    open_side(&w->remembered, w, cpu, touch);
}

static void close_world(struct world *w)
{
    free(w->lowered.sites);
    free(w->remembered.sites);
    jit_lists_fini(&w->lowered.lists);
    jit_lists_fini(&w->remembered.lists);
    jit_memo_fini(&w->memo);
    codebuf_fini(&w->buf);
}

static void place(struct side *side, const struct px_insn *in, uint32_t at)
{
    x64_init(&side->c.e, side->code, sizeof side->code);
    side->c.e.at += at;
    side->c.in = in;
    side->c.pc = at * 8;
    side->c.next = side->c.pc + in->len;
    side->c.in_block = at;
    side->lists.jump_count = side->lists.exit_count = side->site_count = 0;
}

static bool same_site(const struct jit_site *a, const struct jit_site *b)
{
    return a->host == b->host && a->pc == b->pc && a->undone == b->undone && a->disp == b->disp &&
           a->base == b->base && a->width == b->width && a->store == b->store;
}

static bool same(const struct world *w, uint32_t at)
{
    const struct side *a = &w->lowered, *b = &w->remembered;
    return a->c.e.at - a->code == b->c.e.at - b->code && !b->c.e.overflow &&
           memcmp(a->code + at, b->code + at, (size_t)(a->c.e.at - a->code) - at) == 0 &&
           a->site_count == b->site_count && a->lists.jump_count == b->lists.jump_count &&
           a->lists.exit_count == b->lists.exit_count &&
           (a->site_count == 0 || same_site(a->sites, b->sites)) &&
           (a->lists.jump_count == 0 ||
            memcmp(a->lists.jumps, b->lists.jumps, sizeof *a->lists.jumps) == 0) &&
           (a->lists.exit_count == 0 || memcmp(a->lists.exits, b->lists.exits, sizeof *a->lists.exits) == 0);
}

/* Zero where a jump will be patched: what stands there until then is nobody's. */
static void blank_jumps(struct side *side)
{
    for (size_t i = 0; i < side->lists.jump_count; i++)
        memset(side->code + side->lists.jumps[i].at, 0, 4);
}

static void emit(struct world *w, const struct px_insn *in)
{
    struct jit_ahead ahead = jit_ahead_of(&w->memo, in, w->remembered.c.pc);
    jit_memo_emit(&w->remembered.c, &ahead);
}

static void check(struct world *w, const struct px_insn *in)
{
    uint32_t at = w->drift++ % 200;
    place(&w->lowered, in, at);
    jit_lower(&w->lowered.c);
    place(&w->remembered, in, at);
    emit(w, in);
    blank_jumps(&w->lowered);
    blank_jumps(&w->remembered);
    if (!same(w, at))
        fail_msg("%s rd=%u rs1=%u rs2=%u imm=%d at %u is not what lowering says", px_ops[in->op].mnemonic,
                 in->rd, in->rs1, in->rs2, in->imm, at);
}

static size_t immediates(enum px_format format, int32_t values[32])
{
    static const int32_t twelve[] = {
        0,    1,    2,  7,  8,  31,  63,   64,   127,  128,  129,  255,   256,
        2046, 2047, -1, -2, -7, -64, -127, -128, -129, -130, -256, -2047, -2048
    };
    static const int32_t branch[] = { 0, 2, -2, 4094, -4096 };
    static const int32_t counts[] = { 0, 1, 2, 15, 30, 31, 32, 33, 62, 63 };
    size_t count = 1;
    values[0] = 0;
    switch (format) {
    case PX_FMT_I:
    case PX_FMT_LOAD:
    case PX_FMT_STORE:
    case PX_FMT_JALR:
        count = sizeof twelve / sizeof twelve[0];
        memcpy(values, twelve, sizeof twelve);
        break;
    case PX_FMT_BRANCH:
    case PX_FMT_JAL:
    case PX_FMT_ECALLI:
        count = sizeof branch / sizeof branch[0];
        memcpy(values, branch, sizeof branch);
        break;
    case PX_FMT_SH5:
    case PX_FMT_SH6:
        count = format == PX_FMT_SH5 ? 6 : 10;
        memcpy(values, counts, sizeof counts);
        break;
    case PX_FMT_U:
        count = 5;
        for (size_t i = 0; i < count; i++)
            values[i] = (int32_t)((uint32_t[]){ 0, 0x1000, 0x7ffff000, 0x80000000, 0xfffff000 })[i];
        break;
    default:
        break;
    }
    return count;
}

/* @stride: registers come in this order, so that each shape is first met with others. */
static void check_op(struct world *w, unsigned op, unsigned stride)
{
    int32_t values[32];
    unsigned regs = px_ops[op].regs;
    size_t count = immediates(px_ops[op].format, values);
    for (size_t i = 0; i < count; i++) {
        for (unsigned n = 0; n < 4096; n++) {
            unsigned m = n * stride % 4096;
            struct px_insn in = { .op = (uint8_t)op,
                                  .len = 4,
                                  .rd = (uint8_t)(m >> 8),
                                  .rs1 = (uint8_t)(m >> 4 & 15),
                                  .rs2 = (uint8_t)(m & 15),
                                  .imm = values[i] };
            if ((in.rd && !(regs & PX_HAS_RD)) || (in.rs1 && !(regs & PX_HAS_RS1)) ||
                (in.rs2 && !(regs & PX_HAS_RS2)))
                continue;
            check(w, &in);
        }
    }
}

static void check_all(unsigned cpu, enum jit_touch touch, unsigned stride)
{
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    open_world(w, cpu, touch);
    for (unsigned op = 0; op < PX_OP_COUNT; op++)
        check_op(w, op, stride);
    assert_true(w->memo.count > 2000 && w->memo.count <= JIT_TEMPLATES_MAX);
    close_world(w);
    free(w);
}

static void templates_are_what_lowering_says(void **state)
{
    (void)state;
    for (unsigned stride = 1; stride < 4096; stride += 1170)
        check_all(jit_cpu_host(), JIT_TOUCH_CHECK, stride);
}

static void also_with_touch_fault_and_without_cpu_features(void **state)
{
    (void)state;
    check_all(jit_cpu_host(), JIT_TOUCH_FAULT, 1171);
    check_all(0, JIT_TOUCH_CHECK, 1171);
}

/* One operand is derived while another is the very register that needs an encoding of its own. */
static void it_does_not_matter_which_registers_come_first(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    for (unsigned first = 1; first < PX_REG_COUNT; first++) {
        open_world(w, jit_cpu_host(), JIT_TOUCH_CHECK);
        for (unsigned op = 0; op < PX_OP_COUNT; op++) {
            unsigned regs = px_ops[op].regs;
            for (unsigned n = 0; n < 3 * PX_REG_COUNT; n++) {
                unsigned place = n % 3, other = (n / 3 + 6) % PX_REG_COUNT; /* 7 and 12 before 3 */
                struct px_insn in = { .op = (uint8_t)op, .len = 4, .rd = 15, .rs1 = 14, .rs2 = 13, .imm = 4 };
                if (n > 0) /* the first keeps @first in its place, and shapes what comes after */
                    *(place == 0 ? &in.rd : place == 1 ? &in.rs1 : &in.rs2) = (uint8_t)other;
                else
                    in.rd = (uint8_t)first;
                in.rd = regs & PX_HAS_RD ? in.rd : 0;
                in.rs1 = regs & PX_HAS_RS1 ? in.rs1 : 0;
                in.rs2 = regs & PX_HAS_RS2 ? in.rs2 : 0;
                check(w, &in);
            }
        }
        close_world(w);
    }
    free(w);
}

static void a_full_memo_lowers_what_it_has_no_room_for(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    open_world(w, 0, JIT_TOUCH_CHECK);
    w->memo.count = JIT_TEMPLATES_MAX - 3;
    check_op(w, PX_OP_XOR, 1);
    assert_int_equal(w->memo.count, JIT_TEMPLATES_MAX);
    close_world(w);
    free(w);
}

static void a_reset_memo_is_as_a_new_one(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w), *fresh = malloc(sizeof *fresh);
    assert_non_null(w);
    assert_non_null(fresh);
    open_world(w, 0, JIT_TOUCH_CHECK);
    open_world(fresh, 0, JIT_TOUCH_CHECK);
    for (unsigned op = 0; op < PX_OP_COUNT; op++)
        check_op(w, op, 1);
    jit_memo_reset(&w->memo);
    assert_int_equal(w->memo.count, fresh->memo.count);
    assert_int_equal(w->memo.place_count, 0);
    assert_memory_equal(w->memo.index, fresh->memo.index,
                        (size_t)PX_OP_COUNT * (JIT_SHAPES_COARSE + JIT_SHAPES_FINE) * sizeof *w->memo.index);
    for (unsigned op = 0; op < PX_OP_COUNT; op++) {
        assert_int_equal(w->memo.rows[op].base, fresh->memo.rows[op].base);
        assert_false(w->memo.rows[op].learned);
        check_op(w, op, 1171);
    }
    close_world(w);
    close_world(fresh);
    free(w);
    free(fresh);
}

static void what_is_forbidden_to_remember_lowers_everything_and_stays_as_it_was(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    open_world(w, 0, JIT_TOUCH_CHECK);
    jit_memo_forbid(&w->memo);
    for (unsigned op = 0; op < PX_OP_COUNT; op++)
        check_op(w, op, 331);
    assert_int_equal(w->memo.count, JIT_MEMO_FIRST);
    assert_int_equal(w->memo.place_count, 0);
    for (size_t i = 0; i < (size_t)PX_OP_COUNT * (JIT_SHAPES_COARSE + JIT_SHAPES_FINE); i++)
        assert_int_equal(w->memo.index[i], JIT_MEMO_LOWER);
    close_world(w);
    free(w);
}

static void near_the_end_of_the_buffer_nothing_is_written_beyond_it(void **state)
{
    (void)state;
    struct world *w = malloc(sizeof *w);
    struct px_insn in = { .op = PX_OP_XOR, .len = 4, .rd = 5, .rs1 = 6, .rs2 = 7 };
    uint8_t untouched[ROOM];
    assert_non_null(w);
    open_world(w, 0, JIT_TOUCH_CHECK);
    check(w, &in);
    memset(untouched, 0x5a, sizeof untouched);
    for (size_t room = 0; room < 80; room++) {
        struct side *side = &w->remembered;
        place(side, &in, 0);
        memset(side->code, 0x5a, sizeof side->code);
        x64_init(&side->c.e, side->code, room);
        emit(w, &in);
        assert_memory_equal(side->code + room, untouched, sizeof untouched - room);
        assert_int_equal(side->c.e.overflow, room < 3 + X64_RED_ZONE);
    }
    close_world(w);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_what_lowering_says),
        cmocka_unit_test(also_with_touch_fault_and_without_cpu_features),
        cmocka_unit_test(it_does_not_matter_which_registers_come_first),
        cmocka_unit_test(a_full_memo_lowers_what_it_has_no_room_for),
        cmocka_unit_test(a_reset_memo_is_as_a_new_one),
        cmocka_unit_test(what_is_forbidden_to_remember_lowers_everything_and_stays_as_it_was),
        cmocka_unit_test(near_the_end_of_the_buffer_nothing_is_written_beyond_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
