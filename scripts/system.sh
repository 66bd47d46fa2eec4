#!/usr/bin/env bash
# Checks for the tools that build the environment: Python 3.11, Java 17 or 21, a C++ compiler, cmake and make; and for
# Chromium, in which the tests use the review page.
# Installs missing ones (as root on Debian or Ubuntu), or prints them and the command that installs them.
# Prints only the path of Python 3.11 to stdout; messages go to stderr.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

# Finds a Python 3.11 with venv and C headers. Version managers leave shims that do not start, so each is tried.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 /usr/bin/python3.11 /usr/local/bin/python3.11 python3 python; do
        if "$candidate" -c 'import sys, sysconfig, venv, ensurepip, pathlib as p
sys.exit(sys.version_info[:2] != (3, 11) or not p.Path(sysconfig.get_path("include"), "Python.h").is_file())' 2>/dev/null
        then
            "$candidate" -c 'import os, sys; print(os.path.realpath(sys.executable))'
            return
        fi
    done
    return 1
}

java_version() { # the major version of the java that Spark would start; empty if there is none
    "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -n 1
}

has_java() { case "$(java_version)" in 17 | 21) ;; *) return 1 ;; esac; }

has_compiler() { command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null; }

has_chromium() { command -v "${CHROMIUM:-chromium}" >/dev/null || command -v chromium-browser >/dev/null; }

check() { # sets `missing` to Debian packages and `names` to their usual names
    missing=() names=()
    python=$(find_python) || { missing+=(python3.11 python3.11-venv python3.11-dev) names+=("Python 3.11"); }
    has_java || { missing+=("$java_package") names+=("Java 17 or 21"); }
    has_compiler || { missing+=(g++) names+=("a C++ compiler"); }
    command -v cmake >/dev/null || { missing+=(cmake) names+=("cmake"); }
    command -v make >/dev/null || { missing+=(make) names+=("make"); }
    has_chromium || { missing+=(chromium) names+=("Chromium"); }
}

only_chromium() { [[ "${missing[*]}" == chromium ]]; } # only the tests of the review page need it

list() { local IFS=,; local joined="${names[*]}"; printf '%s' "${joined//,/, }"; }

java_package=openjdk-17-jre-headless
check
[[ ${#missing[@]} -eq 0 ]] && { printf '%s\n' "$python"; exit; }
if only_chromium && { [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; }; then
    say "Chromium is missing; only the tests of the review page need it (Debian: sudo apt-get install chromium)."
    printf '%s\n' "$python"
    exit
fi

if ! command -v apt-get >/dev/null; then
    say "missing: $(list)."
    if command -v dnf >/dev/null; then
        say "install with: sudo dnf install python3.11 python3.11-devel java-17-openjdk-headless gcc-c++ cmake make"
    elif command -v brew >/dev/null; then
        say "install with: brew install python@3.11 openjdk@17 cmake make"
    else
        say "install them with this system's package manager, then start again."
    fi
    exit 1
fi

# Debian and Ubuntu: the available Java and Python packages are known only after an update of the lists.
if [[ $EUID -eq 0 ]]; then
    say "missing: $(list). Installing; this takes a minute."
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 </dev/null || say "apt-get update failed; trying with the existing lists."
fi
apt-cache show openjdk-17-jre-headless >/dev/null 2>&1 || java_package=openjdk-21-jre-headless
check
if [[ " ${missing[*]} " == *" python3.11 "* ]] && ! apt-cache show python3.11 >/dev/null 2>&1; then
    say "Python 3.11 is missing, and this release of $(. /etc/os-release && printf '%s' "$NAME") has no package for it."
    say "install with: uv python install 3.11    (uv: https://docs.astral.sh/uv), then: make setup PYTHON=\"\$(uv python find 3.11)\""
    exit 1
fi
if [[ $EUID -ne 0 ]]; then
    say "missing: $(list)."
    say "install with: sudo apt-get update && sudo apt-get install --yes ${missing[*]}"
    exit 1
fi
apt-get install --yes -qq --no-install-recommends "${missing[@]}" >&2 </dev/null || only_chromium
check
if [[ ${#missing[@]} -gt 0 ]] && ! only_chromium; then
    say "still missing after the installation: $(list)."
    [[ -n "${JAVA_HOME:-}" ]] && say "JAVA_HOME is $JAVA_HOME; Spark uses the Java there. Unset it, or set it to a Java 17."
    say "the java on the PATH is version $(java_version || true); see: update-alternatives --config java"
    exit 1
fi
printf '%s\n' "$python"
