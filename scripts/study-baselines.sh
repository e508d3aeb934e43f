#!/usr/bin/env bash
# Compares the embedded model's canny network with the paper's baselines on held-out emoji: makes the scenes, trains Sketch-Guided Diffusion
# and a PITI-like encoder on the same base, and evaluates all images with 'controlnet evaluate', beside the base without control.
#   scripts/study-baselines.sh EMOJI_128_ZIP WORK_FOLDER [SKETCH_STEPS] [PITI_STEPS]
# The report is WORK_FOLDER/run/evaluation.md. What is there already is kept.
set -euo pipefail

zip=${1:?"emoji-128.zip"} work=${2:?"a folder for data and images"} sketch=${3:-1000} piti=${4:-300}
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
zip=$(realpath "$zip")
mkdir -p "$work"
work=$(realpath "$work")
cd "$repository"

source scripts/emoji-tools.sh

[[ -d $work/canny-2000 ]] || "$emoji" scenes "$zip" --condition canny --count 2000 --seed 1 --output "$work/canny-2000"
[[ -d $work/canny-held-out ]] || "$emoji" scenes "$zip" --condition canny --held-out --output "$work/canny-held-out"
data=(--data "$work/canny-2000" --held-out "$work/canny-held-out" --output "$work/images")
[[ -d $work/images/sketch-guided-3.2 ]] || "$emoji" baseline sketch-guided "${data[@]}" --steps "$sketch"
[[ -d $work/images/piti ]] || "$emoji" baseline piti "${data[@]}" --steps "$piti"

"$tool" evaluate "$work/images/table.jsonl" --output "$work/run" --model emoji --control emoji/canny --baseline none \
    --column "Sketch-guided 1.6=$work/images/sketch-guided-1.6" --column "Sketch-guided 3.2=$work/images/sketch-guided-3.2" \
    --column "PITI-like=$work/images/piti" --column "scene=$work/canny-held-out/images" --sheet 10
