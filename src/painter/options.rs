//! Where a painter begins, and what it records.

use super::Checkpoint;
use crate::objective::StyleCache;

/// Options of a [`Painter`](super::Painter) besides its inputs and plan.
#[derive(Debug, Clone, Default)]
pub struct PainterOptions<'a> {
    /// State to begin from.
    pub origin: Origin<'a>,
    /// Gram matrices of styles from earlier paintings with the same network.
    pub style_cache: StyleCache,
    /// Times every command of each `n`-th evaluation and its update. A timed evaluation waits for the device.
    pub time_every: Option<usize>,
    /// Keeps the image whose loss diverges, for [`Painter::diagnose`](super::Painter::diagnose): it takes the memory of
    /// one more image.
    pub keep_diverged: bool,
}

/// The state that a painter begins from.
#[derive(Debug, Clone, Copy, Default)]
pub enum Origin<'a> {
    /// The content image at the size of the first scale.
    #[default]
    Content,
    /// A variable of the first scale's size, planar as [`to_variable`](crate::objective::to_variable) gives it.
    Variable(&'a [f32]),
    /// A checkpoint of a painting with the same inputs and plan.
    Checkpoint(&'a Checkpoint),
}
