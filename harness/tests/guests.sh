#!/usr/bin/env bash
# Guest programs and their compiler, scripts/guest-cc: the same C gives the same number compiled for the guest, for this
# machine and for RISC-V under qemu. Reports like a cmocka program.
set -euo pipefail

about='Compiles the guests of corpus/guests and runs them: all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"

programs=$work/programs
guest_cc() { capture "$root/scripts/guest-cc" "$@"; }

# What a native or RISC-V program computes.
sum_of() { # command scale input
    local line
    line=$("$root/scripts/guests" run "$1" "$2" 0 "$3")
    echo "0x${line%% *}"
}

# The engines agree and compute the same.
expect_sum() { # image sum
    echo "expect exit=hostcall:0 x10=$2" >>"$1"
    run replay "$1"
    expect_exit 0
    expect_stdout '^agrees '
}

# A committed image with another input.
with_input() { # image scale input
    local size
    size=$(wc -c <"$3")
    sed -e '/^expect /d' -e '/^map 0x20000000 /d' -e "s/^reg x11 .*/reg x11 $size/" \
        -e "s/^reg x12 .*/reg x12 $2/" "$1"
    if ((size > 0)); then echo "map 0x20000000 0x1000 cow hex:$(od -An -v -tx1 "$3" | tr -d ' \n')"; fi
}

# --- corpus/guests -----------------------------------------------------------------------------------

test_committed_images_are_what_the_compiler_makes() {
    capture "$root/scripts/guests" check
    expect_exit 0
    if [[ -s out ]]; then sed 's/^/note: /' out; fi # another compiler is here: nothing was compared
}

test_every_guest_is_linked_into_the_program() {
    local name
    for name in $("$root/scripts/guests" list); do
        run stats --gen "guest:name=$name" --count 1
        expect_exit 0
    done
}

test_engines_qemu_and_native_code_compute_the_same() {
    local name scale native oracle
    "$root/scripts/guests" programs "$programs"
    head -c 500 "$root/scripts/guests" >text
    head -c 131 "$parallax" >bytes
    : >nothing
    for name in $("$root/scripts/guests" list); do
        for input in text:3 bytes:0 nothing:1; do
            scale=${input#*:}
            native=$(sum_of "$programs/$name.native" "$scale" "${input%:*}")
            oracle=$(sum_of "qemu-riscv64 $programs/$name.oracle" "$scale" "${input%:*}")
            if [[ $native != "$oracle" ]]; then
                echo "$name, $input: natively $native, under qemu $oracle"
                return 1
            fi
            with_input "$root/corpus/guests/$name.px" "$scale" "${input%:*}" >guest.px
            expect_sum guest.px "$native"
        done
    done
}

test_bench_measures_programs_beside_the_engines() {
    local options=(--quick --seconds 1 --repetitions 5)
    if [[ ! -d $programs ]]; then "$root/scripts/guests" programs "$programs"; fi
    run bench "${options[@]}" --filter guests/native/sieve --guests "$programs"
    expect_exit 0
    expect_stdout '^guests/native/sieve  .* M instructions/s$'
    run bench "${options[@]}" --filter qemu-to-native --guests "$programs"
    expect_exit 0
    expect_stdout '^guests/qemu-to-native  .* ratio$'
    run bench "${options[@]}" --filter guests/native/sieve
    expect_exit 2
    expect_stderr "parallax bench: no figure's name contains 'guests/native/sieve'"
    run bench "${options[@]}" --filter guests/native/sieve --guests "$work"
    expect_exit 2
    expect_stderr "parallax bench: $work/blake2b.native does not run: build it with scripts/guests programs"
    cp "$programs/crc32.native" "$work/blake2b.native"
    run bench "${options[@]}" --filter guests/native/sieve --guests "$work"
    expect_exit 2
    expect_stderr "parallax bench: $work/bytecode.native does not run: build it with scripts/guests programs"
    cp -r "$programs" wrong
    cp "$programs/crc32.native" wrong/sieve.native
    run bench "${options[@]}" --filter guests/native/sieve --guests wrong
    expect_exit 3
    grep -qE '^parallax bench: guests/native computes 0x[0-9a-f]{16} for sieve, the recompiler 0x[0-9a-f]{16}$' err
}

# --- scripts/guest-cc --------------------------------------------------------------------------------

source_with() { # name: the body of a guest on stdin
    {
        echo '#include "guest.h"'
        cat
    } >"$1.c"
}

test_guest_cc_makes_data_tables_and_calls_through_pointers_work() {
    source_with tables <<'C'
static uint64_t twice(uint64_t x) { return 2 * x; }
static uint64_t square(uint64_t x) { return x * x; }
static uint64_t (*volatile steps[])(uint64_t) = { twice, square, twice };
static uint64_t counters[600];
uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    uint64_t x = scale;
    for (uint64_t i = 0; i < size; i++) {
        counters[input[i]] += steps[input[i] % 3](x);
        x += counters[input[i] / 2] + counters[599 - input[i]];
    }
    return x;
}
C
    printf 'any input at all' >input
    "$root/scripts/guest-cc" --native -o native tables.c
    "$root/scripts/guest-cc" -o guest.px --scale 5 --input input tables.c
    expect_sum guest.px "$(sum_of ./native 5 input)"
    for kind in ro cow zero; do
        if ! grep -q "^map .* $kind" guest.px; then
            echo "no $kind mapping"
            return 1
        fi
    done
}

