# For the scripts that use packages as new users would: a scratch folder, this system's name, nuget.org's limit, and how to pack.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDTERMINALLOGGER=off
# One thread: on a busy machine, several threads mostly wait for each other.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1
exec </dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
limit=250000000
case $(uname -s) in
    Darwin) system=osx-arm64 ;;
    *) system=linux-x64 ;;
esac

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

# pack WHAT [OPTIONS...]: packs a project or solution for this system into $packages, without a warning.
pack() {
    echo "== pack"
    packages=$work/packages
    dotnet pack -c Release -o "$packages" "$root/$1" -p:ToolSystems="$system" "${@:2}" >"$work/pack.log" ||
        { cat "$work/pack.log" >&2; fail "dotnet pack"; }
    ! grep -E "warning|error|missing a readme" "$work/pack.log" >&2 || fail "dotnet pack has warnings"
}

is_png() {
    [[ $(head -c 4 "$1" | tail -c 3) == PNG ]]
}
