/*
 * What `parallax emit` writes: assembled by binutils without a warning, run by qemu-riscv64, and held against the
 * reference interpreter: exit, pc and every register.
 *
 *   program -> interp, watched -> what the machine should print
 *           -> emit -> as -> ld -> qemu-riscv64 -> what it prints
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generators/generator.h"
#include "harness/commands.h"
#include "harness/emit.h"
#include "harness/tests/capture.h"
#include "harness/tests/folder.h"
#include "harness/tests/give_up.h"
#include "vm/interp.h"
#include "vm/program.h"
#include "vm/text.h"
#include "vm/test_program.h"

enum { PRINTED_MAX = 1024, PATH_ROOM = 128 };

/* Where the runner stands, and where qemu-riscv64 has its stack, in units of 4 GiB. */
enum { RUNNER_4G = 0x2d, QEMU_4G = 0x40 };

/* --- what the machine should print --- */

/* How the machine's run ends before the program's, and what makes the two incomparable. */
struct watch {
    const struct px_program *program;
    const char *because;        /* the first thing that ends it; NULL: none */
    uint64_t x[PX_REG_COUNT];   /* then */
    uint32_t pc;
    bool reads_code, meets_runner;
    bool qemu_errs; /* qemu 7.2: ctzw of a register whose low half alone is 0 counts on in the high half */
};

static void watch(void *arg, const struct px_insn *insn, uint32_t pc, uint64_t gas, const uint64_t *x)
{
    struct watch *w = arg;
    unsigned effects = px_ops[insn->op].effects;
    uint64_t address = x[insn->rs1] + (uint64_t)insn->imm;
    uint64_t last = address + (1u << PX_EFF_WIDTH_LOG2(effects)) - 1;
    (void)gas;
    if (w->because)
        return;
    w->qemu_errs |= insn->op == PX_OP_CTZW && x[insn->rs1] != 0 && (uint32_t)x[insn->rs1] == 0;
    if (insn->op == PX_OP_ECALLI && insn->imm >= 1 && insn->imm <= 3) {
        w->because = "a host call that continues";
        pc += 4;
    } else if (!(effects & (PX_EFF_LOAD | PX_EFF_STORE))) {
        return;
    } else {
        w->reads_code |= (uint32_t)last >= PX_CODE_BASE && (uint32_t)address < PX_CODE_BASE + PX_CODE_MAX;
        w->meets_runner |= address >> 32 == RUNNER_4G || address >> 32 == QEMU_4G;
        return;
    }
    w->pc = pc;
    memcpy(w->x, x, sizeof w->x);
}

static void run_interp(const struct px_program *program, struct watch *w, struct px_outcome *out)
{
    struct px_engine *engine;
    struct px_unit *unit;
    struct px_error err;
    struct px_image image;
    struct px_program copy;
    px_program_init(&copy);
    assert_int_equal(px_program_copy(&copy, program), PX_OK);
    px_program_image(&copy, &image);
    assert_int_equal(px_image_check(&image, NULL), PX_OK);
    assert_int_equal(px_interp_engine.create("", &engine, &err), PX_OK);
    px_interp_observe(engine, watch, w);
    assert_int_equal(px_interp_engine.prepare(engine, &image, 0, &unit, &err), PX_OK);
    struct px_entry entry = { .pc = image.entry_pc, .gas = image.gas };
    memcpy(entry.x, image.x, sizeof entry.x);
    assert_int_equal(px_interp_engine.run(engine, unit, &entry, out, &err), PX_OK);
    px_interp_engine.release(engine, unit);
    px_interp_engine.destroy(engine);
    px_program_fini(&copy);
}

