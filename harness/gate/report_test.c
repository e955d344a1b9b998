/* What the gate tells, compared whole, in each of its forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/gate/report.h"
#include "harness/quote.h"
#include "harness/tests/gates.h"
#include "harness/version.h"

static enum px_status write_print(FILE *file, const void *gate)
{
    gate_print(gate, file);
    return PX_OK;
}

static enum px_status write_json(FILE *file, const void *gate)
{
    gate_print_json(gate, file);
    return PX_OK;
}

/* What @write makes of @gate; the caller frees it. */
static char *written(enum px_status (*write)(FILE *file, const void *gate), const struct gate *gate)
{
    char *text = NULL;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    assert_int_equal(write(file, gate), PX_OK);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(strlen(text), size);
    return text;
}

/* One of everything, with names that no format takes as they are. */
static void make_gate(struct gate *gate)
{
    struct px_error err = { "" };
    gates_make(gate);
    size_t odd = gates_add_file(gate, GATE_REGRESS, "corpus/regress/a<\"&'\x1b\xff.px");
    gates_add_file(gate, GATE_REGRESS, "corpus/regress/b.px");
    size_t untaken = gates_add_file(gate, GATE_REGRESS, "corpus/regress/c.px");
    gate->cases[untaken].state = GATE_UNTAKEN;
    gate->cases[untaken].programs = 0;
    gate->missing[GATE_SEEDS] = true;
    size_t mix = gates_add_range(gate, "mix@2", 1, 1000), gas = gates_add_range(gate, "gas@2", 0x10, 2000);
    size_t xor = gates_add_bucket(gate, "xor", "reg", FINDING_DIFF, mix, 3, 17);
    size_t lw = gates_add_bucket(gate, "lw", "mem", FINDING_DIFF, mix, 1, 40);
    size_t div = gates_add_bucket(gate, "div", "SIGFPE", FINDING_ABORT, gas, 2, 5);
    size_t or = gates_add_bucket(gate, "or", "reg", FINDING_DIFF, odd, 1, 0);
    gate->found->buckets[div].minimized = false;
    gate->cases[mix].more = 9;
    gate->cases[gas].end = FINDING_END_SEVERE;
    gate->cases[gas].programs = 7;
    assert_int_equal(gate_add_hit(gate, gas, xor, 6, &err), PX_OK);
    gate->found->buckets[xor].count++;
    gate->found->buckets[xor].by_kind[FINDING_DIFF]++;
    gates_add_known(gate, gate->found->buckets[lw].bucket.hash, "al\"ice", 20261231, "see <#7>\x1b");
    gates_add_known(gate, gate->found->buckets[div].bucket.hash, "bob", 20261231, "");
    gates_add_known(gate, gate->found->buckets[or].bucket.hash, "carol", 20261120, "forgotten");
    gates_add_known(gate, "00000000", "dave", 20261231, "mended");
    assert_int_equal(gate_add_trouble(gate, GATE_EXPECTATION, odd, gate->cases[odd].name, &err,
                                      "block: a0 is 0x1, expected 0x2"),
                     PX_OK);
    assert_int_equal(gate_add_trouble(gate, GATE_UNSTABLE, mix, "out/unstable/x y/original.px", &err,
                                      "program 9: gas, seen once"),
                     PX_OK);
    assert_int_equal(gate_add_trouble(gate, GATE_IDLE, GATE_NO_CASE, NULL, &err, "block took no program"),
                     PX_OK);
    gate->tally = (struct tally){
        .programs = 1000, .supported = { 1000, 900 }, .native = { 0, 77 }, .interpreted = { 88, 0 }
    };
}

static void expect_written(enum px_status (*write)(FILE *file, const void *gate), const char *expected)
{
    struct gate gate;
    make_gate(&gate);
    char *text = written(write, &gate), *again = written(write, &gate);
    assert_string_equal(text, expected);
    assert_string_equal(again, text);
    free(text);
    free(again);
    gate_fini(&gate);
}

