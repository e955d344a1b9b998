#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "generators/generator.h"
#include "harness/commands.h"
#include "harness/manual.h"
#include "harness/version.h"

static const struct command *const commands[] = { &command_fuzz,    &command_gate,     &command_replay,
                                                  &command_run,     &command_minimize, &command_locate,
                                                  &command_convert, &command_emit,     &command_mint,
                                                  &command_disasm,  &command_stats,    &command_profile,
                                                  &command_bench,   &command_doctor };

static void print_help(void)
{
    printf("usage: parallax COMMAND [OPTIONS]\n\n"
           "Finds programs on which a virtual machine's interpreter and its recompiler "
           "disagree.\n\ncommands:\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf("\n  parallax COMMAND --help    options and examples\n"
           "  parallax --version         build and generator versions\n"
           "  parallax --man             the man page\n"
           "  parallax --completion=bash completion for bash\n\n"
           "exit codes: 0 agree, 1 divergence, 2 usage or environment, 3 internal error, 130 interrupted\n");
}

static void print_version(void)
{
    printf("parallax %s\nguest %s\ngenerators", px_build_id(), PX_GUEST_NAME);
    for (size_t i = 0; px_generators[i]; i++)
        printf(" %s@%u", px_generators[i]->name, px_generators[i]->version);
    putchar('\n');
}

static int run(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        print_help();
        return EXIT_AGREE;
    }
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        print_version();
        return EXIT_AGREE;
    }
    if (argc == 2 && strcmp(argv[1], "--man") == 0) {
        manual_print_page(commands, sizeof commands / sizeof commands[0]);
        return EXIT_AGREE;
    }
    if (argc == 2 && strcmp(argv[1], "--completion=bash") == 0) {
        manual_print_completion(commands, sizeof commands / sizeof commands[0]);
        return EXIT_AGREE;
    }
    for (size_t i = 0; argc >= 2 && i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(commands[i], argc - 1, argv + 1);
    if (argc < 2)
        fprintf(stderr, "parallax: expected a command: see parallax --help\n");
    else
        fprintf(stderr, "parallax: unknown command '%.60s': see parallax --help\n", argv[1]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like any other */
    int code = run(argc, argv);
    if (code == EXIT_USAGE || (fflush(stdout) == 0 && !ferror(stdout)))
        return code; /* a mistake has been told already */
    fprintf(stderr, "parallax: standard output takes no more: results are lost\n");
    return code == EXIT_AGREE ? EXIT_USAGE : code;
}
