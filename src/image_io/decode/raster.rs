//! What decoders make of a file, and its way to an [`Image`]: colour model, transparency, orientation.

use std::path::Path;

use image::metadata::Orientation;

use super::profile::{Colours, ToSrgb};
use super::{Alpha, Decoded, Error, Image, Result};

/// Samples of pixels, interleaved: rows from the top, pixels from the left, then channels.
#[derive(PartialEq)]
pub(super) enum Samples {
    /// 0..=255.
    Bytes(Vec<u8>),
    /// 0..=65535.
    Words(Vec<u16>),
    /// On the 0..255 scale; files may go beyond it.
    Floats(Vec<f32>),
}

/// What the channels of a pixel are, apart from alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Model {
    Grey,
    Rgb,
    /// Amounts of ink: 255 is all of it.
    Cmyk,
}

impl Model {
    /// Channels of a pixel without alpha.
    pub(super) fn channels(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// A decoded file.
pub(super) struct Raster {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) model: Model,
    /// Whether each pixel ends with a channel of opacity, which its colour is not multiplied by.
    pub(super) alpha: bool,
    pub(super) samples: Samples,
    pub(super) colours: Colours,
    /// How to turn the image upright.
    pub(super) orientation: Orientation,
    /// See [`Decoded::warnings`].
    pub(super) warnings: Vec<String>,
}

impl Raster {
    /// The image: upright, in sRGB, composited over white.
    pub(super) fn into_image(mut self, path: &Path) -> Result<Decoded> {
        let to_srgb = ToSrgb::new(&self.colours, self.model).unwrap_or_else(|warning| {
            self.warnings.push(warning);
            None
        });
        let (rgb, opacities) = self.rgb(path, to_srgb.as_ref())?;
        let (width, height, rgb) = upright(self.width, self.height, rgb, 3, self.orientation);
        let image = Image::checked(path, width, height, rgb)?;
        let alpha = opacities.map(|opacities| {
            let (width, height, upright) = upright(self.width, self.height, opacities, 1, self.orientation);
            Alpha::new(width, height, upright)
        });
        Ok(Decoded {
            image,
            alpha: alpha.transpose()?.filter(|alpha| !alpha.is_opaque()),
            warnings: self.warnings,
        })
    }

    /// sRGB on the 0..255 scale over white, and the opacities if there are any, in the order of the file.
    fn rgb(&self, path: &Path, to_srgb: Option<&ToSrgb>) -> Result<(Vec<f32>, Option<Vec<f32>>)> {
        let colours = self.model.channels();
        let channels = colours + usize::from(self.alpha);
        let width = self.width as usize;
        let mut rgb = Vec::with_capacity(width * self.height as usize * 3);
        let mut opacities = self.alpha.then(|| Vec::with_capacity(width * self.height as usize));
        let mut row = vec![0.0; width * channels];
        let mut row_rgb = vec![0.0; width * 3];
        for y in 0..self.height as usize {
            self.samples.row(y, &mut row);
            if let Some(at) = row.iter().position(|v| !v.is_finite()) {
                let (x, value) = (at / channels, row[at]);
                let reason = format!("the pixel at x {x}, y {y} is {value}: every value must be finite");
                return Err(Error::image(path, reason));
            }
            self.row_to_rgb(&row, to_srgb, &mut row_rgb);
            if let Some(opacities) = &mut opacities {
                opacities.extend(row.chunks_exact(channels).map(|pixel| pixel[colours]));
                let alphas = &opacities[y * width..];
                let pixels = row_rgb.chunks_exact_mut(3).zip(alphas);
                pixels.for_each(|(colour, alpha)| over_white(colour, *alpha));
            }
            rgb.extend_from_slice(&row_rgb);
        }
        Ok((rgb, opacities))
    }

    /// The colours of a row, without alpha.
    fn row_to_rgb(&self, row: &[f32], to_srgb: Option<&ToSrgb>, rgb: &mut [f32]) {
        let colours = self.model.channels();
        let pixels = row.chunks_exact(colours + usize::from(self.alpha));
        match to_srgb {
            None => {
                let pairs = rgb.chunks_exact_mut(3).zip(pixels);
                pairs.for_each(|(to, pixel)| to.copy_from_slice(&to_rgb(self.model, &pixel[..colours])));
            }
            Some(to_srgb) if to_srgb.channels() == colours => {
                let mut source: Vec<f32> = pixels.flat_map(|pixel| &pixel[..colours]).copied().collect();
                to_srgb.convert(&mut source, rgb);
            }
            Some(to_srgb) => {
                let mut source: Vec<f32> = pixels.flat_map(|pixel| to_rgb(self.model, pixel)).collect();
                to_srgb.convert(&mut source, rgb);
            }
        }
    }
}

impl Samples {
    /// Row `y`, brought to the 0..255 scale.
    fn row(&self, y: usize, to: &mut [f32]) {
        let range = y * to.len()..(y + 1) * to.len();
        match self {
            Self::Bytes(bytes) => to.iter_mut().zip(&bytes[range]).for_each(|(to, v)| *to = f32::from(*v)),
            Self::Words(words) => {
                to.iter_mut().zip(&words[range]).for_each(|(to, v)| *to = f32::from(*v) / 257.0);
            }
            Self::Floats(floats) => to.copy_from_slice(&floats[range]),
        }
    }
}

/// A pixel of a model as RGB, for files that say nothing more of their colours.
fn to_rgb(model: Model, pixel: &[f32]) -> [f32; 3] {
    match model {
        Model::Grey => [pixel[0]; 3],
        Model::Rgb => [pixel[0], pixel[1], pixel[2]],
        Model::Cmyk => [0, 1, 2].map(|ink| (255.0 - pixel[ink]) * (255.0 - pixel[3]) / 255.0),
    }
}

/// There is no paint where nothing was drawn: what is transparent shows white.
fn over_white(colour: &mut [f32], alpha: f32) {
    let alpha = (alpha / 255.0).clamp(0.0, 1.0);
    colour.iter_mut().for_each(|sample| *sample = *sample * alpha + 255.0 * (1.0 - alpha));
}

/// Turns `pixels` of `channels` channels each upright. Returns width, height and pixels.
fn upright(
    width: u32,
    height: u32,
    pixels: Vec<f32>,
    channels: usize,
    orientation: Orientation,
) -> (u32, u32, Vec<f32>) {
    use Orientation::*;
    if orientation == NoTransforms {
        return (width, height, pixels);
    }
    let turned = matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH);
    let (w, h) = (width as usize, height as usize);
    let (new_width, new_height) = if turned { (h, w) } else { (w, h) };
    let mut out = Vec::with_capacity(pixels.len());
    for y in 0..new_height {
        for x in 0..new_width {
            // The stored pixel that is shown at x, y (EXIF 2.3, tag 274).
            let (from_x, from_y) = match orientation {
                NoTransforms => (x, y),
                FlipHorizontal => (w - 1 - x, y),
                Rotate180 => (w - 1 - x, h - 1 - y),
                FlipVertical => (x, h - 1 - y),
                Rotate90FlipH => (y, x),
                Rotate90 => (y, h - 1 - x),
                Rotate270FlipH => (w - 1 - y, h - 1 - x),
                Rotate270 => (w - 1 - y, x),
            };
            out.extend_from_slice(&pixels[(from_y * w + from_x) * channels..][..channels]);
        }
    }
    (new_width as u32, new_height as u32, out)
}
