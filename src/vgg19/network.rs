//! The network on the GPU: packed weights, and its layers as nodes of a graph.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

use super::bands::{Band, Piece, Pieces, bands, cut, stack};
use super::weights::BGR_MEAN;
use super::{ConvWeights, Kernels, LayerId, Pixels, Weights};
use crate::error::Result;
use crate::gpu::{Gpu, Precision, Shape};
use crate::graph::{Graph, NodeId};
use crate::ops::variants::TunedOp;
use crate::ops::{Conv, Normalize, Packed, PackedWeights, Pool, Pooling};

/// VGG19 up to some layer, packed for a device.
#[derive(Debug)]
pub struct Network {
    normalize: Normalize,
    convs: Vec<Arc<PackedWeights>>,
    pooling: Pooling,
    kernels: Kernels,
    /// The device's limit on a tensor.
    max_tensor_bytes: u64,
}

impl Network {
    /// Uploads the weights in the forms that the layers' variants read. Weights and activations are stored in `precision`;
    /// Gram matrices, losses and their gradients are always f32.
    ///
    /// # Errors
    /// [`Error::Gpu`](crate::Error::Gpu) when memory runs out.
    pub fn new(
        gpu: &Gpu,
        weights: &Weights,
        pooling: Pooling,
        kernels: &Kernels,
        precision: Precision,
    ) -> Result<Self> {
        let upload = |(conv, _): (&ConvWeights, LayerId), packed: &Packed| {
            let weights = packed.upload(gpu, precision, &conv.bias)?;
            gpu.flush().map(|()| Arc::new(weights))
        };
        // Packed weights take up to four times the memory of plain ones, and the driver copies them once more during the
        // upload, so at most two layers are packed at a time.
        let mut layers = weights.convs.iter().zip(LayerId::all()).map(|layer| (layer, pack(layer, kernels)));
        let (mut convs, mut next) = (vec![], layers.next());
        while let Some((layer, packed)) = next {
            let uploaded;
            (uploaded, next) = rayon::join(|| upload(layer, &packed?), || layers.next());
            convs.push(uploaded?);
        }
        let (normalize, kernels) = (normalize(weights.pixels, precision), kernels.clone());
        Ok(Self { normalize, convs, pooling, kernels, max_tensor_bytes: gpu.max_tensor_bytes() })
    }

    /// The variants of its convolutions, and of Gram matrices of its features.
    pub fn kernels(&self) -> &Kernels {
        &self.kernels
    }

    /// Applies the network to `x`, a planar image `[3, h, w]` of B, G, R in 0..255 minus [`BGR_MEAN`], up to the deepest of
    /// `layers`. Returns their activations after the ReLU, `[channels, h / downscale, w / downscale]` each.
    ///
    /// # Panics
    /// If a layer is deeper than the weights that were loaded.
    pub fn features(
        &self,
        graph: &mut Graph,
        x: NodeId,
        layers: &BTreeSet<LayerId>,
    ) -> BTreeMap<LayerId, NodeId> {
        let (mut features, mut pieces) = (BTreeMap::new(), Pieces::default());
        let Ok(()) = self.walk_in_bands(graph, x, layers, |graph, layer, piece| {
            features.extend(pieces.add(graph, layer, piece).map(|node| (layer, node)));
            Ok::<(), Infallible>(())
        });
        features
    }

    /// Applies the network as [`features`](Self::features) does, and calls `visit` with each of `layers`. Operations that
    /// `visit` applies come before the next layer in the graph, so their backward steps come directly before those of their
    /// layer, and no gradient stays in memory in between.
    ///
    /// # Errors
    /// Those of `visit`.
    ///
    /// # Panics
    /// As [`features`](Self::features).
    pub fn walk<E>(
        &self,
        graph: &mut Graph,
        x: NodeId,
        layers: &BTreeSet<LayerId>,
        mut visit: impl FnMut(&mut Graph, LayerId, NodeId) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.walk_within(u64::MAX, graph, x, layers, |graph, layer, piece| visit(graph, layer, piece.node))
    }

    /// [`walk`](Self::walk), but a block with activations beyond the device's limit on a tensor is computed in bands of
    /// rows, one after another, and `visit` is called with each. The pieces of the layers of a block alternate; those of one
    /// layer are in order from the top.
    ///
    /// # Errors
    /// Those of `visit`.
    ///
    /// # Panics
    /// As [`features`](Self::features).
    pub fn walk_in_bands<E>(
        &self,
        graph: &mut Graph,
        x: NodeId,
        layers: &BTreeSet<LayerId>,
        visit: impl FnMut(&mut Graph, LayerId, Piece) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        self.walk_within(self.max_tensor_bytes, graph, x, layers, visit)
    }

