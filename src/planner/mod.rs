//! How a picture is worked on: in one piece, or in tiles, and where the optimiser's state lies.
//!
//! All of it is found out from sizes, before anything is allocated. The fastest way that fits is taken:
//!
//! 1. the whole picture on the device, optimiser included;
//! 2. the same, with activations computed again in the backward pass instead of kept;
//! 3. tiles, as large as fit, with the optimiser in the host's memory;
//! 4. the pairs of L-BFGS in half precision, then the content's features computed again in each evaluation, then
//!    smaller tiles, and fewer pairs last of all.

mod budget;

pub use budget::Budget;

use std::fmt;

use crate::error::{Error, Remedy, Result, Setting};
use crate::gpu::{Gpu, MemoryUse, Use, mebibytes};
use crate::graph::Activations;
use crate::image_io::Image;
use crate::objective::{MemoryEstimate, Parts, Settings, Style, Tiling, tiles};
use crate::optim::{HostOptimizer, Method, Optimizer, Pairs};
use crate::vgg19::{LayerId, Network};

/// Sides of the cores of tiles that are tried, the largest first.
const CORES: [u32; 14] = [4096, 3072, 2048, 1536, 1024, 768, 640, 512, 384, 320, 256, 192, 128, 64];

/// Below this side a tile's halo is more than four times its core: the last resort.
const SMALL: u32 = 256;

/// With so many pairs, L-BFGS is taken to need twice the evaluations that it needs with all of them; with half as
/// many, three times.
const WORTH: f64 = 4.0;

/// How one size is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// All on the device.
    Whole {
        /// What becomes of activations until the backward pass.
        activations: Activations,
        /// In tiles of which size the styles are looked at, if they do not fit in one piece.
        style_core: Option<u32>,
    },
    /// A tile at a time on the device, the rest on the host.
    Tiled {
        /// How it is cut.
        tiling: Tiling,
        /// How the pairs of L-BFGS are kept.
        pairs: Pairs,
        /// How many are kept, if fewer than asked for.
        history: Option<u32>,
    },
}

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// What to do.
    pub strategy: Strategy,
    /// On the device at the worst moment, the weights included.
    pub device: MemoryUse,
    /// Bytes in the host's memory.
    pub host: u64,
    /// Columns and rows of the picture.
    pub size: [u32; 2],
    /// Why it is not in one piece.
    reason: Option<String>,
}

/// The pictures of one size.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// Columns and rows of the picture.
    pub image: [u32; 2],
    /// Of each style image.
    pub styles: Vec<[u32; 2]>,
    /// Bytes of pictures that the host holds besides.
    pub held: u64,
}

impl Sizes {
    /// A square picture with a style of its size.
    pub fn square(side: u32) -> Self {
        let size = [side; 2];
        Self { image: size, styles: vec![size], held: image_bytes(size) }
    }

    /// Of pictures as they are.
    pub fn of(image: &Image, styles: &[Style]) -> Self {
        let size = |image: &Image| [image.width(), image.height()];
        let styles: Vec<_> = styles.iter().map(|style| size(&style.image)).collect();
        let held = styles.iter().chain(&[size(image); 2]).map(|size| image_bytes(*size)).sum();
        Self { image: size(image), styles, held }
    }
}

/// Bytes of a picture in the host's memory: three numbers a pixel.
pub fn image_bytes([width, height]: [u32; 2]) -> u64 {
    12 * u64::from(width) * u64::from(height)
}

/// Plans for one network, objective and optimiser.
#[derive(Debug, Clone, Copy)]
pub struct Planner<'a> {
    /// Where it runs; the network's weights are already there.
    pub gpu: &'a Gpu,
    /// What the features come from.
    pub network: &'a Network,
    /// What is minimised.
    pub settings: &'a Settings,
    /// How; `None` to evaluate only.
    pub method: Option<Method>,
    /// What may be used.
    pub budget: Budget,
}

