//! Which variant each layer runs.

use super::LayerId;
use crate::ops::{ConvVariant, GramVariant};

/// A variant for the convolution of each layer, and for the Gram matrix of its features.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernels {
    convs: Vec<ConvVariant>,
    grams: Vec<GramVariant>,
}

impl Kernels {
    /// The same for all layers.
    pub fn uniform(conv: ConvVariant, gram: GramVariant) -> Self {
        let layers = LayerId::all().count();
        Self { convs: vec![conv; layers], grams: vec![gram; layers] }
    }

    /// What the convolution of `layer` runs.
    pub fn conv(&self, layer: LayerId) -> ConvVariant {
        self.convs[layer.index()]
    }

    /// What the Gram matrix of `layer`'s features runs.
    pub fn gram(&self, layer: LayerId) -> GramVariant {
        self.grams[layer.index()]
    }

    /// Replaces the variant of one convolution.
    pub fn set_conv(&mut self, layer: LayerId, variant: ConvVariant) {
        self.convs[layer.index()] = variant;
    }

    /// Replaces the variant of one Gram matrix.
    pub fn set_gram(&mut self, layer: LayerId, variant: GramVariant) {
        self.grams[layer.index()] = variant;
    }
}
