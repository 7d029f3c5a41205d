"""Draws the chart of the README: what each convolution variant reaches at five layers, from a CSV file of ladders.

    python docs/figures/ladder_chart.py docs/figures/h200-2026-11-27.csv docs/src/images/ladder-h200.svg

The CSV file holds the numbers that `impasto kernels --json` writes, one line per variant, layer and pass.
"""
import csv
import sys

TITLE = "3 x 3 convolution, forward, f32 storage, 512 x 512 image: NVIDIA H200, 27 November 2026"
ROOF = 60.2  # TFLOP/s, the multiply-add loop of `impasto profile` on the same device
ROOF_LABEL = "f32 roof, measured: 60.2"
TOP = 90
# Variant as the file names it, its colour, its name now.
VARIANTS = [
    ("naive", "#c6dbef", "naive"),
    ("tiled", "#9ecae1", "tiled"),
    ("registers", "#5a9fd0", "registers"),
    ("vectors", "#2167ac", "taps_inner"),
    ("winograd_f2", "#8fd08c", "winograd_f2"),
    ("winograd_f4", "#2c8f47", "winograd_f4"),
    ("cooperative", "#e6862b", "cooperative (f16 matrix units)"),
]
WIDTH, HEIGHT = 1000, 430
LEFT, RIGHT, BASE, CEILING = 64, 16, 372, 72
BAR = 22
GREY = "#555555"
HALO = ' stroke="white" stroke-width="3" paint-order="stroke"'


def read(path):
    """Layers in the file's order, and TFLOP/s by layer and variant."""
    layers, rates = [], {}
    for row in csv.DictReader(open(path)):
        if (row["operation"], row["precision"], row["pass"]) != ("conv3x3", "f32", "forward"):
            continue
        if row["layer"] not in layers:
            layers.append(row["layer"])
        rates[row["layer"], row["variant"]] = float(row["direct_gflops"]) / 1000
    return layers, rates


def y(rate):
    return BASE - rate / TOP * (BASE - CEILING)


def text(x, at, words, size=13, anchor="middle", colour="#222222", more=""):
    return f'<text x="{x:g}" y="{at:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}"{more}>{words}</text>'


def axes():
    middle = (CEILING + BASE) / 2
    yield text(LEFT, 22, TITLE, 15, "start", more=' font-weight="bold"')
    yield text(16, middle, "TFLOP/s of direct convolution", 12, colour=GREY, more=f' transform="rotate(-90 16 {middle})"')
    for rate in range(0, TOP + 1, 20):
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(rate):g}" y2="{y(rate):g}" stroke="#dddddd"/>'
        yield text(LEFT - 8, y(rate) + 4, rate, 12, "end", GREY)


def legend():
    x = LEFT
    for _, colour, label in VARIANTS:
        yield f'<rect x="{x}" y="38" width="13" height="13" fill="{colour}"/>'
        yield text(x + 18, 49, label, 12.5, "start")
        x += 38 + 7.2 * len(label)


def bars(layers, rates):
    step = (WIDTH - LEFT - RIGHT) / len(layers)
    for k, layer in enumerate(layers):
        middle = LEFT + step * (k + 0.5)
        x = middle - BAR * len(VARIANTS) / 2
        for variant, colour, _ in VARIANTS:
            rate = rates[layer, variant]
            yield f'<rect x="{x:g}" y="{y(rate):.1f}" width="{BAR - 2}" height="{BASE - y(rate):.1f}" fill="{colour}"/>'
            yield text(x + BAR / 2 - 1, y(rate) - 4, f"{rate:.0f}", 10.5, colour=GREY, more=HALO)
            x += BAR
        yield text(middle, BASE + 20, layer)


def roof():
    yield (f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(ROOF):.1f}" y2="{y(ROOF):.1f}" stroke="#b03030"'
           ' stroke-dasharray="6 4" stroke-width="1.5"/>')
    yield text(WIDTH - RIGHT - 4, y(ROOF) - 6, ROOF_LABEL, 12, "end", "#b03030")


def main(source, output):
    layers, rates = read(source)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        ' font-family="Helvetica, Arial, sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        *axes(), *legend(), *roof(), *bars(layers, rates),
        text(LEFT, HEIGHT - 12, "Winograd's algorithm does fewer multiplications than the definition that is counted here, so it"
             " can exceed the f32 roof.", 12, "start", GREY),
        "</svg>",
    ]
    with open(output, "w", newline="\n") as file:
        file.write("\n".join(parts) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
