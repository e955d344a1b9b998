/* What is hidden from libFuzzer: what programs of the sample have shown, edges and features alike, and nothing else. */
#include "harness/fuzz/usual.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <string.h>

enum { EDGES = 16, FEATURES_SHOWN = 6 };

/* As clang lays them out. */
__attribute__((section("__sancov_cntrs"), used)) static uint8_t edges[EDGES];

static void what_the_sample_shows_is_hidden(void **state)
{
    (void)state;
    static const uint8_t none[EDGES], shown[3][FEATURES_SHOWN] = { { 1, 1 }, { 1 }, { 1, 0, 0, 0, 7 } };
    static const uint16_t hits[] = { 5, 0, 1, 4 };
    uint8_t features[FEATURES_SHOWN];
    struct fuzz_usual usual;
    struct px_error err = { "" };
    assert_int_equal(fuzz_usual_init(&usual, features, sizeof features, &err), PX_OK);
    for (size_t i = 0; i < 3; i++) {
        memcpy(features, shown[i], sizeof features);
        edges[5 * i] = (uint8_t)(1 + 100 * i); /* they count */
        edges[EDGES - 1] = 200;
        fuzz_usual_add(&usual);
        assert_memory_equal(features, none, sizeof features);
        assert_memory_equal(edges, none, sizeof edges);
    }
    memset(features, 1, sizeof features);
    memset(edges, 77, sizeof edges);
    fuzz_usual_hide(&usual, hits, sizeof hits / sizeof hits[0]);
    assert_memory_equal(features, "\0\0\1\1\0\1", sizeof features);
    for (unsigned i = 0; i < EDGES; i++)
        assert_int_equal(edges[i], i % 5 == 0 || i == EDGES - 1 ? 0 : 77);
    fuzz_usual_begin(&usual);
    assert_memory_equal(features, "\0\0\1\1\0\1", sizeof features);
    assert_memory_equal(edges, none, sizeof edges);
    fuzz_usual_fini(&usual);
}

static void one_that_saw_no_sample_hides_nothing(void **state)
{
    (void)state;
    static const uint16_t hits[] = { 0, 65535 };
    struct fuzz_usual usual = { 0 };
    memset(edges, 77, sizeof edges);
    fuzz_usual_hide(&usual, hits, sizeof hits / sizeof hits[0]);
    assert_int_equal(edges[0], 77);
    fuzz_usual_fini(&usual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_sample_shows_is_hidden),
        cmocka_unit_test(one_that_saw_no_sample_hides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
