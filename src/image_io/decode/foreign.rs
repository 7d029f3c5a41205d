//! Files that are known by their first bytes and not read: each is named with a tool that converts it.

use super::Outcome;

/// How far into a text the element `<svg` is looked for.
const LONGEST_PROLOGUE: usize = 4096;

const RAW_TOOL: &str = "darktable-cli FILE out.png, or export it from your raw converter";

/// The reason if the bytes begin a file of a format that is known and not read.
pub(super) fn refuse(bytes: &[u8]) -> Outcome<()> {
    match by_signature(bytes).or_else(|| by_brand(bytes)).or_else(|| by_text(bytes)) {
        Some((name, tool)) => Err(format!("{name} cannot be read: convert it with {tool}")),
        None => Ok(()),
    }
}

/// The reason for a raw file whose container is TIFF.
pub(super) fn raw() -> String {
    format!("a camera's RAW file cannot be read: convert it with {RAW_TOOL}")
}

/// Name and tool of a format that begins with fixed bytes.
fn by_signature(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    const RAW: &str = "a camera's RAW file";
    /// Where the bytes stand, the bytes, what they mean, and what converts it.
    type Signature = (usize, &'static [u8], &'static str, &'static str);
    const SIGNATURES: [Signature; 19] = [
        (0, b"8BPS", "PSD", "magick 'FILE[0]' out.png (ImageMagick), or save it as PNG in your image editor"),
        (0, b"gimp xcf", "XCF", "GIMP: File, Export As, out.png"),
        (0, b"%PDF-", "PDF", "pdftoppm -png -r 300 FILE out (poppler)"),
        (0, b"%!PS", "PostScript", "gs -sDEVICE=png16m -r300 -o out.png FILE (Ghostscript)"),
        (0, b"\xFF\x0A", "JPEG XL", "djxl FILE out.png (libjxl)"),
        (0, b"\0\0\0\x0CJXL \r\n\x87\n", "JPEG XL", "djxl FILE out.png (libjxl)"),
        (0, b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000", "opj_decompress -i FILE -o out.png (OpenJPEG)"),
        (0, b"\xFF\x4F\xFF\x51", "JPEG 2000", "opj_decompress -i FILE -o out.png (OpenJPEG)"),
        (0, b"II\xBC\x01", "JPEG XR", "JxrDecApp -i FILE -o out.tif (jxrlib)"),
        (0, b"\x1A\x45\xDF\xA3", "a video", "ffmpeg -i FILE -frames:v 1 out.png"),
        (8, b"AVI ", "a video", "ffmpeg -i FILE -frames:v 1 out.png"),
        // Canon, Olympus, Panasonic, Fujifilm, Sigma and Minolta. Others are told by the tags of their TIFF.
        (8, b"CR\x02\0", RAW, RAW_TOOL),
        (0, b"IIRO", RAW, RAW_TOOL),
        (0, b"IIRS", RAW, RAW_TOOL),
        (0, b"MMOR", RAW, RAW_TOOL),
        (0, b"IIU\0", RAW, RAW_TOOL),
        (0, b"FUJIFILMCCD-RAW", RAW, RAW_TOOL),
        (0, b"FOVb", RAW, RAW_TOOL),
        (0, b"\0MRM", RAW, RAW_TOOL),
    ];
    let starts =
        |(at, signature, ..): &&Signature| bytes.get(*at..).is_some_and(|b| b.starts_with(signature));
    SIGNATURES.iter().find(starts).map(|(_, _, name, tool)| (*name, *tool))
}

/// Name and tool of a file in boxes (ISO/IEC 14496-12), whose first box lists brands.
fn by_brand(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let brands = bytes.get(4..length.clamp(8, 256).min(bytes.len()))?.strip_prefix(b"ftyp")?;
    // The major brand, four bytes of version, and the brands that the file is compatible with.
    let has = |wanted: &[&[u8; 4]]| {
        brands.chunks_exact(4).enumerate().any(|(i, brand)| i != 1 && wanted.iter().any(|w| *w == brand))
    };
    let major = brands.get(..4)?;
    Some(if has(&[b"avif", b"avis"]) {
        ("AVIF", "avifdec FILE out.png (libavif)")
    } else if major == b"crx " {
        ("a camera's RAW file", RAW_TOOL)
    } else if has(&[b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"]) {
        ("HEIC", "heif-convert FILE out.png (libheif), or let the phone export it as JPEG")
    } else {
        ("a video", "ffmpeg -i FILE -frames:v 1 out.png")
    })
}

/// Name and tool of a text that is an SVG image or a web page.
fn by_text(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    if !text.starts_with(b"<") {
        return None;
    }
    let head = text[..text.len().min(LONGEST_PROLOGUE)].to_ascii_lowercase();
    let holds = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    if holds(b"<html") || holds(b"<!doctype html") {
        return Some(("a web page", "a browser: open the page and save the image itself"));
    }
    holds(b"<svg").then_some(("SVG", "rsvg-convert FILE -o out.png, or Inkscape"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_named_with_a_tool() {
        let boxes = |major: &[u8], compatible: &[u8]| {
            let length = (16 + compatible.len() as u32).to_be_bytes();
            [&length[..], b"ftyp", major, &[0; 4], compatible, b"the rest"].concat()
        };
        for (bytes, name, tool) in [
            (boxes(b"heic", b"mif1heic"), "HEIC", "heif-convert"),
            (boxes(b"mif1", b"miafheix"), "HEIC", "heif-convert"),
            (boxes(b"avif", b"mif1miaf"), "AVIF", "avifdec"),
            (boxes(b"mif1", b"avifmiaf"), "AVIF", "avifdec"),
            (boxes(b"crx ", b"isom"), "RAW", "darktable"),
            (boxes(b"isom", b"mp41"), "video", "ffmpeg"),
            (b"\xFF\x0A\0\0".to_vec(), "JPEG XL", "djxl"),
            (b"\0\0\0\x0CJXL \r\n\x87\n".to_vec(), "JPEG XL", "djxl"),
            (b"8BPS\0\x01".to_vec(), "PSD", "magick"),
            (b"%PDF-1.7".to_vec(), "PDF", "pdftoppm"),
            (b"<?xml version='1.0'?>\n<!-- a -->\n<svg xmlns=''/>".to_vec(), "SVG", "rsvg-convert"),
            (b"\xEF\xBB\xBF <SVG>".to_vec(), "SVG", "Inkscape"),
            (b"<!DOCTYPE html><svg/>".to_vec(), "web page", "browser"),
            (b"II*\0\x10\0\0\0CR\x02\0".to_vec(), "RAW", "darktable"),
            (b"FUJIFILMCCD-RAW 0201".to_vec(), "RAW", "darktable"),
            (b"IIU\0\x18\0\0\0".to_vec(), "RAW", "darktable"),
        ] {
            let reason = refuse(&bytes).unwrap_err();
            assert!(reason.contains(name) && reason.contains(tool), "no {name} or {tool}: {reason}");
        }
    }

    #[test]
    fn what_is_read_or_unknown_is_left_to_the_decoders() {
        for bytes in [&b"\x89PNG\r\n\x1a\n"[..], b"II*\0\x08\0\0\0", b"BM", b"", b"f", b"Dear diary", b"<a>"]
        {
            assert_eq!(refuse(bytes), Ok(()));
        }
    }
}
