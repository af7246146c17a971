#!/usr/bin/env bash
# Every planted fault still fits the sources (./run sim --mutants runs them), and one that doesn't is named.
set -euo pipefail

mutants=tests/sim/mutants.sh
"$mutants" "$1" --check

said=$("$mutants" "$1" --check no-such-mutant 2>&1) && exit 1
case "$said" in *'no mutant no-such-mutant'*) ;; *) printf 'said: %s\n' "$said" && exit 1 ;; esac
