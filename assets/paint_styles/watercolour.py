"""Hills by a lake in transparent washes: dark rims, granulation, backruns, colours that run into each other."""
import numpy as np

from canvas import blur, grid, noise, picture, ridge

COBALT, VIOLET, ROSE, GOLD = (52, 120, 206), (112, 92, 176), (236, 112, 136), (252, 196, 70)
VIRIDIAN, SAP, SIENNA, INDIGO, VERMILION = (36, 146, 134), (136, 172, 54), (204, 104, 52), (46, 66, 124), (244, 96, 60)


class Sheet:
    """Rough paper; pigments add up in `absorbed`, the optical density of each channel."""

    def __init__(self, width, height, scale, rng):
        self.width, self.height, self.scale, self.rng = width, height, scale, rng
        self.x, self.y = grid(width, height, scale)
        self.tooth = 0.7 * noise(rng, self.x.shape, 5 * scale, 2) + 0.4 * noise(rng, self.x.shape, 12 * scale)
        self.absorbed = np.zeros(self.x.shape + (3,))

    def wash(self, level, colour, strength, wet=1.0, rough=5.0, grain=0.16):
        """A layer of paint where `level`, the distance into its shape, is positive.

        The edge is `wet` pixels soft and strays by `rough` pixels; `grain` is the share that settles in the paper.
        """
        level = level + rough * noise(self.rng, level.shape, 34 * self.scale, 4)
        cover = 1 / (1 + np.exp(-np.clip(level / wet, -40, 40)))
        rim = np.clip(cover - blur(cover, 2.2 * self.scale), 0, 1) * np.exp(-wet / 6) * 1.9
        pool = np.clip(1 + 0.6 * noise(self.rng, level.shape, 80 * self.scale, 4), 0.25, 2)
        density = strength * (cover * pool * 0.7 + rim) * np.clip(1 - grain * self.tooth, 0.2, 2)
        self.absorbed += density[..., None] * -np.log(np.array(colour) / 255.0)

    def backrun(self, cx, cy, r):
        """Water dropped into a damp wash: pigment leaves the middle and settles in a crinkled rim."""
        level = r - np.hypot(self.x - cx * self.width, (self.y - cy * self.height) * 1.2)
        level = level + 0.5 * r * noise(self.rng, level.shape, 24 * self.scale, 5)
        inside = 1 / (1 + np.exp(-np.clip(level / 1.2, -40, 40)))
        settled = 0.45 * np.exp(-np.clip(level, 0, None) / 2.5) * inside
        self.absorbed *= (1 - 0.4 * inside * np.clip(level / 12, 0, 1) + settled)[..., None]

    def dry(self):
        dy, dx = np.gradient(blur(self.tooth, 0.6 * self.scale))
        paper = np.array([250, 246, 236.0]) * (1 + 0.05 * self.scale * (dx + dy))[..., None]
        return picture(paper * np.exp(-self.absorbed), self.scale)


def sky(sheet):
    x, y, width, height = sheet.x, sheet.y, sheet.width, sheet.height
    sun = np.hypot(x - 0.63 * width, y - 0.29 * height)
    glow = np.minimum(np.minimum(0.50 * height - y, y - 0.24 * height), sun - 31)
    sheet.wash(glow, GOLD, 0.5, wet=9, rough=30)
    sheet.wash(np.minimum(105 - sun, sun - 31), GOLD, 0.5, wet=9, rough=24)
    sheet.wash(np.minimum(0.20 * height - y, sun - 80) + 20 * np.sin(x / 90), COBALT, 0.75, wet=9, rough=40)
    sheet.wash(np.minimum(0.11 * height - y, sun - 90) + 16 * np.sin(x / 70 + 2), COBALT, 0.6, wet=1.2, rough=24)
    sheet.wash(22 - np.abs(y - 0.36 * height - 16 * np.sin(x / 80 + 1)), ROSE, 0.6, wet=6, rough=30)
    sheet.wash(13 - np.abs(y - 0.24 * height - 20 * np.sin(x / 100 + 4)), VIOLET, 0.5, wet=1.2, rough=26)
    sheet.wash(27 - sun, VERMILION, 0.9, rough=3)


