#include "harness/preflight.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "harness/isolate.h"
#include "harness/lockdown.h"
#include "harness/wrong.h"

struct order {
    const struct sandbox *sandbox;
    struct preflight result;
};

/* Whether every engine runs anything at all: one that has processes of its own opens even if they do not start. */
static enum px_status try_engines(struct run *run, struct px_error *err)
{
    static const uint8_t halt[] = { 0x0b, 0x20, 0x00, 0x00 };
    const struct px_image image = { .code = halt, .code_size = sizeof halt, .gas = 1000 };
    struct run_result result;
    return run_image(run, &image, false, &result, err);
}

static enum px_status check(void *arg, struct px_error *err)
{
    struct order *order = arg;
    struct preflight *p = &order->result;
    struct run run;
    enum px_status status = sandbox_open(order->sandbox, &run, err);
    if (status != PX_OK)
        return status;
    p->engine_count = run.count;
    memcpy(p->every, run.every, sizeof p->every);
    for (size_t i = 0; i < run.count; i++)
        (void)snprintf(p->specs[i], sizeof p->specs[i], "%s", engine_spec(&run.engines[i]));
    status = try_engines(&run, err);
    run_close(&run);
    if (status == PX_OK)
        status = px_self_test(&p->self_tests, err);
    return status == PX_OK ? lockdown_enter(err) : status;
}

enum px_status preflight_run(const struct sandbox *sandbox, struct preflight *result, struct px_error *err)
{
    struct order *order = isolate_share(sizeof *order);
    if (!order)
        return px_fail(err, PX_ERR_SYSTEM, "shared memory: %s", strerror(errno));
    order->sandbox = sandbox;
    enum px_status status = isolate_call(check, order, err);
    if (status == PX_OK)
        *result = order->result;
    isolate_unshare(order, sizeof *order);
    return status;
}
