/*
 * How the tiers are climbed (RECOMPILER.md 2). Nothing here changes what a program does, only when which tier runs it.
 */
#ifndef PX_TIERED_CONFIG_H
#define PX_TIERED_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vm/status.h"

enum px_tier { PX_TIER_INTERP, PX_TIER_FUSED, PX_TIER_LINEAR, PX_TIER_BLOCK, PX_TIER_COUNT };

enum {
    PX_JIT_THRESHOLD_MAX = 1000000000,
    PX_JIT_NATIVE_TEXT = 64, /* bytes that hold the options of linear and block ... */
    PX_JIT_OPTIONS_TEXT = 192, /* ... and all options */
};

struct px_jit_config {
    /*
     * The tiers in use, a bit for each: at most one of interp and fused, which runs a unit at first, then linear for what it
     * takes, block for the rest; at least one of these that takes every image.
     */
    unsigned tiers;
    /* Runs of a unit by the interpreter before it is compiled; 0: at once. Without an interpreter it says nothing. */
    uint32_t block_threshold;
    char
        native[PX_JIT_NATIVE_TEXT]; /* options of linear and block: "touch=fault,cpu=baseline", "" for none */
};

/* interp, then block after one run. */
void px_jit_config_init(struct px_jit_config *config);

/*
 * What the environment says: PX_TIERS (names joined by '+'), PX_BLOCK_THRESHOLD, PX_TOUCH, PX_CPU_FEATURES; one that is
 * empty or not set leaves things as they are. PX_ERR_INPUT names the variable and what was expected.
 */
enum px_status px_jit_config_environment(struct px_jit_config *config, struct px_error *err) PX_CHECKED;

/*
 * The same from the options of an engine spec: tiers=, block-threshold=, touch=, cpu=. What is wrong with values of the last two
 * the tiers say when they are opened. PX_ERR_INPUT names the option and what was expected.
 */
enum px_status px_jit_config_options(struct px_jit_config *config, const char *options,
                                     struct px_error *err) PX_CHECKED;

/* The options that lead to @config from the defaults, "" for none. */
void px_jit_config_format(const struct px_jit_config *config, char text[PX_JIT_OPTIONS_TEXT]);

#endif
