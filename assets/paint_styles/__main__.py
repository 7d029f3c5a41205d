"""Paints the example style images from nothing but a seed (public domain, CC0).

Strokes, panes and stones are 5 pixels apart or more. A picture of 256 pixels takes its style at 384, about half of the size here,
and finer strokes would come out as a net of ripples.

Usage: python assets/paint_styles OUT_DIR [STYLE...]
"""
import sys
from pathlib import Path

import facets
import mosaic
import pencil
import swirl
import watercolour
import woodcut

# The painter of each style, and the quality of its JPEG.
STYLES = {"swirl": (swirl.paint, 92), "facets": (facets.paint, 92), "mosaic": (mosaic.paint, 81),
          "woodcut": (woodcut.paint, 76), "watercolour": (watercolour.paint, 91), "pencil": (pencil.paint, 72)}


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or STYLES:
        paint, quality = STYLES[name]
        paint().save(out / f"style-{name}.jpg", quality=quality)
