/*
 * The spelling of exits in .px files and reports.
 */
#include "vm/outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_TEXT_MAX = 40 };

static const char *const exit_names[PX_EXIT_COUNT] = {
    [PX_EXIT_HOSTCALL] = "hostcall", [PX_EXIT_MANAGE] = "manage",         [PX_EXIT_TRAP] = "trap",
    [PX_EXIT_PANIC] = "panic",       [PX_EXIT_PAGE_FAULT] = "page_fault", [PX_EXIT_OUT_OF_GAS] = "out_of_gas",
    [PX_EXIT_STOPPED] = "stopped",   [PX_EXIT_UNJUDGED] = "unjudged",
};

static const char *const panic_names[PX_PANIC_COUNT] = {
    [PX_PANIC_ILLEGAL] = "illegal",         [PX_PANIC_ECALL] = "ecall",
    [PX_PANIC_BAD_TARGET] = "bad-target",   [PX_PANIC_BAD_ENTRY] = "bad-entry",
    [PX_PANIC_END_OF_CODE] = "end-of-code", [PX_PANIC_BAD_LENGTH] = "bad-length",
};

static const char *const unjudged_names[PX_UNJUDGED_COUNT] = {
    [PX_UNJUDGED_EXTENSION] = "extension", [PX_UNJUDGED_HOSTCALL] = "hostcall", [PX_UNJUDGED_GAS] = "gas",
    [PX_UNJUDGED_TIME] = "time",           [PX_UNJUDGED_SIZE] = "size",         [PX_UNJUDGED_LOST] = "lost",
};

const char *px_exit_name(enum px_exit exit)
{
    return (unsigned)exit < PX_EXIT_COUNT ? exit_names[exit] : "unknown";
}

const char *px_panic_name(enum px_panic cause)
{
    return (unsigned)cause < PX_PANIC_COUNT ? panic_names[cause] : "unknown";
}

const char *px_unjudged_name(enum px_unjudged reason)
{
    return (unsigned)reason < PX_UNJUDGED_COUNT ? unjudged_names[reason] : "unknown";
}

size_t px_exit_format(const struct px_outcome *outcome, char *text, size_t size)
{
    const char *name = px_exit_name(outcome->exit);
    int length;
    switch (outcome->exit) {
    case PX_EXIT_HOSTCALL:
        length = snprintf(text, size, "%s:%" PRId64, name, outcome->arg);
        break;
    case PX_EXIT_PANIC:
        /* An engine under test may report any argument; the cast must not turn it into a cause. */
        if (outcome->arg < 0 || outcome->arg >= PX_PANIC_COUNT)
            length = snprintf(text, size, "%s:%" PRId64, name, outcome->arg);
        else
            length = snprintf(text, size, "%s:%s", name, px_panic_name((enum px_panic)outcome->arg));
        break;
    case PX_EXIT_UNJUDGED:
        length = snprintf(text, size, "%s:%s", name,
                          outcome->arg < 0 || outcome->arg >= PX_UNJUDGED_COUNT
                              ? "unknown"
                              : px_unjudged_name((enum px_unjudged)outcome->arg));
        break;
    case PX_EXIT_PAGE_FAULT:
        length = snprintf(text, size, "%s:0x%" PRIx64, name, (uint64_t)outcome->arg);
        break;
    default:
        length = snprintf(text, size, "%s", name);
        break;
    }
    return length > 0 ? (size_t)length : 0;
}

static bool parse_hostcall(const char *arg, int64_t *value)
{
    char *end;
    long long number = strtoll(arg, &end, 10);
    *value = number;
    return *end == '\0' && number >= -(1 << 19) && number < 1 << 19;
}

static bool parse_panic(const char *arg, int64_t *value)
{
    for (int i = 0; i < PX_PANIC_COUNT; i++)
        if (strcmp(arg, panic_names[i]) == 0) {
            *value = i;
            return true;
        }
    return false;
}

static bool parse_page(const char *arg, int64_t *value)
{
    char *end;
    unsigned long long number = strtoull(arg, &end, 16);
    *value = (int64_t)number;
    return *end == '\0' && number < PX_SPACE_SIZE && number % PX_PAGE_SIZE == 0;
}

static bool parse_unjudged(const char *arg, int64_t *value)
{
    for (int i = 0; i < PX_UNJUDGED_COUNT; i++)
        if (strcmp(arg, unjudged_names[i]) == 0) {
            *value = i;
            return true;
        }
    return false;
}

bool px_exit_parse(const char *text, struct px_outcome *outcome)
{
    size_t name_length = strcspn(text, ":");
    const char *arg = text[name_length] == ':' ? text + name_length + 1 : "";
    struct px_outcome parsed = { .exit = PX_EXIT_HOSTCALL };
    for (int i = 0; i < PX_EXIT_COUNT; i++)
        if (strlen(exit_names[i]) == name_length && memcmp(text, exit_names[i], name_length) == 0)
            parsed.exit = (enum px_exit)i;
    if (parsed.exit == PX_EXIT_HOSTCALL && !parse_hostcall(arg, &parsed.arg))
        return false;
    if (parsed.exit == PX_EXIT_PANIC && !parse_panic(arg, &parsed.arg))
        return false;
    if (parsed.exit == PX_EXIT_PAGE_FAULT && !parse_page(arg, &parsed.arg))
        return false;
    if (parsed.exit == PX_EXIT_UNJUDGED && !parse_unjudged(arg, &parsed.arg))
        return false;

    /* The C library reads more spellings than one; only the canonical one comes back unchanged. It also
     * tells an unknown name from the exit that stands in for it here. */
    char canonical[EXIT_TEXT_MAX];
    (void)px_exit_format(&parsed, canonical, sizeof canonical);
    if (strcmp(canonical, text) != 0)
        return false;
    outcome->exit = parsed.exit;
    outcome->arg = parsed.arg;
    return true;
}
