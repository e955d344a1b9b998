/*
 * Direct-threaded: every handler ends with a jump of its own to the next one's, so that the host learns which follows
 * which. Guest registers lie in memory, gas and the count of instructions in host registers.
 */
#include <stddef.h>
#include <string.h>

#include "vm/fused/kinds.h"
#include "vm/fused/ops.h"
#include "vm/fused/unit.h"

/* What C leaves undefined, RISC-V defines (M, table 11). */
static uint64_t divide(uint64_t a, uint64_t b)
{
    if (b == 0)
        return ~(uint64_t)0;
    return ~b == 0 ? -a : (uint64_t)(SIGNED(a) / SIGNED(b));
}

static uint64_t remainder_of(uint64_t a, uint64_t b)
{
    if (b == 0)
        return a;
    return ~b == 0 ? 0 : (uint64_t)(SIGNED(a) % SIGNED(b));
}

/* 0xff for each byte that is not zero: its highest bit first, gathered without carries between bytes. */
static uint64_t or_combine(uint64_t a)
{
    const uint64_t low7 = UINT64_C(0x7f7f7f7f7f7f7f7f);
    uint64_t high = (((a & low7) + low7) | a) & ~low7;
    return (high >> 7) * 0xff;
}

/* Whether an access may go ahead; pays for it and touches its pages. Else m->arg is the page that refuses. */
static __attribute__((noinline)) bool access(struct fused_machine *m, uint32_t at, uint32_t width, bool store)
{
    struct fused_range pages = fused_pages(at, width);
    uint64_t price;
    uint32_t fault;
    if (!fused_memory_price(m->memory, pages, store, &price, &fault)) {
        m->arg = (int64_t)fault << PX_PAGE_BITS;
        return false;
    }
    m->gas -= price;
    fused_memory_touch(m->memory, pages, store);
    return !m->memory->refused;
}

/* The slow way into a block: true when it is entered. @from: the cell that goes there. */
static __attribute__((noinline)) bool enter(struct fused_machine *m, const union fused_cell *from,
                                            const union fused_cell *head)
{
    const struct px_unit *unit = m->unit;
    m->arg = 0;
    if (head == unit->cells + FUSED_BAD) {
        m->exit = PX_EXIT_PANIC;
        m->arg = PX_PANIC_BAD_TARGET;
        m->pc = unit->places[from - unit->cells].pc;
        return false;
    }
    m->pc = head[1].block.pc;
    if (head[1].block.count == 0) {
        m->exit = PX_EXIT_PANIC;
        m->arg = PX_PANIC_END_OF_CODE;
        return false;
    }
    if (m->blocks_left == 0) {
        m->exit = PX_EXIT_STOPPED;
        return false;
    }
    m->blocks_left -= m->blocks_left != UINT64_MAX;
    if (m->gas < head[1].block.total) {
        m->exit = PX_EXIT_OUT_OF_GAS;
        return false;
    }
    m->gas -= head[0].gate.need;
    m->begun += head[1].block.count;
    return true;
}

/* Takes back what the block of the cell at @ip counts behind it. */
static void stop_in_block(struct fused_machine *m, const union fused_cell *ip)
{
    const struct px_unit *unit = m->unit;
    struct fused_place place = unit->places[ip - unit->cells];
    const union fused_cell *head = unit->cells + place.head;
    uint32_t begun = 1;
    for (uint32_t pc = head[1].block.pc; pc < place.pc; pc += px_length(unit->image.code[pc]))
        begun++;
    m->begun -= head[1].block.count - begun;
    m->pc = place.pc;
}

#ifdef __cppcheck__ /* takes && for a conjunction */
#define LABEL(name) NULL
#else
#define LABEL(name) &&name
#endif

static const void *const *loop(struct fused_machine *m, const union fused_cell *head)
{
    static const void *const handlers[FUSED_KINDS] = {
        [FUSED_ILLEGAL] = LABEL(do_ILLEGAL), [FUSED_LI] = LABEL(do_LI),
        [FUSED_MV] = LABEL(do_MV),           [FUSED_J] = LABEL(do_J),
        [FUSED_NEXT] = LABEL(do_NEXT),
#define PX_OP(name, ...) [FUSED_##name] = LABEL(do_##name),
#include "vm/isa.def"
#define FUSED_2(a, b, f) [FUSED_##a##_##b##f] = LABEL(do_##a##_##b##f),
#define FUSED_3(a, b, f, c, g) [FUSED_##a##_##b##f##_##c##g] = LABEL(do_##a##_##b##f##_##c##g),
#define FUSED_4(a, b, f, c, g, d, h)                                                                         \
    [FUSED_##a##_##b##f##_##c##g##_##d##h] = LABEL(do_##a##_##b##f##_##c##g##_##d##h),
#include "vm/fused/sequences.def"
    };
    if (!m)
        return handlers;

    uint64_t *const x = m->x;
    uint8_t *const window = m->memory->window;
    const union fused_cell *const cells = m->unit->cells, *ip = head;
    const uint32_t *const heads = m->unit->heads;
    const uint32_t code_size = (uint32_t)m->unit->image.code_size;
    uint64_t gas = m->gas, begun = 0, r;

gate:
    m->gas = gas;
    m->begun = begun;
    if (!enter(m, ip, head))
        return NULL;
    gas = m->gas;
    begun = m->begun;
    ip = head + FUSED_HEAD;
    DISPATCH();

/* The source registers of cell ip[i] in form 0, 1 and 2 (kinds.h): from memory, or what the one before wrote. */
#define A_0(i) x[ip[i].op.rs1]
#define A_1(i) r
#define A_2(i) A_0(i)
#define B_0(i) x[ip[i].op.rs2]
#define B_1(i) B_0(i)
#define B_2(i) r
#define STEP(i, name, form) OP_##name(i, A_##form(i), B_##form(i))

#define SINGLE(name) do_##name : STEP(0, name, 0) GO_ON(1);

    SINGLE(ILLEGAL)
    SINGLE(LI)
    SINGLE(MV)
    SINGLE(J)
    SINGLE(NEXT)
#define PX_OP(name, ...) SINGLE(name)
#include "vm/isa.def"
#define FUSED_2(a, b, f) do_##a##_##b##f : STEP(0, a, 0) STEP(1, b, f) GO_ON(2);
#define FUSED_3(a, b, f, c, g) do_##a##_##b##f##_##c##g : STEP(0, a, 0) STEP(1, b, f) STEP(2, c, g) GO_ON(3);
#define FUSED_4(a, b, f, c, g, d, h)                                                                         \
    do_##a##_##b##f##_##c##g##_##d##h : STEP(0, a, 0) STEP(1, b, f) STEP(2, c, g) STEP(3, d, h) GO_ON(4);
#include "vm/fused/sequences.def"

fault:
    m->exit = PX_EXIT_PAGE_FAULT;
leave:
    m->begun = begun;
    m->gas = gas;
    stop_in_block(m, ip);
    return NULL;

done:
    m->begun = begun;
    return NULL;
}

const void *const *fused_handlers(void)
{
    return loop(NULL, NULL);
}

void fused_loop(struct fused_machine *m, const union fused_cell *head)
{
    (void)loop(m, head);
}
