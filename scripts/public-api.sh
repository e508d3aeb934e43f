#!/usr/bin/env bash
# Brings each library's PublicAPI.Unshipped.txt in line with its public surface: adds what is new, takes out what is gone. The diff is what
# users will notice. (The analyzer's own fix does not do it: for a new member of a record it takes out those that the compiler makes.)
#
#   scripts/public-api.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_UI_LANGUAGE=en MSBUILDTERMINALLOGGER=off LC_ALL=C

log=$(mktemp) found=$(mktemp) gone=$(mktemp)
trap 'rm -f "$log" "$found" "$gone"' EXIT

# The symbols of a library that a rule complains of.
symbols() {
    { grep -F "/$1.csproj]" "$log" || true; } | sed -nE "s/.*$2: Symbol '(.*)' is (not )?part of the declared .*/\1/p" | sort -u
}

for file in src/*/PublicAPI.Unshipped.txt; do
    library=$(basename "$(dirname "$file")")
    if ! dotnet build -c Release "src/$library" --no-incremental -p:TreatWarningsAsErrors=false >"$log"; then
        grep -E ": error " "$log" | sort -u >&2
        exit 1
    fi
    symbols "$library" RS0016 >"$found"
    symbols "$library" RS0017 >"$gone"
    {
        echo "#nullable enable"
        tail -n +2 "$file" | sort -u | comm -23 - "$gone" | sort -u - "$found"
    } >"$file.new"
    mv "$file.new" "$file"
    echo "$library: $(wc -l <"$found") added, $(wc -l <"$gone") taken out"
done
