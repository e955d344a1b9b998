/*
 * Each mutation changes what its name says and nothing else: the whole program before is held against the whole
 * program after, for hundreds of draws.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "generators/generator.h"
#include "generators/mutate.h"
#include "vm/test_program.h"

enum { DRAWS = 600, ITEMS_MAX = 256 };

/* A program before and after, and its code taken apart. */
struct pair {
    struct px_program before, after;
    struct listing old, new;
};

/* Which parts of a program's state may differ. */
enum {
    ENTRY = 1,
    MAPS = 2,
    SEEDS = 4,
    GAS = 8,
    CODE = 16,
};

static bool same_mapping(const struct px_program *a, size_t i, const struct px_program *b, size_t j)
{
    struct px_mapping one = px_program_mapping(a, i), other = px_program_mapping(b, j);
    return one.start == other.start && one.size == other.size && one.kind == other.kind &&
           one.content_size == other.content_size &&
           (one.content_size == 0 || memcmp(one.content, other.content, one.content_size) == 0);
}

static bool same_maps(const struct px_program *a, const struct px_program *b)
{
    if (a->map_count != b->map_count)
        return false;
    for (size_t i = 0; i < a->map_count; i++)
        if (!same_mapping(a, i, b, i))
            return false;
    return true;
}

static void expect_same_but(const struct pair *pair, unsigned parts)
{
    const struct px_program *a = &pair->before, *b = &pair->after;
    assert_false(b->origin.known);
    assert_false(b->has_expect);
    assert_true(parts & ENTRY || a->entry_pc == b->entry_pc);
    assert_true(parts & MAPS || same_maps(a, b));
    assert_true(parts & SEEDS || memcmp(a->x, b->x, sizeof a->x) == 0);
    assert_true(parts & GAS || a->gas == b->gas ||
                (a->gas > MUTATE_GAS_MAX && b->gas == MUTATE_GAS_MAX)); /* it may run backwards now */
    assert_true(parts & CODE ||
                (a->code_size == b->code_size && memcmp(a->code, b->code, a->code_size) == 0));
}

static bool same_bits(const struct px_program *a, uint32_t at, const struct px_program *b, uint32_t to,
                      unsigned length)
{
    return memcmp(a->code + at, b->code + to, length) == 0;
}

/* The same operation on the same operands; a jump may have grown to reach, an address moved with its target. */
static bool same_insn(const struct pair *pair, uint32_t i, uint32_t j, const uint32_t *to)
{
    const struct listing_item *a = &pair->old.items[i], *b = &pair->new.items[j];
    if (a->insn.op == PX_OP_ILLEGAL)
        return b->insn.op == PX_OP_ILLEGAL && a->insn.len == b->insn.len &&
               same_bits(&pair->before, pair->old.offsets[i], &pair->after, pair->new.offsets[j],
                         a->insn.len);
    if (a->insn.op != b->insn.op || a->insn.rd != b->insn.rd || a->insn.rs1 != b->insn.rs1 ||
        a->insn.rs2 != b->insn.rs2)
        return false;
    bool aimed = a->target != LISTING_NOWHERE;
    if (!aimed)
        return a->insn.imm == b->insn.imm && a->insn.rvc == b->insn.rvc;
    /* An address is another one when what came in, or went, writes its register. */
    bool lost =
        a->base != LISTING_NOWHERE && (a->insn.imm == b->insn.imm || pair->old.count != pair->new.count);
    return (to[a->target] == b->target || lost) && (a->insn.rvc == b->insn.rvc || b->insn.rvc == PX_C_NONE);
}

/*
 * From item @at on @gone are gone and @come have come instead: all others are what they were, and jumps to what is gone
 * go to what is there now.
 */
