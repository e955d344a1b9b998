/*
 * From an instruction that was located to the simplest program of it that still diverges, so that one bug comes to one
 * program whatever found it. Private to the search.
 *
 *     surroundings of its access or jump -> what was compiled before it -> registers -> which of them
 *     coincide -> operands -> other instructions that diverge in the same situation
 *
 * What cannot be made simple is a condition. Instruction or group, field and conditions name the bucket.
 */
#ifndef PX_REDUCE_H
#define PX_REDUCE_H

#include "harness/locate_search.h"
#include "harness/locate_trace.h"
#include "harness/op_group.h"

/* What lies where an access goes, from what needs least. */
enum region { REGION_ZERO, REGION_COW, REGION_NONE, REGION_RO, REGION_CODE };

/* Where a jump goes. */
enum landing {
    LANDING_BLOCK,
    LANDING_CALL,        /* a host call inside straight code, which is a block start */
    LANDING_BACK,        /* a block start before the jump */
    LANDING_INSIDE,      /* an instruction that is no block start */
    LANDING_MIDDLE,      /* the middle of an instruction */
    LANDING_END,         /* the end of the code */
    LANDING_BEYOND,
};

/* What else has been read before an access to a pinned page. */
enum sibling { SIBLING_NONE, SIBLING_SAME, SIBLING_OTHER }; /* another page of the mapping, of another one */

enum { SITUATION_BEFORE_MAX = 3 };

struct situation {
    struct px_insn insn;
    uint64_t a, b; /* in rs1 and rs2; the a of an access or jalr follows from where it goes */
    uint64_t rest[PX_REG_COUNT]; /* in the other registers */
    bool placed; /* an access or jump goes to a place of our making; else its operands say where */
    enum region region[2]; /* of its first and last page */
    uint8_t history[2]; /* enum trace_page */
    enum sibling sibling;
    bool straddle, joined; /* joined: both pages are of one mapping */
    bool wrap; /* from the last page to page 0 */
    bool high; /* the address has bits beyond 32 */
    bool far; /* the base register alone points to, or over, the page beside */
    bool second; /* it stands in the second block of straight code */
    bool open; /* the code ends behind it */
    enum landing landing;
    bool odd; /* a jalr's target has bit 0 set */
    struct px_insn before[SITUATION_BEFORE_MAX]; /* that run first */
    size_t before_count;
    unsigned copies; /* of the instruction; 0: as 1 */
    struct px_insn like; /* compiled first, and not run: of the same opcode; .len 0: none */
};

struct reduce {
    struct search *s;
    struct situation now;
    struct locate_trial last; /* of `now` */
    uint64_t gas; /* of its programs; 0: enough */
    const struct px_program *maps; /* whose memory is there when nothing is placed; NULL: none */
    char name[48]; /* of a sequence */
    unsigned handed; /* to the last of a sequence, what it takes: reduce_sequence.c */
    bool immediate; /* which one it is matters, not the instruction */
    enum px_status status;
};

/* Makes s->variant.program of @situation. False: it cannot be written down. */
bool situation_write(struct reduce *r, const struct situation *situation);

/* Writes fields, operands and engines of the bucket from r->now and r->last, and @op. */
void reduce_write(struct reduce *r, const char *op);

/* Whether @situation diverges, and how. */
bool reduce_try(struct reduce *r, const struct situation *situation, struct locate_trial *trial);
/* The same, and makes it r->now if so. */
bool reduce_keep(struct reduce *r, const struct situation *situation);

/* As r->now has it, else with what an access of its kind may need: bytes that are no zeros, something else that was read. */
bool reduce_keep_placed(struct reduce *r);

/* reduce_place.c: where an access or a jump really goes, then to simpler places. */
void reduce_find_place(struct reduce *r, const struct trace_step *step);
void reduce_place(struct reduce *r);
bool reduce_sibling(struct reduce *r);

/* reduce_like.c: after which instruction of its opcode, compiled before it, the one at @pc diverges. */
bool reduce_begin_like(struct reduce *r, uint32_t pc);
/* That one and it in registers of our choice. False: in none of them. */
bool reduce_like_registers(struct reduce *r);

/* reduce_operands.c: to registers of our choice, each another, then to plain operands. */
void reduce_registers(struct reduce *r);
void reduce_operands(struct reduce *r);

/* Pair @index of plain operands, from the plainest on; false behind the last. */
bool reduce_plain_pair(size_t index, uint64_t *a, uint64_t *b);

/* The register that rd, rs1 or rs2 is when any would do: by number 0 to 2. */
extern const uint8_t reduce_home[3];

static inline bool reduce_is_access(enum px_op op)
{
    return px_ops[op].effects & (PX_EFF_LOAD | PX_EFF_STORE);
}

/* Whether its immediate is an operand, as another one's rs2 is. */
static inline bool reduce_has_operand(enum px_op op)
{
    enum px_format format = (enum px_format)px_ops[op].format;
    return format == PX_FMT_I || format == PX_FMT_SH6 || format == PX_FMT_SH5;
}

/* reduce_group.c: which instructions diverge in r->now as its own does: a group, all, or it alone. */
const char *reduce_name(struct reduce *r);

/* @from with instruction @op in the same registers; an immediate stands for a second operand and the other way round. */
struct situation reduce_with_op(const struct situation *from, enum px_op op);

/* reduce_sequence.c: which ones in a row diverge as r->now does, these or any, and what it takes. */
const char *reduce_name_sequence(struct reduce *r);
void reduce_hand_on_condition(const struct reduce *r, char *text, size_t size);

/* The conditions of r->now: "x7,rd=rs1,straddle", "" for none. */
void reduce_conditions(const struct reduce *r, char *text, size_t size);

/*
 * Names the bucket of the instruction at @step of the block. *named is false when it agrees on its own, with the registers and
 * pages that it met.
 */
enum px_status reduce_insn(struct search *s, const struct trace *trace, size_t step, bool *named) PX_CHECKED;

/* The same for what an instruction costs, asked of those up to @end; *index is the one that costs otherwise. */
enum px_status reduce_price(struct search *s, const struct trace *trace, size_t end, bool *named,
                            size_t *index) PX_CHECKED;

/* The same for one instruction whose price is known to differ. */
enum px_status reduce_price_of(struct search *s, const struct trace_step *step, bool *named) PX_CHECKED;

/* Names the bucket of a block that costs otherwise, though nothing in it does. */
enum px_status reduce_sum(struct search *s) PX_CHECKED;

/* As reduce_write, for a price: @what is the first of the conditions. */
void reduce_write_price(struct reduce *r, const char *op, const char *what);

/* The same for a block that one side lets in and the other does not. */
enum px_status reduce_gate(struct search *s, bool *named) PX_CHECKED;

#endif
