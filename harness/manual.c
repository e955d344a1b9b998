#include "harness/manual.h"

#include <stdio.h>
#include <string.h>

#include "generators/generator.h"
#include "harness/version.h"

static void call_all(const struct command *const *commands, size_t count, const char *argument)
{
    for (size_t i = 0; i < count; i++) {
        char name[32], argument_copy[32], *argv[] = { name, argument_copy, NULL };
        (void)snprintf(name, sizeof name, "%s", commands[i]->name);
        (void)snprintf(argument_copy, sizeof argument_copy, "%s", argument);
        (void)commands[i]->run(commands[i], 2, argv);
    }
}

/* --- the page --- */

/* Text as roff shows it: a dash stays one that can be copied, and no line is taken for a request. */
static void put_roff(const char *text)
{
    bool start = true;
    for (const char *c = text; *c != '\0'; c++) {
        if (start && (*c == '.' || *c == '\''))
            fputs("\\&", stdout);
        start = *c == '\n';
        if (*c == '\\')
            fputs("\\e", stdout);
        else if (*c == '-')
            fputs("\\-", stdout);
        else
            putchar(*c);
    }
}

static void put_literal(const char *lines)
{
    fputs(".PP\n.nf\n", stdout);
    put_roff(lines);
    fputs(".fi\n", stdout);
}

static void put_term(const char *term, const char *text)
{
    fputs(".TP\n.B ", stdout);
    put_roff(term);
    putchar('\n');
    put_roff(text);
    putchar('\n');
}

void manual_print_page_part(const struct command *command, const struct option *options, size_t count)
{
    fputs(".SS parallax ", stdout);
    put_roff(command->name);
    putchar(' ');
    put_roff(command->usage);
    putchar('\n');
    put_roff(command->summary);
    putchar('\n');
    for (size_t i = 0; i < count; i++) {
        fputs(".TP\n\\fB\\-\\-", stdout);
        put_roff(options[i].name);
        fputs("\\fR", stdout);
        if (options[i].kind != OPTION_FLAG) {
            fputs("=\\fI", stdout);
            put_roff(options[i].value);
            fputs("\\fR", stdout);
        }
        putchar('\n');
        put_roff(options[i].help);
        putchar('\n');
    }
    put_literal(command->examples);
}

void manual_print_page(const struct command *const *commands, size_t count)
{
    printf(".TH PARALLAX 1 \"\" \"parallax %s\" \"User Commands\"\n", px_build_id());
    fputs(".SH NAME\nparallax \\- find programs on which an interpreter and its recompiler disagree\n"
          ".SH SYNOPSIS\n.B parallax\n.I COMMAND\n.RI [ OPTIONS ]\n"
          ".SH DESCRIPTION\n"
          "Parallax makes programs for a small RISC\\-V machine, runs each on several engines from the same "
          "state, and\n"
          "compares all that can be observed. What differs is confirmed in a fresh process, minimized, and "
          "kept with a\n"
          "file that reproduces it.\n"
          ".PP\nEvery command has\n.BR \\-\\-help ;\n.B parallax \\-\\-version\nnames build and generators.\n"
          ".SH COMMANDS\n",
          stdout);
    call_all(commands, count, MANUAL_PAGE_ARGUMENT);
    fputs(".SH GENERATORS\n", stdout);
    for (size_t i = 0; px_generators[i]; i++)
        put_term(px_generators[i]->name, px_generators[i]->summary);
    fputs(".SH EXIT STATUS\n", stdout);
    put_term("0", "The engines agree.");
    put_term("1", "They do not.");
    put_term("2", "A mistake on the command line or in a file, or something is missing on this machine.");
    put_term("3", "Parallax itself failed.");
    put_term("130", "Interrupted; what was found is kept.");
    fputs(".SH ENVIRONMENT\n", stdout);
    put_term("PX_SANDBOX", "off: go on without a system call filter where the kernel lends none.");
    fputs(".SH FILES\n", stdout);
    put_term("*.px", "A program as text, with its registers, memory, gas and what is expected of it.");
    put_term("*.pxb", "The same in the binary form.");
    put_term("parallax-out/", "What a campaign found, a folder for each kind of divergence.");
}

/* --- completion --- */

void manual_print_completion_part(const struct command *command, const struct option *options, size_t count)
{
    printf("    %s) words='", command->name);
    for (size_t i = 0; i < count; i++)
        printf("--%s%s ", options[i].name, options[i].kind == OPTION_FLAG ? "" : "=");
    fputs("--help'", stdout);
    /* Kinds of values: words to choose from, or none for numbers; what is left out is a file. */
    for (size_t i = 0; i < count; i++) {
        if (options[i].kind == OPTION_NUMBER)
            printf(" number+=' --%s '", options[i].name);
        else if (strcmp(options[i].name, "gen") == 0)
            printf(" generator+=' --%s '", options[i].name);
    }
    fputs(" ;;\n", stdout);
}

void manual_print_completion(const struct command *const *commands, size_t count)
{
    fputs("# Completion of parallax for bash, made from its option tables.\n"
          "_parallax() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    local words='' number='' generator=''\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '",
          stdout);
    for (size_t i = 0; i < count; i++)
        printf("%s ", commands[i]->name);
    fputs("--help --version' -- \"$current\")\n"
          "        return\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]} in\n",
          stdout);
    call_all(commands, count, MANUAL_COMPLETION_ARGUMENT);
    fputs("    *) return ;;\n"
          "    esac\n"
          "    # The '=' of --option=value is a word of its own.\n"
          "    if [[ $current == = ]]; then current=''; elif [[ $before == = ]]; then "
          "before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
          "    if [[ $generator == *\" $before \"* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '",
          stdout);
    for (size_t i = 0; px_generators[i]; i++)
        printf("%s ", px_generators[i]->name);
    fputs("' -- \"$current\")\n"
          "    elif [[ $number == *\" $before \"* ]]; then\n"
          "        compopt +o default\n"
          "    elif [[ $current == -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "        if [[ ${COMPREPLY[0]-} == *= ]]; then compopt -o nospace; fi\n"
          "    fi\n"
          "}\n"
          "complete -o default -F _parallax parallax\n",
          stdout);
}
