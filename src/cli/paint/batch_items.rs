//! The pictures of a batch: which content is painted in which style, and under which name.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use impasto::{Error, Result};

use super::batch_files::{Listing, is_pattern};

/// File formats of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatOption {
    /// With the settings inside
    Png,
    /// Quality 95
    Jpg,
    /// Lossless
    Webp,
    /// Not compressed
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

/// How several style images are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StylesOption {
    /// All of them together, averaged
    Blend,
    /// Every content with every style
    Each,
    /// The first content with the first style, the second with the second
    Pairs,
}

/// One picture of a batch.
#[derive(Debug, PartialEq)]
pub struct Item {
    pub content: PathBuf,
    /// The style images that are blended in it.
    pub styles: Vec<PathBuf>,
    pub output: PathBuf,
    /// What is painted, for messages.
    pub title: String,
    /// The title of an earlier picture that has the same output.
    pub rival: Option<String>,
}

/// The style images of a batch, and how they are used.
pub struct Styles {
    pub how: StylesOption,
    /// In the order of the arguments, those of a folder or a pattern by their names.
    pub images: Vec<PathBuf>,
    pub left_out: Vec<Listing>,
}

impl Styles {
    /// From the arguments. Without `how`, images are blended, and those of a folder or a pattern are used one by one.
    ///
    /// # Errors
    /// [`Error::Image`] for a folder without images.
    pub fn of(arguments: &[PathBuf], how: Option<StylesOption>) -> Result<Self> {
        let (mut images, mut left_out) = (vec![], vec![]);
        for path in arguments {
            if path.is_dir() || is_pattern(path) {
                let mut listing =
                    Listing::of(path, "a style is an image, a folder or a pattern such as 'styles/*.jpg'")?;
                images.append(&mut listing.images);
                left_out.push(listing);
            } else {
                images.push(path.clone());
            }
        }
        let default = if left_out.is_empty() { StylesOption::Blend } else { StylesOption::Each };
        Ok(Self { how: how.unwrap_or(default), images, left_out })
    }

    /// The style images of one picture, to check options with.
    pub fn of_one(&self) -> &[PathBuf] {
        match self.how {
            StylesOption::Blend => &self.images,
            StylesOption::Each | StylesOption::Pairs => &self.images[..1],
        }
    }

    /// Each content with its styles. Contents of one style stand together, so that its images are read once.
    ///
    /// # Errors
    /// [`Error::Usage`] for pairs of which one is missing.
    fn with(&self, contents: Vec<PathBuf>) -> Result<Vec<(PathBuf, Vec<PathBuf>)>> {
        let single = |style: &PathBuf| vec![style.clone()];
        Ok(match self.how {
            StylesOption::Blend => {
                contents.into_iter().map(|content| (content, self.images.clone())).collect()
            }
            StylesOption::Each => {
                let of_style = |style| contents.iter().map(move |content| (content.clone(), single(style)));
                self.images.iter().flat_map(of_style).collect()
            }
            StylesOption::Pairs if contents.len() != self.images.len() => {
                return Err(Error::Usage(format!(
                    "--styles pairs needs a style for each content: contents {}, styles {}",
                    contents.len(),
                    self.images.len()
                )));
            }
            StylesOption::Pairs => contents.into_iter().zip(self.images.iter().map(single)).collect(),
        })
    }
}

/// The pictures to paint in the order of their names: all, or those of the shard.
///
/// # Errors
/// [`Error::Output`] for an output folder that cannot be made, and [`Error::Usage`] for one whose pictures would be
/// painted by the next batch, and for pairs of which one is missing.
pub fn items(
    contents: &Path,
    images: Vec<PathBuf>,
    styles: &Styles,
    output: &Path,
    format: FormatOption,
    shard: Option<Shard>,
) -> Result<Vec<Item>> {
    make_folder(output)?;
    if contents.canonicalize().ok() == output.canonicalize().ok() {
        return Err(Error::Usage(format!(
            "--output must be another folder than {}: its pictures would be painted by the next batch",
            contents.display()
        )));
    }
    let named_by_style = styles.how != StylesOption::Blend;
    let all = with_outputs(styles.with(images)?, output, format, named_by_style);
    let Shard { index, count } = shard.unwrap_or(Shard { index: 0, count: 1 });
    Ok(all.into_iter().skip(index).step_by(count).collect())
}

fn make_folder(path: &Path) -> Result<()> {
    let failed = |e: std::io::Error| Error::Output {
        path: path.into(),
        reason: format!("no folder can be made there: {}; the output of batch is a folder", e.kind()),
    };
    std::fs::create_dir_all(path).map_err(failed)
}

/// Pairs contents and styles with outputs: `content.png`, or `content-style.png`. Names that differ in nothing but the
/// extension, or on some systems in the case of letters, would overwrite each other: the first has the name.
fn with_outputs(
    pictures: Vec<(PathBuf, Vec<PathBuf>)>,
    folder: &Path,
    format: FormatOption,
    named_by_style: bool,
) -> Vec<Item> {
    let mut taken: HashMap<String, String> = HashMap::new();
    let item = |(content, styles): (PathBuf, Vec<PathBuf>)| {
        let mut name = content.file_stem().unwrap_or_default().to_os_string();
        let mut title = content.display().to_string();
        for style in styles.iter().filter(|_| named_by_style) {
            name.push("-");
            name.push(style.file_stem().unwrap_or_default());
            title += &format!(" in the style of {}", style.display());
        }
        let rival = taken.get(&name.to_string_lossy().to_lowercase()).cloned();
        taken.entry(name.to_string_lossy().to_lowercase()).or_insert_with(|| title.clone());
        name.push(".");
        name.push(format.extension());
        Item { output: folder.join(name), content, styles, title, rival }
    };
    pictures.into_iter().map(item).collect()
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
        let pictures = files.iter().map(|file| (file.clone(), vec![PathBuf::from("s.png")])).collect();
        let items = with_outputs(pictures, Path::new("out"), FormatOption::Webp, false);
        let outputs: Vec<_> = items.iter().map(|item| item.output.to_str().unwrap()).collect();
        assert_eq!(outputs, ["out/a.webp", "out/a.webp", "out/A.webp", "out/b.c.webp"]);
        let first = Some("in/a.jpg".to_string());
        let rivals: Vec<_> = items.into_iter().map(|item| item.rival).collect();
        assert_eq!(rivals, [None, first.clone(), first, None]);
    }

    #[test]
    fn contents_meet_styles_as_asked() {
        let paths = |names: &[&str]| names.iter().map(PathBuf::from).collect::<Vec<_>>();
        let styles = |how| Styles { how, images: paths(&["s/x.jpg", "s/y.png"]), left_out: vec![] };
        let outputs = |how, contents: &[&str]| -> Result<Vec<String>> {
            let named_by_style = how != StylesOption::Blend;
            let pictures = styles(how).with(paths(contents))?;
            let items = with_outputs(pictures, Path::new(""), FormatOption::Png, named_by_style);
            Ok(items.iter().map(|item| item.output.display().to_string()).collect())
        };
        let contents = ["a.png", "b.png"];
        assert_eq!(outputs(StylesOption::Blend, &contents).unwrap(), ["a.png", "b.png"]);
        let each = ["a-x.png", "b-x.png", "a-y.png", "b-y.png"];
        assert_eq!(outputs(StylesOption::Each, &contents).unwrap(), each);
        assert_eq!(outputs(StylesOption::Pairs, &contents).unwrap(), ["a-x.png", "b-y.png"]);
        let error = outputs(StylesOption::Pairs, &["a.png"]).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("contents 1, styles 2"), "{error}");
    }
}
