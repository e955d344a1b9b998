/* What people read of a divergence: whole texts, made of hand-written findings and host code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>

#include "harness/located.h"
#include "vm/test_program.h"

/* addi t0, t0, 1; mul t2, t0, t1; c.nop; ecalli 0 */
static const char three[] = "parallax 1 rv64e-jar.1\ngas 1000\ncode\n"
                            "  00128293\n  026283b3\n  0001\n  0000200b\n";

struct world {
    struct px_program program;
    struct bucket bucket;
    struct hostcode code;
    struct finding finding;
    struct located located;
};

/* mul is located; its host code is imul rax, r11; call load4; jz +8. */
static void set_up(struct world *w)
{
    static const uint8_t bytes[] = { 0x48, 0xff, 0xc0,                     /* inc rax */
                                     0x49, 0x0f, 0xaf, 0xc3,               /* imul rax, r11 */
                                     0xe8, 0xf0, 0xff, 0xff, 0xff,         /* call to 7 - 4 - 12 = -4 */
                                     0x74, 0x00,                           /* jz to 18 */
                                     0x0f, 0x0b };                         /* ud2 */
    memset(w, 0, sizeof *w);
    px_program_init(&w->program);
    test_parse(&w->program, three, sizeof three - 1);
    w->bucket = (struct bucket){ .diverges = true,
                                 .place = BUCKET_INSN,
                                 .block = 1,
                                 .number = 2,
                                 .count = 3,
                                 .visit = 1,
                                 .pc = 4,
                                 .insn = px_decode(w->program.code, w->program.code_size, 4),
                                 .x_known = true,
                                 .x = { [5] = 3, [6] = 7 },
                                 .id = "interp|block:mul:reg:-",
                                 .hash = "12345678" };
    w->bucket.finding.diff = (struct diff){ .fields = DIFF_GAS | DIFF_X0 << 7 };
    w->bucket.at.diff = (struct diff){ .fields = DIFF_EXIT | DIFF_X0 << 7,
                                       .a = { .exit = PX_EXIT_STOPPED, .x = { [7] = 21 } },
                                       .b = { .exit = PX_EXIT_TRAP, .x = { [7] = 22 } } };
    w->code = (struct hostcode){ .known = true,
                                 .count = 4,
                                 .size = sizeof bytes,
                                 .parts = { { PX_CODE_HEAD, 0, 0x10, 0, 0 },
                                            { PX_CODE_BODY, 0, 0x10, 3, 0 },
                                            { PX_CODE_BODY, 4, 0x13, 11, 3 },
                                            { PX_CODE_COLD, 4, 0x40, 2, 14 } },
                                 .label_count = 1,
                                 .labels = { { 0xc, "load4" } },
                                 .homes = { [5] = { "r10", false, 0 }, [3] = { "rsp", true, 88 } } };
    memcpy(w->code.bytes, bytes, sizeof bytes);
    w->located = (struct located){
        .program = &w->program, .a = "interp", .b = "block", .bucket = &w->bucket, .code = &w->code
    };
}

static char *text_of(const struct world *w, void (*write)(FILE *, const struct located *))
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    write(file, &w->located);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void expect_text(struct world *w, const char *expected)
{
    char *text = text_of(w, located_write);
    assert_string_equal(text, expected);
    free(text);
    px_program_fini(&w->program);
}

static void an_instruction_is_told_with_its_values_and_its_host_code(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    expect_text(&w,
                "located   mul at pc 0x4: instruction 2 of 3 in the block at pc 0x0, block number 1 to run\n"
                "          mul         t2, t0, t1\n"
                "reads     t0 (x5)              0x0000000000000003\n"
                "          t1 (x6)              0x0000000000000007\n"
                "differs                        interp                   block\n"
                "          exit                 goes on                  trap\n"
                "          t2 (x7)              0x0000000000000015       0x0000000000000016\n"
                "finally   gas,x7\n"
                "bucket    interp|block:mul:reg:-  (12345678)\n"
                "\n"
                "  guest                                           host code of block\n"
                "  block: need 1, reserve 0\n"
                "  0000  00128293  addi        t0, t0, 1           +0010  inc rax\n"
                "> 0004  026283b3  mul         t2, t0, t1          +0013  imul rax, r11\n"
                "|                                                 +0017  call load4\n"
                "|                                                 +001c  jz +0x1e\n"
                "  0008  0001      c.nop\n"
                "  out of line:  0004                              +0040  ud2\n"
                "  gp=[rsp+0x58] t0=r10\n");
}

static void a_host_fault_is_marked_where_it_happened(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    w.bucket.finding = (struct finding){ .kind = FINDING_ABORT,
                                         .signal = SIGFPE,
                                         .site = { .code_known = true,
                                                   .code = 0x18,
                                                   .at = 0x0d,
                                                   .byte_count = 16,
                                                   .bytes = { 0x48, 0xf7, 0xf9 } } };
    w.bucket.at = w.bucket.finding;
    char *text = text_of(&w, located_write);
    assert_non_null(strstr(text, "differs   block dies of SIGFPE (Floating point exception)\n"
                                 "          at  idiv rcx  in load4\n"
                                 "finally   abort:SIGFPE\n"));
    assert_non_null(strstr(text, "\n|                                               ! +0017  call load4"
                                 "                               <- SIGFPE\n"));
    free(text);
    px_program_fini(&w.program);
}

