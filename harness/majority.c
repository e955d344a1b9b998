#include "harness/majority.h"

#include "vm/put.h"

void majority_set(struct majority *majority, size_t a, size_t b, enum relation relation)
{
    majority->relation[a][b] = majority->relation[b][a] = (uint8_t)relation;
}

void majority_make_harmless(struct majority *majority)
{
    for (size_t a = 0; a < MAJORITY_MAX; a++)
        for (size_t b = 0; b < MAJORITY_MAX; b++)
            if (majority->relation[a][b] > RELATION_DIFFER)
                majority->relation[a][b] = RELATION_UNKNOWN;
}

enum { ABSENT, ABSTAINS, FIRST_GROUP }; /* parts; from FIRST_GROUP on engines that agree */

/* Whether @e does not differ from either of two that differ from each other. */
static bool abstains(const struct majority *m, size_t e, size_t count)
{
    for (size_t a = 0; a < count; a++)
        for (size_t b = a + 1; b < count; b++)
            if (a != e && b != e && m->relation[a][b] == RELATION_DIFFER &&
                m->relation[e][a] != RELATION_DIFFER && m->relation[e][b] != RELATION_DIFFER)
                return true;
    return false;
}

static bool is_present(const struct majority *m, size_t e, size_t count)
{
    for (size_t other = 0; other < count; other++)
        if (other != e && m->relation[e][other] != RELATION_UNKNOWN)
            return true;
    return false;
}

/* Gives each engine its part; returns one more than the highest. */
static unsigned divide(const struct majority *m, size_t count, unsigned *part)
{
    unsigned next = FIRST_GROUP;
    for (size_t e = 0; e < count; e++) {
        part[e] = !is_present(m, e, count) ? ABSENT : abstains(m, e, count) ? ABSTAINS : next;
        for (size_t other = 0; other < e && part[e] == next; other++)
            if (part[other] >= FIRST_GROUP && m->relation[e][other] == RELATION_AGREE)
                part[e] = part[other];
        next += part[e] == next;
    }
    return next;
}

/* "a", "a and b", "a, b and c": the engines of @group. */
static void put_group(struct px_put *line, const char *const *names, size_t count, const unsigned *part,
                      unsigned group)
{
    size_t left = 0, all;
    for (size_t e = 0; e < count; e++)
        left += part[e] == group;
    all = left;
    for (size_t e = 0; e < count; e++) {
        if (part[e] != group)
            continue;
        px_put(line, "%s%s", left == all ? "" : left == 1 ? " and " : ", ", names[e]);
        left--;
    }
}

static size_t members(const unsigned *part, size_t count, unsigned group)
{
    size_t sum = 0;
    for (size_t e = 0; e < count; e++)
        sum += part[e] == group;
    return sum;
}

static void put_verdict(struct px_put *line, const char *const *names, size_t count, const unsigned *part,
                        unsigned end)
{
    size_t first = members(part, count, FIRST_GROUP);
    size_t second = end > FIRST_GROUP + 1 ? members(part, count, FIRST_GROUP + 1) : 0;
    if (end == FIRST_GROUP + 2 && first != second) {
        unsigned odd = first < second ? FIRST_GROUP : FIRST_GROUP + 1;
        unsigned even = 2 * FIRST_GROUP + 1 - odd;
        put_group(line, names, count, part, odd);
        px_put(line, "%s",
               (first < second ? first : second) == 1 ? " stands alone against " : " stand against ");
        put_group(line, names, count, part, even);
        return;
    }
    px_put(line, "no majority: ");
    for (unsigned group = FIRST_GROUP; group < end; group++) {
        px_put(line, "%s", group == FIRST_GROUP ? "" : " against ");
        put_group(line, names, count, part, group);
    }
}

bool majority_describe(const struct majority *majority, const char *const *names, size_t count, char *text,
                       size_t size)
{
    unsigned part[MAJORITY_MAX] = { 0 };
    struct px_put line = px_put_begin(text, size);
    unsigned end = divide(majority, count, part);
    if (count - members(part, count, ABSENT) < 3 || end < FIRST_GROUP + 2)
        return false;
    put_verdict(&line, names, count, part, end);
    if (members(part, count, ABSTAINS) > 0) {
        px_put(&line, "; ");
        put_group(&line, names, count, part, ABSTAINS);
        px_put(&line, " cannot tell");
    }
    return true;
}
