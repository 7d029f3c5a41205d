//! Files that promise what they do not hold, or hold more than they seem to: refused with one line, and
//! without the memory that they ask for.
#![cfg(unix)]

use std::fs;

use crate::common;
use crate::common::test_folder::{TestFolder, stderr};
use nix::sys::resource::{UsageWho, getrusage};

/// What the program may hold while it refuses a file: itself, the weights in it, and some buffers.
const MOST_MEBIBYTES: i64 = 300;

/// Length, name, body and checksum.
fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut chunk = (body.len() as u32).to_be_bytes().to_vec();
    chunk.extend(name);
    chunk.extend(body);
    let crc = chunk[4..].iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| (c >> 1) ^ (0xEDB8_8320 * (c & 1)))
    });
    chunk.extend((!crc).to_be_bytes());
    chunk
}

/// A PNG of these chunks between its header and pixels that are none.
fn png(width: u32, height: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    let header = chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat());
    let end = [chunk(b"IDAT", &[0; 10]), chunk(b"IEND", &[])].concat();
    [b"\x89PNG\r\n\x1a\n", &header[..], &chunks.concat(), &end].concat()
}

/// Zeros, compressed as in a PNG: a mebibyte for each mebi.
fn compressed_zeros(mebi: u32) -> Vec<u8> {
    let mut file = vec![];
    let mut encoder = png::Encoder::new(&mut file, 1023, mebi * 1024);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().unwrap();
    let mut stream = writer.stream_writer().unwrap();
    let row = [0; 1023];
    (0..mebi * 1024).for_each(|_| std::io::Write::write_all(&mut stream, &row).unwrap());
    stream.finish().unwrap();
    drop(writer);
    // The bodies of all pixel chunks make one stream.
    let (mut at, mut zlib) = (8, vec![]);
    while at < file.len() {
        let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        if &file[at + 4..at + 8] == b"IDAT" {
            zlib.extend(&file[at + 8..at + 8 + length]);
        }
        at += 12 + length;
    }
    zlib
}

/// A TIFF of one directory, little-endian: tag, type, count, value.
fn tiff(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    file.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        file.extend(tag.to_le_bytes().iter().chain(&kind.to_le_bytes()));
        file.extend(count.to_le_bytes().iter().chain(&value.to_le_bytes()));
    }
    file.extend([0; 4]);
    file
}

/// A page of RGB bytes of this size in one strip.
fn tiff_page(width: u32, height: u32, strip_bytes: u32) -> Vec<u8> {
    tiff(&[
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, strip_bytes),
    ])
}

/// A page of 16384 x 16384 pixels in one tile, compressed in this way and not there.
fn packed_page(compression: u32) -> Vec<u8> {
    let side = 16_384;
    tiff(&[
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 1, 8),
        (259, 3, 1, compression),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        (322, 4, 1, side),
        (323, 4, 1, side),
        (324, 4, 1, 8),
        (325, 4, 1, 100),
    ])
}

/// A JPEG with tables and the headers of a frame and a scan of three components, without data.
fn jpeg(frame: u8, width: u16, height: u16) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        [&[0xFF, marker][..], &(body.len() as u16 + 2).to_be_bytes(), body].concat()
    };
    let size = [height.to_be_bytes(), width.to_be_bytes()].concat();
    // One code, of one bit, in each table.
    let codes = |table: u8| [&[table, 1][..], &[0; 16]].concat();
    let components = [1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0];
    let last = if frame == 0xC2 { 0 } else { 63 };
    [
        vec![0xFF, 0xD8],
        segment(0xDB, &[&[0][..], &[1; 64]].concat()),
        segment(0xC4, &[codes(0x00), codes(0x10)].concat()),
        segment(frame, &[&[8][..], &size, &[3], &components].concat()),
        segment(0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, last, 0]),
        vec![0xFF, 0xD9],
    ]
    .concat()
}

fn bmp(width: i32, height: i32) -> Vec<u8> {
    let mut file = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    file.extend(width.to_le_bytes().iter().chain(&height.to_le_bytes()));
    file.extend([1, 0, 24, 0]);
    file.extend([0; 24]);
    file
}

fn webp(chunk: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let chunk = [&chunk[..], &(body.len() as u32).to_le_bytes(), body, &vec![0; body.len() % 2]].concat();
    [&b"RIFF"[..], &(chunk.len() as u32 + 4).to_le_bytes(), b"WEBP", &chunk].concat()
}

