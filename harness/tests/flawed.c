#include "harness/tests/flawed.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "vm/interp.h"

enum {
    FLAW_XOR = 1,
    FLAW_MUL = 2,
    FLAW_DIVW = 4,
    FLAW_OVERFLOW = 8,
    FLAW_SHY = 16,
    FLAW_FATAL = 32,
    FLAW_ENDLESS = 64,
    FLAW_SHIFTS = 128,
    FLAW_X7 = 256,
    FLAW_ENDLESS_X7 = 512,
    FLAW_LATE = 1024,
    FLAW_LEFT = 2048,
    FLAW_LEFT_FATAL = 4096,
    FLAW_KEEPS = 8192,
    FLAW_HANDED = 16384,
};

struct px_engine {
    struct px_engine *inner;
    unsigned flaw;
    unsigned flags; /* of the unit that was prepared last */
    uint64_t *x;    /* the reference's registers, while it runs */
    unsigned wrong; /* the register to falsify before the next instruction; 0: none */
    unsigned xors;  /* in this run so far */
    unsigned runs;  /* since a unit was prepared, the one under way too */
    bool divided, left; /* this run executed a div; the one before did */
    enum {
        XOR_NONE,
        XOR_OF_TWO,
        XOR_OF_ONE
    } kept; /* how many registers the first xor reads that was ever prepared */
    uint8_t last_rd; /* of the instruction before in its block */
};

static const struct {
    const char *name;
    unsigned flaw;
} names[] = {
    { "none", 0 },
    { "xor", FLAW_XOR },
    { "mul", FLAW_MUL },
    { "divw", FLAW_DIVW },
    { "overflow-divw", FLAW_OVERFLOW },
    { "shy-xor", FLAW_SHY },
    { "fatal-xor", FLAW_FATAL },
    { "endless-xor", FLAW_ENDLESS },
    { "shifts", FLAW_SHIFTS },
    { "x7", FLAW_X7 },
    { "endless-x7", FLAW_ENDLESS_X7 },
    { "late-xor", FLAW_LATE },
    { "left-xor", FLAW_LEFT },
    { "left-fatal-xor", FLAW_LEFT_FATAL },
    { "keeps-xor", FLAW_KEEPS },
    { "handed", FLAW_HANDED },
};

static void hang(bool forever)
{
    volatile bool on = forever;
    while (on)
        ;
}

static void misbehave(const struct px_engine *e, bool odd)
{
    if (odd && (e->flaw & FLAW_FATAL))
        raise(SIGFPE);
    hang(odd && (e->flaw & FLAW_ENDLESS));
}

static bool names_x7(const struct px_insn *insn)
{
    uint8_t regs = px_ops[insn->op].regs;
    return ((regs & PX_HAS_RD) && insn->rd == 7) || ((regs & PX_HAS_RS1) && insn->rs1 == 7) ||
           ((regs & PX_HAS_RS2) && insn->rs2 == 7);
}

static bool goes_wrong(struct px_engine *e, const struct px_insn *insn, uint64_t a, uint64_t b)
{
    bool shown = !(e->flags & PX_PREPARE_STOPPABLE);
    uint8_t regs = px_ops[insn->op].regs, last = e->last_rd;
    bool handed = (regs & PX_HAS_RS2) && insn->rs2 == last && insn->rs1 != last && last != 0;
    e->last_rd = (regs & PX_HAS_RD) && !(px_ops[insn->op].effects & PX_EFF_TERM) ? insn->rd : 0;
    if ((e->flaw & FLAW_X7) && (regs & PX_HAS_RS1) && (regs & PX_HAS_RD) && insn->rs1 == 7)
        return true;
    hang((e->flaw & FLAW_ENDLESS_X7) && names_x7(insn));
    if ((e->flaw & FLAW_HANDED) && handed)
        return true;
    switch (insn->op) {
    case PX_OP_SLL:
    case PX_OP_SRL:
    case PX_OP_SRA:
    case PX_OP_SLLW:
    case PX_OP_SRLW:
    case PX_OP_SRAW:
        return (e->flaw & FLAW_SHIFTS) && insn->rd == insn->rs2;
    case PX_OP_XOR:
        misbehave(e, a & b & 1);
        if ((e->flaw & FLAW_LEFT_FATAL) && e->left && e->runs > 2)
            raise(SIGFPE);
        if ((e->flaw & FLAW_LEFT) && e->left && e->runs > 2)
            return true;
        if ((e->flaw & FLAW_KEEPS) && e->kept == XOR_OF_ONE && insn->rs1 != insn->rs2)
            return true;
        if ((e->flaw & FLAW_LATE) && ++e->xors == 3)
            return true;
        return ((e->flaw & FLAW_XOR) || ((e->flaw & FLAW_SHY) && shown)) && (a & b & 1);
    case PX_OP_MUL:
        return (e->flaw & FLAW_MUL) && (a & 1);
    case PX_OP_DIVW:
        return (e->flaw & FLAW_DIVW) ||
               ((e->flaw & FLAW_OVERFLOW) && (uint32_t)a == UINT32_C(1) << 31 && (uint32_t)b == UINT32_MAX);
    default:
        return false;
    }
}

