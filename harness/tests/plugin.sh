#!/usr/bin/env bash
# Engines from outside the tree: built against the installed headers alone, loaded, refused, caught, survived. Reports
# like a cmocka program.
set -euo pipefail

about='Installs build/release below a temporary folder, builds engines against that and runs them: all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
unset MAKEFLAGS MAKELEVEL MFLAGS PREFIX DESTDIR
umask 022

tree=$work/tree
make -s -C "$root" install PREFIX="$tree" >/dev/null
parallax=$tree/bin/parallax
examples=$tree/share/doc/parallax/examples
read -r -a cflags < <(PKG_CONFIG_PATH=$tree/lib/pkgconfig pkg-config --cflags parallax)
straight=(--gen straight:length=2 --seed 1 --no-oracle --quiet)

# Builds SOURCE (the example, or one of harness/tests/plugin) as engine TARGET.
build() { # compiler source target option...
    local compiler=$1 source=$2 target=$3
    shift 3
    "$compiler" -std=c17 -Wall -Wextra -Werror -O2 -shared -fPIC "$@" "${cflags[@]}" -I"$root" "$source" \
        -o "$target"
}
hostile=$work/hostile.so
build gcc "$root/harness/tests/plugin/hostile.c" "$hostile"
right=$work/right.so
build gcc "$examples/engine.c" "$right" -pedantic
wrong=$work/wrong.so
build gcc "$examples/engine.c" "$wrong" -DENGINE_BUG

# xor t0, t0, t1; ecalli 0, with t0 as hostile engines want it.
write_program() { # name x5
    cat >"$1" <<TEXT
parallax 1 rv64e-jar.1
gas 10000
reg x5 $2
reg x6 0x10
code
  0062c2b3
  0000200b
TEXT
}

# --- engines that work -------------------------------------------------------------------------------

