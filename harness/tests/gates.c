#include "harness/tests/gates.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gates_make(struct gate *gate)
{
    struct px_error err = { "" };
    assert_int_equal(gate_init(gate, &err), PX_OK);
    gate->corpus = "corpus";
    gate->out = "out";
    gate->jobs = 2;
    gate->scale = 100;
    gate->today = 20261121;
    gate->seconds = 12.5;
    gate->preflight =
        (struct preflight){ .engine_count = 2, .specs = { "interp", "block" }, .self_tests = 23 };
}

size_t gates_add_file(struct gate *gate, enum gate_part part, const char *name)
{
    struct px_error err = { "" };
    assert_int_equal(gate_add_case(gate, part, name, 1, &err), PX_OK);
    struct gate_case *c = &gate->cases[gate->case_count - 1];
    c->state = GATE_RUN;
    c->programs = 1;
    c->seconds = 0.25;
    return gate->case_count - 1;
}

size_t gates_add_range(struct gate *gate, const char *gen, uint64_t seed, uint64_t programs)
{
    char name[128];
    struct px_error err = { "" };
    (void)snprintf(name, sizeof name, "%s seed=%#" PRIx64, gen, seed);
    assert_int_equal(gate_add_case(gate, GATE_RANGES, name, programs, &err), PX_OK);
    struct gate_case *c = &gate->cases[gate->case_count - 1];
    (void)snprintf(c->gen, sizeof c->gen, "%s", gen);
    c->seed = seed;
    c->state = GATE_RUN;
    c->programs = programs;
    c->seconds = 3;
    return gate->case_count - 1;
}

size_t gates_add_bucket(struct gate *gate, const char *op, const char *fields, enum finding_kind kind,
                        size_t at, uint64_t count, uint64_t index)
{
    struct px_error err = { "" };
    size_t number = gate->found->bucket_count++;
    struct campaign_bucket *b = &gate->found->buckets[number];
    *b = (struct campaign_bucket){ .count = count, .minimized = true, .before = 20, .after = 1 };
    b->by_kind[kind] = count;
    b->bucket.diverges = true;
    b->bucket.finding.kind = kind;
    (void)snprintf(b->bucket.engines, sizeof b->bucket.engines, "interp|block");
    (void)snprintf(b->bucket.op, sizeof b->bucket.op, "%s", op);
    (void)snprintf(b->bucket.fields, sizeof b->bucket.fields, "%s", fields);
    (void)snprintf(b->bucket.operands, sizeof b->bucket.operands, "-");
    bucket_name(&b->bucket);
    bucket_folder(&b->bucket, b->path, sizeof b->path);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(gate_add_hit(gate, at, number, index + i, &err), PX_OK);
    return number;
}

void gates_add_known(struct gate *gate, const char *hash, const char *owner, gate_date expires,
                     const char *reason)
{
    char text[512], day[GATE_DATE_ROOM];
    struct known_list one;
    struct px_error err = { "" };
    (void)snprintf(text, sizeof text, "%s %s %s %s", hash, owner, gate_date_format(expires, day), reason);
    assert_int_equal(known_parse(&one, "known.txt", text, strlen(text), &err), PX_OK);
    struct known *items = realloc(gate->known.items, (gate->known.count + 1) * sizeof *items);
    assert_non_null(items);
    items[gate->known.count] = one.items[0];
    items[gate->known.count].line = gate->known.count + 1;
    gate->known.items = items;
    gate->known.capacity = ++gate->known.count;
    free(one.items);
}