/* False when the machine may print anything. */
static bool expected_print(const struct px_program *program, char text[PRINTED_MAX])
{
    struct watch w = { .program = program };
    struct px_outcome out;
    char exit[64];
    run_interp(program, &w, &out);
    px_exit_format(&out, exit, sizeof exit);
    struct emit_notes notes;
    assert_int_equal(emit_notes(program, &notes), PX_OK);
    bool illegal = notes.count > 0 && strstr(notes.lines[notes.count - 1], "illegal instruction");
    if (!w.because) {
        bool other_way =
            out.exit == PX_EXIT_OUT_OF_GAS || (out.exit == PX_EXIT_PANIC && out.arg == PX_PANIC_BAD_TARGET);
        if (other_way || (illegal && w.reads_code) || w.meets_runner || w.qemu_errs)
            return false;
        w.pc = out.pc;
        memcpy(w.x, out.x, sizeof w.x);
    }
    int used =
        snprintf(text, PRINTED_MAX, "exit=%s%s%s\npc=%" PRIu32 "\n", w.because ? "not-represented" : exit,
                 w.because ? "\nbecause=" : "", w.because ? w.because : "", w.pc);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        used += snprintf(text + used, PRINTED_MAX - (size_t)used, "x%u=0x%" PRIx64 "\n", i, w.x[i]);
    return true;
}

/* --- what it prints --- */

/* Runs a command from PATH; its exit code. What it prints on both streams goes into @output. */
static int run_tool(const char *const *words, FILE *output)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(output), STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(output), STDERR_FILENO), 0);
    int error = posix_spawnp(&pid, words[0], &actions, NULL, (char *const *)(uintptr_t)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        fail_msg("%s: %s. scripts/deps test installs it (Debian packages binutils-riscv64-linux-gnu and "
                 "qemu-user)",
                 words[0], strerror(error));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* The same; @text is what it printed. */
static int run_and_read(const char *const *words, char text[PRINTED_MAX])
{
    FILE *output = tmpfile();
    if (!output)
        give_up("no stream");
    int code = run_tool(words, output);
    rewind(output);
    text[fread(text, 1, PRINTED_MAX - 1, output)] = '\0';
    assert_int_equal(fclose(output), 0);
    return code;
}

static void must(const char *const *words)
{
    char text[PRINTED_MAX];
    int code = run_and_read(words, text);
    if (code != 0 || text[0] != '\0')
        fail_msg("%s: exit code %d: %s", words[0], code, text);
}

/* Paths of one test's files. */
struct tools {
    struct folder folder;
    char source[PATH_ROOM], object[PATH_ROOM], linked[PATH_ROOM];
};

static void tools_make(struct tools *t)
{
    folder_make(&t->folder);
    folder_path(&t->folder, "repro.S", t->source, sizeof t->source);
    folder_path(&t->folder, "repro.o", t->object, sizeof t->object);
    folder_path(&t->folder, "repro", t->linked, sizeof t->linked);
}

static void tools_remove(const struct tools *t)
{
    folder_remove(&t->folder);
}

static void assemble(const struct tools *t, const struct px_program *program)
{
    FILE *file = fopen(t->source, "w");
    if (!file)
        give_up("no stream");
    assert_int_equal(emit_write(program, file), PX_OK);
    assert_int_equal(fclose(file), 0);
    must((const char *[]){ "riscv64-linux-gnu-as", "--fatal-warnings", "-o", t->object, t->source, NULL });
}

static void link_it(const struct tools *t, const char *address)
{
    must((const char *[]){ "riscv64-linux-gnu-ld", "--fatal-warnings", address, "-o", t->linked, t->object,
                           NULL });
}

static void expect_print(const struct tools *t, const struct px_program *program, const char *want)
{
    char got[PRINTED_MAX];
    assemble(t, program);
    link_it(t, "-Ttext-segment=0x2d71300000");
    int code = run_and_read((const char *[]){ "qemu-riscv64", t->linked, NULL }, got);
    if (strcmp(got, want) != 0) {
        assert_int_equal(px_program_write(program, stdout), PX_OK);
        fail_msg("got, with exit code %d:\n%sexpected:\n%s", code, got, want);
    }
    assert_int_equal(code, strncmp(want, "exit=not", 8) == 0);
}

static void make(const struct px_gen *gen, uint64_t index, struct px_program *program)
{
    uint64_t count = px_gen_count(gen);
    assert_int_equal(px_gen_make(gen, 1, count == UINT64_MAX ? index : index * 7919 % count, program), PX_OK);
}

static void programs_run_under_qemu_as_in_the_interpreter(void **state)
{
    (void)state;
    static const struct {
        const char *gen;
        unsigned programs, compared; /* at least */
    } wanted[] = {
        { "straight", 10, 8 }, { "control", 16, 11 }, { "memory", 16, 11 }, { "compressed", 8, 6 },
        { "hostcall", 4, 2 },  { "hostile", 12, 6 },  { "boundary", 6, 5 }, { "long", 4, 2 },
    };
    struct tools tools;
    struct px_program program;
    px_program_init(&program);
    tools_make(&tools);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        struct px_gen gen;
        struct px_error err;
        unsigned compared = 0;
        assert_int_equal(px_gen_parse(wanted[i].gen, &gen, &err), PX_OK);
        for (uint64_t index = 0; index < wanted[i].programs; index++) {
            char want[PRINTED_MAX];
            make(&gen, index, &program);
            if (!expected_print(&program, want))
                continue;
            expect_print(&tools, &program, want);
            compared++;
        }
        assert_in_range(compared, wanted[i].compared, wanted[i].programs);
    }
    tools_remove(&tools);
    px_program_fini(&program);
}

