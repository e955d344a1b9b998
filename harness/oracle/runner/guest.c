/*
 * What the guest's code cannot do for itself where it lies: instructions that ask where they are, jumps to anywhere,
 * first touches of pages, addresses beyond 4 GiB, exits (ISA.md 1, 2, 4 to 6).
 */
#include "harness/oracle/raw.h"
#include "harness/oracle/runner/runner.h"

static struct raw read_here(const struct runner *r)
{
    return raw_read(r->code, r->unit->code_size, r->pc);
}

void runner_go(struct runner *r, uint32_t pc)
{
    r->resume = r->base + pc;
}

void runner_advance(struct runner *r)
{
    runner_go(r, r->pc + read_here(r).len);
}

static void set(struct runner *r, unsigned rd, uint64_t value)
{
    r->x[rd] = value;
    r->x[0] = 0;
}

/* --- memory --- */

static const struct oracle_map *find_map(const struct runner *r, uint32_t page)
{
    uint64_t address = (uint64_t)page << PX_PAGE_BITS;
    for (uint64_t i = 0; i < r->unit->map_count; i++)
        if (address - r->maps[i].start < r->maps[i].size)
            return &r->maps[i];
    return 0;
}

static void copy(uint8_t *to, const uint8_t *from, uint64_t size)
{
    typedef uint64_t __attribute__((aligned(1), may_alias)) word;
    uint64_t i = 0;
    for (; i + 32 <= size; i += 32) {
        word *out = (word *)(to + i);
        const word *in = (const word *)(from + i);
        out[0] = in[0];
        out[1] = in[1];
        out[2] = in[2];
        out[3] = in[3];
    }
    for (; i < size; i++)
        to[i] = from[i];
}

/* The slot of chunk @number, or the empty one where it belongs. */
static struct runner_chunk *find_chunk(struct runner *r, uint32_t number)
{
    uint32_t slot = number * UINT32_C(0x9e3779b1) >> 7;
    for (;; slot++) {
        struct runner_chunk *chunk = &r->chunks[slot % RUNNER_CHUNK_SLOTS];
        if (chunk->number == 0 || chunk->number == number + 1)
            return chunk;
    }
}

/* The chunk of guest page @page, mapped without access; NULL when there are too many. */
static struct runner_chunk *map_chunk(struct runner *r, uint32_t page)
{
    enum { NONE = 0, SHARED_FIXED = 0x11 };
    uint32_t number = page / ORACLE_CHUNK_PAGES;
    struct runner_chunk *chunk = find_chunk(r, number);
    if (chunk->number != 0)
        return chunk;
    if (r->chunk_count == ORACLE_CHUNKS_MAX)
        return 0;
    uint64_t address = (uint64_t)number << ORACLE_CHUNK_BITS;
    uint64_t from = ORACLE_POOL + ((uint64_t)r->chunk_count << ORACLE_CHUNK_BITS);
    if (runner_call(CALL_MMAP, address, ORACLE_CHUNK_SIZE, NONE, SHARED_FIXED, ORACLE_FD, from) !=
        (long)address)
        runner_die(RUNNER_STRAY);
    *chunk = (struct runner_chunk){ number + 1, r->chunk_count++ * ORACLE_CHUNK_PAGES };
    return chunk;
}

static void protect(uint32_t page, uint64_t protection)
{
    if (runner_call(CALL_MPROTECT, (uint64_t)page << PX_PAGE_BITS, PX_PAGE_SIZE, protection, 0, 0, 0) != 0)
        runner_die(RUNNER_STRAY);
}

/* Gives the guest page @page, which is zero, its content. False when there is no room. */
static bool open_page(struct runner *r, const struct oracle_map *map, uint32_t page)
{
    enum { READ = 1, WRITE = 2 };
    struct oracle_answer *a = &r->control->answer;
    uint64_t address = (uint64_t)page << PX_PAGE_BITS, offset = address - map->start;
    const struct runner_chunk *chunk = a->page_count < ORACLE_PAGES_MAX ? map_chunk(r, page) : 0;
    if (!chunk)
        return false;
    bool has_content = offset < map->content_size;
    if (map->writable || has_content)
        protect(page, READ | WRITE);
    a->places[a->page_count] = chunk->place + page % ORACLE_CHUNK_PAGES;
    a->pages[a->page_count++] = page;
    if (has_content) {
        uint64_t left = map->content_size - offset;
        copy((uint8_t *)address, (const uint8_t *)r->unit + map->content + offset,
             left < PX_PAGE_SIZE ? left : PX_PAGE_SIZE);
    }
    if (!map->writable)
        protect(page, READ);
    return true;
}

