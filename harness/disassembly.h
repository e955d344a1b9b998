/* Guest and host instructions as text, in columns of their own. */
#ifndef PX_DISASSEMBLY_H
#define PX_DISASSEMBLY_H

#include "harness/hostcode.h"
#include "vm/isa.h"

struct guest_line {
    struct px_insn insn;
    char hex[9];     /* its bytes as one word, as far as they are inside the code */
    char text[192];  /* "addi        a0, a1, 1"; "cut by the end of code" */
    bool cut;
};

/* The instruction at @pc, which must be below @size. */
void guest_line_read(const uint8_t *code, size_t size, uint32_t pc, struct guest_line *line);

/*
 * The first host instruction of @size bytes that run at @offset of their unit, Intel syntax; jumps and calls name the offset
 * ("+0x1a4") or the label that they go to. Returns its length, at least 1: a byte that begins none reads ".byte 0x..".
 */
size_t host_line_read(const struct hostcode *code, const uint8_t *bytes, size_t size, uint32_t offset,
                      char *text, size_t text_size);

#endif
