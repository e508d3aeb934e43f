#!/usr/bin/env bash
# Trains a control network for the embedded model on the emoji images, evaluates it, and plots the run. The same command resumes an
# interrupted run.
#   scripts/train-emoji-control.sh canny|scribble|mask EMOJI_128_ZIP WORK_FOLDER [STEPS] [SCENES] [NAME [OPTIONS...]]
# WORK_FOLDER gets the scenes, the run (NAME, by default the condition), and a cache of encodings that all runs share. OPTIONS are those of
# 'controlnet train'; LEARNING_RATE (1e-3) is the highest learning rate. The evaluation generates REPEATS images (5) per held-out condition. The network is in WORK_FOLDER/NAME/controlnet;
# docs/training/README.md explains how to add it to the model's folder.
set -euo pipefail

condition=${1:?"canny, scribble or mask"} zip=${2:?"emoji-128.zip"} work=${3:?"a folder for data and runs"} steps=${4:-5500} scenes=${5:-10000} name=${6:-$1}
options=("${@:7}")
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
zip=$(realpath "$zip")
mkdir -p "$work"
work=$(realpath "$work")
cd "$repository"

source scripts/emoji-tools.sh

[[ -d $work/$condition-$scenes ]] || "$emoji" scenes "$zip" --condition "$condition" --count "$scenes" --seed 1 --output "$work/$condition-$scenes"
[[ -d $work/$condition-held-out ]] || "$emoji" scenes "$zip" --condition "$condition" --held-out --output "$work/$condition-held-out"

"$tool" train "$work/$condition-$scenes" --output "$work/$name" --model emoji --precision bf16 --steps "$steps" \
    --batch-size 16 --learning-rate "${LEARNING_RATE:-1e-3}" --lr-scheduler Cosine --lr-warmup-steps 100 --ema-decay 0.998 --conditioning-embedding-out-channels 16 32 64 128 \
    --validation-rows 32 --validation-steps 100 --sample-every 1000 --samples 6 --checkpointing-steps 250 --checkpoints-total-limit 2 --cache "$work/cache" "${options[@]}"

"$tool" train plot "$work/$name" --output "$work/$name/curves.svg"
"$emoji" judge "$work/$condition-held-out" --condition "$condition" --control "$work/$name/controlnet" --repeats "${REPEATS:-5}" --sheet "$work/$name/held-out.png" --output "$work/$name/judgement.json"
