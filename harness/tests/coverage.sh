#!/usr/bin/env bash
# scripts/coverage judges what was measured; scripts/check-ossfuzz builds for real.
set -euo pipefail

usage() {
    cat <<'TEXT'
usage: harness/tests/coverage.sh [TEST]...

Tests scripts/coverage --judge and scripts/check-ossfuzz, the latter in full with PX_TEST_LONG=1: all TESTs, or those given.
TEXT
}

if [[ ${1-} == --help ]]; then
    usage
    exit 0
fi
cd "$(dirname "$0")/../.."
# shellcheck source=harness/tests/cases.bash
source harness/tests/cases.bash

# A report with @1 of 100 lines of a file of vm/ covered, @2 of jit/, and more lines as given.
report() { # covered covered [file line count]...
    local i
    for i in 1 2; do
        echo "SF:$root/$([[ $i == 1 ]] && echo vm/gas.c || echo jit/cost.c)"
        awk -v hits="${!i}" 'BEGIN { for (i = 1; i <= 100; i++) printf "DA:%d,%d\n", i, i <= hits ? 3 : 0 }'
        echo end_of_record
    done
    shift 2
    while (($# > 0)); do
        printf 'SF:%s/%s\nDA:%s,%s\nend_of_record\n' "$root" "$1" "$2" "$3"
        shift 3
    done
}

judge() { # report's arguments
    report "$@" >lcov
    capture "$root/scripts/coverage" --judge lcov
}

test_both_folders_have_their_95_percent() {
    judge 95 100
    expect_exit 0
    expect_stdout '^vm/gas.c +100 lines +95.00 %$'
    expect_stdout '^jit/ +100 lines +100.00 %$'
    judge 94 100
    expect_exit 1
    expect_stdout '^vm/: less than 95 %$'
    judge 100 94
    expect_exit 1
    expect_stdout '^jit/: less than 95 %$'
}

test_a_line_that_must_be_covered_is_or_has_a_reason() {
    local line
    judge 100 100 vm/exec_int.c 20 0
    expect_exit 1
    expect_stdout '^vm/exec_int.c:20: covered by nobody, and nobody says why$'
    judge 100 100 jit/lower_bit.c 20 0
    expect_exit 1
    expect_stdout '^jit/lower_bit.c:20: covered by nobody, and nobody says why$'
    judge 100 100 vm/exec_int.c 20 1
    expect_exit 0
    line=$(grep -n '/\* uncovered: ' "$root/vm/decode.c" | sed -n 1p | cut -d : -f 1)
    judge 100 100 vm/decode.c "$line" 0
    expect_exit 0
    expect_stdout '^vm/decode.c .*\(1 explained\)$'
    judge 100 100 vm/decode.c $((line + 1)) 0
    expect_exit 0
    judge 100 100 vm/decode.c $((line - 1)) 0
    expect_exit 1
}

test_a_reason_for_what_is_covered_is_stale() {
    local line
    line=$(grep -n '/\* uncovered: ' "$root/vm/decode.c" | sed -n 1p | cut -d : -f 1)
    judge 100 100 vm/decode.c "$line" 1
    expect_exit 1
    expect_stdout "^vm/decode.c:$line: a reason for lines that are covered$"
}

test_a_report_about_nothing_is_no_proof() {
    : >lcov
    capture "$root/scripts/coverage" --judge lcov
    expect_exit 1
    expect_stdout '^expected lines of vm/ and of jit/$'
}

test_mistakes_are_named() {
    capture "$root/scripts/coverage" --time soon
    expect_exit 2
    expect_stderr "coverage: --time: 'soon': expected a number of seconds"
    capture "$root/scripts/coverage" --build nowhere
    expect_exit 2
    expect_stderr "coverage: $PWD/nowhere/fuzz_diff is missing, run \`make coverage\`"
    capture "$root/scripts/check-ossfuzz" memory/libfuzzer
    expect_exit 2
    expect_stderr "check-ossfuzz: unknown argument 'memory/libfuzzer', expected SANITIZER/ENGINE, see --help"
    capture env -u CC "$root/scripts/build-ossfuzz"
    expect_exit 2
    expect_stderr 'build-ossfuzz: CC is not set, see --help'
}

test_targets_are_what_oss_fuzz_expects() {
    if [[ -z ${PX_TEST_LONG-} ]]; then return 0; fi
    capture "$root/scripts/check-ossfuzz"
    expect_exit 0
    [[ $(grep -c ': as expected$' out) == 6 ]]
}

run_cases coverage "$@"
