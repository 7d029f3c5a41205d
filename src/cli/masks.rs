//! Mask files: grey images, transparent ones, and images in which each region has a colour of its own.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use impasto::image_io::{Decoded, Image};
use impasto::objective::Region;
use impasto::{Error, Result};

use super::paths::{plain, read_image};

/// A file with a mask in it. Written `FILE`, or `FILE#rrggbb` for the region that has this colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskFile {
    pub path: PathBuf,
    /// The colour of the region; `None` for a mask whose brightness says how much it applies.
    pub colour: Option<Colour>,
}

/// Masks of one use of an option.
#[derive(Debug, Clone)]
pub struct MaskList(pub Vec<MaskFile>);

/// Red, green and blue. Written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour([u8; 3]);

/// The parser of options that take one mask.
pub fn mask() -> impl TypedValueParser<Value = MaskFile> {
    PathBufValueParser::new().map(MaskFile::from)
}

/// The parser of options that take several masks with commas between them.
pub fn mask_list() -> impl TypedValueParser<Value = MaskList> {
    PathBufValueParser::new().map(|given| MaskList(split(given)))
}

/// One mask if there is such a file, or else as many as there are commas between.
fn split(given: PathBuf) -> Vec<MaskFile> {
    let whole = MaskFile::from(given.clone());
    match given.to_str() {
        Some(text) if !whole.path.exists() => {
            text.split(',').map(|part| MaskFile::from(PathBuf::from(part))).collect()
        }
        _ => vec![whole],
    }
}

impl From<PathBuf> for MaskFile {
    /// The end of a name is a colour unless there is a file of the whole name.
    fn from(given: PathBuf) -> Self {
        let whole = plain(given);
        let parts = whole.to_str().filter(|_| !whole.exists()).and_then(|text| text.rsplit_once('#'));
        match parts.and_then(|(path, digits)| Some((path, Colour::parse(digits)?))) {
            Some((path, colour)) => Self { path: plain(path.into()), colour: Some(colour) },
            None => Self { path: whole, colour: None },
        }
    }
}

impl fmt::Display for MaskFile {
    /// Writes what a command line takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        self.colour.map_or(Ok(()), |colour| write!(f, "{colour}"))
    }
}

impl Colour {
    /// A pixel has the colour if no channel is further away than this: JPEG changes colours near edges.
    const TOLERANCE: f32 = 32.0;

