#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "harness/commands.h"
#include "harness/engines.h"
#include "harness/isolate.h"
#include "harness/lockdown.h"
#include "harness/oracle/oracle.h"
#include "harness/wrong.h"
#include "jit/cpu.h"

/* What a line says of the thing it names. */
enum verdict { GOOD, SLOWER, ABSENT, MISSING };

struct doctor {
    bool json;
    unsigned lines, missing;
};

static void tell(struct doctor *d, enum verdict verdict, const char *name, const char *text)
{
    static const char *const words[] = {
        [GOOD] = "ok", [SLOWER] = "slower", [ABSENT] = "absent", [MISSING] = "MISSING"
    };
    if (d->json)
        printf("%s\"%s\": {\"verdict\": \"%s\", \"text\": \"%s\"}", d->lines ? ", " : "", name,
               words[verdict], text);
    else
        printf("  %-8s %-14s %s\n", words[verdict], name, text);
    d->lines++;
    d->missing += verdict == MISSING;
}

static void check_cpu(struct doctor *d)
{
    char text[96], spelling[JIT_CPU_TEXT];
    unsigned features = jit_cpu_host();
    jit_cpu_format(features, spelling);
    (void)snprintf(text, sizeof text, "%s%s", spelling,
                   features == JIT_CPU_ALL ? "" : ": the recompiler has a fallback for what is not there");
    tell(d, features == JIT_CPU_ALL ? GOOD : SLOWER, "cpu", text);
    enum { FSGSBASE = 2 }; /* of AT_HWCAP2 */
    bool fsgsbase = getauxval(AT_HWCAP2) & FSGSBASE;
    tell(d, fsgsbase ? GOOD : SLOWER, "fsgsbase",
         fsgsbase ? "user code may write its segment base" : "a system call per run sets the segment base");
}

/* Each check runs in a process of its own: locking down is for good. */
static enum px_status open_engine(void *spec, struct px_error *err)
{
    struct engine engine;
    enum px_status status = engine_open(spec, &engine, err);
    if (status == PX_OK)
        engine_close(&engine);
    return status;
}

static enum px_status lock_down(void *unused, struct px_error *err)
{
    (void)unused;
    return lockdown_enter(err);
}

static enum px_status self_test(void *unused, struct px_error *err)
{
    unsigned caught;
    (void)unused;
    return px_self_test(&caught, err);
}

/* An opinion on one program; *arg is where the version goes. */
static enum px_status ask_oracle(void *arg, struct px_error *err)
{
    static const uint8_t halt[] = { 0x0b, 0x20, 0x00, 0x00 };
    struct oracle oracle;
    struct px_outcome out;
    struct px_program program;
    char *version = arg;
    px_program_init(&program);
    enum px_status status = oracle_version(version, ORACLE_VERSION_TEXT, err);
    if (status == PX_OK)
        status = px_program_append(&program, halt, sizeof halt);
    if (status == PX_OK)
        status = oracle_open(&oracle, err);
    if (status == PX_OK) {
        status = oracle_ask(&oracle, &program, &out, err);
        oracle_close(&oracle);
    }
    px_program_fini(&program);
    return status;
}

/* Only those who ask for it need it. */
static void check_oracle(struct doctor *d)
{
    char *version = isolate_share(ORACLE_VERSION_TEXT), text[96];
    struct px_error err = { "" };
    enum px_status status = version ? isolate_call(ask_oracle, version, &err) : PX_ERR_NOMEM;
    (void)snprintf(text, sizeof text, "qemu %s runs guests", status == PX_OK ? version : "");
    tell(d, status == PX_OK ? GOOD : ABSENT, "qemu", status == PX_OK ? text : err.text);
    isolate_unshare(version, ORACLE_VERSION_TEXT);
}

static void check_apart(struct doctor *d, const char *name, const char *good,
                        enum px_status (*body)(void *, struct px_error *), void *arg)
{
    struct px_error err = { "" };
    bool fine = isolate_call(body, arg, &err) == PX_OK;
    tell(d, fine ? GOOD : MISSING, name, fine ? good : err.text);
}

/* Tools that tests and development want; campaigns need none of them. */
static void check_tools(struct doctor *d)
{
    static const char *const tools[] = { "clang-19",     "llvm-mc-19", "riscv64-linux-gnu-as",
                                         "qemu-riscv64", "gdb",        "perf" };
    for (size_t i = 0; i < sizeof tools / sizeof tools[0]; i++) {
        char path[512];
        const char *search = getenv("PATH");
        bool found = false;
        for (const char *at = search ? search : ""; *at && !found; at += *at == ':') {
            size_t length = strcspn(at, ":");
            (void)snprintf(path, sizeof path, "%.*s/%s", (int)length, at, tools[i]);
            found = access(path, X_OK) == 0;
            at += length;
        }
        tell(d, found ? GOOD : ABSENT, tools[i],
             found ? path : "not found; only tests and development use it");
    }
}

static int run_doctor(const struct command *command, int argc, char **argv)
{
    struct doctor d = { .json = false };
    const struct option options[] = {
        { "json", OPTION_FLAG, &d.json, 0, 0, NULL, "one JSON object" },
    };
    int positional;
    int code = options_parse(command, options, sizeof options / sizeof options[0], argc, argv, &positional);
    if (code >= 0)
        return code;
    if (positional > 0)
        return options_fail(command, "unexpected '%.60s': see parallax doctor --help", argv[1]);
    fputs(d.json ? "{" : "What this machine offers:\n", stdout);
    check_cpu(&d);
    check_apart(&d, "interp", "the reference engine opens", open_engine, (void *)(uintptr_t)"interp");
    check_apart(&d, "block", "code memory, stack and 4 GiB window can be mapped", open_engine,
                (void *)(uintptr_t)"block");
    check_apart(&d, "sandbox", "seccomp filter and limits can be set", lock_down, NULL);
    check_apart(&d, "self-test", "every deliberately wrong engine is caught", self_test, NULL);
    check_oracle(&d);
    check_tools(&d);
    if (d.json)
        puts("}");
    else
        printf("%s\n", d.missing ? "Campaigns cannot run here before what is MISSING is there."
                                 : "Campaigns can run here.");
    return d.missing ? EXIT_USAGE : EXIT_AGREE;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "Tells what this machine offers: CPU features, sandbox, memory, tools.",
    .usage = "[OPTIONS]",
    .examples = "  parallax doctor\n",
    .run = run_doctor,
};
