#!/usr/bin/env bash
# Guided campaigns from the command line.
set -euo pipefail

about='Tests parallax fuzz --guided with the program that PARALLAX names (default build/release/parallax): all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
polls_max=6000 # of 20 ms

entries() { find "$1" -name '*.pxb' | wc -l; } # folder

test_the_summary_tells_coverage_curve_and_corpus() {
    run fuzz --guided --seed 1 --count 5000 --jobs 1 --out found --quiet
    expect_exit 0
    expect_stdout '^5000 programs of mix@[0-9]+ and their mutants, seed 0x1, in '
    expect_stdout '^  coverage    [0-9]+ of [0-9]+ features: operands [0-9]+, pairs [0-9]+, exits [0-9]+, forms [0-9]+, touches [0-9]+, sizes [0-9]+, events [0-9]+$'
    expect_stdout '^  curve       features after 1 Ki: [0-9]+, 2 Ki: [0-9]+, 4 Ki: [0-9]+, 5000: [0-9]+$'
    local kept
    kept=$(entries found/corpus)
    ((kept > 500))
    expect_stdout "^  corpus      $kept programs, $kept of them new, in found/corpus\$"
    run fuzz --seed 1 --count 5000 --jobs 1 --out blind --quiet
    expect_exit 0
    expect_stdout '^  coverage    .*; by 4096 programs and one in 1024 of the others$'
    expect_stdout '^  curve       features after 1 Ki: '
    (! grep -q '^  corpus' out)
    [[ ! -e blind ]]
}

test_one_json_object_tells_the_same() {
    run fuzz --guided --seed 1 --count 5000 --jobs 1 --out found --quiet --json
    expect_exit 0
    expect_stdout '^\{"programs": 5000, .*"guided": true, "corpus": \{"programs": ([0-9]+), "loaded": 0, "new": \1\}, "features": \{"seen": ([0-9]+), "of": [0-9]+, "parts": \{"operands": .*\}, "curve": \[\[1, [0-9]+\], \[2, [0-9]+\], .*\[4096, [0-9]+\], \[5000, \2\]\]\}, "findings": '
    cp out once
    run fuzz --guided --seed 1 --count 5000 --jobs 1 --out again --quiet --json
    diff <(sed 's/"seconds": [0-9.]*//; s/"resident_bytes": [^}]*}//' once) <(sed 's/"seconds": [0-9.]*//; s/"resident_bytes": [^}]*}//' out)
    diff -r found again
    run fuzz --seed 1 --count 5000 --jobs 1 --quiet --json
    expect_stdout '"guided": false, "features": \{"seen": '
}

test_a_corpus_can_be_anywhere_and_goes_on() {
    run fuzz --guided --corpus mine/corpus --seed 1 --count 3000 --out found --quiet
    expect_exit 0
    [[ ! -e found ]]
    local first
    first=$(entries mine/corpus)
    expect_stdout "^  corpus      $first programs, $first of them new, in mine/corpus\$"
    run fuzz --guided --corpus mine/corpus --seed 2 --count 6000 --out found --quiet
    expect_exit 0
    expect_stdout "^  corpus      $(entries mine/corpus) programs, $(($(entries mine/corpus) - first)) of them new, in mine/corpus\$"
    (($(entries mine/corpus) >= first))
}

test_what_cannot_be_is_refused() {
    : >file
    refused "parallax fuzz: --corpus is for --guided, which is not given" fuzz --corpus mine
    refused "parallax fuzz: output folder 'file/x': Not a directory" fuzz --guided --corpus file/x/y --count 10
    refused "parallax fuzz: coverage needs the engine interp among those that are compared" \
        fuzz --guided --engines block,linear --count 10
    refused "parallax replay: generator guided: its programs depend on a corpus and replay from their files alone" \
        replay --seed 1 --index 5 --gen guided@1
    [[ ! -e parallax-out ]]
}

test_findings_are_programs_that_replay() {
    run fuzz --guided --engines interp,wrong:op=orc.b --seed 1 --count 100000 --stop-after 1 --out found --quiet
    expect_exit 1
    local original minimal
    original=$(echo found/*/original.px) minimal=$(echo found/*/minimal.px)
    grep -q '^origin seed=0x1 index=[0-9]* gen=guided@1$' "$original"
    for program in "$original" "$minimal"; do
        run replay --engines interp,wrong:op=orc.b "$program"
        expect_exit 1
        run replay "$program"
        expect_exit 0
    done
    run locate --engines interp,wrong:op=orc.b "$original"
    expect_exit 1
    expect_stdout 'orc.b'
    run minimize --engines interp,wrong:op=orc.b "$original"
    expect_exit 1
    expect_stdout '# orc.b '
}

test_ctrl_c_ends_a_campaign_that_keeps_what_it_has() {
    local code=0 polls=0 campaign
    "$parallax" fuzz --guided --time 0 --seed 3 --jobs 2 --out found >out 2>err </dev/null &
    campaign=$!
    while [[ ! -d found/corpus ]] || (($(entries found/corpus) <= 500)); do
        ((++polls < polls_max))
        sleep 0.02
    done
    kill -INT "$campaign"
    wait "$campaign" || code=$?
    [[ $code == 130 ]]
    expect_stdout ' \(interrupted\)$'
    (($(entries found/corpus) > 500))
    [[ -z $(find found/corpus -name '.*.tmp-*') ]]
}

run_cases guided "$@"