    /// Computes blocks in bands whose tensors take at most `most` bytes.
    fn walk_within<E>(
        &self,
        most: u64,
        graph: &mut Graph,
        x: NodeId,
        layers: &BTreeSet<LayerId>,
        mut visit: impl FnMut(&mut Graph, LayerId, Piece) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let Some(deepest) = layers.last() else { return Ok(()) };
        let walked: Vec<LayerId> = LayerId::all().filter(|layer| layer <= deepest).collect();
        let mut node = graph.apply("input", Box::new(self.normalize), &[x]);
        for block in walked.chunk_by(|a, b| a.spec().block == b.spec().block) {
            let shape = graph.shape(node);
            let widest = Shape { channels: block[0].channels() as u32, height: 1, ..shape };
            let most_rows = u32::try_from(most / widest.bytes().max(1)).unwrap_or(u32::MAX);
            let pool = (block.last() != Some(deepest)).then(|| format!("pool{}", block[0].spec().block));
            let mut pooled = vec![];
            // The halo is even, so that windows begin at pooling windows.
            for band in bands(shape.height, block.len().next_multiple_of(2) as u32, most_rows) {
                let rows = self.walk_band(graph, node, block, &band, |graph, layer, rows| {
                    if !layers.contains(&layer) {
                        return Ok(());
                    }
                    let node = cut(graph, layer.name(), rows, band.own_within(1));
                    let Range { start: top, end } = band.own;
                    visit(graph, layer, Piece { node, top, rows: end - top, of: shape.height })
                })?;
                // A last band of one row is empty after pooling.
                let has_rows = pooled.is_empty() || !band.own_within(2).is_empty();
                if let Some(pool) = pool.as_ref().filter(|_| has_rows) {
                    let rows = graph.apply(pool, Box::new(Pool(self.pooling)), &[rows]);
                    // A pooled layer is a quarter of the size of the layers around it.
                    graph.checkpoint(rows);
                    pooled.push(cut(graph, pool, rows, band.own_within(2)));
                }
            }
            if let Some(pool) = pool {
                node = stack(graph, &pool, &pooled);
            }
        }
        Ok(())
    }

    /// Applies the layers of a block to one band with its halo, and calls `visit` with each; returns the last.
    fn walk_band<E>(
        &self,
        graph: &mut Graph,
        node: NodeId,
        block: &[LayerId],
        band: &Band,
        mut visit: impl FnMut(&mut Graph, LayerId, NodeId) -> std::result::Result<(), E>,
    ) -> std::result::Result<NodeId, E> {
        let mut rows = cut(graph, "band", node, band.window.clone());
        for layer in block {
            let conv = Conv::new(self.convs[layer.index()].clone(), true);
            rows = graph.apply(layer.name(), Box::new(conv), &[rows]);
            visit(graph, *layer, rows)?;
        }
        Ok(rows)
    }
}

fn pack((conv, layer): (&ConvWeights, LayerId), kernels: &Kernels) -> Result<Packed> {
    let channels = [layer.spec().outputs as u32, layer.spec().inputs as u32];
    Packed::new(kernels.of(TunedOp::Conv3x3, layer), &conv.weight, channels)
}

/// Shape of a layer's activations for an image of this size.
pub fn activation_shape(layer: LayerId, width: u32, height: u32) -> Shape {
    let downscale = layer.downscale() as u32;
    Shape::blocked(layer.channels() as u32, height / downscale, width / downscale)
}

/// The operation from x (B, G, R minus the mean) to the input that the weights expect. The convention of a weights file is
/// given in terms of r, g, b in 0..255.
fn normalize(pixels: Pixels, precision: Precision) -> Normalize {
    let channels = pixels.channels();
    let mean_of = |source: usize| BGR_MEAN[2 - source];
    Normalize {
        reversed: channels[0].source == 0,
        scale: channels.map(|c| c.scale),
        offset: channels.map(|c| c.scale * mean_of(c.source) + c.offset),
        precision,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_conventions_follow_from_x() {
        assert_eq!(normalize(Pixels::BgrMean, Precision::F32), Normalize::IDENTITY);
        let torchvision = normalize(Pixels::RgbMeanStd, Precision::F32);
        assert!(torchvision.reversed);
        // x = 0 is the mean colour; its red is 123.68, and (123.68 / 255 - 0.485) / 0.229 = 0.0001.
        let expected = [(123.68 / 255.0 - 0.485) / 0.229, (116.779 / 255.0 - 0.456) / 0.224];
        for (got, want) in torchvision.offset.iter().zip(expected) {
            assert!((got - want).abs() < 1e-5, "{got} {want}");
        }
        assert!((torchvision.scale[2] - 1.0 / (255.0 * 0.225)).abs() < 1e-9);
    }

    #[test]
    fn activations_shrink_by_whole_poolings() {
        let layer: LayerId = "conv3_1".parse().unwrap();
        assert_eq!(activation_shape(layer, 75, 53), Shape::blocked(256, 13, 18));
    }
}
