//! Kernels that teach: ladders for one result, of which no painting runs a rung.

use super::variants::Needs;
use crate::gpu::{Gpu, Shader};

/// A rung of a ladder that teaches.
#[derive(Debug)]
pub struct Lesson {
    /// Its name in tables.
    pub name: &'static str,
    /// The kernels that it launches.
    pub(super) shaders: &'static [Shader],
    pub(super) needs: Needs,
    /// Largest error that is allowed: see [`Case::tolerance`](super::case::Case::tolerance).
    pub(super) tolerance: f64,
}

impl Lesson {
    /// What the device is missing, in words to follow "needs"; `None` if the rung can run.
    pub fn missing(&self, gpu: &Gpu) -> Option<String> {
        let features = self.needs.missing(gpu);
        features.or_else(|| self.shaders.iter().find_map(|shader| shader.exceeded_limits(gpu)))
    }
}
