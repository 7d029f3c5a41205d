//! How the samples of a TIFF image are stored, as its tags say; what cannot be read is refused here.

use image::metadata::Orientation;

use super::directory::{Directory, File, tag};
use super::{Model, Outcome, check_pixels, damaged, orientation, unsupported};

/// What a sample is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Unsigned,
    Signed,
    Float,
}

/// What the samples of a pixel mean.
#[derive(Debug, PartialEq)]
pub(super) enum Photometric {
    /// Grey. White is zero, or black is.
    Grey {
        inverted: bool,
    },
    Rgb,
    /// 2^bits values of red, then of green, then of blue, in 0..=65535 or all in 0..=255.
    Palette(Vec<f32>),
    Cmyk,
    YCbCr(Luma),
    /// CIE 1976 L*a*b* relative to D50, a* and b* signed or offset by 128.
    Lab {
        offset: bool,
    },
}

impl Photometric {
    /// Samples of a pixel in the file, without extra ones.
    fn samples(&self) -> usize {
        match self {
            Self::Grey { .. } | Self::Palette(_) => 1,
            Self::Rgb | Self::YCbCr(_) | Self::Lab { .. } => 3,
            Self::Cmyk => 4,
        }
    }

    /// What pixels become.
    pub(super) fn model(&self) -> Model {
        match self {
            Self::Grey { .. } => Model::Grey,
            Self::Cmyk => Model::Cmyk,
            _ => Model::Rgb,
        }
    }
}

/// How RGB follows from YCbCr.
#[derive(Debug, PartialEq)]
pub(super) struct Luma {
    /// The shares of red, green and blue in Y.
    pub(super) coefficients: [f32; 3],
    /// Codes for black and white of Y, and for the middle and the end of Cb and Cr.
    pub(super) range: [f32; 6],
    /// Pixels across and down that share a Cb and a Cr.
    pub(super) shared: (usize, usize),
}

/// The channel of opacity.
#[derive(Debug, PartialEq)]
pub(super) struct Alpha {
    /// Which sample of the pixel it is.
    pub(super) sample: usize,
    pub(super) premultiplied: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Lzw,
    Deflate,
    PackBits,
    Jpeg,
    Fax(Fax),
}

/// A code of ITU-T T.4 or T.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fax {
    /// Modified Huffman: rows begin at bytes.
    Rle,
    /// Group 3: rows begin with an end-of-line code; `mixed` ones then tell whether they are coded alone.
    Group3 {
        mixed: bool,
    },
    Group4,
}

/// What was done to rows before compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Predictor {
    None,
    /// Samples are differences to the pixel before.
    Difference,
    /// The bytes of floats lie apart, most significant first, as differences.
    Floats,
}

/// The pieces that the image is stored in, row by row, plane after plane.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Pieces in a row.
    pub(super) across: usize,
    /// Pieces of a plane.
    pub(super) count: usize,
    pub(super) offsets: Vec<u64>,
    /// Empty if the file does not say.
    pub(super) lengths: Vec<u64>,
}

/// The layout of an image.
pub(super) struct Layout<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Per sample.
    pub(super) bits: u32,
    pub(super) format: Format,
    /// Samples of a pixel in the file.
    pub(super) samples: usize,
    /// Whether each plane is stored for itself.
    pub(super) planar: bool,
    pub(super) photometric: Photometric,
    pub(super) alpha: Option<Alpha>,
    pub(super) compression: Compression,
    pub(super) predictor: Predictor,
    /// Whether the bits of each byte are stored in reverse.
    pub(super) reversed: bool,
    pub(super) grid: Grid,
    pub(super) jpeg_tables: Option<&'a [u8]>,
    /// Whether JPEG data is YCbCr that its decoder is to turn into RGB.
    pub(super) jpeg_ycbcr: bool,
    pub(super) orientation: Orientation,
}

