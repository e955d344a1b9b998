/* parallax disasm: a program with its blocks, what they cost and where its jumps go. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/commands.h"
#include "harness/disassembly.h"
#include "harness/program_args.h"
#include "vm/blocks.h"
#include "vm/program.h"

enum { TEXT_MAX = 96 };

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

static void print_insn(const struct px_image *image, const struct px_blocks *blocks, uint32_t pc)
{
    struct guest_line line;
    char note[TEXT_MAX] = "";
    guest_line_read(image->code, image->code_size, pc, &line);
    if (!line.cut)
        format_note(blocks, &line.insn, pc, note, sizeof note);
    if (note[0] == '\0')
        printf("  %04" PRIx32 "  %-8s  %s\n", pc, line.hex, line.text);
    else
        printf("  %04" PRIx32 "  %-8s  %-34s  %s\n", pc, line.hex, line.text, note);
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
            print_insn(&image, &blocks, pc);
            pc += insn->len;
        }
    }
    px_blocks_fini(&blocks);
    return PX_OK;
}

static enum px_status show(struct px_program *program, bool as_px, struct px_error *err)
{
    enum px_status status;
    if (as_px) {
        status = px_program_write(program, stdout);
        if (status != PX_OK)
            (void)px_fail(err, status, "standard output: %s",
                          status == PX_ERR_SYSTEM ? strerror(errno) : px_status_name(status));
        return status;
    }
    status = print_program(program, err);
    if (status == PX_OK && (fflush(stdout) != 0 || ferror(stdout)))
        status = px_fail(err, PX_ERR_SYSTEM, "standard output: %s", strerror(errno));
    return status;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct program_args args = { .seed.value = 1 };
    bool as_px = false;
    const struct option options[] = {
        { "gen", OPTION_TEXT, &args.gen, 0, 0, "SPEC", "generator of the program to show (default mix)" },
        { "seed", OPTION_GIVEN, &args.seed, 0, UINT64_MAX, "S", "its seed (default 1)" },
        { "index", OPTION_GIVEN, &args.index, 0, UINT64_MAX - 1, "I",
          "its number; wanted unless there is a FILE" },
        { "px", OPTION_FLAG, &as_px, 0, 0, NULL, "print the .px text" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    struct px_program program;
    struct px_error err;
    px_program_init(&program);
    code = program_args_load(command, &args, positional, argv, &program);
    if (code < 0) {
        enum px_status status = show(&program, as_px, &err);
        code = status == PX_OK ? EXIT_AGREE : options_fail_status(command, status, &err);
    }
    px_program_fini(&program);
    return code;
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
