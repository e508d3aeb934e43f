#!/usr/bin/env bash
# Generates, annotates, scores, loads and disposes, also while in use, for MINUTES (default 60), and checks that memory, files, threads
# and tensors stay flat. Exits with 1 if one of them grows.
#   scripts/soak.sh [MINUTES]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec dotnet run -c Release --project tests/soak -- "${1:-60}"
