/*
 * What the encoder's tests share: one instruction is emitted, decoded by Zydis and compared with
 * what was wanted, as a whole.
 */
#ifndef PX_JIT_X64_CHECK_H
#define PX_JIT_X64_CHECK_H

#include "jit/x64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <Zydis/Zydis.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof *(a))

/* Around the widths of displacements and immediates, and one whose bytes all differ. */
static const int32_t int32_edges[] = {
    0, 1, -1, 127, 128, -128, -129, 255, 0x7fffffff, INT32_MIN, 0x12345678
};

#define M(name) ZYDIS_MNEMONIC_##name

static const ZydisMnemonic alu[] = {
    [X64_ADD] = M(ADD), [X64_OR] = M(OR),   [X64_ADC] = M(ADC), [X64_SBB] = M(SBB),
    [X64_AND] = M(AND), [X64_SUB] = M(SUB), [X64_XOR] = M(XOR), [X64_CMP] = M(CMP),
};

/* Of x64_load and x64_extend: the mnemonic, and the widths extended to and from. */
static const struct extension {
    ZydisMnemonic mnemonic;
    unsigned to, from;
} extension[] = {
    [X64_U8] = { M(MOVZX), 32, 8 },   [X64_S8] = { M(MOVSX), 64, 8 }, [X64_U16] = { M(MOVZX), 32, 16 },
    [X64_S16] = { M(MOVSX), 64, 16 }, [X64_U32] = { M(MOV), 32, 32 }, [X64_S32] = { M(MOVSXD), 64, 32 },
    [X64_U64] = { M(MOV), 64, 64 },
};

/* One operand: unused when @type is 0. */
struct operand {
    ZydisOperandType type;
    unsigned bits;      /* of the register, the access, or the immediate as encoded */
    ZydisRegister reg;  /* of a register */
    int64_t value;      /* of an immediate, sign-extended */
    struct x64_mem mem; /* of memory */
    bool relative;      /* the immediate counts from the instruction's end */
    bool address_only;  /* the memory is not accessed */
};

struct want {
    ZydisMnemonic mnemonic;
    unsigned width; /* operand width */
    struct operand op[3];
    unsigned mandatory; /* prefixes that belong to the opcode */
};

struct judge {
    ZydisDecoder decoder;
    struct x64 e;
    uint8_t code[32];
};

