#!/usr/bin/env bash
# Packs the solution, as for nuget.org, and uses the packages as a new user would: a project outside of this clone that references them
# runs the README's example. Prints the sizes of the packages and of the application's output.
#
#   tests/acceptance/packages.sh [PACKAGES]        takes some minutes; needs NuGet for packages that are not in the cache
#
# PACKAGES is a folder of packages of one version; without it, the solution is packed, which must not give a warning.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/packing.sh"

cached=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: *//')
if (($# > 0)); then
    packages=$(cd "$1" && pwd)
    version=$(find "$packages" -name 'ControlNet.ML.Torch.*.nupkg' | sed -nE '1s/.*\/ControlNet\.ML\.Torch\.(.*)\.nupkg/\1/p')
    [[ -n $version ]] || fail "$packages holds no package ControlNet.ML.Torch"
    [[ ! -e $cached/controlnet.ml/$version ]] || fail "the cache $cached holds ControlNet.ML $version, which would be used instead"
else
    # A version of its own, so that no cache can answer with an older package.
    version=0.1.0-acceptance.$(date +%s)
    pack ControlNet.ML.sln -p:PackageVersion="$version"
fi

echo "== packages"
mkdir "$work/unpacked" "$work/symbols"
cd "$packages"
for id in ControlNet.ML ControlNet.ML.Torch ControlNet.ML.Onnx ControlNet.ML.Emoji controlnet controlnet.$system; do
    file=$id.$version.nupkg
    [[ -f $file ]] || fail "$file was not packed"
    size=$(wc -c <"$file")
    printf '%12d bytes (%5.1f MiB)  %s\n' "$size" "$(bc <<<"scale=2; $size / 1048576")" "$id"
    ((size < limit)) || fail "$file is larger than nuget.org's limit of $limit bytes"

    unzip -q "$file" -d "$work/unpacked/$id"
    for part in README.md icon.png THIRD-PARTY-NOTICES.md; do
        [[ -s $work/unpacked/$id/$part ]] || fail "$id has no $part"
    done
    for element in '<readme>README.md<' '<icon>icon.png<' '<projectUrl>https://' '<tags>' '<releaseNotes>' '<description>' '<repository type="git" url="https://' ' commit="'; do
        grep -qF "$element" "$work/unpacked/$id/$id.nuspec" || fail "$id.nuspec has no $element"
    done
done
for id in ControlNet.ML ControlNet.ML.Torch ControlNet.ML.Onnx ControlNet.ML.Emoji; do
    unzip -q "$id.$version.snupkg" -d "$work/symbols/$id" || fail "$id has no symbols"
    grep -rqaF "raw.githubusercontent.com" "$work/symbols/$id" || fail "the symbols of $id do not link to the sources"
done
! grep -rlaF "$root" "$work/unpacked" "$work/symbols" >&2 || fail "packages contain the path of this clone"

# A folder of packages and the sources that the machine has; packages that are in its cache need not be fetched again.
app=$work/app
mkdir "$app"
export NUGET_PACKAGES=$work/cache CONTROLNET_CACHE=$work/user
cat >"$app/nuget.config" <<END
<configuration>
  <packageSources><add key="packed" value="$packages" /></packageSources>
  <fallbackPackageFolders><add key="cached" value="$cached" /></fallbackPackageFolders>
</configuration>
END
torchsharp=$(sed -n 's/.*<TorchSharpVersion>\(.*\)<.*/\1/p' "$root/Directory.Packages.props")
cat >"$app/app.csproj" <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="ControlNet.ML.Torch" Version="$version" />
    <PackageReference Include="ControlNet.ML.Emoji" Version="$version" />
    <PackageReference Include="TorchSharp-cpu" Version="$torchsharp" />
  </ItemGroup>
</Project>
END

# The README's example, word for word, with the drawing that it names.
awk '/^```csharp$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$root/README.md" >"$app/Program.cs"
mkdir -p "$app/docs/images"
cp "$root/$(grep -oE 'docs/images/[a-z-]+\.png' "$app/Program.cs")" "$app/docs/images/"
image=$(sed -nE 's/.*SavePng\("([^"]+)".*/\1/p' "$app/Program.cs")
prompt=$(grep -oE '[a-z ]+, fluent 3d emoji[a-z ,]*' "$app/Program.cs")

cd "$app"
echo "== the README's example, for every system"
dotnet build -c Release -v quiet -o "$work/every" || fail "the example does not build"
size_of() { du -sm --apparent-size "$1" 2>/dev/null | cut -f1 || du -sm "$1" | cut -f1; }
echo "output without RuntimeIdentifier: $(size_of "$work/every") MB"
rm -rf bin obj

echo "== the README's example, for $system"
dotnet build -c Release -v quiet -r "$system" --self-contained false -o "$work/one" || fail "the example does not build for $system"
echo "output with RuntimeIdentifier $system: $(size_of "$work/one") MB"
for output in every one; do
    rm -f "$image"
    "$work/$output/app" || fail "the example fails"
    is_png "$image" || fail "the example wrote no PNG file"
    grep -qaF "$prompt" "$image" || fail "the image does not hold its prompt"
done
if [[ $system == linux-x64 ]] && ! strings -a "$(ldconfig -p | awk '/libstdc\+\+\.so\.6/ { print $NF; exit }')" | grep -qx GLIBCXX_3.4.32; then
    echo "this system's libstdc++ is older than TorchSharp expects; its library was adapted"
fi

echo "== trimming"
dotnet build -c Release -v quiet -r "$system" --no-restore -t:WarnControlNetOfTrimming -p:PublishTrimmed=true -p:TreatWarningsAsErrors=false >"$work/trim.log" 2>&1 || true
grep -q "warning CNML001" "$work/trim.log" || { cat "$work/trim.log" >&2; fail "no warning of trimming"; }

echo "passed"
