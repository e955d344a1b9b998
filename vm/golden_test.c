/*
 * The decoder, disassembler and encoder judged by llvm-mc-19, in both directions: it disassembles words that
 * we disassemble too, and it assembles our text back to the word. Where we differ on purpose, a table says
 * so and why; a row of a table that no longer occurs fails as stale.
 *
 *   words -> llvm-mc --disassemble -> its text  == px_disassemble(word)
 *   words -> px_disassemble -> llvm-mc -> bytes == word
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm/isa.h"
#include "vm/test_insn.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One word, what we say about it and what llvm-mc says: text or an encoding, "" for a refusal. */
struct golden {
    uint32_t word;
    unsigned length;
    char ours[48], theirs[48];
};

struct cases {
    size_t count, room;
    struct golden *at;
};

enum kind { WE_REFUSE, THEY_REFUSE, TEXTS_DIFFER };

/* Words that may be judged differently. @count: exactly how many of them, 0 for any number above 0. */
struct deviation {
    uint32_t match, mask;
    enum kind kind;
    unsigned count;
    const char *reason;
};

static void add_word(struct cases *cases, uint32_t word)
{
    if (cases->count == cases->room) {
        cases->room = cases->room ? 2 * cases->room : 4096;
        struct golden *grown = realloc(cases->at, cases->room * sizeof *cases->at);
        assert_non_null(grown);
        cases->at = grown;
    }
    struct golden *golden = &cases->at[cases->count++];
    struct px_insn insn = px_decode_word(word);
    golden->word = word;
    golden->length = insn.len;
    golden->theirs[0] = '\0';
    assert_true(px_disassemble(&insn, word, golden->ours, sizeof golden->ours) < sizeof golden->ours);
    if (golden->ours[0] == '.') /* a directive: illegal, or a fence that no mnemonic writes */
        golden->ours[0] = '\0';
}

static void add_halfwords(struct cases *cases)
{
    for (uint32_t half = 0; half < 0x10000; half++)
        if ((half & 3) != 3)
            add_word(cases, half);
}

/* Every field at its edges, each with each; those that an instruction fixes are left as they are. */
static void add_edges(struct cases *cases, uint32_t match, uint32_t mask)
{
    enum { FIELDS = 7, TOPS = 4 };
    static const uint32_t field[FIELDS] = { 0, 1, 2, 8, 15, 16, 31 }, top[TOPS] = { 0, 0x3f, 0x40, 0x7f };
    for (unsigned i = 0; i < FIELDS * FIELDS * FIELDS * TOPS * 2; i++) {
        uint32_t bits = field[i % FIELDS] << 7;
        bits |= field[i / FIELDS % FIELDS] << 15;
        bits |= field[i / (FIELDS * FIELDS) % FIELDS] << 20;
        bits |= top[i / (FIELDS * FIELDS * FIELDS) % TOPS] << 25;
        bits |= i / (FIELDS * FIELDS * FIELDS * TOPS) ? 0x7000u : 0;
        if ((bits & mask) == 0)
            add_word(cases, match | bits);
    }
}

static void add_each_instruction(struct cases *cases)
{
    uint64_t random = 6;
    for (unsigned op = PX_OP_ILLEGAL + 1; op < PX_OP_COUNT; op++) {
        uint32_t match = px_ops[op].match, mask = px_ops[op].mask;
        add_edges(cases, match, mask);
        for (unsigned i = 0; i < 300; i++) {
            uint32_t bits = (uint32_t)test_random(&random);
            if (i % 4) /* three in four without a register above x15 */
                bits &= ~UINT32_C(0x01088800);
            add_word(cases, match | (bits & ~mask));
        }
    }
}

/* Every opcode with every function code: an instruction that only one side knows shows here. */
static void add_each_function_code(struct cases *cases)
{
    static const uint32_t rs2[] = { 0, 1, 5, 24 }, registers[] = { 0x00008080, 0 };
    for (uint32_t head = 0; head < 1u << 15; head++) {
        uint32_t word = 3 | (head & 31) << 2 | (head >> 5 & 7) << 12 | (head >> 8) << 25;
        for (size_t i = 0; i < COUNT(rs2); i++)
            add_word(cases, word | rs2[i] << 20 | registers[i % 2]);
    }
}

/* fail_msg leaves the test, but neither compiler nor analyzer knows. */
static _Noreturn void give_up(const char *call)
{
    fail_msg("%s: no room for the questions and answers", call);
    abort();
}

static FILE *scratch_file(void)
{
    FILE *file = tmpfile();
    if (file == NULL)
        give_up("tmpfile");
    return file;
}

static void start_llvm_mc(bool disassemble, FILE *in, FILE *out, FILE *err, pid_t *pid)
{
    char *argv[] = { "llvm-mc-19", "-triple=riscv64", "-mattr=+e,+m,+c,+zba,+zbb,+zbs,+zicond",
                     "-M",         "no-aliases",      disassemble ? "--disassemble" : "--show-encoding",
                     NULL };
    posix_spawn_file_actions_t actions;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fileno(err), STDERR_FILENO), 0);
    int error = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0)
        fail_msg(
            "llvm-mc-19: %s. This test has no other judge; scripts/deps installs it (Debian package llvm-19)",
            strerror(error));
}

