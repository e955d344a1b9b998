/* parallax disasm: a program with its blocks, what they cost and where its jumps go. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "generators/generator.h"
#include "harness/commands.h"
#include "vm/blocks.h"
#include "vm/program.h"

#define NO_INDEX UINT64_MAX

enum { TEXT_MAX = 96 };

/* What to show: a file, or a generator's program when @path is NULL. */
struct wanted {
    const char *path, *spec;
    uint64_t seed, index;
};

static enum px_status generate(const struct wanted *wanted, struct px_program *program, struct px_error *err)
{
    struct px_gen gen;
    enum px_status status = px_gen_parse(wanted->spec ? wanted->spec : "mix", &gen, err);
    if (status != PX_OK)
        return status;
    if (wanted->index >= px_gen_count(&gen))
        return px_fail(err, PX_ERR_INPUT, "--index: %" PRIu64 ": generator %s has %" PRIu64 " programs",
                       wanted->index, gen.spec, px_gen_count(&gen));
    status = px_gen_make(&gen, wanted->seed, wanted->index, program);
    if (status != PX_OK)
        return px_fail(err, status, "program %" PRIu64 " of %s: %s", wanted->index, gen.spec,
                       px_status_name(status));
    return PX_OK;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* What is not in the code: one fact a line, left out where it is nothing. */
static void print_facts(const struct px_program *program, const struct px_image *image)
{
    const struct px_origin *origin = &program->origin;
    if (origin->known)
        printf("origin   seed=0x%" PRIx64 " index=%" PRIu64 " gen=%s@%u\n", origin->seed, origin->index,
               origin->gen[0] ? origin->gen : "?", origin->version);
    printf("gas      %" PRIu64 ", mem %" PRIu64 "\n", image->gas, px_gas_mem(image));
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        if (image->x[i] != 0)
            printf("x%-2u %-4s 0x%016" PRIx64 " %" PRId64 "\n", i, px_reg_names[i], image->x[i],
                   (int64_t)image->x[i]);
    for (size_t i = 0; i < image->map_count; i++) {
        const struct px_mapping *map = &image->maps[i];
        printf("map      0x%08" PRIx64 " .. 0x%08" PRIx64 " %-4s", map->start, map->start + map->size,
               px_map_kind_name(map->kind));
        printf(" %" PRIu64 " page%s", map->size / PX_PAGE_SIZE, plural(map->size / PX_PAGE_SIZE));
        if (map->content_size > 0)
            printf(", %" PRIu64 " byte%s of content", map->content_size, plural(map->content_size));
        putchar('\n');
    }
    if (program->has_expect && program->expect.has_exit) {
        char text[TEXT_MAX];
        (void)px_exit_format(&program->expect.out, text, sizeof text);
        printf("expect   %s\n", text);
    }
}

static void print_summary(const struct px_blocks *blocks, const struct px_image *image)
{
    printf("code     %zu byte%s, %zu instruction%s, %zu block%s\n", image->code_size,
           plural(image->code_size), blocks->insn_count, plural(blocks->insn_count), blocks->block_count,
           plural(blocks->block_count));
    printf("entry    %04" PRIx32 "%s\n", image->entry_pc,
           px_blocks_find(blocks, image->entry_pc) ? "" : " NOT A BLOCK START");
}

static void print_block(const struct px_block *block, size_t number, bool entry)
{
    printf("\nblock %zu", number);
    if (block->gated)
        printf("  need %" PRIu64 "  reserve %" PRIu64, block->need, block->reserve);
    else
        printf("  no gate");
    printf("%s\n", entry ? "  <- entry" : "");
}

/* What follows the text of an instruction: where a branch or jal goes (a jalr goes wherever its register says). */
static void format_note(const struct px_blocks *blocks, const struct px_insn *insn, uint32_t pc, char *note,
                        size_t size)
{
    uint32_t target = pc + (uint32_t)insn->imm;
    const struct px_block *block = px_blocks_find(blocks, target);
    bool jumps = insn->op != PX_OP_JALR && (px_ops[insn->op].effects & (PX_EFF_BRANCH | PX_EFF_JUMP));
    if (jumps && block)
        (void)snprintf(note, size, "-> %04" PRIx32 " block %zu", target, (size_t)(block - blocks->blocks));
    else if (jumps)
        (void)snprintf(note, size, "-> %04" PRIx32 " NOT A BLOCK START", target);
    else
        (void)snprintf(note, size, "%s", insn->op == PX_OP_ILLEGAL ? "illegal" : "");
}

/* Mnemonic and operands in columns; px_disassemble puts a tab between them. */
static void format_insn(const struct px_insn *insn, uint32_t word, char *columns, size_t size)
{
    char text[TEXT_MAX];
    (void)px_disassemble(insn, word, text, sizeof text);
    int mnemonic = (int)strcspn(text, "\t");
    if (text[mnemonic] == '\0')
        (void)snprintf(columns, size, "%s", text);
    else
        (void)snprintf(columns, size, "%-11.*s %s", mnemonic, text, text + mnemonic + 1);
}

static void print_insn(const struct px_image *image, const struct px_blocks *blocks,
                       const struct px_insn *insn, uint32_t pc)
{
    char hex[9] = "", columns[2 * TEXT_MAX] = "cut by the end of code", note[TEXT_MAX] = "";
    size_t inside = image->code_size - pc < insn->len ? image->code_size - pc : insn->len;
    uint32_t word = 0;
    for (size_t i = 0; i < inside; i++)
        word |= (uint32_t)image->code[pc + i] << 8 * i;
    (void)snprintf(hex, sizeof hex, "%0*" PRIx32, (int)(2 * inside), word);
    if (inside == insn->len) {
        format_insn(insn, word, columns, sizeof columns);
        format_note(blocks, insn, pc, note, sizeof note);
    }
    if (note[0] == '\0')
        printf("  %04" PRIx32 "  %-8s  %s\n", pc, hex, columns);
    else
        printf("  %04" PRIx32 "  %-8s  %-34s  %s\n", pc, hex, columns, note);
}

static enum px_status print_program(struct px_program *program, struct px_error *err)
{
    struct px_image image;
    struct px_blocks blocks;
    px_program_image(program, &image);
    px_blocks_init(&blocks);
    enum px_status status = px_blocks_sweep(&blocks, &image);
    if (status != PX_OK) {
        px_blocks_fini(&blocks);
        return px_fail(err, status, "out of memory for %zu bytes of code", image.code_size);
    }
    print_facts(program, &image);
    print_summary(&blocks, &image);
    for (size_t i = 0; i < blocks.block_count; i++) {
        const struct px_block *block = &blocks.blocks[i];
        const struct px_insn *insn = &blocks.insns[block->first];
        print_block(block, i, block->start == image.entry_pc);
        for (uint32_t pc = block->start, n = 0; n < block->count; n++, insn++) {
            print_insn(&image, &blocks, insn, pc);
            pc += insn->len;
        }
    }
    px_blocks_fini(&blocks);
    return PX_OK;
}

static enum px_status show(const struct wanted *wanted, bool as_px, struct px_error *err)
{
    struct px_program program;
    px_program_init(&program);
    enum px_status status =
        wanted->path ? px_program_load(&program, wanted->path, err) : generate(wanted, &program, err);
    if (status == PX_OK && as_px) {
        status = px_program_write(&program, stdout);
        if (status != PX_OK)
            (void)px_fail(err, status, "standard output: %s",
                          status == PX_ERR_SYSTEM ? strerror(errno) : px_status_name(status));
    } else if (status == PX_OK) {
        status = print_program(&program, err);
        if (status == PX_OK && (fflush(stdout) != 0 || ferror(stdout)))
            status = px_fail(err, PX_ERR_SYSTEM, "standard output: %s", strerror(errno));
    }
    px_program_fini(&program);
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct wanted wanted = { .seed = 1, .index = NO_INDEX };
    bool as_px = false;
    const struct option options[] = {
        { .name = "gen",
          .kind = OPTION_TEXT,
          .target = &wanted.spec,
          .value = "SPEC",
          .help = "generator of the program to show (mix)" },
        { .name = "seed",
          .kind = OPTION_NUMBER,
          .target = &wanted.seed,
          .max = UINT64_MAX,
          .value = "S",
          .help = "its seed (1)" },
        { .name = "index",
          .kind = OPTION_NUMBER,
          .target = &wanted.index,
          .max = NO_INDEX - 1,
          .value = "I",
          .help = "its number; wanted unless there is a FILE" },
        { .name = "px", .kind = OPTION_FLAG, .target = &as_px, .help = "print the .px text" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional > 1)
        return options_fail(command, "unexpected argument '%.60s': expected one FILE", argv[2]);
    if ((positional == 1) == (wanted.index != NO_INDEX))
        return options_fail(command, "expected a FILE or --index, and not both");
    if (positional == 1 && (wanted.spec || wanted.seed != 1))
        return options_fail(command, "--gen and --seed go with --index, not with a FILE");

    struct px_error err;
    wanted.path = positional == 1 ? argv[1] : NULL;
    enum px_status status = show(&wanted, as_px, &err);
    return status == PX_OK ? EXIT_AGREE : options_fail_status(command, status, &err);
}

const struct command command_disasm = {
    .name = "disasm",
    .summary = "Shows a program: its blocks, their prices, where its jumps go.",
    .usage = "FILE.px | --index=I [--seed=S] [--gen=SPEC]",
    .examples = "  parallax disasm minimal.px\n"
                "  parallax disasm --gen=control --seed=7 --index=42\n"
                "  parallax disasm --index=42 --px > program.px\n",
    .run = run,
};
