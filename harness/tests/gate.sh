#!/usr/bin/env bash
# The gate from outside: what passes, what fails, what is refused; reports that other programs can read. Reports like a
# cmocka program.
set -euo pipefail

about='Tests the gate of the program that PARALLAX names (default build/release/parallax): all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
polls_max=6000 # of 10 ms

# --- what tests are made of --------------------------------------------------------------------------

# An engine that is wrong in one instruction, and a day on which to look at it.
wrong=(--engines "interp,wrong:op=xor" --today 2026-11-21)

# xor a0, a1, a2 with a2 = 1; ecalli 5.
write_program() { # file [expect-fields]
    mkdir -p "$(dirname "$1")"
    printf 'parallax 1 rv64e-jar.1\ngas 1000\nreg x12 0x1\ncode\n  00c5c533\n  0002a00b\n' >"$1"
    if (($# > 1)); then echo "expect $2" >>"$1"; fi
}

# Only files, no ranges: quick.
gate_files() { run gate --scale 0 --quiet "$@"; } # argument...

refused() { # line argument...
    local line=$1
    shift
    run gate "$@"
    expect_exit 2
    expect_stderr "parallax gate: $line"
    expect_empty out
    [[ ! -e parallax-out ]]
}

# The value of a path in a JSON file, as JSON.
json() { # file expression, with d for the whole
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
print(json.dumps(eval(sys.argv[2])))' "$1" "$2"
}

expect_json() { # file expression value
    local value
    value=$(json "$1" "$2")
    if [[ $value != "$3" ]]; then
        echo "expected $2 to be $3, is $value"
        return 1
    fi
}

# What depends on time or machine.
without_times() { sed -E 's/"seconds": [0-9.]+/"seconds": 0/g; s/"jobs": [0-9]+/"jobs": 0/' "$1"; } # file

# --- what passes and what fails ------------------------------------------------------------------------

test_a_gate_over_engines_that_agree_passes() {
    run gate --scale 1 --json --corpus "$root/corpus"
    expect_exit 0
    expect_json out 'd["verdict"], d["complete"], d["divergences"], d["buckets"]' '["pass", true, 0, []]'
    expect_json out '[c["state"] for c in d["cases"] if c["state"] != "passed"]' '[]'
    expect_json out 'len(d["cases"]) >= 10 and all(c["programs"] == c["planned"] for c in d["cases"] if c["part"] == "ranges")' true
    expect_json out 'all(e["programs"] > 0 for e in d["engines"])' true
    expect_json out 'd["engines"][1]["native"] == d["engines"][0]["interpreted"]' true
    [[ ! -e parallax-out ]]
}

test_the_same_gate_gives_the_same_twice() {
    local jobs
    write_program corpus/regress/a.px 'x10=7'
    for jobs in 1 2; do
        run gate --corpus corpus --scale 1 --json --quiet --jobs "$jobs" --out found --junit "$jobs.xml" \
            --sarif "$jobs.sarif" "${wrong[@]}"
        expect_exit 1
        without_times out >"$jobs.json"
        sed -i -E 's/time="[0-9.]+"/time=""/g' "$jobs.xml"
    done
    cmp 1.json 2.json
    cmp 1.xml 2.xml
    cmp 1.sarif 2.sarif
    (($(grep -c '<testcase classname="parallax.ranges"' 1.xml) >= 10))
}

test_an_engine_that_is_wrong_fails_the_gate() {
    local bucket
    run gate --scale 1 --quiet "${wrong[@]}"
    expect_exit 1
    expect_empty err
    expect_stdout '^  new         parallax-out/[0-9a-f]{8}-xor: interp\|wrong:op=xor:xor:reg:-, [0-9]+ divergences, first program 12 of mix@'
    expect_stdout '^FAIL: 1 divergence bucket, at most 0 allowed$'
    bucket=$(echo parallax-out/*-xor)
    run replay "$bucket/minimal.px" --engines interp,wrong:op=xor
    expect_exit 1
    run gate --scale 1 --quiet "${wrong[@]}" --max-divergences 1
    expect_exit 0
    expect_stdout '^  buckets     1 counted, at most 1 allowed$'
    expect_stdout '^PASS$'
}

test_aborts_fail_whatever_is_allowed() {
    write_program corpus/seeds/a.px
    gate_files --corpus corpus --engines interp,wrong:die=xor --max-divergences 9 --json
    expect_exit 1
    expect_json out 'd["buckets"][0]["kind"], d["buckets"][0]["always_fails"]' '["abort", true]'
    echo "$(json out 'd["buckets"][0]["hash"]' | tr -d '"') alice 2999-01-01 soon" >known.txt
    gate_files --corpus corpus --engines interp,wrong:die=xor --known known.txt
    expect_exit 1
    expect_stdout '^  known .* \(alice, until 2999-01-01: soon\); fails all the same: abort$'
    expect_stdout '^FAIL: 1 bucket of aborts, hangs or state leaks, which always fail$'
}

test_a_missed_expectation_fails() {
    write_program corpus/vectors/deep/below/kept.px 'exit=hostcall:5 pc=8 x10=1'
    gate_files --corpus corpus --json
    expect_exit 0
    expect_json out '[(c["name"], c["state"]) for c in d["cases"]]' \
        '[["corpus/vectors/deep/below/kept.px", "passed"]]'
    write_program corpus/vectors/missed.px 'exit=hostcall:5 pc=8 x10=2'
    gate_files --corpus corpus --max-divergences 9
    expect_exit 1
    expect_stdout '^  regress     none: there is no corpus/regress$'
    expect_stdout '^  vectors     2 files, 1 failed$'
    expect_stdout '^  expectation corpus/vectors/missed.px: block:touch=fault: a0 is 0x1, expected 0x2$'
    expect_stdout '^FAIL: [0-9] expectations missed$'
}

test_a_gate_that_ran_nothing_does_not_pass() {
    gate_files
    expect_exit 2
    expect_stderr 'parallax gate: nothing was compared: expected .px files below corpus, or a --scale above 0'
    expect_stdout '^FAIL: nothing was compared$'
}

# --- known buckets ---------------------------------------------------------------------------------------

test_known_buckets_are_not_counted_until_they_expire() {
    local hash
    write_program corpus/regress/a.px
    gate_files --corpus corpus --json "${wrong[@]}"
    expect_exit 1
    hash=$(json out 'd["buckets"][0]["hash"]' | tr -d '"')
    printf '%s\n' '# what we live with' "$hash alice 2026-11-21 see #7" '00000000 bob 2020-01-01' >known.txt
    gate_files --corpus corpus "${wrong[@]}" --known known.txt
    expect_exit 0
    expect_stdout "^  buckets     0 counted, at most 0 allowed; 1 known$"
    expect_stdout "^  known       parallax-out/$hash-xor: .* \(alice, until 2026-11-21: see #7\)$"
    expect_stdout '^  vanished    00000000 \(bob, until 2020-01-01\): not seen by so small a gate$'
    expect_stdout '^PASS$'
    gate_files --corpus corpus "${wrong[@]}" --known known.txt --today 2026-11-22 --json
    expect_exit 1
    expect_json out 'd["verdict"], d["today"], d["divergences"], d["known"]' '["fail", "2026-11-22", 1, 0]'
    expect_json out 'd["buckets"][0]["standing"], d["buckets"][0]["owner"]' '["expired", "alice"]'
    expect_json out '[v["hash"] for v in d["vanished"]]' '["00000000"]'
    echo 'interp|wrong:op=xor:xor:reg:- carol 2026-12-31' >known.txt
    gate_files --corpus corpus "${wrong[@]}" --known known.txt
    expect_exit 0
}

test_a_list_that_is_wrong_is_refused() {
    printf '# fine\n1f8e412a alice tomorrow\n' >known.txt
    refused 'known.txt:2:16: found "tomorrow", expected the last day on which it is accepted, YYYY-MM-DD' \
        --known known.txt
    refused 'missing.txt: cannot open: No such file or directory' --known missing.txt
    refused "--today: '2026-02-30': expected a day, YYYY-MM-DD" --today 2026-02-30
}

# --- what is refused -----------------------------------------------------------------------------------

test_options_that_cannot_be_are_refused() {
    refused "corpus 'nowhere': No such file or directory" --corpus nowhere
    refused "--max-divergences: 'x': expected a number from 0 to 256" --max-divergences x
    refused "--scale: '100001': expected a number from 0 to 100000" --scale 100001
    refused "--findings: '0': expected a number from 1 to 1000" --findings 0
    refused "unexpected 'corpus': see parallax gate --help" corpus
    refused "1 engine: expected at least two to compare" --engines interp
    refused "'no/such/gate.xml': cannot be written: No such file or directory" --junit no/such/gate.xml
    refused "'.': is a folder, expected a file to write" --sarif .
    : >file
    run gate --scale 1 --out file/x
    expect_exit 2
    expect_stderr "parallax gate: output folder 'file/x': Not a directory"
}

test_a_corpus_with_a_file_that_is_no_program_is_refused() {
    write_program corpus/regress/a.px
    printf 'nonsense\n' >corpus/regress/b.px
    run gate --scale 0
    expect_exit 2
    expect_empty out
    [[ $(<err) == 'parallax gate: corpus/regress/b.px:1:1: found "nonsense", expected '* && $(wc -l <err) == 1 ]]
}

# --- options -------------------------------------------------------------------------------------------

test_scale_jobs_and_findings_do_what_they_say() {
    run gate --scale 1 --json --quiet --jobs 3 "${wrong[@]}"
    expect_json out 'd["jobs"]' 3
    json out '[c["planned"] for c in d["cases"]]' >one
    json out 'sum(b["count"] for b in d["buckets"])' >few
    run gate --scale 2 --json --quiet --findings 9 "${wrong[@]}"
    json out '[c["planned"] for c in d["cases"]]' >two
    json out 'sum(b["count"] for b in d["buckets"])' >many
    cmp -s one two && return 1
    (($(<many) > $(<few)))
}

test_engines_and_their_features_can_be_chosen() {
    write_program corpus/regress/a.px
    gate_files --engines interp,block,block:cpu=bmi1 --cpu-features baseline --json
    expect_exit 0
    expect_json out '[e["spec"] for e in d["engines"]]' '["interp", "block:cpu=baseline", "block:cpu=bmi1"]'
}

test_a_divergence_is_told_while_it_runs_unless_quiet() {
    write_program corpus/regress/a.px
    run gate --scale 0 "${wrong[@]}"
    expect_exit 1
    [[ $(<err) =~ ^'divergence: corpus/regress/a.px: interp|wrong:op=xor:xor:reg:-: parallax-out/'[0-9a-f]{8}-xor$ ]]
    gate_files "${wrong[@]}"
    expect_exit 1
    expect_empty err
}

# --- reports -------------------------------------------------------------------------------------------

# Names that no format takes as they are.
write_odd_corpus() {
    write_program $'corpus/regress/<&"\'\x1b\xff]]>.px' 'x10=7'
    write_program $'corpus/regress/\xc3\xa4 b%.px'
    write_program corpus/seeds/c.px
}

test_junit_is_xml_with_a_case_for_each_file() {
    write_odd_corpus
    gate_files "${wrong[@]}" --junit gate.xml
    expect_exit 1
    python3 - gate.xml <<'PYTHON'
import sys, xml.etree.ElementTree as xml
root = xml.parse(sys.argv[1]).getroot()
assert root.tag == "testsuites", root.tag
suites = {s.get("name"): s for s in root}
assert list(suites) == ["gate", "regress", "vectors", "seeds", "ranges"], list(suites)
for element in [root, *root]:
    cases = list(element.iter("testcase"))
    count = lambda tag: sum(c.find(tag) is not None for c in cases)
    assert int(element.get("tests")) == len(cases)
    assert int(element.get("failures")) == count("failure")
    assert int(element.get("skipped")) == count("skipped")
    assert element.get("errors") == "0"
    assert all(c.get("classname") == "parallax." + s.get("name") for s in root for c in s)
names = [c.get("name") for c in suites["regress"]]
assert names == ["corpus/regress/<&\"'\\x1b\\xff]]>.px", "corpus/regress/\u00e4 b%.px"], names
failure = suites["regress"][0].find("failure")
assert failure.get("type") == "expectation" and "a0 is 0x" in failure.text, failure.text
assert "interp|wrong:op=xor:xor:reg:-" in suites["seeds"][0].find("failure").text
PYTHON
}

test_sarif_has_a_result_for_each_bucket_and_trouble() {
    write_odd_corpus
    gate_files "${wrong[@]}" --sarif gate.sarif --out 'out put'
    expect_exit 1
    python3 - gate.sarif <<'PYTHON'
import json, os, sys, urllib.parse
log = json.load(open(sys.argv[1], encoding="utf-8"))
assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
run, = log["runs"]
rules = run["tool"]["driver"]["rules"]
assert run["tool"]["driver"]["name"] == "parallax"
assert len({r["id"] for r in rules}) == len(rules)
assert all(r["shortDescription"]["text"] for r in rules)
results = run["results"]
assert [r["ruleId"] for r in results] == ["reg", "expectation", "expectation"], results
for r in results:
    assert rules[r["ruleIndex"]]["id"] == r["ruleId"]
    assert r["level"] == "error" and r["message"]["text"]
    place = r["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] == 1
    path = urllib.parse.unquote_to_bytes(place["artifactLocation"]["uri"])
    assert os.path.isfile(path), path
assert results[0]["partialFingerprints"] == {"parallaxBucket/v1": "interp|wrong:op=xor:xor:reg:-"}
assert "suppressions" not in results[0]
assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
PYTHON
    echo 'interp|wrong:op=xor:xor:reg:- alice 2026-12-31 "soon"' >known.txt
    rm corpus/regress/*
    gate_files "${wrong[@]}" --sarif gate.sarif --known known.txt
    expect_exit 0
    expect_json gate.sarif 'd["runs"][0]["results"][0]["suppressions"]' \
        '[{"kind": "external", "status": "accepted", "justification": "alice, until 2026-12-31: \"soon\""}]'
}

test_a_report_that_cannot_be_written_is_told() {
    write_program corpus/regress/a.px
    code=0
    "$parallax" gate --scale 0 --quiet --junit /dev/full >out 2>err || code=$?
    expect_exit 2
    expect_stderr 'parallax gate: /dev/full: No space left on device'
    expect_stdout '^PASS$'
}

test_a_full_disk_is_named_with_what_is_not_kept() {
    if ! unshare --mount true 2>err; then return 0; fi # not allowed here
    mkdir small
    # shellcheck disable=SC2016 # for the inner shell
    capture unshare --mount bash -c 'mount -t tmpfs -o size=4k tmpfs small && "$@"' _ \
        "$parallax" gate --scale 1 --quiet "${wrong[@]}" --out small/out --junit gate.xml
    expect_exit 2
    (($(wc -l <err) == 1))
    grep -qE "^parallax gate: finding 'small/out/[0-9a-f]{8}-xor': No space left on device; its program is not kept: parallax replay --seed 0x[0-9a-f]+ --index 12 --gen mix@[0-9]+$" err
    expect_stdout '^FAIL: the gate broke: 1 divergence bucket, at most 0 allowed$'
    grep -q '<failure type="gate" message="error">' gate.xml
}

# --- Ctrl-C --------------------------------------------------------------------------------------------

test_an_interrupted_gate_writes_its_reports_and_exits_with_130() {
    local polls=0
    write_program corpus/regress/a.px
    "$parallax" gate --scale 100000 --json --out found --junit gate.xml --sarif gate.sarif "${wrong[@]}" >out 2>err &
    local pid=$!
    # From when the folder is there on, whatever the gate is at.
    until [[ -d found ]]; do
        if ((++polls > polls_max)); then
            kill -KILL "$pid"
            echo "the gate did not start"
            return 1
        fi
        sleep 0.01
    done
    kill -INT "$pid"
    code=0
    wait "$pid" || code=$?
    expect_exit 130
    expect_json out 'd["verdict"], d["complete"], d["vanished"]' '["incomplete", false, []]'
    expect_json out 'any(c["state"] == "not run" for c in d["cases"])' true
    expect_json gate.sarif 'd["runs"][0]["invocations"]' '[{"executionSuccessful": false, "exitCode": 130}]'
    python3 -c 'import sys, xml.etree.ElementTree as xml
root = xml.parse("gate.xml").getroot()
assert int(root.get("skipped")) > 10, root.attrib'
}

run_cases gate "$@"