static void parse(struct px_program *program, const char *body)
{
    char text[1024];
    int length = snprintf(text, sizeof text, "parallax 1 rv64e-jar.1\ngas 1000000\n%s", body);
    assert_in_range(length, 1, sizeof text - 1);
    test_parse(program, text, (size_t)length);
}

/* Every way to end, and what the runner does by itself: programs by hand, and the first lines that they print. */
static void every_end_is_told_as_the_interpreter_tells_it(void **state)
{
    (void)state;
    static const struct {
        const char *body, *first;
    } cases[] = {
        { "code 0000200b", "exit=hostcall:0\npc=4\n" },
        { "code ffffa38b", "exit=hostcall:-1\npc=4\n" },
        { "code 0000208b", "exit=hostcall:131072\npc=4\n" },
        { "code 0001 0000100b", "exit=manage\npc=6\n" },
        { "code 0001 0000000b", "exit=trap\npc=2\n" },
        { "code 0001 00000073", "exit=panic:ecall\npc=2\n" },
        { "code 00100073", "exit=panic:ecall\npc=0\n" },
        { "code 9002", "exit=panic:ecall\npc=0\n" },
        { "code 0001 0000", "exit=panic:illegal\npc=2\n" },
        { "code 00000fff", "exit=panic:illegal\npc=0\n" },
        { "reg x9 0x5\ncode 00948833 0000200b", "exit=panic:illegal\npc=0\n" }, /* add x16, ... */
        { "code 0001 73", "exit=panic:illegal\npc=2\n" },
        { "code 0073 00", "exit=panic:illegal\npc=0\n" }, /* an ecall, cut */
        { "code 0001", "exit=panic:end-of-code\npc=2\n" },
        { "", "exit=panic:bad-entry\npc=0\n" },
        { "entry 0x2\nreg x15 0x7\ncode 0001 0001 0000200b", "exit=panic:bad-entry\npc=2\n" },
        { "entry 0xffffffff\ncode 0000200b", "exit=panic:bad-entry\npc=4294967295\n" },
        { "entry 0x4\ncode 0000400b 0000200b", "exit=hostcall:0\npc=8\n" },
        /* fallthrough, czero.eqz and czero.nez of 0 and not 0, to x0, from x0 */
        { "reg x8 0x7\nreg x9 0x9\ncode 0000400b 0e945533 0e0455b3 0e947633 0e0476b3 0e945033 0e047733 "
          "0e9057b3 0000200b",
          "exit=hostcall:0\npc=36\n" },
        /* loads and stores of pages that are not there, read-only, or half there */
        { "code 00003283", "exit=page_fault:0x0\npc=0\n" },
        { "reg x2 0x10000ffc\nmap 0x10000000 0x1000 zero\ncode fe813c23 00813023",
          "exit=page_fault:0x10001000\npc=4\n" },
        { "reg x2 0x10000ffc\nmap 0x10001000 0x1000 cow\ncode e022", "exit=page_fault:0x10000000\npc=0\n" },
        { "reg x2 0x10000008\nmap 0x10000000 0x1000 ro hex:0102030405060708090a\ncode 6402 e022",
          "exit=page_fault:0x10000000\npc=2\n" },
        { "reg x2 0xfffffff8\ncode 6402", "exit=page_fault:0xfffff000\npc=0\n" },
        /* what reads as 0, what has content, what was written; its own code */
        { "reg x2 0x10000000\nreg x3 0x400000\nmap 0x10000000 0x1000 cow hex:0102030405060708090a\n"
          "code 00013283 00813303 00213023 00013383 0001b403 0000200b",
          "exit=hostcall:0\npc=24\n" },
        /* auipc, jal, jalr: addresses are the program's */
        { "code 00001517 008000ef 0000000b 0000400b 000080e7", "exit=trap\npc=8\n" },
        /* not on a machine: host calls that continue */
        { "reg x2 0xfffffffffffffff9\ncode 6402", "exit=page_fault:0xfffff000\npc=0\n" },
        { "reg x10 0x3\ncode 0000a00b 0000200b",
          "exit=not-represented\nbecause=a host call that continues\npc=4\n" },
        { "code 0001a00b 0000200b", "exit=not-represented\nbecause=a host call that continues\npc=4\n" },
        { "code 0002200b", "exit=hostcall:4\npc=4\n" },
    };
    struct tools tools;
    struct px_program program;
    px_program_init(&program);
    tools_make(&tools);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char want[PRINTED_MAX];
        parse(&program, cases[i].body);
        if (!expected_print(&program, want) || strncmp(want, cases[i].first, strlen(cases[i].first)) != 0)
            fail_msg("%s:\n%sis not what the interpreter says:\n%s", cases[i].body, cases[i].first, want);
        expect_print(&tools, &program, want);
    }
    tools_remove(&tools);
    px_program_fini(&program);
}

