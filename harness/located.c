#define _GNU_SOURCE
#include "harness/located.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "harness/code_window.h"
#include "harness/disassembly.h"
#include "harness/locate.h"

enum { HOST_COLUMN = 46 }; /* where host code begins, behind two columns for marks */

/* --- where --- */

static void write_block_place(FILE *file, const struct bucket *b)
{
    fprintf(file, " the block at pc 0x%" PRIx32, b->block_pc);
    if (b->block > 0)
        fprintf(file, ", block number %" PRIu64 " to run", b->block);
    if (b->place == BUCKET_INSN && b->visit > 1)
        fprintf(file, ", for the %" PRIu64 ". time", b->visit);
    fputc('\n', file);
}

static void write_vanished(FILE *file, const struct located *l)
{
    const struct finding *f = &l->bucket->finding;
    if (strcmp(l->bucket->op, "compile") == 0) {
        fputs("located   while the program was compiled: nothing ran\n", file);
        return;
    }
    fputs("located   not: it vanishes under observation, when blocks run one by one\n", file);
    if (f->guest_pc_known)
        fprintf(file, "          the host was in the code of pc 0x%" PRIx32 "\n", f->guest_pc);
}

static void write_place(FILE *file, const struct located *l)
{
    const struct bucket *b = l->bucket;
    struct guest_line line;
    switch (b->place) {
    case BUCKET_INSN:
        fprintf(file, "located   %s at pc 0x%" PRIx32 ": instruction %zu of %zu in",
                px_ops[b->insn.op].mnemonic, b->pc, b->number, b->count);
        write_block_place(file, b);
        if (b->pc < l->program->code_size) {
            guest_line_read(l->program->code, l->program->code_size, b->pc, &line);
            fprintf(file, "          %s\n", line.text);
        }
        break;
    case BUCKET_BLOCK:
        fprintf(file, "located   %s",
                strcmp(b->op, "gate") == 0    ? "the gas gate of"
                : strcmp(b->op, "entry") == 0 ? "the entry at"
                : strcmp(b->op, "end") == 0   ? "the end of the code, entered as"
                                              : "somewhere in");
        write_block_place(file, b);
        if (strcmp(b->operands, "in-its-block") == 0)
            fputs("          its instructions agree when the block is cut; the bucket names the likeliest\n",
                  file);
        break;
    case BUCKET_VANISHED:
        write_vanished(file, l);
        break;
    }
}

/* --- what --- */

/* What the row of an exit says of one side. */
static void tell_going_on(const struct px_outcome *out, char *text, size_t size)
{
    if (out->exit == PX_EXIT_STOPPED)
        (void)snprintf(text, size, "goes on");
}

static void write_rows(FILE *file, const char *a, const char *b, const struct diff *diff)
{
    struct diff_row rows[DIFF_ROWS_MAX];
    size_t count = diff_rows(diff, rows), width = strlen(a) > 23 ? strlen(a) : 23;
    fprintf(file, "differs   %-20s %-*s  %s\n", "", (int)width, a, b);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, "exit") == 0) {
            tell_going_on(&diff->a, rows[i].a, sizeof rows[i].a);
            tell_going_on(&diff->b, rows[i].b, sizeof rows[i].b);
        }
        fprintf(file, "          %-20s %-*s  ", rows[i].name, (int)width, rows[i].a);
        if (rows[i].note[0] != '\0')
            fprintf(file, "%-*s  %s\n", (int)width, rows[i].b, rows[i].note);
        else
            fprintf(file, "%s\n", rows[i].b);
    }
}

/* The name of what lies at @at outside of the unit: the last label before it. */
static const char *label_of(const struct hostcode *code, int64_t at)
{
    const struct hostcode_label *best = NULL;
    for (size_t i = 0; i < code->label_count; i++)
        if (code->labels[i].offset <= at && (!best || code->labels[i].offset > best->offset))
            best = &code->labels[i];
    return best ? best->name : NULL;
}

static void write_fault(FILE *file, const char *b, const struct finding *f)
{
    if (f->kind == FINDING_HANG) {
        fprintf(file, "differs   %s never ends\n", b);
        return;
    }
    fprintf(file, "differs   %s dies", b);
    if (f->signal)
        fprintf(file, " of SIG%s (%s)", sigabbrev_np(f->signal), sigdescr_np(f->signal));
    if (f->in_harness)
        fputs(" in C code", file);
    if (f->signal == SIGSEGV || f->signal == SIGBUS)
        fprintf(file, " at host address 0x%" PRIx64, f->address);
    fputc('\n', file);
}

void located_write_finding(FILE *file, const char *a, const char *b, const struct finding *finding)
{
    if (finding->kind == FINDING_DIFF)
        write_rows(file, a, b, &finding->diff);
    else
        write_fault(file, b, finding);
}

