"""Small ICC profiles (ICC.1) for make_images.py, and littleCMS's way from them to sRGB."""

import io
import struct

import numpy as np
from PIL import Image, ImageCms

D50 = (0.9642, 1.0, 0.8249)

# X, Y, Z of red, green and blue relative to D50, by Bradford's adaptation.
ADOBE_RGB = [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)]
DISPLAY_P3 = [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)]
SRGB = [(0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410)]


def fixed(*values):
    return b"".join(struct.pack(">i", round(v * 65536)) for v in values)


def xyz(value):
    return b"XYZ \0\0\0\0" + fixed(*value)


def gamma(exponent):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256))


def table(values):
    """A curve of values in 0..1."""
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *[round(v * 65535) for v in values])


def srgb_curve():
    return b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def profile(space, tags, intent=0, kind=b"mntr", connection=b"XYZ ", version=0x02100000):
    tags = {b"cprt": b"text\0\0\0\0none\0", b"wtpt": xyz(D50), **tags}
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags[b"desc"] = name
    start = 128 + 4 + 12 * len(tags)
    index, data = b"", b""
    for tag, body in tags.items():
        index += tag + struct.pack(">II", start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    head = struct.pack(">I4xI", start + len(data), version) + kind + space + connection
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(24) + struct.pack(">I", intent) + fixed(*D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + index + data


def matrix(primaries, curve, **options):
    tags = {letter + b"XYZ": xyz(p) for letter, p in zip((b"r", b"g", b"b"), primaries)}
    return profile(b"RGB ", {**tags, **{letter + b"TRC": curve for letter in (b"r", b"g", b"b")}}, **options)


def grey(curve):
    return profile(b"GRAY", {b"kTRC": curve})


def lab(xyz):
    t = np.asarray(xyz) / D50
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t * 841 / 108 + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


def lut(function, channels, steps, curve=lambda v: v):
    """A table of L*a*b* of 16 bits (lut16Type): `function` of a grid of device values behind `curve`."""
    axes = np.meshgrid(*[np.linspace(0, 1, steps)] * channels, indexing="ij")
    values = function(np.stack(axes, -1))
    codes = np.stack([values[..., 0] * 652.8, (values[..., 1] + 128) * 256, (values[..., 2] + 128) * 256], -1)
    curves = struct.pack(">256H", *[round(curve(v / 255) * 65535) for v in range(256)]) * channels
    straight = struct.pack(">2H", 0, 65535)
    head = b"mft2\0\0\0\0" + bytes([channels, 3, steps, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    codes = codes.round().clip(0, 65535).astype(">u2").tobytes()
    return head + struct.pack(">HH", 256, 2) + curves + codes + straight * 3


def rgb_lut(black, **options):
    """An RGB printer whose black is as light as `black` of white."""
    function = lambda rgb: lab((rgb**2.2 * (1 - black) + black) @ np.array(ADOBE_RGB))
    body = lut(function, 3, 13, lambda v: v**0.9)
    return profile(b"RGB ", {b"A2B0": body}, kind=b"prtr", connection=b"Lab ", **options)


def cmyk_lut():
    """A printer of four inks whose overprints multiply."""
    inks = np.array([[0.15, 0.35, 0.85], [0.75, 0.15, 0.30], [0.95, 0.90, 0.10], [0.05, 0.05, 0.05]])

    def function(amounts):
        rgb = np.prod(1 - amounts[..., None] * (1 - inks), axis=-2)
        return lab(rgb @ np.array(SRGB))

    tags = {b"A2B0": lut(function, 4, 5)}
    return profile(b"CMYK", tags, intent=1, kind=b"prtr", connection=b"Lab ")


def to_srgb(pixels, icc):
    """What littleCMS makes of pixels, with the intent that the profile names."""
    mode = {b"GRAY": "L", b"RGB ": "RGB", b"CMYK": "CMYK"}[icc[16:20]]
    srgb = ImageCms.createProfile("sRGB")
    intent = struct.unpack(">I", icc[64:68])[0]
    transform = ImageCms.buildTransform(io.BytesIO(icc), srgb, mode, "RGB", renderingIntent=intent)
    return np.asarray(ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(pixels), mode), transform))
