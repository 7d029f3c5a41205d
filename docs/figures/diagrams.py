"""Draws the two diagrams of the book's page on architecture.

    python docs/figures/diagrams.py docs/src/images
"""
import sys
from pathlib import Path

STYLE = """<style>
text { font-family: Helvetica, Arial, sans-serif; font-size: 14px; fill: #222222; text-anchor: middle; }
.small { font-size: 12px; fill: #555555; }
.left { text-anchor: start; }
.box { fill: #eef3f9; stroke: #8aa4c0; rx: 5px; }
.device { fill: #e9f4e6; stroke: #86b07c; rx: 5px; }
.host { fill: #fbf0e0; stroke: #cfa664; rx: 5px; }
.line { stroke: #777777; fill: none; marker-end: url(#arrow); }
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">
<path d="M0 0 L8 4 L0 8 z" fill="#777777"/></marker></defs>"""

# From the command line at the top to the errors at the bottom. A module imports only from rows below its own.
LAYERS = [
    ("the command line", ["cli"]),
    ("checks of a device", ["selftest"]),
    ("the painting; charts", ["painter", "chart"]),
    ("plans, results", ["planner", "report"]),
    ("losses; timing of kernels", ["objective", "tuner", "ladder"]),
    ("the network", ["vgg19"]),
    ("operations", ["ops"]),
    ("graphs, updates, measuring; images", ["graph", "optim", "profiler", "colour", "sheet"]),
    ("the device; image files", ["gpu", "image_io"]),
    ("no imports but errors", ["output", "font", "error"]),
]


def document(width, height, parts):
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return "\n".join([head, STYLE, f'<rect width="{width}" height="{height}" fill="white"/>', *parts, "</svg>"]) + "\n"


def text(x, y, words, kind=""):
    return f'<text x="{x}" y="{y}" class="{kind}">{words}</text>'


def box(x, y, width, height, words, kind="box"):
    return (f'<rect x="{x}" y="{y}" width="{width}" height="{height}" class="{kind}"/>'
            + text(x + width / 2, y + height / 2 + 5, words))


def line(*points):
    return '<polyline class="line" points="' + " ".join(f"{x},{y}" for x, y in points) + '"/>'


def modules():
    """Rows of boxes."""
    height, gap, left, width = 32, 12, 230, 560
    for k, (what, names) in enumerate(LAYERS):
        y = 14 + k * (height + gap)
        yield text(14, y + 21, what, "small left")
        each = (width - 10 * (len(names) - 1)) / len(names)
        for i, name in enumerate(names):
            yield box(left + i * (each + 10), y, each, height, name)
    bottom = 14 + len(LAYERS) * (height + gap) - gap
    yield line((left + width + 22, 14), (left + width + 22, bottom))
    yield (f'<text transform="translate({left + width + 42} {bottom / 2}) rotate(-90)" class="small">imports</text>')


def step():
    """One submission on the device above, the ring of staging buffers and the host below."""
    x, width = 20, 172
    yield text(20, 24, "one submission on the device", "small left")
    stages = [("forward pass", "losses"), ("backward pass", "gradient"), ("guard", "keep or restore"),
              ("optimiser", "new image"), ("copies", "losses, guard state")]
    for k, (name, result) in enumerate(stages):
        at = x + k * (width + 20)
        yield box(at, 36, width, 40, name, "device")
        yield text(at + width / 2, 94, result, "small")
        if k:
            yield line((at - 20, 56), (at - 1, 56))
    last = x + 4 * (width + 20) + width / 2
    yield text(20, 152, "ring of staging buffers", "small left")
    for k, (name, state) in enumerate([("buffer 1", "step n - 2: the CPU reads it"), ("buffer 2", "step n - 1: the device works on it"),
                                       ("buffer 3", "step n: submitted")]):
        at = x + k * 320
        yield box(at, 164, 300, 40, name)
        yield text(at + 150, 222, state, "small")
    yield line((last, 102), (last, 162))
    yield line((x + 150, 230), (x + 150, 252))
    yield box(x, 254, 940, 40, "host: reports the losses, decides about early stopping, submits step n + 1", "host")


def main(folder):
    for name, width, height, parts in [("modules", 850, 458, modules()), ("step", 980, 310, step())]:
        (Path(folder) / f"{name}.svg").write_text(document(width, height, parts), newline="\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