    /// From six hexadecimal digits.
    fn parse(digits: &str) -> Option<Self> {
        let all_digits = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| all_digits)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    fn is_near(self, pixel: [f32; 3]) -> bool {
        self.0.iter().zip(pixel).all(|(a, b)| (f32::from(*a) - b).abs() <= Self::TOLERANCE)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl MaskFile {
    /// The region that the mask describes: what is transparent does not belong to it.
    ///
    /// # Errors
    /// [`Error::Image`] naming the file: it cannot be read, describes no part of an image, or has colours of which
    /// none is chosen.
    pub fn region(&self) -> Result<Region> {
        let refuse = |reason: String| Error::Image { path: self.path.clone(), reason };
        let Decoded { image, alpha, .. } = read_image(&self.path)?;
        let opacity = |i: usize| alpha.as_ref().map_or(255.0, |alpha| alpha.values()[i]);
        let pixels =
            || image.pixels().chunks_exact(3).enumerate().map(|(i, rgb)| Pixel::new(rgb, opacity(i)));
        let weights: Vec<f32> = match self.colour {
            Some(colour) => {
                pixels().map(|pixel| if colour.is_near(pixel.colour) { pixel.opacity } else { 0.0 }).collect()
            }
            None if pixels().any(|pixel| pixel.is_coloured()) => {
                return Err(refuse(format!(
                    "is coloured, and a mask is grey; to take one of its colours write {}{}",
                    self.path.display(),
                    one_of(&main_colours(pixels()))
                )));
            }
            None => pixels().map(|pixel| pixel.brightness()).collect(),
        };
        if let Some(colour) = self.colour.filter(|_| weights.iter().all(|weight| *weight < 1.0)) {
            return Err(refuse(format!(
                "has no pixel of the colour {colour}: choose {}",
                one_of(&main_colours(pixels()))
            )));
        }
        let mask = Image::from_rgb(
            image.width(),
            image.height(),
            weights.into_iter().flat_map(|v| [v; 3]).collect(),
        );
        Region::new(mask?).map_err(|error| refuse(error.to_string()))
    }
}

/// A pixel of a mask, on the 0..255 scale.
struct Pixel {
    colour: [f32; 3],
    opacity: f32,
}

impl Pixel {
    /// From colours over white.
    fn new(over_white: &[f32], opacity: f32) -> Self {
        let factor = if opacity > 0.0 { 255.0 / opacity } else { 0.0 };
        Self { colour: [0, 1, 2].map(|c| 255.0 - (255.0 - over_white[c]) * factor), opacity }
    }

    /// White paint on nothing is as a grey mask, and so is it on black.
    fn brightness(&self) -> f32 {
        self.colour.iter().sum::<f32>() / 3.0 * self.opacity / 255.0
    }

    /// True if the channels differ by more than what JPEG makes of grey.
    fn is_coloured(&self) -> bool {
        let (low, high) =
            (self.colour.into_iter().fold(255.0, f32::min), self.colour.into_iter().fold(0.0, f32::max));
        (high - low) * self.opacity / 255.0 > Colour::TOLERANCE
    }
}

/// The most frequent colours that can be seen, at most four.
fn main_colours(pixels: impl Iterator<Item = Pixel>) -> Vec<Colour> {
    // Near colours are counted together.
    let mut groups: HashMap<[u8; 3], (usize, [f64; 3])> = HashMap::new();
    for pixel in pixels.filter(|pixel| pixel.opacity >= 128.0) {
        let (count, sums) = groups.entry(pixel.colour.map(|v| (v / 33.0) as u8)).or_default();
        *count += 1;
        sums.iter_mut().zip(pixel.colour).for_each(|(sum, v)| *sum += f64::from(v));
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(key, (count, _))| (std::cmp::Reverse(*count), *key));
    let mean = |(_, (count, sums)): ([u8; 3], (usize, [f64; 3]))| {
        Colour(sums.map(|sum| (sum / count as f64).round() as u8))
    };
    groups.into_iter().take(4).map(mean).collect()
}

/// Colours as a choice in a sentence.
fn one_of(colours: &[Colour]) -> String {
    match colours {
        [] => "another mask, since nothing can be seen in this one".into(),
        _ => colours.iter().map(Colour::to_string).collect::<Vec<_>>().join(" or "),
    }
}

/// Where both regions apply, at the size of the larger mask; `None` if they have nothing in common.
///
/// # Errors
/// As [`Image::resized_to`].
pub fn intersection(one: &Region, other: &Region) -> Result<Option<Region>> {
    let size = |region: &Region| (region.mask().width(), region.mask().height());
    let (width, height) = size(one).max(size(other));
    let white = one.white() * other.white();
    let [one, other] = [one, other].map(|region| region.mask().resized_to(width, height));
    let (one, other) = (one?, other?);
    let product = one.pixels().iter().zip(other.pixels()).map(|(a, b)| a * b / 255.0).collect();
    Ok(Region::new(Image::from_rgb(width, height, product)?).ok().map(|region| region.with_white(white)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use impasto::image_io::{Alpha, Encoding};

    fn colour(text: &str) -> Option<Colour> {
        text.strip_prefix('#').and_then(Colour::parse)
    }

    #[test]
    fn names_may_end_with_a_colour() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a,b.png"), "").unwrap();
        std::fs::write(at("c#00ff00"), "").unwrap();
        let mask = |name: &str| MaskFile::from(at(name));
        assert_eq!(mask("m.png#FF8000"), MaskFile { path: at("m.png"), colour: colour("#ff8000") });
        assert_eq!(mask("m.png#FF8000").to_string(), format!("{}#ff8000", at("m.png").display()));
        for name in ["m.png", "c#00ff00", "m.png#ff800", "m.png#ff80000", "m.png#+f8000", "m.png#"] {
            assert_eq!(mask(name), MaskFile { path: at(name), colour: None }, "{name}");
        }
        let quoted = MaskFile::from(PathBuf::from(format!("'{}'#000001", at("a,b.png").display())));
        assert_eq!(quoted, MaskFile { path: at("a,b.png"), colour: Some(Colour([0, 0, 1])) });
        assert_eq!(split(at("a,b.png#ff0000")), [mask("a,b.png#ff0000")]);
        assert_eq!(split(at("a,b.png")), [mask("a,b.png")]);
        let list = format!("{0}#ff0000,{0}#0000ff", at("m.png").display());
        assert_eq!(split(list.into()), [mask("m.png#ff0000"), mask("m.png#0000ff")]);
    }

    /// The mask of a file with these colours and opacities, as `name`.
    fn region(pixels: &[[f32; 4]], end: &str) -> Result<Vec<f32>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.png");
        let over_white =
            pixels.iter().flat_map(|[r, g, b, a]| [r, g, b].map(|v| v * a / 255.0 + 255.0 - a)).collect();
        let alpha = Alpha::new(pixels.len() as u32, 1, pixels.iter().map(|p| p[3]).collect()).unwrap();
        let image = Image::from_rgb(pixels.len() as u32, 1, over_white).unwrap();
        image.save_as(&path, &Encoding { alpha: Some(&alpha), ..Encoding::default() }).unwrap();
        let region = MaskFile::from(PathBuf::from(format!("{}{end}", path.display()))).region()?;
        Ok(region.mask().pixels().iter().step_by(3).copied().collect())
    }

    #[test]
    fn what_is_transparent_is_no_part_of_a_mask() {
        let white = |a| [255.0, 255.0, 255.0, a];
        assert_eq!(region(&[white(255.0), white(0.0)], "").unwrap(), [255.0, 0.0]);
        let half = region(&[white(255.0), white(102.0), [128.0, 128.0, 128.0, 255.0]], "").unwrap();
        assert!(half.iter().zip([255.0, 102.0, 128.0]).all(|(a, b)| (a - b).abs() < 0.1), "{half:?}");
        let black = region(&[[0.0, 0.0, 0.0, 255.0], white(0.0)], "").unwrap_err().to_string();
        assert!(black.contains("m.png") && black.contains("black all over"), "{black}");
    }

    #[test]
    fn colours_have_to_be_chosen() {
        let map = [
            [250.0, 5.0, 0.0, 255.0],
            [255.0, 0.0, 0.0, 255.0],
            [0.0, 0.0, 255.0, 255.0],
            [255.0, 0.0, 0.0, 0.0],
        ];
        let refused = region(&map, "").unwrap_err().to_string();
        assert!(refused.contains("is coloured") && refused.contains("m.png#fd0300 or #0000ff"), "{refused}");
        assert_eq!(region(&map, "#ff0000").unwrap(), [255.0, 255.0, 0.0, 0.0]);
        assert_eq!(region(&map, "#0000f0").unwrap(), [0.0, 0.0, 255.0, 0.0]);
        let missing = region(&map, "#00ff00").unwrap_err().to_string();
        assert!(missing.contains("no pixel of the colour #00ff00: choose #fd0300 or #0000ff"), "{missing}");
        // White and grey can be colours, too.
        let grey = [[255.0, 255.0, 255.0, 255.0], [128.0, 128.0, 128.0, 255.0]];
        assert_eq!(region(&grey, "#808080").unwrap(), [0.0, 255.0]);
    }

    #[test]
    fn regions_intersect() {
        let region = |width: u32, values: &[f32]| {
            let rgb = values.iter().flat_map(|v| [*v; 3]).collect();
            Region::new(Image::from_rgb(width, 1, rgb).unwrap()).unwrap()
        };
        let left = region(4, &[255.0, 255.0, 0.0, 0.0]);
        let middle = region(4, &[0.0, 102.0, 255.0, 0.0]);
        let common = intersection(&left, &middle).unwrap().unwrap();
        let values: Vec<f32> = common.mask().pixels().iter().step_by(3).copied().collect();
        assert_eq!(values, [0.0, 102.0, 0.0, 0.0]);
        assert!(intersection(&left, &region(4, &[0.0, 0.0, 0.0, 255.0])).unwrap().is_none());
        let smaller = intersection(&region(1, &[255.0]), &left).unwrap().unwrap();
        assert_eq!(smaller, left);
    }
}
