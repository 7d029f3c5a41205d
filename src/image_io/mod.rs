//! Images as all other modules use them: RGB in `f32`, read from and written to files.
//!
//! Values are sRGB-encoded samples on the 0..255 scale, as VGG19 expects; colour profiles of files are applied. They
//! are `f32` so that 16-bit and float files keep their precision.
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};

mod alpha;
mod animate;
mod decode;
mod encode;
mod margin;
mod resample;
mod save;
mod size;
#[cfg(test)]
mod tests;

pub use alpha::Alpha;
pub use animate::{Frame, check_animation, save_animation};
pub use decode::Decoded;
pub use encode::{Depth, Encoding};
pub use margin::{planes_with_margin, planes_without_margin};
pub use resample::{Filter, resample_planes};
pub use save::{check_depth, check_output, check_output_fits, holds_transparency};
pub use size::{Size, scaled_dimensions};

/// The most pixels (width times height) an image may have: 2^28, for example 16384 x 16384.
///
/// A guard against decompression bombs; the largest phone sensors (200 megapixels) stay below it.
/// As `f32` RGB such an image takes 3 GiB.
pub const MAX_PIXELS: u64 = 1 << 28;

/// An RGB image in memory: at least 1 x 1, at most [`MAX_PIXELS`], each value in 0..=255.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    width: u32,
    height: u32,
    /// Shared by clones.
    rgb: Arc<Vec<f32>>,
}

impl Image {
    /// An image from `width * height * 3` values: rows from the top, pixels from the left, then
    /// red, green, blue on the 0..255 scale. Values outside that range are clamped into it.
    ///
    /// # Errors
    /// [`Error::Image`] (with `picture in memory` for a file name) for a side of 0, more than
    /// [`MAX_PIXELS`], another number of values, or a value that is NaN or infinite.
    pub fn from_rgb(width: u32, height: u32, rgb: Vec<f32>) -> Result<Self> {
        Self::checked(Path::new("picture in memory"), width, height, rgb)
    }

    /// A white pixel.
    pub(crate) fn white() -> Self {
        Self { width: 1, height: 1, rgb: Arc::new(vec![255.0; 3]) }
    }

    /// [`Image::from_rgb`], with `path` for the file named in errors.
    fn checked(path: &Path, width: u32, height: u32, mut rgb: Vec<f32>) -> Result<Self> {
        check_pixels(width, height).map_err(|reason| Error::image(path, reason))?;
        // Cannot overflow: check_pixels bounds the product.
        let expected = width as usize * height as usize * 3;
        if rgb.len() != expected {
            let found = rgb.len();
            return Err(Error::image(
                path,
                format!("{width} x {height} pixels need {expected} RGB values, found {found}"),
            ));
        }
        if let Some(at) = rgb.iter().position(|v| !v.is_finite()) {
            let (x, y) = (at / 3 % width as usize, at / 3 / width as usize);
            return Err(Error::image(
                path,
                format!("the pixel at x {x}, y {y} is {}: every value must be finite", rgb[at]),
            ));
        }
        rgb.iter_mut().for_each(|v| *v = v.clamp(0.0, 255.0));
        Ok(Self { width, height, rgb: Arc::new(rgb) })
    }

