#!/usr/bin/env bash
# Kills 'controlnet score' (SIGKILL) at random moments, 100 times in total, in rounds of tests/acceptance/score-kill-resume.sh. Each
# round has its own seed and run, whose results have to equal those of an uninterrupted run byte for byte.
#   scripts/break-score.sh [KILLS] [FIRST SEED]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=${1:-100} seed=${2:-1} killed=0
while ((killed < wanted)); do
    last=$(tests/acceptance/score-kill-resume.sh "$seed" 10 80 | tail -n 1)
    echo "seed $seed: $last"
    killed=$((killed + $(sed -E 's/.* ([0-9]+) kills.*/\1/' <<<"$last")))
    seed=$((seed + 1))
done
echo "passed: $killed kills"
