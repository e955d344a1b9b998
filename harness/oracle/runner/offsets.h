/* Offsets in struct runner that start.S uses; runner.c holds them against it. */
#ifndef PX_ORACLE_RUNNER_OFFSETS_H
#define PX_ORACLE_RUNNER_OFFSETS_H

#define RUNNER_X 0
#define RUNNER_RESUME 128

#endif
