# What the scripts that run fuzz targets share; to be sourced, in the root of the tree.
# shellcheck shell=bash

parallax=$PWD/build/release/parallax

# Names of the targets.
all_targets() {
    local source
    for source in harness/fuzz/fuzz_*.c; do
        source=${source##*/}
        echo "${source%.c}"
    done
}

absolute() { [[ $1 == /* ]] && echo "$1" || echo "$PWD/$1"; }

# The lines `key = value` of one section of a target's options file, as key=value.
section() { # target section
    awk -v wanted="[$2]" '
        /^\[/ { here = $0 == wanted; next }
        here && split($0, part, / *= */) == 2 { print part[1] "=" part[2] }' "harness/fuzz/$1.options"
}

# Moves what @target found to the folder of findings, named by what it holds, as a program too where it is one, and counts it in
# `found`. The first few are named.
keep_finding() { # target file findings
    local name command
    name=$3/$1-$(sha1sum <"$2" | cut -c 1-16)
    if [[ -e $name ]]; then
        rm -f "$2"
        return
    fi
    mv "$2" "$name"
    found=$((found + 1))
    if [[ $1 == fuzz_diff ]] && "$parallax" convert --to=text "$name" "$name.px" >/dev/null 2>&1; then name=$name.px; fi
    if ((found > 5)); then return; fi
    echo "  found: $name"
    if ((found == 1)) && [[ $name == *.px ]]; then
        for command in replay locate minimize; do
            echo "    parallax $command${PX_ENGINES:+ --engines $PX_ENGINES} $name"
        done
    fi
}

say_how_many_more() { # findings
    if ((found > 5)); then echo "  found: $((found - 5)) more in $1"; fi
}
