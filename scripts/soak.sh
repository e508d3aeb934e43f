#!/usr/bin/env bash
# Generates, annotates, scores, loads and disposes of everything, in use too, over and over for so many minutes (60), and watches that memory,
# files, threads and tensors stay flat. Ends with 1 if one grows.
#   scripts/soak.sh [MINUTES]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec dotnet run -c Release --project tests/soak -- "${1:-60}"