/* The host instruction that faulted, which may stand in code that units share. */
static void write_fault_site(FILE *file, const struct located *l, const struct finding *f)
{
    char text[128] = "";
    const char *label = NULL;
    if (f->kind != FINDING_ABORT || !l->code || !l->code->known || !f->site.code_known ||
        f->site.byte_count == 0)
        return;
    (void)host_line_read(l->code, f->site.bytes, sizeof f->site.bytes, f->site.code, text, sizeof text);
    bool outside = f->site.at != (int64_t)f->site.code;
    if (outside)
        label = label_of(l->code, f->site.at);
    fprintf(file, "          at  %s%s%s\n", text,
            label     ? "  in "
            : outside ? "  outside of the unit"
                      : "",
            label ? label : "");
}

static void write_differences(FILE *file, const struct located *l)
{
    const struct bucket *b = l->bucket;
    const struct finding *f = b->place == BUCKET_VANISHED ? &b->finding : &b->at;
    char fields[256];
    if (b->finding.kind == f->kind && f->kind != FINDING_DIFF)
        f = &b->finding; /* of the program as it is shown */
    located_write_finding(file, l->a, l->b, f);
    write_fault_site(file, l, f);
    if (b->place != BUCKET_VANISHED) {
        (void)finding_format(&b->finding, fields, sizeof fields);
        fprintf(file, "finally   %s\n", fields);
    }
}

static void write_operand(FILE *file, const struct bucket *b, unsigned x, const char **title)
{
    char name[16];
    (void)snprintf(name, sizeof name, "%s (x%u)", px_reg_names[x], x);
    fprintf(file, "%-9s %-20s 0x%016" PRIx64 "\n", *title, name, b->x[x]);
    *title = "";
}

/* What the located instruction reads. */
static void write_operands(FILE *file, const struct located *l)
{
    const struct bucket *b = l->bucket;
    const struct px_insn *insn = &b->insn;
    const char *title = "reads";
    if (b->place != BUCKET_INSN || !b->x_known || insn->op >= PX_OP_COUNT)
        return;
    uint8_t regs = px_ops[insn->op].regs;
    if (regs & PX_HAS_RS1)
        write_operand(file, b, insn->rs1 % PX_REG_COUNT, &title);
    if ((regs & PX_HAS_RS2) && (insn->rs2 != insn->rs1 || !(regs & PX_HAS_RS1)))
        write_operand(file, b, insn->rs2 % PX_REG_COUNT, &title);
    if (b->bytes_known == 0 || b->bytes_known > sizeof b->bytes)
        return;
    fprintf(file, "%-9s memory 0x%08" PRIx32 "   ", title, b->address);
    for (size_t i = 0; i < b->bytes_known; i++)
        fprintf(file, "%s%02x", i ? " " : "", b->bytes[i]);
    fputc('\n', file);
}

/* --- side by side --- */

void located_mark(const struct located *l, uint32_t offset, size_t length, struct host_mark *mark)
{
    const struct finding *f = l->finding ? l->finding : &l->bucket->finding;
    *mark = (struct host_mark){ .faults = f->kind == FINDING_ABORT && f->site.code_known &&
                                          f->site.code - offset < length };
    if (f->kind != FINDING_HANG)
        return;
    mark->looks = f->sample_count < HANG_SAMPLES ? f->sample_count : HANG_SAMPLES;
    for (size_t i = 0; i < mark->looks; i++)
        mark->seen += f->samples[i].known && f->samples[i].code - offset < length;
}

/* What a line of host code is marked with. */
static void note_line(const struct located *l, uint32_t offset, size_t length, char *note, size_t size)
{
    struct host_mark mark;
    note[0] = '\0';
    located_mark(l, offset, length, &mark);
    int signal_number = l->finding ? l->finding->signal : l->bucket->finding.signal;
    if (mark.faults)
        (void)snprintf(note, size, "<- SIG%s", signal_number ? sigabbrev_np(signal_number) : "?");
    else if (mark.seen > 0)
        (void)snprintf(note, size, "<- here in %u of %u looks", mark.seen, mark.looks);
}

/* One line: @guest on the left, if it is the first of its instruction, and one host instruction. */
static void write_line(FILE *file, char mark, const char *guest, uint32_t offset, const char *host,
                       const char *note)
{
    if (!host)
        fprintf(file, "%c %s", mark, guest);
    else
        fprintf(file, "%c %-*s%c +%04" PRIx32 "  ", mark, HOST_COLUMN, guest, note[0] ? '!' : ' ', offset);
    if (host && note[0])
        fprintf(file, "%-40s %s", host, note);
    else if (host)
        fputs(host, file);
    fputc('\n', file);
}

