/*
 * qemu as an engine: what it says of every exit, what it does not say, and that nothing that happens to its processes
 * shows in what it says.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "generators/generator.h"
#include "harness/isolate.h"
#include "harness/lockdown.h"
#include "harness/oracle/oracle.h"
#include "harness/oracle/qemu.h"
#include "harness/run.h"
#include "harness/tests/give_up.h"

#define HALT PX_WORD_ECALLI_0

enum { SEED = 11 };

/* Opens the reference and qemu. */
static void open_both(struct run *run)
{
    struct px_error err = { "" };
    if (run_open("interp,qemu", run, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static struct px_outcome ask_words(struct oracle *oracle, const uint32_t *words, size_t count,
                                   const uint64_t *x)
{
    struct px_program program;
    struct px_outcome out = { .exit = PX_EXIT_STOPPED };
    struct px_error err = { "" };
    px_program_init(&program);
    program.gas = UINT64_MAX;
    if (x)
        memcpy(program.x, x, sizeof program.x);
    assert_int_equal(px_program_append(&program, words, count * sizeof *words), PX_OK);
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, UINT64_C(64) << 20, PX_MAP_ZERO, NULL, 0), PX_OK);
    if (oracle_ask(oracle, &program, &out, &err) != PX_OK)
        fail_msg("%s", err.text);
    px_program_fini(&program);
    return out;
}

#define ASK(oracle, x, ...)                                                                                  \
    ask_words((oracle), (const uint32_t[]){ __VA_ARGS__ },                                                   \
              sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t), (x))

