"""Draws the candidates for the defaults as content against style, from a CSV file of scores.

    python docs/figures/defaults_chart.py docs/figures/defaults-2026-11-29.csv docs/src/images/defaults-candidates.svg

The CSV file holds what `examples/quality` prints, one line per painting, with the settings it was made by.
"""
import csv
import sys

WIDTH, HEIGHT = 800, 480
LEFT, RIGHT, TOP, BASE = 64, 290, 44, 430
COLOURS = {"astronaut-facets": "#d2691e", "coffee-mosaic": "#2167ac", "pagoda-woodcut": "#2c8f47"}
GREY = "#555555"


def main(source, target):
    with open(source, newline="") as file:
        rows = list(csv.DictReader(file))
    candidates = list(dict.fromkeys(row["candidate"] for row in rows))
    x = lambda content: LEFT + (float(content) - 0.3) / 0.4 * (WIDTH - LEFT - RIGHT)
    y = lambda style: TOP + (float(style) - 0.1) / 0.25 * (BASE - TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="Helvetica, Arial, sans-serif" font-size="12">', f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           text(LEFT, 22, "Candidates at 256 pixels: further right keeps more content, higher is closer to the style", "start", 13)]
    for value in (0.3, 0.4, 0.5, 0.6, 0.7):
        out += [line(x(value), TOP, x(value), BASE), text(x(value), BASE + 16, f"{value:.1f}")]
    for value in (0.10, 0.15, 0.20, 0.25, 0.30, 0.35):
        out += [line(LEFT, y(value), WIDTH - RIGHT, y(value)), text(LEFT - 8, y(value) + 4, f"{value:.2f}", "end")]
    out += [text((LEFT + WIDTH - RIGHT) / 2, BASE + 36, "content: agreement of structure with the photograph"),
            f'<text transform="translate(16 {(TOP + BASE) / 2}) rotate(-90)" text-anchor="middle">style: distance of Gram matrices</text>']
    for row in rows:
        number = candidates.index(row["candidate"]) + 1
        cx, cy = x(row["content"]), y(row["style"])
        out += [f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="9" fill="{COLOURS[row["pair"]]}"/>',
                f'<text x="{cx:.1f}" y="{cy + 4:.1f}" text-anchor="middle" fill="white" font-size="11">{number}</text>']
    for i, (pair, colour) in enumerate(COLOURS.items()):
        out += [f'<circle cx="{WIDTH - RIGHT + 24}" cy="{TOP + 18 * i}" r="6" fill="{colour}"/>',
                text(WIDTH - RIGHT + 36, TOP + 18 * i + 4, pair.replace("-", " in "), "start")]
    for i, candidate in enumerate(candidates):
        words = candidate.split(", ")
        for j in range(0, len(words), 2):
            prefix = f"{i + 1}  " if j == 0 else "    "
            out.append(text(WIDTH - RIGHT + 20 + (0 if j == 0 else 14), TOP + 70 + 38 * i + 14 * (j // 2),
                            prefix.strip() + ("  " if j == 0 else "") + ", ".join(words[j:j + 2]), "start", 11))
    out.append("</svg>")
    with open(target, "w") as file:
        file.write("\n".join(out) + "\n")


def line(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def text(x, y, words, anchor="middle", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{GREY}">{words}</text>'


main(*sys.argv[1:])
