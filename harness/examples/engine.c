/*
 * An engine of one's own: a small interpreter that parallax loads and holds against its reference.
 *
 *     cc -O2 -shared -fPIC $(pkg-config --cflags parallax) engine.c -o engine.so
 *     parallax fuzz --engines interp,plugin:./engine.so --gen straight:length=2 --count 50000
 *
 * It knows register arithmetic of RV64I and M in 4-byte instructions, and host calls that end a program. Anything else
 * it refuses in prepare. With -DENGINE_BUG it takes `sltu` for a signed comparison, which the campaign finds.
 */
#include <parallax.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct px_unit {
    const struct px_image *image; /* the caller's, until the unit is released */
    struct px_unit *next;
};

struct px_engine {
    struct px_unit *units;
    const struct px_image *ran; /* of the last run; NULL: none */
};

/* --- instructions --- */

enum { OP_IMM = 0x13, AUIPC = 0x17, OP_IMM_32 = 0x1b, OP = 0x33, LUI = 0x37, OP_32 = 0x3b, CUSTOM_0 = 0x0b };

#define FALLTHROUGH UINT32_C(0x0000400b)

static uint32_t word_at(const struct px_image *image, uint32_t pc)
{
    uint32_t word;
    memcpy(&word, image->code + pc, sizeof word);
    return word;
}

static unsigned bits(uint32_t word, unsigned from, unsigned count)
{
    return word >> from & ((1u << count) - 1);
}

static bool is_ecalli(uint32_t word)
{
    return (word & 0x7c7f) == 0x200b;
}

static int32_t selector(uint32_t word)
{
    uint32_t value = bits(word, 15, 17) | bits(word, 7, 3) << 17;
    return (int32_t)(value << 12) >> 12;
}

/* Host calls 1, 2 and 3 go on; all others end the program. */
static bool ends_program(uint32_t word)
{
    return is_ecalli(word) && (selector(word) < 1 || selector(word) > 3);
}

/* Whether we know @word: the form of its opcode, no register above x15. */
static bool known(uint32_t word)
{
    unsigned funct3 = bits(word, 12, 3), funct7 = bits(word, 25, 7);
    bool word_sized = bits(word, 0, 7) == OP_IMM_32 || bits(word, 0, 7) == OP_32;
    if (word == FALLTHROUGH || ends_program(word))
        return true;
    if (bits(word, 7, 5) >= PX_REG_COUNT)
        return false;
    switch (bits(word, 0, 7)) {
    case LUI:
    case AUIPC:
        return true;
    case OP_IMM:
    case OP_IMM_32:
        if (bits(word, 15, 5) >= PX_REG_COUNT)
            return false;
        if (!word_sized)
            funct7 &= ~1u; /* a bit of the shift amount */
        if (funct3 == 1)
            return funct7 == 0;
        if (funct3 == 5)
            return funct7 == 0 || funct7 == 0x20;
        return !word_sized || funct3 == 0;
    case OP:
    case OP_32:
        if (bits(word, 15, 5) >= PX_REG_COUNT || bits(word, 20, 5) >= PX_REG_COUNT)
            return false;
        if (funct7 == 1)
            return !word_sized || funct3 == 0 || funct3 >= 4;
        if (funct7 == 0x20)
            return funct3 == 0 || funct3 == 5;
        return funct7 == 0 && (!word_sized || funct3 == 0 || funct3 == 1 || funct3 == 5);
    default:
        return false;
    }
}

static uint64_t less_unsigned(uint64_t a, uint64_t b)
{
#ifdef ENGINE_BUG
    return (int64_t)a < (int64_t)b;
#else
    return a < b;
#endif
}

/* add, sub, sll, slt, sltu, xor, srl, sra, or, and; @other: sub for add, sra for srl. */
static uint64_t arithmetic(unsigned funct3, bool other, uint64_t a, uint64_t b)
{
    switch (funct3) {
    case 0:
        return other ? a - b : a + b;
    case 1:
        return a << (b & 63);
    case 2:
        return (int64_t)a < (int64_t)b;
    case 3:
        return less_unsigned(a, b);
    case 4:
        return a ^ b;
    case 5:
        return other ? (uint64_t)((int64_t)a >> (b & 63)) : a >> (b & 63);
    case 6:
        return a | b;
    default:
        return a & b;
    }
}

static uint64_t arithmetic_32(unsigned funct3, bool other, uint32_t a, uint32_t b)
{
    switch (funct3) {
    case 0:
        return (uint64_t)(int32_t)(other ? a - b : a + b);
    case 1:
        return (uint64_t)(int32_t)(a << (b & 31));
    default:
        return (uint64_t)(other ? (int32_t)a >> (b & 31) : (int32_t)(a >> (b & 31)));
    }
}

