"""Writes src/ControlNet.ML/Text/unicode-14.txt: run it with Python 3.11, whose unicodedata is Unicode 14.0.0.

CLIP's reference tokenizer cleans text by that version, so the ids of later characters depend on it.
"""

import pathlib
import sys
import unicodedata

if unicodedata.unidata_version != "14.0.0":
    sys.exit(f"This Python has Unicode {unicodedata.unidata_version}, expected 14.0.0 (Python 3.11).")


def ranges(values):
    """[(code point, value)] in order -> 'first-last=value' for runs of equal values."""
    runs = []
    for point, value in values:
        if runs and runs[-1][1] == point - 1 and runs[-1][2] == value:
            runs[-1][1] = point
        else:
            runs.append([point, point, value])
    return [f"{first:X}" + (f"-{last:X}" if last > first else "") + (f"={value}" if value else "") for first, last, value in runs]


def canonical(character):
    mapping = unicodedata.decomposition(character)
    return "" if not mapping or mapping.startswith("<") else mapping


characters = [chr(point) for point in range(0x110000)]
sections = {
    "unassigned": ranges((ord(c), "") for c in characters if unicodedata.category(c) == "Cn"),
    "combining": ranges((ord(c), unicodedata.combining(c)) for c in characters if unicodedata.combining(c)),
    # '!' marks what canonical composition leaves apart.
    "canonical": [
        f"{ord(c):X}={'+'.join(f'{int(part, 16):X}' for part in canonical(c).split())}{'' if unicodedata.normalize('NFC', c) == c else '!'}"
        for c in characters
        if canonical(c)
    ],
}

lines = [
    "# Unicode 14.0.0, written by build/unicode-14.py: unassigned code points, canonical combining classes,",
    "# canonical decompositions (! where composition does not undo them). Data from the Unicode Character Database.",
]
for name, entries in sections.items():
    lines += ["", f"[{name}]"]
    line = ""
    for entry in entries:
        if len(line) + len(entry) + 1 > 140:
            lines.append(line)
            line = ""
        line += (" " if line else "") + entry
    lines.append(line)

path = pathlib.Path(__file__).parent.parent / "src" / "ControlNet.ML" / "Text" / "unicode-14.txt"
path.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
