#!/usr/bin/env bash
# Runs the samples as users do: in a copy of this repository, with the packages packed there, by "dotnet run". Without the packages, the
# message has to say how to pack them.
#   tests/acceptance/samples.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

source scripts/clean-copy.sh
clean_copy "$folder"
cd "$folder/copy"

echo "== without packages"
mv packages packed
! dotnet run samples/tiger.cs >"$folder/log" 2>&1 || fail "tiger.cs ran without packages"
grep -F "dotnet pack build/Packages.proj" "$folder/log" || fail "the message does not say how to pack: $(cat "$folder/log")"
mv packed packages

run() {
    echo "== dotnet run samples/$1"
    dotnet run "samples/$1" >"$folder/log" 2>&1 || fail "$1: $(cat "$folder/log")"
    cat "$folder/log"
    ! grep -F ": warning " "$folder/log" || fail "$1 builds with warnings"
    for image in "${@:2}"; do
        [[ -s $image ]] || fail "$1 did not write $image"
    done
}

run tiger.cs tiger.png tiger-edges.png
run two-controls.cs two-controls.png
run pipeline.cs pipeline-1.png pipeline-2.png
run score-folder.cs "scored/green apple.png" scored/sailboat.png "scored/tropical fish.png" scored/butterfly.png
run onnx.cs onnx.png
run onnx-transformer.cs decoded-1.png decoded-2.png
run train.cs discs-run/controlnet/diffusion_pytorch_model.safetensors

echo "== packed again"
# A program that ran before has to use the packages of now.
dotnet run samples/tiger.cs >/dev/null
before=$(sha256sum "$NUGET_PACKAGES"/controlnet.ml/*/lib/net10.0/ControlNet.ML.dll)
sed -i 's/^namespace ControlNet.ML;$/&\ninternal static class PackedAgain;/' src/ControlNet.ML/ControlNetException.cs
dotnet pack build/Packages.proj -v quiet -nologo
dotnet run samples/tiger.cs
[[ $(sha256sum "$NUGET_PACKAGES"/controlnet.ml/*/lib/net10.0/ControlNet.ML.dll) != "$before" ]] || fail "the sample uses the packages of before"
echo "passed"
