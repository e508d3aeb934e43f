#!/usr/bin/env bash
# Mutates valid inputs of every reader at random and checks that each is read, or refused with the documented exception, within limits
# of time and memory. Exits with 1 if an input failed, which is then in artifacts/fuzz, named by reader, seed and number.
#
#   scripts/fuzz.sh 60                       for a minute, with a new seed each time
#   scripts/fuzz.sh 600 --seed 7 --reader png --reader jpeg
#   scripts/fuzz.sh 0 --repeat artifacts/fuzz/png--7-1234.bin
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:?how many seconds}
shift
last=artifacts/fuzz/last-input
rm -f "$last".*

dotnet build -c Release -v quiet tests/fuzz >&2
status=0
dotnet run -c Release --no-build --project tests/fuzz -- --seconds "$seconds" "$@" || status=$?

# A process that died could not report its input, which is the last one.
if ((status > 2)) && [[ -s $last.txt ]]; then
    input=artifacts/fuzz/$(cat "$last.txt")
    mv "$last.bin" "$input"
    echo "FAILED: the process died ($status) of $input" >&2
fi
rm -f "$last".*
exit "$status"
