//! The search for the fastest strategy that fits.

use super::{Budget, Choice, Sizes, Strategy, image_bytes};
use crate::error::{Error, Remedy, Result, Setting};
use crate::gpu::{Gpu, MemoryUse, Use, mebibytes};
use crate::graph::Activations::{self, Kept, Recomputed};
use crate::objective::{GradientNormalization, MemoryEstimate, Parts, Settings, Tiling};
use crate::optim::{HostOptimizer, Method, Optimizer, Pairs};
use crate::vgg19::Network;

/// Sides of the cores of tiles that are tried, the largest first.
const CORES: [u32; 14] = [4096, 3072, 2048, 1536, 1024, 768, 640, 512, 384, 320, 256, 192, 128, 64];

/// Below this side a tile's halo has more than four times the pixels of its core: these sides are tried last.
const SMALL: u32 = 256;

/// With a history of this many pairs, L-BFGS is assumed to need twice the evaluations of a full history; with half as
/// many, three times.
const HISTORY_FOR_TWICE_THE_EVALUATIONS: f64 = 4.0;

/// What strategies are planned for: a network, an objective and an optimiser on a device.
#[derive(Debug, Clone, Copy)]
pub struct Planner<'a> {
    /// The device, with the network's weights on it.
    pub gpu: &'a Gpu,
    /// The network.
    pub network: &'a Network,
    /// The objective.
    pub settings: &'a Settings,
    /// The optimiser; `None` to evaluate only.
    pub method: Option<Method>,
    /// Memory that may be used.
    pub budget: Budget,
}

