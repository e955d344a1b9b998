/* Host code of a real engine, and whatever else may lie in memory that a sandbox has written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/disassembly.h"
#include "harness/hostcode.h"
#include "vm/test_program.h"

/* ld t0, 0(t1); div t2, t0, t1; beqz t0, +6 (no block start); ecalli 0 */
static const char four[] = "parallax 1 rv64e-jar.1\ngas 1000\ncode\n"
                           "  00033283\n  0262c3b3\n  00028363\n  0000200b\n";

static void collect(const char *spec, uint32_t first, uint32_t last, struct hostcode *code)
{
    struct px_program program;
    struct px_image image;
    struct engine engine;
    struct px_error err = { "" };
    px_program_init(&program);
    test_parse(&program, four, sizeof four - 1);
    px_program_image(&program, &image);
    assert_int_equal(engine_open(spec, &engine, &err), PX_OK);
    assert_int_equal(hostcode_collect(&engine, &image, first, last, code, &err), PX_OK);
    engine_close(&engine);
    px_program_fini(&program);
}

/* Whether some host instruction of this part of @pc reads like @text from its start. */
static bool has(const struct hostcode *code, enum px_code_role role, uint32_t pc, const char *text)
{
    for (size_t i = 0; i < code->count; i++) {
        const struct hostcode_part *part = &code->parts[i];
        for (uint32_t at = 0; part->pc == pc && part->role == role && at < part->size;) {
            char line[128];
            at += (uint32_t)host_line_read(code, code->bytes + part->at + at, part->size - at,
                                           part->offset + at, line, sizeof line);
            if (strncmp(line, text, strlen(text)) == 0)
                return true;
        }
    }
    return false;
}

static void a_block_engine_shows_heads_bodies_and_ways_out(void **state)
{
    (void)state;
    static struct hostcode code;
    collect("block", 0, 8, &code);
    assert_true(code.known && !code.cut);
    assert_true(has(&code, PX_CODE_HEAD, 0, "sub qword ptr [rsp], "));
    assert_true(has(&code, PX_CODE_BODY, 0, "call load8"));
    assert_true(has(&code, PX_CODE_BODY, 4, "call div"));
    assert_true(has(&code, PX_CODE_BODY, 8, "jz +0x"));
    assert_true(has(&code, PX_CODE_COLD, 0, "call gate"));
    assert_true(has(&code, PX_CODE_COLD, 8, "jmp leave"));
    assert_string_equal(code.homes[0].reg, "");
    assert_string_equal(code.homes[3].reg, "rsp");
    assert_true(code.homes[3].memory);
    assert_string_equal(code.homes[12].reg, "rcx");
    for (size_t i = 0; i < code.count; i++)
        assert_true(code.parts[i].pc <= 8);
}

static void only_what_is_asked_for_is_kept(void **state)
{
    (void)state;
    static struct hostcode code;
    collect("block", 4, 4, &code);
    assert_int_equal(code.count, 1);
    assert_int_equal(code.parts[0].role, PX_CODE_BODY);
    assert_int_equal(code.parts[0].pc, 4);
}

static void an_interpreter_has_none(void **state)
{
    (void)state;
    static struct hostcode code = { .known = true };
    collect("interp", 0, 8, &code);
    assert_false(code.known);
}

static void any_bytes_whatever_can_be_read_once_they_are_made_harmless(void **state)
{
    (void)state;
    static struct hostcode code;
    for (unsigned seed = 0; seed < 64; seed++) {
        uint32_t x = 2463534242u + seed;
        uint8_t *bytes = (uint8_t *)&code;
        for (size_t i = 0; i < sizeof code; i++) {
            x ^= x << 13;
            x ^= x >> 17;
            x ^= x << 5;
            bytes[i] = (uint8_t)x;
        }
        if (seed % 2) { /* plausible counts: what they count is not */
            code.count = HOSTCODE_PARTS_MAX;
            code.size = HOSTCODE_BYTES_MAX;
            code.label_count = HOSTCODE_LABELS_MAX;
        }
        hostcode_make_harmless(&code);
        for (uint32_t i = 0; i < code.count; i++)
            (void)has(&code, code.parts[i].role, code.parts[i].pc, "no such text");
        for (unsigned i = 0; i < PX_REG_COUNT; i++)
            assert_true(strlen(code.homes[i].reg) < sizeof code.homes[i].reg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_engine_shows_heads_bodies_and_ways_out),
        cmocka_unit_test(only_what_is_asked_for_is_kept),
        cmocka_unit_test(an_interpreter_has_none),
        cmocka_unit_test(any_bytes_whatever_can_be_read_once_they_are_made_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
