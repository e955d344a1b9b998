/*
 * A code generator that is hostile: the recompiler, in whose units for some chosen programs given bytes stand in place of
 * the code. What they do to the process they do as generated code does it, entered and left the same way.
 */
#ifndef PX_TESTS_ATTACK_H
#define PX_TESTS_ATTACK_H

#include "harness/run.h"
#include "vm/program.h"

/*
 * Eight bytes in the code that become an address (or a size) of the process that is attacked. The context is at rsp, the
 * guest's window at gs.
 */
#define ATTACK_LEAVE "@leave@@"  /* where generated code leaves by */
#define ATTACK_ALIAS "@alias@@"  /* the code itself, where it can be written */
#define ATTACK_ENGINE "@engine@" /* the engine's instance */
#define ATTACK_HEAP "@heap@@@"   /* the heap, ... */
#define ATTACK_HEAP_SIZE "@heapsz@"
#define ATTACK_SHARED "@shared@" /* the memory shared with the supervisor, ... */
#define ATTACK_SHARED_SIZE "@shrdsz@"

enum { ATTACK_BYTES_MAX = 192, ATTACKS_MAX = 99 };

struct attack {
    const char *name;
    const char *code;
    size_t size;
    const char
        *expected; /* what is found, as finding_format says; alternatives separated by '|'; "differs" */
};

/* The programs to attack, and with what. For attack_open, which has no argument for it. */
void attack_plan(const struct attack *attacks, size_t count);

/* Attack number @attack of the plan is for @program. */
void attack_choose(size_t attack, struct px_program *program);

/* Opens the reference as engine 0 and the hostile one on top of engine @spec as engine 1. */
enum px_status attack_open(const char *spec, struct run *run, struct px_error *err) PX_CHECKED;

#endif
