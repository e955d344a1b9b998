/* The subcommands of parallax, one file each. */
#ifndef PX_COMMANDS_H
#define PX_COMMANDS_H

#include "harness/options.h"

extern const struct command command_fuzz, command_gate, command_run, command_replay, command_minimize,
    command_locate, command_disasm, command_stats, command_profile, command_convert, command_emit,
    command_bench, command_doctor, command_mint;

#endif
