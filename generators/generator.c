#include "generators/generator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct px_generator *const px_generators[] = { &px_gen_mix,      &px_gen_boundary, &px_gen_straight,
                                                     &px_gen_control,  &px_gen_memory,   &px_gen_compressed,
                                                     &px_gen_hostcall, &px_gen_hostile,  &px_gen_gas,
                                                     &px_gen_long,     &px_gen_guest,    NULL };

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

/* Whether @text is KEY=VALUE; *value is where VALUE begins. */
static bool has_key(const char *text, size_t length, const char *key, const char **value)
{
    size_t name = strlen(key);
    *value = text + name + 1;
    return length > name && memcmp(text, key, name) == 0 && text[name] == '=';
}

static enum px_status parse_options(const char *text, size_t length, struct px_gen *gen, struct px_error *err)
{
    const struct px_generator *generator = gen->generator;
    const char *value;
    unsigned long number;
    if (generator->takes_length && has_key(text, length, "length", &value) &&
        parse_number(value, (size_t)(text + length - value), LENGTH_MAX, &number) && number > 0) {
        gen->options.length = (uint32_t)number;
        return PX_OK;
    }
    if (generator->takes_guest && has_key(text, length, "name", &value)) {
        gen->options.guest = px_guest_find(value, (size_t)(text + length - value));
        if (gen->options.guest)
            return PX_OK;
    }
    const char *expected = generator->takes_length  ? "length=1..4096"
                           : generator->takes_guest ? "name=GUEST, one of corpus/guests"
                                                    : "none";
    return px_fail(err, PX_ERR_INPUT, "generator %s: option '%.*s': expected %s", generator->name,
                   (int)(length < 40 ? length : 40), text, expected);
}

enum px_status px_gen_parse(const char *spec, struct px_gen *gen, struct px_error *err)
{
    size_t name = strcspn(spec, ":@"), options = 0;
    struct px_gen parsed = { .generator = find(spec, name) };
    if (name == 6 && memcmp(spec, "guided", name) == 0)
        return px_fail(err, PX_ERR_INPUT,
                       "generator guided: its programs depend on a corpus and replay from their files alone");
    if (!parsed.generator)
        return px_fail(err, PX_ERR_INPUT,
                       "generator '%.*s': expected mix, boundary, straight, control, memory, compressed, "
                       "hostcall, hostile, gas, long or guest",
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
    else if (parsed.options.guest)
        (void)snprintf(parsed.spec, sizeof parsed.spec, "%s:name=%s", parsed.generator->name,
                       parsed.options.guest->name);
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
