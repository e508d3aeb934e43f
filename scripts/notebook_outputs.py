"""Checks an executed notebook and leaves only what readers want of its outputs.

    notebook_outputs.py NOTEBOOK COPY

Warnings and errors of cells are failures. Removed: the outputs of cells that load packages, the kernel's script, styles and timings,
and the path of COPY, the folder in which the notebook ran.
"""
import json
import os
import re
import sys

file, copy = sys.argv[1:]
with open(file, encoding="utf-8") as opened:
    notebook = json.load(opened)

failures = []
for number, cell in enumerate(notebook["cells"]):
    if cell["cell_type"] != "code":
        continue
    cell["metadata"] = {}
    source, kept = "".join(cell["source"]), []
    for output in cell["outputs"]:
        kind, text = output["output_type"], "".join(output.get("text", []))
        if kind == "error" or output.get("name") == "stderr":
            failures.append(f"cell {number}: {text or output.get('evalue')}".strip())
        html = "".join(output.get("data", {}).get("text/html", []))
        if "dotnet-interactive-this-cell" not in html and not re.search("^#r ", source, re.MULTILINE):
            output["metadata"] = {}
            if html:
                # The style of the kernel's tables is the same in every output, and viewers have their own.
                html = re.sub("<style>.*?</style>", "", html, flags=re.DOTALL)
                output["data"]["text/html"] = html.splitlines(keepends=True)
            kept.append(output)
    cell["outputs"] = kept
    if "execution_count" in cell and cell["execution_count"] is None:
        failures.append(f"cell {number} did not run")

text = json.dumps(notebook, indent=1, ensure_ascii=False).replace(copy + "/", "") + "\n"
for path in {copy, os.path.dirname(copy), os.path.expanduser("~") + "/", os.getcwd()}:
    if path in text:
        failures.append(f"an output contains a path of this machine, {path}")

if failures:
    print(f"{os.path.basename(file)}: " + "\n".join(failures), file=sys.stderr)
    sys.exit(1)
with open(file, "w", encoding="utf-8") as written:
    written.write(text)
