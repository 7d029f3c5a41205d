//! The objective of an image larger than the device's memory, in exact tiles.
//!
//! The gradient at a pixel depends on the Gram matrices of the whole image, to which every pixel contributes. So an
//! evaluation passes over the tiles twice.
//!
//! 1. The Gram matrices of the tiles' cores are summed ([`gram_sums`]). The sums are those of the whole image; from them
//!    follow the style term and its derivative with respect to each Gram matrix.
//! 2. Each tile computes its features again, propagates these derivatives and that of its content term back to the pixels
//!    of its window, and the result is added to the gradient of the image.
//!
//! As the cores partition every layer, each position counts once: losses and gradient are those of the whole image up to
//! rounding. One tile at a time is on the device. The image and its gradient are in the host's memory, as are the
//! content features unless they are computed again in each evaluation.

mod content;
mod geometry;
mod gram_sums;
mod layout;
mod masks;
mod objective;
mod tile_graph;
mod variation;

pub use geometry::{Area, Tile, halo, tiles};
pub(super) use gram_sums::gram_matrices;
pub use layout::{TileLayout, Tiling};
pub use objective::TiledObjective;
