"""Times OpenCV and `controlnet bench` alternately and prints a table with their ratios. Run by bench-conditions.sh."""
import glob
import json
import statistics
import subprocess
import sys
import time

try:
    import cv2
    import numpy as np
except ImportError:
    sys.exit("OpenCV for Python is missing: install Debian's python3-opencv, or set PYTHON to an interpreter that has cv2.")

REPEATS = 5
FLAGS = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA, "cubic": cv2.INTER_CUBIC, "lanczos4": cv2.INTER_LANCZOS4}


def cloud(cells, side, seed):
    i = np.arange(cells * cells * 3, dtype=np.uint32) + np.uint32(seed << 28)
    i *= np.uint32(2654435761)
    i = (i ^ (i >> 15)) * np.uint32(739982445)
    noise = ((i ^ (i >> 12)) >> 24).astype(np.uint8).reshape(cells, cells, 3)
    return cv2.resize(noise, (side, side), interpolation=cv2.INTER_LINEAR)


def photo(side):
    """The same image as SyntheticPhoto.cs."""
    return cloud(24, side, 1) // 64 * 40 + cloud(6, side, 2) // 4 + cloud(side // 8, side, 3) // 8 + cloud(side, side, 4) // 32


def operations(suite):
    if suite == "canny":
        return {"Canny": lambda image: cv2.Canny(image, 100, 200)}
    if suite == "gauss":
        return {f"Gaussian blur {s}": lambda image, s=s: cv2.GaussianBlur(image, (0, 0), s) for s in (1.5, 3, 9)}
    if suite == "median":
        return {f"median {s}": lambda image, s=s: cv2.medianBlur(image, s) for s in (3, 5, 9)}
    return {
        f"resize {name} {factor}": lambda image, flag=flag, factor=factor: cv2.resize(
            image, (round(image.shape[1] * factor), round(image.shape[0] * factor)), interpolation=flag)
        for name, flag in FLAGS.items() for factor in (0.5, 0.37, 1.7, 2)
    }


def fastest(operation, image, calls):
    times = []
    for _ in range(calls + 2):
        before = time.process_time()
        operation(image)
        times.append(time.process_time() - before)
    return min(times) * 1000


def opencv(suite, photos):
    return {
        f"{label}, {size}": fastest(operation, image, 5 * REPEATS if size.startswith("1 ") else REPEATS)
        for size, image in photos.items() for label, operation in operations(suite).items()
    }


def ours(suite):
    tool = glob.glob("src/ControlNet.ML.Cli/bin/Release/net*/**/controlnet.dll", recursive=True)[0]
    answer = subprocess.run(["dotnet", tool, "bench", suite, "--json", "--repeats", str(REPEATS)], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)["benchmarks"][suite]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    cv2.setNumThreads(1)
    photos = {}
    for side in (1000, 4000):
        image = photo(side)
        photos[f"{side * side // 1000000} MP RGB"] = image
        photos[f"{side * side // 1000000} MP grey"] = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)

    pairs = {}
    for done in range(rounds):
        for suite in ("canny", "gauss", "median", "resize"):
            print(f"round {done + 1} of {rounds}: {suite}", file=sys.stderr)
            mine, theirs = ours(suite), opencv(suite, photos)
            if mine["photo_sum"] != int(photos["1 MP RGB"].sum(dtype=np.int64)):
                sys.exit("The synthetic photos of the two sides differ.")
            for key, value in theirs.items():
                pairs.setdefault(key, []).append((mine[key], value))

    print(f"OpenCV {cv2.__version__}; milliseconds of ours / of OpenCV's = ratio, medians of {rounds} rounds\n")
    print("| | " + " | ".join(photos) + " |")
    print("|---" * (len(photos) + 1) + "|")
    for suite in ("canny", "gauss", "median", "resize"):
        for label in operations(suite):
            cells = []
            for size in photos:
                found = pairs[f"{label}, {size}"]
                mine, theirs = (statistics.median(side) for side in zip(*found))
                cells.append(f"{mine:.3g} / {theirs:.3g} = **{statistics.median(a / b for a, b in found):.2f}**")
            print(f"| {label} | " + " | ".join(cells) + " |")


main()
