#!/usr/bin/env bash
# Mutation testing: Stryker.NET changes the code in many small ways, one at a time, and counts which changes turn a test red.
#
#   scripts/mutation.sh src/ControlNet.ML/Diffusion/Schedulers                 a folder with what lies below it
#   scripts/mutation.sh src/ControlNet.ML/Text/ClipWords.cs src/ControlNet…    files and folders of one project, in one run
#
# Works on a copy of the working tree, so that you can go on meanwhile. Writes StrykerOutput/NAME/report.json (Stryker's) and report.md
# (scores per file and folder, and every mutant that survived), and prints the scores; NAME is the first argument's, and what was there
# goes to NAME.old. The tests are those of the folder of the same name; MUTATION_TESTS takes others, as patterns below the test project:
# 'Training/AdamWTests.cs;Training/Data/*.cs'. MUTATION_JOBS test processes run at once (default 1). Needs python3 besides the .NET SDK.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

fail() {
    echo "$1" >&2
    exit 2
}

(($#)) || fail "$(sed -n '2,/^set/p' scripts/mutation.sh | sed '$d; s/^# \{0,1\}//')"
project='' globs=()
for target in "$@"; do
    target=${target%/}
    [[ -e $target ]] || fail "$target: no such file or folder"
    case $target in
        src/ControlNet.ML.Torch/?*) of=ControlNet.ML.Torch ;;
        src/ControlNet.ML/?*) of=ControlNet.ML ;;
        *) fail "$target: expected a folder or file below src/ControlNet.ML or src/ControlNet.ML.Torch" ;;
    esac
    below=${target#src/"$of"/}
    [[ ${project:=$of} == "$of" ]] || fail "$target: is of another project than $1, expected one project a run"
    [[ -d $target ]] && globs+=(--mutate "**/$below/**/*.cs") || globs+=(--mutate "**/$below")
    name=${name:-${below//\//.}} folder=${folder:-${below%%/*}}
done

# The copy is built for Microsoft.Testing.Platform and with these tests only: see tests/Directory.Build.targets.
export MutationTests="${MUTATION_TESTS:-$folder/**/*Tests.cs;$folder/**/*Properties.cs}"
export RunAnalyzers=false DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 MSBUILDTERMINALLOGGER=off
tree=$root/StrykerOutput/tree-${project##*.} output=$root/StrykerOutput/$name
mkdir -p "$tree"
exec 9>"$tree.lock"
flock 9 # another run builds there
git ls-files -z --cached --others --exclude-standard | python3 scripts/mutation_report.py sync "$tree"
rm -rf "$output.old"
[[ ! -e $output ]] || mv "$output" "$output.old"
dotnet tool restore >&2
(
    cd "$tree/tests/$project.Tests"
    dotnet stryker --config-file ../stryker-config.json --project "$project.csproj" "${globs[@]}" --output "$output" \
        --concurrency "${MUTATION_JOBS:-1}" --skip-version-check --log-to-file
) >&2
mv "$output/reports/mutation-report.json" "$output/report.json"
rmdir "$output/reports"
python3 scripts/mutation_report.py scores "$output/report.json" >"$output/report.md"
sed '/^## Left/,$d' "$output/report.md"