/* clang-format off: texts, cut anywhere */
static const char expected_print[] =
    "gate of 2026-11-21: 1009 programs in 12.5 s with 2 jobs\n"
    "  engines     interp, block\n"
    "  self-test   23 deliberately wrong engines, all caught\n"
    "  regress     3 files, 1 failed, 1 taken by too few engines\n"
    "  vectors     0 files\n"
    "  seeds       none: there is no corpus/seeds\n"
    "  range       mix@2 seed=0x1, 1000 programs: 4 divergences, 9 more that look like them and were only"
    " counted; 3.0 s\n"
    "  range       gas@2 seed=0x10, 7 of 2000 programs: 3 divergences; ended early: too many aborts, hang"
    "s or state leaks; 3.0 s\n"
    "  buckets     2 counted, at most 0 allowed; 2 known\n"
    "  new         out/1c81fb51-xor: interp|block:xor:reg:-, 4 divergences, first program 17 of mix@2 see"
    "d=0x1, 1 of 20 instructions in minimal.px\n"
    "  known       out/f6f230ab-lw: interp|block:lw:mem:-, 1 divergence, first program 40 of mix@2 seed=0"
    "x1, 1 of 20 instructions in minimal.px (al\"ice, until 2026-12-31: see <#7>\\x1b)\n"
    "  known       out/697c6874-div: interp|block:div:SIGFPE:-, 2 divergences, first program 5 of gas@2 s"
    "eed=0x10 (bob, until 2026-12-31); fails all the same: abort\n"
    "  expired     out/9c8563a8-or: interp|block:or:reg:-, 1 divergence, first corpus/regress/a<\"&'\\x1b\\x"
    "ff.px, 1 of 20 instructions in minimal.px (carol, until 2026-11-20: forgotten)\n"
    "  expectation corpus/regress/a<\"&'\\x1b\\xff.px: block: a0 is 0x1, expected 0x2\n"
    "  unstable    mix@2 seed=0x1: program 9: gas, seen once: out/unstable/x y/original.px\n"
    "  idle-engine block took no program\n"
    "  vanished    00000000 (dave, until 2026-12-31: mended): not seen; line 4 of the list can go\n"
    "FAIL: 2 divergence buckets, at most 0 allowed; 1 bucket of aborts, hangs or state leaks, which always "
    "fail; 1 expectation missed; 1 unstable finding; 1 engine that took no program (1 range ended early)\n";

