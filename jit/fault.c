#define _GNU_SOURCE
#include "jit/fault.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "jit/runtime.h"

/* Where a signal frame keeps each host register. */
static const uint8_t frame_slot[] = {
    [RAX] = REG_RAX, [RCX] = REG_RCX, [RDX] = REG_RDX, [RBX] = REG_RBX, [RSP] = REG_RSP, [RBP] = REG_RBP,
    [RSI] = REG_RSI, [RDI] = REG_RDI, [R8] = REG_R8,   [R9] = REG_R9,   [R10] = REG_R10, [R11] = REG_R11,
    [R12] = REG_R12, [R13] = REG_R13, [R14] = REG_R14, [R15] = REG_R15,
};

/* x[@guest] as generated code left it. */
static uint64_t guest_register(const struct jit_fault_world *world, const ucontext_t *uc, unsigned guest)
{
    if (guest == 0)
        return 0;
    if (jit_home[guest] == X64_NO_REG)
        return world->context->x[guest];
    return (uint64_t)uc->uc_mcontext.gregs[frame_slot[jit_home[guest]]];
}

/* A page-split access reports its second page, so the address comes from the side table, not from the fault. */
static enum px_fault_verdict touch(const struct jit_fault_world *world, const struct jit_site *site,
                                   ucontext_t *uc)
{
    struct jit_context *context = world->context;
    uint32_t address = (uint32_t)(guest_register(world, uc, site->base) + (uint64_t)(int64_t)site->disp);
    if (jit_memory_open(context->memory, address, site->width, site->store))
        return PX_FAULT_ABORT; /* nothing here explains a fault */
    if (jit_touch(context, address, site->width, site->store))
        return PX_FAULT_RESUMED;
    context->fault_site = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)(world->buf->exec + world->stubs->leave);
    return PX_FAULT_EXIT;
}

/* The code of the running unit that is under way: at rip, or the call that rip is below. */
static void find_site(const struct jit_fault_world *world, const ucontext_t *uc, struct px_fault_site *site)
{
    const struct px_unit *unit = world->running;
    uint64_t exec = (uint64_t)(uintptr_t)world->buf->exec, below;
    uint64_t offset = (uint64_t)uc->uc_mcontext.gregs[REG_RIP] - exec;
    uint64_t depth = (uint64_t)(uintptr_t)world->context - (uint64_t)uc->uc_mcontext.gregs[REG_RSP];
    if (depth > 0 && depth < JIT_STACK_BYTES) { /* generated code itself runs with rsp on the context */
        memcpy(&below, (const uint8_t *)world->context - sizeof below, sizeof below);
        offset = below - 1 - exec;
    }
    site->known = offset < world->buf->capacity &&
                  jit_unit_guest_pc(unit, world->buf, (uint32_t)offset, &site->guest_pc);
    if (!site->known)
        return;
    uint64_t at = (uint64_t)uc->uc_mcontext.gregs[REG_RIP] - exec;
    site->code_known = true;
    site->code = (uint32_t)offset - unit->start;
    site->at = (int64_t)at - (int64_t)unit->start;
    if (at >= world->buf->capacity - sizeof site->bytes)
        return;
    site->byte_count = sizeof site->bytes;
    memcpy(site->bytes, world->buf->exec + at, sizeof site->bytes);
}

enum px_fault_verdict jit_fault(const struct jit_fault_world *world, int signal, const void *siginfo,
                                void *ucontext, struct px_fault_site *site)
{
    const siginfo_t *info = siginfo;
    ucontext_t *uc = ucontext;
    uint64_t offset = (uint64_t)uc->uc_mcontext.gregs[REG_RIP] - (uint64_t)(uintptr_t)world->buf->exec;
    *site = (struct px_fault_site){ .known = false };
    if (!world->running)
        return PX_FAULT_NOT_MINE;
    if (offset >= world->buf->capacity || signal == SIGPROF) {
        find_site(world, uc, site);
        return PX_FAULT_NOT_MINE;
    }
    const struct jit_site *access = jit_unit_site(world->running, (uint32_t)offset);
    if (access && world->touch == JIT_TOUCH_FAULT && signal == SIGSEGV && info->si_code > 0 &&
        jit_memory_reaches(world->context->memory, (uint64_t)(uintptr_t)info->si_addr)) {
        enum px_fault_verdict verdict = touch(world, access, uc);
        if (verdict != PX_FAULT_ABORT)
            return verdict;
    }
    find_site(world, uc, site);
    return PX_FAULT_ABORT;
}