/// Every file with a word of the message that it gets.
fn bombs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let zeros = compressed_zeros(512);
    assert!(zeros.len() < 4 << 20, "{} bytes are no bomb", zeros.len());
    let profile = [b"name\0\0", &zeros[..]].concat();
    let text = [b"impasto\0\0", &zeros[..]].concat();
    let unicode = [b"impasto\0\x01\0\0\0", &zeros[..]].concat();
    let lossless =
        |side: u32| [&[0x2f][..], &((side - 1) | ((side - 1) << 14)).to_le_bytes(), &[0; 20]].concat();
    vec![
        ("size.png", png(60_000, 60_000, &[]), "too many"),
        ("empty.png", png(16_384, 16_384, &[]), "damaged PNG"),
        ("profile.png", png(64, 64, &[chunk(b"iCCP", &profile)]), "PNG"),
        ("text.png", png(64, 64, &[chunk(b"zTXt", &text)]), "PNG"),
        ("unicode.png", png(64, 64, &[chunk(b"iTXt", &unicode)]), "PNG"),
        ("size.tif", tiff_page(60_000, 60_000, 6), "too many"),
        ("empty.tif", tiff_page(16_384, 16_384, 6), "TIFF"),
        ("strip.tif", tiff_page(64, 64, u32::MAX), "TIFF"),
        ("tag.tif", tiff(&[(256, 4, 1, 64), (257, 4, 1, 64), (258, 3, u32::MAX, 8)]), "TIFF"),
        (
            "strips.tif",
            tiff(&[(256, 4, 1, 64), (257, 4, 1, 64), (273, 4, u32::MAX, 8), (279, 4, u32::MAX, 8)]),
            "TIFF",
        ),
        ("size.bmp", bmp(60_000, 60_000), "too many"),
        ("least.bmp", bmp(1, i32::MIN), "BMP"),
        ("empty.bmp", bmp(16_384, 16_384), "damaged BMP"),
        ("size.webp", webp(b"VP8X", &[0, 0, 0, 0, 255, 255, 255, 255, 255, 255]), "WebP"),
        ("empty.webp", webp(b"VP8L", &lossless(16_000)), "damaged WebP"),
        ("size.gif", b"GIF89a\xff\xff\xff\xff\x80\0\0".to_vec(), "damaged GIF"),
        ("empty.gif", b"GIF89a\0\x40\0\x40\x80\0\0".to_vec(), "GIF"),
        ("size.jpg", jpeg(0xC0, 65_535, 65_535), "too many"),
        ("empty.jpg", jpeg(0xC0, 16_384, 16_384), "damaged JPEG"),
        ("progressive.jpg", jpeg(0xC2, 16_384, 16_384), "damaged JPEG"),
        ("lzw.tif", packed_page(5), "damaged TIFF"),
        ("deflate.tif", packed_page(8), "damaged TIFF"),
        ("packbits.tif", packed_page(32_773), "damaged TIFF"),
        ("jpeg.tif", packed_page(7), "TIFF"),
        ("circle.tif", [&b"II*\0\x08\0\0\0\0\0\x08\0\0\0"[..], &[0; 20]].concat(), "0 x 0 pixels"),
    ]
}

/// The most memory that any child of this process has held, in MiB. Linux counts in KiB, others in bytes.
fn peak() -> i64 {
    let most = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    if cfg!(target_os = "linux") { most >> 10 } else { most >> 20 }
}

/// In a process of its own: the peak memory is that of all its children.
#[test]
fn what_promises_too_much_is_refused_in_little_memory() {
    common::alone("bombs::what_promises_too_much_is_refused_in_little_memory", refuse_all);
}

fn refuse_all() {
    let folder = TestFolder::new();
    let mut faults = vec![];
    let mut refused = |line: &str, name: &str, word: &str| {
        let output = folder.command(line).output().unwrap();
        let text = stderr(&output);
        let said = text.starts_with("error: ") && text.contains(name) && text.contains(word);
        if output.status.code() != Some(1) || text.lines().count() != 1 || !said || peak() >= MOST_MEBIBYTES {
            faults.push(format!("{name}: {} MiB, {text}", peak()));
        }
    };
    for (name, bytes, word) in bombs() {
        fs::write(folder.path(name), bytes).unwrap();
        refused(&format!("paint @{name} @style.png -o @out.png --size 32 -q"), name, word);
    }
    refused("paint @content.png @style.png -o @out.png --like @unicode.png", "unicode.png", "no note");
    for (name, length) in [("most", u64::MAX), ("long", 1 << 40), ("header", 90 << 20)] {
        let bytes = [&length.to_le_bytes()[..], b"{\"conv1_1.weight\":"].concat();
        fs::write(folder.path(name), bytes).unwrap();
        let paint = format!("paint @content.png @style.png -o @out.png -q --weights @{name}");
        refused(&paint, name, "not a safetensors file");
        refused(&format!("resume @{name}"), name, "is no checkpoint");
    }
    assert_eq!(faults, Vec::<String>::new());
    assert!(!folder.path("out.png").exists());
}
