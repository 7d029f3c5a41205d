"""Petals and leaves in transparent washes: dark rims, granulation, backruns, colours that run into each other."""
import numpy as np

from canvas import blur, grid, noise, picture

COBALT, VIOLET, ROSE, OCHRE = (58, 118, 196), (104, 88, 164), (226, 110, 122), (240, 186, 84)
SAP, SIENNA, INDIGO, UMBER = (120, 148, 70), (198, 100, 54), (44, 62, 112), (96, 62, 58)
COOL, WARM = [COBALT, VIOLET, INDIGO, COBALT, SAP], [OCHRE, SIENNA, ROSE, OCHRE, UMBER]


class Sheet:
    """Rough paper; pigments add up in `absorbed`, the optical density of each channel."""

    def __init__(self, width, height, scale, rng):
        self.width, self.height, self.scale, self.rng = width, height, scale, rng
        self.x, self.y = grid(width, height, scale)
        self.tooth = 0.7 * noise(rng, self.x.shape, 9 * scale, 2) + 0.4 * noise(rng, self.x.shape, 20 * scale)
        self.absorbed = np.zeros(self.x.shape + (3,))

    def wash(self, level, colour, strength, wet=1.0, rough=5.0, grain=0.24):
        """A layer of paint where `level`, the distance into its shape, is positive.

        The edge is `wet` pixels soft and strays by `rough` pixels; `grain` is the share that settles in the paper.
        """
        level = level + rough * noise(self.rng, level.shape, 34 * self.scale, 4)
        cover = 1 / (1 + np.exp(-np.clip(level / wet, -40, 40)))
        rim = np.clip(cover - blur(cover, 4.5 * self.scale), 0, 1) * np.exp(-wet / 6) * 2.6
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


def petal(sheet, cx, cy, length, breadth, angle):
    """Distance into a petal: a lens, pointed at both ends, `length` by `breadth`, in pixels."""
    u = (sheet.x - cx) * np.cos(angle) + (sheet.y - cy) * np.sin(angle)
    v = (sheet.y - cy) * np.cos(angle) - (sheet.x - cx) * np.sin(angle)
    return breadth * (1 - (u / length) ** 2) - np.abs(v)


def grounds(sheet):
    """Large wet washes that run into each other; paper stays bare between them. Gives where it is cool, above 0, or warm."""
    temperature = noise(sheet.rng, sheet.x.shape, 190 * sheet.scale, 2)
    other = noise(sheet.rng, sheet.x.shape, 130 * sheet.scale, 2)
    sheet.wash(60 * (temperature - 0.25), COBALT, 0.42, wet=9, rough=24)
    sheet.wash(60 * (-temperature - 0.25), OCHRE, 0.5, wet=9, rough=24)
    sheet.wash(50 * (other - 0.7), ROSE, 0.45, wet=9, rough=24)
    return temperature


def petals(sheet, temperature, count):
    """Washes of all sizes over each other, every fifth on damp paper; the colours are those of the ground, mostly."""
    rng, scale = sheet.rng, sheet.scale
    for k in range(count):
        cx, cy = rng.uniform((-20, -20), (sheet.width + 20, sheet.height + 20))
        row = int(np.clip(cy * scale, 0, sheet.height * scale - 1))
        column = int(np.clip(cx * scale, 0, sheet.width * scale - 1))
        colours = COOL if temperature[row, column] + 0.5 * rng.standard_normal() > 0 else WARM
        length = 24 + 70 * rng.random() ** 1.6
        shape = petal(sheet, cx, cy, length, length * rng.uniform(0.4, 0.75), rng.uniform(0, np.pi))
        wet = 6.0 if k % 5 == 0 else 0.9
        sheet.wash(shape, colours[k % 5], rng.uniform(0.28, 0.78), wet=wet, rough=rng.uniform(6, 14))


def splashes(sheet):
    """Backruns, and drops off the brush."""
    for _ in range(16):
        sheet.backrun(*sheet.rng.uniform((0, 0, 18), (1, 1, 44)))
    for cx, cy, r in sheet.rng.uniform((0, 0, 1.2), (sheet.width, sheet.height, 6.0), (60, 3)):
        colour = [INDIGO, SIENNA, ROSE][int(r * 9) % 3]
        sheet.wash(r - np.hypot(sheet.x - cx, sheet.y - cy), colour, 0.6, wet=0.4, rough=0.6)


def paint(width=640, height=512, seed=21, scale=2):
    sheet = Sheet(width, height, scale, np.random.default_rng(seed))
    petals(sheet, grounds(sheet), count=150)
    splashes(sheet)
    return sheet.dry()
