#!/usr/bin/env bash
# Packs the controlnet tool for this system, installs it from the folder of packages, runs it outside of this clone, and uninstalls it.
#
#   tests/acceptance/tool.sh [PACKAGES]        takes some minutes
#
# PACKAGES is a folder with the tool's packages, of one version; without it, they are packed, which must not give a warning.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/packing.sh"

if (($# > 0)); then
    packages=$(cd "$1" && pwd)
else
    pack src/ControlNet.ML.Cli
fi
version=$(find "$packages" -name 'controlnet.[0-9]*.nupkg' | sed -nE '1s/.*\/controlnet\.(.*)\.nupkg/\1/p')
[[ -n $version ]] || fail "$packages holds no package controlnet"
for file in "$packages"/controlnet.{"$version","$system.$version"}.nupkg; do
    size=$(wc -c <"$file")
    printf '%12d bytes (%5.1f MiB)  %s\n' "$size" "$(bc <<<"scale=2; $size / 1048576")" "$(basename "$file")"
    ((size < limit)) || fail "$file is larger than nuget.org's limit of $limit bytes"
done

echo "== install"
export NUGET_PACKAGES=$work/cache CONTROLNET_CACHE=$work/user
mkdir "$work/elsewhere"
cd "$work/elsewhere"
dotnet tool install controlnet --version "$version" --tool-path "$work/tool" --source "$packages" || fail "dotnet tool install"
controlnet=$work/tool/controlnet
unused=$(find "$work/tool" -name '*python*' -o -name '*_test.so' -o -name '*.dbg' -o -name 'onnxruntime.dll')
[[ -z $unused ]] || fail "the tool contains files that it never loads: $unused"
[[ -n $(find "$work/tool" -path '*licenses*' -name 'LICENSE-LIBTORCH*') ]] || fail "the tool does not contain libtorch's licence"

echo "== run"
"$controlnet" --version | tee version.txt
for line in '^controlnet [0-9]' '^\.NET 10\.' '^TorchSharp [0-9]' '^libtorch [0-9.]* \(CPU\)$' '^ONNX Runtime [0-9]'; do
    grep -qE "$line" version.txt || fail "--version has no line $line"
done
cp "$root/docs/images/panda.png" drawing.png
"$controlnet" generate "tiger face, fluent 3d emoji, teal background" --photo drawing.png --seed 2 --output tiger.png || fail "generate"
is_png tiger.png || fail "generate wrote no PNG file"
"$controlnet" annotate drawing.png --as mlsd --output lines.png || fail "annotate, which runs ONNX Runtime"

mkdir one two
cp drawing.png one/a.png
cp tiger.png two/a.png
"$controlnet" study create study --method one=one --method two=two || fail "study create, which loads SQLite"
timeout --foreground --signal=INT 20 "$controlnet" study serve study --port 0 --raters 1 >links.txt || (($? == 124)) || fail "study serve, which loads ASP.NET Core"
grep -q '/r/' links.txt || fail "study serve prints no link"

status=0
"$controlnet" generate "tiger face" --device cuda --output gpu.png 2>error.txt || status=$?
((status == 1)) || fail "--device cuda exited with $status, expected 1"
grep -qF "controlnet-cuda" error.txt || { cat error.txt >&2; fail "--device cuda does not say what to install"; }
[[ ! -e gpu.png ]] || fail "a failed command wrote an image"

echo "== uninstall"
dotnet tool uninstall controlnet --tool-path "$work/tool" || fail "dotnet tool uninstall"
[[ ! -e $controlnet && -z $(find "$work/tool" -name 'libtorch*') ]] || fail "the tool was not removed"
echo "passed"
