/*
 * The units of an engine, as every engine of this tree keeps them: those in use, to be released with the engine, and
 * those put by, with the memory that they have grown.
 */
#ifndef PX_UNITS_H
#define PX_UNITS_H

#include <stddef.h>
#include <stdlib.h>

/*
 * What belongs to a unit for more code than this goes with it, so that one large program does not cost memory for ever:
 * units take turns, and each would keep room for the largest that it ever held.
 */
enum { PX_UNIT_KEPT = 512 };

/* Bytes of code that a unit for @code_size of them takes room for: with the least, at once what it may keep. */
static inline size_t px_unit_room(size_t code_size)
{
    return code_size > PX_UNIT_KEPT ? code_size : PX_UNIT_KEPT;
}

/* First member of an engine's struct px_unit. */
struct px_unit_link {
    struct px_unit_link *next, *previous;
};

/* A zeroed one is empty. */
struct px_units {
    struct px_unit_link *used, *free;
    size_t used_count;
};

/* A unit of @size bytes, put by or zeroed, that is in use from now on; NULL when memory is refused. */
static inline void *px_units_take(struct px_units *units, size_t size)
{
    struct px_unit_link *unit = units->free;
    if (unit)
        units->free = unit->next;
    else if (!(unit = calloc(1, size)))
        return NULL;
    unit->previous = NULL;
    unit->next = units->used;
    if (unit->next)
        unit->next->previous = unit;
    units->used = unit;
    units->used_count++;
    return unit;
}

/* Puts a unit in use by. */
static inline void px_units_put(struct px_units *units, struct px_unit_link *unit)
{
    if (unit->previous)
        unit->previous->next = unit->next;
    else
        units->used = unit->next;
    if (unit->next)
        unit->next->previous = unit->previous;
    unit->next = units->free;
    unit->previous = NULL;
    units->free = unit;
    units->used_count--;
}

/* The next unit to free, in use or not; NULL: that was the last. */
static inline void *px_units_drain(struct px_units *units)
{
    struct px_unit_link **list = units->used ? &units->used : &units->free, *unit = *list;
    if (unit)
        *list = unit->next;
    return unit;
}

#endif
