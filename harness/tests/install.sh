#!/usr/bin/env bash
# `make install` and what others make of it: files, headers, pkg-config, the example in C and C++, static and shared.
# Reports like a cmocka program.
set -euo pipefail

about='Installs build/release below temporary folders and uses that: all TESTs, or those given.'
# shellcheck source=harness/tests/cases.bash
source "${0%/*}/cases.bash"
unset MAKEFLAGS MAKELEVEL MFLAGS PREFIX DESTDIR
umask 022

version=$(sed -n 's/^#define PX_VERSION "\(.*\)"$/\1/p' harness/parallax.h)
warnings=(-Wall -Wextra -pedantic -Werror)

make_install() { make -s -C "$root" "$@"; }

# The tree that most tests use, installed once; and how a compiler finds it.
tree=$work/tree
make_install install PREFIX="$tree" >/dev/null
flags() { PKG_CONFIG_PATH=$tree/lib/pkgconfig pkg-config "$@" parallax; } # option...

# Builds the example with COMPILER OPTION...; KIND is static or shared.
build_example() { # kind compiler option...
    local kind=$1 libs
    shift
    read -r -a libs < <(
        if [[ $kind == static ]]; then flags --static --libs; else flags --libs; fi
    )
    if [[ $kind == static ]]; then libs=("${libs[@]/#-lparallax/-l:libparallax.a}"); fi
    # shellcheck disable=SC2046 # words are meant
    "$@" "${warnings[@]}" $(flags --cflags) "$tree/share/doc/parallax/examples/library.c" "${libs[@]}" -o example
}

expect_example() { # environment...
    env "$@" ./example >out 2>err
    expect_empty err
    if ! diff -u - out <<'TEXT'; then return 1; fi
interp against wrong:op=xor
a program with two seeded registers:
  agree
  without its halt it ends with end-of-code, a0 = 0x1234
an image with two pinned regions:
  x12     interp 0x000000000000001e   wrong:op=xor 0x000000000000001f
a batch of 8 programs:
  program 2
  x10     interp 0x0000000000000019   wrong:op=xor 0x0000000000000018
  program 5
  x10     interp 0x0000000000000040   wrong:op=xor 0x0000000000000041
program 5, 4 instructions, shrunk to 1:
  bucket  interp|wrong:op=xor:xor:reg:-
parallax 1 rv64e-jar.1
gas 10
code
  005342b3    # xor   t0, t1, t0
  0000200b    # ecalli 0
TEXT
}

# --- files -------------------------------------------------------------------------------------------

test_install_puts_these_files_with_these_modes_and_no_others() {
    make_install install DESTDIR="$PWD/stage" PREFIX=/opt/px
    (cd stage && find . ! -type d -printf '%m %P\n') | LC_ALL=C sort -k 2 >files
    diff -u - files <<TEXT
755 opt/px/bin/parallax
644 opt/px/include/parallax.h
644 opt/px/include/parallax/body.h
644 opt/px/include/parallax/engine.h
644 opt/px/include/parallax/guest.h
644 opt/px/include/parallax/image.h
644 opt/px/include/parallax/isa.def
644 opt/px/include/parallax/isa.h
644 opt/px/include/parallax/outcome.h
644 opt/px/include/parallax/program.h
644 opt/px/include/parallax/status.h
644 opt/px/lib/libparallax.a
777 opt/px/lib/libparallax.so
777 opt/px/lib/libparallax.so.${version%%.*}
755 opt/px/lib/libparallax.so.$version
644 opt/px/lib/pkgconfig/parallax.pc
644 opt/px/share/bash-completion/completions/parallax
644 opt/px/share/doc/parallax/LICENSE
644 opt/px/share/doc/parallax/README.md
644 opt/px/share/doc/parallax/examples/engine.c
644 opt/px/share/doc/parallax/examples/library.c
644 opt/px/share/man/man1/parallax.1
TEXT
    (cd stage && find . -type d -printf '%m\n') | sort -u >modes
    [[ $(<modes) == 755 ]]
    [[ $(readlink "stage/opt/px/lib/libparallax.so") == "libparallax.so.${version%%.*}" ]]
    [[ $(readlink "stage/opt/px/lib/libparallax.so.${version%%.*}") == "libparallax.so.$version" ]]
    # Where it was put together is nobody's business.
    if grep -rIlF -e "$PWD" stage; then return 1; fi
    run_installed=$(stage/opt/px/bin/parallax --version)
    [[ $run_installed == parallax\ * ]]
}

