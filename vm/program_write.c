/*
 * Writer of .px files (DESIGN.md 4), in the one canonical form: keys in a fixed order, what is 0 by default
 * left out. A program that the reader would not give back is refused before anything is written.
 */
#include "vm/program_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "vm/program.h"

enum {
    EXIT_TEXT_MAX = 40,
    DISASSEMBLY_MAX = 96,
    HEX_CHUNK = 256,
    /* A line per instruction is 20 times the code. Over this size it could pass PX_TEXT_MAX, and nobody
     * reads it; words alone never do. */
    ANNOTATED_MAX = 256 << 10,
    WORDS_PER_LINE = 8,
};

/* Keeps the first failure, so that only the last step is asked. */
struct sink {
    FILE *file;
    size_t room; /* of PX_TEXT_MAX */
    enum px_status status;
};

static void put_bytes(struct sink *sink, const char *bytes, size_t size)
{
    if (sink->status != PX_OK)
        return;
    if (size > sink->room)
        sink->status = PX_ERR_INPUT;
    else if (fwrite(bytes, 1, size, sink->file) != size)
        sink->status = PX_ERR_SYSTEM;
    else
        sink->room -= size;
}

/* One line at most: nothing here is longer than a few names and numbers. */
__attribute__((format(printf, 2, 3))) static void put(struct sink *sink, const char *fmt, ...)
{
    char text[DISASSEMBLY_MAX + 64];
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof text)
        sink->status = PX_ERR_INTERNAL;
    else
        put_bytes(sink, text, (size_t)length);
}

static bool is_name(const char name[PX_NAME_MAX])
{
    return px_text_is_name(name, strnlen(name, PX_NAME_MAX));
}

static bool can_write_origin(const struct px_origin *origin)
{
    if (!origin->known || is_name(origin->gen))
        return true;
    return origin->gen[0] == '\0' && origin->version == 0;
}

static bool can_write_expect(const struct px_expect *expect)
{
    if (expect->has_exit) {
        char text[EXIT_TEXT_MAX];
        struct px_outcome same;
        (void)px_exit_format(&expect->out, text, sizeof text);
        if (expect->out.exit >= PX_EXIT_STOPPED || !px_exit_parse(text, &same) || same.arg != expect->out.arg)
            return false;
    }
    if ((expect->has_x & 1) != 0 || (expect->oracle[0] != '\0' && !is_name(expect->oracle)))
        return false;
    return expect->has_exit || expect->has_pc || expect->has_gas || expect->has_x != 0;
}

enum px_status px_program_check_storable(const struct px_program *program)
{
    struct px_mapping maps[PX_PROGRAM_MAPS_MAX];
    for (size_t i = 0; i < program->map_count; i++)
        maps[i] = px_program_mapping(program, i);
    struct px_image image = {
        .code = program->code,
        .code_size = program->code_size,
        .maps = maps,
        .map_count = program->map_count,
    };
    if (!can_write_origin(&program->origin) || (program->has_expect && !can_write_expect(&program->expect)))
        return PX_ERR_INPUT;
    return px_image_check(&image, NULL);
}

static void put_origin(struct sink *sink, const struct px_origin *origin)
{
    if (!origin->known)
        return;
    put(sink, "origin seed=0x%" PRIx64 " index=%" PRIu64, origin->seed, origin->index);
    if (origin->gen[0] != '\0')
        put(sink, " gen=%s@%u", origin->gen, origin->version);
    put(sink, "\n");
}

static void put_map(struct sink *sink, const struct px_mapping *map)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * HEX_CHUNK];
    put(sink, "map 0x%" PRIx64 " 0x%" PRIx64 " %s%s", map->start, map->size, px_map_kind_name(map->kind),
        map->content_size > 0 ? " hex:" : "");
    for (size_t done = 0; done < map->content_size;) {
        size_t count = 0;
        for (; count < HEX_CHUNK && done < map->content_size; count++, done++) {
            hex[2 * count] = digits[map->content[done] >> 4];
            hex[2 * count + 1] = digits[map->content[done] & 15];
        }
        put_bytes(sink, hex, 2 * count);
    }
    put(sink, "\n");
}

static uint32_t load_word(const uint8_t *bytes, size_t size)
{
    uint32_t word = 0;
    for (size_t i = 0; i < size; i++)
        word |= (uint32_t)bytes[i] << 8 * i;
    return word;
}