def hill(sheet, level, waves, first, second, strength):
    """A range of hills, with a second colour run into it and a shadow; it fades out within the next range."""
    x, y, height = sheet.x, sheet.y, sheet.height
    top = y - ridge(x, level * height, waves)
    body = np.minimum(top, (level + 0.13) * height - y)
    sheet.wash(body, first, strength, rough=4)
    sheet.wash(np.minimum(body, 40 - top) - 16 + 18 * np.sin(x / 55 + level * 60), second, 0.6, wet=7, rough=22)
    sheet.wash(np.minimum(body - 5, 34 - top) - 12 + 22 * np.sin(x / 38 + level * 90), INDIGO, 0.35, rough=18)


def lake(sheet):
    x, y, width, height = sheet.x, sheet.y, sheet.width, sheet.height
    water = np.minimum(y - 0.675 * height, 0.87 * height - y)
    sheet.wash(water, COBALT, 0.42, rough=3)
    sheet.wash(water - 14 - 12 * np.sin(x / 80), VIRIDIAN, 0.5, wet=8, rough=24)
    mirrored = np.hypot((x - 0.63 * width) * 0.8, (y - 0.76 * height) * 0.6)
    sheet.wash(30 - mirrored, GOLD, 0.7, wet=8, rough=18)
    for k in range(9):
        line = (0.69 + 0.02 * k) * height + 3 * np.sin(x / (30 + 4 * k) + k)
        ripple = 2.0 + 0.3 * k - np.abs(y - line) - 5 * np.sin(x / 61 + 1.7 * k)
        sheet.wash(ripple, INDIGO, 0.5, wet=0.7, rough=3.5)


def bank(sheet):
    x = sheet.x
    ground = sheet.y - ridge(x, 0.84 * sheet.height, [(16, 480, 1.0), (5, 130, 0.0)])
    sheet.wash(ground, SIENNA, 0.5, rough=6, grain=0.3)
    sheet.wash(ground - 16 - 22 * np.sin(x / 66), SAP, 0.7, wet=5, rough=24)
    sheet.wash(ground - 34 - 20 * np.sin(x / 47 + 2), ROSE, 0.6, rough=20)
    sheet.wash(ground - 48 - 20 * np.sin(x / 39 + 4), VIOLET, 0.55, rough=20, grain=0.3)


def splashes(sheet):
    """Backruns, and drops off the brush."""
    for drop in [(0.20, 0.10, 44), (0.90, 0.16, 34), (0.33, 0.58, 26), (0.84, 0.57, 24), (0.16, 0.77, 30),
                 (0.60, 0.93, 34)]:
        sheet.backrun(*drop)
    low, high = (0, 0, 0.5), (sheet.width, sheet.height, 2.6)
    for cx, cy, r in sheet.rng.uniform(low, high, (60, 3)):
        colour = [INDIGO, SIENNA, ROSE][int(r * 9) % 3]
        sheet.wash(r - np.hypot(sheet.x - cx, sheet.y - cy), colour, 0.6, wet=0.4, rough=0.6)


def paint(width=640, height=512, seed=21, scale=2):
    sheet = Sheet(width, height, scale, np.random.default_rng(seed))
    sky(sheet)
    hill(sheet, 0.43, [(34, 330, 0.5), (12, 120, 1.2)], VIOLET, COBALT, 0.6)
    hill(sheet, 0.51, [(26, 420, 2.4), (9, 140, 0.3)], VIRIDIAN, COBALT, 0.6)
    hill(sheet, 0.59, [(22, 500, 4.4), (8, 150, 2.0)], SAP, VIRIDIAN, 0.7)
    lake(sheet)
    bank(sheet)
    splashes(sheet)
    return sheet.dry()
