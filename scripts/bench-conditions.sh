#!/bin/sh
# Times the image operations and OpenCV's alternately, on one thread and on the same images. Needs OpenCV for Python:
# Debian's python3-opencv, or PYTHON=... for an interpreter with cv2.
#   scripts/bench-conditions.sh [ROUNDS]        default 5
set -e
cd "$(dirname "$0")/.."
dotnet build -c Release src/ControlNet.ML.Cli --nologo -v quiet
exec "${PYTHON:-/usr/bin/python3}" scripts/bench_conditions.py "$@"
