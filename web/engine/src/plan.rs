//! What a painting takes, before it is painted.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use impasto::image_io::{Decoded, Image, Size, scaled_dimensions};
use impasto::painter::Plan;
use impasto::planner::{Choice, Strategy};
use impasto::vgg19::Network;
use impasto::{Error, Result};
use serde_json::{Value, json};

use crate::cli::computation::Computation;
use crate::cli::job::{Content, Job, Sources};
use crate::cli::options::PaintingOptions;
use crate::cli::page_settings::PageSettings;
use crate::device::{Device, device};
use crate::page::Page;
use crate::words::message;

/// Pixels of the largest painting. WebAssembly addresses 4 GiB; an image has 12 bytes a pixel, and there are some.
const MOST_PIXELS: u64 = 64 << 20;

/// A plan, and what each of its scales takes.
type Planned = (Plan, Vec<Choice>);

/// A painting that is ready to start.
pub struct Prepared {
    pub device: Device,
    pub options: PaintingOptions,
    /// Names of the images, the content's first.
    pub names: Vec<PathBuf>,
    pub job: Job,
    pub plan: Plan,
    pub choices: Vec<Choice>,
    pub network: Arc<Network>,
    pub computation: Computation,
}

thread_local! {
    static PREPARED: RefCell<Option<Prepared>> = const { RefCell::new(None) };
}

/// Takes the painting that was prepared.
///
/// # Errors
/// [`Error::Usage`] if there is none.
pub fn take() -> Result<Prepared> {
    PREPARED.take().ok_or_else(|| Error::Usage("no painting was prepared".into()))
}

/// Decodes the images, prepares a painting of them for [`take`], and describes it as `Plan` of `web/page/engine.js` does.
///
/// # Errors
/// What is wrong with an image or a setting, and what the device says.
pub fn prepare(
    page: &Page,
    files: impl Iterator<Item = (String, Vec<u8>)>,
    settings: &str,
    like: &str,
) -> Result<Value> {
    // Its memory is free before the next one is prepared.
    PREPARED.set(None);
    let images = Images::decode(files)?;
    let damaged = |e: serde_json::Error| Error::Usage(format!("the settings cannot be read: {e}"));
    let settings: PageSettings = serde_json::from_str(settings).map_err(damaged)?;
    let options = settings.options(serde_json::from_str(like).map_err(damaged)?)?;
    let size = images.size(&options);
    if let Some(question) = beyond_memory(size, images.painted_size(&options)) {
        return Ok(described(size, Some(question)));
    }
    let first = images.job(&options)?;
    let device = device()?;
    let painted = first.schedule.painted_size();
    let (network, computation) =
        device.network(&options.objective.network, &first.objective, painted.into(), page)?;
    let make = |options: &PaintingOptions, job: &Job| -> Result<Planned> {
        let plan = options.plan(job.schedule.clone(), vec![], None)?;
        let choices = plan.choices(&device.gpu, &network, &job.inputs)?;
        Ok((plan, choices))
    };
    let (plan, choices) = match make(&options, &first) {
        Ok(made) => made,
        Err(error @ (Error::TooLarge { .. } | Error::OutOfMemory { .. })) => {
            let largest = largest(&device, &images, &options, &make)?;
            return Ok(described(
                size,
                Some(Question { problem: message(&error), largest, possible: false }),
            ));
        }
        Err(error) => return Err(error),
    };
    let question = match device.holds(&choices) {
        true => None,
        false => {
            let problem = why_not(most(&choices), &device, choices.iter().all(is_whole));
            Some(Question { problem, largest: largest(&device, &images, &options, &make)?, possible: true })
        }
    };
    let described = described(size, question);
    let prepared =
        Prepared { device, options, names: images.names, job: first, plan, choices, network, computation };
    PREPARED.set(Some(prepared));
    Ok(described)
}

impl Device {
    /// Bytes that a painting may take before the page asks. A browser does not tell how much memory a GPU has; the largest
    /// buffer that it allows is the one measure of it.
    fn limit(&self) -> u64 {
        self.gpu.adapter().max_buffer
    }

    /// Whether it holds a painting in one piece, within that limit.
    fn holds(&self, choices: &[Choice]) -> bool {
        most(choices) <= self.limit() && choices.iter().all(is_whole)
    }
}

