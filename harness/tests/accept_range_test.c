/* Fill and hash over ranges of every length and over pages in every state (ISA.md 5, 7). */
#include "harness/tests/accept.h"

#include <string.h>

#include <xxhash.h>

enum { MIB = 1 << 20, NEED = 22 };

#define TOP UINT32_C(0xfffff000)

static const uint64_t lengths[] = { 0,   1,    63,   64,   65,   127,  128,     240,
                                    241, 4095, 4096, 4097, 8191, 8193, MIB - 1, MIB };
static const uint32_t offsets[] = { 0, 1, 2048, 4095 };

/* Bytes without a period that pages or stripes of the hash share. */
static uint8_t *pattern(size_t size)
{
    uint8_t *bytes = test_malloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)((i * 2654435761u) >> 13);
    return bytes;
}

/* ecalli @selector, then the halt: the call costs @extra beside CALL. */
static struct accept_case call(int32_t selector, uint64_t extra)
{
    return (struct accept_case){
        .name = selector == 2 ? "fill" : "hash",
        .code = { ecalli(selector), halt() },
        .gas = GAS,
        .exit = PX_EXIT_HOSTCALL,
        .pc = 8,
        .spent = CALL + extra + CALL,
        .count = 2,
    };
}

static struct accept_case fill(uint64_t at, uint64_t length, uint64_t byte, uint64_t extra)
{
    struct accept_case c = call(2, extra);
    c.in[0] = (struct accept_reg){ 10, at };
    c.in[1] = (struct accept_reg){ 11, byte };
    c.in[2] = (struct accept_reg){ 12, length };
    c.stored[0] = filled((uint32_t)at, (uint32_t)length, (uint8_t)byte);
    return c;
}

static struct accept_case hash(uint64_t at, uint64_t length, uint64_t result, uint64_t extra)
{
    struct accept_case c = call(3, extra);
    c.in[0] = (struct accept_reg){ 10, at };
    c.in[1] = (struct accept_reg){ 11, length };
    c.out[0] = (struct accept_reg){ 10, result };
    return c;
}

static uint64_t pages_of(uint32_t offset, uint64_t length)
{
    return length ? (offset + length + PAGE - 1) / PAGE : 0;
}

static void a_fill_of_any_length_writes_its_range_and_pays_per_page_and_64_bytes(void **state)
{
    for (size_t i = 0; i < COUNT(lengths) * COUNT(offsets); i++) {
        uint64_t length = lengths[i / COUNT(offsets)];
        uint32_t offset = offsets[i % COUNT(offsets)];
        struct accept_case c = fill(ALIAS + DATA + offset, length, UINT64_C(0xfedcba9876543210) + i,
                                    pages_of(offset, length) * FIRST_WRITE + length / 64);
        c.maps[0] = zero(DATA, MIB + 2 * PAGE);
        accept_check(*state, &c);
    }
}

static void a_hash_of_any_length_is_xxh3_and_pays_per_page_and_64_bytes(void **state)
{
    uint8_t *content = pattern(MIB + PAGE);
    for (size_t i = 0; i < COUNT(lengths) * COUNT(offsets); i++) {
        uint64_t length = lengths[i / COUNT(offsets)], pages = pages_of(offsets[i % COUNT(offsets)], length);
        uint32_t offset = offsets[i % COUNT(offsets)];
        uint64_t result = XXH3_64bits(content + offset, length);
        struct accept_case c = hash(ALIAS + DATA + offset, length, result, pages * PAGE_IN + length / 64);
        c.maps[0] = cow(DATA, MIB + 2 * PAGE, content, MIB + PAGE);
        accept_check(*state, &c);
        c = hash(DATA + offset, length, result, (length ? PAGE_IN : 0) + length / 64);
        c.maps[0] = ro(DATA, MIB + 2 * PAGE, content, MIB + PAGE);
        accept_check(*state, &c);
    }
    test_free(content);
}

static void the_hash_is_seedless_xxh3_64(void **state)
{
    /* Published vectors of XXH3_64bits. */
    struct accept_case c = hash(DATA, 3, UINT64_C(0x78af5f94892f3950), PAGE_IN);
    c.maps[0] = ro(DATA, PAGE, (const uint8_t *)"abc", 3);
    accept_check(*state, &c);
}

/* Every kind in a row, with a hole. */
static const uint8_t text[] = "a line of text that is shorter than any page";
enum {
    ZEROS = 0,     /* four pages */
    PINNED = 4,    /* two */
    PINNED_TOO = 6, /* one, of another mapping */
    COPIED = 7,    /* one */
    HOLE = 8,
    BEHIND = 9,    /* one */
};

static uint32_t at_page(uint32_t page)
{
    return DATA + page * PAGE;
}

