#!/usr/bin/env bash
# Golden vectors from outside: replayed, refused when damaged, minted again. Reports like a cmocka program.
set -euo pipefail

about='Tests the program that PARALLAX names (default build/release/parallax): all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
vectors=$root/corpus/vectors

# Refused in one line that begins so.
refused_like() { # beginning argument...
    local beginning=$1
    shift
    run "$@"
    expect_exit 2
    expect_empty out
    if [[ $(wc -l <err) != 1 || $(<err) != "$beginning"* ]]; then
        echo "expected one line on stderr that begins with: $beginning"
        show
        return 1
    fi
}

# --- replay --------------------------------------------------------------------------------------------

test_a_file_of_vectors_is_replayed_on_every_engine() {
    run replay "$vectors/add.pxv"
    expect_exit 0
    expect_empty err
    expect_stdout '^agrees    4006 of 4006 vectors, by qemu-7\.2, minted 2026-[0-9]{2}-[0-9]{2}$'
    expect_stdout '^  interp +ran 4006$'
    expect_stdout '^  block:cpu=baseline +ran 4006$'
    expect_stdout '^  linear +ran 4006$'
    run replay --times 2 --engines interp,block "$vectors/add.pxv"
    expect_exit 0
    (($(grep -c '^agrees ' out) == 2))
    (($(grep -c ' ran 4006$' out) == 4))
    run replay --cpu-features baseline --engines interp,block "$vectors/ctz.pxv"
    expect_exit 0
    expect_stdout '^  block:cpu=baseline +ran '
}

test_an_engine_that_is_wrong_misses_vectors() {
    run replay --engines interp,wrong:op=xor "$vectors/xor.pxv"
    expect_exit 1
    expect_stdout '^missed    [0-9]+ of 4006 vectors, by qemu-7\.2, minted '
    expect_stdout '^  case 0: wrong:op=xor: a0 is 0x1, expected 0$'
    expect_stdout '^  and [0-9]+ more$'
}

test_a_case_is_a_program() {
    run replay --case 1 "$vectors/xor.pxv"
    expect_exit 0
    expect_stdout '^  block +exit=hostcall:0 pc=0x8 '
    run replay --case 1 --px "$vectors/xor.pxv"
    expect_exit 0
    expect_stdout '^expect exit=hostcall:0 pc=8 .* x10=0x1 .* oracle=qemu-7\.2$'
    cp out case.px
    run replay --engines interp,wrong:op=xor case.px
    expect_exit 1
    expect_stdout '^expected  wrong:op=xor: a0 is 0, expected 0x1$'
    run replay --case 2 --px "$vectors/xor.pxv"
    expect_exit 0
    if cmp -s out case.px; then return 1; fi
}

test_what_goes_with_vectors_alone_is_told() {
    local name=$vectors/add.pxv shown
    shown=$name
    refused 'parallax replay: --case goes with a FILE of vectors' replay --case 1 "$root/corpus/seeds/halt.px"
    refused 'parallax replay: --case goes with a FILE of vectors' replay --case 1 --seed 1 --index 2
    refused 'parallax replay: --px and --gdb are about one program: expected --case N with a FILE of vectors' \
        replay --px "$name"
    refused 'parallax replay: --seed, --index and --gen go without a FILE' replay --index 1 "$name"
    refused "parallax replay: $shown: there is no case 4006: expected 0 to 4005" replay --case 4006 "$name"
    refused 'parallax replay: nope.pxv: cannot open: No such file or directory' replay nope.pxv
    refused_like "parallax replay: engine 'nope': expected" replay --engines interp,nope "$name"
}

# --- damage --------------------------------------------------------------------------------------------

test_a_truncated_file_is_refused() {
    local size
    for size in 0 5 20 60 100 2000; do
        head -c "$size" "$vectors/add.pxv" >cut.pxv
        refused_like 'parallax replay: cut.pxv:' replay cut.pxv
    done
    head -c 2000 "$vectors/add.pxv" >cut.pxv
    refused_like 'parallax replay: cut.pxv:5:' replay cut.pxv
    [[ $(<err) == *'the body that follows is cut off: the file is damaged' ]]
    cp cut.pxv cut # told by its first bytes
    refused_like 'parallax replay: cut:5:' replay cut
}

test_another_version_is_refused() {
    sed '1s/vectors 1/vectors 2/' "$vectors/add.pxv" >new.pxv
    refused 'parallax replay: new.pxv:1:18: found "2", expected version 1 of the format, which is what this build reads' \
        replay new.pxv
}

test_a_flipped_bit_is_refused() {
    python3 - "$vectors/add.pxv" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[9000] ^= 4
open("flipped.pxv", "wb").write(data)
PY
    refused_like 'parallax replay: flipped.pxv:5:' replay flipped.pxv
    [[ $(<err) == *'the checksum of what is there: the file is damaged' ]]
    mkdir -p corpus/vectors
    mv flipped.pxv corpus/vectors/
    refused_like 'parallax gate: corpus/vectors/flipped.pxv:5:' gate --scale 0 --quiet
}

# --- the gate ------------------------------------------------------------------------------------------

test_the_gate_replays_vectors() {
    mkdir -p corpus/vectors/deep
    cp "$vectors/xor.pxv" corpus/vectors/
    cp "$vectors/add.pxv" corpus/vectors/deep/
    run gate --scale 0 --quiet --json
    expect_exit 0
    python3 - <<'PY'
import json
d = json.load(open("out"))
assert [(c["name"], c["state"]) for c in d["cases"]] == [("corpus/vectors/deep/add.pxv", "passed"), ("corpus/vectors/xor.pxv", "passed")], d["cases"]
PY
    run gate --scale 0 --quiet
    expect_stdout '^gate of .*: 8012 programs in '
    expect_stdout '^  vectors     2 files, 0 failed$'
}

