//! Bands of rows: a block of the network in parts, where one of its activations exceeds the limit on a tensor.
//!
//! The output of a 3 x 3 convolution depends on one more row above and below. So the features of a band are exact if the
//! input has a *halo* on either side of as many rows as the block has convolutions; the features of the halo itself are
//! cut off. The pooled features are a quarter of the size, and the next block is computed in one piece.

use std::collections::BTreeMap;
use std::ops::Range;

use super::LayerId;
use crate::graph::{Graph, NodeId};
use crate::ops::{Crop, Stack};

/// The features of a layer, or a band of their rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Node of the features, `[channels, rows, width]` in the blocked layout.
    pub node: NodeId,
    /// First row within the layer.
    pub top: u32,
    /// Number of rows.
    pub rows: u32,
    /// Number of rows of the layer.
    pub of: u32,
}

impl Piece {
    /// A layer in one piece.
    pub fn whole(graph: &Graph, node: NodeId) -> Self {
        let rows = graph.shape(node).height;
        Self { node, top: 0, rows, of: rows }
    }

    /// Fraction of the layer, 0 to 1.
    pub fn share(&self) -> f32 {
        self.rows as f32 / self.of as f32
    }

    /// Whether it is the last of its layer.
    pub fn is_last(&self) -> bool {
        self.top + self.rows == self.of
    }
}

/// Collects the pieces of layers.
#[derive(Debug, Default)]
pub struct Pieces(BTreeMap<LayerId, Vec<NodeId>>);

impl Pieces {
    /// Adds the next piece of a layer; with the last piece returns the whole layer.
    pub fn add(&mut self, graph: &mut Graph, layer: LayerId, piece: Piece) -> Option<NodeId> {
        let so_far = self.0.entry(layer).or_default();
        so_far.push(piece.node);
        piece.is_last().then(|| stack(graph, layer.name(), so_far))
    }
}

/// Stacks bands of features; a single band is returned as it is.
pub(super) fn stack(graph: &mut Graph, label: &str, bands: &[NodeId]) -> NodeId {
    match bands {
        [whole] => *whole,
        _ => graph.apply(label, Box::new(Stack), bands),
    }
}

/// A band: rows that are computed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Band {
    /// The rows of the band.
    pub own: Range<u32>,
    /// The same with the halo.
    pub window: Range<u32>,
}

impl Band {
    /// The rows of the band after pooling by `downscale`, counted from the top of the window. Empty if a single row is
    /// pooled.
    pub fn own_within(&self, downscale: u32) -> Range<u32> {
        (self.own.start - self.window.start) / downscale..(self.own.end - self.window.start) / downscale
    }
}

/// The least number of bands whose windows have at most `most` rows each; a single band if there is none. Bands begin at
/// even rows, so that no pooling window is divided.
pub(super) fn bands(height: u32, halo: u32, most: u32) -> Vec<Band> {
    let rows = (1..=height).map(|count| match count {
        1 => height,
        _ => height.div_ceil(count).next_multiple_of(2),
    });
    let fits = |rows: &u32| *rows == height && height <= most || *rows < height && rows + 2 * halo <= most;
    let rows = rows.take_while(|rows| *rows > halo).find(fits).unwrap_or(height);
    let band = |top: u32| {
        let own = top..(top + rows).min(height);
        let window = top.saturating_sub(halo)..(own.end + halo).min(height);
        Band { own, window }
    };
    (0..height).step_by(rows.max(1) as usize).map(band).collect()
}

/// Cuts rows out of features. Returns the features as they are if these are all rows.
pub(super) fn cut(graph: &mut Graph, label: &str, node: NodeId, rows: Range<u32>) -> NodeId {
    let shape = graph.shape(node);
    if rows == (0..shape.height) {
        return node;
    }
    let crop = Crop { top: rows.start, left: 0, height: rows.end - rows.start, width: shape.width };
    graph.apply(label, Box::new(crop), &[node])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_cover_every_row_once_and_fit() {
        for (height, halo, most) in
            [(64, 2, 40), (63, 2, 40), (101, 4, 31), (7, 2, 7), (1024, 2, 512), (90, 4, 16), (25, 2, 12)]
        {
            let bands = bands(height, halo, most);
            let rows: Vec<u32> = bands.iter().flat_map(|band| band.own.clone()).collect();
            assert_eq!(rows, (0..height).collect::<Vec<_>>(), "{height} rows");
            let pooled: usize = bands.iter().map(|band| band.own_within(2).len()).sum();
            assert_eq!(pooled as u32, height / 2, "{height} rows, pooled");
            for Band { own, window } in &bands {
                assert!(window.len() as u32 <= most, "{height} rows: {window:?} of {most}");
                assert!(own.start % 2 == 0 && window.start % 2 == 0);
                assert_eq!(window.start, own.start.saturating_sub(halo));
                assert_eq!(window.end, (own.end + halo).min(height));
            }
        }
    }

    #[test]
    fn there_is_one_band_where_all_fits_or_nothing_does() {
        let whole = |height| vec![Band { own: 0..height, window: 0..height }];
        assert_eq!(bands(100, 2, 100), whole(100));
        assert_eq!(bands(100, 4, 8), whole(100), "a band needs rows besides its halo");
        assert_eq!(bands(1, 2, 0), whole(1));
    }
}
