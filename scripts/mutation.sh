#!/usr/bin/env bash
# Mutation testing: Stryker.NET changes the code in many small ways, one at a time, and counts the changes that make a test fail.
#
#   scripts/mutation.sh src/ControlNet.ML/Diffusion/Schedulers                 a folder and its subfolders
#   scripts/mutation.sh src/ControlNet.ML/Text/ClipWords.cs src/ControlNet…    files and folders of one project, in one run
#
# Works on a copy of the working tree, so that you can keep editing. Writes StrykerOutput/NAME/report.json (Stryker's) and report.md
# (scores per file and folder, and every survivor), and prints the scores. NAME comes from the first argument; earlier output moves to
# NAME.old. Runs the tests in the folder of the same name; MUTATION_TESTS selects others, as patterns relative to the test project:
# 'Training/AdamWTests.cs;Training/Data/*.cs'. MUTATION_JOBS is the number of parallel test processes (default 1). Needs python3.
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
    [[ ${project:=$of} == "$of" ]] || fail "$target: belongs to another project than $1, expected one project per run"
    [[ -d $target ]] && globs+=(--mutate "**/$below/**/*.cs") || globs+=(--mutate "**/$below")
    name=${name:-${below//\//.}} folder=${folder:-${below%%/*}}
done

# The copy is built for Microsoft.Testing.Platform and with these tests only: see tests/Directory.Build.targets.
export MutationTests="${MUTATION_TESTS:-$folder/**/*Tests.cs;$folder/**/*Properties.cs}"
export RunAnalyzers=false DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 MSBUILDTERMINALLOGGER=off
tree=$root/StrykerOutput/tree-${project##*.} output=$root/StrykerOutput/$name
mkdir -p "$tree"
exec 9>"$tree.lock"
flock 9 # waits for another run that builds there
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
sed '/^## Survivors/,$d' "$output/report.md"