__extension__ typedef unsigned __int128 wide;

static uint64_t high_unsigned(uint64_t a, uint64_t b)
{
    return (uint64_t)((wide)a * b >> 64);
}

static uint64_t divide(bool remainder, int64_t a, int64_t b)
{
    if (b == 0)
        return remainder ? (uint64_t)a : UINT64_MAX;
    if (b == -1) /* INT64_MIN / -1 would trap */
        return remainder ? 0 : -(uint64_t)a;
    return (uint64_t)(remainder ? a % b : a / b);
}

static uint64_t divide_unsigned(bool remainder, uint64_t a, uint64_t b)
{
    if (b == 0)
        return remainder ? a : UINT64_MAX;
    return remainder ? a % b : a / b;
}

static uint64_t multiply_or_divide(unsigned funct3, uint64_t a, uint64_t b)
{
    switch (funct3) {
    case 0:
        return a * b;
    case 1: /* mulh */
        return high_unsigned(a, b) - ((int64_t)a < 0 ? b : 0) - ((int64_t)b < 0 ? a : 0);
    case 2: /* mulhsu */
        return high_unsigned(a, b) - ((int64_t)a < 0 ? b : 0);
    case 3:
        return high_unsigned(a, b);
    case 4:
    case 6:
        return divide(funct3 == 6, (int64_t)a, (int64_t)b);
    default:
        return divide_unsigned(funct3 == 7, a, b);
    }
}

static uint64_t multiply_or_divide_32(unsigned funct3, uint32_t a, uint32_t b)
{
    switch (funct3) {
    case 0:
        return (uint64_t)(int32_t)(a * b);
    case 4:
    case 6:
        return (uint64_t)(int32_t)divide(funct3 == 6, (int32_t)a, (int32_t)b);
    default:
        return (uint64_t)(int32_t)divide_unsigned(funct3 == 7, a, b);
    }
}

/* What the instruction at @pc writes to its destination. */
static uint64_t result(uint32_t word, uint32_t pc, const uint64_t *x)
{
    unsigned opcode = bits(word, 0, 7), funct3 = bits(word, 12, 3);
    uint64_t a = x[bits(word, 15, 4)], b = x[bits(word, 20, 4)];
    uint64_t immediate = (uint64_t)((int32_t)word >> 20), upper = (uint64_t)(int32_t)(word & 0xfffff000);
    bool other = bits(word, 30, 1);
    switch (opcode) {
    case LUI:
        return upper;
    case AUIPC:
        return PX_CODE_BASE + pc + upper;
    case OP_IMM:
        return arithmetic(funct3, other && funct3 == 5, a, immediate);
    case OP_IMM_32:
        return arithmetic_32(funct3, other && funct3 == 5, (uint32_t)a, (uint32_t)immediate);
    case OP:
        return bits(word, 25, 1) ? multiply_or_divide(funct3, a, b) : arithmetic(funct3, other, a, b);
    default:
        return bits(word, 25, 1) ? multiply_or_divide_32(funct3, (uint32_t)a, (uint32_t)b)
                                 : arithmetic_32(funct3, other, (uint32_t)a, (uint32_t)b);
    }
}

/* --- the operations of vm/engine.h --- */

static enum px_status engine_create(const char *options, struct px_engine **engine, struct px_error *err)
{
    if (options[0]) {
        snprintf(err->text, sizeof err->text, "options '%.40s': expected none", options);
        return PX_ERR_INPUT;
    }
    *engine = (struct px_engine *)calloc(1, sizeof **engine);
    return *engine ? PX_OK : PX_ERR_NOMEM;
}

static void engine_release(struct px_engine *engine, struct px_unit *unit)
{
    struct px_unit **at = &engine->units;
    while (unit && *at != unit)
        at = &(*at)->next;
    if (unit) {
        *at = unit->next;
        engine->ran = NULL;
    }
    free(unit);
}

static void engine_destroy(struct px_engine *engine)
{
    while (engine && engine->units)
        engine_release(engine, engine->units);
    free(engine);
}

static const char *engine_spec(const struct px_engine *engine)
{
    (void)engine;
    return "example";
}

/* Registers and instructions are compared; gas is not metered, and memory is never written. */
static struct px_caps engine_caps(const struct px_engine *engine)
{
    struct px_caps caps = { 0 };
    (void)engine;
    caps.registers = caps.dirty = caps.aliasing = caps.block_starts = caps.counts = true;
    caps.extensions = 1u << PX_EXT_I | 1u << PX_EXT_M | 1u << PX_EXT_XJAR;
    return caps;
}