impl Planner<'_> {
    /// Decides for one size.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if not even small tiles fit, with what would; [`Error::Gpu`] if the device failed.
    pub fn choose(&self, parts: &Parts, sizes: &Sizes) -> Result<Choice> {
        let (mut whole, style_core) = self.whole(parts, sizes, Activations::Kept)?;
        for activations in [Activations::Kept, Activations::Recomputed] {
            if activations == Activations::Recomputed {
                (whole, _) = self.whole(parts, sizes, activations)?;
            }
            if whole.fits && self.budget.holds(whole.device.total(), whole.host) {
                let strategy = Strategy::Whole { activations, style_core };
                let (device, host, size) = (whole.device, whole.host, sizes.image);
                return Ok(Choice { strategy, device, host, size, reason: None });
            }
        }
        let reason = match whole.fits {
            true => {
                let taken = self.budget.counted(whole.device.total(), whole.host);
                format!("in one piece it takes {}, of {}", mebibytes(taken), self.limit())
            }
            false => format!(
                "in one piece it takes tensors larger than {}, the most that {} allows",
                mebibytes(self.gpu.max_tensor_bytes()),
                self.gpu.adapter().name
            ),
        };
        self.in_tiles(parts, sizes, &reason)
    }

    /// The largest core that fits, with as much history as fits.
    fn in_tiles(&self, parts: &Parts, sizes: &Sizes, reason: &str) -> Result<Choice> {
        use Activations::{Kept, Recomputed};
        let (large, small): (Vec<u32>, Vec<u32>) = CORES.into_iter().partition(|core| *core >= SMALL);
        let mut least = None;
        let attempts = [
            (Pairs::Single, Kept, Kept, &large),
            (Pairs::Half, Kept, Kept, &large),
            (Pairs::Half, Recomputed, Kept, &large),
            (Pairs::Half, Recomputed, Recomputed, &large),
            (Pairs::Half, Recomputed, Recomputed, &small),
        ];
        for (pairs, activations, content, cores) in attempts {
            for core in cores {
                let tiling = Tiling { core: *core, activations, content };
                let (estimate, host) =
                    (self.tiled(parts, sizes, tiling)?, self.host(sizes, self.method, pairs));
                let choice = Choice {
                    strategy: Strategy::Tiled { tiling, pairs, history: None },
                    device: estimate.device,
                    host: estimate.host + host,
                    size: sizes.image,
                    reason: Some(reason.into()),
                };
                if estimate.fits && self.budget.holds(choice.device.total(), choice.host) {
                    return Ok(choice);
                }
                least = Some(choice).filter(|_| estimate.fits).or(least);
            }
        }
        self.with_less_history(parts, sizes, least)
    }

    /// Fewer pairs of L-BFGS than asked for, but at least one.
    fn with_less_history(&self, parts: &Parts, sizes: &Sizes, least: Option<Choice>) -> Result<Choice> {
        let Some(least) = least else { return Err(self.too_large(sizes, None)) };
        let Some(Method::Lbfgs { lr, history }) = self.method else {
            return Err(self.too_large(sizes, Some(&least)));
        };
        let n = numbers(sizes);
        let pair = 4 * n as u64;
        let mut choices = vec![];
        let ways = [Activations::Kept, Activations::Recomputed];
        for (core, content) in CORES.into_iter().flat_map(|core| ways.map(|content| (core, content))) {
            let tiling = Tiling { core, activations: Activations::Recomputed, content };
            let estimate = self.tiled(parts, sizes, tiling)?;
            let host = estimate.host + self.host(sizes, Some(Method::Lbfgs { lr, history: 0 }), Pairs::Half);
            let room =
                self.budget.room_for(pair, estimate.device.total(), host).min(u64::from(history)) as u32;
            if estimate.fits && room > 0 {
                let strategy = Strategy::Tiled { tiling, pairs: Pairs::Half, history: Some(room) };
                let host = host + u64::from(room) * pair;
                choices.push((room, Choice { strategy, host, device: estimate.device, ..least.clone() }));
            }
        }
        // Larger tiles take less time, more pairs fewer evaluations.
        let cost = |(room, choice): &(u32, Choice)| {
            choice.work(self.settings.deepest()) * (1.0 + WORTH / f64::from(*room))
        };
        if let Some((_, choice)) = choices.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b))) {
            return Ok(choice);
        }
        let short = Choice { host: least.host - u64::from(history - 1) * pair, ..least };
        Err(self.too_large(sizes, Some(&short)))
    }

    fn too_large(&self, sizes: &Sizes, least: Option<&Choice>) -> Error {
        let [width, height] = sizes.image;
        let name = &self.gpu.adapter().name;
        let Some(Choice { device, host, .. }) = least else {
            let problem = format!("{width} x {height} does not fit {name} even in small tiles");
            return Error::too_large(problem).with_remedies([Remedy::Change(Setting::Device)]);
        };
        let needed = mebibytes(self.budget.counted(device.total(), *host));
        let limit = self.limit();
        let problem =
            format!("{width} x {height} takes {needed} on {name} even in small tiles, more than {limit}");
        let mut remedies = vec![Remedy::Lower(Setting::Size)];
        remedies.extend(self.budget.asked.then_some(Remedy::Raise(Setting::Memory)));
        Error::too_large(problem).with_remedies(remedies)
    }

    fn limit(&self) -> String {
        let verb = if self.budget.asked { "are allowed" } else { "may be used" };
        format!("{} that {verb}", mebibytes(self.budget.device))
    }

    /// In one piece, the styles too if they fit.
    fn whole(
        &self,
        parts: &Parts,
        sizes: &Sizes,
        activations: Activations,
    ) -> Result<(MemoryEstimate, Option<u32>)> {
        let Self { gpu, network, settings, .. } = *self;
        let style = |core| MemoryEstimate::of_styles(gpu, network, settings, &sizes.styles, core);
        let (mut styles, mut core) = (style(None)?, None);
        for smaller in CORES {
            if styles.fits && self.budget.holds(self.with_weights(styles.device).total(), sizes.held) {
                break;
            }
            (styles, core) = (style(Some(smaller))?, Some(smaller));
        }
        let estimate =
            MemoryEstimate::whole(gpu, network, settings, parts, sizes.image, &styles, activations)?;
        let vector = 4 * numbers(sizes) as u64;
        let optimizer = self.method.map_or(0, |method| Optimizer::bytes(method, numbers(sizes)));
        let fits = estimate.fits && vector <= gpu.max_tensor_bytes();
        let device = self.with_weights(estimate.device).with(Use::Optimizer, optimizer);
        // The finished picture, and a copy for the case that the device is lost.
        let host = sizes.held + 2 * image_bytes(sizes.image);
        Ok((MemoryEstimate { device, host, fits }, core))
    }

    fn tiled(&self, parts: &Parts, sizes: &Sizes, tiling: Tiling) -> Result<MemoryEstimate> {
        let Self { gpu, network, settings, .. } = *self;
        let image = MemoryEstimate::tiled(gpu, network, settings, parts, sizes.image, tiling)?;
        let styles = MemoryEstimate::of_styles(gpu, network, settings, &sizes.styles, Some(tiling.core))?;
        Ok(MemoryEstimate {
            device: self.with_weights(image.device.or_larger(styles.device)),
            host: image.host,
            fits: image.fits && styles.fits,
        })
    }

    /// The optimiser and the pictures in the host's memory. The finished picture takes the place that the gradient
    /// has during an evaluation.
    fn host(&self, sizes: &Sizes, method: Option<Method>, pairs: Pairs) -> u64 {
        let n = numbers(sizes);
        // Without an optimiser there are the picture and its gradient.
        method.map_or(8 * n as u64, |method| HostOptimizer::bytes(method, n, pairs)) + sizes.held
    }

    fn with_weights(&self, memory: MemoryUse) -> MemoryUse {
        memory.with(Use::Weights, self.gpu.memory().of(Use::Weights))
    }
}