static void open_oracle(struct oracle *oracle)
{
    struct px_error err = { "" };
    if (oracle_open(oracle, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static void expect_exit(struct px_outcome out, const char *exit, uint32_t pc)
{
    char text[64];
    px_exit_format(&out, text, sizeof text);
    assert_string_equal(text, exit);
    assert_int_equal(out.pc, pc);
}

/* --- generated programs --- */

struct score {
    size_t judged, unjudged[PX_UNJUDGED_COUNT], differ;
};

static void run_generated(struct run *run, const char *spec, uint64_t programs, struct score *score)
{
    struct px_gen gen;
    struct px_program program;
    struct px_error err = { "" };
    px_program_init(&program);
    assert_int_equal(px_gen_parse(spec, &gen, &err), PX_OK);
    uint64_t count = px_gen_count(&gen);
    for (uint64_t i = 0; i < programs; i++) {
        struct px_image image;
        struct run_result result;
        uint64_t index = count == UINT64_MAX ? i : i * UINT64_C(0x9e3779b97f4a7c15) % count;
        assert_int_equal(px_gen_make(&gen, SEED, index, &program), PX_OK);
        px_program_image(&program, &image);
        if (run_image(run, &image, i % 16 == 0, &result, &err) != PX_OK)
            fail_msg("%s", err.text);
        const struct px_outcome *out = &result.outcomes[1];
        if (out->exit == PX_EXIT_UNJUDGED)
            score->unjudged[out->arg]++;
        else
            score->judged++;
        if (result.diff.fields != 0) {
            char what[4096];
            diff_describe(&result.diff, "interp", "qemu", what, sizeof what);
            print_error("%s@%u, program %llu:\n%s", spec, gen.generator->version, (unsigned long long)index,
                        what);
            score->differ++;
        }
    }
    px_program_fini(&program);
}

/* So many programs of a generator, of which at least so many in a hundred are judged. */
static const struct {
    const char *spec;
    uint64_t programs;
    unsigned judged;
} parts[] = {
    { "mix", 3000, 60 },    { "boundary", 8000, 90 },   { "straight", 1500, 40 }, { "control", 1500, 60 },
    { "memory", 1500, 70 }, { "compressed", 1500, 70 }, { "hostile", 1500, 70 },  { "gas", 600, 15 },
    { "hostcall", 600, 4 }, { "long", 60, 5 },
};

static void every_generator_agrees_with_the_reference(void **state)
{
    (void)state;
    struct run run;
    size_t differ = 0;
    open_both(&run);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct score score = { 0 };
        run_generated(&run, parts[i].spec, parts[i].programs, &score);
        print_message("%-10s judged %5.1f %%, no verdict for extension %zu, hostcall %zu, gas %zu\n",
                      parts[i].spec, 100.0 * (double)score.judged / (double)parts[i].programs,
                      score.unjudged[PX_UNJUDGED_EXTENSION], score.unjudged[PX_UNJUDGED_HOSTCALL],
                      score.unjudged[PX_UNJUDGED_GAS]);
        assert_true(score.judged * 100 >= parts[i].programs * parts[i].judged);
        assert_int_equal(score.unjudged[PX_UNJUDGED_TIME], 0);
        assert_int_equal(score.unjudged[PX_UNJUDGED_SIZE], 0);
        assert_int_equal(score.unjudged[PX_UNJUDGED_LOST], 0);
        differ += score.differ;
    }
    run_close(&run);
    assert_int_equal(differ, 0);
}

/* Both engines stop after each number of blocks in turn, and agree on where they stand. */
static void look_at_every_block(struct run *run, struct px_program *program, size_t *looks)
{
    struct px_image image;
    struct run_slot slot;
    struct run_result result;
    struct px_error err = { "" };
    px_program_image(program, &image);
    if (run_prepare(run, &image, PX_PREPARE_STOPPABLE, &slot, &err) != PX_OK)
        fail_msg("%s", err.text);
    struct px_entry entry = run_entry(&image);
    for (entry.stop_after_blocks = 1; entry.stop_after_blocks < 40; entry.stop_after_blocks++) {
        for (size_t i = 0; i < run->count; i++)
            assert_int_equal(run_engine(run, &slot, i, &entry, &result, &err), PX_OK);
        assert_int_equal(run_judge(run, &slot, true, &result, &err), PX_OK);
        if (result.diff.fields != 0)
            fail_msg("program %llu differs after %llu blocks", (unsigned long long)program->origin.index,
                     (unsigned long long)entry.stop_after_blocks);
        ++*looks;
        if (result.outcomes[0].exit != PX_EXIT_STOPPED)
            break;
        assert_true(result.outcomes[1].exit == PX_EXIT_STOPPED ||
                    result.outcomes[1].exit == PX_EXIT_UNJUDGED);
    }
    run_release(run, &slot);
}

static void it_stops_between_blocks_where_the_reference_does(void **state)
{
    (void)state;
    static const char *const specs[] = { "control", "compressed", "memory", "hostile" };
    struct run run;
    struct px_program program;
    size_t looks = 0;
    open_both(&run);
    px_program_init(&program);
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct px_gen gen;
        struct px_error err;
        assert_int_equal(px_gen_parse(specs[i], &gen, &err), PX_OK);
        for (uint64_t index = 0; index < 60; index++) {
            assert_int_equal(px_gen_make(&gen, SEED, index, &program), PX_OK);
            look_at_every_block(&run, &program, &looks);
        }
    }
    assert_true(looks > 1000);
    px_program_fini(&program);
    run_close(&run);
}

/* --- what it says --- */

static void every_exit_is_told(void **state)
{
    (void)state;
    struct oracle oracle;
    uint64_t x[PX_REG_COUNT] = { [8] = PX_DATA_BASE, [9] = 1, [10] = PX_CODE_BASE + 2 };
    open_oracle(&oracle);
    expect_exit(ASK(&oracle, x, HALT), "hostcall:0", 4);
    expect_exit(ASK(&oracle, x, 0x13, 0xffff838b | 0x2000), "hostcall:-1", 8);
    expect_exit(ASK(&oracle, x, 0x0000100b), "manage", 4);
    expect_exit(ASK(&oracle, x, 0x13, 0x0000000b), "trap", 4);
    expect_exit(ASK(&oracle, x, 0x13, 0), "panic:illegal", 4);
    expect_exit(ASK(&oracle, x, 0x00000073), "panic:ecall", 0);
    expect_exit(ASK(&oracle, x, 0x00008067), "panic:bad-target", 0); /* ret, to nowhere */
    expect_exit(ASK(&oracle, x, 0x00050067), "panic:bad-target", 0); /* into the middle */
    expect_exit(ASK(&oracle, x, 0x00000463, HALT), "panic:bad-target", 0); /* beq over the end */
    expect_exit(ASK(&oracle, x, 0x13), "panic:end-of-code", 4);
    expect_exit(ASK(&oracle, x, 0x00003003), "page_fault:0x0", 0);
    expect_exit(ASK(&oracle, x, 0x00942023, HALT), "hostcall:0", 8); /* sw s1, 0(s0) */
    expect_exit(ASK(&oracle, x, 0xfe943e23, HALT), "page_fault:0xffff000", 0); /* sd s1, -4(s0) */
    expect_exit(ASK(&oracle, x, 0x00953023, HALT), "page_fault:0x400000", 0); /* a store to code */
    oracle_close(&oracle);
}

static void a_program_reads_its_own_code_as_it_was_written(void **state)
{
    (void)state;
    struct oracle oracle;
    uint64_t x[PX_REG_COUNT] = { [8] = PX_CODE_BASE };
    open_oracle(&oracle);
    /* fallthrough; lw t0, 0(s0); lw t1, 8(s0); jalr t2, 0(zero) is never reached */
    struct px_outcome out = ASK(&oracle, x, 0x0000400b, 0x00042283, 0x00842303, HALT, 0x000003e7);
    expect_exit(out, "hostcall:0", 16);
    assert_int_equal(out.x[5], 0x400b);
    assert_int_equal(out.x[6], 0x842303);
    oracle_close(&oracle);
}

static void pages_can_be_read_afterwards(void **state)
{
    (void)state;
    struct oracle oracle;
    static uint8_t scratch[PX_PAGE_SIZE];
    const uint8_t *bytes;
    uint64_t x[PX_REG_COUNT] = { [8] = UINT64_C(0xdeadbeef10000ffc), [9] = UINT64_C(0x1122334455667788) };
    open_oracle(&oracle);
    struct px_outcome out = ASK(&oracle, x, 0x00943023, HALT); /* sd s1, 0(s0), over a page's end */
    expect_exit(out, "hostcall:0", 8);
    assert_int_equal(out.dirty_count, 2);
    assert_int_equal(out.dirty[0], PX_DATA_BASE >> PX_PAGE_BITS);
    assert_int_equal(out.dirty[1], (PX_DATA_BASE >> PX_PAGE_BITS) + 1);
    oracle_close(&oracle);

    struct run run;
    struct run_slot slot;
    struct run_result result;
    struct px_error err = { "" };
    struct px_program program;
    const uint32_t code[] = { 0x00943023, HALT };
    open_both(&run);
    px_program_init(&program);
    program.gas = 100000;
    memcpy(program.x, x, sizeof x);
    assert_int_equal(px_program_append(&program, code, sizeof code), PX_OK);
    assert_int_equal(px_program_map(&program, PX_DATA_BASE, 0x3000, PX_MAP_COW, "content", 7), PX_OK);
    struct px_image image;
    px_program_image(&program, &image);
    assert_int_equal(run_prepare(&run, &image, 0, &slot, &err), PX_OK);
    assert_int_equal(run_compare(&run, &slot, true, &result, &err), PX_OK);
    assert_int_equal(result.diff.fields, 0);
    const struct engine *qemu = &run.engines[1];
    assert_int_equal(qemu->ops->read_page(qemu->instance, 0x10000, scratch, &bytes), PX_OK);
    assert_memory_equal(bytes, "content", 7);
    assert_memory_equal(bytes + 0xffc, "\x88\x77\x66\x55", 4);
    assert_int_equal(qemu->ops->read_page(qemu->instance, 0x10001, scratch, &bytes), PX_OK);
    assert_memory_equal(bytes, "\x44\x33\x22\x11\0\0\0\0", 8);
    assert_int_equal(qemu->ops->read_page(qemu->instance, 0x400, scratch, &bytes), PX_OK);
    assert_memory_equal(bytes, code, sizeof code);
    assert_int_equal(qemu->ops->read_page(qemu->instance, 0x20000, scratch, &bytes), PX_OK);
    assert_memory_equal(bytes, px_zero_page, PX_PAGE_SIZE);
    run_release(&run, &slot);
    px_program_fini(&program);
    run_close(&run);
}

/* --- what it does not say --- */

static void what_it_does_not_know_is_no_verdict(void **state)
{
    (void)state;
    struct oracle oracle;
    uint64_t x[PX_REG_COUNT] = { [5] = UINT64_C(1) << 40, [6] = 8, [8] = PX_DATA_BASE };
    open_oracle(&oracle);
    struct px_outcome out = ASK(&oracle, x, 0x0000a00b, HALT); /* ecalli 1 */
    assert_int_equal(out.exit, PX_EXIT_UNJUDGED);
    assert_int_equal(out.arg, PX_UNJUDGED_HOSTCALL);
    /* ctzw of a low half without bits: qemu 7.2 goes on counting. A later one may know better. */
    out = ASK(&oracle, x, 0x6012939b, HALT);
    if (out.exit == PX_EXIT_UNJUDGED)
        assert_int_equal(out.arg, PX_UNJUDGED_EXTENSION);
    else
        assert_int_equal(out.x[7], 32);
    assert_int_equal(ASK(&oracle, x, 0x6013139b, HALT).x[7], 3);
    /* Not reached, it does no harm: jal zero, 12; ecalli 1; fallthrough; ecalli 0. */
    expect_exit(ASK(&oracle, x, 0x00c0006f, 0x0000a00b, 0x0000400b, HALT), "hostcall:0", 16);
    oracle_close(&oracle);
}

static void a_program_without_end_is_given_up(void **state)
{
    (void)state;
    struct oracle oracle;
    open_oracle(&oracle);
    struct px_outcome out = ASK(&oracle, NULL, 0x0000006f); /* jal zero, 0 */
    assert_int_equal(out.exit, PX_EXIT_UNJUDGED);
    assert_int_equal(out.arg, PX_UNJUDGED_TIME);
    /* One that traps all the time, too: auipc t0, 0; jal zero, -4. */
    out = ASK(&oracle, NULL, 0x00000297, 0x00000317, 0xff9ff06f);
    assert_int_equal(out.exit, PX_EXIT_UNJUDGED);
    assert_int_equal(out.arg, PX_UNJUDGED_TIME);
    expect_exit(ASK(&oracle, NULL, HALT), "hostcall:0", 4);
    oracle_close(&oracle);
}

static void a_program_that_touches_too_much_is_given_up(void **state)
{
    (void)state;
    struct oracle oracle;
    uint64_t x[PX_REG_COUNT] = { [8] = PX_DATA_BASE, [9] = 4096, [10] = 5000 };
    open_oracle(&oracle);
    /* sw s1, 0(s0); add s0, s0, s1; addi a0, a0, -1; bne a0, zero, -12 */
    struct px_outcome out = ASK(&oracle, x, 0x00942023, 0x00940433, 0xfff50513, 0xfe051ae3, HALT);
    assert_int_equal(out.exit, PX_EXIT_UNJUDGED);
    assert_int_equal(out.arg, PX_UNJUDGED_SIZE);
    x[10] = 4096; /* as many as it holds */
    out = ASK(&oracle, x, 0x00942023, 0x00940433, 0xfff50513, 0xfe051ae3, HALT);
    expect_exit(out, "hostcall:0", 20);
    assert_int_equal(out.dirty_count, 4096);
    oracle_close(&oracle);
}

static void pages_are_zero_again_for_the_next_program(void **state)
{
    (void)state;
    struct oracle oracle;
    uint64_t x[PX_REG_COUNT] = { [9] = 4096 };
    open_oracle(&oracle);
    for (unsigned round = 0; round < 6; round++) { /* over more pages than are kept */
        x[8] = PX_DATA_BASE + round % 4 * (UINT64_C(16) << 20);
        x[10] = 4000;
        /* lw t0, 0(s0); or a1, a1, t0; sw s1, 0(s0); add s0, s0, s1; addi a0, a0, -1; bne a0, zero, -20 */
        struct px_outcome out =
            ASK(&oracle, x, 0x00042283, 0x0055e5b3, 0x00942023, 0x00940433, 0xfff50513, 0xfe0516e3, HALT);
        expect_exit(out, "hostcall:0", 28);
        assert_int_equal(out.x[11], 0);
        assert_int_equal(out.dirty_count, 4000);
    }
    oracle_close(&oracle);
}

static void what_ran_out_of_gas_elsewhere_is_not_run(void **state)
{
    (void)state;
    struct run run;
    struct run_result result;
    struct px_error err = { "" };
    const uint32_t forever = 0x0000006f;
    const struct px_image image = { .code = (const uint8_t *)&forever, .code_size = 4, .gas = 5000 };
    open_both(&run);
    assert_int_equal(run_image(&run, &image, true, &result, &err), PX_OK);
    assert_int_equal(result.outcomes[0].exit, PX_EXIT_OUT_OF_GAS);
    assert_int_equal(result.outcomes[1].exit, PX_EXIT_UNJUDGED);
    assert_int_equal(result.outcomes[1].arg, PX_UNJUDGED_GAS);
    assert_int_equal(result.diff.fields, 0);
    assert_int_equal(qemu_facts(run.engines[1].instance).qemu, 0); /* it was not even started */
    run_close(&run);
}

/* --- what happens to its processes --- */

static void wait_a_little(void)
{
    const struct timespec pause = { .tv_nsec = 2000000 };
    nanosleep(&pause, NULL);
}

/* What the alarm does to qemu: handlers get no argument. */
static const struct px_engine *victim;
static volatile sig_atomic_t weapon, shots;
static volatile pid_t last_shot;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    pid_t qemu = qemu_facts(victim).qemu;
    if (qemu == 0 || qemu == last_shot || shots == 0)
        return;
    last_shot = qemu;
    shots--;
    kill(qemu, weapon);
}

