/*
 * Golden vectors: programs, the registers to run them with, and what an oracle says comes of it. Engines are held
 * against them without any oracle. A file is
 *
 *   parallax-vectors 1 rv64e-jar.1
 *   oracle qemu-7.2
 *   minted 2026-11-21
 *   cases 5280
 *   body 26345 xxh3=0123456789abcdef
 *
 * and then so many bytes. The checksum is that of all lines above it and of the body. In the body, numbers have 7 bits a byte, low
 * first, and bit 7 where more follow; values are numbers, too: places in the table that it begins with.
 *
 *   table     number; then 8 bytes each, low first
 *   records   number; then for each
 *     program   number of bytes, then the binary form (vm/program_binary.h), without origin and expectation
 *     inputs    2 bytes, low first, bit i: a case seeds x[i]
 *     outputs   2 bytes: x[i] may end as something else than it began
 *     ends      number; then for each the exit (1 byte), its argument and the pc (values)
 *     cases     number; then for each: the place of its end (1 byte), if there is more than one; a value for each
 *               input; a value for each output
 */
#ifndef PX_VECTORS_H
#define PX_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "vm/program.h"

#define VECTORS_SUFFIX ".pxv"

enum {
    VECTORS_VERSION = 1,
    VECTORS_FILE_MAX = 16 << 20, /* bytes */
    VECTORS_CASES_MAX = 16 << 20, /* of a file */
    VECTORS_ENDS_MAX = 255, /* of a record */
    VECTORS_DATE_ROOM = 16,
    VECTORS_MAGIC_ROOM = 16, /* of the first bytes, by which such a file is known */
};

/* A file that was read. Zeroed is empty. */
struct vectors {
    char *name;
    char oracle[PX_NAME_MAX];
    char date[VECTORS_DATE_ROOM]; /* "2026-11-21" */
    uint64_t cases;
    uint8_t *bytes; /* the body */
    size_t size;
    size_t value_count, records_at; /* of the table, and where what follows it begins */
};

/* Whether @bytes begin as a file of vectors does. */
bool vectors_are(const void *bytes, size_t size);

/* Whether @path ends as the names of such files do. */
bool vectors_is_path(const char *path);

/*
 * Reads @size @bytes, which @name stands for in messages, and checks every one of them. PX_ERR_INPUT: "FILE:LINE:COLUMN: found
 * ..., expected ..." or "FILE: body, offset N: ..."; PX_ERR_NOMEM. On failure @vectors is as it was. vectors_fini
 * frees.
 */
enum px_status vectors_read(struct vectors *vectors, const char *name, const void *bytes, size_t size,
                            struct px_error *err) PX_CHECKED;
enum px_status vectors_load(struct vectors *vectors, const char *path, struct px_error *err) PX_CHECKED;
void vectors_fini(struct vectors *vectors);

/* --- one case after the other --- */

struct vectors_case {
    uint64_t index;            /* of the file */
    uint64_t x[PX_REG_COUNT];  /* to run it with */
    struct px_expect expect;   /* exit, pc and all registers; the oracle's name */
};

struct vectors_end {
    enum px_exit exit;
    int64_t arg;
    uint32_t pc;
};

/* Borrows the vectors and the error. */
struct vectors_cursor {
    const struct vectors *vectors;
    struct px_error *err;
    enum px_status status; /* sticky: the first failure */
    const uint8_t *at, *end;
    uint64_t records; /* that are left */
    struct px_program program; /* of the record at hand */
    uint16_t inputs, outputs;
    uint64_t end_count, cases; /* of it, cases: that are left */
    uint64_t index; /* of the next case */
    struct vectors_end ends[VECTORS_ENDS_MAX];
};

/* Stands before the first record. Of vectors that were read, nothing but want of memory can fail. */
void vectors_begin(struct vectors_cursor *cursor, const struct vectors *vectors, struct px_error *err);
void vectors_end(struct vectors_cursor *cursor);

/* Goes to the next record, past what is left of this one. False at the end, and when cursor->status is not PX_OK. */
bool vectors_next_record(struct vectors_cursor *cursor);

/* The next case of the record. False at its end, and when cursor->status is not PX_OK. */
bool vectors_next_case(struct vectors_cursor *cursor, struct vectors_case *out);

/*
 * Makes @program, which is initialized, case number @index, with its expectation. PX_ERR_INPUT: there are not so
 * many.
 */
enum px_status vectors_program(const struct vectors *vectors, uint64_t index, struct px_program *program,
                               struct px_error *err) PX_CHECKED;

/* --- writing --- */

struct vectors_run; /* a case as it was added */
struct vectors_record; /* a record as it was begun */

/* Zeroed is empty. */
struct vectors_writer {
    struct vectors_record *records;
    size_t record_count, record_capacity;
    struct vectors_run *runs;
    size_t run_count, run_capacity;
};

void vectors_writer_fini(struct vectors_writer *writer);

/* Begins a record: a copy of @program without origin and expectation. A record without cases is not written. */
enum px_status vectors_writer_record(struct vectors_writer *writer, const struct px_program *program,
                                     struct px_error *err) PX_CHECKED;

/* Adds a case to it. PX_ERR_FULL: the record has too many different ends; begin another one with the same program. */
enum px_status vectors_writer_case(struct vectors_writer *writer, const uint64_t x[PX_REG_COUNT],
                                   const struct px_outcome *outcome, struct px_error *err) PX_CHECKED;

/*
 * Makes the file: the same cases give the same bytes. The caller frees *bytes. @oracle and @date must be what the reader
 * takes.
 */
enum px_status vectors_writer_finish(const struct vectors_writer *writer, const char *oracle,
                                     const char *date, char **bytes, size_t *size,
                                     struct px_error *err) PX_CHECKED;

/* --- between reader and writer --- */

/* Writes the lines above the body. */
enum px_status vectors_write_head(FILE *file, const struct vectors *head, uint64_t checksum);

/* Of the lines above "body" and of the body. */
uint64_t vectors_checksum(const struct vectors *head);

/* Finds the table in the body; the first part of reading it. */
enum px_status vectors_index_body(struct vectors *vectors, struct px_error *err) PX_CHECKED;

#endif
