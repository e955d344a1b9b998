/*
 * Runs a guest as a program of Linux, without a C library: natively, or on RISC-V under qemu. Reads from standard
 * input eight bytes of scale, eight bytes that say how often to run (0: once), and the guest's input behind them; prints
 * the checksum in hex and the shortest run's processor time in nanoseconds.
 */
#include "guest.h"

enum { INPUT_MAX = 1 << 16, CLOCK_PROCESS = 2 };

#if defined(__riscv)
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT = 94, SYS_CLOCK = 113 };

/* A program for 16 registers has the number in t0, where the others have it in x17. */
static long system_call(long number, long a, long b, long c)
{
    register long n __asm__("t0") = number, x __asm__("a0") = a, y __asm__("a1") = b, z __asm__("a2") = c;
    __asm__ volatile("ecall" : "+r"(x) : "r"(n), "r"(y), "r"(z) : "memory");
    return x;
}

#elif defined(__x86_64__)
enum { SYS_READ = 0, SYS_WRITE = 1, SYS_EXIT = 231, SYS_CLOCK = 228 };

static long system_call(long number, long a, long b, long c)
{
    __asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return number;
}

#else
#error "expected RISC-V or x86-64"
#endif

static uint8_t buffer[16 + INPUT_MAX];

static void quit(long code)
{
    for (;;)
        (void)system_call(SYS_EXIT, code, 0, 0);
}

static uint64_t read_all(void)
{
    uint64_t size = 0;
    for (;;) {
        long got = system_call(SYS_READ, 0, (long)(buffer + size), (long)(sizeof buffer - size));
        if (got < 0)
            quit(2);
        if (got == 0)
            return size;
        size += (uint64_t)got;
    }
}

static uint64_t now(void)
{
    int64_t time[2];
    if (system_call(SYS_CLOCK, CLOCK_PROCESS, (long)time, 0) != 0)
        quit(2);
    return (uint64_t)time[0] * 1000000000 + (uint64_t)time[1];
}

static char *put_hex(char *at, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[value >> shift & 15];
    return at;
}

static char *put_decimal(char *at, uint64_t value)
{
    char digits[20];
    unsigned count = 0;
    do
        digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

void host_main(void);

void host_main(void)
{
    uint64_t size = read_all(), times = 0, best = UINT64_MAX, sum = 0;
    char line[48], *at = line;
    if (size < 16)
        quit(2);
    times = load64(buffer + 8);
    do {
        uint64_t start = now();
        sum = guest(buffer + 16, size - 16, load64(buffer));
        uint64_t spent = now() - start;
        best = spent < best ? spent : best;
    } while (times-- > 1);
    at = put_hex(at, sum);
    *at++ = ' ';
    at = put_decimal(at, best);
    *at++ = '\n';
    quit(system_call(SYS_WRITE, 1, (long)line, at - line) == at - line ? 0 : 2);
}

/* The kernel's stack is aligned to 16, which is what a call expects. */
__asm__(".globl _start\n_start:\n  call host_main\n");
