/*
 * What generators share: a program under construction, biased choices of registers and instructions, the
 * standard regions.
 */
#ifndef PX_BUILDER_H
#define PX_BUILDER_H

#include "generators/operands.h"
#include "generators/prng.h"
#include "vm/isa.h"
#include "vm/program.h"

struct builder {
    struct prng prng;
    struct px_program *program;
    enum px_status status; /* sticky: the first failure */
    uint16_t reserved;     /* bit x: random instructions do not write x */
    uint8_t likes[32];     /* registers to draw from: every one, and this program's favourites again */
    uint8_t compress;      /* try a compressed form once in so many; 0 = never */
    uint8_t first, span;   /* the window of register-only operations that this program draws from */
    bool halves;           /* every second random instruction is drawn among the compressed rows */
};

void builder_init(struct builder *b, uint64_t seed, uint64_t index, struct px_program *program);

/* Seeds x1..x15 from the pool. */
void builder_seed_registers(struct builder *b);

/* Maps one region; as px_program_map. */
void builder_map(struct builder *b, uint64_t start, uint64_t size, enum px_map_kind kind, const void *content,
                 size_t content_size);
/* What mappings hold: bytes that repeat after 256 of them. */
enum { BUILDER_PATTERN = 0x2000 };
extern const uint8_t builder_pattern[BUILDER_PATTERN];
/* Maps the standard regions of operands.h. */
void builder_map_regions(struct builder *b);

/* A source register, and a destination that is not reserved. */
unsigned builder_source(struct builder *b);
unsigned builder_target(struct builder *b);

/* Appends an instruction, sometimes compressed. */
void builder_emit(struct builder *b, struct px_insn *insn);
/* The same by operands; never compressed. */
void builder_op(struct builder *b, enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm);
void builder_word(struct builder *b, uint32_t word);
void builder_half(struct builder *b, uint16_t half);
void builder_bytes(struct builder *b, const void *bytes, size_t size);

/* A random register-only instruction. */
void builder_alu(struct builder *b);

/* Offset of the next instruction. */
uint32_t builder_here(const struct builder *b);
/* Points the jump at offset @at to offset @target; to the instruction behind it, when it does not reach that far. */
void builder_aim(struct builder *b, uint32_t at, uint32_t target);
/* The same for any instruction with an immediate that counts from offset @from. */
void builder_aim_from(struct builder *b, uint32_t at, uint32_t from, uint32_t target);

#endif