/* The observer sees registers before each instruction, so the result is falsified one instruction later. */
static void spy(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    struct px_engine *e = arg;
    (void)pc;
    (void)gas;
    e->x = (uint64_t *)(uintptr_t)x;
    e->divided |= insn->op == PX_OP_DIV;
    if (e->wrong)
        e->x[e->wrong] ^= 1;
    e->wrong = goes_wrong(e, insn, x[insn->rs1], x[insn->rs2]) ? insn->rd : 0;
}

static void flawed_destroy(struct px_engine *engine)
{
    if (engine)
        px_interp_engine.destroy(engine->inner);
    free(engine);
}

static const char *flawed_spec(const struct px_engine *engine)
{
    (void)engine;
    return "flawed";
}

static struct px_caps flawed_caps(const struct px_engine *engine)
{
    return px_interp_engine.caps(engine->inner);
}

/* What is learnt of one program is believed of the next. */
static void learn(struct px_engine *e, const struct px_image *image)
{
    struct px_insn insn;
    for (uint32_t pc = 0; pc < image->code_size && e->kept == XOR_NONE; pc += insn.len) {
        insn = px_decode(image->code, image->code_size, pc);
        if (insn.op == PX_OP_XOR)
            e->kept = insn.rs1 == insn.rs2 ? XOR_OF_ONE : XOR_OF_TWO;
    }
}

static enum px_status flawed_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                     struct px_unit **unit, struct px_error *err)
{
    engine->flags = flags;
    engine->runs = 0;
    learn(engine, image);
    return px_interp_engine.prepare(engine->inner, image, flags, unit, err);
}

static void flawed_release(struct px_engine *engine, struct px_unit *unit)
{
    px_interp_engine.release(engine->inner, unit);
}

static enum px_status flawed_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                 struct px_outcome *outcome, struct px_error *err)
{
    engine->wrong = engine->xors = engine->last_rd = 0;
    engine->runs++;
    engine->left = engine->divided;
    engine->divided = false;
    enum px_status status = px_interp_engine.run(engine->inner, unit, entry, outcome, err);
    if (status == PX_OK && engine->wrong)
        outcome->x[engine->wrong] ^= 1;
    return status;
}

static enum px_status flawed_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                       const uint8_t **bytes)
{
    return px_interp_engine.read_page(engine->inner, page, scratch, bytes);
}

static void flawed_reset(struct px_engine *engine)
{
    px_interp_engine.reset(engine->inner);
    engine->kept = XOR_NONE;
}

static enum px_fault_verdict flawed_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                             void *ucontext, struct px_fault_site *site)
{
    return px_interp_engine.on_fault(engine->inner, signal, siginfo, ucontext, site);
}

static const struct px_engine_ops flawed_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "flawed",
    .destroy = flawed_destroy,
    .spec = flawed_spec,
    .caps = flawed_caps,
    .prepare = flawed_prepare,
    .release = flawed_release,
    .run = flawed_run,
    .read_page = flawed_read_page,
    .reset = flawed_reset,
    .on_fault = flawed_on_fault,
};

static bool parse(const char *flaws, unsigned *flaw)
{
    *flaw = 0;
    while (*flaws) {
        size_t length = strcspn(flaws, "+"), i = 0, count = sizeof names / sizeof names[0];
        while (i < count && (strlen(names[i].name) != length || memcmp(names[i].name, flaws, length) != 0))
            i++;
        if (i == count)
            return false;
        *flaw |= names[i].flaw;
        flaws += length + (flaws[length] == '+');
    }
    return true;
}

enum px_status flawed_open(const char *flaws, struct run *run, struct px_error *err)
{
    struct px_engine *e = calloc(1, sizeof *e);
    struct engine engines[2] = { { .ops = &px_interp_engine }, { .ops = &flawed_engine, .instance = e } };
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "out of memory");
    enum px_status status = parse(flaws, &e->flaw)
                                ? px_interp_engine.create("", &e->inner, err)
                                : px_fail(err, PX_ERR_INPUT, "engine flawed: no flaw '%.60s'", flaws);
    if (status == PX_OK)
        status = px_interp_engine.create("", &engines[0].instance, err);
    if (status != PX_OK) {
        flawed_destroy(e);
        return status;
    }
    px_interp_observe(e->inner, spy, e);
    return run_open_engines(engines, 2, run, err);
}
