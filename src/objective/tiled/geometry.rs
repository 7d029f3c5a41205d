//! The tiles of an image: their cores and windows.
//!
//! The *cores* of the tiles partition the image: every position of every layer belongs to exactly one. The *window* of a
//! tile is its core and a margin, the *halo*, of all pixels in the receptive field of a feature of the core. On the
//! window the network computes the features of the core exactly as on the whole image. Features of the halo whose
//! receptive field exceeds the window differ, but no feature of the core depends on them.

use crate::gpu::Shape;
use crate::vgg19::{LayerId, activation_shape};

/// A rectangle of pixels, or of positions of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Area {
    /// First column.
    pub left: u32,
    /// First row.
    pub top: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Area {
    /// Number of positions.
    pub fn positions(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The positions of a layer whose pixels these are, if the area begins on the layer's pooling grid.
    pub fn at(&self, layer: LayerId) -> Self {
        let d = layer.downscale() as u32;
        let scaled = |start: u32, length: u32| (start / d, (start + length) / d - start / d);
        let ((left, width), (top, height)) = (scaled(self.left, self.width), scaled(self.top, self.height));
        Self { left, top, width, height }
    }

    /// The same area, with the corner of an area around it as origin.
    pub fn within(&self, outer: &Self) -> Self {
        Self { left: self.left - outer.left, top: self.top - outer.top, ..*self }
    }

    /// The indices of each row in a plane of this width.
    pub fn rows(&self, plane_width: u32) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let Self { left, top, width, height } = *self;
        (top..top + height).map(move |y| {
            let start = y as usize * plane_width as usize + left as usize;
            start..start + width as usize
        })
    }

    /// This part of `planes`, each of `size` columns and rows.
    pub fn cut(&self, planes: &[f32], size: [u32; 2]) -> Vec<f32> {
        let plane = size[0] as usize * size[1] as usize;
        let rows =
            planes.chunks_exact(plane).flat_map(|plane| self.rows(size[0]).map(move |row| &plane[row]));
        rows.flatten().copied().collect()
    }

    /// Adds numbers of the area's shape to this part of `planes`.
    pub fn add(&self, part: &[f32], planes: &mut [f32], size: [u32; 2]) {
        let plane = size[0] as usize * size[1] as usize;
        let mut rows = part.chunks_exact(self.width as usize);
        for plane in planes.chunks_exact_mut(plane) {
            for (row, from) in self.rows(size[0]).zip(&mut rows) {
                plane[row].iter_mut().zip(from).for_each(|(sum, value)| *sum += value);
            }
        }
    }
}

/// A tile, in pixels of the whole image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    /// The pixels that belong to the tile.
    pub core: Area,
    /// The pixels that the network is computed on: the core and its halo.
    pub window: Area,
}

impl Tile {
    /// The core's share of the positions of a layer, 0 to 1. `image` is the shape of the variable of the whole image.
    pub(super) fn share_of(&self, layer: LayerId, image: Shape) -> f64 {
        let all = activation_shape(layer, image.width, image.height).positions();
        self.core.at(layer).positions() as f64 / f64::from(all)
    }
}

/// Width of the halo in pixels: the reach of a receptive field at `layer`, which is at most 70 for `conv5_1`, rounded up
/// to the layer's pooling grid.
pub fn halo(layer: LayerId) -> u32 {
    // From the deepest layer down, in positions of each: a 3 x 3 convolution reaches one position further, and one
    // position after a pooling is two before it.
    let widen = |reach: u32, layer: LayerId| if layer.pools_first() { 2 * (reach + 1) } else { reach + 1 };
    let reach = LayerId::all().rev().skip_while(|l| *l > layer).fold(0, widen);
    reach.next_multiple_of(layer.downscale() as u32)
}

/// Cuts an image into tiles whose cores are at most `core` pixels on a side, for layers up to `deepest`.
///
/// Cores begin on the pooling grid of that layer. The last ones also take the pixels beyond its last whole
/// position, so they may be a little larger.
pub fn tiles(width: u32, height: u32, deepest: LayerId, core: u32) -> Vec<Tile> {
    let (grid, halo) = (deepest.downscale() as u32, halo(deepest));
    let (columns, rows) = (cut(width, grid, core), cut(height, grid, core));
    let window = |[start, end]: [u32; 2], length: u32| {
        let begin = start.saturating_sub(halo);
        (begin, (end + halo).min(length) - begin)
    };
    let tile = |[top, bottom]: [u32; 2], [left, right]: [u32; 2]| {
        let (x, w) = window([left, right], width);
        let (y, h) = window([top, bottom], height);
        Tile {
            core: Area { left, top, width: right - left, height: bottom - top },
            window: Area { left: x, top: y, width: w, height: h },
        }
    };
    rows.iter().flat_map(|row| columns.iter().map(|column| tile(*row, *column))).collect()
}

/// Cuts a length into parts of about the same size, each a multiple of `grid` but for the last.
fn cut(length: u32, grid: u32, most: u32) -> Vec<[u32; 2]> {
    let cells = length / grid;
    let parts = cells.div_ceil((most / grid).max(1)).max(1);
    let edge = |k: u32| if k == parts { length } else { cells * k / parts * grid };
    (0..parts).map(|k| [edge(k), edge(k + 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(name: &str) -> LayerId {
        name.parse().unwrap()
    }

    #[test]
    fn halos_are_the_receptive_fields() {
        for (name, reach) in [
            ("conv1_1", 1),
            ("conv1_2", 2),
            ("conv2_1", 4),
            ("conv3_1", 12),
            ("conv4_2", 40),
            ("conv5_1", 80),
        ] {
            assert_eq!(halo(layer(name)), reach, "{name}");
        }
    }

    #[test]
    fn cores_partition_every_layer() {
        for (width, height, core) in
            [(500, 333, 128), (384, 288, 96), (17, 40, 16), (15, 9, 64), (1040, 16, 300)]
        {
            let deepest = layer("conv5_1");
            let tiles = tiles(width, height, deepest, core);
            for l in LayerId::all().filter(|l| *l <= deepest) {
                let d = l.downscale() as u32;
                let (w, h) = (width / d, height / d);
                let mut count = vec![0; (w * h) as usize];
                for tile in &tiles {
                    let own = tile.core.at(l);
                    assert!(own.left + own.width <= w && own.top + own.height <= h);
                    own.rows(w).for_each(|row| count[row].iter_mut().for_each(|n| *n += 1));
                }
                assert!(count.iter().all(|n| *n == 1), "{width} x {height}, {l}");
            }
            for Tile { core, window } in tiles {
                assert!(core.left % 16 == 0 && window.left % 16 == 0 && window.top % 16 == 0);
                let left = core.left - window.left;
                assert!(left == 80 || window.left == 0);
                let right = window.left + window.width;
                assert!(right == width || right == core.left + core.width + 80);
            }
        }
    }

    #[test]
    fn parts_are_cut_and_added_in_place() {
        let planes: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let area = Area { left: 1, top: 1, width: 2, height: 2 };
        let part = area.cut(&planes, [4, 3]);
        assert_eq!(part, [5.0, 6.0, 9.0, 10.0, 17.0, 18.0, 21.0, 22.0]);
        let mut sums = vec![0.0; 24];
        area.add(&part, &mut sums, [4, 3]);
        area.add(&part, &mut sums, [4, 3]);
        assert_eq!((sums[5], sums[22], sums[0], sums[7]), (10.0, 44.0, 0.0, 0.0));
    }
}
