#include "harness/fuzz/warm.h"

#include "vm/isa.h"

enum { CALL_BYTES = 1 << 20 }; /* what one host call takes at most */

#define DATA UINT64_C(0x10000000)
_Static_assert(FUZZ_WARM_PAGES *PX_PAGE_SIZE % CALL_BYTES == 0, "whole host calls");

/* Sticky, like a builder of programs. */
static void emit(struct px_program *program, struct px_insn insn, enum px_status *status)
{
    insn.len = 4;
    if (*status == PX_OK)
        *status = px_program_emit(program, &insn);
}

/* A block, a branch, and a way out of each four bytes. */
static void branches(struct px_program *program, int32_t distance, enum px_status *status)
{
    while (program->code_size < FUZZ_WARM_BYTES)
        emit(program, (struct px_insn){ .op = PX_OP_BEQ, .rs1 = 5, .rs2 = 6, .imm = distance }, status);
}

static void loads(struct px_program *program, enum px_status *status)
{
    while (program->code_size < FUZZ_WARM_BYTES)
        emit(program, (struct px_insn){ .op = PX_OP_LD, .rd = 7, .rs1 = 10 }, status);
}

static void pages(struct px_program *program, enum px_status *status)
{
    for (size_t i = 0; i < FUZZ_WARM_PAGES * PX_PAGE_SIZE / CALL_BYTES; i++) {
        emit(program, (struct px_insn){ .op = PX_OP_ECALLI, .imm = 2 }, status);
        emit(program, (struct px_insn){ .op = PX_OP_ADD, .rd = 10, .rs1 = 10, .rs2 = 12 }, status);
    }
}

/* The same number of pages read, of one read-only mapping: a unit for each cluster. */
static void units(struct px_program *program, enum px_status *status)
{
    for (size_t i = 0; i < FUZZ_WARM_PAGES * PX_PAGE_SIZE / CALL_BYTES; i++) {
        emit(program, (struct px_insn){ .op = PX_OP_ADD, .rd = 10, .rs1 = 6 }, status);
        emit(program, (struct px_insn){ .op = PX_OP_ECALLI, .imm = 3 }, status);
        emit(program, (struct px_insn){ .op = PX_OP_ADD, .rd = 6, .rs1 = 6, .rs2 = 11 }, status);
    }
}

enum px_status fuzz_warm(unsigned index, struct px_program *program, struct px_error *err)
{
    static const uint8_t content[FUZZ_WARM_BYTES] = { 1 };
    enum px_status status;
    px_program_clear(program);
    program->gas = UINT64_C(1) << 40;
    program->x[10] = DATA;
    program->x[6] = DATA;
    program->x[11] = program->x[12] = CALL_BYTES;
    status = px_program_map(program, DATA, FUZZ_WARM_PAGES * PX_PAGE_SIZE,
                            index == 4 ? PX_MAP_RO : PX_MAP_COW, content, sizeof content);
    switch (index) {
    case 0:
        branches(program, 4, &status);
        break;
    case 1:
        branches(program, 2, &status); /* into an instruction */
        break;
    case 2:
        loads(program, &status);
        break;
    case 3:
        pages(program, &status);
        break;
    default:
        units(program, &status);
        break;
    }
    return status == PX_OK ? PX_OK : px_fail(err, status, "out of memory for the first programs");
}
