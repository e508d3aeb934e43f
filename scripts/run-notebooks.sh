#!/usr/bin/env bash
# Runs the notebooks in .NET Interactive's C# kernel, as users do: in a copy of this repository, with the packages packed there. Fails if a
# cell fails or writes a warning.
#
#   scripts/run-notebooks.sh [--store] [NAME...]      NAME is a file in notebooks/; all of them by default
#     --store    write the outputs into notebooks/, too
#
# Needs Jupyter's nbconvert (Debian: apt-get install jupyter-nbconvert). The kernel is installed into the copy.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kernel=1.0.712001
store=false
[[ ${1:-} != --store ]] || { store=true; shift; }
notebooks=("$@")
((${#notebooks[@]} > 0)) || notebooks=($(cd notebooks && ls ./*.ipynb))

command -v jupyter-nbconvert >/dev/null || {
    echo "jupyter-nbconvert was not found: install Jupyter's nbconvert (Debian: apt-get install jupyter-nbconvert)" >&2
    exit 2
}

export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_INTERACTIVE_CLI_TELEMETRY_OPTOUT=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source scripts/clean-copy.sh
clean_copy "$work"

echo "== kernel" >&2
dotnet tool install --tool-path "$work/tools" Microsoft.dotnet-interactive --version "$kernel" >&2
export PATH="$work/tools:$PATH" JUPYTER_DATA_DIR="$work/jupyter" JUPYTER_CONFIG_DIR="$work/jupyter/config" JUPYTER_RUNTIME_DIR="$work/jupyter/runtime"
mkdir -p "$work/jupyter/kernels" "$work/jupyter/runtime"
dotnet-interactive jupyter install >"$work/install.log" || { cat "$work/install.log" >&2; exit 1; }

status=0
for notebook in "${notebooks[@]}"; do
    name=$(basename "$notebook")
    echo "== $name" >&2
    if ! (cd "$work/copy/notebooks" && jupyter-nbconvert --to notebook --execute --inplace --log-level ERROR \
        --ExecutePreprocessor.timeout=1800 --ExecutePreprocessor.startup_timeout=300 "$name" >"$work/run.log" 2>&1); then
        grep -v '^info:\|^ *Content root path\|^ *Application is' "$work/run.log" >&2 || true
        echo "FAILED: $name" >&2
        status=1
        continue
    fi
    python3 scripts/notebook_outputs.py "$work/copy/notebooks/$name" "$work/copy" || { status=1; continue; }
    [[ $store == false ]] || cp "$work/copy/notebooks/$name" "notebooks/$name"
done
exit $status
