#include "harness/wrong.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/diff.h"
#include "harness/run.h"
#include "vm/interp.h"
#include "vm/program.h"

/* What an instruction does to an engine that is wrong about it. */
enum effect {
    EFFECT_NONE,
    EFFECT_WRONG, /* its result has the lowest bit flipped */
    EFFECT_DIE,   /* the host process faults */
    EFFECT_HANG,  /* it never ends */
};

struct px_engine {
    struct px_engine *inner; /* of px_interp_engine */
    uint32_t lie;            /* DIFF_*, one bit; 0 = honest */
    enum effect effect;      /* of `op` */
    enum px_op op;
    bool blind;     /* reports no registers */
    bool dying;     /* it faults on purpose: from here on the fault is its own */
    unsigned wrong; /* the register to falsify before the next instruction; 0: none */
    uint32_t pc;    /* of the instruction under way, when there is an effect */
    uint64_t *x;    /* the reference's registers while it runs, when there is an effect */
    char spec[64];
    uint8_t page[PX_PAGE_SIZE];
};

static uint32_t field_by_name(const char *name)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        char text[64];
        diff_fields_format(UINT32_C(1) << bit, text, sizeof text);
        if (text[0] != '\0' && strcmp(text, name) == 0)
            return UINT32_C(1) << bit;
    }
    return 0;
}

static enum px_op op_by_name(const char *name)
{
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++)
        if (strcmp(px_ops[op].mnemonic, name) == 0)
            return (enum px_op)op;
    return PX_OP_ILLEGAL;
}

static enum px_status set_effect(struct px_engine *e, const char *option, size_t key, enum effect effect,
                                 struct px_error *err)
{
    enum px_op op = op_by_name(option + key);
    bool fits = op != PX_OP_ILLEGAL && (effect != EFFECT_WRONG || (px_ops[op].regs & PX_HAS_RD));
    if (!fits)
        return px_fail(err, PX_ERR_INPUT,
                       "engine wrong: option '%.40s': expected the name of an instruction%s", option,
                       effect == EFFECT_WRONG ? " that has a result" : "");
    e->effect = effect;
    e->op = op;
    return PX_OK;
}

static enum px_status set_option(struct px_engine *e, const char *option, struct px_error *err)
{
    if (strncmp(option, "op=", 3) == 0)
        return set_effect(e, option, 3, EFFECT_WRONG, err);
    if (strncmp(option, "die=", 4) == 0)
        return set_effect(e, option, 4, EFFECT_DIE, err);
    if (strncmp(option, "hang=", 5) == 0)
        return set_effect(e, option, 5, EFFECT_HANG, err);
    if (strcmp(option, "registers=no") == 0) {
        e->blind = true;
        return PX_OK;
    }
    e->lie = field_by_name(option);
    if (e->lie == 0 && strcmp(option, "none") != 0)
        return px_fail(err, PX_ERR_INPUT,
                       "engine wrong: option '%.40s': expected a compared field, none, op=INSTRUCTION, "
                       "die=INSTRUCTION, hang=INSTRUCTION or registers=no",
                       option);
    return PX_OK;
}

static void write_spec(struct px_engine *e)
{
    static const char *const effects[] = {
        [EFFECT_NONE] = "", [EFFECT_WRONG] = "op=", [EFFECT_DIE] = "die=", [EFFECT_HANG] = "hang="
    };
    char field[16] = "";
    if (e->lie != 0)
        diff_fields_format(e->lie, field, sizeof field);
    else if (e->effect == EFFECT_NONE)
        (void)snprintf(field, sizeof field, "none");
    (void)snprintf(e->spec, sizeof e->spec, "wrong:%s%s%s%s%s", field,
                   e->lie != 0 && e->effect != EFFECT_NONE ? "," : "", effects[e->effect],
                   e->effect != EFFECT_NONE ? px_ops[e->op].mnemonic : "", e->blind ? ",registers=no" : "");
}