static bool edited_at(const struct pair *pair, uint32_t at, uint32_t gone, uint32_t come)
{
    uint32_t to[ITEMS_MAX + 1];
    for (uint32_t i = 0; i <= pair->old.count; i++)
        to[i] = i <= at ? i : i < at + gone ? at : i - gone + come;
    for (uint32_t i = 0; i < pair->old.count; i++)
        if ((i < at || i >= at + gone) && !same_insn(pair, i, i < at ? i : i - gone + come, to))
            return false;
    return true;
}

/* Somewhere @gone items went and @come came, at most @max of both; returns where, LISTING_NOWHERE if that is not so. */
static uint32_t find_edit(const struct pair *pair, uint32_t max, uint32_t *gone, uint32_t *come)
{
    uint32_t before = pair->old.count, after = pair->new.count;
    *gone = before > after ? before - after : 0;
    *come = after > before ? after - before : 0;
    if (*gone > max || *come > max)
        return LISTING_NOWHERE;
    for (uint32_t at = 0; at + *gone <= before; at++)
        if (edited_at(pair, at, *gone, *come))
            return at;
    return LISTING_NOWHERE;
}

/* The one instruction that is another one now; that jumps moved, or grew for it, does not count. */
static uint32_t changed_item(const struct pair *pair)
{
    uint32_t to[ITEMS_MAX + 1], other = 0, longer = 0, at = 0;
    assert_int_equal(pair->old.count, pair->new.count);
    for (uint32_t i = 0; i <= pair->old.count; i++)
        to[i] = i;
    for (uint32_t i = 0; i < pair->old.count; i++) {
        bool same = same_insn(pair, i, i, to);
        other += !same;
        if (same && (other > 0 || pair->old.items[i].insn.len == pair->new.items[i].insn.len))
            continue;
        longer += same;
        at = i;
    }
    assert_int_equal(other > 0 ? other : longer, 1);
    return at;
}

static void check_insert(const struct pair *pair)
{
    uint32_t gone, come;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_not_equal(find_edit(pair, 4, &gone, &come), LISTING_NOWHERE);
    assert_true(come > 0);
}

static void check_delete(const struct pair *pair)
{
    uint32_t gone, come;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_not_equal(find_edit(pair, 8, &gone, &come), LISTING_NOWHERE);
    assert_true(gone > 0);
}

static void check_duplicate(const struct pair *pair)
{
    uint32_t gone, come, count = pair->new.count;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_not_equal(find_edit(pair, 8, &gone, &come), LISTING_NOWHERE);
    assert_true(come > 0);
    /* Where a jump came in twice the place is known only up to equal neighbours: any of them will do. */
    for (uint32_t at = 0; at + come <= count; at++) {
        for (uint32_t from = 0; from + come <= count; from++) {
            uint32_t same = 0;
            while (same < come && from != at &&
                   pair->new.items[from + same].insn.op == pair->new.items[at + same].insn.op &&
                   pair->new.items[from + same].insn.rd == pair->new.items[at + same].insn.rd &&
                   pair->new.items[from + same].insn.rs1 == pair->new.items[at + same].insn.rs1)
                same++;
            if (same == come)
                return;
        }
    }
    fail_msg("no piece stands twice");
}

static void check_swap(const struct pair *pair)
{
    uint32_t differ[ITEMS_MAX] = { 0 }, count = 0;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_equal(pair->old.count, pair->new.count);
    for (uint32_t i = 0; i < pair->old.count; i++) {
        const struct px_insn *a = &pair->old.items[i].insn, *b = &pair->new.items[i].insn;
        if (a->op != b->op || a->rd != b->rd || a->rs1 != b->rs1 || a->rs2 != b->rs2 ||
            (pair->old.items[i].target == LISTING_NOWHERE && a->imm != b->imm))
            differ[count++] = i;
    }
    if (count == 0) /* two jumps that differ in their targets */
        return;
    assert_int_equal(count, 2);
    const struct px_insn *a = &pair->old.items[differ[0]].insn, *b = &pair->new.items[differ[1]].insn;
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->rd, b->rd);
    a = &pair->old.items[differ[1]].insn;
    b = &pair->new.items[differ[0]].insn;
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->rd, b->rd);
}