/* The whole of @file as a string that the caller frees. */
static char *contents(FILE *file)
{
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    if (size < 0)
        give_up("ftell");
    rewind(file);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
    text[size] = '\0';
    return text;
}

/* Runs llvm-mc on @in (closed here). Exit status 1 only says that some line was refused. */
static void run_llvm_mc(bool disassemble, FILE *in, char **out_text, char **err_text)
{
    FILE *out = scratch_file(), *err = scratch_file();
    assert_int_equal(fflush(in), 0);
    rewind(in);
    pid_t pid;
    int status;
    start_llvm_mc(disassemble, in, out, err, &pid);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    *out_text = contents(out);
    *err_text = contents(err);
    fclose(in);
    fclose(out);
    fclose(err);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
        fail_msg("llvm-mc-19 ended with wait status %#x:\n%.2000s", (unsigned)status, *err_text);
}

/* Marks the lines of the input that "<stdin>:LINE:COLUMN: ..." complains of; @refused is indexed by line. */
static void read_refusals(const char *err_text, bool *refused, size_t lines)
{
    static const char prefix[] = "<stdin>:";
    for (const char *line = err_text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        if (strncmp(line, prefix, sizeof prefix - 1) != 0)
            continue;
        unsigned long number = strtoul(line + sizeof prefix - 1, NULL, 10);
        assert_in_range(number, 1, lines);
        refused[number] = true;
    }
}

/* Takes what a line of llvm-mc's output says into @golden; false for a line that answers nothing. */
static bool read_answer(bool disassemble, const char *line, size_t length, struct golden *golden)
{
    static const char encoding[] = "encoding: [";
    if (disassemble) {
        if (length == 0 || line[0] != '\t' || line[1] == '.')
            return false;
        snprintf(golden->theirs, sizeof golden->theirs, "%.*s", (int)length - 1, line + 1);
        return true;
    }
    char *byte = memmem(line, length, encoding, sizeof encoding - 1);
    if (byte == NULL)
        return false;
    byte += sizeof encoding - 1;
    uint32_t word = 0;
    unsigned bytes = 0;
    for (; bytes < 4 && (bytes == 0 || *byte++ == ','); bytes++)
        word |= (uint32_t)strtoul(byte, &byte, 16) << 8 * bytes;
    snprintf(golden->theirs, sizeof golden->theirs, "%0*x", bytes == 4 ? 8 : 4, word);
    return true;
}

/* Fills in @theirs. Line 1 of the input is a header, line 2 the first case. */
static void ask_llvm_mc(bool disassemble, FILE *in, struct cases *cases)
{
    char *out_text, *err_text;
    run_llvm_mc(disassemble, in, &out_text, &err_text);
    bool *refused = calloc(cases->count + 2, sizeof *refused);
    assert_non_null(refused);
    read_refusals(err_text, refused, cases->count + 1);
    assert_false(refused[1]);
    size_t i = 0;
    struct golden surplus;
    for (const char *line = out_text; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        while (i < cases->count && refused[i + 2])
            i++;
        i += read_answer(disassemble, line, strcspn(line, "\n"), i < cases->count ? &cases->at[i] : &surplus);
    }
    while (i < cases->count && refused[i + 2])
        i++;
    if (i != cases->count)
        fail_msg("%zu answers to %zu questions; llvm-mc-19 says: %.2000s", i, cases->count, err_text);
    free(refused);
    free(out_text);
    free(err_text);
}

static void disassemble_with_llvm_mc(struct cases *cases)
{
    FILE *in = scratch_file();
    fputs("# brackets keep a refused word from being retried at its second byte\n", in);
    for (size_t i = 0; i < cases->count; i++) {
        uint32_t w = cases->at[i].word;
        if (cases->at[i].length == 2)
            fprintf(in, "[0x%02x 0x%02x]\n", w & 255, w >> 8);
        else
            fprintf(in, "[0x%02x 0x%02x 0x%02x 0x%02x]\n", w & 255, w >> 8 & 255, w >> 16 & 255, w >> 24);
    }
    ask_llvm_mc(true, in, cases);
}

/* Drops what has no text, asks for the encodings of the rest, and makes @ours the word in hex. */
static void assemble_with_llvm_mc(struct cases *cases)
{
    FILE *in = scratch_file();
    size_t kept = 0;
    fputs(cases->at[0].length == 2 ? ".option rvc\n" : ".option norvc\n", in);
    for (size_t i = 0; i < cases->count; i++) {
        struct golden golden = cases->at[i];
        if (golden.ours[0] == '\0')
            continue;
        fprintf(in, "%s\n", golden.ours);
        snprintf(golden.ours, sizeof golden.ours, "%0*x", golden.length == 4 ? 8 : 4, golden.word);
        cases->at[kept++] = golden;
    }
    cases->count = kept;
    ask_llvm_mc(false, in, cases);
}

static size_t covering_row(const struct golden *golden, enum kind kind, const struct deviation *table,
                           size_t rows)
{
    size_t row = 0;
    while (row < rows && (table[row].kind != kind || (golden->word & table[row].mask) != table[row].match))
        row++;
    return row;
}

