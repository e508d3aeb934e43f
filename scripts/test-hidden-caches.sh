#!/usr/bin/env bash
# Runs the torch tests as on a machine whose hypervisor hides the caches of an AMD processor (docs/accelerators.md): in a copy of the tests'
# build, libtorch queries a CPUID leaf that is empty on every AMD processor instead of the one that describes the caches.
#
#   scripts/test-hidden-caches.sh                    all tests, with the repair: they pass
#   scripts/test-hidden-caches.sh leave              without it: shows what libtorch computes without help
#   scripts/test-hidden-caches.sh repair -class '*ExactOperationTests'     further arguments go to xunit
#
# Needs an AMD processor and python3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=${1:-repair}
shift || true
case $mode in
    repair | leave) ;;
    *) echo "The mode is '$mode', expected repair or leave." >&2 && exit 2 ;;
esac
grep -qE '^vendor_id\s*: (AuthenticAMD|HygonGenuine)' /proc/cpuinfo || { echo "This needs an AMD processor." >&2 && exit 2; }

tests=tests/ControlNet.ML.Torch.Tests
dotnet build -c Release "$tests" --nologo -v quiet
hidden=$tests/bin/HiddenCaches/net10.0/linux-x64
mkdir -p "$hidden"
# libtorch's file is a hard link into the package cache: the copy is a separate file, and so is the patched one written below.
cp -r "$tests/bin/Release/net10.0/linux-x64/." "$hidden/"
python3 - "$hidden/libtorch_cpu.so" <<'PYTHON'
import os, sys
path = sys.argv[1]
library = bytearray(open(path, "rb").read())
query = b"\x41\xba\x1d\x00\x00\x80"  # mov r10d, 0x8000001d: in Xbyak::util::Cpu's constructor, once
if library.count(query) != 1:
    sys.exit(f"{path}: the leaf is queried in {library.count(query)} places, expected 1: is this another libtorch version?")
at = library.index(query) + 2
library[at:at + 4] = (0x80000012).to_bytes(4, "little")  # reserved: always zeros
os.remove(path)
open(path, "wb").write(library)
PYTHON

cd "$hidden"
CONTROLNET_HIDDEN_CACHES=$mode OMP_WAIT_POLICY=passive exec dotnet ControlNet.ML.Torch.Tests.dll "$@"