static enum px_status set_options(struct px_engine *e, const char *options, struct px_error *err)
{
    enum px_status status;
    do {
        char option[64];
        size_t length = strcspn(options, ",");
        (void)snprintf(option, sizeof option, "%.*s", (int)length, options);
        status = set_option(e, option, err);
        options += length + (options[length] == ',');
    } while (status == PX_OK && *options);
    write_spec(e);
    return status;
}

/* Faults or spins for ever. */
static void misbehave(struct px_engine *e)
{
    volatile bool forever = e->effect == EFFECT_HANG;
    e->dying = e->effect == EFFECT_DIE;
    if (e->dying)
        __builtin_trap();
    while (forever)
        ;
}

/* Sees the registers before each instruction, so a result is falsified one instruction later. */
static void spy(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    struct px_engine *e = arg;
    (void)gas;
    e->x = (uint64_t *)(uintptr_t)x;
    e->pc = pc;
    if (e->wrong)
        e->x[e->wrong] ^= 1;
    bool meant = insn->op == e->op;
    e->wrong = meant && e->effect == EFFECT_WRONG ? insn->rd : 0;
    if (meant && e->effect != EFFECT_WRONG)
        misbehave(e);
}

static void wrong_destroy(struct px_engine *engine);

static enum px_status wrong_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    struct px_engine *e = calloc(1, sizeof *e);
    if (!e)
        return px_fail(err, PX_ERR_NOMEM, "engine wrong: out of memory");
    enum px_status status = set_options(e, options, err);
    if (status == PX_OK)
        status = px_interp_engine.create("", &e->inner, err);
    if (status != PX_OK) {
        wrong_destroy(e);
        return status;
    }
    if (e->effect != EFFECT_NONE)
        px_interp_observe(e->inner, spy, e);
    *engine = e;
    return PX_OK;
}

static void wrong_destroy(struct px_engine *engine)
{
    if (engine)
        px_interp_engine.destroy(engine->inner);
    free(engine);
}

static const char *wrong_spec(const struct px_engine *engine)
{
    return engine->spec;
}

static struct px_caps wrong_caps(const struct px_engine *engine)
{
    struct px_caps caps = px_interp_engine.caps(engine->inner);
    caps.registers = !engine->blind;
    return caps;
}

static enum px_status wrong_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                    struct px_unit **unit, struct px_error *err)
{
    return px_interp_engine.prepare(engine->inner, image, flags, unit, err);
}

static void wrong_release(struct px_engine *engine, struct px_unit *unit)
{
    px_interp_engine.release(engine->inner, unit);
}

static enum px_status wrong_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                struct px_outcome *outcome, struct px_error *err)
{
    engine->wrong = 0;
    enum px_status status = px_interp_engine.run(engine->inner, unit, entry, outcome, err);
    if (status != PX_OK)
        return status;
    if (engine->wrong && outcome->exit != PX_EXIT_PAGE_FAULT) /* the last instruction had a result */
        outcome->x[engine->wrong] ^= 1;
    for (unsigned x = 0; x < PX_REG_COUNT; x++)
        if (engine->lie == (uint32_t)DIFF_X0 << x)
            outcome->x[x] ^= 1;
    if (engine->blind)
        memset(outcome->x, 0, sizeof outcome->x);
    switch (engine->lie) {
    case DIFF_EXIT:
        outcome->exit = outcome->exit == PX_EXIT_TRAP ? PX_EXIT_MANAGE : PX_EXIT_TRAP;
        break;
    case DIFF_ARG:
        outcome->arg ^= 1;
        break;
    case DIFF_PC:
        outcome->pc += 2;
        break;
    case DIFF_GAS:
        outcome->gas -= 1;
        break;
    case DIFF_COUNT:
        outcome->interpreted += 1;
        break;
    case DIFF_DIRTY:
        outcome->dirty_count -= outcome->dirty_count > 0;
        break;
    default:
        break;
    }
    return PX_OK;
}

/* The lie about memory: one bit in the last byte of each page. */
static enum px_status wrong_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                      const uint8_t **bytes)
{
    enum px_status status = px_interp_engine.read_page(engine->inner, page, scratch, bytes);
    if (status != PX_OK || engine->lie != DIFF_MEMORY)
        return status;
    memcpy(engine->page, *bytes, PX_PAGE_SIZE);
    engine->page[PX_PAGE_SIZE - 1] ^= 0x80;
    *bytes = engine->page;
    return PX_OK;
}

