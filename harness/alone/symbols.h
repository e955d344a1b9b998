/* Host code under the names of the guest instructions it stands for, for tools that only know addresses. */
#ifndef PX_ALONE_SYMBOLS_H
#define PX_ALONE_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "harness/engines.h"

enum { SYMBOL_NAME = 64 };

enum { SYMBOL_SHARED = PX_CODE_ROLE_COUNT }; /* a role: code that units share */

/* Host code that serves one guest instruction, or the entry of one block, or all of them. */
struct symbol {
    uint64_t address;
    uint32_t size;
    uint32_t pc;
    uint32_t role; /* enum px_code_role or SYMBOL_SHARED */
    char label[16]; /* of shared code */
};

/* How many symbols code of @code_size bytes has at most. */
size_t symbols_max(size_t code_size);

/* What @unit of @engine, prepared with PX_PREPARE_MAPPED, has, at most @room; 0: it is not compiled, or there is no memory. */
size_t symbols_collect(const struct engine *engine, const struct px_unit *unit, struct symbol *symbols,
                       size_t room);

/*
 * "guest_1c" for the instruction at 0x1c, "guest_1c_block" for the code that enters the block there, "guest_1c_cold" for rare
 * ways out, "guest_leave" behind the code's end: @code_size; "px_load8" for shared code.
 */
void symbol_name(const struct symbol *symbol, size_t code_size, char name[SYMBOL_NAME]);

/*
 * Tells a debugger of this process about @symbols, by the interface that gdb looks at, in place of those of an earlier call. NULL or
 * none: takes them back. PX_ERR_NOMEM.
 */
enum px_status symbols_tell_gdb(const struct symbol *symbols, size_t count, size_t code_size,
                                struct px_error *err) PX_CHECKED;

/*
 * Writes /tmp/perf-PID.map, where perf looks for names of code without a file, and its path to @path. PX_ERR_INPUT: it cannot be
 * written.
 */
enum px_status symbols_write_perf_map(const struct symbol *symbols, size_t count, size_t code_size, int pid,
                                      char *path, size_t path_size, struct px_error *err) PX_CHECKED;

#endif