static void emit_op(struct px_program *program, unsigned op, unsigned rd, unsigned rs1, unsigned rs2,
                    int32_t imm)
{
    struct px_insn insn = { .op = (uint8_t)op, .len = 4, .imm = imm };
    insn.rd = (uint8_t)rd;
    insn.rs1 = (uint8_t)rs1;
    insn.rs2 = (uint8_t)rs2;
    assert_int_equal(px_program_emit(program, &insn), PX_OK);
}

/* Every load and store of an address whose alias lies below 2^32, where a signal handler does it. */
static void aliases_of_addresses_are_reached(void **state)
{
    (void)state;
    static const uint8_t content[] = { 0x81, 0xf2, 0xe3, 0xd4, 0xc5, 0xb6, 0xa7, 0x98, 0x89 };
    static const uint8_t loads[] = {
        PX_OP_LB, PX_OP_LBU, PX_OP_LH, PX_OP_LHU, PX_OP_LW, PX_OP_LWU, PX_OP_LD
    };
    static const uint8_t stores[] = { PX_OP_SB, PX_OP_SH, PX_OP_SW, PX_OP_SD };
    char want[PRINTED_MAX];
    struct tools tools;
    struct px_program program;
    px_program_init(&program);
    tools_make(&tools);
    program.gas = 1000000;
    program.x[2] = 0xabcdef0110000003;
    program.x[10] = 0x8182838485868788;
    program.x[15] = 0x10000000;
    assert_int_equal(px_program_map(&program, 0x10000000, 0x1000, PX_MAP_COW, content, sizeof content),
                     PX_OK);
    for (unsigned i = 0; i < sizeof loads; i++)
        emit_op(&program, loads[i], 3 + i, 2, 0, -2);
    emit_op(&program, PX_OP_LD, 0, 2, 0, 0);
    for (unsigned i = 0; i < sizeof stores; i++) {
        emit_op(&program, stores[i], 0, 2, 10, (int32_t)(16 * i + 29));
        emit_op(&program, PX_OP_LD, 11 + i, 15, 0, (int32_t)(16 * i + 32));
    }
    /* c.sdsp a0, 0(sp); c.ldsp ra, 0(sp); then a store of what may be read only: code. */
    assert_int_equal(px_program_append(&program, "\x2a\xe0\x82\x60", 4), PX_OK);
    emit_op(&program, PX_OP_LUI, 2, 0, 0, 0x400000);
    emit_op(&program, PX_OP_BSETI, 2, 2, 0, 40);
    emit_op(&program, PX_OP_SB, 0, 2, 2, 0);
    assert_true(expected_print(&program, want));
    assert_int_equal(strncmp(want, "exit=page_fault:0x400000\n", 25), 0);
    expect_print(&tools, &program, want);
    tools_remove(&tools);
    px_program_fini(&program);
}