impl<'a> Layout<'a> {
    /// Reads the layout of the image of `directory`.
    pub(super) fn of(file: &File<'a>, directory: &Directory) -> Outcome<Self> {
        let tags = Tags { file, directory };
        let side = |tag| u32::try_from(tags.number(tag, 0)).unwrap_or(u32::MAX);
        let (width, height) = (side(tag::WIDTH), side(tag::HEIGHT));
        check_pixels(width, height)?;
        let bits = tags.same(tag::BITS, 1, "samples of different depths")?;
        let format = tags.format()?;
        let compression = tags.compression()?;
        let samples = usize::from(u16::try_from(tags.number(tag::SAMPLES_PER_PIXEL, 1)).unwrap_or(u16::MAX));
        let jpeg = compression == Compression::Jpeg;
        let mut photometric = tags.photometric(bits)?;
        let jpeg_ycbcr = jpeg && matches!(photometric, Photometric::YCbCr(_));
        if jpeg_ycbcr {
            photometric = Photometric::Rgb;
        }
        let planar = tags.number(tag::PLANAR, 1) == 2 && samples > 1;
        let layout = Self {
            width,
            height,
            bits: bits as u32,
            // CIELab has signed and unsigned samples at once, which are told apart when they are converted.
            format: if matches!(photometric, Photometric::Lab { .. }) { Format::Unsigned } else { format },
            samples,
            planar,
            alpha: tags.alpha(&photometric, samples),
            photometric,
            compression,
            predictor: tags.predictor()?,
            reversed: tags.number(tag::FILL_ORDER, 1) == 2 && !jpeg,
            grid: tags.grid(width, height, if planar { samples } else { 1 })?,
            jpeg_tables: file.raw(directory, tag::JPEG_TABLES),
            jpeg_ycbcr,
            orientation: orientation(file, directory),
        };
        layout.check()?;
        Ok(layout)
    }

    /// The samples of the file that make a pixel here: its colour, then its alpha.
    pub(super) fn kept(&self) -> Vec<usize> {
        let alpha = self.alpha.as_ref().map(|alpha| alpha.sample);
        (0..self.photometric.samples()).chain(alpha).collect()
    }

    /// Samples of a pixel in a piece.
    pub(super) fn samples_in_piece(&self) -> usize {
        if self.planar { 1 } else { self.samples }
    }

    /// Pixels that share a Cb and a Cr, where the pieces are stored so.
    pub(super) fn shared(&self) -> Option<(usize, usize)> {
        match &self.photometric {
            Photometric::YCbCr(luma) if luma.shared != (1, 1) => Some(luma.shared),
            _ => None,
        }
    }

    /// Refuses combinations that are not read.
    fn check(&self) -> Outcome<()> {
        use Format::*;
        let (bits, photometric) = (self.bits, &self.photometric);
        let known = match self.format {
            Unsigned => (1..=16).contains(&bits) || bits == 32,
            Signed => [8, 16, 32].contains(&bits),
            Float => [16, 32, 64].contains(&bits),
        };
        if !known {
            let kind = format!("{:?}", self.format).to_lowercase();
            return Err(unsupported("TIFF", format!("{kind} samples of {bits} bits")));
        }
        if self.samples < photometric.samples() {
            return Err(damaged("TIFF", format!("{} samples are too few for a pixel", self.samples)));
        }
        let fits = match photometric {
            Photometric::Palette(colours) => self.format == Unsigned && colours.len() == 3 << bits,
            Photometric::YCbCr(_) => self.format == Unsigned && bits == 8,
            Photometric::Lab { offset } => bits == 8 || bits == 16 && !offset,
            _ => true,
        };
        let stored = match self.compression {
            Compression::Jpeg => bits == 8 && self.format == Unsigned,
            Compression::Fax(_) => bits == 1 && self.samples_in_piece() == 1,
            _ => true,
        };
        let predicted = match self.predictor {
            Predictor::None => true,
            Predictor::Difference => [8, 16, 32, 64].contains(&bits) && self.shared().is_none(),
            Predictor::Floats => self.format == Float,
        };
        let shared = self.shared().is_none() || self.samples == 3 && !self.planar;
        if fits && stored && predicted && shared {
            return Ok(());
        }
        let (compression, predictor) = (self.compression, self.predictor);
        let name = match photometric {
            Photometric::Palette(_) => "palette".into(),
            other => format!("{other:?}").split([' ', '(']).next().unwrap_or_default().to_lowercase(),
        };
        let what = format!("{name} of {bits} bits, compression {compression:?}, predictor {predictor:?}");
        Err(unsupported("TIFF", what))
    }
}

