/* Host CPU features that change generated code (RECOMPILER.md). SSE2 and the rest of baseline x86-64 are assumed. */
#ifndef PX_JIT_CPU_H
#define PX_JIT_CPU_H

#include <stddef.h>

#include "vm/status.h"

enum {
    JIT_CPU_BMI1 = 1, /* andn, tzcnt */
    JIT_CPU_BMI2 = 2, /* shlx, shrx, sarx, rorx */
    JIT_CPU_LZCNT = 4,
    JIT_CPU_POPCNT = 8,
    JIT_CPU_ALL = 15,
    JIT_CPU_TEXT = 32, /* bytes that hold any spelling */
};

/* JIT_CPU_* of this machine. */
unsigned jit_cpu_host(void);

/*
 * Parses "host", "baseline" or features joined by '+' ("bmi1+popcnt") into @features. PX_ERR_INPUT names an unknown
 * feature, or one that this machine lacks.
 */
enum px_status jit_cpu_parse(const char *text, size_t length, unsigned *features,
                             struct px_error *err) PX_CHECKED;

/* The canonical spelling: "baseline" or features joined by '+'. */
void jit_cpu_format(unsigned features, char text[JIT_CPU_TEXT]);

#endif