/* The mnemonic and its operands are apart by a tab, which editors show in many ways. */
static void put_annotated(struct sink *sink, const struct px_insn *insn, uint32_t word)
{
    char text[DISASSEMBLY_MAX];
    (void)px_disassemble(insn, word, text, sizeof text);
    int mnemonic = (int)strcspn(text, "\t");
    if (insn->len == 4)
        put(sink, "  %08" PRIx32 "    # ", word);
    else
        put(sink, "  %04" PRIx32 "        # ", word);
    if (text[mnemonic] == '\0')
        put(sink, "%s\n", text);
    else
        put(sink, "%-5.*s %s\n", mnemonic, text, text + mnemonic + 1);
}

/* An instruction that the end of code cuts, as a halfword and a byte. */
static void put_cut(struct sink *sink, const uint8_t *bytes, size_t size)
{
    put(sink, " ");
    if (size >= 2)
        put(sink, " %04" PRIx32, load_word(bytes, 2));
    if (size % 2 == 1)
        put(sink, " %02" PRIx32, load_word(bytes + size - 1, 1));
    put(sink, "    # cut by the end of code\n");
}

/* Along the linear sweep of ISA.md 4. */
static void put_code_lines(struct sink *sink, const uint8_t *code, size_t size)
{
    for (size_t offset = 0; offset < size;) {
        struct px_insn insn = px_decode(code, size, offset);
        if (insn.len > size - offset) {
            put_cut(sink, code + offset, size - offset);
            return;
        }
        put_annotated(sink, &insn, load_word(code + offset, insn.len));
        offset += insn.len;
    }
}

static void put_code_words(struct sink *sink, const uint8_t *code, size_t size)
{
    size_t words = size / 4;
    for (size_t i = 0; i < words; i++)
        put(sink, "%s%08" PRIx32 "%s", i % WORDS_PER_LINE == 0 ? "  " : " ", load_word(code + 4 * i, 4),
            i % WORDS_PER_LINE == WORDS_PER_LINE - 1 || i == words - 1 ? "\n" : "");
    for (size_t i = 4 * words; i < size; i++)
        put(sink, "  %02x\n", code[i]);
}

static void put_expect(struct sink *sink, const struct px_expect *expect)
{
    put(sink, "expect");
    if (expect->has_exit) {
        char text[EXIT_TEXT_MAX];
        (void)px_exit_format(&expect->out, text, sizeof text);
        put(sink, " exit=%s", text);
    }
    if (expect->has_pc)
        put(sink, " pc=%" PRIu32, expect->out.pc);
    if (expect->has_gas)
        put(sink, " gas=%" PRIu64, expect->out.gas);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        if (expect->has_x >> i & 1)
            put(sink, " x%u=0x%" PRIx64, i, expect->out.x[i]);
    if (expect->oracle[0] != '\0')
        put(sink, " oracle=%s", expect->oracle);
    put(sink, "\n");
}

enum px_status px_program_write(const struct px_program *program, FILE *file)
{
    struct sink sink = { .file = file, .room = PX_TEXT_MAX, .status = px_program_check_storable(program) };
    if (sink.status != PX_OK)
        return sink.status;

    put(&sink, "%s\n", PX_TEXT_HEADER);
    put_origin(&sink, &program->origin);
    put(&sink, "gas %" PRIu64 "\n", program->gas);
    if (program->entry_pc != 0)
        put(&sink, "entry 0x%" PRIx32 "\n", program->entry_pc);
    for (unsigned i = 1; i < PX_REG_COUNT; i++)
        if (program->x[i] != 0)
            put(&sink, "reg x%u 0x%" PRIx64 "\n", i, program->x[i]);
    for (size_t i = 0; i < program->map_count; i++) {
        struct px_mapping map = px_program_mapping(program, i);
        put_map(&sink, &map);
    }
    if (program->code_size > 0)
        put(&sink, "code\n");
    if (program->code_size <= ANNOTATED_MAX)
        put_code_lines(&sink, program->code, program->code_size);
    else
        put_code_words(&sink, program->code, program->code_size);
    if (program->has_expect)
        put_expect(&sink, &program->expect);
    if (sink.status == PX_OK && fflush(file) != 0)
        sink.status = PX_ERR_SYSTEM;
    return sink.status;
}
