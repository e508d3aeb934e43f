#!/usr/bin/env bash
# Studies the paper's ablations and the number of training images on the emoji scenes: canny networks that differ in one thing each, trained
# for the same number of steps and evaluated alike. Prints both tables. The same command resumes an interrupted study.
#   scripts/study-emoji-control.sh EMOJI_128_ZIP WORK_FOLDER [STEPS]
set -euo pipefail

zip=${1:?"emoji-128.zip"} work=${2:?"a folder for data and runs"} steps=${3:-1000}
export REPEATS=${REPEATS:-2}
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

"$scripts/train-emoji-control.sh" canny "$zip" "$work" "$steps" 8000 scenes-8000
"$scripts/train-emoji-control.sh" canny "$zip" "$work" "$steps" 3000 scenes-3000
"$scripts/train-emoji-control.sh" canny "$zip" "$work" "$steps" 1000 scenes-1000
"$scripts/train-emoji-control.sh" canny "$zip" "$work" "$steps" 8000 gaussian --ablation Gaussian
"$scripts/train-emoji-control.sh" canny "$zip" "$work" "$steps" 8000 lite --ablation Lite

work=$(realpath "$work")
cd "$scripts/.."
source scripts/emoji-tools.sh
"$tool" train plot "$work/scenes-8000" "$work/gaussian" "$work/lite" --output "$work/ablations.svg"
"$tool" train plot "$work/scenes-8000" "$work/scenes-3000" "$work/scenes-1000" --output "$work/scenes.svg"
echo "Ablations:"
"$emoji" report "$work/scenes-8000" "$work/gaussian" "$work/lite"
echo "Numbers of scenes:"
"$emoji" report "$work/scenes-8000" "$work/scenes-3000" "$work/scenes-1000"
