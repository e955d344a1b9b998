/* The program files of a corpus. */
#ifndef PX_GATE_FILES_H
#define PX_GATE_FILES_H

#include "harness/gate/gate.h"

/*
 * Adds every .px file below CORPUS/regress, CORPUS/vectors and CORPUS/seeds to @gate as a case, by path; names that begin with
 * a dot are left out, links are followed. A folder that is not there is noted as missing. PX_ERR_INPUT: @corpus is not
 * there and @named by the user, or something in it cannot be read, or a file is no program: its message says where.
 */
enum px_status gate_find_files(struct gate *gate, bool named, struct px_error *err) PX_CHECKED;

#endif
