//! The objective: the loss of an image against content and style targets, and its gradient.
//!
//! [`Settings`] has the formula. [`Targets`] are computed once from the content image and the style images; an
//! [`Objective`] evaluates an image in one piece, a [`TiledObjective`] in tiles. Both build their loss terms with
//! `loss_terms` and weigh them by `term`. [`MemoryEstimate`] says beforehand how much memory each takes.

mod limits;
mod loss_graph;
mod loss_terms;
mod losses;
mod memory_estimate;
mod normalization;
mod parts;
mod region;
mod scaling;
mod scene;
mod settings;
mod style_cache;
mod targets;
mod term;
mod tiled;
mod tone;
mod variable;
mod whole;

pub use limits::{check_fits, check_pooling};
pub use losses::Losses;
pub use memory_estimate::MemoryEstimate;
pub use normalization::GradientNormalization;
pub use parts::Parts;
pub use region::Region;
pub use scaling::Scaling;
pub use scene::{Scene, Style};
pub use settings::{LayerWeights, Settings, parse_weight};
pub use style_cache::StyleCache;
pub use targets::{TargetOptions, Targets};
pub use term::Term;
pub use tiled::{Area, Tile, TileLayout, TiledObjective, Tiling, halo, tiles};
pub use variable::{clamp_to_displayable, to_image, to_variable, variable_shape};
pub use whole::Objective;
