/* Which operations are taken from a shared object, and which are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/plugin/load.h"

static struct px_engine_ops good(void)
{
    struct px_engine_ops ops = px_interp_engine;
    ops.size = PX_ENGINE_OPS_MIN;
    return ops;
}

static void expect_refused(const struct px_engine_ops *entry, const char *expected)
{
    struct px_engine_ops ops;
    struct px_error err = { "" };
    assert_int_equal(plugin_check(entry, &ops, &err), PX_ERR_INPUT);
    assert_string_equal(err.text, expected);
}

static void operations_behind_the_size_are_filled_in_and_not_taken(void **state)
{
    (void)state;
    struct px_engine_ops entry = good(), ops;
    struct px_error err = { "" };
    assert_int_equal(plugin_check(&entry, &ops, &err), PX_OK);
    assert_ptr_equal(ops.run, px_interp_engine.run);
    assert_ptr_not_equal(ops.on_fault, px_interp_engine.on_fault);
    assert_int_equal(ops.on_fault(NULL, 11, NULL, NULL, NULL), PX_FAULT_NOT_MINE);
    assert_null(ops.code_parts);
    entry.size = sizeof entry;
    assert_int_equal(plugin_check(&entry, &ops, &err), PX_OK);
    assert_ptr_equal(ops.on_fault, px_interp_engine.on_fault);
}

static void each_thing_that_is_wrong_is_named(void **state)
{
    (void)state;
    struct px_engine_ops entry = good();
    expect_refused(NULL, "px_engine_entry returned no operations");
    entry.abi = 7;
    expect_refused(&entry, "built for version 7 of the engine interface: expected 1");
    entry = good();
    entry.guest = NULL;
    expect_refused(&entry, "built for guest '': expected rv64e-jar.1");
    entry = good();
    entry.read_page = NULL;
    expect_refused(&entry, "operation 'read_page' is missing");
    entry = good();
    entry.create = NULL;
    expect_refused(&entry, "operation 'create' is missing");
}

static void sizes_from_the_required_operations_to_all_are_fine(void **state)
{
    (void)state;
    for (uint32_t size = 0; size < 2 * sizeof(struct px_engine_ops); size++) {
        struct px_engine_ops entry = good(), ops;
        entry.size = size;
        bool fine = size >= PX_ENGINE_OPS_MIN && size <= sizeof entry;
        assert_int_equal(plugin_check(&entry, &ops, NULL), fine ? PX_OK : PX_ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_behind_the_size_are_filled_in_and_not_taken),
        cmocka_unit_test(each_thing_that_is_wrong_is_named),
        cmocka_unit_test(sizes_from_the_required_operations_to_all_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
