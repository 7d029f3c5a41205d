"""Writes tests/images: small files of every kind that is read, and the pixels that other programs make of them.

    python3 -m venv venv && venv/bin/pip install pillow numpy tifffile imagecodecs
    venv/bin/python tests/reference/make_images.py

index.txt names for each file the one that holds its pixels in sRGB over white: by Pillow (libjpeg, libpng, libtiff,
libwebp, littleCMS) where it reads the file, and otherwise by the numbers that were put in. tests/suite/images.rs compares.
Written last with Pillow 13.0.0, tifffile 2026.3.3 and imagecodecs 2026.3.6.
"""

import io
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

import icc

OUT = Path(__file__).resolve().parents[1] / "images"
WIDTH, HEIGHT = 23, 17


def picture(width=WIDTH, height=HEIGHT):
    """Ramps of red and green, a wave of blue, and two patches with edges."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    red, green = 30 + 200 * x / (width - 1), 220 - 180 * y / (height - 1)
    blue = 128 + 100 * np.sin(x / 5) * np.cos(y / 4)
    rgb = np.stack([red, green, blue], -1)
    rgb[height // 4 : height // 2, width // 4 : width // 2] = [210, 50, 40]
    rgb[height // 2 : height * 3 // 4, width // 2 : width * 3 // 4] = [20, 70, 190]
    return rgb.round().astype(np.uint8)


RGB = picture()
GREY = np.asarray(Image.fromarray(RGB).convert("L"))
ALPHA = np.linspace(0, 255, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).round().astype(np.uint8)
RGBA = np.dstack([RGB, ALPHA])
BITS = (GREY > 120).astype(np.uint8)


def over_white(rgba):
    alpha = rgba[..., 3:] / 255.0
    return (rgba[..., :3] * alpha + 255 * (1 - alpha)).round().astype(np.uint8)


def grey_rgb(grey):
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, -1)


def pillow(data):
    """What Pillow makes of a file: the first frame, upright, over white."""
    image = Image.open(io.BytesIO(data))
    from PIL import ImageOps

    image.load()
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        image = ImageOps.exif_transpose(image).convert("RGBA")
        return over_white(np.asarray(image))
    if image.mode == "I;16":
        return grey_rgb((np.asarray(image) / 257).round())
    return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


PIXELS = {}
INDEX = []


def write(name, data, expected=None):
    """A file and its pixels: Pillow's, unless others are given."""
    (OUT / name).write_bytes(data)
    expected = pillow(data) if expected is None else np.asarray(expected, np.uint8)
    height, width = expected.shape[:2]
    ppm = f"P6 {width} {height} 255\n".encode() + expected.tobytes()
    if ppm not in PIXELS:
        PIXELS[ppm] = f"{name}.ppm"
        (OUT / PIXELS[ppm]).write_bytes(ppm)
    INDEX.append(f"{name} {PIXELS[ppm]}\n")


def saved(image, format, **options):
    file = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, format, **options)
    return file.getvalue()


# ---- JPEG


def segment(marker, body):
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def segments(jpeg):
    """The segments of a file of one scan, and the bytes of that scan."""
    at, found = 2, []
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        found.append((marker, jpeg[at + 4 : at + 2 + length]))
        at += 2 + length
        if marker == 0xDA:
            return found, jpeg[at:-2]


