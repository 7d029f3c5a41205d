//! The convolutional part of the VGG19 network (Simonyan & Zisserman 2014, arXiv:1409.1556, configuration E).
//!
//! It has 16 convolutions, each 3 x 3 with stride 1 and zero padding 1, followed by a ReLU. A 2 x 2 pooling of stride 2
//! precedes `conv2_1`, `conv3_1`, `conv4_1` and `conv5_1`. The classifier is not needed.
use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

mod bands;
mod kernels;
mod network;
pub mod weights;

pub use bands::{Piece, Pieces};
pub use kernels::{KernelOverride, Kernels};
pub use network::{Network, activation_shape};
#[cfg(not(feature = "embedded-weights"))]
pub use weights::provide_built_in;
pub use weights::{ConvWeights, Pixels, Weights};

/// Number of convolutions of the network.
pub const LAYER_COUNT: usize = 16;

/// One convolution (and the ReLU after it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `convB_I` with [`Layer::block`] and [`Layer::index`].
    pub name: &'static str,
    /// Number of the block, 1..=5. A pooling precedes the first convolution of each block but the first.
    pub block: usize,
    /// Number of the convolution within its block, from 1.
    pub index: usize,
    /// Input channels: 3 for the first layer, otherwise the output channels of the layer before.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
}

/// The convolutions, shallowest first.
pub const LAYERS: [Layer; LAYER_COUNT] = [
    conv("conv1_1", 1, 1, 3, 64),
    conv("conv1_2", 1, 2, 64, 64),
    conv("conv2_1", 2, 1, 64, 128),
    conv("conv2_2", 2, 2, 128, 128),
    conv("conv3_1", 3, 1, 128, 256),
    conv("conv3_2", 3, 2, 256, 256),
    conv("conv3_3", 3, 3, 256, 256),
    conv("conv3_4", 3, 4, 256, 256),
    conv("conv4_1", 4, 1, 256, 512),
    conv("conv4_2", 4, 2, 512, 512),
    conv("conv4_3", 4, 3, 512, 512),
    conv("conv4_4", 4, 4, 512, 512),
    conv("conv5_1", 5, 1, 512, 512),
    conv("conv5_2", 5, 2, 512, 512),
    conv("conv5_3", 5, 3, 512, 512),
    conv("conv5_4", 5, 4, 512, 512),
];

/// A row of the table.
const fn conv(name: &'static str, block: usize, index: usize, inputs: usize, outputs: usize) -> Layer {
    Layer { name, block, index, inputs, outputs }
}

/// Identifies one of [`LAYERS`]; ordered by depth. Prints and parses as `conv4_2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId(u8);

impl LayerId {
    /// `conv1_1`.
    pub const FIRST: Self = Self(0);
    /// `conv5_4`.
    pub const LAST: Self = Self(LAYER_COUNT as u8 - 1);

    /// The layer at `index` of [`LAYERS`], or `None` beyond its end.
    pub fn new(index: usize) -> Option<Self> {
        (index < LAYER_COUNT).then_some(Self(index as u8))
    }

    /// All layers, shallowest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        (0..LAYER_COUNT as u8).map(Self)
    }

    /// Index in [`LAYERS`], 0..16.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The layer's row of the table.
    pub fn spec(self) -> &'static Layer {
        &LAYERS[self.index()]
    }

    /// `conv1_1` .. `conv5_4`.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Channels of the layer's activations.
    pub fn channels(self) -> usize {
        self.spec().outputs
    }

    /// Factor from a side of the layer's activations to that of the image: 1, 2, 4, 8 or 16, which is 2^(block - 1). Each
    /// pooling rounds down.
    pub fn downscale(self) -> usize {
        1 << (self.spec().block - 1)
    }

    /// True if the layer's input is pooled: the first convolution of blocks 2 to 5.
    pub fn pools_first(self) -> bool {
        self.spec().index == 1 && self.spec().block > 1
    }
}

impl fmt::Display for LayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for LayerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl FromStr for LayerId {
    type Err = Error;

    /// Accepts the exact names; see [`layer`].
    fn from_str(name: &str) -> Result<Self> {
        layer(name)
    }
}

/// The layer called `name`.
///
/// # Errors
/// [`Error::Usage`] for any other name, with the most similar one if any is similar.
pub fn layer(name: &str) -> Result<LayerId> {
    if let Some(found) = LayerId::all().find(|l| l.name() == name) {
        return Ok(found);
    }
    let wanted = name.to_lowercase();
    let distance = |l: &LayerId| strsim::damerau_levenshtein(&wanted, l.name());
    // Four changes reach from the "relu4_2" of other programs, but not from an unrelated word.
    let hint = LayerId::all()
        .min_by_key(distance)
        .filter(|l| distance(l) <= 4)
        .map_or_else(String::new, |l| format!("did you mean {l}? "));
    Err(Error::Usage(format!(
        "unknown layer '{name}': {hint}layers are {} .. {}",
        LayerId::FIRST,
        LayerId::LAST
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        let mut before = 3;
        for (i, l) in LAYERS.iter().enumerate() {
            assert_eq!(l.name, format!("conv{}_{}", l.block, l.index));
            assert_eq!(l.inputs, before, "{}", l.name);
            assert_eq!(l.outputs, [64, 128, 256, 512, 512][l.block - 1]);
            before = l.outputs;
            let id = LayerId::new(i).unwrap();
            assert_eq!((id.index(), id.spec(), layer(l.name).unwrap()), (i, l, id));
        }
        assert_eq!([1, 2, 3, 4, 5].map(|b| LAYERS.iter().filter(|l| l.block == b).count()), [2, 2, 4, 4, 4]);
        assert_eq!(LayerId::new(LAYER_COUNT), None);
        assert_eq!(LayerId::all().collect::<Vec<_>>().len(), LAYER_COUNT);
        assert!(LayerId::FIRST < LayerId::LAST);
    }

    #[test]
    fn layers_know_their_size_and_pooling() {
        let pooled: Vec<_> = LayerId::all().filter(|l| l.pools_first()).map(LayerId::name).collect();
        assert_eq!(pooled, ["conv2_1", "conv3_1", "conv4_1", "conv5_1"]);
        let l: LayerId = "conv4_2".parse().unwrap();
        assert_eq!((l.channels(), l.downscale(), l.to_string().as_str()), (512, 8, "conv4_2"));
        assert_eq!((LayerId::FIRST.downscale(), LayerId::LAST.downscale()), (1, 16));
        assert_eq!(format!("{l:>9}|"), "  conv4_2|");
    }

    #[test]
    fn unknown_layers_get_a_suggestion() {
        let error = |name: &str| {
            let e = layer(name).unwrap_err();
            assert!(e.is_usage());
            e.to_string()
        };
        assert_eq!(
            error("conv42"),
            "unknown layer 'conv42': did you mean conv4_2? layers are conv1_1 .. conv5_4"
        );
        assert!(error("relu3_1").contains("did you mean conv3_1?"));
        assert!(error("Conv5_4").contains("did you mean conv5_4?"));
        assert_eq!(error("banana"), "unknown layer 'banana': layers are conv1_1 .. conv5_4");
        assert_eq!(error(""), "unknown layer '': layers are conv1_1 .. conv5_4");
    }
}