static const char expected_json[] = "{\"verdict\": \"fail\", \"complete\": true, \"reasons\": [\"2 "
                                    "divergence buckets, at most 0 allowed\", \"1 buck"
                                    "et of aborts, hangs or state leaks, which always fail\", \"1 "
                                    "expectation missed\", \"1 unstable finding\""
                                    ", \"1 engine that took no program\"], \"divergences\": 2, \"known\": 2, "
                                    "\"max_divergences\": 0, \"scale\": 100, \"today\": \"20"
                                    "26-11-21\", \"out\": \"out\", \"self_tests\": 23, \"engines\": "
                                    "[{\"spec\": \"interp\", \"programs\": 1000, \"native\""
                                    ": 0, \"side_exit\": 0, \"interpreted\": 88}, {\"spec\": \"block\", "
                                    "\"programs\": 900, \"native\": 77, \"side_exit"
                                    "\": 0, \"interpreted\": 0}], \"cases\": [{\"part\": \"regress\", "
                                    "\"name\": \"corpus/regress/a<\\\"&'\\u001b\\\\xff.px"
                                    "\", \"state\": \"failed\", \"seconds\": 0.250}, {\"part\": \"regress\", "
                                    "\"name\": \"corpus/regress/b.px\", \"state\":"
                                    " \"passed\", \"seconds\": 0.250}, {\"part\": \"regress\", \"name\": "
                                    "\"corpus/regress/c.px\", \"state\": \"untaken\","
                                    " \"seconds\": 0.250}, {\"part\": \"ranges\", \"name\": \"mix@2 "
                                    "seed=0x1\", \"state\": \"failed\", \"generator\": \"mi"
                                    "x@2\", \"seed\": 1, \"planned\": 1000, \"programs\": 1000, "
                                    "\"only_counted\": 9, \"ended_early\": false, \"second"
                                    "s\": 3.000}, {\"part\": \"ranges\", \"name\": \"gas@2 seed=0x10\", "
                                    "\"state\": \"failed\", \"generator\": \"gas@2\", \""
                                    "seed\": 16, \"planned\": 2000, \"programs\": 7, \"only_counted\": 0, "
                                    "\"ended_early\": true, \"seconds\": 3.000}"
                                    "], \"buckets\": [{\"id\": \"interp|block:xor:reg:-\", \"hash\": "
                                    "\"1c81fb51\", \"standing\": \"new\", \"kind\": \"reg\""
                                    ", \"always_fails\": false, \"count\": 4, \"path\": \"1c81fb51-xor\", "
                                    "\"instructions\": 20, \"minimal_instructio"
                                    "ns\": 1, \"hits\": [{\"case\": \"mix@2 seed=0x1\", \"count\": 3, "
                                    "\"first\": 17}, {\"case\": \"gas@2 seed=0x10\", \"c"
                                    "ount\": 1, \"first\": 6}]}, {\"id\": \"interp|block:lw:mem:-\", "
                                    "\"hash\": \"f6f230ab\", \"standing\": \"known\", \"k"
                                    "ind\": \"mem\", \"always_fails\": false, \"count\": 1, \"path\": "
                                    "\"f6f230ab-lw\", \"instructions\": 20, \"minimal_"
                                    "instructions\": 1, \"owner\": \"al\\\"ice\", \"expires\": "
                                    "\"2026-12-31\", \"reason\": \"see <#7>\\u001b\", \"hits\": ["
                                    "{\"case\": \"mix@2 seed=0x1\", \"count\": 1, \"first\": 40}]}, {\"id\": "
                                    "\"interp|block:div:SIGFPE:-\", \"hash\": \""
                                    "697c6874\", \"standing\": \"known\", \"kind\": \"abort\", "
                                    "\"always_fails\": true, \"count\": 2, \"path\": \"697c6874"
                                    "-div\", \"instructions\": null, \"minimal_instructions\": null, "
                                    "\"owner\": \"bob\", \"expires\": \"2026-12-31\", "
                                    "\"reason\": \"\", \"hits\": [{\"case\": \"gas@2 seed=0x10\", \"count\": "
                                    "2, \"first\": 5}]}, {\"id\": \"interp|block:o"
                                    "r:reg:-\", \"hash\": \"9c8563a8\", \"standing\": \"expired\", \"kind\": "
                                    "\"reg\", \"always_fails\": false, \"count\": "
                                    "1, \"path\": \"9c8563a8-or\", \"instructions\": 20, "
                                    "\"minimal_instructions\": 1, \"owner\": \"carol\", \"expires\""
                                    ": \"2026-11-20\", \"reason\": \"forgotten\", \"hits\": [{\"case\": "
                                    "\"corpus/regress/a<\\\"&'\\u001b\\\\xff.px\", \"cou"
                                    "nt\": 1, \"first\": 0}]}], \"troubles\": [{\"kind\": \"expectation\", "
                                    "\"case\": \"corpus/regress/a<\\\"&'\\u001b\\\\x"
                                    "ff.px\", \"text\": \"block: a0 is 0x1, expected 0x2\", \"path\": "
                                    "\"corpus/regress/a<\\\"&'\\u001b\\\\xff.px\"}, {\""
                                    "kind\": \"unstable\", \"case\": \"mix@2 seed=0x1\", \"text\": \"program "
                                    "9: gas, seen once\", \"path\": \"out/unsta"
                                    "ble/x y/original.px\"}, {\"kind\": \"idle-engine\", \"case\": null, "
                                    "\"text\": \"block took no program\", \"path\""
                                    ": null}], \"vanished\": [{\"hash\": \"00000000\", \"owner\": \"dave\", "
                                    "\"expires\": \"2026-12-31\", \"reason\": \"men"
                                    "ded\"}], \"seconds\": 12.500, \"jobs\": 2}\n";

