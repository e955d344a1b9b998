/* What the files of the mutator share. A step returns whether it changed something. */
#ifndef PX_MUTATE_EDIT_H
#define PX_MUTATE_EDIT_H

#include "generators/mutate.h"

typedef bool mutate_step(struct mutator *m);

/* mutate_code.c: steps on m->code */
mutate_step mutate_insert, mutate_delete, mutate_duplicate, mutate_swap, mutate_loop, mutate_cut;
mutate_step mutate_op, mutate_register, mutate_immediate, mutate_retarget, mutate_mistarget, mutate_compress,
    mutate_expand, mutate_flip; /* mutate_insn.c: the same within one instruction */

/* mutate_state.c: steps on m->program, and on m->code.entry */
mutate_step mutate_entry, mutate_map_add, mutate_map_drop, mutate_map_kind, mutate_map_size,
    mutate_map_content, mutate_seed, mutate_gas;

/* Adds a mapping of m->program when it is sound beside those that there are. False: it is not, or there is no room. */
bool mutate_add_map(struct mutator *m, const struct px_mapping *map);

/* mutate_cross.c: takes from @other into m->code and m->program. */
void mutate_cross_with(struct mutator *m, const struct px_program *other);

/* False when every run ends for lack of code: nothing leads backwards, and no jalr anywhere. */
bool mutate_may_run_backwards(const struct listing *code);

/* mutate_draw.c */

/* A 4-byte instruction to stand at item @index, whose neighbours' registers it likes; jumps lead to block starts, as a rule
 * forward. */
struct listing_item mutate_draw_item(struct mutator *m, uint32_t index);
unsigned mutate_draw_register(struct mutator *m, uint32_t index);
int32_t mutate_draw_immediate(struct mutator *m, enum px_op op);
uint64_t mutate_draw_value(struct mutator *m); /* for a register: any, or an address of the program's */
uint32_t mutate_draw_start(struct mutator *m); /* an item; the count when there is none */
/* 1 .. @max, each half as likely as the one before. */
uint32_t mutate_draw_few(struct mutator *m, uint32_t max);

static inline uint32_t mutate_code_max(const struct mutator *m)
{
    uint32_t max = m->code_max ? m->code_max : MUTATE_CODE_MAX;
    return max < PX_CODE_MAX ? max : PX_CODE_MAX;
}

static inline size_t mutate_content_max(const struct mutator *m)
{
    return m->content_max ? m->content_max : MUTATE_CONTENT_MAX;
}

/* Bytes that the code may grow by. */
size_t mutate_room(const struct mutator *m);

/* Leads item @index nowhere in particular: its immediate stays as it is. */
static inline void mutate_detach(struct mutator *m, uint32_t index)
{
    m->code.items[index].target = m->code.items[index].base = LISTING_NOWHERE;
}

#endif
