#!/usr/bin/env bash
# Mutation testing: Stryker.NET changes the code in many small ways, one at a time, and counts which changes turn a test red.
#
#   scripts/mutation.sh src/ControlNet.ML/Diffusion              a folder with what lies below it
#   scripts/mutation.sh src/ControlNet.ML/Text/ClipWords.cs …    single files
#
# Works on a copy of the working tree, so that you can go on meanwhile. For each argument it writes StrykerOutput/NAME/report.json
# (Stryker's) and report.md (scores per file and folder, and every mutant that survived), and prints the scores; one that was measured
# already goes to NAME.old. MUTATION_JOBS test processes run at once (default 1). Needs python3 besides the .NET SDK.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
(($#)) || { sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//'; exit 2; }

# The copy is built for Microsoft.Testing.Platform and with the tests of one folder only: see tests/Directory.Build.targets.
export RunAnalyzers=false DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 MSBUILDTERMINALLOGGER=off
tree=$root/StrykerOutput/tree
dotnet tool restore >/dev/null

copy_tree() {
    mkdir -p "$tree"
    git ls-files -z --cached --others --exclude-standard | python3 scripts/mutation_report.py sync "$tree"
}

mutate() {
    local target=${1%/} project tests output glob
    case $target in
        src/ControlNet.ML.Torch/*) project=ControlNet.ML.Torch tests=ControlNet.ML.Torch.Tests ;;
        src/ControlNet.ML/*) project=ControlNet.ML tests=ControlNet.ML.Tests ;;
        *) echo "$target: expected a folder or file below src/ControlNet.ML or src/ControlNet.ML.Torch" >&2; return 2 ;;
    esac
    local below=${target#src/"$project"/}
    [[ -e $target ]] || { echo "$target: no such file or folder" >&2; return 2; }
    [[ -d $target ]] && glob="**/$below/**/*.cs" || glob="**/$below"
    export MutationTests=${MUTATION_TESTS:-${below%%/*}}
    output=$root/StrykerOutput/${below//\//.}

    rm -rf "$output.old"
    [[ ! -e $output ]] || mv "$output" "$output.old"
    (
        cd "$tree/tests/$tests"
        dotnet stryker --config-file ../stryker-config.json --project "$project.csproj" --mutate "$glob" --output "$output" \
            --concurrency "${MUTATION_JOBS:-1}" --skip-version-check --log-to-file
    ) >&2
    mv "$output/reports/mutation-report.json" "$output/report.json"
    rmdir "$output/reports"
    python3 scripts/mutation_report.py scores "$output/report.json" >"$output/report.md"
    sed '/^## Left/,$d' "$output/report.md"
}

copy_tree
for target in "$@"; do
    mutate "$target"
done