static void check_op(const struct pair *pair)
{
    uint32_t at = changed_item(pair);
    const struct px_insn *a = &pair->old.items[at].insn, *b = &pair->new.items[at].insn;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_not_equal(a->op, b->op);
    assert_int_equal(px_ops[a->op].format, px_ops[b->op].format);
    assert_int_equal(a->rd, b->rd);
    assert_int_equal(a->rs1, b->rs1);
    assert_int_equal(a->rs2, b->rs2);
}

static void check_register(const struct pair *pair)
{
    uint32_t at = changed_item(pair);
    const struct px_insn *a = &pair->old.items[at].insn, *b = &pair->new.items[at].insn;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_equal(a->op, b->op);
    assert_int_equal((a->rd != b->rd) + (a->rs1 != b->rs1) + (a->rs2 != b->rs2), 1);
    assert_true(pair->old.items[at].target != LISTING_NOWHERE || a->imm == b->imm);
}

static void check_immediate(const struct pair *pair)
{
    uint32_t at = changed_item(pair);
    const struct px_insn *a = &pair->old.items[at].insn, *b = &pair->new.items[at].insn;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->rd, b->rd);
    assert_int_equal(a->rs1, b->rs1);
    assert_int_equal(a->rs2, b->rs2);
    assert_int_not_equal(a->imm, b->imm);
}

static void check_retarget(const struct pair *pair)
{
    uint32_t gone, come, at;
    expect_same_but(pair, CODE | ENTRY);
    if (pair->new.count == pair->old.count) {
        at = changed_item(pair);
        assert_int_not_equal(pair->old.items[at].target, pair->new.items[at].target);
        assert_true(listing_is_start(&pair->new, pair->new.items[at].target));
        return;
    }
    /* A label of its own was made for it. */
    (void)find_edit(pair, 1, &gone, &come);
    assert_int_equal(come, 1);
}

static void check_mistarget(const struct pair *pair)
{
    uint32_t at = changed_item(pair), target = pair->new.items[at].target;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_equal(pair->old.items[at].insn.op, pair->new.items[at].insn.op);
    assert_true(target >= pair->new.count || !listing_is_start(&pair->new, target));
}

static void check_loop(const struct pair *pair)
{
    const struct listing *new = &pair->new;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_equal(new->count, pair->old.count + 4);
    for (uint32_t head = 0; head + 4 < new->count; head++) {
        const struct px_insn *count = &new->items[head].insn;
        if (count->op != PX_OP_ADDI || count->rs1 != 0 || count->imm < 2 || count->imm > 65 ||
            new->items[head + 1].insn.op != PX_OP_FALLTHROUGH)
            continue;
        for (uint32_t tail = head + 3; tail + 1 < new->count &&tail < head + 2 + 17; tail++) {
            const struct px_insn *down = &new->items[tail].insn, *back = &new->items[tail + 1].insn;
            if (down->op == PX_OP_ADDI && down->rd == count->rd && down->rs1 == count->rd &&
                down->imm == -1 && back->op == PX_OP_BNE && back->rs1 == count->rd && back->rs2 == 0 &&
                new->items[tail + 1].target == head + 2)
                return;
        }
    }
    fail_msg("no loop");
}

static void check_compress(const struct pair *pair)
{
    uint32_t at = changed_item(pair);
    const struct px_insn *a = &pair->old.items[at].insn, *b = &pair->new.items[at].insn;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->len, 4);
    assert_int_equal(b->len, 2);
}

static void check_expand(const struct pair *pair)
{
    uint32_t at = changed_item(pair);
    const struct px_insn *a = &pair->old.items[at].insn, *b = &pair->new.items[at].insn;
    expect_same_but(pair, CODE | ENTRY);
    assert_int_equal(a->op, b->op);
    assert_int_equal(a->len, 2);
    assert_int_equal(b->len, 4);
}

