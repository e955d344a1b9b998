#!/usr/bin/env bash
# AFL++ from outside: it finds, what it finds replays, nothing leaks from one input to the next.
set -euo pipefail

about='Tests scripts/fuzz-afl with what make fuzz-afl builds and the program that PARALLAX names (default
build/release/parallax): all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
fuzz_afl=$root/scripts/fuzz-afl
target=$root/build/afl-afl-clang-fast/fuzz_diff

# Fuzzes for a few seconds, and for longer ones on a machine so busy that it takes them to see a line like @pattern.
fuzz_until() { # pattern option...
    local pattern=$1 time
    shift
    for time in 3 10 60; do
        rm -rf out_dir
        capture "$fuzz_afl" --time "$time" --out out_dir "$@"
        if grep -qE -e "$pattern" out; then return; fi
    done
    expect_stdout "$pattern"
}

test_a_wrong_engine_is_found_and_its_programs_replay() {
    local finding
    PX_ENGINES=interp,wrong:op=xor fuzz_until ' [1-9][0-9]* crashes, 0 hangs$' --jobs 1
    expect_exit 1
    expect_stdout '^fuzz_diff  main +[0-9]+ inputs, .*, stability 100.00%, .* [1-9][0-9]* crashes, 0 hangs$'
    expect_stdout "^    parallax minimize --engines interp,wrong:op=xor $PWD/out_dir/findings/fuzz_diff-[0-9a-f]{16}\.px$"
    finding=$(sed -n 's/^  found: \(.*\.px\)$/\1/p' out | sed -n 1p)
    run replay --engines interp,wrong:op=xor "$finding"
    expect_exit 1
    run replay "$finding"
    expect_exit 0
    run locate --engines interp,wrong:op=xor "$finding"
    expect_exit 1
    run minimize --engines interp,wrong:op=xor "$finding"
    expect_exit 1
    expect_stdout '# (c\.)?xor '
}

# Two instances: the second one takes over what the first has found; all of it agrees on all engines.
test_main_and_secondary_sync_and_stay_stable() {
    fuzz_until '^fuzz_diff  second1 .* [1-9][0-9]* imported, '
    expect_exit 0
    expect_stdout '^fuzz_diff  main +[0-9]+ inputs, .*, stability 100.00%, .* 0 crashes, 0 hangs$'
    expect_stdout '^fuzz_diff  second1 +[0-9]+ inputs, .*, stability 100.00%, .* [1-9][0-9]* imported, 0 crashes, 0 hangs$'
    expect_stdout '^fuzz_diff  queues +[0-9]+ inputs run on all engines$'
    [[ -z $(ls out_dir/findings) ]]
}

# Neither the guest's features nor the edges of both engines are missing from the map.
test_the_map_holds_edges_of_both_engines_and_features() {
    local without
    "$root/scripts/fuzz-seeds" seeds
    AFL_QUIET=1 afl-showmap -q -o map -- "$target" <seeds/fuzz_diff/switch.pxb >/dev/null 2>&1
    AFL_QUIET=1 PX_ENGINES=block:templates=off,block afl-showmap -q -o blind -- "$target" \
        <seeds/fuzz_diff/switch.pxb >/dev/null 2>&1
    without=$(wc -l <blind)
    if (($(wc -l <map) < without + 50 || without < 100)); then
        echo "expected edges and features in the map, found $(wc -l <map) bytes, $without without features"
        return 1
    fi
}

test_files_run_one_by_one_and_a_difference_aborts() {
    local count
    "$root/scripts/fuzz-seeds" seeds
    capture "$target" seeds/fuzz_diff/*.pxb
    expect_exit 0
    expect_empty out
    count=$(find seeds/fuzz_diff -type f | wc -l)
    expect_stderr "fuzz_diff: $count inputs, $count of them programs, $count run by all engines"
    PX_ENGINES=interp,wrong:op=addi capture "$target" seeds/fuzz_diff/*.pxb
    expect_exit 134
    grep -q '^fuzz_diff: divergence: ' err
    capture "$target" nowhere.pxb
    expect_exit 2
    grep -q '^nowhere.pxb: No such file or directory$' err
}

test_ctrl_c_ends_it_with_a_summary() {
    local pid code=0
    (trap - INT; exec "$fuzz_afl" --time 60 --jobs 1 --out out_dir) >out 2>err </dev/null &
    pid=$!
    while [[ ! -e out_dir/afl/fuzz_diff/main/fuzzer_stats ]] && kill -0 "$pid"; do sleep 0.1; done
    kill -INT "$pid"
    wait "$pid" || code=$?
    expect_exit 130
    expect_stdout '^fuzz_diff  main +[0-9]+ inputs, '
}

test_mistakes_are_named() {
    capture "$fuzz_afl" --time soon
    expect_exit 2
    expect_stderr "fuzz-afl: --time: 'soon': expected a number of seconds, at least 1"
    capture "$fuzz_afl" --jobs 0
    expect_exit 2
    expect_stderr "fuzz-afl: --jobs: '0': expected 1 to 99"
    capture "$fuzz_afl" --time
    expect_exit 2
    expect_stderr 'fuzz-afl: --time needs a value'
    capture "$fuzz_afl" fuzz_nothing
    expect_exit 2
    expect_stderr "fuzz-afl: no target 'fuzz_nothing', expected one of: fuzz_decode fuzz_diff fuzz_px"
    capture "$fuzz_afl" fuzz_px fuzz_diff
    expect_exit 2
    expect_stderr "fuzz-afl: one target at a time, found 'fuzz_px' and 'fuzz_diff'"
    capture "$fuzz_afl" --build nowhere
    expect_exit 2
    expect_stderr "fuzz-afl: $PWD/nowhere/fuzz_diff is missing, run \`make fuzz-afl\`"
}

run_cases afl "$@"