/// The tags of a directory.
struct Tags<'a> {
    file: &'a File<'a>,
    directory: &'a Directory,
}

impl Tags<'_> {
    /// The first value of a tag.
    fn number(&self, tag: u16, default: u64) -> u64 {
        self.file.integer(self.directory, tag).unwrap_or(default)
    }

    fn numbers(&self, tag: u16) -> Vec<u64> {
        self.file.integers(self.directory, tag).unwrap_or_default()
    }

    /// The value that all samples share.
    fn same(&self, tag: u16, default: u64, otherwise: &str) -> Outcome<u64> {
        let values = self.numbers(tag);
        match values.first() {
            None => Ok(default),
            Some(first) if values.iter().all(|value| value == first) => Ok(*first),
            Some(_) => Err(unsupported("TIFF", otherwise)),
        }
    }

    fn format(&self) -> Outcome<Format> {
        match self.same(tag::SAMPLE_FORMAT, 1, "samples of different kinds")? {
            // 4 is "undefined".
            1 | 4 => Ok(Format::Unsigned),
            2 => Ok(Format::Signed),
            3 => Ok(Format::Float),
            5 | 6 => Err(unsupported("TIFF", "complex numbers")),
            other => Err(damaged("TIFF", format!("sample format {other} does not exist"))),
        }
    }

    fn compression(&self) -> Outcome<Compression> {
        let name = match self.number(tag::COMPRESSION, 1) {
            1 => return Ok(Compression::None),
            2 => return Ok(Compression::Fax(Fax::Rle)),
            3 => {
                let mixed = self.number(tag::FAX3_OPTIONS, 0) & 1 == 1;
                return Ok(Compression::Fax(Fax::Group3 { mixed }));
            }
            4 => return Ok(Compression::Fax(Fax::Group4)),
            5 => return Ok(Compression::Lzw),
            7 => return Ok(Compression::Jpeg),
            8 | 32_946 => return Ok(Compression::Deflate),
            32_773 => return Ok(Compression::PackBits),
            6 => "JPEG in the old style",
            9 | 10 | 34_661 => "JBIG",
            33_003 | 33_005 | 34_712 => "JPEG 2000",
            34_676 | 34_677 => "SGI's LogLuv",
            34_887 => "LERC",
            34_925 => "LZMA",
            50_000 | 34_926 => "Zstandard",
            50_001 | 34_927 => "WebP",
            50_002 | 52_546 => "JPEG XL",
            other => return Err(unsupported("TIFF", format!("compression number {other}"))),
        };
        Err(unsupported("TIFF", format!("its compression is {name}")))
    }

    fn photometric(&self, bits: u64) -> Outcome<Photometric> {
        Ok(match self.file.integer(self.directory, tag::PHOTOMETRIC) {
            Some(0) => Photometric::Grey { inverted: true },
            Some(1) => Photometric::Grey { inverted: false },
            Some(2) => Photometric::Rgb,
            Some(3) => Photometric::Palette(self.palette(bits)),
            Some(5) => Photometric::Cmyk,
            Some(6) => Photometric::YCbCr(self.luma()?),
            Some(8) => Photometric::Lab { offset: false },
            Some(9) => Photometric::Lab { offset: true },
            Some(10) => return Err(unsupported("TIFF", "CIELab of ITU-T T.42")),
            Some(32_844 | 32_845) => return Err(unsupported("TIFF", "its colours are SGI's LogLuv")),
            Some(other) => return Err(unsupported("TIFF", format!("colours of number {other}"))),
            None => return Err(damaged("TIFF", "it does not say what its samples are")),
        })
    }

    /// The palette on the 0..255 scale. Some writers store bytes in it.
    fn palette(&self, bits: u64) -> Vec<f32> {
        let mut colours = self.numbers(tag::PALETTE);
        colours.truncate(3 << bits.min(16));
        let bytes = colours.iter().all(|value| *value < 256);
        colours.iter().map(|value| *value as f32 / if bytes { 1.0 } else { 257.0 }).collect()
    }

    fn luma(&self) -> Outcome<Luma> {
        let real = |tag| self.file.reals(self.directory, tag).unwrap_or_default();
        let floats = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect::<Vec<f32>>();
        let coefficients = floats(real(tag::YCBCR_COEFFICIENTS)).try_into().unwrap_or([0.299, 0.587, 0.114]);
        let range = floats(real(tag::REFERENCE_BLACK_WHITE))
            .try_into()
            .unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]);
        let spans = [0, 2, 4].map(|i| range[i + 1] - range[i]);
        let divisors = [coefficients[1], spans[0], spans[1], spans[2]];
        if divisors.iter().any(|d| !d.is_finite() || d.abs() < 1e-6) {
            return Err(damaged("TIFF", "its YCbCr coefficients make no colours"));
        }
        let shared = match self.numbers(tag::YCBCR_SUBSAMPLING)[..] {
            [] => (2, 2),
            [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => (across as usize, down as usize),
            _ => return Err(damaged("TIFF", "its chroma subsampling does not exist")),
        };
        Ok(Luma { coefficients, range, shared })
    }

    /// The first extra sample that is an opacity. Writers of RGBA tend to forget to say so.
    fn alpha(&self, photometric: &Photometric, samples: usize) -> Option<Alpha> {
        let colours = photometric.samples();
        let kinds = self.numbers(tag::EXTRA_SAMPLES);
        if kinds.is_empty() && *photometric == Photometric::Rgb && samples == 4 {
            return Some(Alpha { sample: 3, premultiplied: false });
        }
        let found = kinds.iter().position(|kind| *kind == 1 || *kind == 2)?;
        let sample = colours + found;
        (sample < samples).then_some(Alpha { sample, premultiplied: kinds[found] == 1 })
    }

    fn predictor(&self) -> Outcome<Predictor> {
        match self.number(tag::PREDICTOR, 1) {
            1 => Ok(Predictor::None),
            2 => Ok(Predictor::Difference),
            3 => Ok(Predictor::Floats),
            other => Err(unsupported("TIFF", format!("predictor {other}"))),
        }
    }

    /// Tiles, or strips of the whole width.
    fn grid(&self, width: u32, height: u32, planes: usize) -> Outcome<Grid> {
        let tiled = self.directory.has(tag::TILE_WIDTH);
        let side = |tag, whole: u32| u32::try_from(self.number(tag, whole.into())).unwrap_or(u32::MAX);
        let (piece_width, piece_height) = match tiled {
            true => (side(tag::TILE_WIDTH, 0), side(tag::TILE_HEIGHT, 0)),
            false => (width, side(tag::ROWS_PER_STRIP, height).min(height)),
        };
        if piece_width == 0 || piece_height == 0 {
            return Err(damaged("TIFF", "its strips or tiles have no size"));
        }
        check_pixels(piece_width, piece_height)?;
        let across = width.div_ceil(piece_width) as usize;
        let count = across * height.div_ceil(piece_height) as usize;
        let (offsets, lengths) = match tiled {
            true => (tag::TILE_OFFSETS, tag::TILE_LENGTHS),
            false => (tag::STRIP_OFFSETS, tag::STRIP_LENGTHS),
        };
        let (offsets, lengths) = (self.numbers(offsets), self.numbers(lengths));
        let needed = count.saturating_mul(planes);
        if offsets.len() < needed || !lengths.is_empty() && lengths.len() < needed {
            let found = offsets.len();
            return Err(damaged("TIFF", format!("it needs {needed} strips or tiles, and has {found}")));
        }
        Ok(Grid { width: piece_width, height: piece_height, across, count, offsets, lengths })
    }
}
