#!/usr/bin/env bash
# parallax run: one program on one engine, and what perf and gdb get to know of it. Reports like a cmocka program.
set -euo pipefail

about='Runs programs on single engines, under gdb and perf too: all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"

sha256=(--gen guest:name=sha256 --index 1)

map_of() { # the path that stderr names
    sed -n 's/^parallax run: note: \(.*\) names the code of .*/\1/p' err
}

# --- what it prints ----------------------------------------------------------------------------------

test_every_engine_prints_the_same_outcome() {
    local engine
    run run "${sha256[@]}" --engine interp
    expect_exit 0
    expect_empty err
    expect_stdout '^engine    interp: 1 run, 0 of them in compiled code, .* us of processor time each$'
    expect_stdout '^exit      hostcall:0 at pc 0x10$'
    expect_stdout '^ran       14981 instructions: 0 natively, 14981 interpreted$'
    grep -v '^engine\|^ran' out >wanted
    for engine in fused block block:touch=fault tiered; do
        run run "${sha256[@]}" --engine "$engine" --times 3
        expect_exit 0
        grep -v '^engine\|^ran' out | diff wanted -
    done
    expect_stdout '^engine    tiered: 3 runs, 2 of them in compiled code, '
}

test_json_is_one_object() {
    run run --json "${sha256[@]}" --times 2
    expect_exit 0
    python3 -c '
import json, sys
o = json.load(sys.stdin)
assert o["engine"] == "tiered" and o["runs"] == 2 and o["native_runs"] == 1 and o["seconds"] > 0
assert o["exit"] == "hostcall:0" and o["pc"] == 16 and len(o["x"]) == 15
assert o["instructions"] == {"native": 14981, "side_exit": 0, "interpreted": 0}' <out
}

test_variables_and_options_choose_the_tiers() {
    PX_BLOCK_THRESHOLD=0 run run "${sha256[@]}"
    expect_stdout ' tiered:block-threshold=0: 1 run, 1 of them in compiled code, '
    PX_TIERS=fused run run "${sha256[@]}" --times 9
    expect_stdout ' tiered:tiers=fused: 9 runs, 0 of them in compiled code, '
    PX_TIERS=fused run run "${sha256[@]}" --times 9 --engine tiered:tiers=fused+block,block-threshold=5
    expect_stdout ' 9 runs, 4 of them in compiled code, '
}

test_mistakes_are_told_in_a_line() {
    local expected='parallax run: expected one FILE, or --seed and --index'
    run run
    expect_exit 2
    expect_stderr "$expected"
    run run "${sha256[@]}" --engine linear
    expect_exit 2
    expect_stderr 'parallax run: engine linear does not take this program'
    PX_TIERS=linear run run "${sha256[@]}"
    expect_exit 2
    expect_stderr 'parallax run: PX_TIERS: expected a tier beside linear, which takes straight lines only'
    run run "${sha256[@]}" --engine turbo
    expect_exit 2
    expect_stderr "parallax run: engine 'turbo': expected interp, fused, block, linear, tiered, qemu, plugin or wrong"
    run run --seed 1 --index 8 --engine wrong:die=addi
    expect_exit 3
    [[ $(<err) == 'parallax run: the sandbox died: abort:SIGILL'* ]]
}

# --- perf --------------------------------------------------------------------------------------------

test_a_perf_map_names_every_guest_instruction() {
    local map last=0 address size
    run run "${sha256[@]}" --engine block --perf-map
    expect_exit 0
    map=$(map_of)
    [[ $map =~ ^/tmp/perf-[0-9]+\.map$ ]]
    mv "$map" map
    [[ $(stat -c %a map) == 600 ]]
    grep -qE '^[0-9a-f]+ [0-9a-f]+ px_load8$' map
    while read -r address size _; do
        ((16#$address >= last)) # in order, without overlap
        last=$((16#$address + 16#$size))
    done < <(grep ' guest_' map)
    ((last > 0))
    # Instructions of the program are there, by themselves or as the beginning or the rare end of something, but for the few
    # that take no code.
    "$parallax" disasm "${sha256[@]}" | sed -nE 's/^  0*([0-9a-f]+)  [0-9a-f]{4,8}  .*/\1/p' | sort -u >wanted
    sed -nE 's/.* guest_([0-9a-f]+)(_block|_cold)?$/\1/p' map | sort -u >found
    [[ $(wc -l <wanted) -gt 200 && -z $(comm -13 wanted found) ]]
    [[ $(comm -23 wanted found | wc -l) -lt 10 ]]
}

test_there_is_no_perf_map_without_code() {
    run run "${sha256[@]}" --engine interp --perf-map
    expect_exit 0
    expect_stderr 'parallax run: note: interp made no code: there is no perf map'
}

# A kernel may keep its counters to itself: then the map above is all that can be looked at.
test_perf_report_names_guest_places() {
    if ! perf record -q -o probe -e cpu-clock true 2>/dev/null; then
        echo "note: this machine lets nobody use perf"
        return
    fi
    capture perf record -q -o data -e cpu-clock "$parallax" run "${sha256[@]}" --times 30000 --perf-map
    expect_exit 0
    # shellcheck disable=SC2094 # data and report are two files
    perf report -i data --stdio 2>/dev/null >report
    rm -f "$(map_of)"
    grep -qE '\[JIT\] tid [0-9]+ +\[\.\] guest_[0-9a-f]+' report
}

# --- gdb ---------------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # $pc is gdb's
in_gdb() { # option...: follows the sandbox and stops at guest offset 0x14
    capture gdb -nx -batch -ex 'set follow-fork-mode child' -ex 'set breakpoint pending on' -ex 'hbreak guest_14' \
        -ex run -ex 'info symbol $pc' -ex 'x/i $pc' -ex kill --args "$parallax" run "${sha256[@]}" "$@"
}

test_gdb_stops_at_a_guest_instruction_by_its_name() {
    in_gdb --engine block --gdb
    expect_stdout ' hit Breakpoint 1, 0x[0-9a-f]+ in guest_14 \(\)$'
    expect_stdout '^guest_14 in section \.text of '
    expect_stdout '^=> 0x[0-9a-f]+ <guest_14>:'
}

test_gdb_learns_of_code_that_is_compiled_late() {
    in_gdb --times 5 --gdb
    expect_stdout '^guest_14 in section \.text of '
    in_gdb --times 5 # without --gdb nothing is told
    expect_stdout 'exited normally'
}

run_cases run "$@"