/// Numbers in a picture.
fn numbers(sizes: &Sizes) -> usize {
    3 * sizes.image[0] as usize * sizes.image[1] as usize
}

impl Choice {
    /// How much there is to do, as the number of pixels that took as long in one piece: tiles also compute
    /// their halos and go forward twice.
    pub fn work(&self, deepest: LayerId) -> f64 {
        let [width, height] = self.size;
        // Forward and backward take about the same time.
        let passes = |activations| if activations == Activations::Kept { 1.0 } else { 1.5 };
        match self.strategy {
            Strategy::Whole { activations, .. } => passes(activations) * f64::from(width) * f64::from(height),
            Strategy::Tiled { tiling: Tiling { core, activations, content }, .. } => {
                let windows = tiles(width, height, deepest, core).into_iter();
                let again = if content == Activations::Kept { 0.0 } else { 0.4 };
                (0.5 + passes(activations) + again)
                    * windows.map(|tile| tile.window.positions() as f64).sum::<f64>()
            }
        }
    }

    /// Which way, in a few words.
    fn way(&self) -> String {
        let again = |activations| match activations {
            Activations::Kept => "",
            Activations::Recomputed => ", activations computed again when they are needed",
        };
        match self.strategy {
            Strategy::Whole { activations, style_core: None } => {
                format!("in one piece{}", again(activations))
            }
            Strategy::Whole { activations, style_core: Some(core) } => {
                format!("in one piece{}, its styles in tiles of {core}", again(activations))
            }
            Strategy::Tiled { tiling: Tiling { core, activations, content }, pairs, history } => {
                let half = if pairs == Pairs::Half { ", the pairs of L-BFGS in half precision" } else { "" };
                let fewer = history.map_or(String::new(), |history| format!(" and only {history} of them"));
                let content =
                    if content == Activations::Kept { "" } else { ", the content's features every time" };
                format!("in tiles of up to {core} pixels{}{content}{half}{fewer}", again(activations))
            }
        }
    }
}

impl fmt::Display for Choice {
    /// One line: which way, how much memory, and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([width, height], device) = (self.size, mebibytes(self.device.total()));
        write!(f, "{width} x {height}: {}, {device}", self.way())?;
        if let Strategy::Tiled { .. } = self.strategy {
            write!(f, " and {} on the host", mebibytes(self.host))?;
        }
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, "; {reason}"))
    }
}
