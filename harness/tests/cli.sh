#!/usr/bin/env bash
# The command line from outside: exit codes, errors of one line, replay, Ctrl-C. Reports like a cmocka program.
set -euo pipefail

about='Tests the program that PARALLAX names (default build/release/parallax): all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
polls_max=6000        # of 10 ms
patch_differs=101     # of corpus/bugs: shows as a wrong register
patch_faults=202      # ... and as a host fault
patch_ages=617        # ... in a process that has run many programs, and in no fresh one

# --- what tests are made of --------------------------------------------------------------------------

# --- the program -------------------------------------------------------------------------------------

test_without_a_command_it_says_where_help_is() {
    refused 'parallax: expected a command: see parallax --help'
    refused "parallax: unknown command 'nope': see parallax --help" nope
    refused "parallax: unknown command '--nope': see parallax --help" --nope
}

test_help_and_version_exit_with_0() {
    run --help
    expect_exit 0
    expect_empty err
    expect_stdout '^usage: parallax COMMAND \[OPTIONS\]$'
    expect_stdout '^exit codes: 0 agree, 1 divergence, 2 usage or environment, 3 internal error, 130 interrupted$'
    run --version
    expect_exit 0
    expect_stdout '^parallax [^ ]+$'
    expect_stdout '^generators mix@[0-9]+ '
}

test_every_command_has_help() {
    local command commands
    run --help
    commands=$(awk '/^commands:/ { inside = 1; next } /^$/ { inside = 0 } inside { print $1 }' out)
    [[ $commands == *fuzz* && $commands == *replay* ]]
    for command in $commands; do
        run "$command" --help
        expect_exit 0
        expect_empty err
        expect_stdout "^usage: parallax $command "
        expect_stdout '^options:$'
        expect_stdout '^examples:$'
        refused "parallax $command: unknown option '--nope': see parallax $command --help" "$command" --nope
    done
}

# Of what the program just printed.
load_completion() {
    # shellcheck disable=SC2317 # the completion calls it
    compopt() { :; } # works within a real completion only
    # shellcheck source=/dev/null
    source out
}

# What completion offers for the words of a command line, the last of them unfinished.
complete_line() { # word...
    local COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _parallax
}

test_man_page_and_completion_have_every_command_and_option() {
    local command commands option
    run --completion=bash
    expect_exit 0
    load_completion
    run --man
    expect_exit 0
    expect_empty err
    cp out page
    complete_line parallax ''
    commands="${COMPREPLY[*]}"
    run --help
    [[ "$(awk '/^commands:/ { inside = 1; next } /^$/ { inside = 0 } inside { print $1 }' out | xargs) --help --version" == "$commands" ]]
    for command in ${commands% --help --version}; do
        run "$command" --help
        sed -n "/^\.SS parallax $command /,/^\.nf/p" page >part
        complete_line parallax "$command" -
        while read -r option; do
            grep -qF "\\fB${option//-/\\-}\\fR" part || [[ $option == --help ]]
            [[ " ${COMPREPLY[*]} " == *" $option "* || " ${COMPREPLY[*]} " == *" $option= "* ]]
        done < <(sed -n 's/^  \(--[a-z-]*\).*/\1/p' out)
        grep -q '^\.nf$' part
    done
}