static void map_all(struct accept_case *c)
{
    c->maps[0] = zero(at_page(ZEROS), 4 * PAGE);
    c->maps[1] = ro(at_page(PINNED), 2 * PAGE, text, sizeof text);
    c->maps[2] = ro(at_page(PINNED_TOO), PAGE, text, sizeof text);
    c->maps[3] = cow(at_page(COPIED), PAGE, text, sizeof text);
    c->maps[4] = zero(at_page(BEHIND), PAGE);
}

/* Puts a block before the call that reads a byte through x13 and writes one of x15 through x14. */
static void touch_first(struct accept_case *c, uint32_t read, uint32_t written, uint64_t touches)
{
    c->code[2] = c->code[0];
    c->code[0] = load(PX_OP_LBU, 5, 0, 13);
    c->code[1] = store(PX_OP_SB, 15, 0, 14);
    c->code[3] = halt();
    struct accept_reg *in = c->in;
    while (in->x != 0)
        in++;
    in[0] = (struct accept_reg){ 13, read };
    in[1] = (struct accept_reg){ 14, written };
    in[2] = (struct accept_reg){ 15, 0xee };
    c->pc += 8;
    c->spent += NEED + touches;
    c->count += 2;
}

static void a_fill_pays_for_each_page_what_its_state_asks(void **state)
{
    uint32_t start = at_page(0) + 100, end = at_page(3) + 50;
    struct accept_case c =
        fill(start, end - start, 0x5a, FIRST_WRITE + COW + 0 + FIRST_WRITE + (end - start) / 64);
    map_all(&c);
    touch_first(&c, at_page(1), at_page(2), PAGE_IN + FIRST_WRITE);
    c.out[0] = (struct accept_reg){ 5, 0 };
    accept_check(*state, &c);
}

static void a_hash_pays_for_each_page_and_unit_once(void **state)
{
    uint8_t flat[8][PAGE] = { { 0 } };
    const uint64_t length = sizeof flat;
    memcpy(flat[PINNED], text, sizeof text);
    memcpy(flat[PINNED_TOO], text, sizeof text);
    memcpy(flat[COPIED], text, sizeof text);
    /* Fresh: four zero pages, two pinned mappings, one page to copy. */
    struct accept_case c =
        hash(at_page(0), length, XXH3_64bits(flat, length), (4 + 2 + 1) * PAGE_IN + length / 64);
    map_all(&c);
    accept_check(*state, &c);

    /* The second page of the pinned unit was read, page 2 written: neither pays again. */
    flat[2][0] = 0xee;
    c = hash(at_page(0), length, XXH3_64bits(flat, length), (3 + 1 + 1) * PAGE_IN + length / 64);
    map_all(&c);
    touch_first(&c, at_page(PINNED + 1), at_page(2), PAGE_IN + FIRST_WRITE);
    c.out[1] = (struct accept_reg){ 5, 0 };
    c.stored[0] = stored(at_page(2), 1, 0xee);
    accept_check(*state, &c);
}

static void a_hash_over_a_cluster_border_pays_for_two_units(void **state)
{
    const uint32_t border = DATA + CLUSTER;
    uint8_t *flat = test_calloc(4, PAGE);
    memcpy(flat, text, sizeof text);
    struct accept_case c =
        hash(border - PAGE, 2 * PAGE, XXH3_64bits(flat + PAGE, 2 * PAGE), 2 * PAGE_IN + 2 * PAGE / 64);
    c.maps[0] = ro(border - 2 * PAGE, 4 * PAGE, text, sizeof text);
    accept_check(*state, &c);
    test_free(flat);
}

/* The call faults on @page after the touches of the block before it; only that block's store shows. */
static void faults(struct run *run, struct accept_case c, uint32_t page)
{
    map_all(&c);
    c.stored[0] = stored(at_page(2), 1, 0xee);
    c.out[0].x = 0;
    touch_first(&c, at_page(1), at_page(2), PAGE_IN + FIRST_WRITE);
    c.out[0] = (struct accept_reg){ 5, 0 };
    c.exit = PX_EXIT_PAGE_FAULT;
    c.arg = page;
    c.pc = 8;
    c.spent = NEED + PAGE_IN + FIRST_WRITE;
    c.count = 3;
    accept_check(run, &c);
}

static void a_range_with_an_inaccessible_page_in_the_middle_changes_nothing(void **state)
{
    faults(*state, fill(at_page(0), 8 * PAGE, 1, 0), at_page(PINNED));
    faults(*state, fill(at_page(3) + 4095, 2, 1, 0), at_page(PINNED));
    faults(*state, fill(at_page(COPIED), 2 * PAGE + 1, 1, 0), at_page(HOLE));
    faults(*state, fill(at_page(PINNED_TOO) + 1, 4 * PAGE, 1, 0),
           at_page(PINNED_TOO)); /* the first that refuses */
    faults(*state, hash(at_page(0), 10 * PAGE, 0, 0), at_page(HOLE));
    faults(*state, hash(at_page(COPIED) + 4095, 2, 0, 0), at_page(HOLE));
    faults(*state, hash(at_page(HOLE), 1, 0, 0), at_page(HOLE));
    faults(*state, hash(at_page(BEHIND), PAGE + 1, 0, 0), at_page(BEHIND + 1));
}