/* Comments show what the bytes mean; what is assembled are the bytes. */
static void the_code_is_assembled_to_the_byte(void **state)
{
    (void)state;
    enum { BEFORE_CODE = 16 * 8 };
    static const char *const gens[] = { "mix", "hostile", "compressed" };
    struct tools tools;
    struct px_program program;
    px_program_init(&program);
    tools_make(&tools);
    for (size_t i = 0; i < sizeof gens / sizeof gens[0]; i++)
        for (uint64_t index = 0; index < 8; index++) {
            struct px_gen gen;
            struct px_error err;
            char *bytes;
            size_t size;
            assert_int_equal(px_gen_parse(gens[i], &gen, &err), PX_OK);
            make(&gen, index, &program);
            assemble(&tools, &program);
            must((const char *[]){ "riscv64-linux-gnu-objcopy", "-O", "binary", "-j", ".rodata", tools.object,
                                   tools.linked, NULL });
            assert_int_equal(px_text_load(tools.linked, SIZE_MAX, &bytes, &size, &err), PX_OK);
            assert_true(size > BEFORE_CODE + program.code_size);
            assert_memory_equal(bytes + BEFORE_CODE, program.code, program.code_size);
            free(bytes);
        }
    tools_remove(&tools);
    px_program_fini(&program);
}

/* A page of code to its end and one byte over 256 KiB, which has no comments; content with and without runs of zeros. */
static void large_programs_run_too(void **state)
{
    (void)state;
    static const size_t sizes[] = { PX_PAGE_SIZE, (256 << 10) + 2 };
    uint8_t content[3000];
    struct tools tools;
    struct px_program program;
    px_program_init(&program);
    tools_make(&tools);
    for (size_t i = 0; i < sizeof content; i++)
        content[i] = i % 1000 < 777 ? 0 : (uint8_t)i;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        static const uint8_t nop[] = { 0x01, 0x00 };
        /* ld x8, 2040(x2); ld x9, 16(x2); sd x8, 8(x3): the code ends behind them and many nops. */
        static const uint8_t first[] = { 0x03, 0x34, 0x81, 0x7f, 0x83, 0x34,
                                         0x01, 0x01, 0x23, 0xb4, 0x81, 0x00 };
        char want[PRINTED_MAX];
        px_program_clear(&program);
        program.gas = 10000000;
        program.x[2] = 0xfffff000;
        program.x[3] = 0x20000000;
        assert_int_equal(px_program_append(&program, first, sizeof first), PX_OK);
        while (program.code_size < sizes[i])
            assert_int_equal(px_program_append(&program, nop, sizeof nop), PX_OK);
        assert_int_equal(px_program_map(&program, 0xfffff000, 0x1000, PX_MAP_RO, content, sizeof content),
                         PX_OK);
        assert_int_equal(px_program_map(&program, 0x20000000, 0xd0000000, PX_MAP_ZERO, NULL, 0), PX_OK);
        assert_true(expected_print(&program, want));
        assert_int_equal(strncmp(want, "exit=panic:end-of-code\n", 23), 0);
        expect_print(&tools, &program, want);
    }
    tools_remove(&tools);
    px_program_fini(&program);
}

