#define _GNU_SOURCE
#include "harness/emit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vm/blocks.h"

/* Position independent but for this: out of the guest's 4 GiB, and no address that programs are likely to name. */
#define RUNNER_ADDRESS "0x2d71300000"

enum {
    TEXT_MAX = 96,
    ANNOTATED_MAX = 256 << 10, /* larger code has no comments, as in the text form */
    ZEROS_MIN = 32, /* shorter runs are written out */
    PER_LINE = 4,
};

#define NO_OFFSET "0xffffffff" /* ends the tables of offsets */

/* The end of every file: harness/emit_runner.S, as it is. */
extern const char emit_runner[];
extern const uint64_t emit_runner_size;
__asm__(".pushsection .rodata\n"
        ".globl emit_runner, emit_runner_size\n"
        "emit_runner:\n"
        ".incbin \"harness/emit_runner.S\"\n"
        "0:\n"
        ".balign 8\n"
        "emit_runner_size:\n"
        ".8byte 0b - emit_runner\n"
        ".popsection\n");

/* A program with its linear sweep. */
struct source {
    const struct px_program *program;
    struct px_blocks blocks;
};

static enum px_status sweep(const struct px_program *program, struct source *source)
{
    struct px_image image = { .code = program->code, .code_size = program->code_size };
    source->program = program;
    px_blocks_init(&source->blocks);
    return px_blocks_sweep(&source->blocks, &image);
}

/* --- what is not as in parallax --- */

static bool is_jump(const struct px_insn *insn)
{
    return px_ops[insn->op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP);
}

static bool is_access(const struct px_insn *insn)
{
    return px_ops[insn->op].effects & (PX_EFF_LOAD | PX_EFF_STORE);
}

static bool is_store(const struct px_insn *insn)
{
    return px_ops[insn->op].effects & PX_EFF_STORE;
}

static bool is_illegal(const struct px_insn *insn)
{
    return insn->op == PX_OP_ILLEGAL || insn->op == PX_OP_ECALL || insn->op == PX_OP_EBREAK;
}

static bool is_continuing_call(const struct px_insn *insn)
{
    return insn->op == PX_OP_ECALLI && insn->imm >= PX_HOSTCALL_POW && insn->imm <= PX_HOSTCALL_HASH;
}

static bool has(const struct source *source, bool (*is)(const struct px_insn *insn))
{
    for (size_t i = 0; i < source->blocks.insn_count; i++)
        if (is(&source->blocks.insns[i]))
            return true;
    return false;
}

static const struct {
    bool (*is)(const struct px_insn *insn); /* NULL: any program */
    const char *line;
} limits[] = {
    { NULL, "gas is not counted: what would end by out_of_gas runs on, for 10 seconds at most" },
    { is_jump, "a jump into the middle of a block goes on there: it is no panic:bad-target" },
    { is_access, "addresses from 2^32 on: where the runner or the kernel has memory, an access meets that in "
                 "place of its alias" },
    { is_store, "the pages written and their bytes are not shown" },
    { is_continuing_call, "host calls 1, 2 and 3 end the run" },
    { is_illegal, "the first two bytes of an illegal instruction read as 0" },
};

_Static_assert(sizeof limits / sizeof limits[0] <= EMIT_NOTES_MAX, "there is room for every note");

static void find_notes(const struct source *source, struct emit_notes *notes)
{
    notes->count = 0;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (!limits[i].is || has(source, limits[i].is))
            notes->lines[notes->count++] = limits[i].line;
}

enum px_status emit_notes(const struct px_program *program, struct emit_notes *notes)
{
    struct source source;
    enum px_status status = sweep(program, &source);
    if (status == PX_OK)
        find_notes(&source, notes);
    px_blocks_fini(&source.blocks);
    return status;
}

/* --- the head --- */

/* Lines inside a comment, which names in them must not end. */
static void put_commented(FILE *file, const char *lines)
{
    bool start = true;
    for (const char *c = lines; *c != '\0'; c++) {
        if (start)
            fputs(" *   ", file);
        fputc(*c, file);
        if (c[0] == '*' && c[1] == '/')
            fputc(' ', file);
        start = *c == '\n';
    }
}

