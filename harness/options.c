#include "harness/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/manual.h"

int options_fail(const struct command *command, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "parallax %s: ", command->name);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return EXIT_USAGE;
}

int options_fail_status(const struct command *command, enum px_status status, const struct px_error *err)
{
    fprintf(stderr, "parallax %s: %s\n", command->name, err->text);
    return status == PX_ERR_INTERNAL ? EXIT_BROKEN : EXIT_USAGE;
}

static void print_help(const struct command *command, const struct option *options, size_t count)
{
    printf("usage: parallax %s %s\n\n%s\n\noptions:\n", command->name, command->usage, command->summary);
    for (size_t i = 0; i < count; i++) {
        char left[48];
        (void)snprintf(left, sizeof left, "--%s%s%s", options[i].name,
                       options[i].kind == OPTION_FLAG ? "" : "=",
                       options[i].kind == OPTION_FLAG ? "" : options[i].value);
        printf("  %-26s %s\n", left, options[i].help);
    }
    printf("  %-26s %s\n\nexamples:\n%s", "--help", "this text", command->examples);
}

typedef void print_fn(const struct command *command, const struct option *options, size_t count);

/* What @arg asks to be told; NULL: nothing. */
static print_fn *help_of(const char *arg)
{
    if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
        return print_help;
    if (strcmp(arg, MANUAL_PAGE_ARGUMENT) == 0)
        return manual_print_page_part;
    return strcmp(arg, MANUAL_COMPLETION_ARGUMENT) == 0 ? manual_print_completion_part : NULL;
}

static const struct option *find(const struct option *options, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

static bool parse_number(const char *text, uint64_t *value)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text;
    const char *allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";
    if (*digits == '\0' || digits[strspn(digits, allowed)] != '\0')
        return false;
    errno = 0;
    *value = strtoull(digits, NULL, hex ? 16 : 10);
    return errno == 0;
}

static int set(const struct command *command, const struct option *option, const char *value)
{
    uint64_t number;
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->target = true;
        break;
    case OPTION_NUMBER:
    case OPTION_GIVEN:
        if (!parse_number(value, &number) || number < option->min || number > option->max)
            return options_fail(command, "--%s: '%.60s': expected a number from %" PRIu64 " to %" PRIu64,
                                option->name, value, option->min, option->max);
        if (option->kind == OPTION_GIVEN)
            *(struct option_given *)option->target = (struct option_given){ .value = number, .given = true };
        else
            *(uint64_t *)option->target = number;
        break;
    case OPTION_TEXT:
        *(const char **)option->target = value;
        break;
    }
    return -1;
}

int options_parse(const struct command *command, const struct option *options, size_t count, int argc,
                  char **argv, int *positional)
{
    bool only_positional = false;
    int kept = 0;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (only_positional || arg[0] != '-' || arg[1] == '\0') {
            argv[1 + kept++] = argv[i];
            continue;
        }
        if (strcmp(arg, "--") == 0) {
            only_positional = true;
            continue;
        }
        print_fn *help = help_of(arg);
        if (help) {
            help(command, options, count);
            return EXIT_AGREE;
        }
        size_t length = arg[1] == '-' ? strcspn(arg + 2, "=") : 0;
        const struct option *option = length ? find(options, count, arg + 2, length) : NULL;
        if (!option)
            return options_fail(command, "unknown option '%.60s': see parallax %s --help", arg,
                                command->name);
        const char *value = arg[2 + length] == '=' ? arg + 3 + length : NULL;
        if (option->kind == OPTION_FLAG && value)
            return options_fail(command, "--%s takes no value", option->name);
        if (option->kind != OPTION_FLAG && !value && i + 1 == argc)
            return options_fail(command, "--%s: expected a value (%s)", option->name, option->value);
        if (option->kind != OPTION_FLAG && !value)
            value = argv[++i];
        int code = set(command, option, value);
        if (code >= 0)
            return code;
    }
    *positional = kept;
    return -1;
}
