#include "harness/vectors/mint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vectors/groups.h"

/* A session of minting and what it complains about. */
struct session {
    struct mint_options options;
    struct mint mint;
    char *complaints;
    size_t size;
};

static void open_session(struct session *s, const char *reference, const struct erratum *errata, size_t count)
{
    struct px_error err = { "" };
    *s = (struct session){ .complaints = NULL };
    s->options = (struct mint_options){ .reference = reference,
                                        .oracle = "qemu",
                                        .name = "qemu-7.2",
                                        .date = "2026-11-21",
                                        .errata = errata,
                                        .errata_count = count,
                                        .complaints = open_memstream(&s->complaints, &s->size) };
    assert_non_null(s->options.complaints);
    if (mint_open(&s->mint, &s->options, &err) != PX_OK)
        fail_msg("%s", err.text);
}

static void close_session(struct session *s)
{
    mint_close(&s->mint);
    (void)fclose(s->options.complaints);
    free(s->complaints);
}

static struct minted mint_named(struct session *s, const char *name)
{
    struct px_error err = { "" };
    struct minted minted = { .bytes = NULL };
    for (size_t i = 0; i < vectors_group_count(); i++) {
        char group[VECTORS_GROUP_NAME_ROOM];
        vectors_group_name(i, group);
        if (strcmp(group, name) != 0)
            continue;
        if (mint_group(&s->mint, i, &minted, &err) != PX_OK)
            fail_msg("%s", err.text);
        fflush(s->options.complaints);
        return minted;
    }
    fail_msg("no group %s", name);
    return minted;
}

static void the_same_oracle_gives_the_same_file(void **state)
{
    (void)state;
    struct session s;
    open_session(&s, "interp", vectors_errata, vectors_errata_count);
    struct minted a = mint_named(&s, "flow"), b = mint_named(&s, "flow");
    assert_true(a.cases > 100 && a.refused == 0 && a.left_out == 0);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.bytes, b.bytes, a.size);
    assert_int_equal(s.size, 0);
    free(a.bytes);
    free(b.bytes);
    close_session(&s);
}

static void what_oracle_and_reference_disagree_on_is_told_and_not_minted(void **state)
{
    (void)state;
    struct session s;
    open_session(&s, "wrong:op=sext.b", vectors_errata, vectors_errata_count);
    struct minted minted = mint_named(&s, "sext.b");
    assert_null(minted.bytes);
    assert_true(minted.refused > 0);
    assert_int_equal(s.mint.refused, minted.refused);
    assert_non_null(
        strstr(s.complaints, "sext.b: sext.b\ta0, a1: wrong:op=sext.b and qemu-7.2 differ in x10; with x1="));
    assert_non_null(strstr(s.complaints, "sext.b: and more\n"));
    close_session(&s);
}

static void what_the_oracle_cannot_say_must_stand_among_its_errata(void **state)
{
    (void)state;
    struct session s;
    open_session(&s, "interp", NULL, 0);
    struct minted minted = mint_named(&s, "ctzw");
    assert_null(minted.bytes);
    assert_true(minted.refused > 0);
    assert_non_null(
        strstr(s.complaints, "ctzw: ctzw\ta0, a1: qemu-7.2 gives no verdict: extension; with x1="));
    close_session(&s);
    open_session(&s, "interp", vectors_errata, vectors_errata_count);
    minted = mint_named(&s, "ctzw");
    assert_non_null(minted.bytes);
    assert_int_equal(minted.refused, 0);
    assert_true(minted.left_out > 0);
    assert_int_equal(mint_check_errata(&s.mint, false), 0);
    free(minted.bytes);
    close_session(&s);
}