static void wrong_reset(struct px_engine *engine)
{
    px_interp_engine.reset(engine->inner);
}

static enum px_fault_verdict wrong_on_fault(struct px_engine *engine, int signal, void *siginfo,
                                            void *ucontext, struct px_fault_site *site)
{
    if (!engine->dying)
        return px_interp_engine.on_fault(engine->inner, signal, siginfo, ucontext, site);
    *site = (struct px_fault_site){ .known = true, .guest_pc = engine->pc };
    return PX_FAULT_ABORT;
}

const struct px_engine_ops px_wrong_engine = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "wrong",
    .create = wrong_create,
    .destroy = wrong_destroy,
    .spec = wrong_spec,
    .caps = wrong_caps,
    .prepare = wrong_prepare,
    .release = wrong_release,
    .run = wrong_run,
    .read_page = wrong_read_page,
    .reset = wrong_reset,
    .on_fault = wrong_on_fault,
};

/* Writes a page, then leaves with an argument: every field has something to be wrong about. */
static enum px_status make_program(struct px_program *program)
{
    static const struct px_insn code[] = {
        { .op = PX_OP_SD, .len = 4, .rs1 = 8, .rs2 = 9, .imm = 16 },
        { .op = PX_OP_ADD, .len = 4, .rd = 10, .rs1 = 8, .rs2 = 9 },
        { .op = PX_OP_ECALLI, .len = 4, .imm = 5 },
    };
    enum px_status status = px_program_map(program, PX_DATA_BASE, PX_PAGE_SIZE, PX_MAP_ZERO, NULL, 0);
    for (size_t i = 0; status == PX_OK && i < sizeof code / sizeof code[0]; i++)
        status = px_program_emit(program, &code[i]);
    program->gas = 100000;
    for (unsigned x = 1; x < PX_REG_COUNT; x++)
        program->x[x] = UINT64_C(0x0101010101010101) * x;
    program->x[8] = PX_DATA_BASE;
    return status;
}

/* The fields that the reference diverges in from an engine that lies about @lie. */
static enum px_status fields_seen(const struct px_image *image, uint32_t lie, uint32_t *fields,
                                  struct px_error *err)
{
    char name[64];
    diff_fields_format(lie, name, sizeof name);
    struct engine engines[2] = { { .ops = &px_interp_engine }, { .ops = &px_wrong_engine } };
    enum px_status status = px_interp_engine.create("", &engines[0].instance, err);
    if (status != PX_OK)
        return status;
    status = px_wrong_engine.create(name, &engines[1].instance, err);
    if (status != PX_OK) {
        engine_close(&engines[0]);
        return status;
    }
    struct run run;
    status = run_open_engines(engines, 2, &run, err);
    if (status != PX_OK)
        return status;
    struct run_result result;
    status = run_image(&run, image, false, &result, err);
    *fields = result.diff.fields;
    run_close(&run);
    return status;
}

enum px_status px_self_test(unsigned *caught, struct px_error *err)
{
    struct px_program program;
    struct px_image image;
    px_program_init(&program);
    enum px_status status = make_program(&program);
    px_program_image(&program, &image);
    *caught = 0;
    for (unsigned bit = 0; status == PX_OK && bit <= 32; bit++) {
        uint32_t lie = bit < 32 ? UINT32_C(1) << bit : 0, seen;
        char name[64], found[256];
        diff_fields_format(lie, name, sizeof name);
        if (name[0] == '\0') /* a bit that stands for nothing */
            continue;
        status = fields_seen(&image, lie, &seen, err);
        if (status != PX_OK)
            break;
        diff_fields_format(seen, found, sizeof found);
        if (seen != lie)
            status =
                px_fail(err, PX_ERR_INTERNAL, "self-test: a wrong '%s' was reported as '%s'", name, found);
        *caught += lie != 0;
    }
    px_program_fini(&program);
    return status;
}
