#include "generators/generator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct px_generator *const px_generators[] = {
    &px_gen_mix,        &px_gen_boundary, &px_gen_straight, &px_gen_control, &px_gen_memory,
    &px_gen_compressed, &px_gen_hostcall, &px_gen_hostile,  &px_gen_gas,     NULL
};

enum { LENGTH_MAX = 4096 };

static const struct px_generator *find(const char *name, size_t length)
{
    for (size_t i = 0; px_generators[i]; i++)
        if (strlen(px_generators[i]->name) == length && memcmp(px_generators[i]->name, name, length) == 0)
            return px_generators[i];
    return NULL;
}

/* A decimal number that fills the @length characters of @text; false for anything else. */
static bool parse_number(const char *text, size_t length, unsigned long max, unsigned long *value)
{
    char digits[16];
    if (length == 0 || length >= sizeof digits || strspn(text, "0123456789") < length)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    errno = 0;
    *value = strtoul(digits, NULL, 10);
    return errno == 0 && *value <= max;
}

static enum px_status parse_options(const char *text, size_t length, struct px_gen *gen, struct px_error *err)
{
    static const char key[] = "length=";
    unsigned long value;
    if (gen->generator->takes_length && length > strlen(key) && memcmp(text, key, strlen(key)) == 0 &&
        parse_number(text + strlen(key), length - strlen(key), LENGTH_MAX, &value) && value > 0) {
        gen->options.length = (uint32_t)value;
        return PX_OK;
    }
    return px_fail(err, PX_ERR_INPUT, "generator %s: option '%.*s': expected %s", gen->generator->name,
                   (int)(length < 40 ? length : 40), text,
                   gen->generator->takes_length ? "length=1..4096" : "none");
}

enum px_status px_gen_parse(const char *spec, struct px_gen *gen, struct px_error *err)
{
    size_t name = strcspn(spec, ":@"), options = 0;
    struct px_gen parsed = { .generator = find(spec, name) };
    if (!parsed.generator)
        return px_fail(err, PX_ERR_INPUT,
                       "generator '%.*s': expected mix, boundary, straight, control, memory, compressed, "
                       "hostcall, hostile or gas",
                       (int)(name < 40 ? name : 40), spec);
    const char *at = spec + name;
    if (*at == ':') {
        options = strcspn(++at, "@");
        enum px_status status = parse_options(at, options, &parsed, err);
        if (status != PX_OK)
            return status;
        at += options;
    }
    if (*at == '@') {
        unsigned long version;
        if (!parse_number(at + 1, strlen(at + 1), UINT32_MAX, &version) ||
            version != parsed.generator->version)
            return px_fail(err, PX_ERR_INPUT, "generator %s: version '%.20s': this build makes version %u",
                           parsed.generator->name, at + 1, parsed.generator->version);
    }
    if (parsed.options.length)
        (void)snprintf(parsed.spec, sizeof parsed.spec, "%s:length=%u", parsed.generator->name,
                       parsed.options.length);
    else
        (void)snprintf(parsed.spec, sizeof parsed.spec, "%s", parsed.generator->name);
    *gen = parsed;
    return PX_OK;
}

enum px_status px_gen_make(const struct px_gen *gen, uint64_t seed, uint64_t index,
                           struct px_program *program)
{
    px_program_clear(program);
    enum px_status status = gen->generator->generate(&gen->options, seed, index, program);
    if (status != PX_OK)
        return status;
    program->origin =
        (struct px_origin){ .known = true, .seed = seed, .index = index, .version = gen->generator->version };
    memcpy(program->origin.gen, gen->spec, sizeof program->origin.gen);
    return PX_OK;
}

uint64_t px_gen_count(const struct px_gen *gen)
{
    return gen->generator->count ? gen->generator->count() : UINT64_MAX;
}
