//! Animations: images one after the other in one file, GIF, WebP or APNG.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::webp::WebPEncoder;
use image::{Delay, ExtendedColorType, ImageEncoder};

use super::encode::bytes;
use super::{Alpha, Image};
use crate::error::{Error, Result};
use crate::output::OutputFile;

/// A format of animations.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Gif,
    WebP,
    Apng,
}

impl Format {
    fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "gif" => Ok(Self::Gif),
            "webp" => Ok(Self::WebP),
            "png" | "apng" => Ok(Self::Apng),
            _ => {
                Err(Error::output(path, "unknown extension for an animation: use .gif, .webp, .png or .apng"))
            }
        }
    }

    /// The longest side that the format can hold.
    fn longest_side(self) -> u32 {
        match self {
            Self::Gif => 65_535,
            Self::WebP => 16_383,
            Self::Apng => u32::MAX,
        }
    }
}

/// An image of an animation and how long it is shown.
#[derive(Debug, Clone)]
pub struct Frame {
    /// All frames have one size.
    pub image: Image,
    /// The opacity of its pixels, of the same size, if not all are opaque. GIF has opaque and transparent pixels only.
    pub alpha: Option<Alpha>,
    /// Formats round it to whole milliseconds, GIF to hundredths of a second.
    pub time: Duration,
}

/// Finds out before long work whether an animation of `width` x `height` pixels can later be written to
/// `path`. Leaves and changes nothing.
///
/// # Errors
/// [`Error::Output`] naming the path: an unknown extension, a side that the format cannot hold, or a place
/// where no file can be made.
pub fn check_animation(path: &Path, width: u32, height: u32) -> Result<()> {
    let longest = Format::of(path)?.longest_side();
    if width.max(height) > longest {
        let reason =
            format!("{width} x {height} pixels do not fit: the format holds at most {longest} a side");
        return Err(Error::output(path, reason));
    }
    OutputFile::of(path)?.check_writable()
}

/// Writes an animation that repeats for ever, in the format of the extension: `.gif` (256 colours a
/// frame), `.webp` (lossless) or `.png`/`.apng`. Whole or not at all.
///
/// # Errors
/// [`Error::Output`] naming the path: what [`check_animation`] finds, no frames, and failures while writing.
pub fn save_animation(path: &Path, frames: &[Frame]) -> Result<()> {
    let Some(first) = frames.first().map(|frame| &frame.image) else {
        return Err(Error::output(path, "there are no frames: save more often"));
    };
    check_animation(path, first.width(), first.height())?;
    let format = Format::of(path)?;
    OutputFile::of(path)?.replace(|writer| match format {
        Format::Gif => gif(frames, writer),
        Format::WebP => webp(frames, writer),
        Format::Apng => apng(frames, writer),
    })
}

impl Frame {
    /// The pixels in 8 bits a channel, with an opacity of 255 where there is none.
    fn rgba(&self) -> Vec<u8> {
        match &self.alpha {
            Some(alpha) => bytes(&self.image, Some(alpha)),
            None => {
                let rgb = bytes(&self.image, None);
                rgb.chunks_exact(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect()
            }
        }
    }
}

fn gif(frames: &[Frame], to: &mut BufWriter<&mut File>) -> io::Result<()> {
    // 10 of 30: better colours than the fastest, at a tenth of the time of the best.
    let mut encoder = GifEncoder::new_with_speed(to, 10);
    encoder.set_repeat(Repeat::Infinite).map_err(io::Error::other)?;
    for frame in frames {
        let (width, height) = (frame.image.width(), frame.image.height());
        let mut rgba = frame.rgba();
        rgba.chunks_exact_mut(4).for_each(|pixel| pixel[3] = if pixel[3] < 128 { 0 } else { 255 });
        let Some(buffer) = image::RgbaImage::from_raw(width, height, rgba) else { continue };
        let frame = image::Frame::from_parts(buffer, 0, 0, Delay::from_saturating_duration(frame.time));
        encoder.encode_frame(frame).map_err(io::Error::other)?;
    }
    Ok(())
}

fn apng(frames: &[Frame], to: &mut BufWriter<&mut File>) -> io::Result<()> {
    let first = &frames[0].image;
    let transparent = is_transparent(frames);
    let mut encoder = png::Encoder::new(to, first.width(), first.height());
    encoder.set_color(if transparent { png::ColorType::Rgba } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.set_filter(png::Filter::Adaptive);
    encoder.set_animated(frames.len() as u32, 0)?;
    let mut writer = encoder.write_header()?;
    for frame in frames {
        writer.set_frame_delay(frame.time.as_millis().min(65_535) as u16, 1000)?;
        let samples = if transparent { frame.rgba() } else { bytes(&frame.image, None) };
        writer.write_image_data(&samples)?;
    }
    Ok(writer.finish()?)
}

fn is_transparent(frames: &[Frame]) -> bool {
    frames.iter().any(|frame| frame.alpha.is_some())
}

/// The crate `image` writes single WebP images only. An animation is a container around several: RIFF
/// chunks of which `VP8X` says that they move, `ANIM` for how often, and each `ANMF` holds one image's
/// `VP8L` chunk as the encoder made it (Google, WebP Container Specification).
fn webp(frames: &[Frame], to: &mut BufWriter<&mut File>) -> io::Result<()> {
    let first = &frames[0].image;
    let size = |image: &Image| [(image.width() - 1).to_le_bytes(), (image.height() - 1).to_le_bytes()];
    let three = |bytes: [u8; 4]| bytes[..3].to_vec();
    const ANIMATED: u8 = 2;
    const TRANSPARENT: u8 = 16;
    let transparent = is_transparent(frames);
    let flags = if transparent { ANIMATED | TRANSPARENT } else { ANIMATED };
    let [width, height] = size(first).map(three);
    let mut body = b"WEBP".to_vec();
    chunk(&mut body, b"VP8X", &[vec![flags, 0, 0, 0], width, height].concat());
    // A white background, and no limit to the repetitions.
    chunk(&mut body, b"ANIM", &[255, 255, 255, 255, 0, 0]);
    for frame in frames {
        let Frame { image, time, .. } = frame;
        let (samples, colour) = match transparent {
            true => (frame.rgba(), ExtendedColorType::Rgba8),
            false => (bytes(image, None), ExtendedColorType::Rgb8),
        };
        let mut file = vec![];
        WebPEncoder::new_lossless(&mut file)
            .write_image(&samples, image.width(), image.height(), colour)
            .map_err(io::Error::other)?;
        let [width, height] = size(image).map(three);
        let time = three((time.as_millis().min(0xff_ffff) as u32).to_le_bytes());
        // At x 0, y 0; the image replaces the one before. The file's own chunk follows its 12 bytes of RIFF.
        let head = [vec![0; 6], width, height, time, vec![2]].concat();
        chunk(&mut body, b"ANMF", &[&head, &file[12..]].concat());
    }
    to.write_all(b"RIFF")?;
    to.write_all(&(body.len() as u32).to_le_bytes())?;
    to.write_all(&body)
}

/// A RIFF chunk: name, length, content, a zero if the length is odd.
fn chunk(to: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) {
    to.extend(name);
    to.extend((content.len() as u32).to_le_bytes());
    to.extend(content);
    to.extend(std::iter::repeat_n(0, content.len() % 2));
}
