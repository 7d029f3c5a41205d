//! `impasto batch`: every image of a folder, on one device with one network and one set of style targets.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use clap::{ArgMatches, Args, ValueEnum};
use impasto::gpu::Gpu;
use impasto::objective::StyleCache;
use impasto::vgg19::{Kernels, Weights};
use impasto::view::View;
use impasto::{Error, Result};

use super::interrupt::{StopFlag, stop_on_signal};
use super::session::End;
use super::{FileOptions, Job, Request, Session, Sources, ViewOptions};
use crate::cli::context::{Context, choose_kernels, load_weights, network_with, open_gpu};
use crate::cli::options::{CommonOptions, PaintingOptions, at_least_one};
use crate::cli::settings::BaseOptions;
use crate::cli::{STOPPED, message};

/// Arguments of `impasto batch`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  impasto batch photos/ painting.jpg -o pictures/
  impasto batch photos/ painting.jpg -o pictures/ --preset paper --size 1024
  impasto batch photos/ painting.jpg -o pictures/ --shard 1/4        the first of four machines

A picture that is in the output folder already is kept, so the same command continues a batch that was stopped."
)]
pub struct Batch {
    /// A folder of content images
    folder: PathBuf,
    /// The style images: how they are painted. Several are averaged
    #[arg(required = true)]
    style: Vec<PathBuf>,

    /// The folder for the pictures
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,

    #[command(flatten)]
    base: BaseOptions,

    /// Paint again what is in the output folder already
    #[arg(long)]
    overwrite: bool,

    /// Paint every N-th image from the I-th on: N machines, each with its own I, share a batch
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,

    /// Format of the pictures
    #[arg(long, value_enum, default_value_t = FormatOption::Png)]
    format: FormatOption,

    /// Save the best image so far after every N evaluations, as FILE-0000N.png and so on
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    save_every: Option<usize>,

    #[command(flatten)]
    view: ViewOptions,
    #[command(flatten)]
    painting: PaintingOptions,
    #[command(flatten)]
    common: CommonOptions,
}

/// File formats of pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatOption {
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
    fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpg => "jpg",
            Self::Webp => "webp",
            Self::Tif => "tif",
        }
    }
}

/// Extensions of files that a batch takes for images. What they hold is found out when they are read.
const IMAGES: [&str; 7] = ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp"];

/// A part of a batch. Written `2/8`: the second of eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shard {
    /// From 0.
    index: usize,
    count: usize,
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
struct Item {
    content: PathBuf,
    output: PathBuf,
    /// An earlier file of the folder that has the same output.
    rival: Option<PathBuf>,
}

/// A batch in progress.
struct Run<'a> {
    batch: &'a Batch,
    /// The painting of each item, but for its content image and its output.
    request: Request,
    sources: Sources,
    weights: Weights,
    context: Option<Context>,
    gpu: Gpu,
    /// The kernels that were chosen for the last image's size.
    kernels: Option<((u32, u32), Kernels)>,
    stop: StopFlag,
}

/// Counts of images by how their painting ended.
#[derive(Debug, Default)]
struct Tally {
    painted: usize,
    kept: usize,
    failed: usize,
    stopped: bool,
}

impl Batch {
    /// Paints the images of the folder. A fault that concerns all of them is an error; a fault of one is
    /// reported, and the others are painted.
    pub fn run(self, matches: &ArgMatches) -> Result<ExitCode> {
        let painting = self.base.merge(&self.painting, matches)?;
        painting.check(&self.style)?;
        let items = self.items()?;
        let mut run = Run::open(&self, painting)?;
        let view = self.view.open(&self.common, &run.stop)?;
        let tally = run.paint_all(&items, view.as_ref());
        self.common.say(tally.line(items.len()));
        Ok(tally.code())
    }

    /// The images to paint in the order of their names: those of the folder, or the shard of them.
    fn items(&self) -> Result<Vec<Item>> {
        let (folder, output) = (&self.folder, &self.output);
        let files = images_of(folder)?;
        make_folder(output)?;
        if folder.canonicalize().ok() == output.canonicalize().ok() {
            return Err(Error::Usage(format!(
                "--output must be another folder than {}: its pictures would be painted by the next batch",
                folder.display()
            )));
        }
        let all = with_outputs(files, output, self.format);
        let Shard { index, count } = self.shard.unwrap_or(Shard { index: 0, count: 1 });
        Ok(all.into_iter().skip(index).step_by(count).collect())
    }
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

impl<'a> Run<'a> {
    /// Reads, checks and opens what every image needs.
    fn open(batch: &'a Batch, painting: PaintingOptions) -> Result<Self> {
        let request = Request {
            content: batch.folder.clone(),
            styles: batch.style.clone(),
            output: batch.output.clone(),
            painting,
            files: FileOptions::images_only(batch.save_every),
            common: batch.common.clone(),
            finished_only: true,
        };
        let sources = Sources::load(&request)?;
        let objective = &request.painting.objective;
        let weights = load_weights(&objective.network, &objective.settings()?)?;
        let gpu = open_gpu(&batch.common)?;
        let stop = stop_on_signal()?;
        Ok(Self { batch, request, sources, weights, context: None, gpu, kernels: None, stop })
    }

