/*
 * The three kinds of work of small embedded benchmarks, each fed with what the one before gave: a linked list that is
 * searched, reversed and merge-sorted; a matrix of 16-bit numbers; a state machine that reads numbers from text.
 */
#include "guest.h"

enum { ITEMS = 48, N = 8, TEXT = 96 };

static uint16_t crc16(uint16_t crc, uint16_t value)
{
    crc ^= value;
    for (unsigned bit = 0; bit < 16; bit++)
        crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
    return crc;
}

/* --- the list --- */

struct item {
    struct item *next;
    int16_t key, value;
};

static struct item items[ITEMS];

static struct item *make_list(uint64_t *seed)
{
    struct item *head = NULL;
    for (unsigned i = 0; i < ITEMS; i++) {
        *seed = mix_in(*seed, i);
        items[i] = (struct item){ .next = head, .key = (int16_t)*seed, .value = (int16_t)i };
        head = &items[i];
    }
    return head;
}

static struct item *reverse(struct item *list)
{
    struct item *reversed = NULL;
    while (list) {
        struct item *next = list->next;
        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static const struct item *find(const struct item *list, int16_t key)
{
    while (list && list->key != key)
        list = list->next;
    return list;
}

static int by_key(const struct item *x, const struct item *y)
{
    return x->key - y->key;
}

static int by_value(const struct item *x, const struct item *y)
{
    return x->value - y->value;
}

static struct item *merge(struct item *x, struct item *y,
                          int (*order)(const struct item *, const struct item *))
{
    struct item *head = NULL, **end = &head;
    while (x && y) {
        struct item **first = order(x, y) <= 0 ? &x : &y;
        *end = *first;
        end = &(*first)->next;
        *first = *end;
    }
    *end = x ? x : y;
    return head;
}

static struct item *sort(struct item *list, unsigned count,
                         int (*order)(const struct item *, const struct item *))
{
    if (count < 2) {
        if (list)
            list->next = NULL;
        return list;
    }
    struct item *half = list;
    for (unsigned i = 0; i < count / 2; i++)
        half = half->next;
    struct item *second = sort(half, count - count / 2, order);
    return merge(sort(list, count / 2, order), second, order);
}

static uint16_t work_on_list(uint64_t *seed, uint16_t crc)
{
    struct item *list = reverse(make_list(seed));
    for (unsigned i = 0; i < 8; i++) {
        const struct item *found = find(list, items[(i * 7 + crc) % ITEMS].key);
        crc = crc16(crc, found ? (uint16_t)found->value : 0xffff);
    }
    list = sort(list, ITEMS, by_key);
    for (const struct item *at = list; at && at->value > 4; at = at->next)
        crc = crc16(crc, (uint16_t)at->key);
    list = sort(list, ITEMS, by_value);
    return crc16(crc, (uint16_t)list->key);
}

/* --- the matrix --- */

static int16_t left[N][N], right[N][N];
static int32_t result[N][N];

static uint16_t work_on_matrix(uint64_t *seed, uint16_t crc)
{
    for (unsigned i = 0; i < N * N; i++) {
        *seed = mix_in(*seed, crc);
        left[i / N][i % N] = (int16_t)(*seed & 0xff);
        right[i / N][i % N] = (int16_t)(*seed >> 8);
    }
    for (unsigned i = 0; i < N; i++)
        for (unsigned j = 0; j < N; j++) {
            int32_t sum = 0;
            for (unsigned n = 0; n < N; n++)
                sum += (left[i][n] * right[n][j]) >> 5 & 0x7f;
            result[i][j] = sum;
        }
    for (unsigned i = 0; i < N * N; i++)
        crc = crc16(crc, (uint16_t)result[i / N][i % N]);
    return crc;
}

/* --- the state machine --- */

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, POWER, WRONG, STATES };

static enum state next_state(enum state state, uint8_t c)
{
    unsigned digit = (unsigned)c - '0' < 10, sign = c == '+' || c == '-';
    switch (state) {
    case START:
        return digit ? INTEGER : sign ? SIGN : c == '.' ? POINT : WRONG;
    case SIGN:
        return digit ? INTEGER : c == '.' ? POINT : WRONG;
    case INTEGER:
        return digit ? INTEGER : c == '.' ? POINT : c == 'e' ? EXPONENT : WRONG;
    case POINT:
    case FRACTION:
        return digit ? FRACTION : c == 'e' ? EXPONENT : WRONG;
    case EXPONENT:
        return digit ? POWER : sign ? EXPONENT_SIGN : WRONG;
    case EXPONENT_SIGN:
    case POWER:
        return digit ? POWER : WRONG;
    default:
        return WRONG;
    }
}

static uint8_t text[TEXT];

static uint16_t work_on_text(uint64_t *seed, uint16_t crc)
{
    static const uint8_t letters[] = "0123456789012345+-.e,x,,.e012345";
    uint16_t finals[STATES] = { 0 };
    for (unsigned i = 0; i < TEXT; i++) {
        *seed = mix_in(*seed, crc);
        text[i] = letters[*seed % 32];
    }
    enum state state = START;
    for (unsigned i = 0; i < TEXT; i++) {
        if (text[i] != ',') {
            state = next_state(state, text[i]);
            continue;
        }
        finals[state]++;
        state = START;
    }
    for (unsigned i = 0; i < STATES; i++)
        crc = crc16(crc, finals[i]);
    return crc;
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint64_t seed = size;
    uint16_t crc = 0;
    for (uint64_t i = 0; i < size; i++)
        seed = mix_in(seed, input[i]);
    for (uint64_t done = 0; done <= scale; done += 3) {
        crc = work_on_list(&seed, crc);
        crc = work_on_matrix(&seed, crc);
        crc = work_on_text(&seed, crc);
    }
    return mix_in(seed, crc);
}
