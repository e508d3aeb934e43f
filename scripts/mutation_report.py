"""Helps mutation.sh: `sync FOLDER` copies the files named on standard input, `scores REPORT…` prints Stryker's results as Markdown."""
import collections
import json
import os
import shutil
import sys

KILLED = {"Killed", "Timeout"}
MISSED = {"Survived", "NoCoverage"}
UNKNOWN = {"Pending", "NotRun"}


def sync(folder):
    """Makes FOLDER contain exactly these files, apart from build output. Unchanged files keep their time, so that they are not rebuilt."""
    names = {name for name in sys.stdin.read().split("\0") if name and os.path.isfile(name)}
    for name in names:
        target = os.path.join(folder, name)
        if os.path.exists(target) and os.stat(target).st_mtime == os.stat(name).st_mtime:
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(name, target)
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("bin", "obj")]
        for name in files:
            if os.path.relpath(os.path.join(path, name), folder) not in names:
                os.remove(os.path.join(path, name))


def read(reports):
    """Mutants by file, for the tested files; the later report wins for a file in both."""
    files = {}
    for report in reports:
        with open(report, encoding="utf-8") as stream:
            content = json.load(stream)
        for path, file in content["files"].items():
            mutants = [m for m in file["mutants"] if m["status"] in KILLED | MISSED | UNKNOWN]
            if mutants:
                files[path[path.rindex("src/"):]] = (mutants, file["source"].splitlines())
    return files


def row(name, counts):
    killed = sum(counts[status] for status in KILLED)
    total = killed + sum(counts[status] for status in MISSED)
    unknown = sum(counts[status] for status in UNKNOWN)
    score = f"{100 * killed / total:.1f} %" if total else "–"
    return f"| {name} | {score} | {total} | {killed} | {counts['Timeout']} | {counts['Survived']} | {counts['NoCoverage']} | {unknown or ''} |"


def text_of(lines, mutant):
    start, end = mutant["location"]["start"], mutant["location"]["end"]
    if start["line"] == end["line"]:
        return lines[start["line"] - 1][start["column"] - 1:end["column"] - 1]
    return lines[start["line"] - 1][start["column"] - 1:] + " …"


def scores(reports):
    files = read(reports)
    folders, all_of_them = collections.defaultdict(collections.Counter), collections.Counter()
    print("| file | score | mutants | killed | of which timeouts | survived | not covered | not tested |\n|---|---|---|---|---|---|---|---|")
    for path, (mutants, _) in sorted(files.items()):
        counts = collections.Counter(m["status"] for m in mutants)
        folders[os.path.dirname(path)] += counts
        all_of_them += counts
        print(row(path, counts))
    for folder, counts in sorted(folders.items()):
        print(row(f"**{folder}**", counts))
    if len(folders) > 1:
        print(row("**total**", all_of_them))

    print("\n## Survivors")
    for path, (mutants, lines) in sorted(files.items()):
        for mutant in sorted(mutants, key=lambda m: (m["location"]["start"]["line"], m["location"]["start"]["column"])):
            if mutant["status"] in MISSED:
                old, new = text_of(lines, mutant), " ".join(mutant.get("replacement", "").split())
                print(f"- {path}:{mutant['location']['start']['line']} {mutant['status']}, {mutant['mutatorName']}: `{old}` -> `{new[:120]}`")


if __name__ == "__main__":
    if sys.argv[1] == "sync":
        sync(sys.argv[2])
    else:
        scores(sys.argv[2:])