static bool is_open(const struct runner *r, uint32_t page)
{
    const struct oracle_answer *a = &r->control->answer;
    for (uint32_t i = a->page_count; i-- > 0;)
        if (a->pages[i] == page)
            return true;
    return false;
}

void runner_close_pages(struct runner *r)
{
    const struct oracle_answer *a = &r->control->answer;
    for (uint32_t i = 0; i < a->page_count; i++)
        protect(a->pages[i], 0);
}

void runner_unmap_chunks(struct runner *r)
{
    for (uint32_t i = 0; i < RUNNER_CHUNK_SLOTS; i++) {
        struct runner_chunk *chunk = &r->chunks[i];
        if (chunk->number != 0)
            runner_call(CALL_MUNMAP, (uint64_t)(chunk->number - 1) << ORACLE_CHUNK_BITS, ORACLE_CHUNK_SIZE, 0,
                        0, 0, 0);
        chunk->number = 0;
    }
    r->chunk_count = 0;
}

/* An access byte by byte, since addresses count mod 2^32. Its pages are there. */
static void access_bytes(struct runner *r, const struct raw *in, uint64_t address)
{
    uint64_t value = in->kind == RAW_STORE ? r->x[in->rs2] : 0;
    for (unsigned i = 0; i < in->width; i++) {
        uint8_t *byte = (uint8_t *)(uint64_t)(uint32_t)(address + i);
        if (in->kind == RAW_STORE)
            *byte = (uint8_t)(value >> 8 * i);
        else
            value |= (uint64_t)*byte << 8 * i;
    }
    if (in->kind == RAW_STORE)
        return;
    static const uint64_t tops[] = { [1] = 0x80, [2] = 0x8000, [4] = 0x80000000, [8] = 0 };
    if (in->sign_extends)
        value = (value ^ tops[in->width]) - tops[in->width];
    set(r, in->rd, value);
}

/* Sees to it that the pages of an access are there; *fresh: some were not. False: they are not to be had. */
static bool provide(struct runner *r, const struct raw *in, uint64_t first, uint64_t last, bool *fresh)
{
    uint32_t pages[2] = { (uint32_t)first >> PX_PAGE_BITS, (uint32_t)last >> PX_PAGE_BITS };
    unsigned count = pages[0] == pages[1] ? 1 : 2;
    const struct oracle_map *maps[2];
    for (unsigned i = 0; i < count; i++) {
        maps[i] = find_map(r, pages[i]);
        if (!maps[i] || (in->kind == RAW_STORE && !maps[i]->writable)) {
            runner_exit(r, PX_EXIT_PAGE_FAULT, (int64_t)pages[i] << PX_PAGE_BITS, r->pc);
            return false;
        }
    }
    *fresh = false;
    for (unsigned i = 0; i < count; i++) {
        if (is_open(r, pages[i]))
            continue;
        if (!open_page(r, maps[i], pages[i])) {
            runner_exit(r, PX_EXIT_UNJUDGED, PX_UNJUDGED_SIZE, r->pc);
            return false;
        }
        *fresh = true;
    }
    return true;
}

static uint64_t address_of(const struct runner *r, const struct raw *in)
{
    return r->x[in->rs1] + (uint64_t)(int64_t)in->imm;
}

static void access_here(struct runner *r, const struct raw *in)
{
    uint64_t first = address_of(r, in), last = first + in->width - 1;
    bool fresh;
    if (!provide(r, in, first, last, &fresh))
        return;
    access_bytes(r, in, first);
    runner_advance(r);
}

void runner_fault(struct runner *r)
{
    struct raw in = read_here(r);
    if (in.kind != RAW_LOAD && in.kind != RAW_STORE)
        runner_die(RUNNER_STRAY);
    uint64_t first = address_of(r, &in), last = first + in.width - 1;
    bool fresh;
    if (first >> 32 != 0 || last >> 32 != 0)
        access_here(r, &in);
    else if (provide(r, &in, first, last, &fresh) && !fresh)
        runner_die(RUNNER_STRAY); /* it would fault for ever */
}

/* --- control flow and exits --- */

static void jump(struct runner *r, uint32_t target)
{
    if (target < r->unit->code_size && target % 2 == 0 && r->starts[target / 2] != ORACLE_NO_BLOCK)
        runner_go(r, target);
    else
        runner_exit(r, PX_EXIT_PANIC, PX_PANIC_BAD_TARGET, r->pc);
}

