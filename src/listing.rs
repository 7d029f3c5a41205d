//! Listings: the WGSL of every kernel as a device is given it.

use crate::error::{Error, Result};
use crate::gpu::{Gpu, KernelForm, Precision, Recording, Shader};
use crate::ops::OPERATIONS;
use crate::{optim, profiler};

/// Every kernel of the program.
pub fn shaders() -> impl Iterator<Item = &'static Shader> {
    let of_operations = OPERATIONS.iter().flat_map(|operation| (operation.shaders)());
    let of_optimisers = optim::SHADERS.into_iter().flatten();
    of_operations.chain(of_optimisers).chain(&profiler::SHADERS)
}

/// The kernels' texts for one precision of activations and weights.
///
/// Which bindings are stored in 16 bits is not stated anywhere: it follows from the tensors of a launch. So the
/// operations are recorded, with the cases that they are tested with, for a device that executes nothing.
#[derive(Debug)]
pub struct Listing {
    gpu: Gpu,
    recordings: Vec<Recording>,
}

impl Listing {
    /// Records every operation in every variant, with activations and weights stored in `precision`.
    ///
    /// # Errors
    /// [`Error::Gpu`] if a kernel is not valid.
    pub fn record(precision: Precision) -> Result<Self> {
        let gpu = Gpu::noop()?;
        let mut recordings = vec![];
        // In f32 there is one text, whatever is launched.
        if precision != Precision::F32 {
            let cases = OPERATIONS.iter().flat_map(|operation| (operation.cases)());
            for case in cases.filter(|case| case.precision == precision) {
                let programs = case.record(&gpu)?;
                recordings
                    .extend(programs.into_iter().flat_map(|program| [program.forward, program.backward]));
            }
        }
        Ok(Self { gpu, recordings })
    }

    /// The forms in which a kernel is launched, forward before backward. A kernel that only works on f32, as those
    /// of the optimisers do, has one.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is no kernel of this name.
    pub fn forms(&self, name: &str) -> Result<Vec<KernelForm>> {
        let shader = shaders().find(|shader| shader.name == name).ok_or_else(|| unknown(name))?;
        let mut forms: Vec<KernelForm> = vec![];
        for recording in &self.recordings {
            for form in recording.forms_of(name)? {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
        }
        if forms.is_empty() {
            forms.push(self.gpu.kernel(shader, &[])?.in_f32()?);
        }
        Ok(forms)
    }
}

/// Names the kernels of the same folder, or the folders.
fn unknown(name: &str) -> Error {
    let folder = |name: &str| name.split('/').next().unwrap_or_default().to_string();
    let mut known: Vec<String> = shaders()
        .map(|shader| shader.name.into())
        .filter(|known: &String| folder(known) == folder(name))
        .collect();
    if known.is_empty() {
        known = shaders().map(|shader| folder(shader.name) + "/").collect();
    }
    known.sort();
    known.dedup();
    Error::Usage(format!("there is no kernel '{name}'; choose from {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kernels_are_refused_with_those_that_are_near() {
        let listing = Listing::record(Precision::F32).unwrap();
        let error = listing.forms("relu/sideways").unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains("relu/backward, relu/forward, relu/mask"),
            "{error}"
        );
        let error = listing.forms("conv3x3").unwrap_err().to_string();
        assert!(error.contains("conv/, crop/"), "{error}");
    }
}
