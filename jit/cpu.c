#include "jit/cpu.h"

#include <cpuid.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct feature {
    const char *name;
    unsigned bit;
};

static const struct feature features_by_name[] = {
    { "bmi1", JIT_CPU_BMI1 },
    { "bmi2", JIT_CPU_BMI2 },
    { "lzcnt", JIT_CPU_LZCNT },
    { "popcnt", JIT_CPU_POPCNT },
};

enum { FEATURE_COUNT = sizeof features_by_name / sizeof features_by_name[0] };

unsigned jit_cpu_host(void)
{
    unsigned a, b, c, d, found = 0;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_POPCNT))
        found |= JIT_CPU_POPCNT;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        found |= b & bit_BMI ? JIT_CPU_BMI1 : 0;
        found |= b & bit_BMI2 ? JIT_CPU_BMI2 : 0;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d) && (c & bit_ABM))
        found |= JIT_CPU_LZCNT;
    return found;
}

static enum px_status add_feature(const char *name, size_t length, unsigned *features, struct px_error *err)
{
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        const struct feature *f = &features_by_name[i];
        if (strlen(f->name) != length || memcmp(f->name, name, length) != 0)
            continue;
        if (!(jit_cpu_host() & f->bit))
            return px_fail(err, PX_ERR_INPUT, "cpu feature '%s': this machine does not have it", f->name);
        *features |= f->bit;
        return PX_OK;
    }
    return px_fail(err, PX_ERR_INPUT,
                   "cpu feature '%.*s': expected host, baseline, or bmi1, bmi2, lzcnt, popcnt joined by '+'",
                   (int)(length < 40 ? length : 40), name);
}

enum px_status jit_cpu_parse(const char *text, size_t length, unsigned *features, struct px_error *err)
{
    if (length == 4 && memcmp(text, "host", 4) == 0) {
        *features = jit_cpu_host();
        return PX_OK;
    }
    if (length == 8 && memcmp(text, "baseline", 8) == 0) {
        *features = 0;
        return PX_OK;
    }
    unsigned found = 0;
    while (true) {
        const char *plus = memchr(text, '+', length);
        size_t word = plus ? (size_t)(plus - text) : length;
        enum px_status status = add_feature(text, word, &found, err);
        if (status != PX_OK)
            return status;
        if (!plus)
            break;
        text += word + 1;
        length -= word + 1;
    }
    *features = found;
    return PX_OK;
}

void jit_cpu_format(unsigned features, char text[JIT_CPU_TEXT])
{
    int length = snprintf(text, JIT_CPU_TEXT, "%s", features ? "" : "baseline");
    for (size_t i = 0; i < FEATURE_COUNT; i++)
        if (features & features_by_name[i].bit)
            length += snprintf(text + length, JIT_CPU_TEXT - (size_t)length, "%s%s", length ? "+" : "",
                               features_by_name[i].name);
}
