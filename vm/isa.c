#include "vm/isa.h"

#define RD 0x00000f80
#define RS1 0x000f8000
#define RS2 0x01f00000

/* What follows from a format: register fields, immediate at the top of the word, immediate elsewhere. */
#define LAYOUT_NONE .fields = 0
#define LAYOUT_R .fields = RD | RS1 | RS2, .regs = PX_HAS_RD | PX_HAS_RS1 | PX_HAS_RS2
#define LAYOUT_R1 .fields = RD | RS1, .regs = PX_HAS_RD | PX_HAS_RS1
#define LAYOUT_I .fields = RD | RS1, .regs = PX_HAS_RD | PX_HAS_RS1, .top = -1
#define LAYOUT_SH6 .fields = RD | RS1, .regs = PX_HAS_RD | PX_HAS_RS1, .top = 63
#define LAYOUT_SH5 .fields = RD | RS1, .regs = PX_HAS_RD | PX_HAS_RS1, .top = 31
#define LAYOUT_LOAD .fields = RD | RS1, .regs = PX_HAS_RD | PX_HAS_RS1, .top = -1
#define LAYOUT_STORE .fields = RS1 | RS2, .regs = PX_HAS_RS1 | PX_HAS_RS2, .scattered = true
#define LAYOUT_BRANCH .fields = RS1 | RS2, .regs = PX_HAS_RS1 | PX_HAS_RS2, .scattered = true
#define LAYOUT_U .fields = RD, .regs = PX_HAS_RD, .scattered = true
#define LAYOUT_JAL .fields = RD, .regs = PX_HAS_RD, .scattered = true
#define LAYOUT_JALR .fields = RD | RS1, .regs = PX_HAS_RD | PX_HAS_RS1, .top = -1
#define LAYOUT_FENCE .scattered = true
#define LAYOUT_ECALLI .scattered = true

const struct px_op_info px_ops[PX_OP_COUNT] = {
    [PX_OP_ILLEGAL] = { .mnemonic = "illegal",
                        .format = PX_FMT_NONE,
                        .extension = PX_EXT_I,
                        .gas = PX_GC_STOP,
                        .effects = PX_EFF_TERM },
#define PX_OP(name_, mnemonic_, format_, match_, mask_, extension_, gas_, effects_)                          \
    [PX_OP_##name_] = { .mnemonic = mnemonic_,                                                               \
                        .match = match_,                                                                     \
                        .mask = mask_,                                                                       \
                        LAYOUT_##format_,                                                                    \
                        .format = PX_FMT_##format_,                                                          \
                        .extension = PX_EXT_##extension_,                                                    \
                        .gas = PX_GC_##gas_,                                                                 \
                        .effects = effects_ },
#include "vm/isa.def"
};

const struct px_rvc_info px_rvcs[PX_C_COUNT] = {
#define PX_RVC(name_, mnemonic_, format_, match_, mask_, expansion_, demands_)                               \
    [PX_C_##name_] = { .mnemonic = mnemonic_,                                                                \
                       .match = match_,                                                                      \
                       .mask = mask_,                                                                        \
                       .format = PX_RVC_##format_,                                                           \
                       .expansion = PX_OP_##expansion_,                                                      \
                       .demands = PX_RVC_##demands_ },
#include "vm/isa.def"
};

const char *const px_reg_names[PX_REG_COUNT] = {
    [0] = "zero", [1] = "ra", [2] = "sp",  [3] = "gp",  [4] = "tp",  [5] = "t0",  [6] = "t1",  [7] = "t2",
    [8] = "s0",   [9] = "s1", [10] = "a0", [11] = "a1", [12] = "a2", [13] = "a3", [14] = "a4", [15] = "a5",
};

_Static_assert(PX_OP_COUNT <= 256, "struct px_insn keeps the opcode in a byte");
