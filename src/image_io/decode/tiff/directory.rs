//! The directories of a TIFF file: which tags there are, and their values.
//!
//! Nothing here trusts the file: a value that reaches beyond its end is as good as missing.

/// Numbers of the tags that are read.
pub(in super::super) mod tag {
    pub const SUBFILE_TYPE: u16 = 254;
    pub const OLD_SUBFILE_TYPE: u16 = 255;
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const ORIENTATION: u16 = 274;
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_LENGTHS: u16 = 279;
    pub const PLANAR: u16 = 284;
    pub const FAX3_OPTIONS: u16 = 292;
    pub const PREDICTOR: u16 = 317;
    pub const PALETTE: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_HEIGHT: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_LENGTHS: u16 = 325;
    pub const SUB_IFDS: u16 = 330;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const JPEG_TABLES: u16 = 347;
    pub const YCBCR_COEFFICIENTS: u16 = 529;
    pub const YCBCR_SUBSAMPLING: u16 = 530;
    pub const REFERENCE_BLACK_WHITE: u16 = 532;
    pub const ICC_PROFILE: u16 = 34_675;
    pub const DNG_VERSION: u16 = 50_706;

    // Directories below an image, and what they hold.
    pub const EXIF: u16 = 34_665;
    pub const COLOUR_SPACE: u16 = 0xA001;
    pub const INTEROPERABILITY: u16 = 0xA005;
    pub const INTEROPERABILITY_INDEX: u16 = 1;
}

/// The bytes of a file and how its numbers are stored.
pub(in super::super) struct File<'a> {
    pub(in super::super) bytes: &'a [u8],
    pub(in super::super) big_endian: bool,
    /// BigTIFF: offsets and counts of 64 bits.
    big: bool,
}

/// A directory: one image, or what belongs to one.
pub(in super::super) struct Directory {
    /// Its offset in the file.
    pub(in super::super) at: u64,
    /// The offset of the next directory; 0 for none.
    pub(in super::super) next: u64,
    entries: Vec<Entry>,
}

/// Where the values of a tag are.
struct Entry {
    tag: u16,
    kind: Kind,
    count: usize,
    /// Offset of the first value.
    at: usize,
}

/// The type of a value.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Unsigned(usize),
    Signed(usize),
    Rational { signed: bool },
    Float(usize),
}

impl Kind {
    fn of(number: u64) -> Option<Self> {
        Some(match number {
            1 | 2 | 7 => Self::Unsigned(1),
            3 => Self::Unsigned(2),
            4 | 13 => Self::Unsigned(4),
            16 | 18 => Self::Unsigned(8),
            6 => Self::Signed(1),
            8 => Self::Signed(2),
            9 => Self::Signed(4),
            17 => Self::Signed(8),
            5 => Self::Rational { signed: false },
            10 => Self::Rational { signed: true },
            11 => Self::Float(4),
            12 => Self::Float(8),
            _ => return None,
        })
    }

    /// Bytes of a value.
    fn size(self) -> usize {
        match self {
            Self::Unsigned(size) | Self::Signed(size) | Self::Float(size) => size,
            Self::Rational { .. } => 8,
        }
    }
}

impl Directory {
    pub(in super::super) fn has(&self, tag: u16) -> bool {
        self.entry(tag).is_some()
    }

    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

impl<'a> File<'a> {
    /// A file by its header.
    pub(in super::super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = bytes.starts_with(b"MM");
        let mut file = Self { bytes, big_endian, big: false };
        file.big = file.unsigned(2, 2)? == 43;
        (bytes.len() >= if file.big { 16 } else { 8 }).then_some(file)
    }

    pub(in super::super) fn first_directory(&self) -> u64 {
        let found = if self.big { self.unsigned(8, 8) } else { self.unsigned(4, 4) };
        found.unwrap_or(0)
    }

    /// The directory at an offset. Entries whose values are not in the file are left out.
    pub(in super::super) fn directory(&self, at: u64) -> Option<Directory> {
        let (count_size, entry_size, word) = if self.big { (8, 20, 8) } else { (2, 12, 4) };
        let start = usize::try_from(at).ok()?;
        let count = usize::try_from(self.unsigned(start, count_size)?).ok()?;
        let first = start.checked_add(count_size)?;
        let end = first.checked_add(count.checked_mul(entry_size)?).filter(|end| *end <= self.bytes.len())?;
        let entries = (first..end).step_by(entry_size).filter_map(|at| self.entry(at, word)).collect();
        Some(Directory { at, next: self.unsigned(end, word).unwrap_or(0), entries })
    }

    /// The entry at an offset, whose count and value have `word` bytes each.
    fn entry(&self, at: usize, word: usize) -> Option<Entry> {
        let kind = Kind::of(self.unsigned(at + 2, 2)?)?;
        let count = usize::try_from(self.unsigned(at + 4, word)?).ok()?;
        let bytes = count.checked_mul(kind.size())?;
        let value = at + 4 + word;
        let first = if bytes <= word { value } else { usize::try_from(self.unsigned(value, word)?).ok()? };
        let inside = first.checked_add(bytes).is_some_and(|end| end <= self.bytes.len());
        let tag = self.unsigned(at, 2)? as u16;
        inside.then_some(Entry { tag, kind, count, at: first })
    }

    /// The bytes of a tag.
    pub(in super::super) fn raw(&self, directory: &Directory, tag: u16) -> Option<&'a [u8]> {
        let entry = directory.entry(tag)?;
        self.bytes.get(entry.at..entry.at + entry.count * entry.kind.size())
    }

    /// The first value of a tag, if it is a whole number from 0 up.
    pub(in super::super) fn integer(&self, directory: &Directory, tag: u16) -> Option<u64> {
        let entry = directory.entry(tag).filter(|entry| entry.count > 0)?;
        self.integer_at(entry, 0)
    }

    /// The values of a tag, if they are whole numbers from 0 up.
    pub(in super::super) fn integers(&self, directory: &Directory, tag: u16) -> Option<Vec<u64>> {
        let entry = directory.entry(tag)?;
        (0..entry.count).map(|i| self.integer_at(entry, i)).collect()
    }

    fn integer_at(&self, entry: &Entry, index: usize) -> Option<u64> {
        match entry.kind {
            Kind::Unsigned(size) => self.unsigned(entry.at + index * size, size),
            Kind::Signed(size) => {
                let value = self.unsigned(entry.at + index * size, size)?;
                (value >> (8 * size - 1) == 0).then_some(value)
            }
            _ => None,
        }
    }

    /// The values of a tag, if they are fractions or floats.
    pub(in super::super) fn reals(&self, directory: &Directory, tag: u16) -> Option<Vec<f64>> {
        let entry = directory.entry(tag)?;
        let value = |i: usize| {
            let at = entry.at + i * entry.kind.size();
            Some(match entry.kind {
                Kind::Unsigned(size) => self.unsigned(at, size)? as f64,
                Kind::Rational { signed: false } => {
                    self.unsigned(at, 4)? as f64 / self.unsigned(at + 4, 4)? as f64
                }
                Kind::Float(4) => f32::from_bits(self.unsigned(at, 4)? as u32).into(),
                Kind::Float(_) => f64::from_bits(self.unsigned(at, 8)?),
                Kind::Rational { signed: true } | Kind::Signed(_) => return None,
            })
        };
        (0..entry.count).map(value).collect()
    }

    /// The number in `size` bytes, at most 8, at an offset.
    fn unsigned(&self, at: usize, size: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(size)?)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.big_endian {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        })
    }
}
