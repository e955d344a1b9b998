/* A program under construction and the cases of it, on their way into a sink. Internal to harness/vectors. */
#ifndef PX_VECTORS_MAKER_H
#define PX_VECTORS_MAKER_H

#include "harness/vectors/groups.h"
#include "vm/isa.h"

struct maker {
    const struct vectors_sink *sink;
    struct px_error *err;
    enum px_status status; /* sticky: the first failure; then nothing else happens */
    struct px_program program;
    uint64_t x[PX_REG_COUNT]; /* of the next case */
};

/* Registers rd, rs1, rs2 of an operation. */
struct maker_regs {
    uint8_t rd, rs1, rs2;
};

/* Apart, every way of coinciding, x0, x3, x4, and the registers that live in the host's rax, rcx and rdx. Of the temporaries x5, x6 and x7 none is among them. */
enum { MAKER_ALIASES = 20 };
extern const struct maker_regs maker_aliases[MAKER_ALIASES];

/* Then every register in every position, three neighbours at a time: turn 0 to MAKER_TURNS - 1. */
enum { MAKER_TURNS = PX_REG_COUNT - 1 };
struct maker_regs maker_turn(unsigned turn);

/* Whether an earlier aliasing is the same to an operation that names only @has (PX_HAS_*). */
bool maker_alias_is_double(unsigned alias, unsigned has);

/* Mappings of every kind: one over the edge of a cluster, one whose content ends within it, the end of the space. */
enum {
    MAKER_COW = 0x101fe000, /* 3 pages, two before the edge */
    MAKER_CLUSTER = 0x10200000, /* the edge */
    MAKER_RO = 0x10400000, /* 2 pages */
    MAKER_RO_END = MAKER_RO + 0x1800, /* its content */
};
#define MAKER_TOP UINT32_C(0xfffff000) /* 1 page */

/* An empty program with ample gas; every register differs from every other. */
void maker_begin(struct maker *m);
void maker_map_regions(struct maker *m);
void maker_op(struct maker *m, enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm);
void maker_word(struct maker *m, uint32_t word);
void maker_half(struct maker *m, uint16_t half);
void maker_zeros(struct maker *m, size_t size); /* illegal, and each a block start */
void maker_halt(struct maker *m, int32_t selector);

/* Hands the program on. */
void maker_record(struct maker *m);

/* Seeds a register of the next case; x0 stays as it is. */
void maker_seed(struct maker *m, unsigned x, uint64_t value);

/* Hands the case on; the next one begins with the program's registers again. */
void maker_case(struct maker *m);

/* The groups. */
void maker_make_op(struct maker *m, enum px_op op);
void maker_make_access(struct maker *m, enum px_op op);
void maker_make_jump(struct maker *m, enum px_op op);
void maker_make_flow(struct maker *m);
void maker_make_compressed(struct maker *m);
void maker_make_words(struct maker *m);

#endif