static void errata_that_are_not_true_are_stale(void **state)
{
    (void)state;
    static const struct erratum errata[] = {
        { .oracle = "qemu-7.2", .op = PX_OP_CLZW, .wrong = true, .what = "cannot count" },
        { .oracle = "qemu-7.2", .op = PX_OP_FENCE, .reason = PX_UNJUDGED_EXTENSION, .what = "cannot wait" },
        { .oracle = "qemu-9.9", .op = PX_OP_CLZW, .wrong = true, .what = "is not asked" },
    };
    struct session s;
    open_session(&s, "interp", errata, 3);
    struct minted minted = mint_named(&s, "clzw");
    assert_true(minted.cases > 0);
    assert_int_equal(mint_check_errata(&s.mint, false), 1);
    fflush(s.options.complaints);
    assert_non_null(strstr(s.complaints, "erratum of qemu-7.2, clzw, \"cannot count\": "));
    assert_non_null(strstr(s.complaints, " cases in which it agrees with interp: the entry is stale\n"));
    assert_null(strstr(s.complaints, "cannot wait"));
    assert_int_equal(mint_check_errata(&s.mint, true), 2);
    fflush(s.options.complaints);
    assert_non_null(strstr(
        s.complaints, "erratum of qemu-7.2, fence, \"cannot wait\": no case meets it: the entry is stale\n"));
    free(minted.bytes);
    close_session(&s);
}

/* Wrong itself, and said to be: then its answer is what is left out. */
static void an_oracle_known_to_be_wrong_is_not_believed(void **state)
{
    (void)state;
    static const struct erratum errata[] = {
        { .oracle = "qemu-7.2", .op = PX_OP_SEXT_B, .wrong = true, .what = "flips a bit" },
    };
    struct session s;
    open_session(&s, "wrong:op=sext.b", errata, 1);
    struct minted minted = mint_named(&s, "sext.b");
    assert_true(minted.left_out > 0 && minted.refused == 0);
    free(minted.bytes);
    close_session(&s);
}

/* --- what there is to mint --- */

struct counts {
    size_t records, cases;
    bool ops[PX_OP_COUNT];
    bool forms[PX_C_COUNT];
};

static enum px_status count_record(void *arg, struct px_program *program, struct px_error *err)
{
    struct counts *c = arg;
    (void)err;
    c->records++;
    for (size_t at = program->entry_pc; at < program->code_size; at += px_length(program->code[at])) {
        struct px_insn insn = px_decode(program->code, program->code_size, at);
        c->ops[insn.op] = true;
        c->forms[insn.rvc] = true;
    }
    return PX_OK;
}

static enum px_status count_case(void *arg, const uint64_t x[PX_REG_COUNT], struct px_error *err)
{
    struct counts *c = arg;
    (void)err;
    (void)x;
    c->cases++;
    return PX_OK;
}

static void every_instruction_and_every_form_is_asked_about(void **state)
{
    (void)state;
    struct counts all = { .records = 0 };
    struct px_error err = { "" };
    for (size_t i = 0; i < vectors_group_count(); i++) {
        struct counts c = { .records = 0 };
        const struct vectors_sink sink = { .arg = &c, .record = count_record, .one = count_case };
        assert_int_equal(vectors_group_make(i, &sink, &err), PX_OK);
        assert_true(c.cases >= c.records && c.records > 0);
        if (i + 1 < PX_OP_COUNT && !c.ops[i + 1])
            fail_msg("group %s does without %s", px_ops[i + 1].mnemonic, px_ops[i + 1].mnemonic);
        for (unsigned f = 0; f < PX_C_COUNT; f++)
            all.forms[f] |= c.forms[f];
        all.cases += c.cases;
    }
    for (unsigned f = 1; f < PX_C_COUNT; f++)
        if (!all.forms[f])
            fail_msg("nobody asks about %s", px_rvcs[f].mnemonic);
    assert_true(all.cases > 300000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_oracle_gives_the_same_file),
        cmocka_unit_test(what_oracle_and_reference_disagree_on_is_told_and_not_minted),
        cmocka_unit_test(what_the_oracle_cannot_say_must_stand_among_its_errata),
        cmocka_unit_test(errata_that_are_not_true_are_stale),
        cmocka_unit_test(an_oracle_known_to_be_wrong_is_not_believed),
        cmocka_unit_test(every_instruction_and_every_form_is_asked_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
