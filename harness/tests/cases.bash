# What test scripts share: cases are functions called test_*, each of which runs in a folder of its own. Sourced by a script
# that has said in $about what it tests, with the script's arguments.
# shellcheck shell=bash disable=SC2154

if [[ ${1-} == --help ]]; then
    printf 'usage: harness/tests/%s [TEST]...\n\n%s\n' "${0##*/}" "$about"
    exit 0
fi
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# shellcheck disable=SC2034 # for those who source this
root=$PWD
parallax=$(realpath "${PARALLAX:-build/release/parallax}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a command; leaves its exit code in $code and what it printed in the files out and err.
capture() { # command...
    code=0
    "$@" >out 2>err </dev/null || code=$?
}

# The same for the program under test.
run() { capture "$parallax" "$@"; } # argument...

show() {
    echo "exit code $code, stdout:"
    head -n 20 out
    echo "stderr:"
    head -n 20 err
}

expect_exit() { # code
    if ((code != $1)); then
        echo "expected exit code $1"
        show
        return 1
    fi
}

expect_stderr() { # text
    if [[ $(<err) != "$1" ]]; then
        echo "expected on stderr: $1"
        show
        return 1
    fi
}

expect_stdout() { # pattern, of one line
    if ! grep -qE -e "$1" out; then
        echo "expected on stdout a line like: $1"
        show
        return 1
    fi
}

expect_empty() { # file
    if [[ -s $1 ]]; then
        echo "expected nothing in $1"
        show
        return 1
    fi
}

# Refused: exit code 2, this one line, and not a word on stdout.
refused() { # line argument...
    local line=$1
    shift
    run "$@"
    expect_exit 2
    expect_stderr "$line"
    expect_empty out
}

# The processes of this name below one.
below() { # pid name
    local child
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null || true); do
        if [[ $(cat "/proc/$child/comm" 2>/dev/null) == "$2" ]]; then echo "$child"; fi
        below "$child" "$2"
    done
}

# Whether a process has had 50 ms of a processor since it began: then it is through with its start, whatever else runs here.
has_worked() { # pid
    awk '{ sub(/.*\) /, ""); exit !($12 + $13 >= 5) }' "/proc/$1/stat" 2>/dev/null
}

# Sends processes of this name below a campaign the signals in turn, each process one and once it is at work, while the campaign
# lasts; adds to strikes.
strike_below() { # campaign name signal...
    local campaign=$1 name=$2 pid
    local -A struck=()
    shift 2
    local signals=("$@")
    while kill -0 "$campaign" 2>/dev/null; do
        for pid in $(below "$campaign" "$name"); do
            if [[ -z ${struck[$pid]-} ]] && has_worked "$pid"; then
                kill -"${signals[strikes++ % ${#signals[@]}]}" "$pid" 2>/dev/null || true
                struck[$pid]=1
            fi
        done
        sleep 0.01
    done
}

# Which check failed: conditions say nothing by themselves. Not to stdout, which may be what a case reads.
tell_where() { # line command
    echo "$0: line $1: $2" >&2
}

# Runs the named cases, or all, and reports like a cmocka program.
run_cases() { # group case...
    local group=$1 name status tests failed=()
    shift
    tests=("$@")
    if ((${#tests[@]} == 0)); then mapfile -t tests < <(declare -F | sed -n 's/^declare -f test_//p'); fi
    echo "[==========] $group: Running ${#tests[@]} test(s)."
    for name in "${tests[@]}"; do
        echo "[ RUN      ] $name"
        mkdir "$work/$name"
        # Not behind `if` or `||`: in there -e is off.
        set +e
        (
            set -eE
            trap 'tell_where "$LINENO" "$BASH_COMMAND"' ERR
            cd "$work/$name"
            "test_$name"
        )
        status=$?
        set -e
        if ((status == 0)); then
            echo "[       OK ] $name"
        else
            echo "[  FAILED  ] $name"
            failed+=("$name")
        fi
    done
    echo "[==========] $group: ${#tests[@]} test(s) run."
    if ((${#failed[@]} > 0)); then return 1; fi
}
