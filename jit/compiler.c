#include "jit/compiler.h"

#include <stdlib.h>

/*
 * x8..x15, which compressed code prefers, get the registers whose encodings are short; rax and rdx stay free because
 * division and wide multiplication need them.
 */
const uint8_t jit_home[PX_REG_COUNT] = {
    [0] = X64_NO_REG, [1] = R8,   [2] = R9,   [3] = X64_NO_REG, [4] = X64_NO_REG, [5] = R10,
    [6] = R11,        [7] = R12,  [8] = RBX,  [9] = RBP,        [10] = RDI,       [11] = RSI,
    [12] = RCX,       [13] = R13, [14] = R14, [15] = R15,
};

static bool in_context(unsigned guest)
{
    return guest == 3 || guest == 4;
}

enum x64_reg jit_read(struct jit_compiler *c, unsigned guest, enum x64_reg scratch)
{
    if (jit_home[guest] != X64_NO_REG)
        return jit_home[guest];
    jit_move(c, scratch, guest);
    return scratch;
}

void jit_move(struct jit_compiler *c, enum x64_reg dst, unsigned guest)
{
    if (in_context(guest))
        x64_load(&c->e, X64_U64, dst, jit_ctx(CTX_REG(guest)));
    else if (guest == 0)
        x64_mov_ri(&c->e, dst, 0);
    else if (jit_home[guest] != dst)
        x64_mov_rr(&c->e, X64_64, dst, jit_home[guest]);
}

void jit_alu(struct jit_compiler *c, enum x64_alu op, enum x64_size size, enum x64_reg dst, unsigned guest)
{
    if (in_context(guest))
        x64_alu_rm(&c->e, op, size, dst, jit_ctx(CTX_REG(guest)));
    else if (guest == 0)
        x64_alu_ri(&c->e, op, size, dst, 0);
    else
        x64_alu_rr(&c->e, op, size, dst, jit_home[guest]);
}

enum x64_reg jit_target(unsigned guest, enum x64_reg scratch)
{
    return jit_home[guest] != X64_NO_REG ? jit_home[guest] : scratch;
}

void jit_write(struct jit_compiler *c, unsigned guest, enum x64_reg src)
{
    if (in_context(guest))
        x64_store(&c->e, 8, jit_ctx(CTX_REG(guest)), src);
    else if (guest != 0 && jit_home[guest] != src)
        x64_mov_rr(&c->e, X64_64, jit_home[guest], src);
}

void jit_shift_by_cl(struct jit_compiler *c, enum x64_shift op, enum x64_size size)
{
    bool already = jit_home[c->in->rs2] == RCX;
    jit_move(c, RAX, c->in->rs1); /* before rcx changes: rs1 may live there */
    if (!already) {
        x64_mov_rr(&c->e, X64_64, RDX, RCX);
        jit_move(c, RCX, c->in->rs2);
    }
    x64_shift_cl(&c->e, op, size, RAX);
    if (!already)
        x64_mov_rr(&c->e, X64_64, RCX, RDX);
}

void jit_exit(struct jit_compiler *c, uint32_t pc, enum px_exit exit, unsigned arg)
{
    x64_store_imm(&c->e, 4, jit_ctx(CTX_PC), (int32_t)pc);
    x64_store_imm(&c->e, 4, jit_ctx(CTX_EXIT), (int32_t)JIT_EXIT(exit, arg));
    x64_jmp(&c->e, jit_stub(c, c->stubs->leave));
}

bool jit_grow(struct jit_lists *lists, void **array, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return true;
    size_t grown = *capacity ? *capacity * 2 : 64;
    void *moved = realloc(*array, grown * size);
    if (!moved) {
        lists->failed = true;
        return false;
    }
    *array = moved;
    *capacity = grown;
    return true;
}

void jit_exit_later(struct jit_compiler *c, uint32_t at, uint32_t pc, enum px_exit exit, unsigned arg)
{
    struct jit_lists *l = c->lists;
    if (jit_grow(l, (void **)&l->exits, &l->exit_capacity, l->exit_count, sizeof *l->exits))
        l->exits[l->exit_count++] = (struct jit_cold_exit){ .at = at, .pc = pc, .exit = JIT_EXIT(exit, arg) };
}

void jit_jump_later(struct jit_compiler *c, uint32_t at, uint32_t target)
{
    struct jit_lists *l = c->lists;
    if (jit_grow(l, (void **)&l->jumps, &l->jump_capacity, l->jump_count, sizeof *l->jumps))
        l->jumps[l->jump_count++] = (struct jit_jump){ .at = at, .target = target, .pc = c->pc };
}

void jit_note_site(struct jit_compiler *c, uint32_t host)
{
    if (!jit_grow(c->lists, (void **)c->sites, c->site_capacity, *c->site_count, sizeof **c->sites))
        return;
    unsigned effects = px_ops[c->in->op].effects;
    (*c->sites)[(*c->site_count)++] = (struct jit_site){ .host = host,
                                                         .pc = c->pc,
                                                         .undone = c->in_block,
                                                         .disp = c->in->imm,
                                                         .base = c->in->rs1,
                                                         .width = (uint8_t)(1u << PX_EFF_WIDTH_LOG2(effects)),
                                                         .store = effects & PX_EFF_STORE };
}

void jit_mark_always(struct jit_compiler *c, uint32_t pc, enum px_code_role role)
{
    if (jit_grow(c->lists, (void **)c->marks, c->mark_capacity, *c->mark_count, sizeof **c->marks))
        (*c->marks)[(*c->mark_count)++] =
            (struct jit_mark){ .host = x64_offset(&c->e), .pc = pc, .role = role };
}

void jit_lists_fini(struct jit_lists *lists)
{
    free(lists->jumps);
    free(lists->exits);
    *lists = (struct jit_lists){ 0 };
}
