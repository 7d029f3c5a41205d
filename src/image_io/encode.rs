//! The bytes of image files: samples, and what each format says of them. All files are tagged as sRGB.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::OnceLock;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError, ImageResult};
use moxcms::ColorProfile;
use tiff::encoder::TiffEncoder;
use tiff::encoder::colortype::{ColorType, RGB8, RGB16};
use tiff::tags::{ExtraSamples, Tag, Type};

use super::save::Format;
use super::{Alpha, Image};

/// 95 of 100: artefacts stay below what painted texture hides.
const JPEG_QUALITY: u8 = 95;

/// Keyword of the note in a PNG file.
pub(super) const NOTE: &str = "impasto";

/// Bits of each channel of a pixel in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// 8 bits, in every format.
    #[default]
    Eight,
    /// 16 bits, in PNG and TIFF.
    Sixteen,
}

/// How an image is written to a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Encoding<'a> {
    /// A text that a PNG file carries and that [`Image::note`] gives back; other formats drop it.
    pub note: Option<&'a str>,
    /// Bits of each channel.
    pub depth: Depth,
    /// Opacity of the pixels, scaled to the size of the image. Colours are written such that over white they are those
    /// of the image, as nearly as the opacity allows. JPEG files drop it and have the image as it is.
    pub alpha: Option<&'a Alpha>,
}

/// Writes an image of the alpha's size.
pub(super) fn encode(
    image: &Image,
    format: Format,
    encoding: &Encoding,
    to: &mut BufWriter<&mut File>,
) -> ImageResult<()> {
    let (width, height) = (image.width(), image.height());
    match format {
        Format::Png => png(image, encoding, to).map_err(io::Error::from)?,
        Format::Jpeg => {
            let mut encoder = JpegEncoder::new_with_quality(to, JPEG_QUALITY);
            encoder.set_icc_profile(srgb().to_vec()).map_err(ImageError::Unsupported)?;
            encoder.write_image(&bytes(image, None), width, height, ExtendedColorType::Rgb8)?;
        }
        Format::WebP => {
            let mut encoder = WebPEncoder::new_lossless(to);
            encoder.set_icc_profile(srgb().to_vec()).map_err(ImageError::Unsupported)?;
            let colour = match encoding.alpha {
                Some(_) => ExtendedColorType::Rgba8,
                None => ExtendedColorType::Rgb8,
            };
            encoder.write_image(&bytes(image, encoding.alpha), width, height, colour)?;
        }
        Format::Tiff => match encoding.depth {
            Depth::Eight => tiff::<RGB8>(&bytes(image, encoding.alpha), image, encoding, to),
            Depth::Sixteen => tiff::<RGB16>(&words(image, encoding.alpha), image, encoding, to),
        }
        .map_err(io::Error::other)?,
    }
    Ok(())
}

/// The crate `image` writes no text, so this is the format's own crate. The note is an `iTXt` chunk before the
/// pixels, where readers find it without decoding them.
pub(super) fn png(image: &Image, encoding: &Encoding, to: impl Write) -> Result<(), png::EncodingError> {
    let Encoding { note, depth, alpha } = *encoding;
    let mut encoder = png::Encoder::new(to, image.width(), image.height());
    encoder.set_color(if alpha.is_some() { png::ColorType::Rgba } else { png::ColorType::Rgb });
    encoder.set_filter(png::Filter::Adaptive);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    if let Some(note) = note {
        encoder.add_itxt_chunk(NOTE.into(), note.into())?;
    }
    let samples = match depth {
        Depth::Eight => bytes(image, alpha),
        Depth::Sixteen => words(image, alpha).into_iter().flat_map(u16::to_be_bytes).collect(),
    };
    encoder.set_depth(match depth {
        Depth::Eight => png::BitDepth::Eight,
        Depth::Sixteen => png::BitDepth::Sixteen,
    });
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&samples)?;
    writer.finish()
}

/// The encoder of the crate `image` does not say that the fourth channel is an opacity.
fn tiff<C: ColorType>(
    samples: &[C::Inner],
    image: &Image,
    encoding: &Encoding,
    to: &mut BufWriter<&mut File>,
) -> tiff::TiffResult<()>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut encoder = TiffEncoder::new(to)?;
    let mut directory = encoder.new_image::<C>(image.width(), image.height())?;
    if encoding.alpha.is_some() {
        directory.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    }
    directory.encoder().write_tag(Tag::IccProfile, Undefined(srgb()))?;
    directory.write_data(samples)
}

/// Bytes of a TIFF tag whose type is UNDEFINED, as that of profiles has to be.
struct Undefined(&'static [u8]);

impl tiff::encoder::TiffValue for Undefined {
    const BYTE_LEN: u8 = 1;
    const FIELD_TYPE: Type = Type::UNDEFINED;

    fn count(&self) -> usize {
        self.0.len()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.0)
    }
}

/// The pixels in 8 bits a channel, with the opacity behind the colours if there is one.
pub(super) fn bytes(image: &Image, alpha: Option<&Alpha>) -> Vec<u8> {
    samples(image, alpha, f32::round, |value| value as u8)
}

/// The same in 16 bits a channel.
fn words(image: &Image, alpha: Option<&Alpha>) -> Vec<u16> {
    samples(image, alpha, |value| (value * 257.0).round() / 257.0, |value| (value * 257.0).round() as u16)
}

/// The samples of all pixels; `round` goes to the nearest value that `convert` takes without loss.
fn samples<T>(
    image: &Image,
    alpha: Option<&Alpha>,
    round: impl Fn(f32) -> f32,
    convert: impl Fn(f32) -> T,
) -> Vec<T> {
    let Some(alpha) = alpha else { return image.pixels().iter().map(|v| convert(round(*v))).collect() };
    let pixels = image.pixels().chunks_exact(3).zip(alpha.values());
    let pixel = |(rgb, alpha): (&[f32], &f32)| {
        let alpha = round(*alpha);
        let [r, g, b] = [0, 1, 2].map(|c| without_white(rgb[c], alpha));
        [r, g, b, alpha]
    };
    pixels.flat_map(pixel).map(|v| convert(round(v))).collect()
}

/// The value that over white becomes `value` where the opacity is `alpha`, as nearly as possible. White where nothing
/// can be seen.
fn without_white(value: f32, alpha: f32) -> f32 {
    if alpha > 0.0 { (255.0 - (255.0 - value) * 255.0 / alpha).clamp(0.0, 255.0) } else { 255.0 }
}

/// An ICC profile of sRGB.
fn srgb() -> &'static [u8] {
    static PROFILE: OnceLock<Vec<u8>> = OnceLock::new();
    // A profile that cannot be made is left out: files without one are taken as sRGB.
    PROFILE.get_or_init(|| ColorProfile::new_srgb().encode().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_over_white_are_those_of_the_image() {
        for alpha in [1.0, 40.0, 128.0, 254.0, 255.0] {
            for colour in [0.0, 12.0, 200.0, 255.0] {
                let value = colour * alpha / 255.0 + 255.0 - alpha;
                assert!((without_white(value, alpha) - colour).abs() < 0.02, "{colour} {alpha}");
            }
        }
        assert_eq!((without_white(0.0, 100.0), without_white(7.0, 0.0)), (0.0, 255.0));
    }
}
