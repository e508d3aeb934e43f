# For scripts that do what users do: clean_copy FOLDER copies this repository as it stands, without what was built or is ignored, to
# FOLDER/copy, and packs the packages there. NuGet's cache is then FOLDER/nuget, which has all packages of the user's but this repository's.
clean_copy() {
    local cache package
    mkdir "$1/copy" "$1/nuget"
    git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- --ignore-failed-read | tar --extract --directory="$1/copy"
    cache=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
    if [[ -d $cache ]]; then
        for package in "$cache"/*; do
            [[ $(basename "$package") == controlnet* ]] || ln -s "$package" "$1/nuget/"
        done
    fi
    export NUGET_PACKAGES="$1/nuget"

    echo "== dotnet pack build/Packages.proj" >&2
    (cd "$1/copy" && dotnet pack build/Packages.proj -v quiet -nologo >&2)
}