test_guest_cc_options_reach_the_image() {
    source_with plain <<'C'
uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale) { return input[0] * size * scale; }
C
    printf 'abc' >input
    guest_cc -o made.px --input input --scale 9 --gas 77777 --stack 8192 plain.c
    expect_exit 0
    grep -qx 'gas 77777' made.px
    grep -qx 'reg x11 0x3' made.px
    grep -qx 'reg x12 0x9' made.px
    grep -qx 'map 0x20000000 0x1000 ro hex:616263' made.px
    grep -qx 'map 0x109fe000 0x2000 zero' made.px
    guest_cc plain.c
    expect_exit 0
    grep -qx 'gas 1000000000' plain.px
    grep -qx 'map 0x109fc000 0x4000 zero' plain.px
}

test_guest_cc_refuses_instructions_that_the_guest_lacks() {
    source_with floating <<'C'
uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale)
{
    (void)input;
    __asm__ volatile(".4byte 0xc0102573");
    __asm__ volatile(".2byte 0x9002");
    return size + scale;
}
C
    guest_cc -o made.px floating.c
    expect_exit 1
    expect_empty out
    if ! grep -qE '^guest-cc: at 0x4000[0-9a-f]{2}: 0xc0102573 \(csrrs\) is not an instruction of the guest$' err ||
        ! grep -qE '^guest-cc: at 0x4000[0-9a-f]{2}: 0x9002 \(c.ebreak\) is not an instruction of the guest$' err; then
        show
        return 1
    fi
    if [[ -e made.px ]]; then
        echo "an image was left"
        return 1
    fi
}

test_guest_cc_says_what_is_wrong_with_the_source() {
    echo 'uint64_t guest(void) { return' >broken.c
    guest_cc broken.c
    expect_exit 1
    [[ $(tail -n 1 err) == 'guest-cc: broken.c does not compile' ]]
    source_with calls <<'C'
uint64_t elsewhere(uint64_t x);
uint64_t guest(const uint8_t *input, uint64_t size, uint64_t scale) { return elsewhere(input[0] + size + scale); }
C
    guest_cc calls.c
    expect_exit 1
    [[ $(tail -n 1 err) == 'guest-cc: calls.c does not link' ]]
    grep -q 'undefined symbol: elsewhere' err
}

test_guest_cc_refuses_bad_arguments() {
    local line
    touch some.c
    while IFS='|' read -r line arguments; do
        # shellcheck disable=SC2086 # words
        guest_cc $arguments
        expect_exit 2
        expect_stderr "guest-cc: $line"
        expect_empty out
    done <<'TABLE'
no source file, see --help|
unknown option '--fast', see --help|--fast some.c
'some.o': expected a .c file|some.o
none.c: cannot be read|none.c
-o needs a value|some.c -o
--scale: 'x', expected a decimal number|--scale x some.c
--gas: '-1', expected a decimal number|--gas -1 some.c
--stack: 100, expected a multiple of 4096 up to 2097152|--stack 100 some.c
--input: none cannot be read|--input none some.c
TABLE
}

test_guest_cc_says_what_to_install() {
    local tool
    touch some.c
    mkdir tools
    for tool in bash dirname cat; do ln -s "$(command -v "$tool")" tools/; done
    PATH=$PWD/tools guest_cc some.c
    expect_exit 2
    expect_stderr 'guest-cc: clang-19 is missing; on Debian: apt-get install --no-install-recommends clang-19 lld-19 llvm-19'
}

run_cases guests "$@"
