/*
 * Bytes as guest code: decode -> disassemble -> encode gives the same word, whatever the word; the sweep sees instructions
 * that are cut by the end; what can be compressed means the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/fuzz/entry.h"
#include "harness/fuzz/map.h"
#include "vm/isa.h"

/* Which rows were decoded, with and without an immediate. */
__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[2 * PX_OP_COUNT + PX_C_COUNT];

__attribute__((noreturn)) static void fail(const char *what, uint32_t word, const struct px_insn *insn)
{
    fprintf(stderr, "fuzz_decode: %s: %08x, %s len %u rd %u rs1 %u rs2 %u imm %d\n", what, word,
            insn->rvc ? px_rvcs[insn->rvc].mnemonic : px_ops[insn->op].mnemonic, insn->len, insn->rd,
            insn->rs1, insn->rs2, insn->imm);
    abort();
}

static bool same_meaning(const struct px_insn *a, const struct px_insn *b)
{
    return a->op == b->op && a->rd == b->rd && a->rs1 == b->rs1 && a->rs2 == b->rs2 && a->imm == b->imm;
}

static void check_text(uint32_t word, const struct px_insn *insn)
{
    char whole[80], cut[80];
    size_t length = px_disassemble(insn, word, whole, sizeof whole);
    if (length == 0 || length >= sizeof whole || strlen(whole) != length)
        fail("no text, or one that is too long", word, insn);
    size_t room = word % sizeof cut;
    if (px_disassemble(insn, word, cut, room) != length || (room > 0 && strncmp(cut, whole, room - 1) != 0))
        fail("another text in less room", word, insn);
}

static void check_compressed(uint32_t word, const struct px_insn *insn)
{
    struct px_insn small = *insn;
    uint32_t half;
    if (!px_compress(&small))
        return;
    if (px_encode(&small, &half) != 2)
        fail("a compressed form that does not fit", word, insn);
    struct px_insn back = px_decode_word(half);
    if (back.len != 2 || !same_meaning(&back, insn))
        fail("a compressed form that means something else", word, insn);
}

static void check_word(uint32_t word, uint8_t *seen)
{
    struct px_insn insn = px_decode_word(word);
    uint32_t bits = insn.len == 2 ? word & 0xffff : word, again = 0;
    if (insn.len != px_length((uint8_t)word))
        fail("a length that the first byte does not say", word, &insn);
    check_text(bits, &insn);
    unsigned length = px_encode(&insn, &again);
    seen[2 * insn.op + (insn.imm != 0)] = 1;
    seen[2 * PX_OP_COUNT + insn.rvc] = 1;
    if (insn.op == PX_OP_ILLEGAL) {
        if (length != 0)
            fail("an illegal encoding can be encoded", word, &insn);
        return;
    }
    if (length != insn.len || again != bits)
        fail("encoding gives another word", word, &insn);
    if ((insn.rd | insn.rs1 | insn.rs2) >= PX_REG_COUNT)
        fail("a register that is none", word, &insn);
    check_compressed(word, &insn);
}

/* At each place of the code: what the word says when it is whole, else an illegal instruction. */
static void check_sweep(const uint8_t *code, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        struct px_insn here = px_decode(code, size, at), word = { .op = PX_OP_ILLEGAL };
        uint32_t bits = 0;
        size_t left = size - at;
        memcpy(&bits, code + at, left < 4 ? left : 4);
        word.len = (uint8_t)px_length(code[at]);
        if (left >= word.len)
            word = px_decode_word(bits);
        if (here.len != word.len || here.rvc != word.rvc || !same_meaning(&here, &word))
            fail("the sweep sees another instruction", bits, &here);
    }
}

__attribute__((constructor(FUZZ_MAP_EARLY))) static void reserve(void)
{
    fuzz_map_reserve(sizeof counters);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *seen = fuzz_map(counters);
    for (size_t at = 0; at + 4 <= size; at += 2) {
        uint32_t word;
        memcpy(&word, data + at, sizeof word);
        check_word(word, seen);
    }
    check_sweep(data, size);
    return 0;
}

/* A word of some row takes the place of one; else bytes change as they would. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    uint64_t z = (seed + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    z ^= z >> 29;
    if (z % 2 || size < 4 || size > max_size)
        return LLVMFuzzerMutate(data, size < max_size ? size : max_size, max_size);
    uint32_t word = (uint32_t)(z >> 32);
    const struct px_op_info *row = &px_ops[1 + (z >> 4) % (PX_OP_COUNT - 1)];
    const struct px_rvc_info *small = &px_rvcs[1 + (z >> 4) % (PX_C_COUNT - 1)];
    bool wide = z >> 1 & 1;
    word = wide ? (word & ~row->mask) | row->match : (word & 0xffff & ~(uint32_t)small->mask) | small->match;
    memcpy(data + (z >> 12) % (size - 3), &word, wide ? 4 : 2);
    return size;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *data, size_t size, const uint8_t *other, size_t other_size,
                                 uint8_t *out, size_t max_size, unsigned int seed)
{
    size_t head = size ? seed % (size + 1) & ~(size_t)1 : 0, from = other_size ? seed / 7 % other_size : 0;
    head = head < max_size ? head : max_size;
    size_t tail = other_size - from;
    tail = tail < max_size - head ? tail : max_size - head;
    memcpy(out, data, head);
    memcpy(out + head, other + from, tail);
    return head + tail;
}
