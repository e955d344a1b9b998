/* Encoder: the inverse of decode.c, from the same rows and the same bit lists. */
#include "vm/fields.h"
#include "vm/isa.h"

#include <string.h>

#define SCATTER(layout) (0u layout(PX_FIELD_SCATTER))
#define COVER(layout) (0u layout(PX_FIELD_COVER))

/* True when @imm is what a field covering @bits gives back, sign-extended or not. */
static bool fits_signed(int32_t imm, uint32_t cover)
{
    uint32_t top = 1u << (31 - __builtin_clz(cover));
    uint32_t value = (uint32_t)imm & (top | (top - 1));
    return (value & ~cover) == 0 && (int32_t)((value ^ top) - top) == imm;
}

static bool fits_unsigned(int32_t imm, uint32_t cover)
{
    return ((uint32_t)imm & ~cover) == 0;
}

#define PLACE_SIGNED(layout)                                                                                 \
    (fits_signed((int32_t)imm, COVER(layout)) ? (*bits = SCATTER(layout), true) : false)
#define PLACE_UNSIGNED(layout)                                                                               \
    (fits_unsigned((int32_t)imm, COVER(layout)) ? (*bits = SCATTER(layout), true) : false)

/* Immediates that are not at the top of the word. */
static bool place_immediate(uint32_t imm, enum px_format format, uint32_t *bits)
{
    *bits = 0;
    switch (format) {
    case PX_FMT_STORE:
        return PLACE_SIGNED(PX_IMM_S);
    case PX_FMT_BRANCH:
        return PLACE_SIGNED(PX_IMM_B);
    case PX_FMT_JAL:
        return PLACE_SIGNED(PX_IMM_J);
    case PX_FMT_U:
        return PLACE_UNSIGNED(PX_IMM_U);
    case PX_FMT_FENCE:
        return PLACE_UNSIGNED(PX_IMM_FENCE);
    case PX_FMT_ECALLI:
        return PLACE_SIGNED(PX_IMM_ECALLI);
    default:
        return false;
    }
}

/* Ranges of the immediates at the top of the word, which most instructions have; min > max: elsewhere. */
static const struct {
    int16_t min, max;
} top_range[PX_FMT_COUNT] = {
    [PX_FMT_I] = { -2048, 2047 }, [PX_FMT_LOAD] = { -2048, 2047 }, [PX_FMT_JALR] = { -2048, 2047 },
    [PX_FMT_SH6] = { 0, 63 },     [PX_FMT_SH5] = { 0, 31 },        [PX_FMT_STORE] = { 1, 0 },
    [PX_FMT_BRANCH] = { 1, 0 },   [PX_FMT_U] = { 1, 0 },           [PX_FMT_JAL] = { 1, 0 },
    [PX_FMT_FENCE] = { 1, 0 },    [PX_FMT_ECALLI] = { 1, 0 },
};

static unsigned encode_32(const struct px_insn *insn, uint32_t *word)
{
    const struct px_op_info *info = &px_ops[insn->op];
    uint32_t bits = (uint32_t)insn->imm << 20;
    if (top_range[info->format].min > top_range[info->format].max) {
        if (!place_immediate((uint32_t)insn->imm, info->format, &bits))
            return 0;
    } else if (insn->imm < top_range[info->format].min || insn->imm > top_range[info->format].max) {
        return 0;
    }
    /* A register that the format does not name must be 0. */
    uint32_t registers = (uint32_t)insn->rd << 7 | (uint32_t)insn->rs1 << 15 | (uint32_t)insn->rs2 << 20;
    if ((insn->rd | insn->rs1 | insn->rs2) >= PX_REG_COUNT || (registers & ~info->fields))
        return 0;
    *word = info->match | bits | registers;
    return 4;
}

static bool place_rvc_immediate(uint32_t imm, enum px_rvc_format format, uint32_t *bits)
{
    *bits = 0;
    switch (format) {
    case PX_RVC_CIW:
        return PLACE_UNSIGNED(PX_IMM_CIW);
    case PX_RVC_CL_W:
    case PX_RVC_CS_W:
        return PLACE_UNSIGNED(PX_IMM_CL_W);
    case PX_RVC_CL_D:
    case PX_RVC_CS_D:
        return PLACE_UNSIGNED(PX_IMM_CL_D);
    case PX_RVC_CI:
    case PX_RVC_CI_LI:
    case PX_RVC_CB_IMM:
        return PLACE_SIGNED(PX_IMM_CI);
    case PX_RVC_CI_LUI:
        return PLACE_SIGNED(PX_IMM_CI_LUI);
    case PX_RVC_CI_16SP:
        return PLACE_SIGNED(PX_IMM_CI_16SP);
    case PX_RVC_CI_SHIFT:
    case PX_RVC_CB_SHIFT:
        return PLACE_UNSIGNED(PX_IMM_CI);
    case PX_RVC_CI_LWSP:
        return PLACE_UNSIGNED(PX_IMM_CI_LWSP);
    case PX_RVC_CI_LDSP:
        return PLACE_UNSIGNED(PX_IMM_CI_LDSP);
    case PX_RVC_CSS_W:
        return PLACE_UNSIGNED(PX_IMM_CSS_W);
    case PX_RVC_CSS_D:
        return PLACE_UNSIGNED(PX_IMM_CSS_D);
    case PX_RVC_CB_BRANCH:
        return PLACE_SIGNED(PX_IMM_CB);
    case PX_RVC_CJ:
        return PLACE_SIGNED(PX_IMM_CJ);
    case PX_RVC_CA:
    case PX_RVC_CR_JR:
    case PX_RVC_CR_JALR:
    case PX_RVC_CR_MV:
    case PX_RVC_CR_ADD:
    case PX_RVC_CN:
    case PX_RVC_FORMAT_COUNT:
        break;
    }
    return imm == 0;
}

