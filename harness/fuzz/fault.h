/* Signals for fuzz targets: engines that notice first touches by faults get theirs, all others go to the fuzzer's handlers. */
#ifndef PX_FUZZ_FAULT_H
#define PX_FUZZ_FAULT_H

#include "harness/run.h"

/*
 * From now on SIGSEGV and SIGBUS go to the engines of @run first. To be called when the fuzzer's and the sanitizer's handlers
 * are there, that is with the first input. PX_ERR_SYSTEM.
 */
enum px_status fuzz_fault_install(struct run *run, struct px_error *err) PX_CHECKED;

#endif
