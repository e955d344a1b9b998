/* Loads and stores; touching and faults as ISA.md 7 says. A load to x0 is a full access. */
#include <string.h>

#include "vm/machine.h"

/* True when the access may go ahead; its touches are charged. The gate at block entry reserved the gas. */
static bool grant(struct px_machine *m, uint64_t address, unsigned width, bool store)
{
    uint64_t charge;
    uint32_t fault;
    if (!px_memory_access(m->memory, address, width, store, &charge, &fault)) {
        px_exit(m, PX_EXIT_PAGE_FAULT, (int64_t)fault << PX_PAGE_BITS);
        return false;
    }
    m->gas -= charge;
    return true;
}

#define EXEC_LOAD(name, width, type)                                                                         \
    void exec_##name(struct px_machine *m, const struct px_insn *in)                                         \
    {                                                                                                        \
        uint64_t address = m->x[in->rs1] + (uint64_t)(int64_t)in->imm;                                       \
        const struct px_page *page = px_memory_again(m->memory, address, width, false);                      \
        type value;                                                                                          \
        if (page) {                                                                                          \
            memcpy(&value, page->data + address % PX_PAGE_SIZE, width);                                      \
            px_set(m, in->rd, (uint64_t)value);                                                              \
        } else if (grant(m, address, width, false))                                                          \
            px_set(m, in->rd, (uint64_t)(type)px_memory_read(m->memory, address, width));                    \
    }
#define EXEC_STORE(name, width)                                                                              \
    void exec_##name(struct px_machine *m, const struct px_insn *in)                                         \
    {                                                                                                        \
        uint64_t address = m->x[in->rs1] + (uint64_t)(int64_t)in->imm;                                       \
        const struct px_page *page = px_memory_again(m->memory, address, width, true);                       \
        if (page)                                                                                            \
            memcpy(page->frame + address % PX_PAGE_SIZE, &m->x[in->rs2], width);                             \
        else if (grant(m, address, width, true))                                                             \
            px_memory_write(m->memory, address, width, m->x[in->rs2]);                                       \
    }

EXEC_LOAD(LB, 1, int8_t)
EXEC_LOAD(LH, 2, int16_t)
EXEC_LOAD(LW, 4, int32_t)
EXEC_LOAD(LD, 8, uint64_t)
EXEC_LOAD(LBU, 1, uint8_t)
EXEC_LOAD(LHU, 2, uint16_t)
EXEC_LOAD(LWU, 4, uint32_t)
EXEC_STORE(SB, 1)
EXEC_STORE(SH, 2)
EXEC_STORE(SW, 4)
EXEC_STORE(SD, 8)

#undef EXEC_LOAD
#undef EXEC_STORE
