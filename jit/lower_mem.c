/*
 * Loads and stores.
 *
 * touch=check: the address goes to eax, a shared stub tests the page states (and materializes or leaves), then one
 * host access does the work.
 * touch=fault: one host access; the address-size prefix wraps its sum at 2^32, an untouched page faults, and the
 * handler finds in the side table what was accessed.
 *
 * Either way a straddle is a host straddle: the window is contiguous, and the host commits nothing of a
 * store whose second page faults.
 */
#include "jit/lower.h"

/* Leads up to the access: returns its operand. The host instruction that comes next is the one that may fault. */
static struct x64_mem reach(struct jit_compiler *c, const uint32_t *stubs)
{
    unsigned a = c->in->rs1;
    if (c->touch == JIT_TOUCH_FAULT) {
        struct x64_mem bytes = {
            .base = X64_NO_REG, .index = X64_NO_REG, .gs = true, .addr32 = true, .disp = c->in->imm
        };
        if (a != 0)
            bytes = x64_at_gs32(jit_read(c, a, RAX), c->in->imm);
        return bytes;
    }
    if (a == 0)
        x64_mov_ri(&c->e, RAX, (uint32_t)c->in->imm);
    else
        x64_lea(&c->e, X64_32, RAX, x64_at(jit_read(c, a, RAX), c->in->imm));
    x64_call(&c->e, jit_stub(c, stubs[PX_EFF_WIDTH_LOG2(px_ops[c->in->op].effects)]));
    jit_note_site(c, x64_offset(&c->e));
    return (struct x64_mem){ .base = RAX, .index = X64_NO_REG, .gs = true };
}

static void load(struct jit_compiler *c, enum x64_load kind)
{
    struct x64_mem bytes = reach(c, c->stubs->load);
    /* A load to x0 is a full access; touch=check has made it already. */
    if (c->in->rd == 0 && c->touch == JIT_TOUCH_CHECK)
        return;
    enum x64_reg d = jit_target(c->in->rd, RDX);
    if (c->touch == JIT_TOUCH_FAULT)
        jit_note_site(c, x64_offset(&c->e));
    x64_load(&c->e, kind, d, bytes);
    jit_write(c, c->in->rd, d);
}

LOWER(LB)
{
    load(c, X64_S8);
}

LOWER(LH)
{
    load(c, X64_S16);
}

LOWER(LW)
{
    load(c, X64_S32);
}

LOWER(LD)
{
    load(c, X64_U64);
}

LOWER(LBU)
{
    load(c, X64_U8);
}

LOWER(LHU)
{
    load(c, X64_U16);
}

LOWER(LWU)
{
    load(c, X64_U32);
}

static void store(struct jit_compiler *c, unsigned bytes)
{
    struct x64_mem at = reach(c, c->stubs->store);
    enum x64_reg value = c->in->rs2 == 0 ? RDX : jit_read(c, c->in->rs2, RDX);
    if (c->touch == JIT_TOUCH_FAULT)
        jit_note_site(c, x64_offset(&c->e));
    if (c->in->rs2 == 0)
        x64_store_imm(&c->e, bytes, at, 0);
    else
        x64_store(&c->e, bytes, at, value);
}

LOWER(SB)
{
    store(c, 1);
}

LOWER(SH)
{
    store(c, 2);
}

LOWER(SW)
{
    store(c, 4);
}

LOWER(SD)
{
    store(c, 8);
}
