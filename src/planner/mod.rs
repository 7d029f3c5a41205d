//! How a picture is worked on: in one piece, or in tiles, and where the optimiser's state lies.
//!
//! All of it is found out from sizes, before anything is allocated. The fastest way that fits is taken:
//!
//! 1. the whole picture on the device, optimiser included;
//! 2. tiles, as large as fit, with the optimiser in the host's memory;
//! 3. the pairs of L-BFGS in half precision, then smaller tiles, and fewer pairs last of all.

mod budget;

pub use budget::Budget;

use std::fmt;

use crate::error::{Error, Result};
use crate::gpu::{Gpu, MemoryUse, Use, mebibytes};
use crate::image_io::Image;
use crate::objective::{Demand, Parts, Settings, Style, tiles};
use crate::optim::{HostOptimizer, Method, Optimizer, Pairs};
use crate::vgg19::{LayerId, Network};

/// Sides of the cores of tiles that are tried, the largest first.
const CORES: [u32; 14] = [4096, 3072, 2048, 1536, 1024, 768, 640, 512, 384, 320, 256, 192, 128, 64];

/// Below this side a tile's halo is more than four times its core: the last resort.
const SMALL: u32 = 256;

/// How one size is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// All on the device.
    Whole {
        /// In tiles of which size the styles are looked at, if they do not fit in one piece.
        style_core: Option<u32>,
    },
    /// A tile at a time on the device, the rest on the host.
    Tiled {
        /// Largest side of a tile's core in pixels.
        core: u32,
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
    pub picture: [u32; 2],
    /// Of each style image.
    pub styles: Vec<[u32; 2]>,
    /// Bytes of pictures that the host holds besides.
    pub held: u64,
}

impl Sizes {
    /// Of pictures as they are.
    pub fn of(picture: &Image, styles: &[Style]) -> Self {
        let size = |image: &Image| [image.width(), image.height()];
        let styles: Vec<_> = styles.iter().map(|style| size(&style.image)).collect();
        let held = styles.iter().chain(&[size(picture); 2]).map(|size| picture_bytes(*size)).sum();
        Self { picture: size(picture), styles, held }
    }
}

