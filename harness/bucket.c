#define _GNU_SOURCE
#include "harness/bucket.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

const char *bucket_field(uint32_t fields)
{
    static const struct {
        uint32_t mask;
        const char *name;
    } order[] = {
        { DIFF_EXIT, "exit" },     { DIFF_ARG, "arg" },
        { DIFF_PC, "pc" },         { DIFF_DIRTY | DIFF_MEMORY, "mem" },
        { DIFF_REGISTERS, "reg" }, { DIFF_GAS, "gas" },
        { DIFF_COUNT, "count" },
    };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (fields & order[i].mask)
            return order[i].name;
    return "none";
}

static const char *exit_word(const struct px_outcome *outcome)
{
    bool end = outcome->exit == PX_EXIT_PANIC && outcome->arg == PX_PANIC_END_OF_CODE;
    if (outcome->exit == PX_EXIT_STOPPED || end) /* it went on; what stood behind it is chance */
        return "none";
    if (outcome->exit == PX_EXIT_PANIC && outcome->arg >= 0 && outcome->arg < PX_PANIC_COUNT)
        return px_panic_name((enum px_panic)outcome->arg);
    return px_exit_name(outcome->exit);
}

void bucket_exits(const struct px_outcome *a, const struct px_outcome *b, char *text, size_t size)
{
    (void)snprintf(text, size, "%s/%s", exit_word(a), exit_word(b));
}

void bucket_death(enum finding_kind kind, int signal_number, char *text, size_t size)
{
    const char *name = signal_number ? sigabbrev_np(signal_number) : NULL;
    if (kind == FINDING_HANG)
        (void)snprintf(text, size, "hang");
    else
        (void)snprintf(text, size, "%s%s", name ? "SIG" : "died", name ? name : "");
}

static const char *special_division(uint64_t a, uint64_t b, bool word, bool is_signed)
{
    if (word ? (uint32_t)b == 0 : b == 0)
        return "zero-divisor";
    bool overflows = word ? (uint32_t)a == UINT32_C(1) << 31 && (uint32_t)b == UINT32_MAX
                          : a == UINT64_C(1) << 63 && b == UINT64_MAX;
    return is_signed && overflows ? "int-min/-1" : NULL;
}

const char *bucket_special(enum px_op op, uint64_t a, uint64_t b)
{
    switch (op) {
    case PX_OP_DIV:
    case PX_OP_REM:
        return special_division(a, b, false, true);
    case PX_OP_DIVU:
    case PX_OP_REMU:
        return special_division(a, b, false, false);
    case PX_OP_DIVW:
    case PX_OP_REMW:
        return special_division(a, b, true, true);
    case PX_OP_DIVUW:
    case PX_OP_REMUW:
        return special_division(a, b, true, false);
    case PX_OP_SLL:
    case PX_OP_SRL:
    case PX_OP_SRA:
    case PX_OP_ROL:
    case PX_OP_ROR:
    case PX_OP_BSET:
    case PX_OP_BCLR:
    case PX_OP_BINV:
    case PX_OP_BEXT:
        return b >= 64 ? "wide-shift" : NULL;
    case PX_OP_SLLW:
    case PX_OP_SRLW:
    case PX_OP_SRAW:
    case PX_OP_ROLW:
    case PX_OP_RORW:
        return b >= 32 ? "wide-shift" : NULL;
    case PX_OP_CLZ:
    case PX_OP_CTZ:
        return a == 0 ? "zero" : NULL;
    case PX_OP_CLZW:
    case PX_OP_CTZW:
        return (uint32_t)a == 0 ? "zero" : NULL;
    default:
        return NULL;
    }
}

void bucket_hash(const char *id, size_t length, char hash[9])
{
    (void)snprintf(hash, 9, "%08" PRIx32, (uint32_t)XXH3_64bits(id, length));
}

void bucket_name(struct bucket *b)
{
    (void)snprintf(b->id, sizeof b->id, "%s:%s:%s:%s", b->engines, b->op, b->fields, b->operands);
    bucket_hash(b->id, strlen(b->id), b->hash);
}

/* Ends it, and leaves nothing in it that a terminal or a path would obey. */
static void make_plain(char *text, size_t size, const char *besides)
{
    text[size - 1] = '\0';
    for (char *c = text; *c; c++)
        if (*c < ' ' || *c > '~' || strchr(besides, *c))
            *c = '?';
}

void bucket_make_harmless(struct bucket *b)
{
    finding_make_harmless(&b->finding);
    finding_make_harmless(&b->at);
    make_bool(&b->diverges);
    make_bool(&b->x_known);
    if (b->place > BUCKET_VANISHED)
        b->place = BUCKET_VANISHED;
    if (b->insn.op >= PX_OP_COUNT)
        b->insn.op = PX_OP_ILLEGAL;
    if (b->insn.rvc >= PX_C_COUNT)
        b->insn.rvc = PX_C_NONE;
    b->insn.rd %= PX_REG_COUNT;
    b->insn.rs1 %= PX_REG_COUNT;
    b->insn.rs2 %= PX_REG_COUNT;
    if (b->bytes_known > sizeof b->bytes)
        b->bytes_known = sizeof b->bytes;
    make_plain(b->engines, sizeof b->engines, "");
    make_plain(b->op, sizeof b->op, "/");
    make_plain(b->fields, sizeof b->fields, "");
    make_plain(b->operands, sizeof b->operands, "");
    bucket_name(b);
}

size_t bucket_folder(const struct bucket *bucket, char *text, size_t size)
{
    const char *op = bucket->op[0] == '?' ? "unlocated" : bucket->op;
    int n = snprintf(text, size, "%s-%s", bucket->hash, op);
    return n > 0 ? (size_t)n : 0;
}
