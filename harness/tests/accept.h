/*
 * Acceptance cases: a program beside the whole outcome that ISA.md promises for it, worked out by hand.
 * Each case runs on every engine of accept_engines, which must agree among themselves and with the case in
 * everything that can be observed: exit, pc, gas, all registers, instruction counts, dirty pages, memory.
 */
#ifndef PX_ACCEPT_H
#define PX_ACCEPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/run.h"
#include "vm/image.h"
#include "vm/isa.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The costs that cases add up to, as ISA.md 5 and 7 state them. */
enum {
    PAGE = 4096,
    CLUSTER = 2 << 20,
    PAGE_IN = 250,
    COW = 500,
    FIRST_WRITE = PAGE_IN + COW,
    CALL = 100, /* ecalli and ecall.jar, before any extra */
    GAS = 1000000, /* enough for every case that does not care */
};

#define DATA UINT32_C(0x10000000)
#define CODE UINT32_C(0x00400000)
#define ALIAS UINT64_C(0xfeedf00d00000000) /* high halves that address arithmetic drops */

enum {
    ACCEPT_CODE_MAX = 40,
    ACCEPT_REGS_MAX = 16,
    ACCEPT_MAPS_MAX = 8,
    ACCEPT_STORED_MAX = 8,
};

/* x[x] = value. x = 0 ends a list. */
struct accept_reg {
    uint8_t x;
    uint64_t value;
};

/* Bytes that the guest stored: @size of @value in little-endian order, or @size times its low byte. Size 0
 * ends a list. */
struct accept_bytes {
    uint32_t at, size;
    uint64_t value;
    bool fill;
};

struct accept_case {
    const char *name; /* for messages of tests that run many cases; may be NULL */

    struct px_insn code[ACCEPT_CODE_MAX]; /* ends at the first whose len is 0 */
    const uint8_t *bytes; /* unless NULL: the code, size bytes of it */
    size_t size;
    uint32_t cut; /* bytes taken off the end of code[] */
    uint32_t entry;
    uint64_t gas;
    struct accept_reg in[ACCEPT_REGS_MAX]; /* all others start as accept_pattern says */
    struct px_mapping maps[ACCEPT_MAPS_MAX]; /* ends at size 0 */

    enum px_exit exit;
    uint32_t pc;
    int64_t arg;
    uint64_t spent; /* of gas */
    uint64_t count; /* instructions begun */
    struct accept_reg out[ACCEPT_REGS_MAX]; /* all others end as they started */
    struct accept_bytes stored[ACCEPT_STORED_MAX]; /* all other bytes stay; their pages are the dirty set */
};

extern const char accept_engines[];

/* Opens the engines into *state, a struct run; closes them. */
int accept_setup(void **state);
int accept_teardown(void **state);
#define ACCEPT_TEST(test) cmocka_unit_test_setup_teardown(test, accept_setup, accept_teardown)

/*
 * From now on, in this test, host faults are asked of these engines: touch=fault needs it. accept_check does it
 * itself; the setup cannot do it for the other tests, since cmocka installs its own handlers after that.
 */
void accept_route_faults(const struct engine *engines, size_t count);

/* Runs @c twice (the second run must see nothing of the first) on every engine and fails the test unless the
 * outcome is the one it states. */
void accept_check(struct run *run, const struct accept_case *c);

/* The same for @count cases that differ in gas and outcome alone: one unit serves them all. */
void accept_check_each(struct run *run, const struct accept_case *cases, size_t count);

/* The same for a caller that chooses PX_PREPARE_STOPPABLE and the stop. */
void accept_check_stopped(struct run *run, const struct accept_case *c, uint64_t stop_after_blocks);

/* Whether @engine counts its instructions as interpreted; the others make native code of all they run. */
bool accept_interprets(const struct engine *engine);

/* What register @x holds at the start unless a case says otherwise: a clobbered one shows. */
uint64_t accept_pattern(unsigned x);

/* A digest of everything observable about a run that has just ended in @outcome on @engine: the same on every
 * engine. */
uint64_t accept_digest(const struct engine *engine, const struct px_image *image,
                       const struct px_outcome *outcome);

/* Encodes @in at code + @at; the offset behind it. */
size_t accept_put(uint8_t *code, size_t at, struct px_insn in);

