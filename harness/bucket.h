/*
 * The bucket of a divergence: which engines, the first instruction whose effects differ or the group of instructions that go
 * wrong as it does, what kind of effect, and what it takes. The name is that of the simplest program that still diverges
 * (reduce.h): nothing in it depends on the seed, nor on registers, operands or addresses that any other could stand in for.
 *
 *     interp|block:divw:reg:int-min/-1               a wrong result, in the overflow case alone
 *     interp|block:shift:reg:rd=rs2                  of every shift whose destination is its count
 *     interp|block:load:exit:page_fault/none,straddle one side faults, the other goes on, over a page's end
 *     interp|block:div:SIGFPE:zero-divisor           the host process died
 *     interp|block:any:reg:after-like-x4,x3          of whatever names x3 once the same with x4 was compiled before it
 *     interp|block:immediate:reg:imm=128             of whatever takes this immediate
 *     interp|fused:any+any:reg:rs2-from-before       of any second of two, whose rs2 is what the first wrote
 *     interp|block:xor:reg:in-context                alone, xor agrees; or it was not made simple in as many tries as are allowed
 *     interp|block:xor:reg:in-its-block              so does every part of its block
 */
#ifndef PX_BUCKET_H
#define PX_BUCKET_H

#include "harness/finding.h"
#include "vm/isa.h"

enum { BUCKET_ENGINES_MAX = 132 };

enum bucket_place {
    BUCKET_INSN,     /* the instruction was found */
    BUCKET_BLOCK, /* only its block was: alone, the block's instructions agree; op is the likeliest of them */
    BUCKET_VANISHED, /* the divergence vanishes under observation */
};

struct bucket {
    bool diverges; /* false: nothing below means anything */
    struct finding finding; /* of the whole program */
    enum bucket_place place;

    uint64_t block; /* the block that diverges, counted as executed, from 1; 0 when not known */
    uint64_t visit; /* BUCKET_INSN: it then runs for the so manieth time, from 1; 0: not counted */
    size_t number, count; /* BUCKET_INSN: it is the block's instruction @number, from 1, of @count */
    struct finding at; /* BUCKET_INSN, BUCKET_BLOCK: what differs behind it, in lockstep */
    uint32_t block_pc; /* where it starts, and the registers there */
    uint64_t block_x[PX_REG_COUNT];
    uint64_t block_gas; /* left there */
    struct px_insn insn; /* BUCKET_INSN: it, its offset and the registers before it */
    uint32_t pc;
    uint64_t x[PX_REG_COUNT];
    bool x_known;
    uint32_t address; /* of the access, and the bytes there before it, when bytes_known > 0: so many */
    uint8_t bytes[8];
    size_t bytes_known;

    char engines[BUCKET_ENGINES_MAX]; /* both canonical specs, "interp|block" */
    char op[48]; /* mnemonic; "gate", "entry", "end", "compile", "?" where there is none */
    char fields[24]; /* bucket_field, or what killed the process */
    char operands[160]; /* special case of the operands, exits of both sides, or "-" */
    char id[400]; /* ENGINES:OP:FIELDS:OPERANDS */
    char hash[9]; /* of the id: eight hex digits */
};

/*
 * The one word for a set of differences: what else differs follows from it. A wrong branch also has other gas,
 * a wrong address other bytes or pages: exit, arg, pc, mem, reg, gas, count, in this order.
 */
const char *bucket_field(uint32_t fields);

/* "page_fault/none": how two sides left one instruction; one that went on reads "none". */
void bucket_exits(const struct px_outcome *a, const struct px_outcome *b, char *text, size_t size);

/* "SIGFPE", "hang", "died": what ended a process. */
void bucket_death(enum finding_kind kind, int signal_number, char *text, size_t size);

/*
 * The case of ISA.md or of the RISC-V specification that @a and @b are for @op ("int-min/-1", "zero-divisor", "wide-shift"),
 * NULL for operands like any other.
 */
const char *bucket_special(enum px_op op, uint64_t a, uint64_t b);

/* The eight hex digits for an id of @length bytes. */
void bucket_hash(const char *id, size_t length, char hash[9]);

/* Makes id and hash from the other texts. */
void bucket_name(struct bucket *bucket);

/* The same as finding_make_harmless for a bucket, whose texts become names of files; id and hash are made anew. */
void bucket_make_harmless(struct bucket *bucket);

/* "1a2b3c4d-divw": what its folder is called. NUL-terminated; returns the untruncated length. */
size_t bucket_folder(const struct bucket *bucket, char *text, size_t size);

#endif