static void a_range_up_to_the_end_of_the_space_is_good_and_one_more_byte_faults_at_0(void **state)
{
    uint8_t *zeros = test_calloc(1, PAGE);
    struct accept_case c = fill(TOP, PAGE, 7, FIRST_WRITE + 64);
    c.maps[0] = zero(TOP, PAGE);
    accept_check(*state, &c);
    c = hash(ALIAS + TOP, PAGE, XXH3_64bits(zeros, PAGE), PAGE_IN + 64);
    c.maps[0] = zero(TOP, PAGE);
    accept_check(*state, &c);
    c = fill(UINT64_MAX, 1, 7, FIRST_WRITE);
    c.maps[0] = zero(TOP, PAGE);
    accept_check(*state, &c);

    struct accept_case over[] = { fill(TOP, PAGE + 1, 7, 0), fill(UINT64_MAX, 2, 7, 0),
                                  hash(0xffffffff, 2, 0, 0), hash(TOP + 1, MIB, 0, 0) };
    for (size_t i = 0; i < COUNT(over); i++) {
        over[i].maps[0] = zero(TOP, PAGE);
        over[i].exit = PX_EXIT_PAGE_FAULT;
        over[i].pc = 0;
        over[i].spent = 0;
        over[i].count = 1;
        over[i].out[0].x = 0;
        over[i].stored[0].size = 0;
        accept_check(*state, &over[i]);
    }
    test_free(zeros);
}

static void what_a_call_touched_is_touched_for_what_follows(void **state)
{
    /* Page 0 is filled and page 1 hashed; then both are read, for nothing, and written: page 1 pays its copy. */
    const uint64_t moves = 1, accesses = NEED; /* two moves; four independent accesses */
    struct accept_case c = {
        .code = { ecalli(2), ri(PX_OP_ADDI, 10, 13, 0), ri(PX_OP_ADDI, 11, 12, 0), ecalli(3),
                  load(PX_OP_LBU, 5, 0, 13), load(PX_OP_LBU, 6, 5, 14), store(PX_OP_SB, 0, 1, 14),
                  store(PX_OP_SB, 0, 1, 13), halt() },
        .gas = GAS,
        .in = { { 10, DATA + 5 }, { 11, 0x33 }, { 12, 16 }, { 13, DATA + PAGE }, { 14, DATA } },
        .maps = { zero(DATA, PAGE), cow(DATA + PAGE, PAGE, text, sizeof text) },
        .exit = PX_EXIT_HOSTCALL,
        .pc = 36,
        .spent = CALL + FIRST_WRITE + moves + CALL + PAGE_IN + accesses + COW + CALL,
        .count = 9,
        .out = { { 5, 'a' }, { 6, 0x33 }, { 10, XXH3_64bits(text, 16) }, { 11, 16 } },
        .stored = { filled(DATA + 5, 16, 0x33), stored(DATA + 1, 1, 0), stored(DATA + PAGE + 1, 1, 0) },
    };
    accept_check(*state, &c);
}

static void code_is_hashed_as_pinned_memory_and_never_filled(void **state)
{
    /* `ecalli 3; ecalli 0` and three bytes more; the hash goes on into the zeros of the page's tail. */
    const uint8_t code[64] = { 0x0b, 0xa0, 0x01, 0x00, 0x0b, 0x20, 0x00, 0x00, 0xaa, 0xbb, 0xcc };
    struct accept_case c = hash(CODE, sizeof code, XXH3_64bits(code, sizeof code), PAGE_IN + 1);
    c.bytes = code;
    c.size = 11;
    accept_check(*state, &c);

    c = fill(CODE + 64, 1, 0, 0);
    c.exit = PX_EXIT_PAGE_FAULT;
    c.arg = CODE;
    c.pc = 0;
    c.spent = 0;
    c.count = 1;
    c.stored[0].size = 0;
    accept_check(*state, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(a_fill_of_any_length_writes_its_range_and_pays_per_page_and_64_bytes),
        ACCEPT_TEST(a_hash_of_any_length_is_xxh3_and_pays_per_page_and_64_bytes),
        ACCEPT_TEST(the_hash_is_seedless_xxh3_64),
        ACCEPT_TEST(a_fill_pays_for_each_page_what_its_state_asks),
        ACCEPT_TEST(a_hash_pays_for_each_page_and_unit_once),
        ACCEPT_TEST(a_hash_over_a_cluster_border_pays_for_two_units),
        ACCEPT_TEST(a_range_with_an_inaccessible_page_in_the_middle_changes_nothing),
        ACCEPT_TEST(a_range_up_to_the_end_of_the_space_is_good_and_one_more_byte_faults_at_0),
        ACCEPT_TEST(what_a_call_touched_is_touched_for_what_follows),
        ACCEPT_TEST(code_is_hashed_as_pinned_memory_and_never_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