/// Asks for a smaller size where the images of a painting take more memory than WebAssembly has. A picture of the first size is
/// painted at the second.
fn beyond_memory((width, height): (u32, u32), painted: (u32, u32)) -> Option<Question> {
    let pixels = u64::from(painted.0) * u64::from(painted.1);
    let share = (MOST_PIXELS as f64 / pixels as f64).sqrt();
    (pixels > MOST_PIXELS).then(|| Question {
        problem: format!(
            "A page has memory for paintings of {} million pixels, and this one has {}.",
            MOST_PIXELS / 1_000_000,
            pixels / 1_000_000
        ),
        largest: (f64::from(width.max(height)) * share) as u32 / 16 * 16,
        possible: false,
    })
}

fn most(choices: &[Choice]) -> u64 {
    choices.iter().map(|choice| choice.device.total()).max().unwrap_or(0)
}

fn is_whole(choice: &Choice) -> bool {
    matches!(choice.strategy, Strategy::Whole { .. })
}

fn why_not(bytes: u64, device: &Device, whole: bool) -> String {
    let [bytes, limit] = [bytes, device.limit()].map(|bytes| bytes as f64 / f64::from(1 << 30));
    match whole {
        true => format!(
            "This painting takes {bytes:.1} GiB of the GPU's memory, and the largest block that the browser allows is \
             {limit:.1} GiB: it may fail, or slow down the whole machine."
        ),
        false => "This painting is too large for the browser to hold on the GPU at once: it would be painted in tiles, which \
             takes several times as long."
            .into(),
    }
}

/// Why the page asks before it paints.
struct Question {
    problem: String,
    /// The largest size that fits, 0 if none does.
    largest: u32,
    /// Whether it can be painted as it is all the same.
    possible: bool,
}

/// `Plan` of `web/page/engine.js`.
fn described((width, height): (u32, u32), question: Option<Question>) -> Value {
    match question {
        None => json!({ "width": width, "height": height, "fits": true }),
        Some(Question { problem, largest, possible }) => json!({
            "width": width, "height": height, "fits": false, "problem": problem, "largest": largest, "possible": possible,
        }),
    }
}

/// The largest size that fits, in steps of 16 pixels; 0 if none does. The wanted size does not.
fn largest(
    device: &Device,
    images: &Images,
    options: &PaintingOptions,
    make: &dyn Fn(&PaintingOptions, &Job) -> Result<Planned>,
) -> Result<u32> {
    let (width, height) = images.size(options);
    let (mut found, mut low, mut high) = (0, 0, width.max(height).div_ceil(16));
    while high - low > 1 {
        let middle = low.midpoint(high);
        let mut smaller = options.clone();
        smaller.sizes.size = Size::Longer(middle * 16);
        let made = images.job(&smaller).map(|job| make(&smaller, &job));
        match made {
            Ok(Ok((_, choices))) if device.holds(&choices) => {
                (found, low) = (middle * 16, middle);
            }
            Ok(Ok(_) | Err(Error::TooLarge { .. } | Error::OutOfMemory { .. })) => high = middle,
            Ok(Err(error)) => return Err(error),
            // Too small for the network's layers.
            Err(_) => low = middle,
        }
    }
    Ok(found)
}

/// The images of a painting at the size of their files.
struct Images {
    names: Vec<PathBuf>,
    content: Decoded,
    styles: Vec<Image>,
}

impl Images {
    /// The first is the content.
    fn decode(files: impl Iterator<Item = (String, Vec<u8>)>) -> Result<Self> {
        let decode = |(name, bytes): (String, Vec<u8>)| {
            let decoded = Image::parse(Path::new(&name), &bytes)?;
            Ok((PathBuf::from(name), decoded))
        };
        let (names, decoded): (Vec<_>, Vec<_>) =
            files.map(decode).collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let mut decoded = decoded.into_iter();
        let content =
            decoded.next().ok_or_else(|| Error::Usage("there is no photograph: choose one".into()))?;
        let styles: Vec<Image> = decoded.map(|style| style.image).collect();
        match styles.is_empty() {
            true => Err(Error::Usage("there is no style: choose a painting".into())),
            false => Ok(Self { names, content, styles }),
        }
    }

    /// Width and height of a painting.
    fn size(&self, options: &PaintingOptions) -> (u32, u32) {
        let image = &self.content.image;
        scaled_dimensions(image.width(), image.height(), options.sizes.size)
    }

    /// Width and height of what is painted before it is reduced.
    fn painted_size(&self, options: &PaintingOptions) -> (u32, u32) {
        options.sizes.painted_size((self.content.image.width(), self.content.image.height()))
    }

    fn job(&self, options: &PaintingOptions) -> Result<Job> {
        let (content, styles) = (&self.names[0], &self.names[1..]);
        options.check(styles)?;
        let sources = Sources::new(options, self.styles.clone())?;
        Job::new(options, Content { path: content, decoded: self.content.clone() }, styles, &sources)
    }
}
