/* Host calls (ISA.md 5), once more. */
#include <string.h>
#include <xxhash.h>

#include "vm/fused/unit.h"

static bool end(struct fused_machine *m, enum px_exit exit, int64_t arg)
{
    m->exit = exit;
    m->arg = arg;
    return false;
}

static bool pay(struct fused_machine *m, uint64_t extra)
{
    uint64_t price = PX_GAS_HOSTCALL + extra;
    if (m->gas < price)
        return end(m, PX_EXIT_OUT_OF_GAS, 0);
    m->gas -= price;
    return true;
}

/* An exit that is paid for: pc is behind it. */
static bool leave(struct fused_machine *m, enum px_exit exit, int64_t arg)
{
    if (!pay(m, 0))
        return false;
    m->pc += 4;
    return end(m, exit, arg);
}

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    while (exponent != 0) {
        result *= exponent & 1 ? base : 1;
        base *= base;
        exponent >>= 1;
    }
    return result;
}

/* Checks, pays for and touches x10 .. x10 + length. */
static bool claim(struct fused_machine *m, uint64_t length, bool store)
{
    if (length > PX_HOSTCALL_LENGTH_MAX)
        return end(m, PX_EXIT_PANIC, PX_PANIC_BAD_LENGTH);
    if (length == 0)
        return pay(m, 0);
    struct fused_range pages = fused_pages(m->x[10], length);
    uint64_t touches;
    uint32_t fault;
    if (!fused_memory_price(m->memory, pages, store, &touches, &fault))
        return end(m, PX_EXIT_PAGE_FAULT, (int64_t)fault << PX_PAGE_BITS);
    if (!pay(m, touches + length / 64))
        return false;
    fused_memory_touch(m->memory, pages, store);
    return !m->memory->refused;
}

bool fused_hostcall(struct fused_machine *m, int32_t selector)
{
    /* Such a range does not wrap: the first page of the space is never mapped. */
    uint8_t *bytes = m->memory->window + (uint32_t)m->x[10];
    switch (selector) {
    case PX_HOSTCALL_POW:
        if (!pay(m, PX_GAS_POW))
            return false;
        m->x[10] = power(m->x[10], m->x[11]);
        return true;
    case PX_HOSTCALL_FILL:
        if (!claim(m, m->x[12], true))
            return false;
        memset(bytes, (uint8_t)m->x[11], m->x[12]);
        return true;
    case PX_HOSTCALL_HASH:
        if (!claim(m, m->x[11], false))
            return false;
        m->x[10] = XXH3_64bits(bytes, m->x[11]);
        return true;
    default:
        return leave(m, PX_EXIT_HOSTCALL, selector);
    }
}

void fused_manage(struct fused_machine *m)
{
    (void)leave(m, PX_EXIT_MANAGE, 0);
}
