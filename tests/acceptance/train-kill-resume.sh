#!/usr/bin/env bash
# Trains 300 steps twice: once uninterrupted, and once killed (SIGKILL) at random times and resumed with the same command until it
# is done. Weights, EMA weights and moments have to be equal byte for byte, and the log's losses to the last digit.
#
#   tests/acceptance/train-kill-resume.sh [KILLS]        default 5; takes some minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

kills=${1:-5}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1

dotnet build -c Release -v quiet src/ControlNet.ML.Cli >&2
tool=$(find src/ControlNet.ML.Cli/bin/Release -name controlnet -type f -perm -u+x | head -n 1)

# The data: copies of one drawing, with their Canny edges as conditions.
photo=docs/images/panda.png
mkdir -p "$work/data/images"
for i in $(seq 0 23); do
    cp "$photo" "$work/data/images/$i.png"
    printf '{"file_name": "images/%d.png", "text": "panda %d"}\n' "$i" "$i" >>"$work/data/metadata.jsonl"
done

train() {
    # exec, so that the tool itself is killed.
    exec "$tool" train "$work/data" --output "$1" --model emoji --steps 300 --batch-size 1 --learning-rate 1e-4 --lr-scheduler Cosine --lr-warmup-steps 10 --ema-decay 0.99 --random-flip \
        --preprocess canny --conditioning-embedding-out-channels 16 32 64 128 --width 64 --height 64 --crop Random --validation-rows 2 --validation-steps 50 --sample-every 0 --checkpointing-steps 20 >/dev/null
}

echo "uninterrupted"
(train "$work/whole")

echo "killed and resumed"
killed=0
while true; do
    train "$work/killed" &
    pid=$!
    if ((killed < kills)); then
        sleep "$((RANDOM % 15 + 5)).$((RANDOM % 10))"
        if kill -9 "$pid" 2>/dev/null; then
            wait "$pid" 2>/dev/null || true
            killed=$((killed + 1))
            echo "  killed after $(ls "$work/killed/checkpoints" 2>/dev/null | tail -n 1)"
            continue
        fi
    fi
    wait "$pid"
    break
done

status=0
for file in controlnet/diffusion_pytorch_model.safetensors checkpoints/step-000000300/{diffusion_pytorch_model,optimizer,ema/diffusion_pytorch_model}.safetensors; do
    cmp "$work/whole/$file" "$work/killed/$file" || status=1
done
losses() { sed -nE 's/^\{"step":([0-9]+),"loss":([^,]+),.*/\1 \2/p' "$1/log.jsonl"; }
diff <(losses "$work/whole") <(losses "$work/killed") >/dev/null || { echo "the losses differ"; status=1; }
[[ $(losses "$work/killed" | wc -l) == 300 ]] || { echo "not 300 losses"; status=1; }
((status == 0)) && echo "equal after $killed kills"
exit $status
