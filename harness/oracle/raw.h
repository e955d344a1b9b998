/*
 * Instruction words as the RISC-V specification writes them, read without vm/decode.c: the oracle judges that decoder
 * too. Only what qemu cannot run where the code lies is told apart; all else is RAW_NATIVE, legal or not, and qemu's to
 * judge. Compiled for the host and for the runner.
 */
#ifndef PX_ORACLE_RAW_H
#define PX_ORACLE_RAW_H

#include <stdbool.h>
#include <stdint.h>

enum raw_kind {
    RAW_NATIVE,
    RAW_LOAD,  /* native; read when it faults */
    RAW_STORE, /* the same */
    RAW_BRANCH, /* native while its target is a block start */
    RAW_JUMP,  /* `jal` without a link: the same */
    RAW_LINK,  /* `jal` that writes its link */
    RAW_INDIRECT, /* `jalr` */
    RAW_AUIPC,    /* one that writes a register */
    RAW_FALLTHROUGH,
    RAW_CTZW,   /* qemu 7.2 counts on beyond 32 bits */
    RAW_ZICOND, /* it does not know these two */
    /* What ends a run, or is not for qemu to say. */
    RAW_TRAP,
    RAW_MANAGE,
    RAW_HOSTCALL,
    RAW_STANDARD, /* ecall, ebreak */
    RAW_ILLEGAL, /* names x16..x31, is atomic, or is not wholly inside the code */
    RAW_END,     /* no instruction: the end of the code */
};

struct raw {
    uint8_t kind; /* enum raw_kind */
    uint8_t len;  /* 2 or 4; 0 for RAW_END */
    uint8_t rd, rs1, rs2;
    uint8_t width;     /* of a load or store, in bytes */
    bool sign_extends; /* a load */
    uint8_t condition; /* of a branch, of czero.eqz and czero.nez: the funct3 */
    int32_t
        imm; /* offsets of jumps, branches, loads and stores; auipc's, shifted; the selector of a host call */
};

/* Reads the instruction at even @offset of @size bytes; anything at all, RAW_END from @size on. */
struct raw raw_read(const uint8_t *code, uint64_t size, uint64_t offset);

/* Whether a branch with that funct3 is taken. */
bool raw_taken(unsigned condition, uint64_t a, uint64_t b);

#endif