/* Every difference is in @table, and every row of @table is a difference. Frees the cases. */
static void judge(struct cases *cases, const struct deviation *table, size_t rows)
{
    unsigned hits[8] = { 0 };
    assert_in_range(rows, 0, COUNT(hits));
    for (size_t i = 0; i < cases->count; i++) {
        const struct golden *golden = &cases->at[i];
        if (strcmp(golden->ours, golden->theirs) == 0)
            continue;
        enum kind kind = !*golden->ours ? WE_REFUSE : !*golden->theirs ? THEY_REFUSE : TEXTS_DIFFER;
        size_t row = covering_row(golden, kind, table, rows);
        if (row == rows)
            fail_msg("%0*x: ours \"%s\", llvm-mc's \"%s\"", golden->length == 4 ? 8 : 4, golden->word,
                     golden->ours, golden->theirs);
        hits[row]++;
    }
    for (size_t row = 0; row < rows; row++)
        if (hits[row] == 0 || (table[row].count != 0 && hits[row] != table[row].count))
            fail_msg("stale deviation \"%s\": %u words, expected %u", table[row].reason, hits[row],
                     table[row].count);
    free(cases->at);
}

static void every_halfword_disassembles_as_llvm_mc_says(void **state)
{
    (void)state;
    static const struct deviation deviations[] = {
        { 0x0000, 0xffff, WE_REFUSE, 1, "llvm-mc has a name for the defined illegal instruction: c.unimp" },
        { 0x0801, 0xf87f, WE_REFUSE, 16,
          "c.addi with immediate 0 is a HINT; llvm-mc forgets that its rd is x16.." },
        { 0x8042, 0xffc3, WE_REFUSE, 16, "c.mv zero is a HINT; llvm-mc forgets that its rs2 is x16.." },
        { 0x9042, 0xffc3, WE_REFUSE, 16, "c.add zero is a HINT; llvm-mc forgets that its rs2 is x16.." },
        { 0x6001, 0xf07f, WE_REFUSE, 15, "c.lui with immediate 0 is reserved, whatever its rd (ISA.md 3)" },
        { 0x7001, 0xff83, TEXTS_DIFFER, 32,
          "llvm-mc prints the immediate of c.lui signed when rd is zero only" },
    };
    struct cases cases = { 0 };
    add_halfwords(&cases);
    disassemble_with_llvm_mc(&cases);
    judge(&cases, deviations, COUNT(deviations));
}

static void words_of_every_instruction_and_function_code_disassemble_as_llvm_mc_says(void **state)
{
    (void)state;
    static const struct deviation deviations[] = {
        { 0x0000000b, 0xffffffff, THEY_REFUSE, 0, "trap is of Xjar, which is ours" },
        { 0x0000100b, 0xffffffff, THEY_REFUSE, 0, "ecall.jar is of Xjar, which is ours" },
        { 0x0000200b, 0x00007c7f, THEY_REFUSE, 0, "ecalli is of Xjar, which is ours" },
        { 0x0000400b, 0xffffffff, THEY_REFUSE, 0, "fallthrough is of Xjar, which is ours" },
        { 0x00000073, 0x0000007f, WE_REFUSE, 0,
          "SYSTEM is ecall and ebreak only: no CSRs, no privileged mode" },
    };
    struct cases cases = { 0 };
    add_each_instruction(&cases);
    add_each_function_code(&cases);
    disassemble_with_llvm_mc(&cases);
    judge(&cases, deviations, COUNT(deviations));
}

static void the_text_of_every_halfword_assembles_to_that_halfword(void **state)
{
    (void)state;
    struct cases cases = { 0 };
    add_halfwords(&cases);
    assemble_with_llvm_mc(&cases);
    assert_int_equal(cases.count, 27815); /* every legal one: decode_rvc_test.c counts them */
    judge(&cases, NULL, 0);
}

static void the_text_of_every_instruction_assembles_to_its_word(void **state)
{
    (void)state;
    static const struct deviation deviations[] = {
        { 0x0000000b, 0xffffffff, THEY_REFUSE, 0, "trap is of Xjar, which is ours" },
        { 0x0000100b, 0xffffffff, THEY_REFUSE, 0, "ecall.jar is of Xjar, which is ours" },
        { 0x0000200b, 0x00007c7f, THEY_REFUSE, 0, "ecalli is of Xjar, which is ours" },
        { 0x0000400b, 0xffffffff, THEY_REFUSE, 0, "fallthrough is of Xjar, which is ours" },
    };
    struct cases cases = { 0 };
    add_each_instruction(&cases);
    assemble_with_llvm_mc(&cases);
    judge(&cases, deviations, COUNT(deviations));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_halfword_disassembles_as_llvm_mc_says),
        cmocka_unit_test(words_of_every_instruction_and_function_code_disassemble_as_llvm_mc_says),
        cmocka_unit_test(the_text_of_every_halfword_assembles_to_that_halfword),
        cmocka_unit_test(the_text_of_every_instruction_assembles_to_its_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