static const char expected_junit[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<testsuites name=\"parallax gate\" tests=\"6\" failures=\"4\" errors=\"0\" skipped=\"1\" "
    "time=\"6.750\">\n"
    "  <testsuite name=\"gate\" tests=\"1\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"0.000\">\n"
    "    <testcase classname=\"parallax.gate\" name=\"verdict\" time=\"0.000\">\n"
    "      <failure type=\"gate\" message=\"fail\">idle-engine: block took no program\n"
    "</failure>\n"
    "      <system-out>fail</system-out>\n"
    "    </testcase>\n"
    "  </testsuite>\n"
    "  <testsuite name=\"regress\" tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"0.750\">\n"
    "    <testcase classname=\"parallax.regress\" name=\"corpus/regress/a&#60;&#34;&#38;&#39;\\x1b\\xff.px\" "
    "ti"
    "me=\"0.250\">\n"
    "      <failure type=\"expectation\" message=\"1 divergence bucket, 1 other failure\">expectation: block:"
    " a0 is 0x1, expected 0x2\n"
    "expired bucket interp|block:or:reg:-: 1 divergence, first corpus/regress/a&#60;&#34;&#38;&#39;\\x1b\\x"
    "ff.px, kept in out/9c8563a8-or; carol, until 2026-11-20: forgotten\n"
    "</failure>\n"
    "    </testcase>\n"
    "    <testcase classname=\"parallax.regress\" name=\"corpus/regress/b.px\" time=\"0.250\">\n"
    "    </testcase>\n"
    "    <testcase classname=\"parallax.regress\" name=\"corpus/regress/c.px\" time=\"0.250\">\n"
    "      <skipped message=\"taken by too few engines\"/>\n"
    "    </testcase>\n"
    "  </testsuite>\n"
    "  <testsuite name=\"vectors\" tests=\"0\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"0.000\">\n"
    "  </testsuite>\n"
    "  <testsuite name=\"seeds\" tests=\"0\" failures=\"0\" errors=\"0\" skipped=\"0\" time=\"0.000\">\n"
    "  </testsuite>\n"
    "  <testsuite name=\"ranges\" tests=\"2\" failures=\"2\" errors=\"0\" skipped=\"0\" time=\"6.000\">\n"
    "    <testcase classname=\"parallax.ranges\" name=\"mix@2 seed=0x1\" time=\"3.000\">\n"
    "      <failure type=\"unstable\" message=\"2 divergence buckets, 1 other failure\">unstable: program 9: "
    "gas, seen once\n"
    "new bucket interp|block:xor:reg:-: 3 divergences, first program 17 of mix@2 seed=0x1, kept in out/1c"
    "81fb51-xor\n"
    "known bucket interp|block:lw:mem:-: 1 divergence, first program 40 of mix@2 seed=0x1, kept in out/f6"
    "f230ab-lw; al&#34;ice, until 2026-12-31: see &#60;#7&#62;\\x1b\n"
    "</failure>\n"
    "    </testcase>\n"
    "    <testcase classname=\"parallax.ranges\" name=\"gas@2 seed=0x10\" time=\"3.000\">\n"
    "      <failure type=\"divergence\" message=\"2 divergence buckets\">known bucket interp|block:div:SIGFPE"
    ":-: 2 divergences, first program 5 of gas@2 seed=0x10, kept in out/697c6874-div; bob, until 2026-12-"
    "31\n"
    "new bucket interp|block:xor:reg:-: 1 divergence, first program 6 of gas@2 seed=0x10, kept in out/1c8"
    "1fb51-xor\n"
    "</failure>\n"
    "    </testcase>\n"
    "  </testsuite>\n"
    "</testsuites>\n";

static const char expected_sarif_begin[] =
    "{\n"
    "  \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n"
    "  \"version\": \"2.1.0\",\n"
    "  \"runs\": [\n"
    "    {\n"
    "      \"tool\": {\"driver\": {\"name\": \"parallax\", \"version\": ";

static const char expected_sarif_end[] =
    ", \"rules\": [\n"
    "          {\"id\": \"exit\", \"shortDescription\": {\"text\": \"Two engines end a program in different "
    "ways.\""
    "}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"arg\", \"shortDescription\": {\"text\": \"Two engines end a program in one way "
    "with diff"
    "erent arguments.\"}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"pc\", \"shortDescription\": {\"text\": \"Two engines end a program at different "
    "addresse"
    "s.\"}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"mem\", \"shortDescription\": {\"text\": \"Two engines leave different memory "
    "behind.\"}, "
    "\"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"reg\", \"shortDescription\": {\"text\": \"Two engines leave different registers "
    "behind.\""
    "}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"gas\", \"shortDescription\": {\"text\": \"Two engines leave different amounts of "
    "gas.\"},"
    " \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"count\", \"shortDescription\": {\"text\": \"Two engines run different numbers of "
    "instruc"
    "tions.\"}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"abort\", \"shortDescription\": {\"text\": \"A program crashes the process of an "
    "engine.\""
    "}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"hang\", \"shortDescription\": {\"text\": \"A program runs for over a second on an "
    "engine"
    ".\"}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"state-leak\", \"shortDescription\": {\"text\": \"A program runs otherwise after "
    "another "
    "one has run.\"}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"expectation\", \"shortDescription\": {\"text\": \"An engine does not do what a "
    "file of t"
    "he corpus expects.\"}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"unstable\", \"shortDescription\": {\"text\": \"A finding did not come up again in "
    "a fres"
    "h process.\"}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"lost-worker\", "
    "\"shortDescription\": {\"text\": \"Worker processes were killed from outside.\"}, "
    "\"defaultConfiguration\": {\"level\": \"error\"}},\n          {\"id\": \"idle-engine\", "
    "\"shortDescription\": {\"text\": \"An engine took no program at "
    "all.\"}, \""
    "defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"too-many-buckets\", \"shortDescription\": {\"text\": \"There are more buckets than "
    "can b"
    "e told apart.\"}, \"defaultConfiguration\": {\"level\": \"error\"}},\n"
    "          {\"id\": \"divergence\", \"shortDescription\": {\"text\": \"Two engines disagree.\"}, "
    "\"defaultConfig"
    "uration\": {\"level\": \"error\"}}\n"
    "        ]}},\n"
    "      \"columnKind\": \"utf16CodeUnits\",\n"
    "      \"invocations\": [{\"executionSuccessful\": true, \"exitCode\": 1}],\n"
    "      \"results\": [\n"
    "        {\"ruleId\": \"reg\", \"ruleIndex\": 4, \"level\": \"error\", \"message\": {\"text\": "
    "\"interp|block:xor:re"
    "g:-: 4 divergences, first program 17 of mix@2 seed=0x1\"}, \"locations\": [{\"physicalLocation\": "
    "{\"artif"
    "actLocation\": {\"uri\": \"out/1c81fb51-xor/minimal.px\"}, \"region\": {\"startLine\": 1}}}], "
    "\"partialFingerp"
    "rints\": {\"parallaxBucket/v1\": \"interp|block:xor:reg:-\"}},\n"
    "        {\"ruleId\": \"mem\", \"ruleIndex\": 3, \"level\": \"error\", \"message\": {\"text\": "
    "\"interp|block:lw:mem"
    ":-: 1 divergence, first program 40 of mix@2 seed=0x1\"}, \"locations\": [{\"physicalLocation\": "
    "{\"artifac"
    "tLocation\": {\"uri\": \"out/f6f230ab-lw/minimal.px\"}, \"region\": {\"startLine\": 1}}}], "
    "\"partialFingerprin"
    "ts\": {\"parallaxBucket/v1\": \"interp|block:lw:mem:-\"}, \"suppressions\": [{\"kind\": \"external\", "
    "\"status\":"
    " \"accepted\", \"justification\": \"al\\\"ice, until 2026-12-31: see <#7>\\u001b\"}]},\n"
    "        {\"ruleId\": \"abort\", \"ruleIndex\": 7, \"level\": \"error\", \"message\": {\"text\": "
    "\"interp|block:div:"
    "SIGFPE:-: 2 divergences, first program 5 of gas@2 seed=0x10\"}, \"locations\": [{\"physicalLocation\": "
    "{\""
    "artifactLocation\": {\"uri\": \"out/697c6874-div/original.px\"}, \"region\": {\"startLine\": 1}}}], "
    "\"partialF"
    "ingerprints\": {\"parallaxBucket/v1\": \"interp|block:div:SIGFPE:-\"}},\n"
    "        {\"ruleId\": \"reg\", \"ruleIndex\": 4, \"level\": \"error\", \"message\": {\"text\": "
    "\"interp|block:or:reg"
    ":-: 1 divergence, first corpus/regress/a<\\\"&'\\u001b\\\\xff.px\"}, \"locations\": "
    "[{\"physicalLocation\": {\""
    "artifactLocation\": {\"uri\": \"out/9c8563a8-or/minimal.px\"}, \"region\": {\"startLine\": 1}}}], "
    "\"partialFin"
    "gerprints\": {\"parallaxBucket/v1\": \"interp|block:or:reg:-\"}},\n"
    "        {\"ruleId\": \"expectation\", \"ruleIndex\": 10, \"level\": \"error\", \"message\": {\"text\": "
    "\"corpus/reg"
    "ress/a<\\\"&'\\u001b\\\\xff.px: block: a0 is 0x1, expected 0x2\"}, \"locations\": "
    "[{\"physicalLocation\": {\"ar"
    "tifactLocation\": {\"uri\": \"corpus/regress/a%3C%22%26%27%1B%FF.px\"}, \"region\": {\"startLine\": "
    "1}}}]},\n"
    "        {\"ruleId\": \"unstable\", \"ruleIndex\": 11, \"level\": \"error\", \"message\": {\"text\": "
    "\"mix@2 seed=0x"
    "1: program 9: gas, seen once\"}, \"locations\": [{\"physicalLocation\": {\"artifactLocation\": "
    "{\"uri\": \"out"
    "/unstable/x%20y/original.px\"}, \"region\": {\"startLine\": 1}}}]},\n"
    "        {\"ruleId\": \"idle-engine\", \"ruleIndex\": 13, \"level\": \"error\", \"message\": {\"text\": "
    "\"block took"
    " no program\"}}\n"
    "      ]\n"
    "    }\n"
    "  ]\n"
    "}\n";
/* clang-format on */

static void the_summary_tells_everything(void **state)
{
    (void)state;
    expect_written(write_print, expected_print);
}

static void json_tells_everything(void **state)
{
    (void)state;
    expect_written(write_json, expected_json);
}

static void junit_has_a_case_for_each_file_and_range(void **state)
{
    (void)state;
    expect_written(gate_write_junit, expected_junit);
}

static void sarif_has_a_result_for_each_bucket_and_trouble(void **state)
{
    (void)state;
    char *expected = NULL;
    size_t size;
    FILE *file = open_memstream(&expected, &size);
    assert_non_null(file);
    fputs(expected_sarif_begin, file);
    quote_json(file, px_build_id());
    fputs(expected_sarif_end, file);
    assert_int_equal(fclose(file), 0);
    expect_written(gate_write_sarif, expected);
    free(expected);
}

/* The last line of the summary. */
static void expect_end(const struct gate *gate, const char *expected)
{
    char *text = written(write_print, gate);
    assert_true(strlen(text) >= strlen(expected));
    assert_string_equal(text + strlen(text) - strlen(expected), expected);
    free(text);
}

static void the_last_line_is_the_verdict(void **state)
{
    (void)state;
    struct gate gate;
    gates_make(&gate);
    expect_end(&gate, "\nFAIL: nothing was compared\n");
    size_t range = gates_add_range(&gate, "mix@2", 1, 1000);
    expect_end(&gate, "\nPASS\n");
    gates_add_bucket(&gate, "xor", "reg", FINDING_DIFF, range, 3, 17);
    expect_end(&gate, "\nFAIL: 1 divergence bucket, at most 0 allowed\n");
    gate.max_divergences = 1;
    expect_end(&gate, "\nPASS\n");
    gate.broken = true;
    expect_end(&gate, "\nFAIL: the gate broke\n");
    gate.interrupted = true;
    expect_end(&gate, "\nINCOMPLETE: interrupted\n");
    gate_fini(&gate);
}

static void a_small_gate_does_not_say_that_a_line_can_go(void **state)
{
    (void)state;
    struct gate gate;
    gates_make(&gate);
    gates_add_range(&gate, "mix@2", 1, 1000);
    gates_add_known(&gate, "00000000", "dave", 20261231, "mended");
    expect_end(&gate,
               "00000000 (dave, until 2026-12-31: mended): not seen; line 1 of the list can go\nPASS\n");
    gate.scale = 99;
    expect_end(&gate, "00000000 (dave, until 2026-12-31: mended): not seen by so small a gate\nPASS\n");
    gate_fini(&gate);
}

static void what_did_not_run_is_told_as_such(void **state)
{
    (void)state;
    struct gate gate;
    gates_make(&gate);
    gates_add_file(&gate, GATE_VECTORS, "v.px");
    size_t begun = gates_add_range(&gate, "mix@2", 1, 1000), waiting = gates_add_range(&gate, "gas@2", 1, 10);
    gate.interrupted = true;
    gate.cases[begun].programs = 400;
    gate.cases[waiting].state = GATE_NOT_RUN;
    gate.cases[waiting].programs = 0;
    char *print = written(write_print, &gate), *json = written(write_json, &gate);
    char *junit = written(gate_write_junit, &gate), *sarif = written(gate_write_sarif, &gate);
    assert_non_null(strstr(print, "mix@2 seed=0x1, 400 of 1000 programs: 0 divergences"));
    assert_non_null(strstr(print, "gas@2 seed=0x1, not run\n"));
    assert_non_null(strstr(json, "{\"verdict\": \"incomplete\", \"complete\": false, "));
    assert_non_null(strstr(json, "\"name\": \"mix@2 seed=0x1\", \"state\": \"not run\""));
    assert_non_null(strstr(junit, "tests=\"4\" failures=\"0\" errors=\"0\" skipped=\"3\""));
    assert_non_null(strstr(junit, "<skipped message=\"incomplete: 400 of 1000 programs ran\"/>"));
    assert_non_null(strstr(junit, "<skipped message=\"interrupted\"/>"));
    assert_non_null(strstr(sarif, "{\"executionSuccessful\": false, \"exitCode\": 130}"));
    free(print);
    free(json);
    free(junit);
    free(sarif);
    gate_fini(&gate);
}

/* A bucket that could not be kept has no place; the gate is broken then, but tells what it knows. */
static void a_bucket_without_a_place_is_told_too(void **state)
{
    (void)state;
    struct gate gate;
    gates_make(&gate);
    size_t range = gates_add_range(&gate, "mix@2", 1, 1000);
    gates_add_bucket(&gate, "xor", "reg", FINDING_DIFF, range, 3, 17);
    gate.hit_count = 0;
    gate.broken = true;
    char *print = written(write_print, &gate), *sarif = written(gate_write_sarif, &gate);
    assert_non_null(strstr(print, "interp|block:xor:reg:-, 3 divergences, first unknown, 1 of"));
    assert_non_null(strstr(sarif, "interp|block:xor:reg:-: 3 divergences, first unknown\""));
    free(print);
    free(sarif);
    gate_fini(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_summary_tells_everything),
        cmocka_unit_test(json_tells_everything),
        cmocka_unit_test(junit_has_a_case_for_each_file_and_range),
        cmocka_unit_test(sarif_has_a_result_for_each_bucket_and_trouble),
        cmocka_unit_test(the_last_line_is_the_verdict),
        cmocka_unit_test(a_small_gate_does_not_say_that_a_line_can_go),
        cmocka_unit_test(what_did_not_run_is_told_as_such),
        cmocka_unit_test(a_bucket_without_a_place_is_told_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
