/* Host calls, ISA.md 5. */
#include "vm/machine.h"

#include <string.h>

#define XXH_STATIC_LINKING_ONLY /* for a hash state on the stack */
#include <xxhash.h>

/* Checks and takes 100 + @extra; too little gas is out_of_gas at the call's own pc. */
static bool take_gas(struct px_machine *m, uint64_t extra)
{
    uint64_t need = PX_GAS_HOSTCALL + extra;
    if (m->gas < need) {
        px_exit(m, PX_EXIT_OUT_OF_GAS, 0);
        return false;
    }
    m->gas -= need;
    return true;
}

/* Exits that charge before they exit; pc is the next instruction. */
static void leave(struct px_machine *m, enum px_exit exit, int64_t arg)
{
    if (!take_gas(m, 0))
        return;
    px_exit(m, exit, arg);
    m->pc = m->next;
}

static void call_pow(struct px_machine *m)
{
    if (!take_gas(m, PX_GAS_POW))
        return;
    uint64_t base = m->x[10], result = 1;
    for (uint64_t exponent = m->x[11]; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result *= base;
        base *= base;
    }
    px_set(m, 10, result);
}

static uint32_t page_at(uint64_t address, uint64_t index)
{
    return (uint32_t)((((uint32_t)address >> PX_PAGE_BITS) + index) & 0xfffff);
}

/* Pages of [address, address + length): 0 for an empty range. */
static uint64_t pages_of(uint64_t address, uint64_t length)
{
    return length ? (address % PX_PAGE_SIZE + length + PX_PAGE_SIZE - 1) / PX_PAGE_SIZE : 0;
}

/* The checks and charges of selectors 2 and 3, in their order; true when the call goes ahead. */
static bool grant_range(struct px_machine *m, uint64_t address, uint64_t length, bool store)
{
    if (length > PX_HOSTCALL_LENGTH_MAX) {
        px_exit(m, PX_EXIT_PANIC, PX_PANIC_BAD_LENGTH);
        return false;
    }
    uint64_t count = pages_of(address, length);
    for (uint64_t i = 0; i < count; i++) {
        if (!px_memory_allows(m->memory, page_at(address, i), store)) {
            px_exit(m, PX_EXIT_PAGE_FAULT, (int64_t)page_at(address, i) << PX_PAGE_BITS);
            return false;
        }
    }
    uint64_t touches = px_memory_price(m->memory, page_at(address, 0), count, store);
    if (!take_gas(m, touches + length / 64))
        return false;
    for (uint64_t i = 0; i < count; i++)
        px_memory_touch(m->memory, page_at(address, i), store);
    return true;
}

static void call_fill(struct px_machine *m)
{
    uint64_t address = m->x[10], length = m->x[12];
    if (!grant_range(m, address, length, true))
        return;
    while (length > 0) {
        uint64_t in_page = (uint32_t)address % PX_PAGE_SIZE;
        uint64_t piece = PX_PAGE_SIZE - in_page < length ? PX_PAGE_SIZE - in_page : length;
        struct px_page *page = px_memory_touch(m->memory, (uint32_t)address >> PX_PAGE_BITS, true);
        if (!page)
            return;
        memset(page->frame + in_page, (int)(m->x[11] & 0xff), piece);
        address += piece;
        length -= piece;
    }
}

static void call_hash(struct px_machine *m)
{
    uint64_t address = m->x[10], length = m->x[11];
    if (!grant_range(m, address, length, false))
        return;
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    while (length > 0) {
        uint64_t in_page = (uint32_t)address % PX_PAGE_SIZE;
        uint64_t piece = PX_PAGE_SIZE - in_page < length ? PX_PAGE_SIZE - in_page : length;
        const struct px_page *page = px_memory_touch(m->memory, (uint32_t)address >> PX_PAGE_BITS, false);
        if (!page)
            return;
        XXH3_64bits_update(&state, page->data + in_page, piece);
        address += piece;
        length -= piece;
    }
    px_set(m, 10, XXH3_64bits_digest(&state));
}

void px_hostcall(struct px_machine *m, int32_t selector)
{
    switch (selector) {
    case PX_HOSTCALL_POW:
        call_pow(m);
        break;
    case PX_HOSTCALL_FILL:
        call_fill(m);
        break;
    case PX_HOSTCALL_HASH:
        call_hash(m);
        break;
    default:
        leave(m, PX_EXIT_HOSTCALL, selector);
    }
}

void px_hostcall_manage(struct px_machine *m)
{
    leave(m, PX_EXIT_MANAGE, 0);
}
