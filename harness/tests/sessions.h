/* What the tests of sessions share. Include cmocka.h first. */
#ifndef PX_TEST_SESSIONS_H
#define PX_TEST_SESSIONS_H

#include "generators/generator.h"
#include "harness/parallax.h"

/* xor a0, s0, s1; div a1, s0, s1; ecalli 0. */
static const uint32_t mixed[] = { 0x00944533, 0x029445b3, PX_WORD_ECALLI_0 };
enum { MIXED = 3 };

/* With the default options but for those given; 0 and NULL are the defaults too. */
static inline struct px_session *open_session(const char *engines, uint32_t deadline_ms, bool unconfirmed)
{
    const struct px_session_options options = {
        .size = sizeof options, .engines = engines, .deadline_ms = deadline_ms, .unconfirmed = unconfirmed
    };
    struct px_session *session;
    struct px_error err = { "" };
    if (px_session_create(&options, &session, &err) != PX_OK)
        fail_msg("%s", err.text);
    return session;
}

/* A program of 4-byte words, its registers 8 and 9 seeded with 12 and 4. */
static inline void make_program(struct px_program *program, const uint32_t *words, size_t count)
{
    px_program_init(program);
    program->gas = 1000000;
    assert_int_equal(px_seed_reg(program, 8, 12, NULL), PX_OK);
    assert_int_equal(px_seed_reg(program, 9, 4, NULL), PX_OK);
    assert_int_equal(px_program_append(program, words, count * sizeof *words), PX_OK);
}

static inline struct px_program *make_programs(const char *spec, size_t count)
{
    struct px_gen gen;
    struct px_error err = { "" };
    struct px_program *programs = calloc(count, sizeof *programs);
    assert_non_null(programs);
    assert_int_equal(px_gen_parse(spec, &gen, &err), PX_OK);
    for (size_t i = 0; i < count; i++) {
        px_program_init(&programs[i]);
        assert_int_equal(px_gen_make(&gen, 5, i, &programs[i]), PX_OK);
    }
    return programs;
}

static inline void free_programs(struct px_program *programs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        px_program_fini(&programs[i]);
    free(programs);
}

static inline void diff_program(struct px_session *session, const struct px_program *program,
                                struct px_diff *diff)
{
    struct px_error err = { "" };
    if (px_diff(session, program, diff, &err) != PX_OK)
        fail_msg("%s", err.text);
}

#endif
