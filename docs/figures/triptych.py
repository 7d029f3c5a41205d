"""Composes the image at the top of the README: content + style = picture.

    python docs/figures/triptych.py PICTURE docs/src/images/triptych.jpg

PICTURE is the output of `impasto paint assets/content-astronaut.jpg assets/style-swirl.jpg --size 1024`.
Needs Pillow.
"""
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SIDE = 1024  # the picture is shown at its own size, so that the strokes can be seen
SMALL = 472
GAP = 80
SIGN = (110, 110, 110)


def square(path, side):
    return ImageOps.fit(Image.open(path).convert("RGB"), (side, side), Image.Resampling.LANCZOS)


def bars(draw, x, y, rectangles):
    """Draws a sign centred at x, y out of rectangles given by half width, half height and vertical offset."""
    for half_width, half_height, dy in rectangles:
        draw.rectangle((x - half_width, y + dy - half_height, x + half_width, y + dy + half_height), fill=SIGN)


def main(picture, output):
    sheet = Image.new("RGB", (SMALL + GAP + SIDE, SIDE), "white")
    sheet.paste(square(ASSETS / "content-astronaut.jpg", SMALL), (0, 0))
    sheet.paste(square(ASSETS / "style-swirl.jpg", SMALL), (0, SIDE - SMALL))
    sheet.paste(square(picture, SIDE), (SMALL + GAP, 0))
    draw = ImageDraw.Draw(sheet)
    bars(draw, SMALL // 2, SIDE // 2, [(24, 4, 0), (4, 24, 0)])
    bars(draw, SMALL + GAP // 2, SIDE // 2, [(24, 4, -12), (24, 4, 12)])
    sheet.save(output, quality=86, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