static char *emitted(const struct px_program *program)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    if (!file)
        give_up("no stream");
    assert_int_equal(emit_write(program, file), PX_OK);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void what_cannot_start_or_never_ends_says_so(void **state)
{
    (void)state;
    struct tools tools;
    struct px_program program;
    char got[PRINTED_MAX];
    px_program_init(&program);
    tools_make(&tools);
    parse(&program, "code 0000006f");
    assemble(&tools, &program);
    link_it(&tools, "-Ttext-segment=0x20000");
    assert_int_equal(run_and_read((const char *[]){ "qemu-riscv64", tools.linked, NULL }, got), 2);
    assert_string_equal(got, "repro: it stands below 4 GiB, in the program's memory: link it with "
                             "-Ttext-segment=0x2d71300000\n");

    /* In place of ten seconds, one. */
    char *text = emitted(&program), *seconds = strstr(text, ".equ SECONDS, 10\n");
    if (!seconds)
        give_up("no seconds");
    memcpy(seconds, ".equ SECONDS, 01", 16);
    FILE *file = fopen(tools.source, "w");
    if (!file)
        give_up("no stream");
    assert_int_equal(fputs(text, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
    free(text);
    must((const char *[]){ "riscv64-linux-gnu-as", "-o", tools.object, tools.source, NULL });
    link_it(&tools, "-Ttext-segment=0x2d71300000");
    assert_int_equal(run_and_read((const char *[]){ "qemu-riscv64", tools.linked, NULL }, got), 1);
    assert_int_equal(
        strncmp(got, "exit=not-represented\nbecause=time is up, and gas is not counted\npc=0\n", 69), 0);
    tools_remove(&tools);
    px_program_fini(&program);
}

/* --- the text --- */

static const char *const head_of_all =
    " * Not as in parallax:\n"
    " *   gas is not counted: what would end by out_of_gas runs on, for 10 seconds at most\n";

#define ALIASES                                                                                              \
    " *   addresses from 2^32 on: where the runner or the kernel has memory, an access meets that in place " \
    "of "                                                                                                    \
    "its alias\n"

static void the_head_says_what_a_machine_does_otherwise(void **state)
{
    (void)state;
    static const struct {
        const char *body, *notes;
    } cases[] = {
        { "code 0000200b", " */\n" },
        { "code 0000006f",
          " *   a jump into the middle of a block goes on there: it is no panic:bad-target\n */\n" },
        { "code 6402", ALIASES " */\n" },
        { "code e022", ALIASES " *   the pages written and their bytes are not shown\n */\n" },
        { "code 0000a00b", " *   host calls 1, 2 and 3 end the run\n */\n" },
        { "code 0001a00b", " *   host calls 1, 2 and 3 end the run\n */\n" },
        { "code 0002200b", " */\n" },
        { "code 9002", " *   the first two bytes of an illegal instruction read as 0\n */\n" },
    };
    struct px_program program;
    px_program_init(&program);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        parse(&program, cases[i].body);
        char *text = emitted(&program), *notes = strstr(text, head_of_all);
        if (!notes)
            give_up("no notes");
        notes += strlen(head_of_all);
        if (strncmp(notes, cases[i].notes, strlen(cases[i].notes)) != 0)
            fail_msg("%s: got %.200s", cases[i].body, notes);
        free(text);
    }
    px_program_fini(&program);
}

/* A name may be any printable characters; a comment it must not end. */
static void names_stay_inside_the_comment(void **state)
{
    (void)state;
    struct tools tools;
    struct px_program program;
    px_program_init(&program);
    tools_make(&tools);
    parse(&program,
          "origin seed=0x1 index=2 gen=**/.error/*@3\ncode 0000200b\nexpect pc=4 oracle=*/.error\n");
    char *text = emitted(&program);
    assert_non_null(strstr(text, "\n *   origin seed=0x1 index=2 gen=** /.error/*@3\n *   gas 1000000\n"
                                 " *   expect pc=4 oracle=* /.error\n"));
    free(text);
    assemble(&tools, &program);
    tools_remove(&tools);
    px_program_fini(&program);
}

static void code_is_shown_with_its_disassembly(void **state)
{
    (void)state;
    struct px_program program;
    px_program_init(&program);
    parse(&program, "reg x1 0xff\nentry 0x6\nmap 0x10000000 0x2000 ro hex:010203040506070809\n"
                    "code 02944533 4505 0000200b 33 33 33\n");
    char *text = emitted(&program);
    assert_non_null(strstr(text, "\nstate:                              # pc, x1 to x15\n"
                                 "    .8byte 0x400006\n    .8byte 0x00000000000000ff       # x1\n"));
    assert_non_null(strstr(text, "\ncode:\n"
                                 "    .4byte 0x02944533  # 0000  div a0, s0, s1\n"
                                 "    .2byte 0x4505      # 0004  c.li a0, 1\n"
                                 "    .4byte 0x0000200b  # 0006  ecalli 0\n"
                                 "    .byte  0x33        # 000a  cut by the end of code\n"
                                 "    .byte  0x33        # 000b  cut by the end of code\n"
                                 "    .byte  0x33        # 000c  cut by the end of code\n"));
    assert_non_null(strstr(text,
                           "\nillegal:                            # their offsets\n    .4byte 0x0000000a\n"
                           "    .4byte 0xffffffff\n"));
    assert_non_null(strstr(text, "\n    .8byte 0x10000000, 0x2000, content_0 - mappings, 9, 1\n    .8byte 0\n"
                                 "content_0:\n    .8byte 0x0807060504030201\n    .byte 0x09\n"));
    free(text);
    px_program_fini(&program);
}

/* --- the command --- */

static int emit_command(const char *file, const char *out, char **printed, char **told)
{
    char *argv[] = { (char *)(uintptr_t)"emit", (char *)(uintptr_t)file, (char *)(uintptr_t)out, NULL };
    struct capture on_out, on_err;
    capture_begin(&on_out, stdout);
    capture_begin(&on_err, stderr);
    int code = command_emit.run(&command_emit, out ? 3 : 2, argv);
    *told = capture_end(&on_err);
    *printed = capture_end(&on_out);
    return code;
}

static void the_command_writes_to_a_file_or_standard_output(void **state)
{
    (void)state;
    struct folder folder = { .path = "" };
    struct px_program program;
    char path[PATH_ROOM], out[PATH_ROOM], option[PATH_ROOM + 8], message[2 * PATH_ROOM + 128], *printed,
        *told;
    folder_make(&folder);
    folder_path(&folder, "a.px", path, sizeof path);
    folder_path(&folder, "a.S", out, sizeof out);
    px_program_init(&program);
    parse(&program, "code 0000200b");
    FILE *file = fopen(path, "w");
    if (!file)
        give_up("no stream");
    assert_int_equal(px_program_write(&program, file), PX_OK);
    assert_int_equal(fclose(file), 0);
    char *text = emitted(&program);
    (void)snprintf(message, sizeof message,
                   "parallax emit: %s: note: gas is not counted: what would end by out_of_gas runs on, for "
                   "10 seconds at most\n",
                   path);
    assert_int_equal(emit_command(path, NULL, &printed, &told), EXIT_AGREE);
    assert_string_equal(printed, text);
    assert_string_equal(told, message);
    free(printed);
    free(told);
    (void)snprintf(option, sizeof option, "--out=%s", out);
    assert_int_equal(emit_command(path, option, &printed, &told), EXIT_AGREE);
    assert_string_equal(printed, "");
    assert_string_equal(told, message);
    free(printed);
    free(told);
    printed = folder_read(&folder, "a.S");
    assert_string_equal(printed, text);
    free(printed);
    free(text);
    assert_int_equal(emit_command(path, "--out=/dev/full", &printed, &told), EXIT_USAGE);
    assert_string_equal(told, "parallax emit: /dev/full: No space left on device\n");
    free(printed);
    free(told);
    assert_int_equal(emit_command(out, NULL, &printed, &told), EXIT_USAGE); /* which is no program */
    assert_string_equal(printed, "");
    (void)snprintf(message, sizeof message,
                   "parallax emit: %s:1:1: found \"/*\", expected \"parallax 1 rv64e-jar.1\"\n", out);
    assert_string_equal(told, message);
    free(printed);
    free(told);
    px_program_fini(&program);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_run_under_qemu_as_in_the_interpreter),
        cmocka_unit_test(every_end_is_told_as_the_interpreter_tells_it),
        cmocka_unit_test(aliases_of_addresses_are_reached),
        cmocka_unit_test(the_code_is_assembled_to_the_byte),
        cmocka_unit_test(large_programs_run_too),
        cmocka_unit_test(what_cannot_start_or_never_ends_says_so),
        cmocka_unit_test(the_head_says_what_a_machine_does_otherwise),
        cmocka_unit_test(names_stay_inside_the_comment),
        cmocka_unit_test(code_is_shown_with_its_disassembly),
        cmocka_unit_test(the_command_writes_to_a_file_or_standard_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