static void check_flip(const struct pair *pair)
{
    unsigned bits = 0;
    expect_same_but(pair, CODE);
    assert_int_equal(pair->before.code_size, pair->after.code_size);
    for (size_t i = 0; i < pair->before.code_size; i++)
        bits += (unsigned)__builtin_popcount(pair->before.code[i] ^ pair->after.code[i]);
    assert_int_equal(bits, 1);
}

static void check_cut(const struct pair *pair)
{
    expect_same_but(pair, CODE | ENTRY);
    assert_true(pair->after.code_size < pair->before.code_size);
    for (uint32_t i = 0; i < listing_whole(&pair->new); i++) {
        const struct px_insn *a = &pair->old.items[i].insn, *b = &pair->new.items[i].insn;
        assert_true(a->op == b->op && a->rd == b->rd && a->rs1 == b->rs1 && a->rs2 == b->rs2);
    }
}

static void check_entry(const struct pair *pair)
{
    expect_same_but(pair, ENTRY);
    assert_int_not_equal(pair->before.entry_pc, pair->after.entry_pc);
}

static void check_map_add(const struct pair *pair)
{
    expect_same_but(pair, MAPS);
    assert_int_equal(pair->after.map_count, pair->before.map_count + 1);
    for (size_t i = 0; i < pair->before.map_count; i++)
        assert_true(same_mapping(&pair->before, i, &pair->after, i));
}

static void check_map_drop(const struct pair *pair)
{
    size_t kept = 0;
    expect_same_but(pair, MAPS);
    assert_int_equal(pair->after.map_count + 1, pair->before.map_count);
    for (size_t i = 0; i < pair->before.map_count; i++)
        kept += kept < pair->after.map_count && same_mapping(&pair->before, i, &pair->after, kept);
    assert_int_equal(kept, pair->after.map_count);
}

/* The one mapping that differs. */
static size_t changed_map(const struct pair *pair)
{
    size_t at = SIZE_MAX;
    expect_same_but(pair, MAPS);
    assert_int_equal(pair->before.map_count, pair->after.map_count);
    for (size_t i = 0; i < pair->before.map_count; i++) {
        if (same_mapping(&pair->before, i, &pair->after, i))
            continue;
        assert_int_equal(at, SIZE_MAX);
        at = i;
    }
    assert_int_not_equal(at, SIZE_MAX);
    return at;
}

static void check_map_kind(const struct pair *pair)
{
    size_t at = changed_map(pair);
    struct px_mapping a = px_program_mapping(&pair->before, at), b = px_program_mapping(&pair->after, at);
    assert_int_not_equal(a.kind, b.kind);
    assert_int_equal(a.start, b.start);
    assert_int_equal(a.size, b.size);
    assert_int_equal(b.content_size, b.kind == PX_MAP_ZERO ? 0 : a.content_size);
    if (b.content_size > 0)
        assert_memory_equal(a.content, b.content, b.content_size);
}

static void check_map_size(const struct pair *pair)
{
    size_t at = changed_map(pair);
    struct px_mapping a = px_program_mapping(&pair->before, at), b = px_program_mapping(&pair->after, at);
    assert_int_equal(a.kind, b.kind);
    assert_int_equal(a.start, b.start);
    assert_int_not_equal(a.size, b.size);
    assert_int_equal(b.content_size, a.content_size < b.size ? a.content_size : b.size);
    if (b.content_size > 0)
        assert_memory_equal(a.content, b.content, b.content_size);
}

static void check_map_content(const struct pair *pair)
{
    size_t at = changed_map(pair);
    struct px_mapping a = px_program_mapping(&pair->before, at), b = px_program_mapping(&pair->after, at);
    assert_int_equal(a.kind, b.kind);
    assert_int_equal(a.start, b.start);
    assert_int_equal(a.size, b.size);
    uint64_t common = a.content_size < b.content_size ? a.content_size : b.content_size, first = 0, last = 0;
    for (uint64_t i = 0; i < common; i++) {
        if (a.content[i] == b.content[i])
            continue;
        first = last == 0 ? i : first;
        last = i + 1;
    }
    assert_true(a.content_size == b.content_size ? last - first <= 8 : last == 0);
}