test_the_gate_fails_when_a_vector_is_missed() {
    mkdir -p corpus/vectors
    cp "$vectors/xor.pxv" corpus/vectors/
    run gate --scale 0 --quiet --engines interp,wrong:op=xor --junit gate.xml
    expect_exit 1
    expect_stdout '^  vectors     1 file, 1 failed$'
    expect_stdout '^  new         parallax-out/[0-9a-f]{8}-xor: .*, 4 divergences, first corpus/vectors/xor\.pxv, '
    expect_stdout '^  expectation corpus/vectors/xor\.pxv: case 0: wrong:op=xor: a0 is 0x1, expected 0$'
    expect_stdout '^  expectation corpus/vectors/xor\.pxv: [0-9]+ more of 4006 cases missed$'
    grep -q '<testcase classname="parallax.vectors" name="corpus/vectors/xor.pxv"' gate.xml
    grep -q '<failure' gate.xml
    # All engines wrong alike: only the vectors can tell.
    run gate --scale 0 --quiet --engines wrong:op=xor,wrong:op=xor
    expect_exit 1
    expect_stdout '^  buckets     0 counted'
    expect_stdout '^  expectation corpus/vectors/xor\.pxv: case 0: wrong:op=xor: a0 is 0x1, expected 0$'
}

test_the_gate_survives_what_kills_engines_over_a_vector() {
    mkdir -p corpus/vectors
    cp "$vectors/xor.pxv" corpus/vectors/
    run gate --scale 0 --quiet --engines interp,wrong:die=xor
    expect_exit 1
    expect_stdout '^  new         parallax-out/[0-9a-f]{8}-xor: interp\|wrong:die=xor:xor:SIGILL:-, 1 divergence, '
    expect_stdout '^  expectation corpus/vectors/xor\.pxv: ended early, after 4 of 4006 cases: too many aborts or hangs$'
}

test_an_engine_that_is_wrong_everywhere_is_known_after_a_while() {
    mkdir -p corpus/vectors
    cp "$vectors"/a*.pxv "$vectors"/o*.pxv corpus/vectors/
    run gate --scale 0 --quiet --engines interp,wrong:gas
    expect_exit 1
    expect_stdout '^  expectation corpus/vectors/ori\.pxv: 1526 of 1526 cases missed, first case 0: wrong:gas: differs from interp in gas$'
    (($(grep -c ' cases missed' out) == 13 && $(grep -c 'cases missed, first case' out) == 3))
}

# --- minting -------------------------------------------------------------------------------------------

test_the_corpus_is_what_the_oracle_says() {
    run mint --check --quiet --out "$vectors"
    expect_exit 0
    expect_empty err
    expect_stdout '^[0-9]+ vectors by qemu-7\.2 in [0-9]+ files, [0-9]+ bytes; 0 stale$'
    expect_stdout '^  left out    135 of ctzw: qemu-7\.2 counts on beyond 32 bits where the low half is 0$'
    (($(du -sb "$vectors" | cut -f 1) < 5000000))
}

test_files_that_say_the_same_are_left_alone() {
    run mint --quiet --out . --date 2026-01-02 add sext.b
    expect_exit 0
    expect_stdout '^[0-9]+ vectors by qemu-7\.2 in 2 files, [0-9]+ bytes: 2 written, 0 as they were$'
    [[ $(sed -n 3p add.pxv) == 'minted 2026-01-02' ]]
    cmp <(tail -n +6 add.pxv) <(tail -n +6 "$vectors/add.pxv")
    cp add.pxv before.pxv
    run mint --quiet --out . --date 2026-01-03 add sext.b
    expect_stdout ': 0 written, 2 as they were$'
    cmp add.pxv before.pxv
    cp "$vectors/sub.pxv" add.pxv
    run mint --quiet --check --out . add
    expect_exit 1
    expect_stderr 'stale: ./add.pxv: not what qemu-7.2 says today'
    cmp add.pxv "$vectors/sub.pxv"
    run mint --quiet --out . --date 2026-01-02 add
    expect_stdout ': 1 written, 0 as they were$'
    cmp add.pxv before.pxv
}

test_what_cannot_be_minted_is_told() {
    refused "parallax mint: group 'nope': expected an instruction, such as add, or flow, compressed, words" mint nope
    refused "parallax mint: --date: 'tomorrow': expected a day, YYYY-MM-DD" mint --date tomorrow add
    refused "parallax mint: --out: 'nowhere': No such file or directory" mint --out nowhere add
    touch plain
    refused "parallax mint: --out: 'plain': Not a directory" mint --out plain add
    capture env PATH=/nonexistent "$parallax" mint --out . add
    expect_exit 2
    expect_empty out
    (($(wc -l <err) == 1))
}

# On a terminal, twice a second.
test_minting_tells_how_far_it_is() {
    script -qefc "'$parallax' mint --check --out '$vectors'" /dev/null </dev/null >out 2>err
    grep -qE 'group [0-9]+ of [0-9]+ \| [a-z0-9.]+ \| [0-9]+ vectors' out
    script -qefc "'$parallax' mint --check --quiet --out '$vectors' add" /dev/null </dev/null >out 2>err
    if grep -q 'group' out; then return 1; fi
}

run_cases vectors "$@"
