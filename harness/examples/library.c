/*
 * Parallax as a library: one program, an image with pinned regions, a batch, and the smallest program that shows the same.
 *
 *     cc library.c $(pkg-config --cflags --libs parallax) -o library && ./library
 *
 * The second engine is wrong on purpose, so that there is something to find: it flips the lowest bit of every xor. Name
 * another in its place, "block" for the recompiler.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <parallax.h>

enum { PROGRAMS = 8 };

/* Whatever can fail says so in a status, and in words in @err. */
static void check(enum px_status status, const struct px_error *err)
{
    if (status == PX_OK)
        return;
    fprintf(stderr, "library: %s: %s\n", px_status_name(status), err->text);
    exit(1);
}

static void tell(const struct px_diff *diff)
{
    char text[1024];
    px_diff_describe(diff, text, sizeof text);
    fputs(text, stdout);
}

/* add a0, s0, s1, seeded and run on all engines: they agree. */
static void compare_a_program(struct px_session *session)
{
    static const struct px_insn add = { .op = PX_OP_ADD, .len = 4, .rd = 10, .rs1 = 8, .rs2 = 9 };
    struct px_program program;
    struct px_image image;
    struct px_diff diff;
    struct px_replay replay;
    struct px_error err = { "" };
    px_program_init(&program);
    program.gas = 10000;
    check(px_seed_reg(&program, 8, 0x1000, &err), &err);
    check(px_seed_reg(&program, 9, 0x0234, &err), &err);
    check(px_program_emit(&program, &add), &err);

    /* The program is a body: an image of it ends in a clean halt. */
    check(px_image_for(&program, 0, &image, &err), &err);
    check(px_diff_image(session, &image, &diff, &err), &err);
    printf("a program with two seeded registers:\n");
    tell(&diff);
    px_image_release(&image);

    check(px_replay_interp(session, &program, &replay, &err), &err);
    printf("  without its halt it ends with %s, a0 = %#" PRIx64 "\n",
           px_panic_name((enum px_panic)replay.outcome.arg), replay.outcome.x[10]);
    px_replay_release(&replay);
    px_program_fini(&program);
}

/* Reads a byte of each of two pinned regions, and combines them. */
static void compare_an_image(struct px_session *session)
{
    static const uint32_t words[] = {
        0x00044503, /* lbu a0, 0(s0) */
        0x0004c583, /* lbu a1, 0(s1) */
        0x00b54633, /* xor a2, a0, a1 */
    };
    static const char first[] = "left", second[] = "right";
    static const struct px_region regions[] = {
        { 0x10000000, first, sizeof first },
        { 0x20000000, second, sizeof second },
    };
    struct px_image image;
    struct px_diff diff;
    struct px_error err = { "" };
    check(px_image_with_ro_caps(words, 3, regions, 2, &image, &err), &err);
    image.x[8] = regions[0].start;
    image.x[9] = regions[1].start;
    check(px_diff_image(session, &image, &diff, &err), &err);
    printf("an image with two pinned regions:\n");
    tell(&diff);
    px_image_release(&image);
}

static bool found(void *arg, size_t index, const struct px_diff *diff)
{
    size_t *last = arg;
    *last = index;
    printf("  program %zu\n", index);
    tell(diff);
    return true; /* go on */
}

/* Eight programs of which every third has a xor in it; then the last that diverges, made small. */
static void compare_a_batch_and_shrink(struct px_session *session)
{
    static const uint32_t words[] = {
        0x009404b3, /* add s1, s0, s1 */
        0x02940433, /* mul s0, s0, s1 */
        0x00945513, /* srli a0, s0, 9 */
        0x00a44533, /* xor a0, s0, a0, or nothing */
        0x0000200b, /* ecalli 0 */
    };
    static const uint32_t nop = 0x00000013;
    struct px_program *programs = calloc(PROGRAMS, sizeof *programs), small;
    struct px_shrunk shrunk;
    struct px_error err = { "" };
    size_t last = 0;
    if (!programs)
        exit(1);
    for (size_t i = 0; i < PROGRAMS; i++) {
        px_program_init(&programs[i]);
        programs[i].gas = 10000;
        check(px_seed_reg(&programs[i], 8, 3 + i, &err), &err);
        check(px_program_append(&programs[i], words, 3 * sizeof words[0]), &err);
        check(px_program_append(&programs[i], i % 3 == 2 ? &words[3] : &nop, sizeof nop), &err);
        check(px_program_append(&programs[i], &words[4], sizeof words[4]), &err);
    }
    printf("a batch of %d programs:\n", PROGRAMS);
    check(px_diff_batch(session, programs, PROGRAMS, found, &last, &err), &err);

    px_program_init(&small);
    check(px_shrink(session, &programs[last], 5, &small, &shrunk, &err), &err);
    printf("program %zu, %zu instructions, shrunk to %zu:\n", last, shrunk.before, shrunk.after);
    printf("  bucket  %s\n", shrunk.bucket);
    if (px_program_write(&small, stdout) != PX_OK)
        exit(1);
    px_program_fini(&small);
    for (size_t i = 0; i < PROGRAMS; i++)
        px_program_fini(&programs[i]);
    free(programs);
}

int main(void)
{
    const struct px_session_options options = { .size = sizeof options, .engines = "interp,wrong:op=xor" };
    struct px_session *session;
    struct px_error err = { "" };
    check(px_session_create(&options, &session, &err), &err);
    printf("%s against %s\n", px_session_engine(session, 0), px_session_engine(session, 1));
    compare_a_program(session);
    compare_an_image(session);
    compare_a_batch_and_shrink(session);
    px_session_destroy(session);
    return 0;
}
