"""Draws the pictures of the chapters of Learn.

    python docs/figures/learn.py docs/src/images
"""
import sys
from pathlib import Path

STYLE = """<style>
text { font-family: Helvetica, Arial, sans-serif; font-size: 14px; fill: #222222; text-anchor: middle; }
.small { font-size: 12px; fill: #555555; }
.left { text-anchor: start; }
.bold { font-weight: bold; }
</style>"""
INK, GREY, PALE = "#444444", "#8a8a8a", "#f2f4f7"
BLUE, ORANGE, GREEN = "#8fb8de", "#f2b880", "#a5d3a0"
# One colour for each of eight groups of banks.
BANKS = ["#8fb8de", "#f2b880", "#a5d3a0", "#dba8c9", "#f0d98c", "#9fd6d2", "#c9b29b", "#b8b8e0"]


def text(x, y, words, kind=""):
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{words}</text>'


def box(x, y, width, height, fill, words="", kind="", stroke=GREY):
    drawn = f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="{fill}" stroke="{stroke}"/>'
    return drawn + (text(x + width / 2, y + height / 2 + 5, words, kind) if words else "")


def line(x1, y1, x2, y2, colour=INK, width=1.5):
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" stroke-width="{width}"/>'


def grid(x, y, columns, rows, size, colour_of, gap=0):
    """Cells of a matrix; colour_of(row, column) is a fill."""
    for row in range(rows):
        for column in range(columns):
            yield box(x + column * (size + gap), y + row * (size + gap), size, size, colour_of(row, column), stroke="#c4c4c4")


def gpu():
    """Cores, lanes and memories, and how fast each is."""
    yield text(20, 28, "a GPU (NVIDIA H200: 132 cores)", "left bold")
    for core in range(2):
        x = 20 + core * 300
        yield box(x, 44, 280, 176, PALE)
        yield text(x + 12, 66, f"core {core + 1}" if core == 0 else "core 2, .. 132", "left small")
        for subgroup in range(4):
            for lane in range(16):
                yield box(x + 14 + lane * 16, 78 + subgroup * 16, 13, 12, BLUE, stroke="#6f97bd")
        yield text(x + 140, 160, "4 x 32 lanes; registers, 256 KiB", "small")
        yield box(x + 14, 172, 252, 36, GREEN, "workgroup memory and cache, 256 KiB", "small")
    yield box(20, 240, 580, 36, ORANGE, "cache of all cores, 50 MiB", "small")
    yield box(20, 296, 580, 36, "#e6e6e6", "memory, 141 GB", "small")
    x = 640
    yield text(x, 28, "for one multiply-add of each lane", "left bold")
    for y, words, note in [
        (102, "registers", "operands without waiting"),
        (192, "workgroup memory", "one number for 4 multiply-adds, some 30 cycles away"),
        (262, "cache", "one for some 20, some 250 cycles away"),
        (318, "memory", "one for 30, some 600 cycles away"),
    ]:
        yield text(x, y - 6, words, "left")
        yield text(x, y + 12, note, "left small")


def neighbours():
    """Which numbers 8 invocations of a subgroup read of A and B at one step, with x as rows and with x as columns."""
    size = 17
    for half, (title, requests) in enumerate([("1 naive: neighbours in x are rows", "8 lines of A, 1 number of B"),
                                              ("2 coalesced: neighbours in x are columns", "1 number of A, 1 line of B")]):
        left = 20 + half * 470
        yield text(left, 26, title, "left bold")
        in_a = (lambda r, c: ORANGE if c == 3 else "white") if half == 0 else (lambda r, c: ORANGE if (r, c) == (2, 3) else "white")
        in_b = (lambda r, c: BLUE if (r, c) == (3, 2) else "white") if half == 0 else (lambda r, c: BLUE if r == 3 else "white")
        in_c = (lambda r, c: GREEN if c == 2 else "white") if half == 0 else (lambda r, c: GREEN if r == 2 else "white")
        yield text(left + 68, 56, "A")
        yield from grid(left, 66, 8, 8, size, in_a)
        yield text(left + 148, 140, "x")
        yield text(left + 228, 56, "B")
        yield from grid(left + 160, 66, 8, 8, size, in_b)
        yield text(left + 307, 140, "=")
        yield text(left + 388, 56, "C")
        yield from grid(left + 320, 66, 8, 8, size, in_c)
        yield text(left, 232, f"what eight invocations read at step 3: {requests}", "left small")
    yield text(20, 262, "A line of memory, 128 bytes, lies along a row. The orange column of A is in eight lines, and seven eighths of each are not used.", "left small")


