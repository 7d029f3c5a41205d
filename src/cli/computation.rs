//! How a network is computed.

use impasto::ops::variants::ComputePrecision;
use impasto::vgg19::Kernels;

/// How a network is computed: its precision, and the variants of its layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Computation {
    pub precision: ComputePrecision,
    pub kernels: Kernels,
}