/* Instructions, operands in the order of assembly. */

static inline struct px_insn insn(enum px_op op, unsigned rd, unsigned rs1, unsigned rs2, int32_t imm)
{
    return (struct px_insn){
        .op = (uint8_t)op, .len = 4, .rd = (uint8_t)rd, .rs1 = (uint8_t)rs1, .rs2 = (uint8_t)rs2, .imm = imm
    };
}

static inline struct px_insn rr(enum px_op op, unsigned rd, unsigned rs1, unsigned rs2)
{
    return insn(op, rd, rs1, rs2, 0);
}

static inline struct px_insn ri(enum px_op op, unsigned rd, unsigned rs1, int32_t imm)
{
    return insn(op, rd, rs1, 0, imm);
}

static inline struct px_insn load(enum px_op op, unsigned rd, int32_t imm, unsigned rs1)
{
    return insn(op, rd, rs1, 0, imm);
}

static inline struct px_insn store(enum px_op op, unsigned rs2, int32_t imm, unsigned rs1)
{
    return insn(op, 0, rs1, rs2, imm);
}

/* Jump targets are relative to the instruction. */
static inline struct px_insn branch(enum px_op op, unsigned rs1, unsigned rs2, int32_t offset)
{
    return insn(op, 0, rs1, rs2, offset);
}

static inline struct px_insn jal(unsigned rd, int32_t offset)
{
    return insn(PX_OP_JAL, rd, 0, 0, offset);
}

static inline struct px_insn jalr(unsigned rd, int32_t imm, unsigned rs1)
{
    return insn(PX_OP_JALR, rd, rs1, 0, imm);
}

/* lui and auipc: the upper 20 bits. */
static inline struct px_insn upper(enum px_op op, unsigned rd, uint32_t imm20)
{
    return insn(op, rd, 0, 0, (int32_t)(imm20 << 12));
}

static inline struct px_insn ecalli(int32_t selector)
{
    return insn(PX_OP_ECALLI, 0, 0, 0, selector);
}

static inline struct px_insn plain(enum px_op op)
{
    return insn(op, 0, 0, 0, 0);
}

static inline struct px_insn nop(void)
{
    return ri(PX_OP_ADDI, 0, 0, 0);
}

/* The same in the short form of row @rvc. */
static inline struct px_insn shrunk(enum px_rvc rvc, struct px_insn in)
{
    in.rvc = (uint8_t)rvc;
    in.len = 2;
    return in;
}

/* `ecalli 0`, a block of its own that costs CALL. */
static inline struct px_insn halt(void)
{
    return ecalli(0);
}

static inline struct px_insn fallthrough(void)
{
    return plain(PX_OP_FALLTHROUGH);
}

/* Words as they are, legal or not. */
static inline struct px_insn raw4(uint32_t word)
{
    return (struct px_insn){ .op = PX_OP_ILLEGAL, .len = 4, .imm = (int32_t)word };
}

static inline struct px_insn raw2(uint16_t half)
{
    return (struct px_insn){ .op = PX_OP_ILLEGAL, .len = 2, .imm = half };
}

/* Mappings. */

static inline struct px_mapping zero(uint64_t start, uint64_t size)
{
    return (struct px_mapping){ .start = start, .size = size, .kind = PX_MAP_ZERO };
}

static inline struct px_mapping ro(uint64_t start, uint64_t size, const uint8_t *content,
                                   uint64_t content_size)
{
    return (struct px_mapping){
        .start = start, .size = size, .kind = PX_MAP_RO, .content = content, .content_size = content_size
    };
}

static inline struct px_mapping cow(uint64_t start, uint64_t size, const uint8_t *content,
                                    uint64_t content_size)
{
    return (struct px_mapping){
        .start = start, .size = size, .kind = PX_MAP_COW, .content = content, .content_size = content_size
    };
}

/* Stored bytes. */

static inline struct accept_bytes stored(uint32_t at, uint32_t size, uint64_t value)
{
    return (struct accept_bytes){ .at = at, .size = size, .value = value };
}

static inline struct accept_bytes filled(uint32_t at, uint32_t size, uint8_t byte)
{
    return (struct accept_bytes){ .at = at, .size = size, .value = byte, .fill = true };
}

#endif
