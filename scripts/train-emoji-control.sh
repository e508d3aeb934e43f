#!/usr/bin/env bash
# Trains a control network of the embedded model from the emoji images, judges it, and writes down how it went. The same command goes on where
# it was interrupted.
#   scripts/train-emoji-control.sh canny|scribble|mask EMOJI_128_ZIP WORK_FOLDER [STEPS] [SCENES] [NAME [OPTIONS...]]
# In WORK_FOLDER come the scenes, the run (NAME, or the kind), and a cache of encodings that all runs share. OPTIONS are those of 'controlnet
# train'; the judge draws REPEATS images from each held-out condition (5). The network itself is in WORK_FOLDER/NAME/controlnet;
# docs/training/README.md says how to put it into the model's folder.
set -euo pipefail

kind=${1:?"which: canny, scribble or mask"} zip=${2:?"emoji-128.zip"} work=${3:?"a folder to work in"} steps=${4:-5500} scenes=${5:-10000} name=${6:-$1}
options=("${@:7}")
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
zip=$(realpath "$zip")
mkdir -p "$work"
work=$(realpath "$work")
cd "$repository"

# One thread: the networks are small, and more threads mostly wait for each other.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
dotnet build -c Release -v quiet training/emoji
dotnet build -c Release -v quiet src/ControlNet.ML.Cli
emoji=$(find training/emoji/bin/Release -name emoji-training -type f | head -n 1)
tool=$(find src/ControlNet.ML.Cli/bin/Release -name controlnet -type f | head -n 1)

[[ -d $work/$kind-$scenes ]] || "$emoji" scenes "$zip" --condition "$kind" --count "$scenes" --seed 1 --output "$work/$kind-$scenes"
[[ -d $work/$kind-held-out ]] || "$emoji" scenes "$zip" --condition "$kind" --held-out --output "$work/$kind-held-out"

"$tool" train "$work/$kind-$scenes" --out "$work/$name" --model emoji --precision bf16 --steps "$steps" --batch 16 --rate 1e-3 --schedule Cosine --warm-up 100 \
    --ema 0.998 --hint-channels 16 32 64 128 --validation-rows 32 --validate-every 100 --sample-every 1000 --samples 6 --checkpoint-every 250 --keep 2 \
    --cache "$work/cache" "${options[@]}"

"$tool" train plot "$work/$name" --output "$work/$name/curves.svg"
"$emoji" judge "$work/$kind-held-out" --condition "$kind" --control "$work/$name/controlnet" --repeats "${REPEATS:-5}" --sheet "$work/$name/held-out.png" --output "$work/$name/judgement.json"
