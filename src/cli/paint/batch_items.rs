//! The images of a batch: which files of the folder are painted, and under which names.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use impasto::{Error, Result};

/// File formats of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatOption {
    /// With the settings inside
    Png,
    /// Quality 95
    Jpg,
    /// Lossless
    Webp,
    /// 8 bits
    Tif,
}

impl FormatOption {
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpg => "jpg",
            Self::Webp => "webp",
            Self::Tif => "tif",
        }
    }
}

/// Extensions of image files. Their content is checked when they are read.
const IMAGES: [&str; 7] = ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp"];

/// A part of a batch. Written `2/8`: the second of eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    pub index: usize,
    pub count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = |part: &str| part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()));
        match text.split_once('/').map(|(index, count)| (number(index), number(count))) {
            Some((Some(index), Some(count))) if (1..=count).contains(&index) => {
                Ok(Self { index: index - 1, count })
            }
            _ => Err("give I/N, such as 1/4 for the first of four: I from 1 to N".into()),
        }
    }
}

/// One content image of a batch.
#[derive(Debug, PartialEq)]
pub struct Item {
    pub content: PathBuf,
    pub output: PathBuf,
    /// An earlier file of the folder that has the same output.
    pub rival: Option<PathBuf>,
}

/// The images to paint in the order of their names: those of the folder, or the shard of them.
///
/// # Errors
/// [`Error::Image`] for a folder without images, [`Error::Output`] for an output folder that cannot be made, and
/// [`Error::Usage`] if the two are one.
pub fn items(folder: &Path, output: &Path, format: FormatOption, shard: Option<Shard>) -> Result<Vec<Item>> {
    let files = images_of(folder)?;
    make_folder(output)?;
    if folder.canonicalize().ok() == output.canonicalize().ok() {
        return Err(Error::Usage(format!(
            "--output must be another folder than {}: its pictures would be painted by the next batch",
            folder.display()
        )));
    }
    let all = with_outputs(files, output, format);
    let Shard { index, count } = shard.unwrap_or(Shard { index: 0, count: 1 });
    Ok(all.into_iter().skip(index).step_by(count).collect())
}

/// The images of a folder by their names; hidden files and those of other extensions are left alone.
fn images_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let refuse = |reason: String| Error::Image { path: folder.into(), reason };
    let entries = std::fs::read_dir(folder).map_err(|e| {
        refuse(format!(
            "cannot be read as a folder: {}; the first argument of batch is a folder of images",
            e.kind()
        ))
    })?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut images: Vec<PathBuf> = paths.filter(|path| is_image(path) && path.is_file()).collect();
    if images.is_empty() {
        return Err(refuse(format!("holds no image: files that end in .{} are taken", IMAGES.join(", ."))));
    }
    images.sort();
    Ok(images)
}

fn is_image(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    !hidden && IMAGES.contains(&extension.as_str())
}

fn make_folder(path: &Path) -> Result<()> {
    let failed = |e: std::io::Error| Error::Output {
        path: path.into(),
        reason: format!("no folder can be made there: {}; the output of batch is a folder", e.kind()),
    };
    std::fs::create_dir_all(path).map_err(failed)
}

/// Pairs contents with outputs. Names that differ in nothing but the extension, or on some systems in the
/// case of letters, would overwrite each other: the first has the name.
fn with_outputs(files: Vec<PathBuf>, folder: &Path, format: FormatOption) -> Vec<Item> {
    let mut taken: HashMap<String, PathBuf> = HashMap::new();
    let item = |content: PathBuf| {
        let mut name = content.file_stem().unwrap_or_default().to_os_string();
        let rival = taken.get(&name.to_string_lossy().to_lowercase()).cloned();
        taken.entry(name.to_string_lossy().to_lowercase()).or_insert_with(|| content.clone());
        name.push(".");
        name.push(format.extension());
        Item { output: folder.join(name), content, rival }
    };
    files.into_iter().map(item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("2/8".parse(), Ok(Shard { index: 1, count: 8 }));
        assert_eq!("1/1".parse(), Ok(Shard { index: 0, count: 1 }));
        for text in ["", "1", "0/3", "4/3", "1/0", "-1/3", "+1/3", "1/3/5", "a/b", "1/ 3"] {
            assert!(text.parse::<Shard>().unwrap_err().contains("I/N"), "{text}");
        }
    }

    #[test]
    fn the_first_of_two_files_has_the_name() {
        let files = ["in/a.jpg", "in/a.png", "in/A.webp", "in/b.c.png"].map(PathBuf::from);
        let items = with_outputs(files.to_vec(), Path::new("out"), FormatOption::Webp);
        let outputs: Vec<_> = items.iter().map(|item| item.output.to_str().unwrap()).collect();
        assert_eq!(outputs, ["out/a.webp", "out/a.webp", "out/A.webp", "out/b.c.webp"]);
        let first = Some(files[0].clone());
        let rivals: Vec<_> = items.into_iter().map(|item| item.rival).collect();
        assert_eq!(rivals, [None, first.clone(), first, None]);
    }

    #[test]
    fn images_are_recognised_by_their_names() {
        for name in ["a.png", "a.b.JPEG", "x/a.tif"] {
            assert!(is_image(Path::new(name)), "{name}");
        }
        for name in ["a.txt", "png", ".hidden.png", ".png", "a.heic", "a.gif"] {
            assert!(!is_image(Path::new(name)), "{name}");
        }
    }
}
