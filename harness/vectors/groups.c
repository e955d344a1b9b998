#include "harness/vectors/groups.h"

#include <stdio.h>

#include "harness/vectors/maker.h"

/* Behind one group for each operation. */
static const struct {
    const char *name;
    void (*make)(struct maker *m);
} others[] = {
    { "flow", maker_make_flow },
    { "compressed", maker_make_compressed },
    { "words", maker_make_words },
};

enum { OPS = PX_OP_COUNT - 1, OTHERS = sizeof others / sizeof others[0] };

size_t vectors_group_count(void)
{
    return OPS + OTHERS;
}

void vectors_group_name(size_t group, char name[VECTORS_GROUP_NAME_ROOM])
{
    (void)snprintf(name, VECTORS_GROUP_NAME_ROOM, "%s",
                   group < OPS ? px_ops[group + 1].mnemonic : others[group - OPS].name);
}

static void make(struct maker *m, size_t group)
{
    enum px_op op = (enum px_op)(group + 1);
    if (group >= OPS)
        others[group - OPS].make(m);
    else if (px_ops[op].effects & (PX_EFF_LOAD | PX_EFF_STORE))
        maker_make_access(m, op);
    else if (px_ops[op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP))
        maker_make_jump(m, op);
    else
        maker_make_op(m, op);
}

enum px_status vectors_group_make(size_t group, const struct vectors_sink *sink, struct px_error *err)
{
    struct maker m = { .sink = sink, .err = err, .status = PX_OK };
    px_program_init(&m.program);
    make(&m, group);
    px_program_fini(&m.program);
    return m.status;
}
