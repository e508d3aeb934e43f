#!/usr/bin/env bash
# A whole user study in a real browser: the system's Chromium, which is installed where apt may.
#
#   tests/acceptance/study.sh [SCREENSHOTS]      a minute, and the first time Playwright's package (200 MB)
#
# SCREENSHOTS is a folder for images of the pages. CHROMIUM names another browser than /usr/bin/chromium.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export DOTNET_CLI_UI_LANGUAGE=en DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDTERMINALLOGGER=off
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
exec </dev/null

if [[ ! -x $CHROMIUM ]]; then
    if ! command -v apt-get >/dev/null || ((EUID != 0)); then
        echo "$CHROMIUM was not found: install Chromium, or name it in CHROMIUM" >&2
        exit 1
    fi
    apt-get update -qq >/dev/null && apt-get install -y -qq chromium >/dev/null
fi
if (($# > 0)); then
    mkdir -p "$1"
    STUDY_SCREENSHOTS=$(cd "$1" && pwd)
    export STUDY_SCREENSHOTS
fi

tests=$root/tests/ControlNet.ML.Study.BrowserTests
CONTROLNET_TOOL=$(dotnet msbuild "$root/src/ControlNet.ML.Cli" -getProperty:TargetPath -p:Configuration=Release)
export CONTROLNET_TOOL
[[ -f $CONTROLNET_TOOL ]] || dotnet build -c Release "$root/src/ControlNet.ML.Cli" -v q -clp:NoSummary
dotnet build -c Release "$tests" -v q -clp:NoSummary
dotnet "$(dotnet msbuild "$tests" -getProperty:TargetPath -p:Configuration=Release)" -noColor
