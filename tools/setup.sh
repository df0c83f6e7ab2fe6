#!/bin/sh
# Make .venv/ with everything Rowport and its tests need.  Called by `make setup`; a second call
# returns at once unless pyproject.toml, requirements.lock or the place of the checkout changed.
#
# PYTHON=name picks the interpreter (3.11 or newer); without it the first that fits is taken.
set -eu
cd "$(dirname "$0")/.."

stamp=.venv/.rowport-setup
wanted="$(cat pyproject.toml requirements.lock tools/setup.sh | cksum) $(pwd)"
if [ -x .venv/bin/rowport ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

say() { printf '%s\n' "$*" >&2; }

fits() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# The machine's own python3 comes first: Debian's venv package belongs to that one.
python=
if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3 python3.14 python3.13 python3.12 python3.11
fi
for candidate in "$@"; do
    if fits "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    say "Rowport needs Python 3.11 or newer; found: $("${PYTHON:-python3}" --version 2>&1 || true)"
    say "Install one (Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3 ..."
    exit 1
fi

# Debian ships Python without ensurepip, which `python3 -m venv` needs to put pip in place.
has_ensurepip() { "$python" -c 'import ensurepip' >/dev/null 2>&1; }

install_venv_package() {
    say "setup: this Python has no ensurepip; installing Debian's python3-venv"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
}

# Without root: fetch Debian's pip wheel as a package and unpack it here.  Nothing is installed.
borrow_pip() {
    room=$(pwd)/.venv/borrowed
    mkdir -p "$room/lists/partial" "$room/cache/archives/partial"
    say "setup: this Python has no ensurepip; borrowing the pip of Debian's python3-pip-whl"
    (
        cd "$room" || exit 1
        apt-get -qq download python3-pip-whl 2>/dev/null || {
            own="-qq -o Debug::NoLocking=1 -o Dir::State::lists=./lists -o Dir::Cache=./cache"
            # shellcheck disable=SC2086  # a list of options
            apt-get $own update && apt-get $own download python3-pip-whl
        } || exit 1
        for package in ./*.deb; do dpkg-deb -x "$package" . || exit 1; done
    ) >&2 || return 1
    wheel=$(ls "$room"/usr/share/python-wheels/pip-*.whl)
    PYTHONPATH=$wheel .venv/bin/python -m pip install -q --no-index --find-links "${wheel%/*}" pip
    rm -rf "$room"
}

make_venv() {
    if ! has_ensurepip && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        install_venv_package || true
    fi
    if has_ensurepip; then
        "$python" -m venv --clear .venv
        return
    fi
    "$python" -m venv --clear --without-pip .venv
    command -v apt-get >/dev/null && borrow_pip && return
    say "This Python cannot make a virtual environment.  Type: sudo apt-get install python3-venv"
    exit 1
}

# An environment that was moved with its folder, or lost its interpreter, is made anew.
at_home() {
    [ -x .venv/bin/pip ] && fits .venv/bin/python &&
        [ "$(.venv/bin/python -c 'import sys; print(sys.prefix)')" = "$(pwd)/.venv" ] &&
        grep -qF "$(pwd)/.venv" .venv/bin/pip
}
at_home || make_venv

pip() {
    .venv/bin/python -m pip --disable-pip-version-check "$@"
}
say "setup: installing what requirements.lock names into .venv ($(.venv/bin/python --version))"
pip install -qq --require-hashes -r requirements.lock
pip install -qq --no-deps --no-build-isolation -e .
printf '%s\n' "$wanted" >"$stamp"
say "setup: done; the command is .venv/bin/rowport"