static void a_hang_is_marked_where_it_was_seen(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    w.bucket.finding = w.bucket.at = (struct finding){ .kind = FINDING_HANG };
    w.finding = (struct finding){ .kind = FINDING_HANG,
                                  .sample_count = 4,
                                  .samples = { { true, 4, 0x13 }, { true, 4, 0x1c }, { true, 4, 0x1c } } };
    w.located.finding = &w.finding;
    char *text = text_of(&w, located_write);
    assert_non_null(strstr(text, "differs   block never ends\nfinally   hang\n"));
    assert_non_null(
        strstr(text, "! +0013  imul rax, r11                            <- here in 1 of 4 looks\n"));
    assert_non_null(
        strstr(text, "! +001c  jz +0x1e                                 <- here in 2 of 4 looks\n"));
    free(text);
    px_program_fini(&w.program);
}

static void what_vanishes_is_told_by_the_whole_program(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    w.bucket.place = BUCKET_VANISHED;
    w.bucket.finding.diff.a.gas = 5;
    w.located.code = NULL;
    expect_text(&w, "located   not: it vanishes under observation, when blocks run one by one\n"
                    "differs                        interp                   block\n"
                    "          gas                  5                        0                        -5\n"
                    "          t2 (x7)              0x0000000000000000       0x0000000000000000\n"
                    "bucket    interp|block:mul:reg:-  (12345678)\n");
}

static void the_compiler_that_dies_is_told_apart(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    w.bucket.place = BUCKET_VANISHED;
    (void)snprintf(w.bucket.op, sizeof w.bucket.op, "compile");
    w.bucket.finding =
        (struct finding){ .kind = FINDING_ABORT, .signal = SIGSEGV, .in_harness = true, .address = 8 };
    expect_text(&w, "located   while the program was compiled: nothing ran\n"
                    "differs   block dies of SIGSEGV (Segmentation fault) in C code at host address 0x8\n"
                    "bucket    interp|block:mul:reg:-  (12345678)\n");
}

static void a_long_block_is_shown_in_part_and_no_line_is_wide(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    w.program.code_size = 0;
    for (unsigned i = 0; i < 30; i++) {
        const struct px_insn insn = { .op = PX_OP_SH3ADD_UW, .len = 4, .rd = 15, .rs1 = 14, .rs2 = 13 };
        assert_int_equal(px_program_emit(&w.program, &insn), PX_OK);
    }
    w.bucket.pc = 4 * 14;
    w.code.known = false;
    char *text = text_of(&w, located_write_code);
    assert_non_null(strstr(text, "  ... 6 more\n  0018  "));
    assert_non_null(strstr(text, "\n> 0038  "));
    assert_non_null(strstr(text, "  0058  20d767bb  sh3add.uw   a5, a4, a3\n  ... 7 more\n"));
    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        assert_in_range(strcspn(line, "\n"), 0, 120);
    free(text);
    px_program_fini(&w.program);
}

static void json_tells_the_same(void **state)
{
    (void)state;
    struct world w;
    set_up(&w);
    char *text = text_of(&w, located_write_json);
    assert_non_null(strstr(text,
                           "{\"place\": \"instruction\", \"op\": \"mul\", \"pc\": 4, \"instruction\": 2, "
                           "\"instructions\": 3, \"block_pc\": 0, \"block_number\": 1, "
                           "\"bucket\": \"interp|block:mul:reg:-\", \"hash\": \"12345678\", "
                           "\"differs\": [{\"field\": \"exit\", \"a\": \""));
    assert_non_null(strstr(text, "{\"field\": \"t2 (x7)\", \"a\": \"0x0000000000000015\", "
                                 "\"b\": \"0x0000000000000016\"}], \"end\": \"gas,x7\", \"code\": ["));
    assert_non_null(strstr(text, "{\"pc\": 4, \"hex\": \"026283b3\", \"text\": \"mul         t2, t0, t1\", "
                                 "\"located\": true, \"host\": [{\"offset\": 19, \"role\": \"body\", "
                                 "\"text\": \"imul rax, r11\", \"faults\": false, \"seen\": 0}, "));
    assert_non_null(strstr(text, "{\"offset\": 64, \"role\": \"cold\", \"text\": \"ud2\""));
    free(text);
    px_program_fini(&w.program);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instruction_is_told_with_its_values_and_its_host_code),
        cmocka_unit_test(a_host_fault_is_marked_where_it_happened),
        cmocka_unit_test(a_hang_is_marked_where_it_was_seen),
        cmocka_unit_test(what_vanishes_is_told_by_the_whole_program),
        cmocka_unit_test(the_compiler_that_dies_is_told_apart),
        cmocka_unit_test(a_long_block_is_shown_in_part_and_no_line_is_wide),
        cmocka_unit_test(json_tells_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
