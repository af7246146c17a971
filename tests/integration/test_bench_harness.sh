#!/usr/bin/env bash
# The benchmarks' harness: what goes wrong is named, and no result comes of it. Uses the load that was just built.
set -euo pipefail
build=${1:?usage: test_bench_harness.sh BUILD_FOLDER}
PYTHONPATH=bench PEER_LOAD=$build/bench/peer_load exec python3 -B tests/integration/bench_harness.py