/* What a .px file says of the program besides registers, memory and code. */
static enum px_status put_facts(const struct px_program *program, FILE *file)
{
    struct px_program facts = { .origin = program->origin,
                                .gas = program->gas,
                                .entry_pc = program->entry_pc,
                                .has_expect = program->has_expect,
                                .expect = program->expect };
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return PX_ERR_NOMEM;
    enum px_status status = px_program_write(&facts, memory);
    if (fclose(memory) != 0)
        status = PX_ERR_NOMEM;
    if (status == PX_OK)
        put_commented(file, text);
    free(text);
    return status;
}

static enum px_status put_head(const struct source *source, FILE *file)
{
    struct emit_notes notes;
    find_notes(source, &notes);
    fputs("/*\n"
          " * A program of parallax that runs without it, on RISC-V with Zba, Zbb and Zbs under Linux:\n"
          " *\n"
          " *   riscv64-linux-gnu-as -o repro.o repro.S\n"
          " *   riscv64-linux-gnu-ld -Ttext-segment=" RUNNER_ADDRESS " -o repro repro.o\n"
          " *   qemu-riscv64 repro\n"
          " *\n"
          " * prints exit, pc and x1 to x15, one a line, as an expect line spells them. Exit code 0; 1: the "
          "machine cannot\n"
          " * go on as parallax does (not-represented); 2: it could not start. The code runs as it is: what "
          "a stranger\n"
          " * wrote belongs into qemu in a sandbox.\n"
          " *\n"
          " * The program:\n",
          file);
    enum px_status status = put_facts(source->program, file);
    fputs(" *\n * Not as in parallax:\n", file);
    for (size_t i = 0; i < notes.count; i++)
        fprintf(file, " *   %s\n", notes.lines[i]);
    fputs(" */\n", file);
    return status;
}

/* --- the program --- */

static uint64_t load(const uint8_t *bytes, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    return value;
}

static void put_bytes(FILE *file, const uint8_t *bytes, size_t size)
{
    size_t words = size / 8;
    for (size_t i = 0; i < words; i++)
        fprintf(file, "%s0x%016" PRIx64 "%s", i % PER_LINE == 0 ? "    .8byte " : ", ",
                load(bytes + 8 * i, 8), i % PER_LINE == PER_LINE - 1 || i == words - 1 ? "\n" : "");
    for (size_t i = 8 * words; i < size; i++)
        fprintf(file, "    .byte 0x%02x\n", bytes[i]);
}

/* Long runs of zeros, which are frequent, as such. */
static void put_content(FILE *file, const uint8_t *bytes, size_t size)
{
    size_t start = 0;
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && bytes[end] == 0)
            end++;
        if (end - at >= ZEROS_MIN) {
            put_bytes(file, bytes + start, at - start);
            fprintf(file, "    .zero %zu\n", end - at);
            start = end;
        }
        at = end > at ? end : at + 1;
    }
    put_bytes(file, bytes + start, size - start);
}

static void put_instruction(FILE *file, const struct px_insn *insn, const uint8_t *bytes, size_t size,
                            size_t offset)
{
    char text[TEXT_MAX];
    if (size < insn->len) {
        for (size_t i = 0; i < size; i++)
            fprintf(file, "    .byte  0x%02x        # %04zx  cut by the end of code\n", bytes[i], offset + i);
        return;
    }
    uint32_t word = (uint32_t)load(bytes, insn->len);
    (void)px_disassemble(insn, word, text, sizeof text);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '\t')
            *c = ' ';
    fprintf(file, "    .%ubyte 0x%0*" PRIx32 "%s  # %04zx  %s\n", insn->len, 2 * insn->len, word,
            insn->len == 4 ? "" : "    ", offset, text);
}

static void put_code(const struct source *source, FILE *file)
{
    const struct px_program *p = source->program;
    size_t offset = 0;
    fputs("code:\n", file);
    if (p->code_size > ANNOTATED_MAX)
        put_bytes(file, p->code, p->code_size);
    for (size_t i = 0; i < source->blocks.insn_count && p->code_size <= ANNOTATED_MAX; i++) {
        const struct px_insn *insn = &source->blocks.insns[i];
        put_instruction(file, insn, p->code + offset, p->code_size - offset, offset);
        offset += insn->len;
    }
    /* What reads past the end must not see a whole instruction. */
    fputs("    .4byte 0xffffffff\n    .balign 8\n", file);
}

