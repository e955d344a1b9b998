/* Profiles: which blocks, how often, and how their instructions are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/profile.h"

static const char text[] = "parallax 1 rv64e-jar.1\n"
                           "gas 100000\n"
                           "reg x5 10\n"
                           "map 0x10000000 0x1000 zero\n"
                           "reg x6 0x10000000\n"
                           "code\n"
                           "  00000013    # nop\n"
                           "  000300b7    # lui ra, 48\n"
                           "  0000400b    # fallthrough\n"
                           "  00033383    # ld t2, 0(t1)\n" /* 12 */
                           "  00138393    # addi t2, t2, 1\n"
                           "  00733023    # sd t2, 0(t1)\n"
                           "  fff28293    # addi t0, t0, -1\n"
                           "  fe0298e3    # bne t0, zero, -16\n"
                           "  00038433    # add s0, t2, zero\n" /* 32 */
                           "  0000200b    # ecalli 0\n" /* 36 */
                           "  0000000b    # trap\n"; /* 40, never entered */

static struct profile profile_of(struct px_program *program)
{
    struct profile profile;
    struct px_error err = { "" };
    px_program_init(program);
    if (px_program_parse(program, "test", text, strlen(text), &err) != PX_OK)
        fail_msg("%s", err.text);
    assert_int_equal(profile_run(program, &profile, &err), PX_OK);
    return profile;
}

static void blocks_are_counted_and_the_busiest_comes_first(void **state)
{
    static const struct profile_block blocks[] = {
        { .pc = 12, .size = 20, .count = 5, .entered = 10 },
        { .pc = 0, .size = 12, .count = 3, .entered = 1 },
        { .pc = 32, .size = 4, .count = 1, .entered = 1 },
        { .pc = 36, .size = 4, .count = 1, .entered = 1 },
    };
    struct px_program program;
    struct profile profile = profile_of(&program);
    (void)state;
    assert_int_equal(profile.instructions, 55);
    assert_int_equal(profile.count, 4);
    assert_memory_equal(profile.blocks, blocks, sizeof blocks);
    profile_fini(&profile);
    px_program_fini(&program);
}

static void instructions_are_shown_as_the_fused_interpreter_sees_them(void **state)
{
    struct px_program program;
    struct profile profile = profile_of(&program);
    char *shown;
    size_t size;
    FILE *out = open_memstream(&shown, &size);
    (void)state;
    assert_non_null(out);
    profile_print(&profile, &program, 3, out);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(shown, "# 55 instructions; 4 blocks were entered\n"
                               "#  of 1000    entries       pc  instructions\n"
                               "   909.091   181.8182      0xc  ld addi:1 sd:2 addi bne:1\n"
                               "    54.545    18.1818        0  li fallthrough\n"
                               "    18.182    18.1818     0x20  mv\n");
    free(shown);
    profile_fini(&profile);
    px_program_fini(&program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_counted_and_the_busiest_comes_first),
        cmocka_unit_test(instructions_are_shown_as_the_fused_interpreter_sees_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