/// Bytes of a picture in the host's memory: three numbers a pixel.
pub fn picture_bytes([width, height]: [u32; 2]) -> u64 {
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
        let (whole, style_core) = self.whole(parts, sizes)?;
        if whole.fits && self.budget.holds(whole.device.total(), whole.host) {
            let strategy = Strategy::Whole { style_core };
            let (device, host, size) = (whole.device, whole.host, sizes.picture);
            return Ok(Choice { strategy, device, host, size, reason: None });
        }
        let reason = match whole.fits {
            true => format!(
                "in one piece it takes {}, of {}",
                mebibytes(self.budget.counted(whole.device.total(), whole.host)),
                self.limit()
            ),
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
        let (large, small): (Vec<u32>, Vec<u32>) = CORES.into_iter().partition(|core| *core >= SMALL);
        let mut least = None;
        for (pairs, cores) in [(Pairs::Single, &large), (Pairs::Half, &large), (Pairs::Half, &small)] {
            for core in cores {
                let (demand, host) = (self.tiled(parts, sizes, *core)?, self.host(sizes, self.method, pairs));
                let choice = Choice {
                    strategy: Strategy::Tiled { core: *core, pairs, history: None },
                    device: demand.device,
                    host: demand.host + host,
                    size: sizes.picture,
                    reason: Some(reason.into()),
                };
                if demand.fits && self.budget.holds(choice.device.total(), choice.host) {
                    return Ok(choice);
                }
                least = Some(choice).filter(|_| demand.fits).or(least);
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
        for core in CORES.into_iter().filter(|core| *core <= SMALL) {
            let demand = self.tiled(parts, sizes, core)?;
            let host = demand.host + self.host(sizes, Some(Method::Lbfgs { lr, history: 0 }), Pairs::Half);
            let room = self.budget.room_for(pair, demand.device.total(), host).min(u64::from(history)) as u32;
            if demand.fits
                && room > 0
                && self.budget.holds(demand.device.total(), host + u64::from(room) * pair)
            {
                let strategy = Strategy::Tiled { core, pairs: Pairs::Half, history: Some(room) };
                let host = host + u64::from(room) * pair;
                return Ok(Choice { strategy, host, device: demand.device, ..least });
            }
        }
        let short = Choice { host: least.host - u64::from(history - 1) * pair, ..least };
        Err(self.too_large(sizes, Some(&short)))
    }

    fn too_large(&self, sizes: &Sizes, least: Option<&Choice>) -> Error {
        let [width, height] = sizes.picture;
        let name = &self.gpu.adapter().name;
        Error::TooLarge(match least {
            Some(Choice { device, host, .. }) => format!(
                "{width} x {height} takes {} on {name} even in small tiles, more than {}: use a smaller --size{}",
                mebibytes(self.budget.counted(device.total(), *host)),
                self.limit(),
                if self.budget.asked { " or a larger --memory" } else { "" }
            ),
            None => {
                format!("{width} x {height} does not fit {name} even in small tiles: use another --device")
            }
        })
    }

    fn limit(&self) -> String {
        let bytes = mebibytes(self.budget.device);
        if self.budget.asked {
            format!("{bytes} allowed by --memory")
        } else {
            format!("{bytes} that may be used")
        }
    }

    /// In one piece, the styles too if they fit.
    fn whole(&self, parts: &Parts, sizes: &Sizes) -> Result<(Demand, Option<u32>)> {
        let Self { gpu, network, settings, .. } = *self;
        let style = |core| Demand::of_styles(gpu, network, settings, &sizes.styles, core);
        let (mut styles, mut core) = (style(None)?, None);
        for smaller in CORES {
            if styles.fits && self.budget.holds(self.with_weights(styles.device).total(), sizes.held) {
                break;
            }
            (styles, core) = (style(Some(smaller))?, Some(smaller));
        }
        let demand = Demand::whole(gpu, network, settings, parts, sizes.picture, &styles)?;
        let vector = 4 * numbers(sizes) as u64;
        let optimizer = self.method.map_or(0, |method| Optimizer::bytes(method, numbers(sizes)));
        let fits = demand.fits && vector <= gpu.max_tensor_bytes();
        let device = self.with_weights(demand.device).with(Use::Optimizer, optimizer);
        Ok((Demand { device, host: sizes.held, fits }, core))
    }

    fn tiled(&self, parts: &Parts, sizes: &Sizes, core: u32) -> Result<Demand> {
        let Self { gpu, network, settings, .. } = *self;
        let picture = Demand::tiled(gpu, network, settings, parts, sizes.picture, core)?;
        let styles = Demand::of_styles(gpu, network, settings, &sizes.styles, Some(core))?;
        Ok(Demand {
            device: self.with_weights(picture.device.or_larger(styles.device)),
            host: picture.host,
            fits: picture.fits && styles.fits,
        })
    }

    /// The optimiser and the pictures in the host's memory.
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
    3 * sizes.picture[0] as usize * sizes.picture[1] as usize
}

impl Choice {
    /// How much there is to do, as the number of pixels that took as long in one piece: tiles also compute
    /// their halos, and go forward twice.
    pub fn work(&self, deepest: LayerId) -> f64 {
        let [width, height] = self.size;
        match self.strategy {
            Strategy::Whole { .. } => f64::from(width) * f64::from(height),
            Strategy::Tiled { core, .. } => {
                // Forward and backward take about the same time.
                let windows = tiles(width, height, deepest, core).into_iter();
                1.5 * windows.map(|tile| tile.window.positions() as f64).sum::<f64>()
            }
        }
    }
}

impl fmt::Display for Choice {
    /// One line: which way, and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [width, height] = self.size;
        let memory = mebibytes(self.device.total());
        match self.strategy {
            Strategy::Whole { style_core: None } => write!(f, "{width} x {height}: in one piece, {memory}"),
            Strategy::Whole { style_core: Some(core) } => {
                write!(f, "{width} x {height}: in one piece, {memory}, its styles in tiles of {core}")
            }
            Strategy::Tiled { core, pairs, history } => {
                write!(f, "{width} x {height}: in tiles of up to {core} pixels, {memory}")?;
                write!(f, " and {} on the host", mebibytes(self.host))?;
                if pairs == Pairs::Half {
                    f.write_str(", the pairs of L-BFGS in half precision")?;
                }
                if let Some(history) = history {
                    write!(f, " and only {history} of them")?;
                }
                self.reason.as_ref().map_or(Ok(()), |reason| write!(f, "; {reason}"))
            }
        }
    }
}
