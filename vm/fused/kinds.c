#include "vm/fused/kinds.h"

_Static_assert(FUSED_ILLEGAL + 0 == PX_OP_ILLEGAL + 0 && FUSED_CZERO_NEZ + 0 == PX_OP_CZERO_NEZ + 0 &&
                   FUSED_LI + 0 == PX_OP_COUNT + 0,
               "an instruction's kind is its opcode unless fused_see() says otherwise");

static bool does_nothing(const struct px_insn *insn)
{
    const struct px_op_info *info = &px_ops[insn->op];
    return info->effects == PX_EFF_NONE && (insn->rd == 0 || !(info->regs & PX_HAS_RD));
}

bool fused_see(const struct px_insn *insn, unsigned written, struct fused_step *step)
{
    if (does_nothing(insn))
        return false;
    *step = (struct fused_step){ .kind = insn->op, .rd = insn->rd, .rs1 = insn->rs1, .rs2 = insn->rs2 };
    unsigned regs = px_ops[insn->op].regs;
    if (insn->op == PX_OP_LUI || (insn->op == PX_OP_ADDI && insn->rs1 == 0)) {
        step->kind = FUSED_LI;
    } else if (insn->op == PX_OP_ADDI && insn->imm == 0) {
        step->kind = FUSED_MV;
    } else if (insn->op == PX_OP_ADD && (insn->rs1 == 0 || insn->rs2 == 0)) {
        step->kind = FUSED_MV;
        step->rs1 = insn->rs1 | insn->rs2;
        regs &= ~(unsigned)PX_HAS_RS2;
    } else if (insn->op == PX_OP_JAL && insn->rd == 0) {
        step->kind = FUSED_J;
    }
    if (written != 0 && (regs & PX_HAS_RS1) && step->rs1 == written)
        step->form = 1;
    else if (written != 0 && (regs & PX_HAS_RS2) && step->rs2 == written)
        step->form = 2;
    return true;
}

const char *fused_kind_name(enum fused_kind kind)
{
    switch (kind) {
    case FUSED_LI:
        return "li";
    case FUSED_MV:
        return "mv";
    case FUSED_J:
        return "j";
    case FUSED_NEXT:
        return "next";
    default:
        return px_ops[kind].mnemonic;
    }
}

/* By what there is already, what comes next and its form; sequences are counted from FUSED_SINGLES. */
static const uint8_t longer[FUSED_KINDS][FUSED_SINGLES][FUSED_FORMS] = {
#define NUMBER(sequence) (sequence) - FUSED_SINGLES + 1
#define FUSED_2(a, b, f) [FUSED_##a][FUSED_##b][f] = NUMBER(FUSED_##a##_##b##f),
#define FUSED_3(a, b, f, c, g) [FUSED_##a##_##b##f][FUSED_##c][g] = NUMBER(FUSED_##a##_##b##f##_##c##g),
#define FUSED_4(a, b, f, c, g, d, h)                                                                         \
    [FUSED_##a##_##b##f##_##c##g][FUSED_##d][h] = NUMBER(FUSED_##a##_##b##f##_##c##g##_##d##h),
#include "vm/fused/sequences.def"
#undef NUMBER
};

_Static_assert(FUSED_KINDS - FUSED_SINGLES <= UINT8_MAX, "longer[] has bytes");

enum fused_kind fused_extend(enum fused_kind kind, enum fused_kind next, unsigned form)
{
    unsigned number = longer[kind][next][form];
    if (number == 0)
        number = longer[kind][next][0];
    return number == 0 ? FUSED_ILLEGAL : (enum fused_kind)(FUSED_SINGLES + number - 1);
}
