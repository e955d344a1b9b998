#include "harness/tests/campaign_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

int campaign_world_make(void **state)
{
    struct px_error err = { "" };
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    folder_make(&w->folder);
    folder_path(&w->folder, "out", w->out, sizeof w->out);
    w->options = (struct campaign_options){
        .out = w->out,
        .quiet = true,
        .worker = { .sandbox = { .engines = "interp,block" }, .seed = 0x5eed, .limit = 3000, .jobs = 1 },
    };
    assert_int_equal(px_gen_parse("mix", &w->options.worker.gen, &err), PX_OK);
    *state = w;
    return 0;
}

int campaign_world_remove(void **state)
{
    struct world *w = *state;
    folder_remove(&w->folder);
    free(w);
    return 0;
}

void campaign_world_run(const struct campaign_options *options, struct campaign_result *result)
{
    struct px_error err = { "" };
    if (campaign_run(options, result, &err) != PX_OK)
        fail_msg("%s", err.text);
}
