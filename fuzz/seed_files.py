"""Seeds that the program does not write itself: a BMP, a deep TIFF, an interlaced PNG, weights of one layer."""

import json
import struct
import sys
import zlib
from pathlib import Path

SEEDS = Path(sys.argv[1])


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, depth, colour, rows, interlaced=0, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


def bmp(width, height):
    pixels = bytes(range(width * 3 + -width * 3 % 4)) * height
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + header + pixels


def deep_tiff(width, height):
    """One uncompressed page of floats, turned by a quarter."""
    data = struct.pack(f"<{width * height * 3}f", *[i / (width * height * 3) for i in range(width * height * 3)])
    kinds = struct.pack("<3H", 32, 32, 32) + struct.pack("<3H", 3, 3, 3)
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2),
            (273, 4, 1, 20), (274, 3, 1, 6), (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 1, len(data)),
            (339, 3, 3, 14)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<I", 20 + len(data)) + kinds + data + directory


def safetensors(tensors):
    header, data = {}, b""
    for name, (kind, shape, body) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(body)]}
        data += body
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def half(count, value=0x3800):
    return struct.pack(f"<{count}H", *[value] * count)


weight, out = [64, 3, 3, 3], [64]
exif = chunk(b"eXIf", b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")
image = {
    "grey16.png": png(5, 4, 16, 0, bytes(4 * 11), extra=exif),
    "interlaced.png": png(1, 1, 8, 6, b"\0\x10\x20\x30\x80", interlaced=1),
    "palette.png": png(4, 2, 2, 3, b"\0\x1b\0\xe4", extra=chunk(b"PLTE", bytes(range(12))) + chunk(b"tRNS", b"\0\x80")),
    "small.bmp": bmp(5, 3),
    "deep.tif": deep_tiff(3, 2),
}
weights = {
    "codebook": {
        "conv1_1.weight.codes": ("U8", weight, bytes(64 * 27)),
        "conv1_1.weight.codebook": ("F16", [256], half(256)),
        "conv1_1.bias": ("F16", out, half(64)),
        "conv1_1.mean_activation": ("F16", out, half(64)),
    },
    "plain": {
        "conv1_1.weight": ("BF16", weight, half(64 * 27)),
        "conv1_1.bias": ("F32", out, bytes(256)),
    },
    "torchvision": {
        "features.0.weight": ("F16", weight, half(64 * 27)),
        "features.0.bias": ("F16", out, half(64)),
    },
}
for name, content in image.items():
    (SEEDS / "image" / name).write_bytes(content)
for name, tensors in weights.items():
    (SEEDS / "weights" / f"{name}.safetensors").write_bytes(safetensors(tensors))
