"""A sun over hills and a sea in raised stone: tesserae in rings around the sun and in rows along each outline."""
import numpy as np
from PIL import Image, ImageDraw

from canvas import blur, noise, picture

GROUT = (104, 93, 80)
GOLD = [(232, 176, 52), (244, 204, 96), (214, 140, 36)]
EMBER = [(196, 78, 36), (216, 104, 44), (168, 52, 32)]
CREAM = [(238, 222, 184), (226, 204, 160), (244, 234, 208)]
OCHRE = [(200, 140, 72), (180, 112, 56), (216, 166, 96)]
LILAC = [(150, 118, 140), (128, 98, 130), (170, 140, 150)]
MEADOW = [(142, 150, 72), (116, 130, 60), (170, 170, 96)]
WOOD = [(84, 104, 56), (70, 90, 50), (104, 120, 66)]
SKY = [[(150, 190, 196), (126, 172, 186), (176, 204, 200)], [(86, 140, 168), (70, 122, 156), (104, 158, 178)],
       [(46, 92, 136), (36, 76, 120), (62, 110, 150)]]
SEA = [[(40, 110, 126), (30, 92, 114), (64, 134, 142)], [(24, 66, 104), (20, 54, 90), (38, 84, 118)]]


class Wall:
    """A bed of grout to lay tesserae on: their colours, and how far each stands out."""

    def __init__(self, width, height, scale, size, rng):
        self.width, self.height, self.scale, self.size, self.rng = width, height, scale, size, rng
        self.stones = Image.new("RGB", (width * scale, height * scale), GROUT)
        self.relief = Image.new("L", self.stones.size, 0)

    def fill(self, outline, colour, raised):
        points = [(u * self.scale, v * self.scale) for u, v in outline]
        ImageDraw.Draw(self.stones).polygon(points, colour)
        ImageDraw.Draw(self.relief).polygon(points, raised)

    def tile(self, corners, colours):
        """One stone between four corners, less the joint, in about one of `colours`."""
        rng = self.rng
        corners = np.array(corners) + rng.normal(0, 0.55, (4, 2))
        corners = corners.mean(0) + (corners - corners.mean(0)) * 0.86
        colour = np.array(colours[rng.integers(len(colours))]) * rng.normal(1, 0.11) + rng.normal(0, 6, 3)
        self.fill(corners, tuple(np.clip(colour, 0, 255).astype(int)), int(rng.uniform(190, 255)))

    def rings(self, centre, count, colours):
        """Rings around `centre`; `colours(angle, row)` are the stones to choose from."""
        for row in range(count):
            around = max(3, round(2 * np.pi * (row + 0.5) / 1.12))
            turn = self.rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(around + 1) / around
            for a, b in zip(turn, turn[1:]):
                corners = [centre + r * self.size * np.array([np.cos(t), np.sin(t)])
                           for t, r in ((a, row), (b, row), (b, row + 1), (a, row + 1))]
                self.tile(corners, colours((a + b) / 2, row))

    def rows(self, outline, colours):
        """Rows that follow `outline(x)`, from there down; `colours(x, row)` are the stones to choose from."""
        x = np.arange(-20, self.width + 20)
        self.fill([*zip(x, outline(x)), (self.width + 20, self.height), (-20, self.height)], GROUT, 0)
        for row in range(int((self.height - outline(x).min()) / self.size) + 1):
            top, low = row * self.size * 1.02, (row + 1) * self.size * 1.02
            u = -20 + self.rng.uniform(0, self.size)
            while u < self.width + 10:
                slope = np.hypot(1, outline(u + 1) - outline(u))
                end = u + self.size * self.rng.uniform(0.9, 1.35) / slope
                self.tile([(u, outline(u) + top), (end, outline(end) + top),
                           (end, outline(end) + low), (u, outline(u) + low)], colours(u, row))
                u = end

    def lit(self):
        """The finished image, lit from the upper left."""
        bulge = blur(np.asarray(self.relief, float) / 255, 1.1 * self.scale)
        dy, dx = np.gradient(bulge)
        light = 1 + 0.9 * self.scale * (dx + dy) + 0.05 * noise(self.rng, bulge.shape, 6, 2)
        return picture(np.asarray(self.stones, float) * np.clip(light, 0.45, 1.5)[..., None], self.scale)


def heaven(angle, row):
    """Stones of the sun, of its fourteen rays and of the sky."""
    if row < 5:
        return GOLD if row < 4 else EMBER
    off_ray = abs((angle * 14 / (2 * np.pi)) % 1 - 0.5) * 2
    if off_ray < 0.75 - 0.055 * (row - 5):
        return GOLD if row % 4 else EMBER
    return CREAM if row in (11, 12, 21, 31) else SKY[min(2, (row - 5) // 9)]


def ridge(x, height, waves):
    """Outline of a hill: `height` plus waves of (amplitude, wavelength, phase), in pixels."""
    return height + sum(a * np.sin(2 * np.pi * x / length + phase) for a, length, phase in waves)


def paint(width=640, height=512, seed=11, scale=3):
    wall = Wall(width, height, scale, 11.0, np.random.default_rng(seed))
    wall.rings(np.array([0.64 * width, 0.31 * height]), 52, heaven)
    hills = [(0.50, [(26, 410, 0.4), (9, 150, 1.0)], [LILAC, LILAC, CREAM]),
             (0.61, [(34, 520, 2.6), (8, 170, 0.0)], [MEADOW, MEADOW, WOOD]),
             (0.715, [(24, 560, 0.3)], [OCHRE, EMBER, OCHRE, OCHRE])]
    for level, waves, stripes in hills:
        wall.rows(lambda u: ridge(u, level * height, waves), lambda u, row: stripes[row % len(stripes)])
    for band in range(3):
        waves = [(12, 104, band * 2.1), (4, 320, band)]
        wall.rows(lambda u: ridge(u, (0.80 + 0.075 * band) * height, waves),
                  lambda u, row: CREAM if row == 0 else SEA[(row + band) % 2])
    return wall.lit()