static void arm(const struct px_engine *engine, int signal_number, int count, long first_us, long period_us)
{
    struct sigaction action = { .sa_handler = on_alarm };
    const struct itimerval timer = { .it_value = { .tv_usec = first_us },
                                     .it_interval = { .tv_usec = period_us } };
    victim = engine;
    weapon = signal_number;
    shots = count;
    last_shot = 0;
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void disarm(void)
{
    const struct itimerval never = { .it_value = { .tv_usec = 0 } };
    setitimer(ITIMER_REAL, &never, NULL);
}

/* Until the broker has heard of the last shot. */
static void wait_for_death(const struct px_engine *engine)
{
    for (unsigned i = 0; i < 5000 && qemu_facts(engine).qemu == last_shot; i++)
        wait_a_little();
}

/* Programs go on as if nothing had happened. */
static void survive(int signal_number)
{
    struct run run;
    struct px_program program;
    struct px_gen gen;
    struct px_error err = { "" };
    struct score score = { 0 };
    uint64_t index = 0;
    open_both(&run);
    px_program_init(&program);
    assert_int_equal(px_gen_parse("control", &gen, &err), PX_OK);
    arm(run.engines[1].instance, signal_number, 12, 20000, 37000);
    while (shots > 0) {
        struct px_image image;
        struct run_result result;
        assert_int_equal(px_gen_make(&gen, SEED, index++, &program), PX_OK);
        px_program_image(&program, &image);
        if (run_image(&run, &image, false, &result, &err) != PX_OK)
            fail_msg("%s", err.text);
        assert_int_equal(result.diff.fields, 0);
        if (result.outcomes[1].exit == PX_EXIT_UNJUDGED)
            assert_in_range(result.outcomes[1].arg, PX_UNJUDGED_EXTENSION, PX_UNJUDGED_GAS);
    }
    disarm();
    wait_for_death(run.engines[1].instance);
    run_generated(&run, "straight", 1, &score);
    assert_int_equal(score.differ, 0);
    assert_int_equal(qemu_facts(run.engines[1].instance).starts, 13);
    px_program_fini(&program);
    run_close(&run);
}

static void it_survives_being_killed(void **state)
{
    (void)state;
    survive(SIGKILL);
}

static void it_survives_being_stopped(void **state)
{
    (void)state;
    survive(SIGSTOP);
}

static void a_program_that_it_dies_over_twice_is_given_up(void **state)
{
    (void)state;
    struct oracle oracle;
    open_oracle(&oracle);
    arm(oracle.engine, SIGSEGV, 2, 200000, 100000);
    struct px_outcome out = ASK(&oracle, NULL, 0x0000006f); /* jal zero, 0 */
    disarm();
    assert_int_equal(out.exit, PX_EXIT_UNJUDGED);
    assert_int_equal(out.arg, PX_UNJUDGED_LOST);
    expect_exit(ASK(&oracle, NULL, HALT), "hostcall:0", 4);
    assert_int_equal(qemu_facts(oracle.engine).starts, 3);
    oracle_close(&oracle);
}

static void a_guest_that_overwrites_its_runner_is_given_up(void **state)
{
    (void)state;
    struct oracle oracle;
    /* sd zero, 0(s0); addi s0, s0, 8; jal zero, -8: over all that the runner shares with the host, and beyond */
    uint64_t x[PX_REG_COUNT] = { [8] = UINT64_C(0x1b3d59400000) };
    open_oracle(&oracle);
    struct px_outcome out = ASK(&oracle, x, 0x00043023, 0x0000400b, 0x00840413, 0xff1ff06f);
    assert_true(out.exit == PX_EXIT_UNJUDGED || out.exit == PX_EXIT_PAGE_FAULT);
    expect_exit(ASK(&oracle, NULL, HALT), "hostcall:0", 4);
    oracle_close(&oracle);
}

/* Whether @pid is no more; a zombie that nobody reaps is none. */
static bool is_gone(pid_t pid)
{
    char path[64], line[256] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return true;
    bool read = fgets(line, sizeof line, file) != NULL;
    (void)fclose(file);
    const char *state = read ? strrchr(line, ')') : NULL;
    return !state || state[2] == 'Z';
}

static void expect_gone(pid_t pid)
{
    for (unsigned i = 0; i < 5000 && !is_gone(pid); i++)
        wait_a_little();
    assert_true(is_gone(pid));
}

static void no_process_outlives_the_engine(void **state)
{
    (void)state;
    struct oracle oracle;
    open_oracle(&oracle);
    expect_exit(ASK(&oracle, NULL, HALT), "hostcall:0", 4);
    struct qemu_facts facts = qemu_facts(oracle.engine);
    assert_true(facts.qemu > 0 && facts.broker > 0);
    oracle_close(&oracle);
    expect_gone(facts.broker);
    expect_gone(facts.qemu);
}

static void no_process_outlives_a_killed_owner(void **state)
{
    (void)state;
    struct qemu_facts *facts = isolate_share(sizeof *facts);
    if (!facts)
        give_up("mmap");
    pid_t owner = fork();
    if (owner == 0) {
        struct oracle oracle;
        struct px_error err;
        struct px_outcome out;
        struct px_program program;
        const uint32_t halt = HALT;
        px_program_init(&program);
        if (px_program_append(&program, &halt, sizeof halt) != PX_OK || oracle_open(&oracle, &err) != PX_OK ||
            oracle_ask(&oracle, &program, &out, &err) != PX_OK)
            _exit(1);
        *facts = qemu_facts(oracle.engine);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(owner, &status, 0), owner);
    assert_true(WIFSIGNALED(status));
    assert_true(facts->qemu > 0 && facts->broker > 0);
    expect_gone(facts->broker);
    expect_gone(facts->qemu);
    isolate_unshare(facts, sizeof *facts);
}

/* In a process that may start nothing: qemu dies, and comes again. */
static enum px_status run_locked_down(void *arg, struct px_error *err)
{
    struct qemu_facts *facts = arg;
    struct oracle oracle;
    struct px_outcome out;
    struct px_program program;
    const uint32_t halt = HALT;
    px_program_init(&program);
    enum px_status status = px_program_append(&program, &halt, sizeof halt);
    if (status == PX_OK)
        status = oracle_open(&oracle, err);
    if (status == PX_OK)
        status = lockdown_enter(err);
    for (unsigned i = 0; i < 200 && status == PX_OK; i++) {
        status = oracle_ask(&oracle, &program, &out, err);
        if (status == PX_OK && (out.exit != PX_EXIT_HOSTCALL || out.pc != 4))
            status = px_fail(err, PX_ERR_INTERNAL, "exit %d", (int)out.exit);
        *facts = qemu_facts(oracle.engine);
        wait_a_little();
    }
    return status;
}

static void it_is_restarted_also_for_a_locked_down_process(void **state)
{
    (void)state;
    struct qemu_facts *facts = isolate_share(sizeof *facts);
    struct px_error err = { "" };
    if (!facts)
        give_up("mmap");
    pid_t killer = fork();
    if (killer == 0) {
        for (pid_t last = 0;; wait_a_little()) {
            pid_t qemu = *(volatile pid_t *)&facts->qemu;
            if (qemu != 0 && qemu != last && *(volatile uint32_t *)&facts->starts < 4)
                kill(qemu, SIGKILL);
            last = qemu;
        }
    }
    enum px_status status = isolate_call(run_locked_down, facts, &err);
    kill(killer, SIGKILL);
    waitpid(killer, NULL, 0);
    if (status != PX_OK)
        fail_msg("%s", err.text);
    assert_in_range(facts->starts, 2, 5);
    isolate_unshare(facts, sizeof *facts);
}

static void without_its_broker_it_says_that_it_is_lost(void **state)
{
    (void)state;
    struct oracle oracle;
    struct px_error err = { "" };
    struct px_outcome out;
    struct px_program program;
    const uint32_t forever = 0x0000006f;
    open_oracle(&oracle);
    expect_exit(ASK(&oracle, NULL, HALT), "hostcall:0", 4);
    kill(qemu_facts(oracle.engine).broker, SIGKILL);
    px_program_init(&program);
    assert_int_equal(px_program_append(&program, &forever, sizeof forever), PX_OK);
    assert_int_equal(oracle_ask(&oracle, &program, &out, &err), PX_ERR_LOST);
    assert_string_equal(err.text, "engine qemu: its broker is gone");
    px_program_fini(&program);
    oracle_close(&oracle);
}

/* --- what is missing --- */

static void make_fake(const char *folder, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/qemu-riscv64", folder);
    FILE *file = fopen(path, "w");
    if (!file)
        give_up("fopen");
    (void)fputs(text, file);
    (void)fclose(file);
    if (chmod(path, 0755) != 0)
        give_up("chmod");
}

static void what_is_missing_or_does_not_run_is_named(void **state)
{
    (void)state;
    struct oracle oracle;
    struct px_error err = { "" };
    struct px_outcome out;
    struct px_program program;
    const uint32_t halt = HALT;
    char folder[] = "/tmp/px-qemu-XXXXXX", version[32], path[256], expected[512];
    const char *path_now = getenv("PATH");
    char *saved = path_now ? strdup(path_now) : NULL;
    if (!saved || !mkdtemp(folder))
        give_up("mkdtemp");
    setenv("PATH", folder, 1);
    assert_int_equal(oracle_open(&oracle, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "engine qemu: there is no qemu-riscv64 in PATH: install it "
                                  "(on Debian: apt-get install qemu-user)");
    assert_int_equal(oracle_version(version, sizeof version, &err), PX_ERR_INPUT);

    make_fake(folder, "#!/bin/sh\nexit 1\n");
    assert_int_equal(oracle_open(&oracle, &err), PX_OK); /* whether it runs shows only then: */
    px_program_init(&program);
    assert_int_equal(px_program_append(&program, &halt, sizeof halt), PX_OK);
    assert_int_equal(oracle_ask(&oracle, &program, &out, &err), PX_ERR_SYSTEM);
    (void)snprintf(expected, sizeof expected, "engine qemu: %s/qemu-riscv64 does not run: ", folder);
    assert_memory_equal(err.text, expected, strlen(expected));
    oracle_close(&oracle);
    assert_int_equal(oracle_version(version, sizeof version, &err), PX_ERR_SYSTEM);
    make_fake(folder, "#!/bin/sh\necho qemu-riscv64 version 12.34.5 '(Some)'\n");
    assert_int_equal(oracle_version(version, sizeof version, &err), PX_OK);
    assert_string_equal(version, "12.34");

    (void)snprintf(path, sizeof path, "%s/qemu-riscv64", folder);
    unlink(path);
    rmdir(folder);
    setenv("PATH", saved, 1);
    free(saved);
    px_program_fini(&program);
}

static void options_are_refused(void **state)
{
    (void)state;
    struct px_engine *engine;
    struct px_error err = { "" };
    assert_int_equal(px_qemu_engine.create("fast", &engine, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, "engine qemu: option 'fast': expected none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_generator_agrees_with_the_reference),
        cmocka_unit_test(it_stops_between_blocks_where_the_reference_does),
        cmocka_unit_test(every_exit_is_told),
        cmocka_unit_test(a_program_reads_its_own_code_as_it_was_written),
        cmocka_unit_test(pages_can_be_read_afterwards),
        cmocka_unit_test(what_it_does_not_know_is_no_verdict),
        cmocka_unit_test(a_program_without_end_is_given_up),
        cmocka_unit_test(a_program_that_touches_too_much_is_given_up),
        cmocka_unit_test(pages_are_zero_again_for_the_next_program),
        cmocka_unit_test(what_ran_out_of_gas_elsewhere_is_not_run),
        cmocka_unit_test(it_survives_being_killed),
        cmocka_unit_test(it_survives_being_stopped),
        cmocka_unit_test(a_program_that_it_dies_over_twice_is_given_up),
        cmocka_unit_test(a_guest_that_overwrites_its_runner_is_given_up),
        cmocka_unit_test(no_process_outlives_the_engine),
        cmocka_unit_test(no_process_outlives_a_killed_owner),
        cmocka_unit_test(it_is_restarted_also_for_a_locked_down_process),
        cmocka_unit_test(without_its_broker_it_says_that_it_is_lost),
        cmocka_unit_test(what_is_missing_or_does_not_run_is_named),
        cmocka_unit_test(options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