test_install_can_be_repeated_and_undone() {
    local place=(DESTDIR="$PWD/stage" PREFIX=/usr)
    mkdir -p stage/usr/share/doc/parallax stage/usr/include/parallax
    echo mine >stage/usr/share/doc/parallax/mine
    make_install install "${place[@]}"
    make_install install "${place[@]}"
    make_install uninstall "${place[@]}"
    [[ $(cd stage && find . ! -type d) == ./usr/share/doc/parallax/mine ]]
    [[ ! -e stage/usr/include/parallax && ! -e stage/usr/share/doc/parallax/examples && -d stage/usr/bin ]]
    make_install uninstall "${place[@]}"
}

test_every_place_can_be_chosen() {
    make_install install DESTDIR="$PWD/stage" PREFIX=/p BINDIR=/b LIBDIR=/l/multi INCLUDEDIR=/i/c DOCDIR=/d \
        MANDIR=/m COMPLETIONDIR=/c
    [[ -x stage/b/parallax && -e stage/l/multi/libparallax.a && -e stage/i/c/parallax/engine.h ]]
    [[ -e stage/d/examples/library.c && -e stage/m/man1/parallax.1 && -e stage/c/parallax && ! -e stage/p ]]
    grep -qx 'libdir=/l/multi' stage/l/multi/pkgconfig/parallax.pc
    grep -qx 'includedir=/i/c' stage/l/multi/pkgconfig/parallax.pc
    make_install install DESTDIR="$PWD/two words" PREFIX=/a\ b
    [[ -x two\ words/a\ b/bin/parallax ]]
}

test_places_that_are_not_absolute_are_refused() {
    capture make_install install PREFIX=here DESTDIR="$PWD/stage"
    expect_exit 2
    grep -qxF "install: PREFIX 'here': expected an absolute path" err
    [[ ! -e stage ]]
    capture make_install uninstall LIBDIR=lib DESTDIR="$PWD/stage"
    grep -qxF "install: LIB 'lib': expected an absolute path" err
    capture "$root/scripts/install" --build "$PWD"
    expect_exit 2
    expect_stderr "install: nothing built in '$PWD': run make install"
}

# --- the library -------------------------------------------------------------------------------------

# Functions and objects that the installed headers declare.
declared() {
    local header
    gcc -std=c17 -I"$tree/include" -aux-info declarations -fsyntax-only -x c - <<<'#include <parallax.h>'
    sed -n "s|^/\* $tree/include/[^ ]*:NC \*/ [^(]*[ *]\(px_[a-z0-9_]*\) (.*|\1|p" declarations
    for header in "$tree"/include/parallax/*.h "$tree"/include/parallax.h; do
        sed -n 's/^extern [^(]*[ *]\(px_[a-z0-9_]*\)\(\[[^]]*\]\)*;.*/\1/p' "$header"
    done
}

test_the_library_exports_what_its_headers_declare_and_nothing_else() {
    declared | LC_ALL=C sort >declared_names
    (($(wc -l <declared_names) > 40))
    nm -D --defined-only "$tree/lib/libparallax.so" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
        LC_ALL=C sort >shared_names
    nm -g --defined-only "$tree/lib/libparallax.a" | awk 'NF == 3 { print $3 }' | LC_ALL=C sort >static_names
    diff -u declared_names shared_names
    diff -u declared_names static_names
}

test_the_shared_library_has_its_name_and_hardening() {
    readelf -dW "$tree/lib/libparallax.so" >dynamic
    grep -qF "Library soname: [libparallax.so.${version%%.*}]" dynamic
    grep -q 'BIND_NOW' dynamic
    if grep -q TEXTREL dynamic; then return 1; fi
    readelf -lW "$tree/lib/libparallax.so" >segments
    grep -qE 'GNU_STACK.* RW ' segments
    grep -q GNU_RELRO segments
}

