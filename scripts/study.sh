#!/usr/bin/env bash
# The study in docs/evaluation.md: the embedded model's canny, scribble and mask networks, the base without control and the paper's baselines
# on held-out emoji, by fidelity, distance to real art and agreement with the prompt. Writes the page's tables and its images.
#   scripts/study.sh EMOJI_128_ZIP WORK_FOLDER
# REPEATS (5) is the number of images of each condition, SKETCH_STEPS (1000) and PITI_STEPS (400) are the baselines' training steps.
# What is in WORK_FOLDER already is kept: the same command resumes an interrupted study.
set -euo pipefail

zip=${1:?"emoji-128.zip"} work=${2:?"a folder for data and images"}
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
zip=$(realpath "$zip")
mkdir -p "$work/images"
work=$(realpath "$work")
cd "$repository"

source scripts/emoji-tools.sh
features=$(dotnet msbuild training/emoji -getProperty:NuGetPackageRoot)microsoft.ml.dnnimagefeaturizer.resnet18/0.23.1/tools/DnnImageModels/ResNet18Onnx/ResNet18.onnx

for condition in canny scribble mask; do
    [[ -d $work/$condition-held-out ]] || "$emoji" scenes "$zip" --condition "$condition" --held-out --repeats "${REPEATS:-5}" --output "$work/$condition-held-out"
done
[[ -d $work/canny-2000 ]] || "$emoji" scenes "$zip" --condition canny --count 2000 --seed 1 --output "$work/canny-2000"
[[ -d $work/art ]] || "$emoji" scenes "$zip" --condition canny --plain --output "$work/art"

# An evaluation, because it also generates the images without control.
"$tool" evaluate "$work/canny-held-out/table.jsonl" --output "$work/runs/canny" --model emoji --control emoji/canny --baseline none
for condition in scribble mask; do
    "$tool" score "$work/$condition-held-out/table.jsonl" --output "$work/runs/$condition" --model emoji --control "emoji/$condition"
done
for condition in canny scribble mask; do
    ln -sfn "$work/runs/$condition/pictures" "$work/images/$condition"
done
ln -sfn "$work/runs/canny/baseline/pictures" "$work/images/none"
ln -sfn "$work/canny-held-out/images" "$work/images/real"
data=(--data "$work/canny-2000" --held-out "$work/canny-held-out" --output "$work/images")
[[ -d $work/images/sketch-guided-3.2 ]] || "$emoji" baseline sketch-guided "${data[@]}" --steps "${SKETCH_STEPS:-1000}"
[[ -d $work/images/piti ]] || "$emoji" baseline piti "${data[@]}" --steps "${PITI_STEPS:-400}"

columns=()
for method in canny scribble mask none sketch-guided-1.6 sketch-guided-3.2 piti real; do
    columns+=(--column "$method=$work/images/$method")
done
"$tool" evaluate "$work/canny-held-out/table.jsonl" --output "$work/edges" --model emoji --control emoji/canny --no-generate "${columns[@]}" \
    --real "$work/art/images" --features "$features" --sheet 20
"$tool" evaluate "$work/mask-held-out/table.jsonl" --output "$work/masks" --model emoji --control emoji/mask --no-generate "${columns[@]}" --sheet 20
"$emoji" agreement "$zip" --held-out "$work/canny-held-out" --features "$features" "${columns[@]}" --output "$work/agreement.json"
"$emoji" study "$work" --page docs/evaluation.md --sheet docs/images/study.png --rows 0 2 3 7 8 13 15 17
