//! Hand-made image files.
use std::path::{Path, PathBuf};

use crate::image_io::Image;

/// A picture with distinct whole values in every sample.
pub(super) fn sample(width: u32, height: u32) -> Image {
    let rgb = (0..width * height * 3).map(|i| (i * 37 % 256) as f32).collect();
    Image::from_rgb(width, height, rgb).unwrap()
}

/// Writes `bytes` to a file called `name` in `folder`.
pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Loads `bytes` from a file without a helpful extension.
pub(super) fn load(bytes: &[u8]) -> crate::Result<Image> {
    let folder = tempfile::tempdir().unwrap();
    Image::load(write(folder.path(), "picture", bytes))
}

/// The bytes that [`Image::save`] makes for an extension.
pub(super) fn saved(image: &Image, extension: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(format!("a.{extension}"));
    image.save(&path).unwrap();
    std::fs::read(path).unwrap()
}

/// One page of a [`tiff`].
pub(super) struct Page<'a> {
    pub(super) width: u16,
    pub(super) height: u16,
    /// Per sample.
    pub(super) bits: u16,
    /// 1 for unsigned whole numbers, 3 for floats.
    pub(super) kind: u16,
    pub(super) orientation: u16,
    /// RGB rows, little-endian.
    pub(super) data: &'a [u8],
}

/// An uncompressed little-endian TIFF (TIFF 6.0) of RGB pages.
pub(super) fn tiff(pages: &[Page]) -> Vec<u8> {
    let mut file = b"II*\0".to_vec();
    let mut link = file.len();
    file.extend([0; 4]);
    for page in pages {
        let bits_at = file.len() as u32;
        file.extend([page.bits; 3].iter().chain(&[page.kind; 3]).flat_map(|v| v.to_le_bytes()));
        let data_at = file.len() as u32;
        file.extend(page.data);
        file.extend(std::iter::repeat_n(0, file.len() % 2));
        let here = file.len() as u32;
        file[link..link + 4].copy_from_slice(&here.to_le_bytes());
        let (short, long) = (3u16, 4u16);
        let entries = [
            (256u16, short, 1u32, u32::from(page.width)),
            (257, short, 1, u32::from(page.height)),
            (258, short, 3, bits_at),
            (259, short, 1, 1), // not compressed
            (262, short, 1, 2), // RGB
            (273, long, 1, data_at),
            (274, short, 1, u32::from(page.orientation)),
            (277, short, 1, 3), // samples per pixel
            (278, short, 1, u32::from(page.height)),
            (279, long, 1, page.data.len() as u32),
            (339, short, 3, bits_at + 6),
        ];
        file.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            file.extend(tag.to_le_bytes().iter().chain(&kind.to_le_bytes()));
            file.extend(count.to_le_bytes().iter().chain(&value.to_le_bytes()));
        }
        link = file.len();
        file.extend([0; 4]);
    }
    file
}

/// The body of an EXIF segment that holds only an orientation, big-endian.
pub(super) fn exif(orientation: u8) -> Vec<u8> {
    let mut body = b"MM\0\x2a\0\0\0\x08\0\x01".to_vec();
    body.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    body.extend([0; 4]);
    body
}

/// A JPEG with an EXIF segment put in.
pub(super) fn jpeg_with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let body = [b"Exif\0\0", &exif(orientation)[..]].concat();
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &length, &body, &jpeg[2..]].concat()
}

/// A PNG with a chunk put in behind its header.
pub(super) fn png_with_chunk(png: &[u8], name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let (header, rest) = png.split_at(8 + 25);
    [header, &png_chunk(name, body), rest].concat()
}

/// Length, name, body and checksum.
pub(super) fn png_chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut chunk = (body.len() as u32).to_be_bytes().to_vec();
    chunk.extend(name);
    chunk.extend(body);
    let crc = chunk[4..].iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| (c >> 1) ^ (0xEDB8_8320 * (c & 1)))
    });
    chunk.extend((!crc).to_be_bytes());
    chunk
}

/// An animated WebP of `width` x `height` whose frames are the still WebPs given.
pub(super) fn animated_webp(width: u32, height: u32, stills: &[Vec<u8>]) -> Vec<u8> {
    let chunk = |name: &[u8; 4], body: &[u8]| {
        let size = (body.len() as u32).to_le_bytes();
        [&name[..], &size, body, &vec![0; body.len() % 2]].concat()
    };
    let three = |v: u32| v.to_le_bytes()[..3].to_vec();
    let size = [three(width - 1), three(height - 1)].concat();
    let mut body = b"WEBP".to_vec();
    body.extend(chunk(b"VP8X", &[&[0b10, 0, 0, 0][..], &size].concat()));
    body.extend(chunk(b"ANIM", &[0; 6]));
    for still in stills {
        // At 0, 0, for 100 ms, then the image chunk of the still file.
        let header = [&[0; 6][..], &size, &three(100), &[0]].concat();
        let image = still.windows(4).position(|name| name == b"VP8L").unwrap();
        body.extend(chunk(b"ANMF", &[&header[..], &still[image..]].concat()));
    }
    chunk(b"RIFF", &body)
}