test_a_right_engine_agrees_and_a_wrong_one_is_caught_whichever_compiler_built_it() {
    local compiler
    for compiler in gcc clang-19; do
        build "$compiler" "$examples/engine.c" right.so -pedantic
        build "$compiler" "$examples/engine.c" wrong.so -pedantic -DENGINE_BUG
        run fuzz --engines interp,plugin:./right.so "${straight[@]}" --count 50000 --out agreed
        expect_exit 0
        expect_empty err
        expect_stdout '^  plugin:right\.so judged 24\.[0-9]+ %|^  plugin:right\.so ran 24\.[0-9]+ %'
        expect_stdout '^  findings    0 divergences .* 0 unstable, .*; 0 worker restarts$'
        run fuzz --engines interp,plugin:./wrong.so "${straight[@]}" --count 10000 --out "caught-$compiler"
        expect_exit 1
        expect_stdout '-sltu: interp\|plugin:wrong\.so:sltu:reg:-, '
        expect_stdout '-sltiu: interp\|plugin:wrong\.so:sltiu:reg:-, '
        (($(grep -c '^  caught-.*/.*: interp|plugin' out) == 2))
        grep -A 9 '^code' "caught-$compiler"/*-sltu/minimal.px >code
        grep -q 'sltu' code
    done
    # A bucket is the same whoever built the engine, and wherever it lies.
    [[ $(ls caught-gcc) == "$(ls caught-clang-19)" ]]
}

test_every_command_takes_a_plugin_in_its_list() {
    local list=interp,fused,plugin:$wrong%2
    cat >program.px <<'TEXT'
parallax 1 rv64e-jar.1
gas 10000
reg x6 0xffffffffffffffff
code
  0062c2b3    # xor
  007332b3    # sltu
  0000200b
TEXT
    run replay --engines "$list" program.px
    expect_exit 1
    expect_stdout '^  plugin:wrong\.so +exit=hostcall:0 pc=0xc .*instructions=3 '
    run locate --engines "$list" program.px
    expect_exit 1
    expect_stdout '^engines   interp and fused: agree$'
    expect_stdout '^located   sltu at pc 0x4: instruction 2 of 2 '
    expect_stdout '^bucket    interp\|plugin:wrong\.so:sltu:reg:-  '
    run minimize --engines "$list" --out small.px program.px
    expect_exit 1
    grep -q sltu small.px
    if grep -q xor small.px; then return 1; fi
    mkdir seeds
    cp program.px seeds
    run gate --engines "$list" --scale 0 --corpus . --quiet --out gate
    expect_exit 1
    expect_stdout 'interp\|plugin:wrong\.so:sltu:reg:-'
}

test_a_session_of_the_library_takes_a_plugin() {
    local libs
    cat >session.c <<'TEXT'
#include <parallax.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    char list[512];
    struct px_session_options options = { .size = sizeof options, .engines = list };
    struct px_session *session;
    struct px_image image;
    struct px_diff diff;
    struct px_error err;
    const uint32_t sltu = 0x007332b3;
    snprintf(list, sizeof list, "interp,plugin:%s", argv[argc - 1]);
    if (px_session_create(&options, &session, &err) != PX_OK)
        return printf("%s\n", err.text), 2;
    if (px_image_with_ro_caps(&sltu, 1, NULL, 0, &image, &err) != PX_OK)
        return 3;
    image.x[6] = UINT64_MAX;
    if (px_diff_image(session, &image, &diff, &err) != PX_OK)
        return 4;
    printf("%s %d\n", px_session_engine(session, 1), diff.kind != PX_DIFF_NONE);
    px_image_release(&image);
    px_session_destroy(session);
}
TEXT
    read -r -a libs < <(PKG_CONFIG_PATH=$tree/lib/pkgconfig pkg-config --libs parallax)
    gcc session.c "${cflags[@]}" "${libs[@]}" -o session
    [[ $(LD_LIBRARY_PATH=$tree/lib ./session "$wrong") == "plugin:wrong.so 1" ]]
    [[ $(LD_LIBRARY_PATH=$tree/lib ./session "$right") == "plugin:right.so 0" ]]
    capture env LD_LIBRARY_PATH="$tree/lib" ./session ./none.so
    expect_exit 2
    [[ $(<out) == "engine plugin:./none.so: No such file or directory" ]]
}

# --- engines that are refused ------------------------------------------------------------------------

refused() { # option message
    build gcc "$root/harness/tests/plugin/refused.c" it.so "$1"
    write_program program.px 1
    run replay --engines interp,plugin:./it.so program.px
    expect_exit 2
    expect_empty out
    expect_stderr "parallax replay: engine plugin:./it.so: $2"
}

test_what_is_no_engine_of_this_version_is_refused_in_one_line() {
    local size least
    printf '#include <parallax/engine.h>\nint s = sizeof(struct px_engine_ops), m = PX_ENGINE_OPS_MIN;\n' >size.c
    gcc -S -O1 "${cflags[@]}" size.c -o - >size.s
    size=$(grep -A 1 '^s:' size.s | grep -o '[0-9]*$')
    least=$(grep -A 1 '^m:' size.s | grep -o '[0-9]*$')
    refused -DREFUSE_SYMBOL "exports no px_engine_entry"
    refused -DREFUSE_NULL "px_engine_entry returned no operations"
    refused -DREFUSE_ABI "built for version 2 of the engine interface: expected 1"
    refused -DREFUSE_SMALL "its operations are $((least - 1)) bytes: expected $least to $size"
    refused -DREFUSE_LARGE "its operations are $((size + 1)) bytes: expected $least to $size"
    refused -DREFUSE_GUEST "built for guest 'rv32i.9': expected rv64e-jar.1"
    refused -DREFUSE_RUN "operation 'run' is missing"
    refused -DREFUSE_DYING "its process ended while it was loaded: Aborted"
}

test_what_cannot_be_loaded_is_refused_in_one_line() {
    write_program program.px 1
    run replay --engines interp,plugin:none.so program.px
    expect_exit 2
    expect_stderr "parallax replay: engine plugin:none.so: No such file or directory"
    echo text >text.so
    run replay --engines interp,plugin:text.so program.px
    expect_exit 2
    expect_stderr "parallax replay: engine plugin:text.so: cannot be loaded: $PWD/text.so: file too short"
    mkdir folder.so
    run fuzz --engines interp,plugin:./folder.so --count 1
    expect_exit 2
    expect_stderr "parallax fuzz: engine plugin:./folder.so: expected a shared object, not a folder or device"
    run replay --engines interp,plugin: program.px
    expect_exit 2
    expect_stderr "parallax replay: engine plugin: expected plugin:PATH or plugin:PATH:OPTIONS, PATH without ':', ',' and '%'"
    run replay --engines "interp,plugin:$right:speed=9" program.px
    expect_exit 2
    expect_stderr "parallax replay: engine plugin:$right: options 'speed=9': expected none"
}

test_missing_optional_operations_are_no_reason_to_refuse() {
    build gcc "$root/harness/tests/plugin/refused.c" it.so -DACCEPT_SMALL
    write_program program.px 1
    run replay --engines interp,plugin:./it.so program.px
    expect_exit 0
    expect_stdout '^  plugin:it\.so +exit=hostcall:0 '
}

# --- engines that misbehave --------------------------------------------------------------------------

# What becomes of program.px with a hostile engine, and that another program is none the worse.
becomes() { # mischief outcome
    run replay --engines "interp,plugin:$hostile:$1" program.px
    expect_exit 1
    expect_stdout "^diverges  $2 "
    run replay --engines "interp,plugin:$hostile:$1" harmless.px
    expect_exit 0
    expect_empty err
}

test_death_loops_system_calls_and_nonsense_are_findings() {
    write_program program.px 0xdead
    write_program harmless.px 1
    becomes crash abort:SIGSEGV
    run replay --engines "interp,plugin:$hostile:crash" program.px
    expect_stdout 'Segmentation fault\) at host address 0xbad'
    becomes syscall abort:SIGSYS
    becomes kill abort:SIGSYS
    becomes leave abort:exit
    becomes loop hang
    local nonsense
    for nonsense in exit stopped arg dirty count; do becomes $nonsense abort:SIGABRT; done
}

test_a_campaign_goes_on_over_the_programs_that_kill_the_engine() {
    cat >seed.px <<'TEXT'
parallax 1 rv64e-jar.1
gas 10000
reg x5 0xdead
code
  0062c2b3
  0000200b
TEXT
    mkdir seeds
    cp seed.px seeds/a.px
    write_program seeds/b.px 1
    run gate --engines "interp,plugin:$hostile:crash" --scale 0 --corpus . --quiet --out gate
    expect_exit 1
    expect_stdout 'interp\|plugin:hostile\.so:any:SIGSEGV:-'
    run minimize --engines "interp,plugin:$hostile:crash" --seconds 5 --out small.px seed.px
    expect_exit 1
    grep -q '0xdead' small.px
}

test_what_an_engine_leaves_behind_is_a_state_leak() {
    run fuzz --engines "interp,plugin:$hostile:leak" --gen straight:length=1 --seed 1 --no-oracle --quiet \
        --count 4 --out kept
    expect_exit 1
    expect_stdout '^  findings    [1-9]'
}

test_what_an_engine_says_of_itself_cannot_reach_the_terminal() {
    write_program program.px 0xdead
    run replay --engines "interp,plugin:$hostile:error" program.px
    expect_exit 2
    expect_stderr "parallax replay: engine plugin:hostile.so: no?more?[31m"
}

test_an_engine_that_somebody_kills_is_started_again() {
    local campaign restarts=0 tries=0 strikes=0
    # As many campaigns as it takes: one may be over before anybody has looked.
    while ((restarts < 5)); do
        ((++tries <= 100))
        "$parallax" fuzz --engines "interp,plugin:$right" "${straight[@]}" --count 60000 --jobs 1 --out kept >out 2>err &
        campaign=$!
        strike_below "$campaign" px-plugin KILL
        code=0
        wait "$campaign" || code=$?
        expect_exit 0
        expect_stdout '^60000 programs '
        expect_stdout '^  findings    0 divergences .* 0 unstable, .*; [0-9]+ worker restarts$'
        restarts=$((restarts + $(sed -nE 's/.*; ([0-9]+) worker restarts$/\1/p' out)))
    done
}

run_cases plugin "$@"
