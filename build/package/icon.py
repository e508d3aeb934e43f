"""Draws the packages' icon: one bear, on the left as its edges (the condition), on the right in color (the image).

    python3 build/package/icon.py        writes icon.png beside this file; needs nothing but Python
"""
import math
import pathlib
import struct
import zlib

SIZE, SAMPLES = 128, 4
BLACK, WHITE, TEAL, ORANGE, CREAM, DARK = (17, 20, 28), (255, 255, 255), (24, 140, 146), (245, 140, 40), (255, 226, 178), (60, 32, 20)
STROKE = 2.2


def circle(x, y, center_x, center_y, radius_x, radius_y=None):
    """Distance to an ellipse, negative inside; exact for circles, near the outline for ellipses."""
    radius_y = radius_y or radius_x
    scaled = math.hypot((x - center_x) / radius_x, (y - center_y) / radius_y)
    return (scaled - 1) * min(radius_x, radius_y)


def mirrored(x):
    return 64 - abs(x - 64)


def shapes(x, y):
    """The bear's parts with their colors, back to front."""
    m = mirrored(x)
    head = min(circle(x, y, 64, 72, 42, 38), circle(m, y, 30, 36, 16))
    yield head, ORANGE
    yield circle(m, y, 30, 36, 8), CREAM
    yield circle(x, y, 64, 86, 20, 15), CREAM
    yield circle(m, y, 46, 66, 5), DARK
    yield circle(x, y, 64, 79, 7, 5), DARK


def color(x, y):
    """The color at a point; None outside of the rounded square."""
    corner = 22
    dx, dy = max(abs(x - 64) - 64 + corner, 0), max(abs(y - 64) - 64 + corner, 0)
    if math.hypot(dx, dy) > corner:
        return None
    if abs(x - 64) < 1.2:
        return WHITE
    if x > 64:
        result = TEAL
        for distance, fill in shapes(x, y):
            result = fill if distance < 0 else result
        return result
    parts = list(shapes(x, y))
    lines = min(abs(distance) for distance, _ in (parts[0], parts[2], parts[3], parts[4]))
    inside_head_lines = abs(parts[1][0])
    return WHITE if min(lines, inside_head_lines) < STROKE / 2 + 0.3 else BLACK


def pixel(column, row):
    totals, covered = [0, 0, 0], 0
    for i in range(SAMPLES * SAMPLES):
        found = color(column + (i % SAMPLES + 0.5) / SAMPLES, row + (i // SAMPLES + 0.5) / SAMPLES)
        if found:
            covered += 1
            totals = [total + value for total, value in zip(totals, found)]
    return bytes([*(round(total / max(covered, 1)) for total in totals), round(255 * covered / SAMPLES**2)])


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


rows = b"".join(b"\0" + b"".join(pixel(column, row) for column in range(SIZE)) for row in range(SIZE))
png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", SIZE, SIZE, 8, 6, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
pathlib.Path(__file__).with_name("icon.png").write_bytes(png)
