#!/usr/bin/env bash
# What becomes of planted bugs: scripts/measure-bugs over real patches. Reports like a cmocka program.
set -euo pipefail

about='Plants bugs of corpus/bugs in this tree and tests into how many buckets they fall: all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"

measure() { capture "$root/scripts/measure-bugs" "$@"; } # argument...

wrong() { # line argument...
    local line=$1
    shift
    measure "$@"
    expect_exit 2
    expect_stderr "measure-bugs: $line"
    expect_empty out
}

test_one_bug_is_one_bucket_and_two_are_two_over_seeds() {
    measure buckets 302 104+701 --stop-after 30
    expect_exit 0
    expect_empty err
    expect_stdout '^302       shift-loses-count-in-rd  +60        1$'
    expect_stdout '^          60 interp\|block:shift:reg:rd=rs2$'
    expect_stdout '^104\+701   sub-reversed-in-place \+ gate-off-by-one  +60        2$'
    expect_stdout '^          [0-9]+ interp\|block:sub:reg:rd=rs2$'
    expect_stdout '^          [0-9]+ interp\|block:gate:exit:none/out_of_gas$'
}

test_a_bug_that_kills_the_reference_is_located_all_the_same() {
    measure buckets 207 --seeds 1 --stop-after 1
    expect_exit 0
    expect_empty err
    expect_stdout '^          1 interp\|block:rem:SIGFPE:int-min/-1$'
}

test_the_report_tells_how_a_bug_is_found_minimized_and_located() {
    measure report 407 --seeds 2
    expect_exit 0
    expect_empty err
    expect_stdout '^407  sb-without-rex  +2/2  +[1-9][0-9]* +[0-9.]+     1  sb                 yes$'
    expect_stdout '^located op is a patched one: 1 of 1$'
    measure report 407 --seeds 1 --programs 1
    expect_exit 1
    expect_stdout '^407  sb-without-rex  +0/1  +- +- +-  -                  no$'
}

test_bad_input_gets_one_line() {
    wrong "no patch to measure: name one" buckets
    wrong "unknown argument 'x1', see --help" report x1
    wrong "--seeds needs a number from 1" report 302 --seeds 0
    wrong "mode 'fast', expected release, debug, asan or ubsan" report 302 --mode fast
    wrong "no compiler 'nocc'" report 302 --cc nocc
    wrong "unknown command 'list', see --help" list
}

run_cases buckets "$@"
