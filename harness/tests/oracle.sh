#!/usr/bin/env bash
# qemu on the command line: as an engine of a campaign, as the third opinion, missing, killed. Reports like a cmocka program.
set -euo pipefail

about='Tests the program that PARALLAX names (default build/release/parallax) with qemu-riscv64: all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
polls_max=6000 # of 10 ms

# remw t0, t1, t0; ecalli 0
write_program() {
    cat >program.px <<'TEXT'
parallax 1 rv64e-jar.1
gas 10000
reg x5 3
reg x6 10
code
  025362bb
  0000200b
TEXT
}

# The number behind a key of the qemu engine in the JSON object of a file.
of_qemu() { # key file
    grep -o '"spec": "qemu"[^}]*}' "$2" | grep -o "\"$1\": [0-9]*" | sed 's/.* //'
}

test_a_campaign_with_qemu_says_how_much_it_judged() {
    run fuzz --engines interp,block,qemu --seed 1 --count 3000 --quiet --out kept
    expect_exit 0
    expect_empty err
    expect_stdout '^  qemu        judged 8[0-9]\.[0-9]{2} % of the programs; no verdict: extension [0-9.]+ % hostcall [0-9.]+ % gas [0-9.]+ %$'
    expect_stdout '^  findings    0 divergences '
    cp out text
    run fuzz --engines interp,block,qemu --seed 1 --count 3000 --quiet --out kept --json
    expect_exit 0
    local reason sum
    sum=$(of_qemu programs out)
    ((sum > 2000))
    for reason in extension hostcall gas time size lost; do sum=$((sum + $(of_qemu $reason out))); done
    ((sum == 3000))
}

test_the_odd_one_out_is_named() {
    write_program
    run replay --engines interp,wrong:op=remw,qemu program.px
    expect_exit 1
    expect_stdout '^verdict   wrong:op=remw stands alone against interp and qemu$'
    expect_stdout '^  qemu                         exit=hostcall:0 pc=0x8$'
    run replay --engines interp,block,qemu program.px
    expect_exit 0
    if grep -q '^verdict' out; then false; fi
    run fuzz --engines interp,wrong:op=remw,qemu --seed 1 --count 3000 --quiet --out kept --json
    expect_exit 1
    grep -qF '"verdict": "wrong:op=remw stands alone against interp and qemu", "oracle": null, ' out
    grep -q '^verdict   wrong:op=remw stands alone against interp and qemu$' kept/*-remw/report.txt
}

test_the_oracle_is_asked_about_buckets_of_two_engines() {
    run fuzz --engines interp,wrong:op=remw --seed 1 --count 3000 --stop-after 1 --quiet --out kept
    expect_exit 1
    expect_stdout '^    oracle: (on minimal.px )?qemu [0-9]+\.[0-9]+ agrees with interp$'
    grep -qE '^oracle    (on minimal.px )?qemu [0-9]+\.[0-9]+ agrees with interp$' kept/*-remw/report.txt
    run fuzz --engines interp,wrong:op=remw --seed 1 --count 3000 --stop-after 1 --quiet --out kept --no-oracle
    expect_exit 1
    if grep -q oracle out kept/*-remw/report.txt; then false; fi
}

test_what_the_oracle_expects_is_within_what_it_can_tell() {
    write_program
    echo 'expect exit=hostcall:0 pc=8 gas=1 x5=1' >>program.px
    run replay --engines interp,qemu program.px
    expect_exit 1
    expect_stdout '^expected  interp: gas is '
    if grep -q '^expected  qemu' out; then false; fi
    sed -i 's/ gas=1//; s/x5=1/x5=2/' program.px
    run replay --engines interp,qemu program.px
    expect_stdout '^expected  qemu: t0 is 0x1, expected 0x2$'
}

test_without_qemu_campaigns_go_on_without_it() {
    local missing='there is no qemu-riscv64 in PATH: install it (on Debian: apt-get install qemu-user)'
    write_program
    code=0
    PATH=/nowhere "$parallax" replay --engines interp,qemu program.px >out 2>err || code=$?
    expect_exit 2
    expect_stderr "parallax replay: engine qemu: $missing"
    expect_empty out
    code=0
    PATH=/nowhere "$parallax" fuzz --engines interp,wrong:op=remw --seed 1 --count 3000 --stop-after 1 --quiet \
        --out kept >out 2>err || code=$?
    expect_exit 1
    grep -qF "oracle    not asked: engine qemu: $missing" kept/*-remw/report.txt
    code=0
    PATH=/nowhere "$parallax" doctor >out 2>err || code=$?
    expect_exit 0
    expect_stdout '^  absent   qemu  .*apt-get install qemu-user\)$'
}

test_a_qemu_that_does_not_run_is_told_before_the_campaign() {
    printf '#!/bin/sh\nexit 1\n' >qemu-riscv64
    chmod +x qemu-riscv64
    code=0
    PATH=$PWD "$parallax" fuzz --engines interp,qemu --seed 1 --count 3000 --quiet --out kept >out 2>err || code=$?
    expect_exit 2
    grep -qE "^parallax fuzz: engine qemu: $PWD/qemu-riscv64 does not run: " err
    expect_empty out
    [[ ! -e kept ]]
}

# No program is to lose two qemus, which gives it up: each is struck once, and at work.
test_a_campaign_does_not_mind_what_happens_to_qemu() {
    local campaign strikes=0
    local command=(fuzz --engines "interp,qemu" --seed 5 --count 16000 --jobs 2 --quiet --out kept --json)
    run "${command[@]}"
    sed 's/"seconds": [0-9.]*//' out >expected
    # As many campaigns as it takes: one may be over before anybody has looked.
    while ((strikes < 4)); do
        "$parallax" "${command[@]}" >out 2>err &
        campaign=$!
        strike_below "$campaign" qemu-riscv64 KILL STOP
        code=0
        wait "$campaign" || code=$?
        expect_exit 0
        expect_empty err
        sed -i 's/"seconds": [0-9.]*//' out
        diff expected out
    done
}

test_no_qemu_outlives_a_campaign_that_is_killed() {
    local campaign pids=() pid polls=0
    "$parallax" fuzz --engines interp,qemu --seed 5 --time 60 --jobs 2 --quiet --out kept >out 2>err &
    campaign=$!
    while ((${#pids[@]} < 2 && polls++ < polls_max)); do
        mapfile -t pids < <(below "$campaign" qemu-riscv64)
        sleep 0.01
    done
    ((${#pids[@]} >= 2))
    kill -KILL "$campaign"
    wait "$campaign" 2>/dev/null || true
    for pid in "${pids[@]}"; do
        # A zombie that nobody reaps has ended, too.
        while grep -qE '^State:\s[^Z]' "/proc/$pid/status" 2>/dev/null; do
            ((polls++ < polls_max))
            sleep 0.01
        done
    done
}

run_cases oracle "$@"
