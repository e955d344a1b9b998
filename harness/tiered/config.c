#include "harness/tiered/config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/tiered/tiered.h"

enum {
    INTERPRETERS = 1u << PX_TIER_INTERP | 1u << PX_TIER_FUSED,
    ALL_IMAGES = INTERPRETERS | 1u << PX_TIER_BLOCK, /* the tiers that take any */
    DEFAULT_TIERS = 1u << PX_TIER_INTERP | 1u << PX_TIER_BLOCK,
    DEFAULT_THRESHOLD = 1,
};

void px_jit_config_init(struct px_jit_config *config)
{
    *config = (struct px_jit_config){ .tiers = DEFAULT_TIERS, .block_threshold = DEFAULT_THRESHOLD };
}

/* The bit of the tier called @name, 0 without one. */
static unsigned tier_by_name(const char *name, size_t length)
{
    for (unsigned i = 0; i < PX_TIER_COUNT; i++)
        if (strlen(px_tier_engine(i)->name) == length && memcmp(px_tier_engine(i)->name, name, length) == 0)
            return 1u << i;
    return 0;
}

static enum px_status set_tiers(struct px_jit_config *config, const char *where, const char *value,
                                size_t length, struct px_error *err)
{
    unsigned tiers = 0;
    const char *at = value, *end = value + length;
    while (at <= end) {
        size_t word = strcspn(at, "+,");
        word = at + word > end ? (size_t)(end - at) : word;
        unsigned tier = tier_by_name(at, word);
        if (tier == 0)
            return px_fail(err, PX_ERR_INPUT,
                           "%s: unknown tier '%.*s': expected interp, fused, linear, block joined by '+'",
                           where, (int)(word < 40 ? word : 40), at);
        tiers |= tier;
        at += word + 1;
    }
    if ((tiers & INTERPRETERS) == INTERPRETERS)
        return px_fail(err, PX_ERR_INPUT, "%s: expected one of interp and fused, not both", where);
    if (!(tiers & ALL_IMAGES))
        return px_fail(err, PX_ERR_INPUT,
                       "%s: expected a tier beside linear, which takes straight lines only", where);
    config->tiers = tiers;
    return PX_OK;
}

static enum px_status set_threshold(struct px_jit_config *config, const char *where, const char *value,
                                    size_t length, struct px_error *err)
{
    char *end;
    errno = 0;
    unsigned long long number = *value >= '0' && *value <= '9' ? strtoull(value, &end, 10) : ULLONG_MAX;
    if (number > PX_JIT_THRESHOLD_MAX || errno != 0 || end != value + length)
        return px_fail(err, PX_ERR_INPUT, "%s: '%.*s': expected a number of runs, 0 to %d", where,
                       (int)(length < 40 ? length : 40), value, PX_JIT_THRESHOLD_MAX);
    config->block_threshold = (uint32_t)number;
    return PX_OK;
}

/* Puts KEY=VALUE into the options that linear and block get, in place of an earlier KEY=. */
static enum px_status set_native(struct px_jit_config *config, const char *where, const char *key,
                                 const char *value, size_t length, struct px_error *err)
{
    char kept[PX_JIT_NATIVE_TEXT + 1] = "", text[PX_JIT_OPTIONS_TEXT];
    size_t key_length = strlen(key);
    for (const char *at = config->native; *at;) {
        size_t option = strcspn(at, ",");
        if (strncmp(at, key, key_length) != 0)
            (void)snprintf(kept, sizeof kept, "%.*s,", (int)option, at);
        at += option + (at[option] == ',');
    }
    int size = snprintf(text, sizeof text, "%s%s%.*s", kept, key,
                        (int)(length < PX_JIT_NATIVE_TEXT ? length : PX_JIT_NATIVE_TEXT), value);
    if (size < 0 || (size_t)size >= sizeof config->native)
        return px_fail(err, PX_ERR_INPUT, "%s: expected a value of at most %d characters", where,
                       PX_JIT_NATIVE_TEXT / 2);
    memcpy(config->native, text, (size_t)size + 1);
    return PX_OK;
}

/* The settings, as options and as variables of the environment. */
enum setting { TIERS, THRESHOLD, TOUCH, CPU, SETTINGS };

static const struct {
    const char *option, *variable;
} settings[SETTINGS] = {
    [TIERS] = { "tiers=", "PX_TIERS" },
    [THRESHOLD] = { "block-threshold=", "PX_BLOCK_THRESHOLD" },
    [TOUCH] = { "touch=", "PX_TOUCH" },
    [CPU] = { "cpu=", "PX_CPU_FEATURES" },
};

static enum px_status set(struct px_jit_config *config, enum setting setting, const char *where,
                          const char *value, size_t length, struct px_error *err)
{
    switch (setting) {
    case TIERS:
        return set_tiers(config, where, value, length, err);
    case THRESHOLD:
        return set_threshold(config, where, value, length, err);
    default:
        return set_native(config, where, settings[setting].option, value, length, err);
    }
}

enum px_status px_jit_config_environment(struct px_jit_config *config, struct px_error *err)
{
    enum px_status status = PX_OK;
    for (unsigned i = 0; i < SETTINGS && status == PX_OK; i++) {
        const char *value = getenv(settings[i].variable);
        if (value && *value)
            status = set(config, (enum setting)i, settings[i].variable, value, strlen(value), err);
    }
    return status;
}

enum px_status px_jit_config_options(struct px_jit_config *config, const char *options, struct px_error *err)
{
    enum px_status status = PX_OK;
    while (status == PX_OK && *options) {
        size_t length = strcspn(options, ","), key = 0;
        unsigned i = 0;
        for (; i < SETTINGS; i++) {
            key = strlen(settings[i].option);
            if (length >= key && memcmp(options, settings[i].option, key) == 0)
                break;
        }
        if (i == SETTINGS)
            return px_fail(err, PX_ERR_INPUT,
                           "engine tiered: option '%.*s': expected tiers=, block-threshold=, touch= or cpu=",
                           (int)(length < 40 ? length : 40), options);
        char where[48];
        (void)snprintf(where, sizeof where, "engine tiered: %.*s", (int)key - 1, options);
        status = set(config, (enum setting)i, where, options + key, length - key, err);
        options += length + (options[length] == ',');
    }
    return status;
}

void px_jit_config_format(const struct px_jit_config *config, char text[PX_JIT_OPTIONS_TEXT])
{
    char tiers[48] = "", threshold[32] = "";
    for (unsigned i = 0; i < PX_TIER_COUNT && config->tiers != DEFAULT_TIERS; i++)
        if (config->tiers >> i & 1) {
            size_t used = strlen(tiers);
            (void)snprintf(tiers + used, sizeof tiers - used, "%s%s",
                           used ? "+" : "tiers=", px_tier_engine(i)->name);
        }
    if (config->block_threshold != DEFAULT_THRESHOLD)
        (void)snprintf(threshold, sizeof threshold, "block-threshold=%" PRIu32, config->block_threshold);
    (void)snprintf(text, PX_JIT_OPTIONS_TEXT, "%s%s%s%s%s", tiers, *tiers && *threshold ? "," : "", threshold,
                   (*tiers || *threshold) && *config->native ? "," : "", config->native);
}