/* Register fields, placed without a check: encode_16 decodes the result and compares. */
static uint32_t rvc_registers(const struct px_insn *insn, enum px_rvc_format format)
{
    uint32_t rd = insn->rd, rs1 = insn->rs1, rs2 = insn->rs2;
    switch (format) {
    case PX_RVC_CIW:
        return (rd & 7) << 2;
    case PX_RVC_CL_W:
    case PX_RVC_CL_D:
        return (rd & 7) << 2 | (rs1 & 7) << 7;
    case PX_RVC_CS_W:
    case PX_RVC_CS_D:
    case PX_RVC_CA:
        return (rs2 & 7) << 2 | (rs1 & 7) << 7;
    case PX_RVC_CI:
    case PX_RVC_CI_LI:
    case PX_RVC_CI_LUI:
    case PX_RVC_CI_SHIFT:
    case PX_RVC_CI_LWSP:
    case PX_RVC_CI_LDSP:
        return rd << 7;
    case PX_RVC_CSS_W:
    case PX_RVC_CSS_D:
        return rs2 << 2;
    case PX_RVC_CB_SHIFT:
    case PX_RVC_CB_IMM:
    case PX_RVC_CB_BRANCH:
        return (rs1 & 7) << 7;
    case PX_RVC_CR_JR:
    case PX_RVC_CR_JALR:
        return rs1 << 7;
    case PX_RVC_CR_MV:
    case PX_RVC_CR_ADD:
        return rd << 7 | rs2 << 2;
    case PX_RVC_CI_16SP:
    case PX_RVC_CJ:
    case PX_RVC_CN:
    case PX_RVC_FORMAT_COUNT:
        break;
    }
    return 0;
}

static bool same_operands(const struct px_insn *a, const struct px_insn *b)
{
    return a->op == b->op && a->rd == b->rd && a->rs1 == b->rs1 && a->rs2 == b->rs2 && a->imm == b->imm;
}

static unsigned encode_16(const struct px_insn *insn, uint32_t *word)
{
    const struct px_rvc_info *info = &px_rvcs[insn->rvc];
    uint32_t bits;
    if ((insn->rd | insn->rs1 | insn->rs2) >= PX_REG_COUNT ||
        !place_rvc_immediate((uint32_t)insn->imm, info->format, &bits))
        return 0;
    bits |= info->match | rvc_registers(insn, info->format);
    struct px_insn back = px_decode_word(bits);
    if (back.rvc != insn->rvc || !same_operands(&back, insn))
        return 0;
    *word = bits;
    return 2;
}

unsigned px_encode(const struct px_insn *insn, uint32_t *word)
{
    if (insn->op == PX_OP_ILLEGAL || insn->op >= PX_OP_COUNT || insn->rvc >= PX_C_COUNT)
        return 0;
    return insn->rvc == PX_C_NONE ? encode_32(insn, word) : encode_16(insn, word);
}

/* What each compressed row expands to, in bytes of their own: most instructions have no row, and this is quick to
 * search. */
static const uint8_t expansions[PX_C_COUNT] = {
#define PX_RVC(name, mnemonic, format, match, mask, expansion, demands) [PX_C_##name] = PX_OP_##expansion,
#include "vm/isa.def"
};

bool px_compress(struct px_insn *insn)
{
    const uint8_t *at = expansions + PX_C_NONE + 1, *end = expansions + PX_C_COUNT;
    while ((at = memchr(at, insn->op, (size_t)(end - at))) != NULL) {
        struct px_insn candidate = *insn;
        uint32_t word;
        candidate.rvc = (uint8_t)(at - expansions);
        candidate.len = 2;
        if (encode_16(&candidate, &word) == 2) {
            *insn = candidate;
            return true;
        }
        at++;
    }
    return false;
}
