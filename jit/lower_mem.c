/*
 * Loads and stores, touch=check: the address goes to eax, a shared stub tests the page states (and
 * materializes or leaves), then one host access does the work. A straddle is a host straddle: the stub has granted
 * both pages, and the window is contiguous.
 */
#include "jit/lower.h"

static const struct x64_mem guest_bytes = { .base = RAX, .index = X64_NO_REG, .gs = true };

/* eax = the address mod 2^32, granted. */
static void grant(struct jit_compiler *c, const uint32_t *stubs)
{
    unsigned a = c->in->rs1;
    if (a == 0) {
        x64_mov_ri(&c->e, RAX, (uint32_t)c->in->imm);
    } else {
        enum x64_reg base = jit_read(c, a, RAX);
        x64_lea(&c->e, X64_32, RAX, x64_at(base, c->in->imm));
    }
    x64_call(&c->e, jit_stub(c, stubs[PX_EFF_WIDTH_LOG2(px_ops[c->in->op].effects)]));
    jit_note_site(c);
}

static void load(struct jit_compiler *c, enum x64_load kind)
{
    grant(c, c->stubs->load);
    if (c->in->rd == 0) /* the access is what counts */
        return;
    enum x64_reg d = jit_target(c->in->rd, RDX);
    x64_load(&c->e, kind, d, guest_bytes);
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
    grant(c, c->stubs->store);
    if (c->in->rs2 == 0)
        x64_store_imm(&c->e, bytes, guest_bytes, 0);
    else
        x64_store(&c->e, bytes, guest_bytes, jit_read(c, c->in->rs2, RDX));
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