test_completion_offers_what_fits() {
    run --completion=bash
    load_completion
    complete_line parallax fu
    [[ ${COMPREPLY[*]} == fuzz ]]
    complete_line parallax fuzz --se
    [[ ${COMPREPLY[*]} == --seed= ]]
    complete_line parallax fuzz --gen = bou
    [[ ${COMPREPLY[*]} == boundary ]]
    complete_line parallax fuzz --gen =
    [[ ${COMPREPLY[*]} == 'mix boundary '* ]]
    complete_line parallax replay --gen str
    [[ ${COMPREPLY[*]} == straight ]]
    complete_line parallax fuzz --seed = 1
    ((${#COMPREPLY[@]} == 0))
    complete_line parallax nope -
    ((${#COMPREPLY[@]} == 0))
    refused "parallax: unknown command '--completion=zsh': see parallax --help" --completion=zsh
}

# --- fuzz --------------------------------------------------------------------------------------------

test_fuzz_refuses_options_that_cannot_be() {
    local number='expected a number from 1 to 18446744073709551615'
    refused "parallax fuzz: --count: '0': $number" fuzz --count 0
    refused "parallax fuzz: --count: '1k': $number" fuzz --count=1k
    refused "parallax fuzz: --jobs: '0': expected a number from 1 to 256" fuzz --jobs=0
    refused "parallax fuzz: --seed: expected a value (S)" fuzz --seed
    refused "parallax fuzz: --json takes no value" fuzz --json=yes
    refused "parallax fuzz: unexpected 'program.px': see parallax fuzz --help" fuzz program.px
}

test_fuzz_refuses_engines_and_generators_that_cannot_be() {
    refused 'parallax fuzz: 1 engine: expected at least two to compare' fuzz --engines interp
    refused "parallax fuzz: engine interp: option 'x=1': expected none" fuzz --engines interp:x=1,block
    refused "parallax fuzz: cpu feature 'z80': expected host, baseline, or bmi1, bmi2, lzcnt, popcnt joined by '+'" \
        fuzz --cpu-features z80
    refused "parallax replay: cpu features 'a,b': expected host, baseline, or names joined by '+'" \
        replay --index 0 --cpu-features a,b
    refused "parallax minimize: cpu features '': expected host, baseline, or names joined by '+'" \
        minimize --cpu-features= x.px
    run fuzz --gen nope
    expect_exit 2
    [[ $(<err) == "parallax fuzz: generator 'nope': expected mix, "* ]]
    run fuzz --gen mix@999
    expect_exit 2
    [[ $(<err) == "parallax fuzz: generator mix: version '999': this build makes version "* ]]
    [[ ! -e parallax-out ]]
}

test_cpu_features_hold_for_every_engine_that_makes_code() {
    run fuzz --seed 7 --count 2000 --cpu-features baseline --engines interp,block,block:cpu=host
    expect_exit 0
    expect_stdout '^  block:cpu=baseline ran 100.00 % of the programs'
    expect_stdout '^  block +ran 100.00 % of the programs'
    run replay --seed 7 --index 0 --cpu-features baseline
    expect_exit 0
    expect_stdout 'block:cpu=baseline'
}

test_fuzz_refuses_an_output_folder_that_cannot_be() {
    : >file
    refused "parallax fuzz: output folder 'file/x': Not a directory" fuzz --count 10 --out file/x/y
    refused "parallax fuzz: output folder '': expected a path of 1 to 4095 characters" fuzz --count 10 --out ''
}

test_fuzz_exits_with_0_when_all_agree_and_leaves_nothing() {
    run fuzz --seed 7 --count 5000 --jobs 2
    expect_exit 0
    expect_stdout '^5000 programs of mix@[0-9]+, seed 0x7, in [0-9.]+ s: [0-9]+ programs/s with 2 jobs$'
    expect_stdout '^  self-test   [0-9]+ deliberately wrong engines, all caught$'
    expect_stdout '^  findings    0 divergences '
    [[ ! -e parallax-out ]]
}

test_fuzz_prints_one_json_object_that_jobs_do_not_change() {
    run fuzz --seed 0x10 --count 9000 --jobs 1 --json --quiet
    expect_exit 0
    expect_empty err
    [[ $(wc -l <out) == 1 ]]
    expect_stdout '^\{"programs": 9000, "seed": 16, .*"first_divergence_index": null.*"findings": \[\], "buckets": \[\]\}$'
    sed 's/"seconds": [0-9.]*, "jobs": [0-9]*//' out >one
    run fuzz --seed 16 --count 9000 --jobs 3 --json --quiet
    sed 's/"seconds": [0-9.]*, "jobs": [0-9]*//' out >three
    cmp one three
}

test_fuzz_takes_a_generator_with_options() {
    run fuzz --gen straight:length=1 --seed 1 --count 100 --json
    expect_exit 0
    expect_stdout '^\{"programs": 100, .*"generator": "straight:length=1@[0-9]+"'
}

# Starts a campaign without an end, in a process group of its own, and sends a signal once its workers are at it.
interrupt_fuzz() { # signal campaign|group option...
    local signal=$1 whom=$2 polls=0 children=''
    shift 2
    setsid "$parallax" fuzz --time 0 --seed 3 --jobs 2 --out found "$@" >out 2>err </dev/null &
    local pid=$!
    # The processes that check things first are through when the folder stands.
    until [[ -d found && -n $children ]]; do
        if ((++polls > polls_max)); then
            kill -KILL "$pid"
            echo "no worker in sight"
            return 1
        fi
        sleep 0.01
        children=$(below "$pid" parallax)
    done
    if [[ $whom == group ]]; then kill -"$signal" -- "-$pid"; else kill -"$signal" "$pid"; fi
    code=0
    wait "$pid" || code=$?
}

test_an_interrupted_campaign_prints_its_summary_and_exits_with_130() {
    interrupt_fuzz INT campaign
    expect_exit 130
    expect_stdout '^[0-9]+ programs of mix@[0-9]+, seed 0x3, .* \(interrupted\)$'
    expect_stdout '^  findings    0 divergences '
    [[ ! -e found ]]
    interrupt_fuzz TERM campaign --json
    expect_exit 130
    expect_stdout '^\{"programs": [0-9]+, .*"interrupted": true, .*\}$'
    interrupt_fuzz HUP campaign
    expect_exit 130
    expect_stdout ' \(interrupted\)$'
}

# As `timeout` and terminals send it: to all processes of the group, which leave it to their supervisor.
test_a_signal_to_the_whole_group_ends_the_campaign_in_good_order() {
    interrupt_fuzz TERM group --json
    expect_exit 130
    expect_stdout '^\{"programs": [0-9]+, .*"restarts": 0, "interrupted": true, .*\}$'
}

# Runs parallax on a file system of its own, in ./small, which is mounted with @options.
run_on_small_disk() { # options argument...
    local options=$1
    shift
    mkdir -p small
    code=0
    # shellcheck disable=SC2016 # the inner shell's
    unshare --mount bash -c 'mount -t tmpfs -o "$1" tmpfs small && "${@:2}"' _ "$options" "$parallax" "$@" \
        >out 2>err </dev/null || code=$?
}

test_a_full_disk_is_named_with_what_is_not_kept() {
    if ! unshare --mount true 2>err; then return 0; fi # not allowed here
    plant "$patch_differs"
    run_on_small_disk size=4k fuzz --seed 1 --count 20000 --out small/found --minimize 0 --quiet
    expect_exit 2
    (($(wc -l <err) == 1))
    grep -qE "^parallax fuzz: finding 'small/found/[0-9a-f]{8}-sllw': No space left on device; its program is not kept: parallax replay --seed 0x1 --index [0-9]+ --gen mix@[0-9]+$" err
    expect_stdout '^  findings    1 divergences '
    eval "set -- $(sed 's/.*: parallax //' err)"
    run "$@"
    expect_exit 1
}

test_a_folder_that_cannot_be_written_to_is_named() {
    if ! unshare --mount true 2>err; then return 0; fi
    run_on_small_disk ro fuzz --seed 1 --count 10 --out small --quiet
    expect_exit 2
    expect_stderr "parallax fuzz: output folder 'small': Read-only file system"
    run_on_small_disk ro fuzz --seed 1 --count 10 --out small/deeper --quiet
    expect_exit 2
    expect_stderr "parallax fuzz: output folder 'small/deeper': Read-only file system"
}

# What its worker did when it was killed reproduces in no fresh process.
test_a_campaign_with_unstable_findings_keeps_them_and_exits_with_1() {
    plant "$patch_ages"
    run fuzz --count 12000 --seed 4 --jobs 1 --out found --quiet
    expect_exit 1
    expect_stdout '^  findings    0 divergences .* [1-9][0-9]* unstable, '
    expect_stdout '^  unstable    kept in found/unstable: '
    grep -qE '^unstable  .*gas.*, seen once in a campaign' found/unstable/seed-0000000000000004-mix-*/report.txt
    run replay "$(find found/unstable -name original.px | sed -n 1p)"
    expect_exit 0
}

# --- an engine that is wrong ----------------------------------------------------------------------------

# From here on $parallax is the program with a bug of corpus/bugs in it.
plant() { # id
    "$root/scripts/plant" build "$1" planted >log 2>&1
    parallax=$PWD/planted/build/release/parallax
}

number_of() { # key; the first in the JSON object of the file out
    grep -o "\"$1\": [0-9]*" out | sed -n '1s/.* //p'
}

test_every_bucket_is_kept_with_programs_and_report() {
    local good=$parallax bucket buckets program
    plant "$patch_differs"
    run fuzz --seed 1 --count 1000000 --jobs 2 --stop-after 5 --out kept/below --json
    expect_exit 1
    (($(number_of divergences) >= 5 && $(number_of programs) < 1000000))
    buckets=(kept/below/*)
    ((${#buckets[@]} < $(number_of divergences)))
    (($(find kept/below -name '*.px' ! -name minimal.px | wc -l) == $(number_of divergences)))
    for bucket in "${buckets[@]}"; do
        [[ $bucket =~ ^kept/below/[0-9a-f]{8}-sllw$ ]]
        grep -qF "\"path\": \"${bucket##*/}\", \"instructions\": " out
        grep -q '^diverges  x' "$bucket/report.txt"
        grep -q '^bucket    interp|block:sllw:reg:' "$bucket/report.txt"
        (($(grep -c "^  [0-9a-f]* *#" "$bucket/minimal.px") <= 2))
        grep -q '^    .4byte 0x.*  # 0000  sllw ' "$bucket/repro.S"
        for program in "$bucket"/*.px; do
            "$parallax" replay "$program" >replayed && false
            grep -qE '^diverges  x.* \(1 of 1 runs in a fresh process\)$' replayed
            "$good" replay "$program" >replayed
        done
    done
}

test_minimize_writes_the_smallest_program_of_the_bucket() {
    plant "$patch_differs"
    run fuzz --seed 1 --count 1000000 --jobs 1 --stop-after 1 --out kept --minimize 0 --quiet
    expect_exit 1
    expect_stdout ', not minimized$'
    [[ $(ls kept/*) == $'original.px\nreport.txt\nrepro.S' ]]
    run minimize kept/*/original.px --out small.px
    expect_exit 1
    expect_stdout '^bucket     interp\|block:sllw:reg:.*  \([0-9a-f]{8}\)$'
    expect_stdout '^minimized  [0-9]+ -> 1 instructions in '
    run replay small.px
    expect_exit 1
    run minimize small.px --engines interp,block:touch=fault --seconds 5
    expect_exit 1
    grep -q 'ecalli 0$' out
    run minimize kept/*/original.px --out no/such/folder.px
    expect_exit 2
}

test_minimize_says_so_when_engines_agree() {
    printf 'parallax 1 rv64e-jar.1\ngas 1000\ncode\n  0000200b\n' >agrees.px
    run minimize agrees.px
    expect_exit 0
    expect_stderr 'parallax minimize: agrees.px: the engines agree on it: nothing to minimize'
    run minimize missing.px
    expect_exit 2
    printf 'parallax 1 rv64e-jar.1\ngas 1000\ncode\n  zz\n' >malformed.px
    run minimize malformed.px
    expect_exit 2
    grep -q '^parallax minimize: malformed.px:4:3: ' err
    run minimize agrees.px --engines interp,nothing
    expect_exit 2
}

test_locate_shows_the_instruction_and_its_host_code() {
    local good=$parallax program
    plant "$patch_differs"
    run fuzz --seed 1 --count 1000000 --jobs 1 --stop-after 1 --out kept --quiet
    grep -q '^minimal.px$' kept/*/report.txt
    grep -qE '^> [0-9a-f]{4}  [0-9a-f]{8}  sllw ' kept/*/report.txt
    program=$(echo kept/*/original.px)
    run locate "$program" --engines interp,block,block:touch=fault
    expect_exit 1
    expect_empty err
    (($(grep -c '^located   sllw at pc 0x[0-9a-f]*: instruction ' out) == 2))
    expect_stdout '^engines   interp and block:touch=fault$'
    expect_stdout '^> [0-9a-f]{4}  [0-9a-f]{8}  sllw  .*  \+[0-9a-f]{4}  [a-z]'
    expect_stdout '^bucket    interp\|block:sllw:reg:'
    run locate "$program" --engines interp,block --json
    expect_exit 1
    expect_stdout '^\{"pairs": \[\{"agree": false, "runs": 3, "diverged": 3, .*"op": "sllw".*"diverging": 1\}$'
    parallax=$good
    run locate "$program" --engines interp,block
    expect_exit 0
    [[ $(<out) == 'engines   interp and block: agree' ]]
}

test_locate_refuses_what_replay_refuses() {
    refused 'parallax locate: expected one FILE, or --seed and --index' locate
    refused 'parallax locate: --seed goes with --index, not with a FILE' locate one.px --seed 1
    refused 'parallax locate: one.px: cannot open: No such file or directory' locate one.px
    refused 'parallax locate: 1 engine: expected at least two to compare' locate --index 1 --engines interp --json
    run locate --seed 1 --index 2 --gen straight
    expect_exit 0
}

test_replay_in_gdb_stops_at_the_located_host_instruction() {
    plant "$patch_faults"
    run fuzz --seed 1 --count 100000 --jobs 1 --stop-after 1 --minimize 0 --out kept --quiet
    run replay --gdb kept/*/original.px --engines interp,block
    expect_stdout '^differs   block dies of SIGFPE '
    expect_stdout '^Breakpoint 1, 0x'
    expect_stdout '^  a2   x12 in rcx +0x[0-9a-f]{16} -?[0-9]+$'
    expect_stdout '^=> 0x[0-9a-f]+:'
    run replay --gdb kept/*/original.px --engines interp,interp
    expect_exit 0
    expect_stderr 'parallax replay: the engines agree on it: there is nothing to stop at'
    PATH=/nonexistent refused 'parallax replay: --gdb: there is no gdb in PATH (Debian: apt-get install gdb)' \
        replay --gdb --index 1
    run replay --gdb --index 8 --seed 4 --engines interp,wrong:op=addi
    expect_exit 2
    expect_stderr 'parallax replay: --gdb: engine wrong:op=addi: there is no host code to stop at: see parallax locate'
}

test_host_faults_end_no_campaign_and_lose_no_program() {
    plant "$patch_faults"
    run fuzz --seed 1 --count 500 --jobs 2 --json --quiet
    expect_exit 1
    expect_empty err
    (($(number_of aborts) > 0 && $(number_of differences) == 0 && $(number_of unstable) == 0))
    (($(number_of restarts) == $(number_of aborts)))
    (($(number_of programs) + $(number_of aborts) == 500))
    run replay --seed 1 --index "$(number_of first_divergence_index)"
    expect_exit 1
    expect_stdout '^diverges  abort:SIGFPE '
    expect_stdout '^  signal  8 \(.*\) at host address 0x'
}

test_an_engine_that_hardly_runs_fails_a_campaign() {
    run fuzz --seed 1 --count 20000 --gen control --engines interp,linear --quiet --json
    expect_exit 2
    [[ $(<err) =~ ^parallax\ fuzz:\ engine\ linear\ took\ [0-4]\.[0-9]+\ %\ of\ the\ programs\ it\ was\ given,\ expected\ at\ least\ 5\ %: ]]
    expect_stdout '"spec": "linear", .*"taken": 0\.0[0-4]'
    run fuzz --seed 1 --count 20000 --gen control --quiet # by default it is one of many
    expect_exit 0
    expect_stdout '^  linear      ran [0-4]\.[0-9]+ % of one program in 16: '
    run fuzz --seed 1 --count 20000 --quiet
    expect_exit 0
    expect_stdout '^  linear      ran 2[0-9]\.[0-9]+ % of one program in 16: '
}

test_a_campaign_stays_as_large_as_it_is() {
    run fuzz --seed 1 --count 1000 --json --quiet
    expect_stdout '"resident_bytes": null'
    ASAN_OPTIONS=quarantine_size_mb=1 run fuzz --seed 1 --count 300000 --jobs 1 --json --quiet
    expect_exit 0
    local size='([0-9]+), ([0-9]+)'
    [[ $(<out) =~ \"resident_bytes\":\ \{\"programs\":\ 100000,\ \"worker\":\ \[$size\],\ \"supervisor\":\ \[$size\]\} ]]
    ((BASH_REMATCH[1] > 1000000 && BASH_REMATCH[2] < BASH_REMATCH[1] * 5 / 4))
    ((BASH_REMATCH[3] > 1000000 && BASH_REMATCH[4] < BASH_REMATCH[3] * 5 / 4))
}

# --- replay ------------------------------------------------------------------------------------------

test_replay_wants_a_file_or_a_number() {
    local wanted='parallax replay: expected one FILE, or --seed and --index'
    refused "$wanted" replay
    refused "$wanted" replay --seed 1
    refused "$wanted" replay one.px two.px
    refused "$wanted" replay one.px --seed 1 --index 2
    refused 'parallax replay: --seed goes with --index, not with a FILE' replay one.px --seed 1
    refused 'parallax replay: --gen goes with --index, not with a FILE' replay one.px --gen mix
    refused 'parallax disasm: --seed goes with --index, not with a FILE' disasm one.px --seed 1
    refused 'parallax replay: one.px: cannot open: No such file or directory' replay one.px
    refused "parallax replay: --times: '0': expected a number from 1 to 1000000" replay --times 0 one.px
}

test_replay_refuses_other_versions_and_numbers_of_a_generator() {
    run replay --seed 1 --index 0 --gen mix@999
    expect_exit 2
    expect_empty out
    [[ $(<err) == "parallax replay: generator mix: version '999': this build makes version "* ]]
    run replay --seed 1 --index 18446744073709551614 --gen boundary
    expect_exit 2
    [[ $(<err) == 'parallax replay: --index: 18446744073709551614: expected less than '* ]]
}

test_replay_of_a_malformed_file_says_where_and_what() {
    printf 'parallax 1 rv64e-jar.1\ngas many\n' >bad.px
    refused 'parallax replay: bad.px:2:5: found "many", expected a number, decimal or 0x hex' replay bad.px
    printf 'nonsense\n' >bad.px
    run replay bad.px
    expect_exit 2
    expect_empty out
    [[ $(<err) == 'parallax replay: bad.px:1:'*', expected '* && $(wc -l <err) == 1 ]]
    printf 'parallax 1\0\377\200\n\0' >bad.px
    run replay bad.px
    expect_exit 2
    [[ $(wc -l <err) == 1 ]]
}

# c.li a0, 1; ecalli 5: 101 gas.
write_program() { # expect-fields
    cat >program.px <<TEXT
parallax 1 rv64e-jar.1
gas 1000
code
  4505
  0002a00b
expect $1
TEXT
}

test_replay_keeps_to_what_a_file_expects() {
    write_program 'exit=hostcall:5 pc=6 x10=1'
    run replay program.px
    expect_exit 0
    expect_stdout '^agrees    in 1 run$'
    write_program 'exit=hostcall:5 pc=6 x10=2'
    run replay program.px
    expect_exit 1
    expect_stdout '^expected  interp: a0 is 0x1, expected 0x2$'
    expect_stdout '^expected  block: a0 is 0x1, expected 0x2$'
}

test_replay_by_number_and_from_its_file_are_the_same() {
    local index
    for index in 0 1 2 3 4 5 6 7; do
        run replay --seed 9 --index "$index" --px
        expect_exit 0
        expect_empty err
        cp out program.px
        run replay program.px --times 3
        expect_exit 0
        expect_stdout '^agrees    in 3 runs$'
        cp out from_file
        run replay --seed 9 --index "$index" --times 3
        cmp out from_file
    done
}

test_every_command_says_when_nobody_listens() {
    write_program 'exit=hostcall:5 pc=6 x10=1'
    local commands=(
        'fuzz --count 100 --seed 1 --quiet' 'fuzz --count 100 --seed 1 --quiet --json' 'replay program.px'
        "gate --scale 0 --corpus $root/corpus --quiet" 'bench --quick --seconds 1 --filter run/interp/straight' 'doctor' 'disasm program.px'
        'stats --count 100'
    )
    local command words
    for command in "${commands[@]}"; do
        read -ra words <<<"$command"
        code=0
        "$parallax" "${words[@]}" >/dev/full 2>err </dev/null || code=$?
        : >out
        expect_exit 2
        (($(wc -l <err) == 1))
        grep -qE '^parallax( [a-z]+)?: standard output' err
    done
}

test_replay_says_when_nobody_listens() {
    code=0
    "$parallax" replay --seed 9 --index 1 --px >/dev/full 2>err || code=$?
    : >out
    expect_exit 2
    expect_stderr 'parallax replay: standard output takes no more'
}

run_cases cli "$@"