def separate_scans(rgb, sampling, adobe=None, ids=(1, 2, 3)):
    """A JPEG of one scan a component: a scan of a grey JPEG is one of a component as well."""
    height, width = rgb.shape[:2]
    planes = rgb if adobe == 0 else np.asarray(Image.fromarray(rgb).convert("YCbCr"))
    most = [max(s[i] for s in sampling) for i in (0, 1)]
    tables, scans = b"", b""
    for i, (across, down) in enumerate(sampling):
        size = (-(-width * across // most[0]), -(-height * down // most[1]))
        plane = Image.fromarray(np.ascontiguousarray(planes[..., i])).resize(size, Image.BOX)
        found, data = segments(saved(plane, "JPEG", quality=95))
        if i == 0:
            tables = b"".join(segment(m, body) for m, body in found if m in (0xDB, 0xC4))
        scans += segment(0xDA, bytes([1, ids[i], 0, 0, 63, 0])) + data
    frame = struct.pack(">BHHB", 8, height, width, len(sampling))
    frame += b"".join(bytes([ids[i], s[0] << 4 | s[1], 0]) for i, s in enumerate(sampling))
    head = b"" if adobe is None else segment(0xEE, b"Adobe\0d\0\0\0\0" + bytes([adobe]))
    return b"\xff\xd8" + head + tables + segment(0xC0, frame) + scans + b"\xff\xd9"


def jpegs():
    for name, sampling in [("444", 0), ("422", 1), ("420", 2)]:
        write(f"jpeg-{name}.jpg", saved(RGB, "JPEG", quality=95, subsampling=sampling))
    for name in ["440", "411"]:
        write(f"jpeg-{name}.jpg", imagecodecs.jpeg8_encode(RGB, level=95, subsampling=name))
    write("jpeg-grey.jpg", saved(GREY, "JPEG", quality=95))
    write("jpeg-progressive.jpg", saved(RGB, "JPEG", quality=95, progressive=True))
    write("jpeg-restarts.jpg", saved(RGB, "JPEG", quality=95, restart_marker_blocks=1))
    write("jpeg-cmyk.jpg", saved(Image.fromarray(RGB).convert("CMYK"), "JPEG", quality=95))
    whole = [(1, 1)] * 3
    write("jpeg-rgb-adobe.jpg", separate_scans(RGB, whole, adobe=0))
    write("jpeg-rgb-letters.jpg", separate_scans(RGB, whole, adobe=0, ids=b"RGB"))
    for name, sampling in [("420", (2, 2)), ("440", (1, 2)), ("422", (2, 1)), ("411", (4, 1)), ("444", (1, 1))]:
        write(f"jpeg-scans-{name}.jpg", separate_scans(RGB, [sampling, (1, 1), (1, 1)]))
    exif = Image.Exif()
    for orientation in range(1, 9):
        exif[0x112] = orientation
        write(f"jpeg-exif-{orientation}.jpg", saved(RGB, "JPEG", quality=90, exif=exif))
    plain, progressive = saved(RGB, "JPEG", quality=95), saved(RGB, "JPEG", quality=95, progressive=True)
    write("damaged-jpeg-no-end.jpg", plain[:-2], pillow(plain))
    write("damaged-jpeg-half-an-end.jpg", plain[:-1], pillow(plain))
    write("damaged-jpeg-zeros.jpg", plain[:-2] + bytes(3000), pillow(plain))
    write("damaged-jpeg-progressive.jpg", progressive[:-2], pillow(progressive))


# ---- PNG


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunk(png, name, body):
    """A PNG with a chunk put in behind its header."""
    return png[:33] + chunk(name, body) + png[33:]


def pngs():
    write("png-rgb.png", saved(RGB, "PNG"))
    write("png-rgba.png", saved(RGBA, "PNG"))
    write("png-grey.png", saved(GREY, "PNG"))
    write("png-grey-alpha.png", saved(np.dstack([GREY, ALPHA]), "PNG"))
    write("png-1bit.png", saved(Image.fromarray(BITS * 255).convert("1"), "PNG"))
    write("png-grey16.png", saved(GREY.astype(np.uint16) * 257, "PNG"), grey_rgb(GREY))
    palette = Image.fromarray(RGB).quantize(13)
    write("png-palette.png", saved(palette, "PNG"))
    write("png-palette-transparent.png", saved(palette, "PNG", transparency=bytes([0, 80, 255])))
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in RGB.astype(np.uint16) * 257)
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    deep = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    write("png-rgb16.png", deep, RGB)
    write("png-interlaced.png", interlaced(RGB))
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    write("png-animated.png", saved(frames[0], "PNG", save_all=True, append_images=frames[1:]))
    exif = Image.Exif()
    exif[0x112] = 6
    write("png-exif-6.png", saved(RGB, "PNG", exif=exif))
    plain = saved(RGB, "PNG")
    at = plain.index(b"IDAT")
    end = at + 4 + int.from_bytes(plain[at - 4 : at], "big")
    write("damaged-png-checksum.png", plain[:end] + bytes(4) + plain[end + 4 :], RGB)
    for name, kept in [("no-end", -12), ("cut-checksum", -14), ("cut-stream", -17)]:
        write(f"damaged-png-{name}.png", plain[:kept], RGB)


def interlaced(rgb):
    """Adam7, which Pillow does not write."""
    rows = b""
    for x, y, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
        rows += b"".join(b"\0" + row.tobytes() for row in rgb[y::dy, x::dx])
    head = struct.pack(">IIBBBBB", rgb.shape[1], rgb.shape[0], 8, 2, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# ---- WebP, BMP and GIF


def others():
    write("webp-lossy.webp", saved(RGB, "WEBP", quality=95))
    write("webp-lossless.webp", saved(RGB, "WEBP", lossless=True))
    write("webp-alpha.webp", saved(RGBA, "WEBP", lossless=True, exact=True))
    palette = Image.fromarray(RGB).quantize(40)
    write("bmp-rgb.bmp", saved(RGB, "BMP"))
    write("bmp-palette.bmp", saved(palette, "BMP"))
    write("bmp-1bit.bmp", saved(Image.fromarray(BITS * 255).convert("1"), "BMP"))
    write("bmp-rgba.bmp", saved(RGBA, "BMP"))
    write("gif-palette.gif", saved(palette, "GIF"))
    write("gif-transparent.gif", saved(palette, "GIF", transparency=3))
    frames = [palette, Image.fromarray(255 - RGB).quantize(40)]
    write("gif-animated.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100))


# ---- TIFF


def tiff(tags, strips, big_endian=False):
    """A TIFF of one directory whose values are SHORT, LONG, RATIONAL or bytes as their Python type says."""
    order = ">" if big_endian else "<"
    file = bytearray(b"MM\0*" if big_endian else b"II*\0") + bytes(4)
    offsets = []
    for strip in strips:
        offsets.append(len(file))
        file += strip + bytes(len(strip) % 2)
    tags = {256: [WIDTH], 257: [HEIGHT], 278: [HEIGHT], **tags, 273: offsets, 279: [len(s) for s in strips]}
    entries = []
    for tag, values in sorted(tags.items()):
        if isinstance(values, bytes):
            kind, count, body = 7, len(values), values
        elif any(isinstance(v, float) for v in values):
            pairs = [n for v in values for n in (round(v * 10000), 10000)]
            kind, count, body = 5, len(values), struct.pack(f"{order}{len(pairs)}I", *pairs)
        else:
            kind = 3 if tag not in (273, 279) else 4
            count, body = len(values), struct.pack(f"{order}{len(values)}{'HI'[kind == 4]}", *values)
        if len(body) > 4:
            entries.append((tag, kind, count, struct.pack(order + "I", len(file))))
            file += body + bytes(len(body) % 2)
        else:
            entries.append((tag, kind, count, body.ljust(4, b"\0")))
    file[4:8] = struct.pack(order + "I", len(file))
    file += struct.pack(order + "H", len(entries))
    file += b"".join(struct.pack(order + "HHI", *entry[:3]) + entry[3] for entry in entries)
    return bytes(file + bytes(4))


def packed(samples, bits):
    """Rows of samples of so many bits, each row filled up to a byte."""
    rows = samples.reshape(samples.shape[0], -1)
    streams = (rows[..., None] >> np.arange(bits - 1, -1, -1) & 1).astype(np.uint8)
    return np.packbits(streams.reshape(len(rows), -1), axis=1).tobytes()


def tifffiles():
    """Kinds that tifffile writes."""

    def write_tiff(name, data, expected, **options):
        file = io.BytesIO()
        options = {"metadata": None, **options}
        container = {key: options.pop(key) for key in ("bigtiff", "byteorder") if key in options}
        with tifffile.TiffWriter(file, **container) as writer:
            writer.write(data, **options)
        write(f"tiff-{name}.tif", file.getvalue(), expected)

    rgb16 = RGB.astype(np.uint16) * 257
    unit = RGB / np.float32(255)
    write_tiff("rgb", RGB, RGB, photometric="rgb")
    write_tiff("big", RGB, RGB, photometric="rgb", bigtiff=True)
    write_tiff("big-be-16", rgb16, RGB, photometric="rgb", bigtiff=True, byteorder=">")
    write_tiff("lzw-predictor", RGB, RGB, photometric="rgb", compression="lzw", predictor=True, rowsperstrip=4)
    write_tiff("deflate-16-predictor-be", rgb16, RGB, photometric="rgb", compression="deflate", predictor=True,
               byteorder=">")
    write_tiff("packbits", RGB, RGB, photometric="rgb", compression="packbits", rowsperstrip=5)
    write_tiff("tiles", RGB, RGB, photometric="rgb", tile=(16, 16), compression="deflate", predictor=True)
    write_tiff("planar", np.moveaxis(RGB, -1, 0), RGB, photometric="rgb", planarconfig="separate", rowsperstrip=7)
    write_tiff("planar-tiles", np.moveaxis(RGB, -1, 0), RGB, photometric="rgb", planarconfig="separate",
               tile=(16, 16), compression="lzw")
    write_tiff("u32", (RGB.astype(np.uint64) * ((2**32 - 1) // 255)).astype(np.uint32), RGB, photometric="rgb")
    write_tiff("u32-to-255", RGB.astype(np.uint32), RGB, photometric="rgb")
    write_tiff("grey-i32-to-65535", (GREY.astype(np.int32) * 257), grey_rgb(GREY), photometric="minisblack")
    write_tiff("grey-i16", (GREY / 255 * 32767).round().astype(np.int16), grey_rgb(GREY), photometric="minisblack")
    write_tiff("f32", unit, RGB, photometric="rgb")
    write_tiff("f16-tiles-predictor", unit.astype(np.float16), RGB, photometric="rgb", tile=(16, 16),
               compression="deflate", predictor=3)
    write_tiff("grey-f32-predictor-be", GREY / np.float32(255), grey_rgb(GREY), photometric="minisblack",
               compression="lzw", predictor=3, byteorder=">")
    write_tiff("grey-f64", GREY / 255.0, grey_rgb(GREY), photometric="minisblack")
    write_tiff("grey-alpha", np.dstack([GREY, ALPHA]), over_white(np.dstack([grey_rgb(GREY), ALPHA])),
               photometric="minisblack", extrasamples=["unassalpha"], compression="deflate", predictor=True)
    write_tiff("rgba-16-planar", np.moveaxis(RGBA, -1, 0).astype(np.uint16) * 257, over_white(RGBA),
               photometric="rgb", extrasamples=["unassalpha"], planarconfig="separate")
    multiplied = np.dstack([(RGB * (ALPHA / 255.0)[..., None]).round().astype(np.uint8), ALPHA])
    white = multiplied[..., :3] + (255.0 - ALPHA)[..., None]
    write_tiff("rgba-premultiplied", multiplied, white.round(), photometric="rgb", extrasamples=["assocalpha"])
    five = np.dstack([RGB, ALPHA, GREY])
    write_tiff("rgb-extra-predictor", five, RGB, photometric="rgb", extrasamples=["unspecified", "unspecified"],
               compression="deflate", predictor=True)
    cmyk = np.asarray(Image.fromarray(RGB).convert("CMYK"))
    write_tiff("cmyk", cmyk, RGB, photometric="separated", compression="lzw")
    write_tiff("cmyk-16-planar", np.moveaxis(cmyk, -1, 0).astype(np.uint16) * 257, RGB, photometric="separated",
               planarconfig="separate")
    index, colours = palette()
    colour_map = (colours.astype(np.uint16) * 257).T.copy()
    write_tiff("palette-8", index, colours[index], photometric="palette", colormap=colour_map, compression="lzw")
    for name, tile in [("strips", None), ("tiles", (16, 16))]:
        data = io.BytesIO()
        tifffile.imwrite(data, RGB, photometric="ycbcr", compression="jpeg", compressionargs={"level": 95},
                         subsampling=(2, 2), tile=tile, rowsperstrip=None if tile else 16, metadata=None)
        write(f"tiff-jpeg-ycbcr-{name}.tif", data.getvalue())
    write_tiff("jpeg-grey", GREY, None, photometric="minisblack", compression="jpeg", compressionargs={"level": 95})
    write_tiff("jpeg-rgb", RGB, None, photometric="rgb", compression="jpeg",
               compressionargs={"level": 95, "outcolorspace": "rgb"})
    previews()


def previews():
    """A reduced first directory, and the image in the second or below the first."""
    small = RGB[::3, ::3].copy()
    data = io.BytesIO()
    with tifffile.TiffWriter(data) as writer:
        writer.write(small, photometric="rgb", subfiletype=1, metadata=None)
        writer.write(RGB, photometric="rgb", metadata=None)
    write("tiff-preview-first.tif", data.getvalue(), RGB)
    data = io.BytesIO()
    with tifffile.TiffWriter(data) as writer:
        writer.write(small, photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        writer.write(RGB, photometric="rgb", subfiletype=0, metadata=None)
    write("tiff-preview-above.tif", data.getvalue(), RGB)
    data = io.BytesIO()
    with tifffile.TiffWriter(data) as writer:
        writer.write(RGB, photometric="rgb", metadata=None)
        writer.write(picture(40, 30), photometric="rgb", metadata=None)
    write("tiff-pages.tif", data.getvalue(), RGB)


def palette():
    """Indices of the picture in 16 colours, and those colours in 256."""
    image = Image.fromarray(RGB).quantize(16)
    colours = np.zeros((256, 3), np.uint8)
    colours[:16] = np.asarray(image.getpalette()[:48], np.uint8).reshape(16, 3)
    return np.asarray(image), colours


def tiffs():
    """Kinds that libtiff writes through Pillow, and kinds that neither it nor tifffile does."""
    black_and_white = Image.fromarray(BITS * 255).convert("1")
    for name in ["group3", "group4", "tiff_ccitt"]:
        write(f"tiff-fax-{name}.tif", saved(black_and_white, "TIFF", compression=name))
    write("tiff-fax-group3-mixed.tif", saved(black_and_white, "TIFF", compression="group3", tiffinfo={292: 1}))
    exif = Image.Exif()
    exif[0x112] = 7
    write("tiff-orientation-7.tif", saved(RGB, "TIFF", exif=exif))
    lab = Image.fromarray(RGB)
    from PIL import ImageCms

    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(lab, to_lab)
    codes = np.asarray(lab).astype(np.int32)
    signed = np.where(codes[..., 1:] > 127, codes[..., 1:] - 256, codes[..., 1:])
    # By the definition: littleCMS's way back from 8 bits is off by up to 14 levels.
    expected = lab_to_rgb(np.dstack([codes[..., :1] / 2.55, signed]))
    write("tiff-lab.tif", saved(lab, "TIFF"), expected)
    deep = np.dstack([codes[..., 0] * 257, (signed * 256) & 0xFFFF]).astype("<u2")
    tags = {258: [16] * 3, 259: [1], 262: [8], 277: [3]}
    write("tiff-lab-16.tif", tiff(tags, [deep.tobytes()]), expected)
    offset = np.dstack([codes[..., 0], signed + 128]).astype(np.uint8)
    write("tiff-icc-lab.tif", tiff({**tags, 258: [8] * 3, 262: [9]}, [offset.tobytes()]), expected)

    for bits in (2, 4, 6, 10, 12, 14):
        grey = (GREY.astype(int) * (2**bits - 1) + 127) // 255
        shown = grey_rgb((grey * 255 / (2**bits - 1)).round())
        strip = packed(grey, bits)
        write(f"tiff-grey-{bits}.tif", tiff({258: [bits], 259: [1], 262: [1], 277: [1]}, [strip]), shown)
    deep = RGB.astype(int) * 4095 // 255
    write("tiff-rgb-12-be.tif", tiff({258: [12] * 3, 259: [1], 262: [2], 277: [3]}, [packed(deep, 12)], True), RGB)
    write("tiff-white-is-zero.tif", tiff({258: [8], 259: [1], 262: [0], 277: [1]}, [(255 - GREY).tobytes()]),
          grey_rgb(GREY))
    reverse = np.packbits(np.unpackbits(np.frombuffer(packed(BITS, 1), np.uint8)), bitorder="little").tobytes()
    write("tiff-fill-order.tif", tiff({258: [1], 259: [1], 262: [1], 266: [2], 277: [1]}, [reverse]),
          grey_rgb(BITS * 255))

    index, colours = palette()
    for bits in (1, 4):
        few = (index % 2**bits).astype(int)
        colour_map = [int(v) * 257 for v in colours[: 2**bits].T.flatten()]
        tags = {258: [bits], 259: [1], 262: [3], 277: [1], 320: colour_map}
        write(f"tiff-palette-{bits}.tif", tiff(tags, [packed(few, bits)]), colours[few])
    ycbcr()


def lab_to_rgb(lab):
    """sRGB from CIE L*a*b* relative to D50, with Lindbloom's matrix."""
    f = (lab[..., :1] + 16) / 116 + lab[..., 1:2] * [1 / 500, 0, 0] - lab[..., 2:] * [0, 0, 1 / 200]
    xyz = np.where(f > 6 / 29, f**3, (f - 4 / 29) * 108 / 841) * [0.96422, 1.0, 0.82521]
    matrix = [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540],
              [0.0719453, -0.2289914, 1.4052427]]
    linear = (xyz @ np.transpose(matrix)).clip(0, 1)
    return (255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)).round()


def ycbcr():
    """Chroma shared by pixels, without JPEG: what is expected follows from the definition."""
    codes = np.asarray(Image.fromarray(RGB).convert("YCbCr")).astype(int)
    for across, down in [(1, 1), (2, 1), (2, 2), (4, 2)]:
        width, height = -(-WIDTH // across) * across, -(-HEIGHT // down) * down
        padded = np.pad(codes, ((0, height - HEIGHT), (0, width - WIDTH), (0, 0)), "edge")
        blocks = padded.reshape(height // down, down, width // across, across, 3).swapaxes(1, 2)
        chroma = blocks[..., 1:].mean((2, 3)).round().astype(np.uint8)
        luma = blocks[..., 0].reshape(*blocks.shape[:2], -1).astype(np.uint8)
        strip = np.concatenate([luma, chroma], -1).tobytes()
        shared = chroma.repeat(down, 0).repeat(across, 1)[:HEIGHT, :WIDTH].astype(np.uint8)
        shown = np.asarray(Image.fromarray(np.dstack([codes[..., 0].astype(np.uint8), shared]), "YCbCr").convert("RGB"))
        tags = {258: [8] * 3, 259: [5], 262: [6], 277: [3], 529: [0.299, 0.587, 0.114], 530: [across, down]}
        write(f"tiff-ycbcr-{across}{down}.tif", tiff(tags, [imagecodecs.lzw_encode(strip)]), shown)


# ---- Colours


def profiles():
    """ICC profiles of each kind in each format, and what PNG and EXIF say without them."""
    adobe = icc.matrix(icc.ADOBE_RGB, icc.gamma(2.19921875))
    p3 = icc.matrix(icc.DISPLAY_P3, icc.srgb_curve(), version=0x04200000)
    shown = icc.to_srgb(RGB, adobe)
    write("icc-adobe.png", saved(RGB, "PNG", icc_profile=adobe), shown)
    write("icc-adobe.webp", saved(RGB, "WEBP", lossless=True, icc_profile=adobe), shown)
    write("icc-adobe.tif", saved(RGB, "TIFF", icc_profile=adobe, compression="tiff_lzw"), shown)
    jpeg = saved(RGB, "JPEG", quality=95, icc_profile=adobe)
    write("icc-adobe.jpg", jpeg, icc.to_srgb(pillow(jpeg), adobe))
    write("icc-p3.png", saved(RGB, "PNG", icc_profile=p3), icc.to_srgb(RGB, p3))
    rgba = over_white(np.dstack([icc.to_srgb(RGB, p3), ALPHA]))
    write("icc-p3-alpha.png", saved(RGBA, "PNG", icc_profile=p3), rgba)
    relative = icc.matrix(icc.ADOBE_RGB, icc.table([(v / 63) ** 1.8 for v in range(64)]), intent=1)
    write("icc-table-relative.png", saved(RGB, "PNG", icc_profile=relative), icc.to_srgb(RGB, relative))
    srgb = icc.matrix(icc.SRGB, icc.srgb_curve())
    write("icc-srgb.png", saved(RGB, "PNG", icc_profile=srgb), RGB)
    grey = icc.grey(icc.gamma(1.8))
    write("icc-grey.png", saved(GREY, "PNG", icc_profile=grey), icc.to_srgb(GREY, grey))
    write("icc-grey-alpha.png", saved(np.dstack([GREY, ALPHA]), "PNG", icc_profile=grey),
          over_white(np.dstack([icc.to_srgb(GREY, grey), ALPHA])))
    write("icc-rgb-on-grey.png", saved(GREY, "PNG", icc_profile=adobe), icc.to_srgb(grey_rgb(GREY), adobe))
    for name, black, intent in [("lut", 0, 0), ("lut-light-black", 0.03, 0), ("lut-relative", 0.03, 1)]:
        lut = icc.rgb_lut(black, intent=intent)
        write(f"icc-{name}.png", saved(RGB, "PNG", icc_profile=lut), icc.to_srgb(RGB, lut))
    cmyk, inks = icc.cmyk_lut(), Image.fromarray(RGB).convert("CMYK")
    write("icc-cmyk.tif", saved(inks, "TIFF", icc_profile=cmyk, compression="tiff_lzw"),
          icc.to_srgb(np.asarray(inks), cmyk))
    jpeg = saved(inks, "JPEG", quality=95, icc_profile=cmyk)
    write("icc-cmyk.jpg", jpeg, icc.to_srgb(np.asarray(Image.open(io.BytesIO(jpeg))), cmyk))

    write("warned-icc-broken.png", saved(RGB, "PNG", icc_profile=b"no profile at all"), RGB)
    write("warned-icc-cut.jpg", saved(RGB, "JPEG", quality=95, icc_profile=adobe[:300]))
    write("warned-icc-grey-on-rgb.png", saved(RGB, "PNG", icc_profile=grey), RGB)
    write("warned-icc-garbled.png", with_chunk(saved(RGB, "PNG"), b"iCCP", b"name\0\0not zlib"), RGB)
    described(shown)


def described(adobe):
    """PNG's gAMA, cHRM and cICP, and EXIF's Adobe RGB."""
    plain = saved(RGB, "PNG")
    measured = lambda exponent: with_chunk(plain, b"gAMA", struct.pack(">I", round(100000 / exponent)))
    chromaticities = lambda png, numbers: with_chunk(png, b"cHRM", struct.pack(">8I", *numbers))
    adobe_xy = [31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000]
    write("png-gamma.png", measured(1.8), icc.to_srgb(RGB, icc.matrix(icc.SRGB, icc.gamma(1.8))))
    write("png-gamma-srgb.png", measured(2.2), RGB)
    write("png-chromaticities.png", chromaticities(plain, adobe_xy),
          icc.to_srgb(RGB, icc.matrix(icc.ADOBE_RGB, icc.srgb_curve())))
    write("png-gamma-chromaticities.png", chromaticities(measured(1.0), adobe_xy),
          icc.to_srgb(RGB, icc.matrix(icc.ADOBE_RGB, icc.gamma(1.0))))
    write("png-srgb-over-gamma.png", with_chunk(measured(1.0), b"sRGB", b"\0"), RGB)
    p3 = icc.to_srgb(RGB, icc.matrix(icc.DISPLAY_P3, icc.srgb_curve()))
    write("png-code-points.png", with_chunk(measured(1.0), b"cICP", bytes([12, 13, 0, 1])), p3)
    narrow = (16 + RGB * (219 / 255)).round().astype(np.uint8)
    write("png-code-points-narrow.png", with_chunk(saved(narrow, "PNG"), b"cICP", bytes([1, 13, 0, 0])), RGB)
    write("warned-png-hdr.png", with_chunk(plain, b"cICP", bytes([9, 16, 0, 1])), RGB)
    # Big-endian: no standard colour space, and a directory with the interoperability index R03.
    entry = lambda tag, kind, count, value: struct.pack(">HHI", tag, kind, count) + value
    directory = lambda *entries: struct.pack(">H", len(entries)) + b"".join(entries) + bytes(4)
    exif = b"MM\0*\0\0\0\x08" + directory(entry(0x8769, 4, 1, struct.pack(">I", 26)))
    exif += directory(entry(0xA001, 3, 1, b"\xff\xff\0\0"), entry(0xA005, 4, 1, struct.pack(">I", 56)))
    exif += directory(entry(1, 2, 4, b"R03\0"))
    jpeg = saved(RGB, "JPEG", quality=95, exif=b"Exif\0\0" + exif)
    curve = icc.matrix(icc.ADOBE_RGB, icc.gamma(2.19921875))
    write("exif-adobe.jpg", jpeg, icc.to_srgb(pillow(jpeg), curve))
    write("exif-adobe.png", with_chunk(plain, b"eXIf", exif), adobe)


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    jpegs()
    pngs()
    others()
    tifffiles()
    tiffs()
    profiles()
    (OUT / "index.txt").write_text("".join(INDEX))
    size = sum(file.stat().st_size for file in OUT.iterdir())
    print(f"{len(INDEX)} files and {len(PIXELS)} of pixels, {size / 1024:.0f} KiB")
