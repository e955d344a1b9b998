#!/usr/bin/env bash
# scripts/corpus: what it runs, what it keeps, what it does not lose.
set -euo pipefail

about='Tests scripts/corpus with the targets of make MODE=fuzzfast CC=clang-19 fuzz-targets and the program that PARALLAX names (default
build/release/parallax): all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
corpus=$root/scripts/corpus

# A corpus of seeds, each of them twice, and of two texts of one size, which are no programs and show the same. Names count up
# from 100, or down from 999.
make_corpus() { # folder [down]
    local file number=100 step=1
    if [[ ${2-} == down ]]; then number=999 step=-1; fi
    mkdir -p "$1"
    "$root/scripts/fuzz-seeds" seeds
    echo 'no program' >text
    echo 'as little.' >other
    for file in text seeds/fuzz_diff/* seeds/fuzz_diff/* other; do
        cp "$file" "$1/$number"
        number=$((number + step))
    done
}

sums() { sha1sum "$@" | cut -d ' ' -f 1 | sort -u; } # file...

test_the_seeds_are_run_by_every_target() {
    local count
    count=$(find "$root/corpus/seeds" -name '*.px' | wc -l)
    capture "$corpus" check --out nothing
    expect_exit 0
    expect_stdout "^fuzz_decode +$count inputs, all as they should be$"
    expect_stdout "^fuzz_diff +$count inputs, all as they should be$"
    expect_stdout "^fuzz_px +$((2 * count)) inputs, all as they should be$"
    expect_empty err
}

test_a_bug_fails_the_check_and_becomes_a_program() {
    local finding
    PX_ENGINES=interp,wrong:op=xor capture "$corpus" check --out out_dir
    expect_exit 1
    expect_stdout '^fuzz_decode .* all as they should be$'
    expect_stdout '^fuzz_diff: divergence: '
    finding=$(sed -n 's/^  found: \(.*\.px\)$/\1/p' out)
    run replay --engines interp,wrong:op=xor "$finding"
    expect_exit 1
    run replay "$finding"
    expect_exit 0
}

test_a_corpus_with_a_bug_is_not_minimized() {
    make_corpus out_dir/corpus/fuzz_diff
    PX_ENGINES=interp,wrong:op=xor capture "$corpus" min --out out_dir fuzz_diff
    expect_exit 1
    [[ $(find out_dir/corpus/fuzz_diff -type f | wc -l) == $((2 * $(find seeds/fuzz_diff -type f | wc -l) + 2)) ]]
}

test_what_shows_nothing_new_goes_and_all_else_stays() {
    local before
    make_corpus out_dir/corpus/fuzz_diff
    mkdir more
    run convert --to=binary "$root/corpus/seeds/switch.px" more/
    capture "$corpus" min --out out_dir fuzz_diff more
    expect_exit 0
    expect_stdout '^fuzz_diff +[0-9]+ inputs became [0-9]+$'
    before=$(sums out_dir/corpus/fuzz_diff/*)
    # Once each; a text is what no seed shows, and the other one adds nothing to it.
    [[ $(wc -l <<<"$before") == $(find out_dir/corpus/fuzz_diff -type f | wc -l) ]]
    [[ $(comm -23 <(echo "$before") <(sums seeds/fuzz_diff/*)) == $(sums text other | sed -n 1p) ]]
    (($(wc -l <<<"$before") > 10))
    capture "$corpus" min --out out_dir fuzz_diff
    expect_exit 0
    [[ $(sums out_dir/corpus/fuzz_diff/*) == "$before" ]]
}

test_what_stays_does_not_depend_on_the_names_of_inputs() {
    make_corpus up_dir/corpus/fuzz_diff
    make_corpus down_dir/corpus/fuzz_diff down
    capture "$corpus" min --out up_dir fuzz_diff
    expect_exit 0
    capture "$corpus" min --out down_dir fuzz_diff
    expect_exit 0
    diff -r up_dir/corpus down_dir/corpus
}

# Commands that kill who calls them: cp, sync or rm, the first or a later time, half done or done.
make_killer() { # folder command nth
    mkdir -p "$1"
    cat >"$1/$2" <<SCRIPT
#!/usr/bin/env bash
echo >>"$PWD/$1/calls"
calls=\$(wc -l <"$PWD/$1/calls")
if ((calls == $3)) && [[ $2 == cp ]]; then
    /bin/cp -f "\${@:2:3}" "\${@: -1}"
    kill -KILL "\$PPID"
fi
/bin/$2 "\$@"
if ((calls == $3)); then kill -KILL "\$PPID"; fi
SCRIPT
    chmod +x "$1/$2"
}

# What it began with is there, or what it ends with.
test_a_killed_run_loses_nothing() {
    local least moment
    make_corpus done/corpus/fuzz_diff
    "$corpus" min --out "done" fuzz_diff >/dev/null
    least=$(sums "done"/corpus/fuzz_diff/*)
    for moment in 'cp 1' 'sync 1' 'rm 1' 'rm 2' 'rm 9'; do
        rm -rf cut killer
        make_corpus cut/corpus/fuzz_diff
        # shellcheck disable=SC2086 # two words
        make_killer killer $moment
        PATH=$PWD/killer:$PATH capture "$corpus" min --out cut fuzz_diff
        expect_exit 137
        if [[ -n $(comm -13 <(sums cut/corpus/fuzz_diff/*) <(echo "$least")) ]]; then
            echo "killed at $moment: something is lost"
            return 1
        fi
    done
}

test_mistakes_are_named() {
    capture "$corpus"
    expect_exit 2
    expect_stderr "corpus: '': expected min or check, see --help"
    capture "$corpus" check nowhere
    expect_exit 2
    expect_stderr "corpus: 'nowhere': expected a target or a folder, see --help"
    capture "$corpus" check --build nowhere fuzz_px
    expect_exit 2
    expect_stderr "corpus: $PWD/nowhere/fuzz_px is missing, run \`make MODE=fuzzfast CC=clang-19 fuzz-targets\`"
}

run_cases corpus "$@"
