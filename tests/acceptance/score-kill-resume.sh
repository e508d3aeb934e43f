#!/usr/bin/env bash
# Scores 200 rows, some of them invalid on purpose, with the embedded model: once uninterrupted, and once repeatedly killed (kill -9) at
# random times and resumed. Images and results have to be equal, byte for byte, except for the column seconds.
#   tests/acceptance/score-kill-resume.sh [SEED] [KILLS] [ROWS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

seed=${1:-1} kills=${2:-8} rows=${3:-200}
RANDOM=$seed
# One thread: on a busy machine, several threads mostly wait for each other.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1

dotnet build -c Release -v quiet src/ControlNet.ML.Cli >&2
tool=$(find src/ControlNet.ML.Cli/bin/Release -name controlnet.dll -not -path '*/ref/*' | head -1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

# About every tenth row is invalid: a missing file, a file that is not an image, a malformed value, an extra field.
cp docs/images/panda.png "$folder/panda.png"
echo "not an image" >"$folder/broken.png"
{
    echo "prompt,photo,seed,width,scale,id"
    for ((row = 0; row < rows; row++)); do
        photo=panda.png row_seed=$((row * 7)) width=$((row % 3 == 0 ? 64 : 32)) scale=0.$((row % 10)) more=
        case $((row % 41)) in
            7) photo=missing.png ;;
            13) photo=broken.png ;;
            19) row_seed=abc ;;
            29) width=33 ;;
            37) more=,more ;;
        esac
        echo "\"emoji $row, with a comma\",$photo,$row_seed,$width,$scale,id-$row$more"
    done
} >"$folder/table.csv"

score() {
    # exec, so that the tool itself is killed.
    exec dotnet "$tool" score "$folder/table.csv" --output "$1" --steps 2 --size 64x32 --batch-size 4 --format csv >"$1.log" 2>&1
}

status_of() {
    local status=0
    ("$@") || status=$?
    echo "$status"
}

echo "== uninterrupted"
began=$(date +%s%N)
status=$(status_of score "$folder/whole")
((status == 3)) || fail "the uninterrupted run exited with $status, expected 3 (some rows failed): $(cat "$folder/whole.log")"
milliseconds=$((($(date +%s%N) - began) / 1000000))
echo "$rows rows in $milliseconds ms"

echo "== killed up to $kills times, seed $seed"
killed=0
for ((attempt = 1; attempt <= kills; attempt++)); do
    score "$folder/killed" &
    process=$!
    # Up to two thirds of the whole run's time, startup included: kills hit the beginning, the middle and the end.
    wait_milliseconds=$((RANDOM % (milliseconds * 2 / 3)))
    sleep "$((wait_milliseconds / 1000)).$(printf '%03d' $((wait_milliseconds % 1000)))"
    kill -9 "$process" 2>/dev/null && killed=$((killed + 1))
    status=0
    wait "$process" 2>/dev/null || status=$?
    # A process killed early has not created the journal.
    lines=0
    [[ ! -f $folder/killed/journal.jsonl ]] || lines=$(wc -l <"$folder/killed/journal.jsonl")
    echo "attempt $attempt: after $wait_milliseconds ms, status $status, $lines rows in the journal"
    ((status == 137 || status == 3)) || fail "an attempt exited with $status: $(cat "$folder/killed.log")"
done
((killed > 0)) || fail "no attempt was killed: the run is too short"

status=$(status_of score "$folder/killed")
((status == 3)) || fail "the last run exited with $status, expected 3: $(cat "$folder/killed.log")"

echo "== compared"
diff -r "$folder/whole/pictures" "$folder/killed/pictures" || fail "the images differ"
diff <(cut -d, -f5 --complement "$folder/whole/results.csv") <(cut -d, -f5 --complement "$folder/killed/results.csv") || fail "the results differ"
[[ $(wc -l <"$folder/killed/journal.jsonl") == "$rows" ]] || fail "the journal has $(wc -l <"$folder/killed/journal.jsonl") lines, expected $rows"
failed=$(grep -c '"error":' "$folder/killed/journal.jsonl")
images=$(find "$folder/killed/pictures" -name '*.png' | wc -l)
((images + failed == rows)) || fail "$images images and $failed failed rows, expected $rows together"
[[ -z $(find "$folder/killed" -name '*.part') ]] || fail "unfinished files were left"
echo "passed: $rows rows, $failed of them failed on purpose, $killed kills; images and results are equal"
