#!/usr/bin/env bash
# Updates each library's PublicAPI.Unshipped.txt to its public API: adds new members, removes old ones. The diff shows the change that users
# will see. (The analyzer's own code fix is not usable: for a new member of a record it removes the compiler-generated ones.)
#
#   scripts/public-api.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_UI_LANGUAGE=en MSBUILDTERMINALLOGGER=off LC_ALL=C

log=$(mktemp) found=$(mktemp) gone=$(mktemp)
trap 'rm -f "$log" "$found" "$gone"' EXIT

# The symbols of a library that a rule reports.
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
    echo "$library: $(wc -l <"$found") added, $(wc -l <"$gone") removed"
done