static void host_call(struct runner *r, const struct raw *in)
{
    bool continues = in->imm >= PX_HOSTCALL_POW && in->imm <= PX_HOSTCALL_HASH;
    if (continues)
        runner_exit(r, PX_EXIT_UNJUDGED, PX_UNJUDGED_HOSTCALL, r->pc);
    else
        runner_exit(r, PX_EXIT_HOSTCALL, in->imm, r->pc + 4);
}

static void flow(struct runner *r, const struct raw *in)
{
    uint32_t next = r->pc + in->len, target = r->pc + (uint32_t)in->imm;
    uint64_t a = r->x[in->rs1], link = (uint64_t)PX_CODE_BASE + next;
    if (in->kind == RAW_BRANCH && !raw_taken(in->condition, a, r->x[in->rs2])) {
        runner_go(r, next);
        return;
    }
    if (in->kind == RAW_INDIRECT)
        target = (uint32_t)((a + (uint64_t)(int64_t)in->imm) & ~UINT64_C(1)) - PX_CODE_BASE;
    if (in->kind == RAW_INDIRECT || in->kind == RAW_LINK)
        set(r, in->rd, link);
    jump(r, target);
}

/* qemu's own ctzw, in another place, and only where its answer is worth something. */
static void count_zeros(struct runner *r, const struct raw *in)
{
    uint64_t result, wide = UINT64_C(1) << 33;
    bool nothing = (uint32_t)r->x[in->rs1] == 0;
    __asm__("ctzw %0, %1" : "=r"(result) : "r"(nothing ? wide : r->x[in->rs1]));
    if (nothing && result != 32) {
        runner_exit(r, PX_EXIT_UNJUDGED, PX_UNJUDGED_EXTENSION, r->pc);
        return;
    }
    set(r, in->rd, result);
    runner_advance(r);
}

/* czero.eqz and czero.nez, by instructions that any qemu knows: the compiler is not told of Zicond. */
static void select_or_zero(struct runner *r, const struct raw *in)
{
    enum { CZERO_EQZ = 5 };
    bool is_zero = r->x[in->rs2] == 0;
    set(r, in->rd, is_zero == (in->condition == CZERO_EQZ) ? 0 : r->x[in->rs1]);
    runner_advance(r);
}

void runner_perform(struct runner *r)
{
    struct raw in = read_here(r);
    switch (in.kind) {
    case RAW_BRANCH:
    case RAW_JUMP:
    case RAW_LINK:
    case RAW_INDIRECT:
        flow(r, &in);
        break;
    case RAW_LOAD:
    case RAW_STORE:
        access_here(r, &in);
        break;
    case RAW_AUIPC:
        set(r, in.rd, (uint64_t)PX_CODE_BASE + r->pc + (uint64_t)(int64_t)in.imm);
        runner_advance(r);
        break;
    case RAW_CTZW:
        count_zeros(r, &in);
        break;
    case RAW_ZICOND:
        select_or_zero(r, &in);
        break;
    case RAW_TRAP:
        runner_exit(r, PX_EXIT_TRAP, 0, r->pc);
        break;
    case RAW_MANAGE:
        runner_exit(r, PX_EXIT_MANAGE, 0, r->pc + 4);
        break;
    case RAW_HOSTCALL:
        host_call(r, &in);
        break;
    case RAW_STANDARD:
        runner_exit(r, PX_EXIT_PANIC, PX_PANIC_ECALL, r->pc);
        break;
    case RAW_ILLEGAL:
        runner_exit(r, PX_EXIT_PANIC, PX_PANIC_ILLEGAL, r->pc);
        break;
    case RAW_END:
        runner_exit(r, PX_EXIT_PANIC, PX_PANIC_END_OF_CODE, r->pc);
        break;
    default:
        runner_die(RUNNER_STRAY);
    }
}

void runner_enter_block(struct runner *r)
{
    uint32_t block = r->pc < r->unit->code_size ? r->starts[r->pc / 2] : ORACLE_NO_BLOCK;
    struct raw in = read_here(r);
    if (block == ORACLE_NO_BLOCK) {
        runner_perform(r);
        return;
    }
    if (r->stop_after_blocks != 0 && r->blocks == r->stop_after_blocks) {
        runner_exit(r, PX_EXIT_STOPPED, 0, r->pc);
        return;
    }
    r->blocks++;
    if (in.kind != RAW_NATIVE && in.kind != RAW_LOAD && in.kind != RAW_STORE && in.kind != RAW_FALLTHROUGH) {
        runner_perform(r);
        return;
    }
    r->step = r->pc;
    r->resume = ORACLE_CODE_AT + r->unit->steps + 8 * (uint64_t)(block - 1);
}
