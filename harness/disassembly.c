#include "harness/disassembly.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>

void guest_line_read(const uint8_t *code, size_t size, uint32_t pc, struct guest_line *line)
{
    char text[96];
    line->insn = px_decode(code, size, pc);
    size_t inside = size - pc < line->insn.len ? size - pc : line->insn.len;
    uint32_t word = 0;
    for (size_t i = 0; i < inside; i++)
        word |= (uint32_t)code[pc + i] << 8 * i;
    (void)snprintf(line->hex, sizeof line->hex, "%0*" PRIx32, (int)(2 * inside), word);
    line->cut = inside < line->insn.len;
    if (line->cut) {
        (void)snprintf(line->text, sizeof line->text, "cut by the end of code");
        return;
    }
    (void)px_disassemble(&line->insn, word, text, sizeof text);
    int mnemonic = (int)strcspn(text, "\t");
    if (text[mnemonic] == '\0')
        (void)snprintf(line->text, sizeof line->text, "%s", text);
    else
        (void)snprintf(line->text, sizeof line->text, "%-11.*s %s", mnemonic, text, text + mnemonic + 1);
}

/* Where a jump or call goes, instead of a distance. */
static void write_target(const struct hostcode *code, ZydisMnemonic mnemonic, int64_t target, char *text,
                         size_t size)
{
    const char *name = ZydisMnemonicGetString(mnemonic);
    for (size_t i = 0; i < code->label_count; i++)
        if (code->labels[i].offset == target) {
            (void)snprintf(text, size, "%s %s", name, code->labels[i].name);
            return;
        }
    (void)snprintf(text, size, "%s %s0x%" PRIx64, name, target < 0 ? "-" : "+",
                   (uint64_t)(target < 0 ? -target : target));
}

size_t host_line_read(const struct hostcode *code, const uint8_t *bytes, size_t size, uint32_t offset,
                      char *text, size_t text_size)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, size, &insn, ops))) {
        (void)snprintf(text, text_size, ".byte 0x%02x", bytes[0]);
        return 1;
    }
    if (insn.operand_count_visible == 1 && ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
        ops[0].imm.is_relative)
        write_target(code, insn.mnemonic, (int64_t)offset + insn.length + ops[0].imm.value.s, text,
                     text_size);
    else
        (void)ZydisFormatterFormatInstruction(&formatter, &insn, ops, insn.operand_count_visible, text,
                                              text_size, ZYDIS_RUNTIME_ADDRESS_NONE, NULL);
    return insn.length;
}
