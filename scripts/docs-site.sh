#!/usr/bin/env bash
# Builds the documentation site, docs/ and the API of the libraries' comments, in artifacts/site/html. A warning, such as a broken link, fails it.
#   scripts/docs-site.sh           then open artifacts/site/html/index.html
#   scripts/docs-site.sh --serve   and show it at http://localhost:8080, where its search works too
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
rm -rf artifacts/site
dotnet tool restore
dotnet docfx docfx.json --warningsAsErrors "$@"
