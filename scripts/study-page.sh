#!/usr/bin/env bash
# Takes docs/images/study-page.png: a question of a study about the embedded model, in the system's Chromium.
#
#   scripts/study-page.sh [IMAGE]      half a minute
#
# CHROMIUM names another browser than /usr/bin/chromium.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
image=$(realpath -m "${1:-$root/docs/images/study-page.png}")
chromium=${CHROMIUM:-/usr/bin/chromium}
[[ -x $chromium ]] || { echo "$chromium was not found: install Chromium, or name it in CHROMIUM" >&2; exit 1; }

tool=$(dotnet msbuild "$root/src/ControlNet.ML.Cli" -getProperty:TargetPath -p:Configuration=Release)
[[ -f $tool ]] || dotnet build -c Release "$root/src/ControlNet.ML.Cli" -v q -clp:NoSummary
controlnet() { dotnet "$tool" "$@"; }

work=$(mktemp -d)
server=
trap '[[ -z $server ]] || { kill "$server"; wait "$server" || true; }; rm -rf "$work"' EXIT
cd "$work"

# The same noise with the whole control network, with half of it and without.
prompt="red apple, fluent 3d emoji" settings=(--steps 40 --guidance 2 --seed 3)
mkdir -p whole half without edges
controlnet annotate "$root/docs/images/apple.png" --size 128 --output edges/apple.png >/dev/null
controlnet generate "$prompt" --condition edges/apple.png --control emoji/canny "${settings[@]}" --output whole/apple.png >/dev/null
controlnet generate "$prompt" --condition edges/apple.png --control emoji/canny:0.5 "${settings[@]}" --output half/apple.png >/dev/null
controlnet generate "$prompt" "${settings[@]}" --output without/apple.png >/dev/null
printf 'file,prompt\napple.png,"%s"\n' "$prompt" >prompts.csv
controlnet study create study --method whole=whole --method half=half --method without=without --condition edges --prompts prompts.csv >/dev/null

dotnet "$tool" study serve study --raters 1 --port 0 >links 2>errors &
server=$!
for ((i = 0; i < 60; i++)); do
    link=$(grep -oE 'http://[^ ]+/r/[a-z0-9]+' links || true)
    [[ -z $link ]] || break
    sleep 1
done
[[ -n $link ]] || { cat errors >&2; exit 1; }
sandbox=$( ((EUID != 0)) || echo --no-sandbox)
"$chromium" --headless $sandbox --hide-scrollbars --window-size=1000,850 --screenshot="$work/page.png" "$link/2" 2>/dev/null
mv page.png "$image"
echo "$image"
