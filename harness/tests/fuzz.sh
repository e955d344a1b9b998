#!/usr/bin/env bash
# Seeds, and libFuzzer's targets from outside; the targets themselves only with PX_TEST_LONG=1, since they are built for it.
set -euo pipefail

about='Tests corpus/seeds, scripts/fuzz-seeds and scripts/fuzz-libfuzzer with the program that PARALLAX names (default
build/release/parallax): all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"

test_every_seed_says_why_and_agrees() {
    local seed why
    for seed in "$root"/corpus/seeds/*.px; do
        why=$(head -n 1 "$seed")
        if [[ ! $why =~ ^#\ [A-Z].{20,}\.$ ]]; then
            echo "$seed: expected a first line that says why it is here, found: $why"
            return 1
        fi
        run replay "$seed"
        expect_exit 0
        expect_stdout '^agrees    in 1 run$'
    done
}

test_seeds_become_corpora() {
    local count name
    "$root/scripts/fuzz-seeds" seeds
    count=$(find "$root/corpus/seeds" -name '*.px' | wc -l)
    [[ $(find seeds/fuzz_diff -name '*.pxb' | wc -l) == "$count" ]]
    [[ $(find seeds/fuzz_px -type f | wc -l) == $((2 * count)) ]]
    [[ $(find seeds/fuzz_decode -type f | wc -l) == "$count" ]]
    # Each program is what its seed is; each code as long as the words in it.
    for name in switch cut halt; do
        run convert --to=text "seeds/fuzz_diff/$name.pxb" "$name.px"
        expect_exit 0
        tail -n +2 "$root/corpus/seeds/$name.px" | cmp - "$name.px"
    done
    [[ $(od -An -tx1 seeds/fuzz_decode/halt) == ' 0b 20 00 00' ]]
    [[ $(od -An -tx1 seeds/fuzz_decode/cut) == ' 05 05 b7 55' ]]
    capture "$root/scripts/fuzz-seeds"
    expect_exit 2
    expect_stderr 'fuzz-seeds: expected one folder, see --help'
}

test_the_runner_refuses_what_it_does_not_know() {
    local runner=$root/scripts/fuzz-libfuzzer
    capture "$runner" --time soon
    expect_exit 2
    expect_stderr "fuzz-libfuzzer: --time: 'soon': expected a number of seconds"
    capture "$runner" --time
    expect_exit 2
    expect_stderr 'fuzz-libfuzzer: --time needs a value'
    capture "$runner" fuzz_nothing
    expect_exit 2
    expect_stderr "fuzz-libfuzzer: no target 'fuzz_nothing', expected one of harness/fuzz/fuzz_*.c"
    capture "$runner" --build nowhere fuzz_diff
    expect_exit 2
    expect_stderr "fuzz-libfuzzer: $PWD/nowhere/fuzz_diff is missing, run \`make MODE=fuzz CC=clang-19 fuzz-targets\`"
}

# A file that was renamed would be counted again, and nobody would know.
test_what_is_uncovered_is_there() {
    local line files
    while read -r line; do
        case $line in
        '' | '#'*) continue ;;
        src:*) mapfile -t files < <(cd "$root" && compgen -G "${line#src:}") ;;
        fun:*) mapfile -t files < <(cd "$root" && grep -lE "^[a-zA-Z].*[ *]${line#fun:}\(" vm/*.c jit/*.c) ;;
        *) files=() ;;
        esac
        if ((${#files[@]} == 0)); then
            echo "harness/fuzz/uncovered: $line: there is no such thing"
            return 1
        fi
    done <"$root/harness/fuzz/uncovered"
}

test_findings_become_programs_that_replay() {
    local finding runner=$root/scripts/fuzz-libfuzzer
    if [[ -z ${PX_TEST_LONG-} ]]; then return 0; fi
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --no-print-directory -s -C "$root" MODE=fuzz CC=clang-19 \
        fuzz-targets >/dev/null
    capture "$runner" --time 0 --out clean # the seeds alone
    expect_exit 0
    expect_stdout '^fuzz_diff +[0-9]+ inputs, .* edges, corpus 0$'
    capture "$runner" --time 9 --out clean
    expect_exit 0
    PX_ENGINES=interp,wrong:op=orc.b capture "$runner" --time 20 --out found fuzz_diff
    expect_exit 1
    finding=$(find found/findings -name '*.px')
    expect_stdout "^    parallax minimize --engines interp,wrong:op=orc.b .*/found/findings/.*\.px$"
    run replay --engines interp,wrong:op=orc.b "$finding"
    expect_exit 1
    run replay "$finding"
    expect_exit 0
    run minimize --engines interp,wrong:op=orc.b "$finding"
    expect_exit 1
    expect_stdout '# orc.b '
}

run_cases fuzz "$@"
