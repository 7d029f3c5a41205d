//! Where in the network an operation stands.

use crate::gpu::{Precision, Shape};
use crate::vgg19::{LayerId, activation_shape};

/// A layer and a picture's size, which give every operation its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemSize {
    /// The layer.
    pub layer: LayerId,
    /// Width and height of the picture in pixels.
    pub side: u32,
    /// How what the network hands on is stored.
    pub precision: Precision,
}

impl ProblemSize {
    /// What goes into the layer's convolution.
    pub fn before(&self) -> Shape {
        Shape { channels: self.layer.spec().inputs as u32, ..self.after() }
    }

    /// What comes out of it, the layer's activations.
    pub fn after(&self) -> Shape {
        activation_shape(self.layer, self.side, self.side).stored_in(self.precision)
    }

    /// The picture, as the optimiser sees it.
    pub fn image(&self) -> Shape {
        Shape::planar(3, self.side, self.side)
    }
}