impl Planner<'_> {
    /// Chooses the strategy for one size.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if not even small tiles fit; [`Error::Gpu`] if the device failed.
    pub fn choose(&self, parts: &Parts, sizes: &Sizes) -> Result<Choice> {
        let mut reason = String::new();
        for activations in [Kept, Recomputed] {
            let (estimate, style_core) = self.whole(parts, sizes, activations)?;
            let MemoryEstimate { device, host, fits } = estimate;
            if fits && self.budget.holds(device.total(), host) {
                let strategy = Strategy::Whole { activations, style_core };
                return Ok(Choice { strategy, device, host, size: sizes.image, reason: None });
            }
            reason = self.why_not_whole(&estimate);
        }
        self.in_tiles(parts, sizes, &reason)
    }

    fn why_not_whole(&self, estimate: &MemoryEstimate) -> String {
        if estimate.fits {
            let taken = mebibytes(self.budget.counted(estimate.device.total(), estimate.host));
            return format!("in one piece it takes {taken}, more than {}", self.limit());
        }
        let (largest, name) = (mebibytes(self.gpu.max_tensor_bytes()), &self.gpu.adapter().name);
        format!("in one piece it takes tensors larger than {largest}, the most that {name} allows")
    }

    /// The largest tiles that fit, with as much history as fits.
    fn in_tiles(&self, parts: &Parts, sizes: &Sizes, reason: &str) -> Result<Choice> {
        if self.settings.normalization == GradientNormalization::L1 {
            return Err(self.no_tiles(sizes, reason));
        }
        let (large, small): (Vec<u32>, Vec<u32>) = CORES.into_iter().partition(|core| *core >= SMALL);
        let attempts = [
            (Pairs::Single, Kept, Kept, &large),
            (Pairs::Half, Kept, Kept, &large),
            (Pairs::Half, Recomputed, Kept, &large),
            (Pairs::Half, Recomputed, Recomputed, &large),
            (Pairs::Half, Recomputed, Recomputed, &small),
        ];
        let mut smallest = None;
        for (pairs, activations, content, cores) in attempts {
            for core in cores {
                let tiling = Tiling { core: *core, activations, content };
                let estimate = self.tiled(parts, sizes, tiling)?;
                let choice = Choice {
                    strategy: Strategy::Tiled { tiling, pairs, history: None },
                    device: estimate.device,
                    host: estimate.host + self.host(sizes, self.method, pairs),
                    size: sizes.image,
                    reason: Some(reason.into()),
                };
                if estimate.fits && self.budget.holds(choice.device.total(), choice.host) {
                    return Ok(choice);
                }
                smallest = Some(choice).filter(|_| estimate.fits).or(smallest);
            }
        }
        match (smallest, self.method) {
            (Some(smallest), Some(method @ Method::Lbfgs { history, .. })) => {
                self.with_less_history(parts, sizes, &smallest, method, history)
            }
            (smallest, _) => Err(self.too_large(sizes, smallest.as_ref())),
        }
    }

    /// Fewer L-BFGS pairs than asked for, but at least one. `smallest` takes the least memory with all of them.
    fn with_less_history(
        &self,
        parts: &Parts,
        sizes: &Sizes,
        smallest: &Choice,
        method: Method,
        history: u32,
    ) -> Result<Choice> {
        let pair = 4 * numbers(sizes) as u64;
        let without_pairs = self.host(sizes, Some(method.with_history(0)), Pairs::Half);
        let mut choices = vec![];
        for (core, content) in CORES.into_iter().flat_map(|core| [(core, Kept), (core, Recomputed)]) {
            let tiling = Tiling { core, activations: Recomputed, content };
            let MemoryEstimate { device, host, fits } = self.tiled(parts, sizes, tiling)?;
            let host = host + without_pairs;
            let room = self.budget.room_for(pair, device.total(), host).min(u64::from(history)) as u32;
            if fits && room > 0 && self.budget.holds(device.total(), host) {
                let strategy = Strategy::Tiled { tiling, pairs: Pairs::Half, history: Some(room) };
                let host = host + u64::from(room) * pair;
                choices.push((room, Choice { strategy, host, device, ..smallest.clone() }));
            }
        }
        // Larger tiles take less time, more pairs fewer evaluations.
        let cost = |(room, choice): &(u32, Choice)| {
            let evaluations = 1.0 + HISTORY_FOR_TWICE_THE_EVALUATIONS / f64::from(*room);
            choice.work(self.settings.deepest()) * evaluations
        };
        if let Some((_, choice)) = choices.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b))) {
            return Ok(choice);
        }
        let one_pair = Choice { host: smallest.host - u64::from(history - 1) * pair, ..smallest.clone() };
        Err(self.too_large(sizes, Some(&one_pair)))
    }

    /// The error where tiles are needed, and an objective has none.
    fn no_tiles(&self, sizes: &Sizes, reason: &str) -> Error {
        let [width, height] = sizes.image;
        let problem = format!(
            "{width} x {height}: {reason}, and gradients that are normalised by their norm cannot be computed in tiles"
        );
        let none = Remedy::Set(Setting::NormalizeGradients, GradientNormalization::None.to_string());
        let mut remedies = vec![Remedy::Lower(Setting::Size), none];
        remedies.extend(self.budget.asked.then_some(Remedy::Raise(Setting::Memory)));
        Error::too_large(problem).with_remedies(remedies)
    }

    /// The error where nothing fits; `smallest` takes the least memory of all choices within the device's limits.
    fn too_large(&self, sizes: &Sizes, smallest: Option<&Choice>) -> Error {
        let [width, height] = sizes.image;
        let name = &self.gpu.adapter().name;
        let Some(Choice { device, host, .. }) = smallest else {
            let problem = format!("{width} x {height} does not fit {name} even in small tiles");
            return Error::too_large(problem).with_remedies([Remedy::Change(Setting::Device)]);
        };
        let needed = mebibytes(self.budget.counted(device.total(), *host));
        let limit = self.limit();
        // On a device that shares the host's memory the budget is for the whole process.
        let own = match self.budget.counted(0, 0) {
            0 => String::new(),
            bytes => format!(" ({} of it for the program and the driver themselves)", mebibytes(bytes)),
        };
        let problem = format!(
            "{width} x {height} takes {needed}{own} on {name} even in small tiles, more than {limit}"
        );
        let mut remedies = vec![Remedy::Lower(Setting::Size)];
        remedies.extend(self.budget.asked.then_some(Remedy::Raise(Setting::Memory)));
        Error::too_large(problem).with_remedies(remedies)
    }

    fn limit(&self) -> String {
        let verb = if self.budget.asked { "are allowed" } else { "may be used" };
        format!("the {} that {verb}", mebibytes(self.budget.device))
    }

    /// Memory of [`Strategy::Whole`], and the side of tiles for styles, if those do not fit in one piece.
    fn whole(
        &self,
        parts: &Parts,
        sizes: &Sizes,
        activations: Activations,
    ) -> Result<(MemoryEstimate, Option<u32>)> {
        let Self { gpu, network, settings, .. } = *self;
        let style = |core| MemoryEstimate::of_styles(gpu, network, settings, parts, &sizes.styles, core);
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
        // The finished image, and a copy in case the device is lost.
        let host = sizes.held + 2 * image_bytes(sizes.image);
        Ok((MemoryEstimate { device, host, fits }, core))
    }

    /// Memory of [`Strategy::Tiled`] without the optimiser's.
    fn tiled(&self, parts: &Parts, sizes: &Sizes, tiling: Tiling) -> Result<MemoryEstimate> {
        let Self { gpu, network, settings, .. } = *self;
        let image = MemoryEstimate::tiled(gpu, network, settings, parts, sizes.image, tiling)?;
        let core = Some(tiling.core);
        let styles = MemoryEstimate::of_styles(gpu, network, settings, parts, &sizes.styles, core)?;
        Ok(MemoryEstimate {
            device: self.with_weights(image.device.or_larger(styles.device)),
            host: image.host,
            fits: image.fits && styles.fits,
        })
    }

    /// Bytes of the optimiser and the images in the host's memory. The finished image takes the place of the gradient.
    fn host(&self, sizes: &Sizes, method: Option<Method>, pairs: Pairs) -> u64 {
        let n = numbers(sizes);
        // Without an optimiser there are the variable and its gradient.
        method.map_or(8 * n as u64, |method| HostOptimizer::bytes(method, n, pairs)) + sizes.held
    }

    fn with_weights(&self, memory: MemoryUse) -> MemoryUse {
        memory.with(Use::Weights, self.gpu.memory().of(Use::Weights))
    }
}

/// Numbers in the variable.
fn numbers(sizes: &Sizes) -> usize {
    3 * sizes.image[0] as usize * sizes.image[1] as usize
}