    /// Reads an image file and drops the transparency and the warnings of [`read`](Self::read).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::read(path).map(|decoded| decoded.image)
    }

    /// Reads the first image of a PNG, JPEG, WebP, TIFF, BMP or GIF file. The content decides which,
    /// not the extension. Of a TIFF file whose first directory is a preview, the largest image is read.
    ///
    /// The EXIF or TIFF orientation is applied. Grey becomes RGB; 16-bit samples are divided by
    /// 257, float samples (TIFF, 0..1) multiplied by 255 and clamped. Transparent pixels are
    /// composited over white: there is no paint where nothing was drawn. Their opacity is kept apart.
    ///
    /// Damage that leaves all pixels readable, such as a missing end marker or a wrong checksum, is a warning, and
    /// so are values that had to be interpreted.
    ///
    /// # Errors
    /// [`Error::Image`] naming the file: missing, a folder, unreadable, empty, of a format or kind
    /// that is not read, cut off within its pixels or damaged, or of more than [`MAX_PIXELS`],
    /// which is found before the pixels are decoded.
    pub fn read(path: impl AsRef<Path>) -> Result<Decoded> {
        decode::read(path.as_ref())
    }

    /// What [`read`](Self::read) makes of a file with these bytes. `path` is for messages.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<Decoded> {
        decode::parse(path, bytes)
    }

    /// Writes the image as 8-bit RGB in the format of the extension: `.png`, `.jpg`/`.jpeg`
    /// (quality 95), `.webp` (lossless) or `.tif`/`.tiff`, in any case. Values are rounded, and the file is tagged as
    /// sRGB.
    ///
    /// The file is written under a temporary name in the same folder and renamed when complete, so
    /// a failure leaves an existing file as it was. It gets the permissions of the file it replaces,
    /// or the ordinary ones of a new file. A symbolic link keeps pointing at its (new) target.
    ///
    /// # Errors
    /// [`Error::Output`] naming the file: what [`check_output`] and [`check_output_fits`] find,
    /// and failures while writing such as a full disk.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_as(path, &Encoding::default())
    }

    /// As [`save`](Self::save), with a note, another depth or transparency.
    ///
    /// # Errors
    /// As [`save`](Self::save), and what [`check_depth`] finds.
    pub fn save_as(&self, path: impl AsRef<Path>, encoding: &Encoding) -> Result<()> {
        save::save(self, path.as_ref(), encoding)
    }

    /// The bytes of a PNG file, 8 bits a value.
    ///
    /// # Errors
    /// [`Error::Image`] if the image cannot be packed, for want of memory at most.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        self.to_png_as(&Encoding::default())
    }

    /// The bytes that [`save_as`](Self::save_as) writes to a PNG file.
    ///
    /// # Errors
    /// As [`to_png`](Self::to_png).
    pub fn to_png_as(&self, encoding: &Encoding) -> Result<Vec<u8>> {
        save::to_png(self, encoding)
    }

    /// The note that a PNG file carries.
    ///
    /// # Errors
    /// [`Error::Image`] naming the file: it cannot be read, is no PNG file, or carries no note.
    pub fn note(path: impl AsRef<Path>) -> Result<String> {
        save::note(path.as_ref())
    }

    /// The note in the bytes of a PNG file. `path` is for messages.
    ///
    /// # Errors
    /// As [`note`](Self::note).
    pub fn parse_note(path: &Path, bytes: &[u8]) -> Result<String> {
        save::note_in(path, Cursor::new(bytes))
    }

    /// The image scaled to `size` with its aspect kept, see [`scaled_dimensions`]; a plain copy
    /// when it has that size already. Smaller and larger are both possible.
    ///
    /// # Errors
    /// [`Error::Usage`] when the result would have more than [`MAX_PIXELS`].
    pub fn resized(&self, size: Size) -> Result<Self> {
        let (width, height) = scaled_dimensions(self.width, self.height, size);
        self.resized_to(width, height)
    }

    /// The image scaled to exactly `width` x `height` pixels, whatever its aspect, by a Lanczos
    /// filter of radius 3 (widened when shrinking) in `f32`, clamped to 0..=255.
    ///
    /// # Errors
    /// [`Error::Usage`] when a side is 0 or the result would have more than [`MAX_PIXELS`].
    pub fn resized_to(&self, width: u32, height: u32) -> Result<Self> {
        check_pixels(width, height)
            .map_err(|reason| Error::Usage(format!("cannot resize to that size: {reason}")))?;
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }
        let from = (self.width as usize, self.height as usize);
        let rgb = resample::lanczos3(&self.rgb, from, (width as usize, height as usize));
        Ok(Self { width, height, rgb: Arc::new(rgb) })
    }

    /// Pixels per row, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// `width * height * 3` values in 0..=255: rows from the top, pixels from the left, then red,
    /// green, blue.
    pub fn pixels(&self) -> &[f32] {
        &self.rgb
    }

    /// [`Image::pixels`], without copying where no clone is left.
    pub fn into_pixels(self) -> Vec<f32> {
        Arc::unwrap_or_clone(self.rgb)
    }
}

/// Finds out from a file's first bytes whether its format is read.
///
/// # Errors
/// [`Error::Image`] naming the file and, where it is known, what it is and the tool that converts it.
pub fn check_format(path: impl AsRef<Path>) -> Result<()> {
    decode::check_format(path.as_ref())
}

/// What is wrong with an image of this size and what to do about it, if anything.
fn check_pixels(width: u32, height: u32) -> Result<(), String> {
    if width == 0 || height == 0 {
        return Err(format!("{width} x {height} pixels: a picture needs at least 1 x 1"));
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(format!(
            "{width} x {height} pixels are too many: at most {MAX_PIXELS} (such as 16384 x 16384) \
             are accepted, make the picture smaller"
        ));
    }
    Ok(())
}