/* The code of one part beside @guest, which is spent by its first line. */
static void write_part(FILE *file, const struct located *l, const struct hostcode_part *part, char mark,
                       const char **guest)
{
    const uint8_t *bytes = l->code->bytes + part->at;
    for (uint32_t at = 0; at < part->size;) {
        char text[128], note[48];
        size_t length =
            host_line_read(l->code, bytes + at, part->size - at, part->offset + at, text, sizeof text);
        note_line(l, part->offset + at, length, note, sizeof note);
        write_line(file, mark, *guest, part->offset + at, text, note);
        at += (uint32_t)length;
        *guest = "";
        mark = mark == ' ' ? ' ' : '|';
    }
}

/* The parts of one guest instruction that have this role. True: there was something to show. */
static bool write_parts(FILE *file, const struct located *l, enum px_code_role role, uint32_t pc, char mark,
                        const char *guest)
{
    bool shown = false;
    if (!l->code || !l->code->known)
        return false;
    for (size_t i = 0; i < l->code->count; i++) {
        const struct hostcode_part *part = &l->code->parts[i];
        if (part->pc != pc || part->role != role || part->size == 0)
            continue;
        write_part(file, l, part, mark, &guest);
        shown = true;
        if (mark != ' ')
            mark = '|'; /* the rest of what is marked */
    }
    return shown;
}

static void write_insn(FILE *file, const struct located *l, uint32_t pc, bool marked, uint32_t *next)
{
    struct guest_line line;
    char guest[224];
    guest_line_read(l->program->code, l->program->code_size, pc, &line);
    (void)snprintf(guest, sizeof guest, "%04" PRIx32 "  %-8s  %s", pc, line.hex, line.text);
    if (!write_parts(file, l, PX_CODE_BODY, pc, marked ? '>' : ' ', guest))
        write_line(file, marked ? '>' : ' ', guest, 0, NULL, "");
    *next = pc + line.insn.len;
}

static void write_left_out(FILE *file, size_t count)
{
    if (count > 0)
        fprintf(file, "  ... %zu more\n", count);
}

/* Rare ways out of what is shown. */
static void write_cold(FILE *file, const struct located *l, const struct code_window *w)
{
    bool title = false;
    uint32_t next;
    for (uint32_t pc = w->first; pc <= w->last && pc < l->program->code_size; pc = next) {
        char guest[32];
        next = pc + px_length(l->program->code[pc]);
        (void)snprintf(guest, sizeof guest, "%s%04" PRIx32, title ? "" : "out of line:  ", pc);
        title |= write_parts(file, l, PX_CODE_COLD, pc, ' ', guest);
    }
}

/* Where guest registers live, if that can be told. */
static void write_homes(FILE *file, const struct hostcode *code)
{
    size_t used = 0;
    for (unsigned x = 1; x < PX_REG_COUNT; x++) {
        const struct hostcode_home *home = &code->homes[x];
        char text[48];
        if (home->reg[0] == '\0')
            continue;
        int n = home->memory ? snprintf(text, sizeof text, "%s=[%s+0x%x]", px_reg_names[x], home->reg,
                                        (unsigned)home->disp)
                             : snprintf(text, sizeof text, "%s=%s", px_reg_names[x], home->reg);
        if (used > 0 && used + (size_t)n + 1 > 118) {
            fputc('\n', file);
            used = 0;
        }
        used += (size_t)fprintf(file, "%s%s", used ? " " : "  ", text);
    }
    if (used > 0)
        fputc('\n', file);
}

void located_write_code(FILE *file, const struct located *l)
{
    struct px_image image;
    struct code_window w;
    uint32_t center, next;
    bool found = false;
    px_program_image(l->program, &image);
    if (!locate_center(l->program, l->bucket, &center) ||
        code_window_find(&image, center, &w, &found) != PX_OK || !found)
        return;
    bool host = l->code && l->code->known;
    fprintf(file, "\n  %-*s  %s%s\n", HOST_COLUMN, "guest", host ? "host code of " : "no host code: ", l->b);
    write_left_out(file, w.above);
    char head[96];
    if (w.gated)
        (void)snprintf(head, sizeof head, "block: need %" PRIu64 ", reserve %" PRIu64, w.need, w.reserve);
    else
        (void)snprintf(head, sizeof head, "block: no gate");
    if (w.above == 0 &&
        !write_parts(file, l, PX_CODE_HEAD, w.block, l->bucket->place == BUCKET_BLOCK ? '>' : ' ', head))
        write_line(file, ' ', head, 0, NULL, "");
    for (uint32_t pc = w.first; pc <= w.last; pc = next)
        write_insn(file, l, pc, l->bucket->place != BUCKET_BLOCK && pc == center, &next);
    write_left_out(file, w.below);
    if (!host)
        return;
    write_cold(file, l, &w);
    if (l->code->cut)
        fputs("  ... more host code than fits\n", file);
    write_homes(file, l->code);
}

void located_write(FILE *file, const struct located *located)
{
    write_place(file, located);
    write_operands(file, located);
    write_differences(file, located);
    fprintf(file, "bucket    %s  (%s)\n", located->bucket->id, located->bucket->hash);
    located_write_code(file, located);
}
