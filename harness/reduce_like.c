/* What an engine keeps of an instruction that it compiled, and takes for another one of the same opcode. */
#include <string.h>

#include "harness/reduce.h"

enum { LIKES_MAX = 64 }; /* of one program that are tried */

bool reduce_begin_like(struct reduce *r, uint32_t pc)
{
    const struct px_program *p = &r->s->whole.program;
    uint32_t tried[LIKES_MAX];
    struct px_insn insn;
    size_t count = 0;
    for (uint32_t at = 0; at < p->code_size && count < LIKES_MAX && r->status == PX_OK; at += insn.len) {
        insn = px_decode(p->code, p->code_size, at);
        bool known = at == pc || insn.op != r->now.insn.op;
        for (size_t i = 0; i < count && !known; i++)
            known = memcmp(p->code + tried[i], p->code + at, insn.len) == 0;
        if (known)
            continue;
        tried[count++] = at;
        r->now.like = insn;
        if (reduce_keep_placed(r))
            return true;
    }
    r->now.like.len = 0;
    return false;
}

/* Registers of rd, rs1 and rs2: each its own, some of them equal, one in memory, x0. */
static const uint8_t choices[][3] = {
    { 14, 15, 5 }, { 14, 14, 5 }, { 14, 15, 14 }, { 14, 15, 15 }, { 14, 14, 14 }, { 3, 15, 5 }, { 14, 3, 5 },
    { 14, 15, 3 }, { 4, 15, 5 },  { 14, 4, 5 },   { 14, 15, 4 },  { 0, 15, 5 },   { 14, 0, 5 }, { 14, 15, 0 },
};

enum { CHOICES = sizeof choices / sizeof choices[0] };

static void set_registers(struct px_insn *insn, const uint8_t choice[3])
{
    uint8_t *const roles[] = { &insn->rd, &insn->rs1, &insn->rs2 };
    for (unsigned k = 0; k < 3; k++)
        if (px_ops[insn->op].regs & (1u << k))
            *roles[k] = choice[k];
    insn->rvc = PX_C_NONE;
    insn->len = 4;
}

/* With the immediates of r->now, or with 1 in both. */
static bool keep_registers(struct reduce *r, bool ones)
{
    for (size_t pair = 0; pair < (size_t)CHOICES * CHOICES && r->status == PX_OK; pair++) {
        struct situation t = r->now;
        set_registers(&t.insn, choices[pair / CHOICES]);
        set_registers(&t.like, choices[pair % CHOICES]);
        if (ones)
            t.insn.imm = t.like.imm = 1;
        if (t.insn.rs1 == t.insn.rs2)
            t.b = t.a;
        if (reduce_keep(r, &t))
            return true;
    }
    return false;
}

bool reduce_like_registers(struct reduce *r)
{
    return (reduce_has_operand((enum px_op)r->now.insn.op) && keep_registers(r, true)) ||
           keep_registers(r, false);
}