    fn paint_all(&mut self, items: &[Item], view: Option<&View>) -> Tally {
        let mut tally = Tally::default();
        for (k, item) in items.iter().enumerate() {
            if self.stop.load(Ordering::Relaxed) {
                tally.stopped = true;
                break;
            }
            let place = format!("{} of {}: {}", k + 1, items.len(), item.content.display());
            if item.rival.is_none() && item.output.exists() && !self.batch.overwrite {
                let output = item.output.display();
                self.batch.common.say(format_args!("{place}: {output} is there already"));
                tally.kept += 1;
                continue;
            }
            self.batch.common.say(&place);
            match self.paint_one(item, &place, view) {
                Ok(End::Finished) => tally.painted += 1,
                Ok(End::Stopped) => tally.stopped = true,
                // Without the device no other picture can be painted either.
                Err(error @ Error::DeviceLost { .. }) => {
                    eprintln!("error: {}", message(&error));
                    tally.failed += 1;
                    break;
                }
                Err(error) => {
                    eprintln!("error: {} (skipped)", message(&error));
                    tally.failed += 1;
                }
            }
        }
        tally
    }

    /// `place` is the title in the live view.
    fn paint_one(&mut self, item: &Item, place: &str, view: Option<&View>) -> Result<End> {
        if let Some(rival) = &item.rival {
            let (output, rival) = (item.output.display(), rival.display());
            let reason = format!("its picture would be {output}, as that of {rival}: rename one of the two");
            return Err(Error::Image { path: item.content.clone(), reason });
        }
        let (content, output) = (item.content.clone(), item.output.clone());
        let request = Request { content, output, ..self.request.clone() };
        let job = Job::prepare(&request, &self.sources)?;
        let stop = self.stop.clone();
        let context = self.context_for(job.size())?;
        view.iter().for_each(|view| view.begin(place, job.schedule.iterations()));
        Session::open(job, &request, context, stop, view, None)?.paint()
    }

    /// A network with the kernels chosen for this size: the last one, if it has them.
    fn context_for(&mut self, size: (u32, u32)) -> Result<&Context> {
        let wanted = &self.request.painting.objective.network;
        let common = &self.batch.common;
        let kernels = match self.kernels.take().filter(|(chosen_for, _)| *chosen_for == size) {
            Some((_, kernels)) => kernels,
            None => choose_kernels(&self.gpu, [size.0, size.1], self.weights.deepest(), common)?,
        };
        let context = match self.context.take().filter(|context| *context.network.kernels() == kernels) {
            Some(context) => context,
            None => {
                let network = network_with(&self.gpu, &self.weights, wanted, common, &kernels)?;
                let network = Arc::new(network);
                Context { gpu: self.gpu.clone(), network, styles: StyleCache::lasting() }
            }
        };
        self.kernels = Some((size, kernels));
        Ok(self.context.insert(context))
    }
}

impl Tally {
    fn line(&self, of: usize) -> String {
        let mut line = format!("{} of {of} painted", self.painted);
        if self.kept > 0 {
            line += &format!(", {} there already (--overwrite paints them again)", self.kept);
        }
        if self.failed > 0 {
            line += &format!(", {} skipped for errors", self.failed);
        }
        if self.stopped {
            line += "; stopped: the same command goes on";
        }
        line
    }

    fn code(&self) -> ExitCode {
        match self {
            Self { stopped: true, .. } => ExitCode::from(STOPPED),
            Self { failed: 1.., .. } => ExitCode::FAILURE,
            _ => ExitCode::SUCCESS,
        }
    }
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
    fn images_are_told_by_their_names() {
        for name in ["a.png", "a.b.JPEG", "x/a.tif"] {
            assert!(is_image(Path::new(name)), "{name}");
        }
        for name in ["a.txt", "png", ".hidden.png", ".png", "a.heic", "a.gif"] {
            assert!(!is_image(Path::new(name)), "{name}");
        }
    }
}