test_headers_compile_alone_as_c_and_cpp() {
    local header std
    for header in parallax.h parallax/{body,engine,guest,image,isa,outcome,program,status}.h; do
        echo "#include <$header>" >one.c
        cp one.c one.cc
        for std in c11 c17; do
            gcc -std=$std "${warnings[@]}" -I"$tree/include" -c one.c -o one.o
            clang-19 -std=$std "${warnings[@]}" -I"$tree/include" -c one.c -o one.o
        done
        g++ -std=c++17 "${warnings[@]}" -I"$tree/include" -c one.cc -o one.o
        clang++-19 -std=c++17 "${warnings[@]}" -I"$tree/include" -c one.cc -o one.o
    done
}

test_headers_find_each_other_whatever_else_is_called_vm() {
    mkdir -p vm parallax
    echo '#error not this one' | tee vm/program.h vm/image.h vm/status.h >/dev/null
    echo '#include <parallax.h>' >one.c
    gcc -I. -I"$tree/include" -c one.c -o one.o
}

# --- the example -------------------------------------------------------------------------------------

test_the_example_runs_with_the_shared_library() {
    local compiler
    for compiler in gcc clang-19; do
        build_example shared "$compiler" -std=c17
        readelf -d example >dynamic
        grep -qF "[libparallax.so.${version%%.*}]" dynamic
        expect_example LD_LIBRARY_PATH="$tree/lib"
    done
}

test_the_example_runs_with_the_static_library() {
    local compiler
    for compiler in gcc clang-19; do
        build_example static "$compiler" -std=c11
        readelf -d example >dynamic
        if grep -qF libparallax dynamic; then return 1; fi
        expect_example
    done
}

test_the_example_is_clean_under_sanitizers() {
    build_example static gcc -g -fsanitize=address,undefined -fno-sanitize-recover=all
    expect_example ASAN_OPTIONS=detect_leaks=1
}

test_the_example_runs_where_the_tree_was_moved() {
    local libs
    cp -a "$tree" moved
    read -r -a libs < <(PKG_CONFIG_PATH=moved/lib/pkgconfig pkg-config --define-prefix --cflags --libs parallax)
    gcc moved/share/doc/parallax/examples/library.c "${libs[@]}" -o example
    [[ ${libs[*]} == *moved/* && ${libs[*]} != *"$tree"* ]]
    expect_example LD_LIBRARY_PATH=moved/lib
}

test_a_program_in_cpp_uses_the_library() {
    cat >program.cc <<'TEXT'
#include <cstdio>
#include <parallax.h>

int main()
{
    px_session *session = nullptr;
    px_error err;
    px_session_options options{};
    options.size = sizeof options;
    options.engines = "interp,block";
    if (px_session_create(&options, &session, &err) != PX_OK)
        return 1;
    const uint32_t add = 0x00940533;
    px_image image;
    struct px_diff diff;
    if (px_image_with_ro_caps(&add, 1, nullptr, 0, &image, &err) != PX_OK ||
        px_diff_image(session, &image, &diff, &err) != PX_OK)
        return 2;
    std::printf("%s %s %d\n", px_version(), px_session_engine(session, 1), diff.kind);
    px_image_release(&image);
    px_session_destroy(session);
}
TEXT
    # shellcheck disable=SC2046 # words are meant
    g++ -std=c++17 "${warnings[@]}" program.cc $(flags --cflags --libs) -o program
    [[ $(LD_LIBRARY_PATH=$tree/lib ./program) == "$version block 0" ]]
}

# A library is mapped by others too: what it does must not depend on being the whole program.
test_the_library_works_when_it_is_loaded_late() {
    cat >late.c <<'TEXT'
#include <dlfcn.h>
#include <parallax.h>

int main(int argc, char **argv)
{
    void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    enum px_status (*create)(const struct px_session_options *, struct px_session **, struct px_error *);
    void (*destroy)(struct px_session *);
    struct px_session *session;
    if (!library)
        return 1;
    *(void **)&create = dlsym(library, "px_session_create");
    *(void **)&destroy = dlsym(library, "px_session_destroy");
    if (!create || !destroy || create(NULL, &session, NULL) != PX_OK)
        return 2;
    destroy(session);
    return dlclose(library);
}
TEXT
    # shellcheck disable=SC2046 # words are meant
    gcc late.c $(flags --cflags) -o late
    ./late "$tree/lib/libparallax.so"
}

run_cases install "$@"