static enum px_status engine_prepare(struct px_engine *engine, const struct px_image *image, unsigned flags,
                                     struct px_unit **unit, struct px_error *err)
{
    (void)flags; /* every unit honours stop_after_blocks */
    (void)err;
    if (image->code_size % 4)
        return PX_UNSUPPORTED;
    for (uint32_t pc = 0; pc < image->code_size; pc += 4)
        if (!known(word_at(image, pc)))
            return PX_UNSUPPORTED;
    struct px_unit *u = (struct px_unit *)calloc(1, sizeof *u);
    if (!u)
        return PX_ERR_NOMEM;
    u->image = image;
    u->next = engine->units;
    engine->units = u;
    *unit = u;
    return PX_OK;
}

/* ISA.md 4: offset 0, what follows a terminator, and every host call. */
static bool is_block_start(const struct px_image *image, uint32_t pc)
{
    if (pc >= image->code_size || pc % 4)
        return false;
    uint32_t before = pc ? word_at(image, pc - 4) : FALLTHROUGH;
    return before == FALLTHROUGH || is_ecalli(before) || is_ecalli(word_at(image, pc));
}

static void leave(struct px_outcome *out, enum px_exit exit, int64_t arg, uint32_t pc)
{
    out->exit = exit;
    out->arg = arg;
    out->pc = pc;
}

static enum px_status engine_run(struct px_engine *engine, struct px_unit *unit, const struct px_entry *entry,
                                 struct px_outcome *out, struct px_error *err)
{
    const struct px_image *image = unit->image;
    uint64_t blocks = 0;
    uint32_t pc = entry->pc;
    (void)err;
    engine->ran = image;
    memset(out, 0, sizeof *out);
    memcpy(out->x, entry->x, sizeof out->x);
    out->x[0] = 0;
    if (!is_block_start(image, pc)) {
        leave(out, PX_EXIT_PANIC, PX_PANIC_BAD_ENTRY, pc);
        return PX_OK;
    }
    for (; pc < image->code_size; pc += 4) {
        uint32_t word = word_at(image, pc);
        bool starts = is_block_start(image, pc);
        if (starts && blocks > 0 && blocks == entry->stop_after_blocks) {
            leave(out, PX_EXIT_STOPPED, 0, pc);
            return PX_OK;
        }
        blocks += starts;
        out->interpreted++;
        if (is_ecalli(word)) {
            leave(out, PX_EXIT_HOSTCALL, selector(word), pc + 4);
            return PX_OK;
        }
        if (word != FALLTHROUGH && bits(word, 7, 4) != 0)
            out->x[bits(word, 7, 4)] = result(word, pc, out->x);
    }
    leave(out, PX_EXIT_PANIC, PX_PANIC_END_OF_CODE, pc);
    return PX_OK;
}

/* Copies what of @size bytes at guest address @start lies in the page at @base. */
static void copy_part(uint8_t *to, uint64_t base, uint64_t start, const uint8_t *bytes, uint64_t size)
{
    uint64_t from = start > base ? start : base, end = base + PX_PAGE_SIZE;
    if (start + size < end)
        end = start + size;
    if (from < end)
        memcpy(to + (from - base), bytes + (from - start), end - from);
}

/* Nothing here writes to memory: after any run it is what the image says. */
static enum px_status engine_read_page(struct px_engine *engine, uint32_t page, uint8_t *scratch,
                                       const uint8_t **bytes)
{
    const struct px_image *image = engine->ran;
    uint64_t base = (uint64_t)page << PX_PAGE_BITS;
    memset(scratch, 0, PX_PAGE_SIZE);
    *bytes = scratch;
    if (!image)
        return PX_OK;
    copy_part(scratch, base, PX_CODE_BASE, image->code, image->code_size);
    for (size_t i = 0; i < image->map_count; i++)
        copy_part(scratch, base, image->maps[i].start, image->maps[i].content, image->maps[i].content_size);
    return PX_OK;
}

static void engine_reset(struct px_engine *engine)
{
    (void)engine; /* no run leaves anything behind */
}

static const struct px_engine_ops operations = {
    .abi = PX_ENGINE_ABI,
    .size = sizeof(struct px_engine_ops),
    .guest = PX_GUEST_NAME,
    .name = "example",
    .create = engine_create,
    .destroy = engine_destroy,
    .spec = engine_spec,
    .caps = engine_caps,
    .prepare = engine_prepare,
    .release = engine_release,
    .run = engine_run,
    .read_page = engine_read_page,
    .reset = engine_reset,
};

px_engine_entry_fn px_engine_entry;

const struct px_engine_ops *px_engine_entry(void)
{
    return &operations;
}