static inline void judge_init(struct judge *j)
{
    ZydisDecoderInit(&j->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    x64_init(&j->e, j->code, sizeof j->code);
}

static inline unsigned size_bits(enum x64_size size)
{
    return size == X64_64 ? 64 : 32;
}

static inline ZydisRegister reg_name(unsigned reg, unsigned bits)
{
    if (reg == X64_NO_REG)
        return ZYDIS_REGISTER_NONE;
    switch (bits) {
    case 8:
        return (ZydisRegister)(reg < RSP ? ZYDIS_REGISTER_AL + reg : ZYDIS_REGISTER_SPL + (reg - RSP));
    case 16:
        return (ZydisRegister)(ZYDIS_REGISTER_AX + reg);
    case 32:
        return (ZydisRegister)(ZYDIS_REGISTER_EAX + reg);
    default:
        return (ZydisRegister)(ZYDIS_REGISTER_RAX + reg);
    }
}

static inline struct operand reg_op(enum x64_reg reg, unsigned bits)
{
    return (struct operand){ .type = ZYDIS_OPERAND_TYPE_REGISTER, .bits = bits, .reg = reg_name(reg, bits) };
}

static inline struct operand imm_op(int64_t value, unsigned bits)
{
    return (struct operand){ .type = ZYDIS_OPERAND_TYPE_IMMEDIATE, .bits = bits, .value = value };
}

/* A sign-extended immediate in its shortest form. */
static inline struct operand short_imm_op(int32_t value)
{
    return imm_op(value, value >= -128 && value <= 127 ? 8 : 32);
}

static inline struct operand rel_op(int64_t value, unsigned bits)
{
    return (struct operand){
        .type = ZYDIS_OPERAND_TYPE_IMMEDIATE, .bits = bits, .value = value, .relative = true
    };
}

static inline struct operand mem_op(struct x64_mem mem, unsigned bits)
{
    return (struct operand){ .type = ZYDIS_OPERAND_TYPE_MEMORY, .bits = bits, .mem = mem };
}

static inline struct operand address_op(struct x64_mem mem)
{
    return (struct operand){
        .type = ZYDIS_OPERAND_TYPE_MEMORY, .bits = mem.addr32 ? 32 : 64, .mem = mem, .address_only = true
    };
}

/* The displacement, which is there whatever the base and may be short; without a base it is long. */
static inline unsigned disp_bits(struct x64_mem m)
{
    if (m.base == X64_NO_REG)
        return 32;
    return m.disp >= -128 && m.disp <= 127 ? 8 : 32;
}

static inline bool same_mem(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *got,
                            const struct operand *want)
{
    struct x64_mem m = want->mem;
    unsigned width = m.addr32 ? 32 : 64;
    ZydisRegister segment = m.gs && !want->address_only      ? ZYDIS_REGISTER_GS
                            : m.base == RSP || m.base == RBP ? ZYDIS_REGISTER_SS
                                                             : ZYDIS_REGISTER_DS;

    return got->mem.type == (want->address_only ? ZYDIS_MEMOP_TYPE_AGEN : ZYDIS_MEMOP_TYPE_MEM) &&
           got->mem.segment == segment && got->mem.base == reg_name(m.base, width) &&
           got->mem.index == reg_name(m.index, width) &&
           got->mem.scale == (m.index == X64_NO_REG ? 0 : m.scale) && got->mem.disp.value == m.disp &&
           insn->raw.disp.size == disp_bits(m) && insn->address_width == width;
}

static inline bool same_operand(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *got,
                                const struct operand *want)
{
    if (got->type != want->type || got->size != want->bits)
        return false;
    switch (want->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        return got->reg.value == want->reg;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        return same_mem(insn, got, want);
    default:
        return got->imm.value.s == want->value && got->imm.is_relative == want->relative;
    }
}

/* Whether the prefixes are those wanted and no others, with a REX in every form that has a ModRM byte. */
static inline bool same_prefixes(const ZydisDecodedInstruction *insn, const struct want *want)
{
    bool rex = insn->attributes & ZYDIS_ATTRIB_HAS_REX;
    bool plain = insn->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
    unsigned count = want->mandatory + (want->width == 16) + rex;

    for (size_t i = 0; i < ARRAY_SIZE(want->op); i++) {
        const struct operand *op = &want->op[i];

        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
            count += (op->mem.gs && !op->address_only) + (unsigned)op->mem.addr32;
    }
    if (plain && (insn->attributes & ZYDIS_ATTRIB_HAS_MODRM) && !rex)
        return false;
    return insn->raw.prefix_count == count;
}

static inline void fail_decoded(const struct judge *j, const ZydisDecodedInstruction *insn,
                                const ZydisDecodedOperand *got, const struct want *want)
{
    ZydisFormatter formatter;
    char text[128] = "", bytes[64] = "";

    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterFormatInstruction(&formatter, insn, got, insn->operand_count_visible, text, sizeof text, 0,
                                    NULL);
    for (size_t i = 0; i < x64_offset(&j->e) && i < 16; i++)
        snprintf(bytes + 3 * i, 4, "%02x ", j->code[i]);
    for (size_t i = 0; i < ARRAY_SIZE(want->op) && want->op[i].type; i++) {
        const struct operand *o = &want->op[i];
        const char *reg = ZydisRegisterGetString(o->reg);

        print_error(
            "operand %zu: type %d, %u bits, reg %s, value %#llx, mem base %u index %u scale %u disp %d "
            "gs %d addr32 %d\n",
            i, (int)o->type, o->bits, reg ? reg : "none", (unsigned long long)o->value, o->mem.base,
            o->mem.index, o->mem.scale, o->mem.disp, o->mem.gs, o->mem.addr32);
    }
    fail_msg("wanted %s at %u bits with the operands above; %u bytes %sare \"%s\" (%u)",
             ZydisMnemonicGetString(want->mnemonic), want->width, x64_offset(&j->e), bytes, text,
             insn->length);
}

/* Takes what was emitted since the last call for one instruction, which must be @want, in full. */
static inline void check(struct judge *j, const struct want *want)
{
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand got[ZYDIS_MAX_OPERAND_COUNT];
    size_t length = x64_offset(&j->e), count = 0;
    bool same;

    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&j->decoder, j->code, length, &insn, got))) {
        memset(&insn, 0, sizeof insn);
        fail_decoded(j, &insn, got, want);
    }
    same = !j->e.overflow && insn.length == length && insn.mnemonic == want->mnemonic &&
           insn.operand_width == want->width && same_prefixes(&insn, want);
    for (; same && count < ARRAY_SIZE(want->op) && want->op[count].type; count++)
        same = count < insn.operand_count_visible && same_operand(&insn, &got[count], &want->op[count]);
    if (!same || count != insn.operand_count_visible)
        fail_decoded(j, &insn, got, want);
    x64_init(&j->e, j->code, sizeof j->code);
}

#endif
