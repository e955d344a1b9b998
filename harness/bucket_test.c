#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generators/generator.h"
#include "harness/probe.h"
#include "harness/tests/flawed.h"
#include "vm/test_program.h"

/* The engine list names what to be wrong about, see flawed.h. */
static struct probe *open_probe(const char *flaws)
{
    struct probe_config config = { .sandbox = { .engines = flaws, .open = flawed_open } };
    struct probe *probe;
    struct px_error err = { "" };
    if (probe_create(&config, &probe, &err) != PX_OK)
        fail_msg("%s", err.text);
    return probe;
}

static void find(struct probe *probe, const struct px_program *program, struct bucket *bucket)
{
    struct px_error err = { "" };
    if (probe_bucket(probe, program, 0, bucket, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static void find_text(const char *flaws, const char *text, struct bucket *bucket)
{
    struct px_program program;
    struct probe *probe = open_probe(flaws);
    px_program_init(&program);
    test_parse(&program, text, strlen(text));
    find(probe, &program, bucket);
    px_program_fini(&program);
    probe_destroy(probe);
}

enum { IDS = 16 };

struct ids {
    char id[IDS][sizeof(((struct bucket *)0)->id)];
    unsigned count[IDS], used;
};

static void count_id(struct ids *ids, const char *id)
{
    unsigned i = 0;
    while (i < ids->used && strcmp(ids->id[i], id) != 0)
        i++;
    assert_in_range(i, 0, IDS - 1);
    if (i == ids->used)
        (void)snprintf(ids->id[ids->used++], sizeof ids->id[0], "%s", id);
    ids->count[i]++;
}

/* Buckets of the first @wanted programs of @seed that diverge. */
static void collect(const char *flaws, uint64_t seed, unsigned wanted, struct ids *ids)
{
    struct probe *probe = open_probe(flaws);
    struct px_program program;
    struct px_gen gen;
    struct px_error err = { "" };
    unsigned found = 0;
    px_program_init(&program);
    assert_int_equal(px_gen_parse("mix", &gen, &err), PX_OK);
    for (uint64_t i = 0; found < wanted; i++) {
        struct bucket bucket;
        assert_int_equal(px_gen_make(&gen, seed, i, &program), PX_OK);
        find(probe, &program, &bucket);
        if (bucket.diverges)
            count_id(ids, bucket.id);
        found += bucket.diverges;
    }
    assert_int_equal(probe_processes(probe), 1);
    px_program_fini(&program);
    probe_destroy(probe);
}

static void a_thousand_divergences_of_one_bug_fall_into_one_bucket(void **state)
{
    (void)state;
    struct ids ids = { .used = 0 };
    collect("xor", 1, 500, &ids);
    collect("xor", 2, 500, &ids);
    assert_int_equal(ids.used, 1);
    assert_int_equal(ids.count[0], 1000);
    assert_string_equal(ids.id[0], "interp|flawed:xor:reg:-");
}

/* Whatever instruction, register or operand showed it. */
static void a_bug_in_what_instructions_share_falls_into_one_bucket(void **state)
{
    static const char *const bugs[][2] = {
        { "shifts", "interp|flawed:shift:reg:rd=rs2" },
        { "x7", "interp|flawed:any:reg:x7" },
        { "mul", "interp|flawed:mul:reg:-" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        struct ids ids = { .used = 0 };
        collect(bugs[i][0], 1, 100, &ids);
        collect(bugs[i][0], 2, 100, &ids);
        assert_string_equal(ids.id[0], bugs[i][1]);
        assert_int_equal(ids.used, 1);
        assert_int_equal(ids.count[0], 200);
    }
}

/* Alone, and beside another bug. */
static void what_an_instruction_before_it_leaves_names_the_bucket(void **state)
{
    static const char *const bugs[][3] = {
        { "keeps-xor", "keeps-xor+mul", "interp|flawed:xor:reg:after-like-rs1=rs2" },
        { "handed", "handed+mul", "interp|flawed:any+any:reg:rs2-from-before" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        struct ids ids = { .used = 0 };
        collect(bugs[i][0], 1, 40, &ids);
        assert_string_equal(ids.id[0], bugs[i][2]);
        assert_int_equal(ids.used, 1);
        collect(bugs[i][1], 3, 40, &ids);
        assert_int_equal(ids.used, 2);
        assert_string_equal(ids.id[1], "interp|flawed:mul:reg:-");
        assert_in_range(ids.count[0], 41, 79);
    }
}

static void two_bugs_give_two_buckets(void **state)
{
    static const char *const pairs[] = { "xor+mul", "shifts+x7", "mul+shifts", "divw+xor" };
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct ids ids = { .used = 0 };
        collect(pairs[i], 3, 300, &ids);
        assert_int_equal(ids.used, 2);
        assert_true(ids.count[0] > 10 && ids.count[1] > 10);
    }
}

static void a_name_does_not_depend_on_what_was_named_before(void **state)
{
    (void)state;
    struct probe *warm = open_probe("shifts+x7+divw");
    struct px_program program;
    struct px_gen gen;
    struct px_error err = { "" };
    unsigned found = 0;
    px_program_init(&program);
    assert_int_equal(px_gen_parse("mix", &gen, &err), PX_OK);
    for (uint64_t i = 0; found < 30; i++) {
        struct bucket bucket, alone;
        assert_int_equal(px_gen_make(&gen, 5, i, &program), PX_OK);
        find(warm, &program, &bucket);
        if (!bucket.diverges)
            continue;
        struct probe *fresh = open_probe("shifts+x7+divw");
        find(fresh, &program, &alone);
        probe_destroy(fresh);
        assert_string_equal(alone.id, bucket.id);
        assert_int_equal(alone.pc, bucket.pc);
        found++;
    }
    px_program_fini(&program);
    probe_destroy(warm);
}

static void what_follows_from_a_wrong_register_does_not_split_a_bucket(void **state)
{
    (void)state;
    struct bucket bucket;
    /* The wrong bit decides a branch, so that exit, pc, gas, count and memory differ at the end. */
    find_text("xor",
              "parallax 1 rv64e-jar.1\ngas 10000\nreg x5 0x1\nreg x6 0x3\nreg x8 0x10000000\n"
              "map 0x10000000 0x1000 zero\ncode\n"
              "  0062c3b3\n"  /* xor t2, t0, t1 */
              "  0013f393\n"  /* andi t2, t2, 1 */
              "  00039663\n"  /* bnez t2, 12 */
              "  00542023\n"  /* sw t0, 0(s0) */
              "  0000200b\n"  /* ecalli 0 */
              "  0000000b\n", /* trap */
              &bucket);
    assert_true(bucket.diverges);
    assert_true(bucket.finding.diff.fields & DIFF_EXIT);
    assert_true(bucket.finding.diff.fields & DIFF_GAS);
    assert_string_equal(bucket.id, "interp|flawed:xor:reg:-");
    assert_int_equal(bucket.place, BUCKET_INSN);
    assert_int_equal(bucket.pc, 0);
    assert_int_equal(bucket.x[5], 1);
}

/* s1 counts down from 5; half of it is odd in the third round, as the other operand always is. */
static const char in_a_loop[] = "parallax 1 rv64e-jar.1\ngas 10000\nreg x6 0x1\nreg x9 0x6\ncode\n"
                                "  fff48493\n"  /* addi s1, s1, -1 */
                                "  0014d413\n"  /* srli s0, s1, 1 */
                                "  00644533\n"  /* xor a0, s0, t1 */
                                "  00a585b3\n"  /* add a1, a1, a0 */
                                "  fe0498e3\n"  /* bnez s1, -16 */
                                "  0000200b\n"; /* ecalli 0 */

static void a_block_that_ran_before_is_cut_from_a_snapshot(void **state)
{
    (void)state;
    struct bucket bucket;
    find_text("xor", in_a_loop, &bucket);
    assert_string_equal(bucket.id, "interp|flawed:xor:reg:-");
    assert_int_equal(bucket.place, BUCKET_INSN);
    assert_int_equal(bucket.block, 3);
    assert_int_equal(bucket.pc, 8);
}

static const char one_xor[] = "parallax 1 rv64e-jar.1\ngas 10000\nreg x5 0x1\nreg x6 0x3\ncode\n"
                              "  00138393\n  0062c3b3\n  00138393\n  0000200b\n";

static void a_death_is_named_by_its_signal_and_instruction(void **state)
{
    (void)state;
    struct bucket bucket;
    find_text("fatal-xor", one_xor, &bucket);
    assert_int_equal(bucket.finding.kind, FINDING_ABORT);
    assert_string_equal(bucket.id, "interp|flawed:xor:SIGFPE:-");
    assert_int_equal(bucket.pc, 4);
}

static void a_hang_is_named_by_its_instruction(void **state)
{
    (void)state;
    struct bucket bucket;
    find_text("endless-xor", one_xor, &bucket);
    assert_int_equal(bucket.finding.kind, FINDING_HANG);
    assert_string_equal(bucket.id, "interp|flawed:xor:hang:-");
}

/* Each trial of the search that hangs takes a process and its deadline: there are not many, and none is made twice. */
static void a_hang_of_many_instructions_is_named_within_few_processes(void **state)
{
    (void)state;
    static const char first[] = "parallax 1 rv64e-jar.1\ngas 10000\nreg x5 0x1\ncode\n"
                                "  00538433\n" /* add s0, t2, t0 */
                                "  0000200b\n", /* ecalli 0 */
        second[] = "parallax 1 rv64e-jar.1\ngas 10000\nreg x5 0x1\ncode\n"
                   "  00538433\n" /* add s0, t2, t0 */
                   "  0062c2b3\n" /* xor t0, t0, t1 */
                   "  0000200b\n"; /* ecalli 0 */
    static const char *const texts[] = { first, second };
    struct probe *probe = open_probe("endless-x7");
    struct px_program program;
    struct bucket bucket;
    uint64_t processes = 1;
    px_program_init(&program);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        test_parse(&program, texts[i], strlen(texts[i]));
        find(probe, &program, &bucket);
        assert_string_equal(bucket.id, "interp|flawed:any:hang:x7");
        uint64_t started = probe_processes(probe) - processes;
        assert_in_range(started, 2, i == 0 ? 64 : 8);
        processes += started;
    }
    px_program_fini(&program);
    probe_destroy(probe);
}

/* The block holds more loads than a search tries: it ends all the same, with a name of the located instruction. */
static void what_agrees_when_alone_is_named_in_context_however_long_its_block_is(void **state)
{
    (void)state;
    static const struct px_insn one = { .op = PX_OP_XOR, .len = 4, .rd = 7, .rs1 = 5, .rs2 = 6 },
                                load = { .op = PX_OP_LD, .len = 4, .rd = 9, .rs1 = 8 },
                                halt = { .op = PX_OP_ECALLI, .len = 4 };
    struct probe *probe = open_probe("late-xor");
    struct px_program program;
    struct bucket bucket;
    px_program_init(&program);
    for (unsigned loads = 10; loads <= 2500; loads += 2490) {
        px_program_clear(&program);
        program.gas = 10000000;
        program.x[8] = PX_DATA_BASE;
        assert_int_equal(px_program_map(&program, PX_DATA_BASE, PX_PAGE_SIZE, PX_MAP_ZERO, NULL, 0), PX_OK);
        for (unsigned i = 0; i < loads; i++) {
            const struct px_insn at = {
                .op = load.op, .len = 4, .rd = 9, .rs1 = 8, .imm = (int32_t)(i % 250 * 8)
            };
            assert_int_equal(px_program_emit(&program, i % (loads / 2) == 4 ? &one : &at), PX_OK);
        }
        assert_int_equal(px_program_emit(&program, &one), PX_OK);
        assert_int_equal(px_program_emit(&program, &halt), PX_OK);
        find(probe, &program, &bucket);
        assert_string_equal(bucket.id, "interp|flawed:xor:reg:in-context");
        assert_int_equal(bucket.place, BUCKET_INSN);
        assert_int_equal(bucket.pc, 4 * loads);
    }
    px_program_fini(&program);
    probe_destroy(probe);
}

static void a_special_case_is_named_only_when_it_takes_one(void **state)
{
    (void)state;
    static const char overflow[] = "parallax 1 rv64e-jar.1\ngas 10000\nreg x5 0x80000000\n"
                                   "reg x6 0xffffffff\ncode\n  0262c3bb\n  0000200b\n";
    struct bucket bucket;
    find_text("overflow-divw", overflow, &bucket);
    assert_string_equal(bucket.id, "interp|flawed:divw:reg:int-min/-1");
    find_text("divw", overflow, &bucket);
    assert_string_equal(bucket.id, "interp|flawed:divw:reg:-");
}

static void a_divergence_that_lockstep_does_not_show_says_so(void **state)
{
    (void)state;
    struct bucket bucket;
    find_text("shy-xor", one_xor, &bucket);
    assert_int_equal(bucket.place, BUCKET_VANISHED);
    assert_string_equal(bucket.id, "interp|flawed:?:reg:vanishes-in-lockstep");
}

static void engines_that_agree_give_no_bucket(void **state)
{
    (void)state;
    struct bucket bucket;
    find_text("none", one_xor, &bucket);
    assert_false(bucket.diverges);
}

static void folders_are_named_by_hash_and_instruction(void **state)
{
    (void)state;
    struct bucket bucket = { .engines = "interp|block", .op = "divw", .fields = "reg", .operands = "-" };
    char folder[64];
    bucket_name(&bucket);
    bucket_folder(&bucket, folder, sizeof folder);
    assert_string_equal(bucket.id, "interp|block:divw:reg:-");
    assert_string_equal(folder, "162df047-divw"); /* pinned: ids outlive builds */
}

static void the_first_consequence_names_the_fields(void **state)
{
    (void)state;
    assert_string_equal(bucket_field(DIFF_EXIT | DIFF_PC | DIFF_GAS | DIFF_X0 << 5), "exit");
    assert_string_equal(bucket_field(DIFF_PC | DIFF_GAS | DIFF_COUNT), "pc");
    assert_string_equal(bucket_field(DIFF_DIRTY | DIFF_MEMORY), "mem");
    assert_string_equal(bucket_field(DIFF_MEMORY | DIFF_GAS), "mem");
    assert_string_equal(bucket_field((DIFF_X0 << 5) | (DIFF_X0 << 9) | DIFF_GAS), "reg");
    assert_string_equal(bucket_field(DIFF_GAS | DIFF_COUNT), "gas");
    assert_string_equal(bucket_field(0), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_divergences_of_one_bug_fall_into_one_bucket),
        cmocka_unit_test(a_bug_in_what_instructions_share_falls_into_one_bucket),
        cmocka_unit_test(what_an_instruction_before_it_leaves_names_the_bucket),
        cmocka_unit_test(two_bugs_give_two_buckets),
        cmocka_unit_test(a_name_does_not_depend_on_what_was_named_before),
        cmocka_unit_test(what_follows_from_a_wrong_register_does_not_split_a_bucket),
        cmocka_unit_test(a_block_that_ran_before_is_cut_from_a_snapshot),
        cmocka_unit_test(a_death_is_named_by_its_signal_and_instruction),
        cmocka_unit_test(a_hang_is_named_by_its_instruction),
        cmocka_unit_test(a_hang_of_many_instructions_is_named_within_few_processes),
        cmocka_unit_test(what_agrees_when_alone_is_named_in_context_however_long_its_block_is),
        cmocka_unit_test(a_special_case_is_named_only_when_it_takes_one),
        cmocka_unit_test(a_divergence_that_lockstep_does_not_show_says_so),
        cmocka_unit_test(engines_that_agree_give_no_bucket),
        cmocka_unit_test(folders_are_named_by_hash_and_instruction),
        cmocka_unit_test(the_first_consequence_names_the_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
