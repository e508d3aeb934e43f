#!/usr/bin/env bash
# Trains a control network of the embedded model from the emoji pictures, judges it, and writes down how it went. The same command goes on where
# it was interrupted.
#   scripts/train-emoji-control.sh canny|scribble|mask EMOJI_128_ZIP WORK_FOLDER [STEPS] [SCENES]
# In WORK_FOLDER come the scenes, the run, and a cache of encodings that the three networks share. The network itself is in
# WORK_FOLDER/KIND/controlnet; docs/training/README.md says how to put it into the model's folder.
set -euo pipefail

kind=${1:?"which: canny, scribble or mask"} zip=${2:?"emoji-128.zip"} work=${3:?"a folder to work in"} steps=${4:-3000} scenes=${5:-10000}
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

[[ -d $work/$kind-data ]] || "$emoji" scenes "$zip" --condition "$kind" --count "$scenes" --seed 1 --output "$work/$kind-data"
[[ -d $work/$kind-eval ]] || "$emoji" scenes "$zip" --condition "$kind" --held-out --output "$work/$kind-eval"

"$tool" train "$work/$kind-data" --out "$work/$kind" --model emoji --steps "$steps" --batch 16 --rate 3e-4 --schedule Cosine --warm-up 100 --ema 0.998 \
    --hint-channels 16 32 64 128 --validation-rows 32 --validate-every 100 --sample-every 500 --samples 6 --checkpoint-every 250 --keep 2 --cache "$work/cache"

"$tool" train plot "$work/$kind" --output "$work/$kind/curves.svg"
"$emoji" judge "$work/$kind-eval" --condition "$kind" --control "$work/$kind/controlnet" --sheet "$work/$kind/held-out.png" --output "$work/$kind/judgement.json"