static void check_seed(const struct pair *pair)
{
    unsigned differ = 0;
    expect_same_but(pair, SEEDS);
    for (unsigned x = 0; x < PX_REG_COUNT; x++)
        differ += pair->before.x[x] != pair->after.x[x];
    assert_int_equal(differ, 1);
    assert_int_equal(pair->after.x[0], 0);
}

static void check_gas(const struct pair *pair)
{
    expect_same_but(pair, GAS);
    assert_int_not_equal(pair->before.gas, pair->after.gas);
}

static void (*const checks[MUTATION_COUNT])(const struct pair *pair) = {
    [MUTATE_INSERT] = check_insert,
    [MUTATE_DELETE] = check_delete,
    [MUTATE_DUPLICATE] = check_duplicate,
    [MUTATE_SWAP] = check_swap,
    [MUTATE_OP] = check_op,
    [MUTATE_REGISTER] = check_register,
    [MUTATE_IMMEDIATE] = check_immediate,
    [MUTATE_RETARGET] = check_retarget,
    [MUTATE_MISTARGET] = check_mistarget,
    [MUTATE_LOOP] = check_loop,
    [MUTATE_COMPRESS] = check_compress,
    [MUTATE_EXPAND] = check_expand,
    [MUTATE_FLIP] = check_flip,
    [MUTATE_CUT] = check_cut,
    [MUTATE_ENTRY] = check_entry,
    [MUTATE_MAP_ADD] = check_map_add,
    [MUTATE_MAP_DROP] = check_map_drop,
    [MUTATE_MAP_KIND] = check_map_kind,
    [MUTATE_MAP_SIZE] = check_map_size,
    [MUTATE_MAP_CONTENT] = check_map_content,
    [MUTATE_SEED] = check_seed,
    [MUTATE_GAS] = check_gas,
};

/* A program of moderate size, with memory; every fourth without anything that jumps backwards and much gas. */
static void make(const struct px_gen *gen, uint64_t index, struct px_program *program)
{
    do {
        assert_int_equal(px_gen_make(gen, 3, index, program), PX_OK);
        index += 1000003;
    } while (program->code_size > 2 * ITEMS_MAX - 64 || program->code_size < 16);
}

static void each_mutation_changes_what_it_says_and_nothing_else(void **state)
{
    (void)state;
    static struct pair pair;
    struct mutator m = { .prng = { 1, 1 } };
    struct px_gen gen;
    struct px_error err = { "" };
    assert_int_equal(px_gen_parse("mix", &gen, &err), PX_OK);
    px_program_init(&pair.before);
    px_program_init(&pair.after);
    for (unsigned kind = 0; kind < MUTATION_COUNT; kind++) {
        unsigned changes = 0;
        for (uint64_t index = 0; index < DRAWS; index++) {
            bool changed;
            make(&gen, index, &pair.before);
            assert_int_equal(px_program_copy(&pair.after, &pair.before), PX_OK);
            mutator_seed(&m, kind, index);
            assert_int_equal(mutate_once(&m, (enum mutation)kind, &pair.after, &changed), PX_OK);
            if (!changed)
                continue;
            changes++;
            assert_int_equal(listing_read(&pair.old, &pair.before), PX_OK);
            assert_int_equal(listing_read(&pair.new, &pair.after), PX_OK);
            checks[kind](&pair);
        }
        if (changes < DRAWS / 5)
            fail_msg("%s changed only %u of %d programs", mutate_name((enum mutation)kind), changes, DRAWS);
    }
    listing_fini(&pair.old);
    listing_fini(&pair.new);
    mutator_fini(&m);
    px_program_fini(&pair.before);
    px_program_fini(&pair.after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mutation_changes_what_it_says_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
