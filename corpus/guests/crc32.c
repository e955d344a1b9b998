/* CRC-32 (IEEE 802.3, reflected), one bit at a time. */
#include "guest.h"

enum { PER_UNIT = 256 };

static uint32_t add_byte(uint32_t crc, uint8_t byte)
{
    crc ^= byte;
    for (unsigned bit = 0; bit < 8; bit++)
        crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    return crc;
}

uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint32_t crc = 0xffffffff;
    for (uint64_t i = 0; i < size; i++)
        crc = add_byte(crc, input[i]);
    for (uint64_t i = 0; i < scale * PER_UNIT; i++)
        crc = add_byte(crc, size > 0 ? input[i % size] : (uint8_t)i);
    return ~crc;
}