def tiles():
    """A workgroup's tile of C, and the K-tiles of A and B that it loads in turn."""
    size = 12
    tile = lambda k: (k // 4) == 1
    yield text(250, 24, "B", "bold")
    yield from grid(190, 34, 12, 12, size, lambda r, c: (BLUE if r // 4 == 1 else "#dbe8f5") if tile(c) else "white")
    yield text(100, 196, "A", "bold")
    yield from grid(20, 206, 12, 12, size, lambda r, c: (ORANGE if c // 4 == 1 else "#fbe9d5") if tile(r) else "white")
    yield text(262, 196, "C", "bold")
    yield from grid(190, 206, 12, 12, size, lambda r, c: GREEN if tile(r) and tile(c) else "white")
    x = 400
    notes = [
        ("A workgroup computes the green tile of C.", "left bold"),
        ("It goes along k in K-tiles: load orange and blue into workgroup memory,", "left"),
        ("wait, multiply, wait, load the next.", "left"),
        ("Each number is loaded once and used as often as the tile is wide:", "left"),
        ("for a tile of T x T, 2 / T numbers, or 8 / T bytes a multiply-add.", "left"),
        ("T = 1: 8 bytes. T = 16: 0.5. T = 64: 0.125.", "left small"),
    ]
    for k, (words, kind) in enumerate(notes):
        yield text(x, 222 + 22 * k, words, kind)


def banks():
    """The banks of eight numbers of B that eight invocations read together, without and with padding."""
    cell = 26
    for half, (title, place) in enumerate([
        ("5 square: column 8 x is in bank 8 x % 32", lambda column: column),
        ("6 padded: one number is left out after every 32", lambda column: column + column // 32),
    ]):
        top = 20 + half * 160
        yield text(20, top + 10, title, "left bold")
        for lane in range(8):
            at = place(8 * lane)
            bank = at % 32
            yield text(60 + lane * 104, top + 40, f"invocation {lane}", "small")
            yield box(34 + lane * 104, top + 50, 52, cell, BANKS[(bank // 8 + 4 * (bank % 8)) % 8], f"{at}", "")
            yield text(60 + lane * 104, top + 96, f"bank {bank}", "small")
        clash = "banks 0, 8, 16 and 24 serve two numbers each, one after the other: two turns" if half == 0 else \
            "eight numbers in eight banks: one turn"
        yield text(20, top + 124, clash, "left")


def turns():
    """Loads and multiply-adds over time, with one K-tile and with two in turns."""
    load, work = 90, 110
    yield text(20, 26, "7 vectors: one K-tile", "left bold")
    for k in range(3):
        x = 20 + k * (load + work)
        yield box(x, 40, load, 30, ORANGE, f"load {k}", "small")
        yield box(x + load, 76, work, 30, GREEN, f"multiply {k}", "small")
    yield text(640, 78, "the sum of both", "left small")
    yield text(20, 146, "8 turns: the next K-tile is on its way while this one is multiplied", "left bold")
    yield box(20, 160, load, 30, ORANGE, "load 0", "small")
    for k in range(3):
        x = 20 + load + k * work
        yield box(x, 160, load, 30, ORANGE, f"load {k + 1}", "small")
        yield box(x, 196, work, 30, GREEN, f"multiply {k}", "small")
    yield text(640, 198, "the longer of both", "left small")
    yield line(20, 240, 620, 240)
    yield text(606, 258, "time", "small")


def order():
    """The order in which two rungs take the K-tiles of a convolution: taps across, channels down."""
    size, rows = 26, 6
    for half, (title, note) in enumerate([
        ("5 turns: all channels of a tap", "before it comes back to an input it has read all channels"),
        ("6 taps_inner: all taps of some channels", "six of nine taps find their inputs in the core's cache"),
    ]):
        left = 60 + half * 420
        yield text(left - 40, 26, title, "left bold")
        yield text(left, 56, "taps 0 to 8", "left small")
        same = (lambda r, c: ORANGE if r == 2 else PALE)
        yield from grid(left, 64, 9, rows, size, same)
        yield text(left - 12, 64 + 2.5 * size + 5, "k", "small")
        middle = [64 + size * (r + 0.5) for r in range(rows)]
        across = [left + size * (c + 0.5) for c in range(9)]
        if half == 0:
            ways = [(x, middle[0], x, middle[-1]) for x in across]
        else:
            ways = [(across[0], y, across[-1], y) for y in middle]
        for x1, y1, x2, y2 in ways:
            yield line(x1, y1, x2, y2)
            yield f'<circle cx="{x2:g}" cy="{y2:g}" r="3.5" fill="{INK}"/>'
        yield text(left - 40, 250, note, "left small")
    yield text(20, 278, "A cell is a K-tile: eight channels (k) under one tap. Those of a row, such as the orange ones, read nearly the same inputs.",
               "left small")


def tree():
    """Halving: eight numbers, three rounds."""
    values = [3, 7, 1, 8, 2, 9, 4, 6]
    x0, width = 20, 62
    for round_ in range(4):
        y = 20 + round_ * 76
        half = 8 >> round_
        yield text(550, y + 22, ["eight numbers", "the first four against the last four, a barrier",
                                 "two against two, a barrier", "one against one: the largest is in slot 0"][round_], "left small")
        for i in range(8):
            live = i < half
            yield box(x0 + i * width, y, width - 8, 34, BLUE if live else "white", str(values[i]) if live else "")
            if live and round_ < 3 and i < half // 2:
                for source in (i, i + half // 2):
                    yield line(x0 + source * width + 27, y + 34, x0 + i * width + 27, y + 76, GREY, 1)
        values = [max(values[i], values[i + half // 2]) if half > 1 and i < half // 2 else values[i] for i in range(8)]


def roofline():
    """Bytes for a multiply-add against the two roofs of an H200."""
    import math
    left, right, top, bottom = 70, 640, 30, 300
    x_of = lambda intensity: left + (math.log10(intensity) + 1.5) / 4.5 * (right - left)
    y_of = lambda rate: bottom - (math.log10(rate) - 2) / 3 * (bottom - top)
    yield line(left, bottom, right, bottom)
    yield line(left, top, left, bottom)
    for power in range(-1, 4):
        yield text(x_of(10 ** power), bottom + 20, f"{10 ** power:g}", "small")
    for rate, label in [(100, "0.1"), (1000, "1"), (10000, "10"), (62000, "62")]:
        yield text(left - 22, y_of(rate) + 4, label, "small")
    yield text((left + right) / 2, bottom + 42, "operations a byte from memory", "small")
    yield text(left + 4, top - 8, "TFLOP/s", "left small")
    yield line(left, y_of(4100 * 10 ** -1.5), x_of(62000 / 4100), y_of(62000), INK, 2.5)
    yield line(x_of(62000 / 4100), y_of(62000), right, y_of(62000), INK, 2.5)
    for intensity, words, dx, dy in [(0.25, "largest: 0.25", 12, 14), (4, "matmul, T = 16: 4", 12, 14), (16, "T = 64: 16", 0, 30)]:
        rate = min(intensity * 4100, 62000)
        yield f'<circle cx="{x_of(intensity):g}" cy="{y_of(rate):g}" r="6" fill="{ORANGE}" stroke="{INK}"/>'
        yield text(x_of(intensity) + dx, y_of(rate) + dy, words, "left small")


def layouts():
    """Six channels of 3 x 2 positions, planar and in blocks of four channels."""
    cell, names = 30, "abcdef"
    yield text(20, 24, "planar: [channels][height][width]", "left bold")
    for i in range(24):
        yield box(20 + i * cell, 36, cell, 30, BANKS[i // 6], f"{names[i // 6]}{i % 6}", "small")
    yield text(20 + 25 * cell, 56, "..", "left")
    yield text(20, 108, "blocked: [channels / 4][height][width] of vec4", "left bold")
    for i in range(24):
        position, channel = divmod(i, 4)
        yield box(20 + i * cell, 120, cell, 30, BANKS[channel], f"{names[channel]}{position}", "small")
    for i in range(24):
        position, channel = divmod(i, 4)
        live = channel < 2
        yield box(20 + i * cell, 156, cell, 30, BANKS[4 + channel] if live else "white", f"{names[4 + channel]}{position}" if live else "0", "small")
    for position in range(6):
        for row in (120, 156):
            yield f'<rect x="{20 + position * 4 * cell}" y="{row}" width="{4 * cell}" height="30" fill="none" stroke="{INK}" stroke-width="2"/>'
    yield text(20, 214, "a to f: channels. 0 to 5: positions, row by row. A framed group is a vec4: one load, one invocation.", "left small")


def back():
    """The forward pass to the right, the gradients back to the left."""
    names = ["image", "conv", "relu", "pool", "loss"]
    for k, name in enumerate(names):
        x = 20 + k * 160
        yield box(x, 60, 100, 44, BLUE if k else PALE, name)
        if k:
            yield line(x - 60, 74, x - 8, 74)
            yield f'<path d="M{x - 8} 69 L{x} 74 L{x - 8} 79 z" fill="{INK}"/>'
            yield line(x - 52, 92, x, 92, "#b4602a")
            yield f'<path d="M{x - 52} 87 L{x - 60} 92 L{x - 52} 97 z" fill="#b4602a"/>'
    for k, (value, gradient) in enumerate([("x", "d_x"), ("y", "d_y"), ("z", "d_z"), ("p", "d_p = 1")]):
        yield text(150 + k * 160, 52, value)
        yield text(150 + k * 160, 124, gradient)
    yield text(20, 26, "forward: values", "left bold")
    yield text(20, 156, "backward: each kernel turns the gradient of its output into that of its input", "left bold")


def winograd():
    """Tiles of 4 x 4 outputs and the 6 x 6 inputs that they need; points become products of matrices."""
    size = 15
    yield text(20, 24, "inputs: tiles of 6 x 6, overlapping by 2", "left bold")
    first = lambda r, c: r < 6 and c < 6
    second = lambda r, c: r < 6 and 4 <= c < 10
    colour = lambda r, c: "#c9b7a0" if first(r, c) and second(r, c) else ORANGE if first(r, c) else BLUE if second(r, c) else "white"
    yield from grid(20, 40, 10, 10, size, colour)
    yield text(330, 24, "36 points", "bold")
    for k in range(3):
        yield box(280 + 14 * k, 60 + 14 * k, 90, 90, PALE)
    yield text(353, 136, "36 products", "small")
    yield text(353, 152, "of matrices", "small")
    yield text(190, 122, "B' d B", "small")
    yield line(180, 130, 270, 130)
    yield text(450, 122, "A' m A", "small")
    yield line(408, 130, 500, 130)
    yield text(510, 24, "outputs: tiles of 4 x 4", "left bold")
    yield from grid(520, 60, 8, 8, size, lambda r, c: ORANGE if r < 4 and c < 4 else BLUE if r < 4 else "white")
    yield text(20, 218, "Of a tile: 36 multiplications for 16 outputs, where the definition has 16 x 9 = 144. Each point is one matrix: channels in by channels out.", "left small")


def bits():
    """24 bits of f32 as two times 11 of f16."""
    cell = 22
    yield text(20, 24, "x in f32: 24 bits", "left bold")
    for k in range(24):
        yield box(20 + k * cell, 34, cell, 26, ORANGE if k < 11 else BLUE if k < 22 else PALE, "01"[(k * 7 + 3) % 5 % 2], "small")
    yield text(20, 92, "hi = x rounded to 11 bits, as f16", "left bold")
    for k in range(11):
        yield box(20 + k * cell, 102, cell, 26, ORANGE, "01"[(k * 7 + 3) % 5 % 2], "small")
    yield text(330, 92, "lo = x - hi, which is exact, as f16", "left bold")
    for k in range(11, 22):
        yield box(88 + k * cell, 102, cell, 26, BLUE, "01"[(k * 7 + 3) % 5 % 2], "small")
    yield text(20, 160, "x y = (hi + lo) (hi' + lo') = hi hi' + hi lo' + lo hi' + lo lo', and the last is below the 22nd bit: three products.", "left small")


def splits():
    """Few results and many positions: tiles of the triangle, positions divided among workgroups."""
    size = 22
    yield text(20, 24, "G: 4 x 4 tiles, of which 10 are computed", "left bold")
    yield from grid(20, 36, 4, 4, size * 1.5, lambda r, c: GREEN if c >= r else "white")
    yield text(340, 24, "F: channels by positions, divided into 8 splits", "left bold")
    for row in range(4):
        for split in range(8):
            yield box(340 + split * 58, 36 + row * 33, 56, 31, BANKS[split])
    yield text(340, 192, "Workgroup (column, row, split) adds its positions; gram/finish adds the splits and mirrors the triangle.", "left small")


def reading():
    """From the columns of the table to what to try."""
    rows = [
        ("share", "below 5%", "leave it: nothing that is done there shows"),
        ("spread", "above 20%", "measure again, longer: --seconds, --repeat"),
        ("of roof", "above 60%", "only less work helps: fewer bytes or fewer operations"),
        ("groups", "fewer than cores", "smaller tiles, or splits"),
        ("ms / launches", "below 10 us", "fewer launches: do more in one"),
        ("GB/s, GFLOP/s", "both far below", "inside: reads of the same number, banks, barriers, registers"),
    ]
    for k, (column, sign, what) in enumerate(rows):
        y = 20 + k * 50
        yield box(20, y, 130, 36, BLUE, column)
        yield box(190, y, 140, 36, ORANGE, sign, "small")
        yield text(376, y + 23, what, "left")
        yield line(150, y + 18, 186, y + 18)
        yield line(330, y + 18, 366, y + 18)
        if k + 1 < len(rows):
            yield line(85, y + 36, 85, y + 50, GREY, 1)
            yield text(112, y + 48, "else", "small")


def lives():
    """From which step to which each result needs memory, and the buffer that it gets."""
    steps = ["conv", "relu", "pool", "loss", "back loss", "back pool", "back relu", "back conv"]
    left, width = 110, 84
    for k, name in enumerate(steps):
        yield text(left + k * width + width / 2, 24, f"{k + 1} {name}", "small")
        yield line(left + k * width, 32, left + k * width, 262, "#dddddd", 1)
    results = [("y (conv)", 0, 1, 1), ("z (relu)", 1, 6, 2), ("p (pool)", 2, 4, 3), ("d_p", 4, 5, 1),
               ("d_z", 5, 6, 3), ("d_y", 6, 7, 1), ("d_x", 7, 7, 2)]
    for k, (name, first, last, buffer) in enumerate(results):
        y = 42 + k * 32
        yield text(20, y + 17, name, "left")
        yield box(left + first * width, y, (last - first + 1) * width, 24, BANKS[buffer - 1], f"buffer {buffer}", "small")
    yield text(20, 288, "Seven results, three buffers: what is needed no longer gives its buffer to the next.", "left small")


def history():
    """The order of one L-BFGS step on the device."""
    names = [("pair", "y = g - g before"), ("accept", "s.y large enough?"), ("push", "into the ring"), ("dots", "history once"),
             ("direction", "numbers only"), ("combine", "history again"), ("length", "|s|"), ("advance", "x + s")]
    for k, (name, what) in enumerate(names):
        x = 20 + k * 112
        reads = name in ("dots", "combine")
        yield box(x, 30, 96, 44, ORANGE if reads else BLUE, name)
        yield text(x + 48, 94, what, "small")
        if k:
            yield line(x - 16, 52, x, 52)
    for slot in range(12):
        yield box(356 + slot * 24, 120, 22, 40, BANKS[slot % 8])
    yield text(500, 182, "the ring: pairs (s, y), millions of numbers each", "small")
    yield line(404, 100, 404, 118, GREY)
    yield line(628, 100, 628, 118, GREY)


def launch():
    """Twelve vec4 in workgroups of eight: the last four invocations have nothing to do."""
    cell = 46
    for i in range(16):
        x = 20 + i * cell + (i // 8) * 24
        live = i < 12
        yield box(x, 44, cell - 4, 30, BLUE if live else "white", str(i))
        if live:
            yield line(x + 21, 74, 41 + i * cell, 108, GREY, 1)
        yield box(20 + i * cell, 110, cell - 4, 30, ORANGE, f"vec4 {i}", "small") if live else ""
    for group in range(2):
        yield text(20 + group * (8 * cell + 24), 30, f"workgroup {group}", "left small")
    yield text(20, 166, "Twelve vec4 and workgroups of eight: sixteen invocations, of which four find that their vec4 does not exist.", "left small")


def convolution():
    """A 3 x 3 convolution as nine products of matrices, one for each tap."""
    size = 15
    yield text(20, 24, "nine taps: nine shifted views of the same features", "left bold")
    for tap in range(9):
        left, top = 20 + (tap % 3) * 96, 40 + (tap // 3) * 96
        dy, dx = tap // 3, tap % 3
        yield from grid(left, top, 6, 6, 14, lambda r, c: ORANGE if dy <= r < dy + 4 and dx <= c < dx + 4 else "white")
    yield text(350, 120, "each one:", "left")
    yield text(430, 64, "weights of the tap", "left small")
    yield from grid(430, 74, 5, 6, size, lambda r, c: BLUE)
    yield text(524, 124, "x")
    yield text(544, 64, "features, a column a position", "left small")
    yield from grid(544, 74, 16, 5, size, lambda r, c: ORANGE)
    yield text(430, 190, "out channels by in channels", "left small")
    yield text(544, 174, "in channels by positions", "left small")
    yield text(350, 240, "and the nine products are added. Nothing is copied for it: a kernel computes", "left")
    yield text(350, 262, "the shifted position when it loads, and zeros outside (implicit GEMM).", "left")


PICTURES = {
    "learn-launch": (800, 184, launch),
    "learn-convolution": (860, 336, convolution),
    "learn-lives": (800, 304, lives),
    "learn-history": (920, 196, history),
    "learn-winograd": (820, 234, winograd),
    "learn-bits": (740, 176, bits),
    "learn-splits": (920, 210, splits),
    "learn-reading": (860, 316, reading),
    "learn-layouts": (820, 234, layouts),
    "learn-back": (780, 176, back),
    "learn-gpu": (980, 350, gpu),
    "learn-neighbours": (960, 280, neighbours),
    "learn-tiles": (900, 372, tiles),
    "learn-banks": (880, 330, banks),
    "learn-turns": (780, 272, turns),
    "learn-order": (780, 296, order),
    "learn-tree": (880, 300, tree),
    "learn-roofline": (680, 360, roofline),
}


def main(folder):
    for name, (width, height, draw) in PICTURES.items():
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        parts = [head, STYLE, f'<rect width="{width}" height="{height}" fill="white"/>', *draw(), "</svg>"]
        (Path(folder) / f"{name}.svg").write_text("\n".join(parts) + "\n", newline="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
