//! The outcome of planning: a strategy, the memory that it takes, and why it was chosen.

use std::fmt;

use crate::gpu::{MemoryUse, mebibytes};
use crate::graph::Activations;
use crate::objective::{Tiling, tiles};
use crate::optim::Pairs;
use crate::vgg19::LayerId;

/// How the objective of one size is evaluated and optimised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// The whole image at once, with the optimiser on the device.
    Whole {
        /// Whether activations are kept or recomputed for the backward pass.
        activations: Activations,
        /// Side of the tiles for the features of style images, if those do not fit in one piece.
        style_core: Option<u32>,
    },
    /// A tile at a time on the device, with the optimiser on the host.
    Tiled {
        /// Size of the tiles, and what is recomputed.
        tiling: Tiling,
        /// Storage precision of the L-BFGS history.
        pairs: Pairs,
        /// Pairs in the history, if fewer than asked for.
        history: Option<u32>,
    },
}

/// A strategy with the memory that it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The strategy.
    pub strategy: Strategy,
    /// Peak memory on the device, weights included.
    pub device: MemoryUse,
    /// Bytes in the host's memory.
    pub host: u64,
    /// Width and height of the image.
    pub size: [u32; 2],
    /// Why it is not in one piece.
    pub(super) reason: Option<String>,
}

impl Choice {
    /// Work of one evaluation, as the number of pixels that takes as long in one piece: tiles also compute
    /// their halos and run two forward passes.
    pub fn work(&self, deepest: LayerId) -> f64 {
        let [width, height] = self.size;
        // Forward and backward take about the same time.
        let passes = |activations| if activations == Activations::Kept { 1.0 } else { 1.5 };
        match self.strategy {
            Strategy::Whole { activations, .. } => passes(activations) * f64::from(width) * f64::from(height),
            Strategy::Tiled { tiling: Tiling { core, activations, content }, .. } => {
                let windows = tiles(width, height, deepest, core).into_iter();
                let content_pass = if content == Activations::Kept { 0.0 } else { 0.4 };
                (0.5 + passes(activations) + content_pass)
                    * windows.map(|tile| tile.window.positions() as f64).sum::<f64>()
            }
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let recomputed = |activations| match activations {
            Activations::Kept => "",
            Activations::Recomputed => ", activations recomputed in the backward pass",
        };
        match *self {
            Self::Whole { activations, style_core } => {
                write!(f, "in one piece{}", recomputed(activations))?;
                style_core.map_or(Ok(()), |core| write!(f, ", its styles in tiles of {core}"))
            }
            Self::Tiled { tiling: Tiling { core, activations, content }, pairs, history } => {
                write!(f, "in tiles of up to {core} pixels{}", recomputed(activations))?;
                if content == Activations::Recomputed {
                    f.write_str(", content features recomputed in each evaluation")?;
                }
                if pairs == Pairs::Half {
                    f.write_str(", L-BFGS pairs in half precision")?;
                }
                history.map_or(Ok(()), |history| write!(f, ", and only {history} pairs"))
            }
        }
    }
}

impl fmt::Display for Choice {
    /// One line: the strategy, its memory, and the reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([width, height], device) = (self.size, mebibytes(self.device.total()));
        write!(f, "{width} x {height}: {}, {device}", self.strategy)?;
        if let Strategy::Tiled { .. } = self.strategy {
            write!(f, " and {} on the host", mebibytes(self.host))?;
        }
        self.reason.as_ref().map_or(Ok(()), |reason| write!(f, "; {reason}"))
    }
}