static void put_state(const struct px_program *program, FILE *file)
{
    fprintf(file,
            "\n    .equ CODE_SIZE, %zu\n    .equ CODE_PAGES, 0x%zx\n    .section .rodata\n    .balign 8\n"
            "state:                              # pc, x1 to x15\n    .8byte 0x%" PRIx64 "\n",
            program->code_size, (program->code_size + PX_PAGE_SIZE - 1) / PX_PAGE_SIZE * PX_PAGE_SIZE,
            (uint64_t)PX_CODE_BASE + program->entry_pc);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        fprintf(file, "    .8byte 0x%016" PRIx64 "       # x%u\n", program->x[i], i);
}

static void put_illegal(const struct source *source, FILE *file)
{
    uint32_t offset = 0;
    fputs("illegal:                            # their offsets\n", file);
    for (size_t i = 0; i < source->blocks.insn_count; i++) {
        if (is_illegal(&source->blocks.insns[i]))
            fprintf(file, "    .4byte 0x%08" PRIx32 "\n", offset);
        offset += source->blocks.insns[i].len;
    }
    fputs("    .4byte " NO_OFFSET "\n", file);
}

/* What a signal handler must know to do an access by hand. */
static void put_access(FILE *file, const struct px_insn *insn, uint32_t offset)
{
    unsigned effects = px_ops[insn->op].effects,
             plain = PX_EFF_WIDTH_LOG2(effects) | (effects & PX_EFF_LOAD) | (effects & PX_EFF_STORE);
    bool extends_zero = insn->op == PX_OP_LBU || insn->op == PX_OP_LHU || insn->op == PX_OP_LWU;
    fprintf(file, "    .4byte 0x%08" PRIx32 "; .2byte %" PRId32 "; .byte %u, %u, 0x%02x, %u, 0, 0\n", offset,
            insn->imm, insn->rs1, is_store(insn) ? insn->rs2 : insn->rd, plain | (extends_zero ? 16u : 0u),
            insn->len);
}

static void put_accesses(const struct source *source, FILE *file)
{
    uint32_t offset = 0;
    fputs("accesses:                           # offset, immediate, rs1, rd or rs2, kind, length\n", file);
    for (size_t i = 0; i < source->blocks.insn_count; i++) {
        const struct px_insn *insn = &source->blocks.insns[i];
        if (is_access(insn))
            put_access(file, insn, offset);
        offset += insn->len;
    }
    fputs("    .4byte " NO_OFFSET "\n    .balign 8\n", file);
}

static void put_maps(const struct px_program *program, FILE *file)
{
    fputs("mappings:                           # start, size, content and its size, protection (1 read, 3 "
          "read and write)\n",
          file);
    for (size_t i = 0; i < program->map_count; i++) {
        struct px_mapping map = px_program_mapping(program, i);
        fprintf(file, "    .8byte 0x%08" PRIx64 ", 0x%" PRIx64 ", content_%zu - mappings, %" PRIu64 ", %d\n",
                map.start, map.size, i, map.content_size, map.kind == PX_MAP_RO ? 1 : 3);
    }
    fputs("    .8byte 0\n", file);
    for (size_t i = 0; i < program->map_count; i++) {
        struct px_mapping map = px_program_mapping(program, i);
        fprintf(file, "content_%zu:\n", i);
        put_content(file, map.content, map.content_size);
    }
}

enum px_status emit_write(const struct px_program *program, FILE *file)
{
    struct source source;
    enum px_status status = sweep(program, &source);
    if (status == PX_OK)
        status = put_head(&source, file);
    if (status == PX_OK) {
        fprintf(file, "    .option arch, rv64imc_zba_zbb_zbs\n    .option norelax\n    .equ ENTRY_GOOD, %d\n",
                px_blocks_find(&source.blocks, program->entry_pc) != NULL);
        put_state(program, file);
        put_code(&source, file);
        put_illegal(&source, file);
        put_accesses(&source, file);
        put_maps(program, file);
        fwrite(emit_runner, 1, emit_runner_size, file);
    }
    px_blocks_fini(&source.blocks);
    return status;
}
