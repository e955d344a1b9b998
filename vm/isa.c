#include "vm/isa.h"

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

const uint8_t px_format_regs[PX_FMT_COUNT] = {
    [PX_FMT_NONE] = 0,
    [PX_FMT_R] = PX_HAS_RD | PX_HAS_RS1 | PX_HAS_RS2,
    [PX_FMT_R1] = PX_HAS_RD | PX_HAS_RS1,
    [PX_FMT_I] = PX_HAS_RD | PX_HAS_RS1,
    [PX_FMT_SH6] = PX_HAS_RD | PX_HAS_RS1,
    [PX_FMT_SH5] = PX_HAS_RD | PX_HAS_RS1,
    [PX_FMT_LOAD] = PX_HAS_RD | PX_HAS_RS1,
    [PX_FMT_STORE] = PX_HAS_RS1 | PX_HAS_RS2,
    [PX_FMT_BRANCH] = PX_HAS_RS1 | PX_HAS_RS2,
    [PX_FMT_U] = PX_HAS_RD,
    [PX_FMT_JAL] = PX_HAS_RD,
    [PX_FMT_JALR] = PX_HAS_RD | PX_HAS_RS1,
    [PX_FMT_FENCE] = 0,
    [PX_FMT_ECALLI] = 0,
};

const char *const px_reg_names[PX_REG_COUNT] = {
    [0] = "zero", [1] = "ra", [2] = "sp",  [3] = "gp",  [4] = "tp",  [5] = "t0",  [6] = "t1",  [7] = "t2",
    [8] = "s0",   [9] = "s1", [10] = "a0", [11] = "a1", [12] = "a2", [13] = "a3", [14] = "a4", [15] = "a5",
};

_Static_assert(PX_OP_COUNT <= 256, "struct px_insn keeps the opcode in a byte");
