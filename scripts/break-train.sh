#!/usr/bin/env bash
# Kills 'controlnet train' (SIGKILL) at random moments, 100 times in total, in rounds of tests/acceptance/train-kill-resume.sh, whose
# weights, moments and losses have to equal those of an uninterrupted run.
#   scripts/break-train.sh [KILLS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=${1:-100} killed=0
while ((killed < wanted)); do
    last=$(tests/acceptance/train-kill-resume.sh 10 | tail -n 1)
    echo "$last"
    killed=$((killed + $(sed -E 's/.*after ([0-9]+) kills.*/\1/' <<<"$last")))
done
echo "passed: $killed kills"
