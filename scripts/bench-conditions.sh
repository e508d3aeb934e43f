#!/bin/sh
# Compares the image operations with OpenCV's, each on one thread and on the same images, in turn. Needs OpenCV for Python:
# Debian's python3-opencv, or PYTHON=... for an interpreter that has cv2. The number of rounds may follow (default 5).
set -e
cd "$(dirname "$0")/.."
dotnet build -c Release src/ControlNet.ML.Cli --nologo -v quiet
exec "${PYTHON:-/usr/bin/python3}" scripts/bench_conditions.py "$@"
