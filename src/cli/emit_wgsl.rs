//! `impasto kernels --emit-wgsl`: the text that a device is given for a kernel.

use std::convert::Infallible;
use std::process::ExitCode;
use std::str::FromStr;

use impasto::gpu::KernelForm;
use impasto::listing::Listing;
use impasto::{Error, Result};

use super::options::CommonOptions;
use super::terminal::print;

/// A kernel by its path under `shaders/`; `@2` behind it is the second of its forms.
#[derive(Debug, Clone)]
pub struct KernelName {
    name: String,
    number: usize,
}

impl FromStr for KernelName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbered = text.rsplit_once('@').and_then(|(name, number)| Some((name, number.parse().ok()?)));
        let (name, number) = numbered.unwrap_or((text, 1));
        Ok(Self { name: name.into(), number })
    }
}

/// Prints the text and nothing else on standard output, so that it can be compiled; what it is goes to standard
/// error.
pub fn emit_wgsl(kernel: &KernelName, options: &CommonOptions) -> Result<ExitCode> {
    let KernelName { name, number } = kernel;
    let forms = Listing::record(options.kernels.precision.untimed().storage())?.forms(name)?;
    let Some(form) = number.checked_sub(1).and_then(|index| forms.get(index)) else {
        let count = forms.len();
        return Err(Error::Usage(format!("'{name}@{number}': this kernel has the forms 1 to {count}")));
    };
    print(&form.wgsl)?;
    options.say(format_args!("{name}: {}", storage(form)));
    for (i, other) in forms.iter().enumerate().filter(|(i, _)| i + 1 != *number) {
        options.say(format_args!("also launched as {name}@{}: {}", i + 1, storage(other)));
    }
    Ok(ExitCode::SUCCESS)
}

/// `src in f16, dst in f16, bias in f32`
fn storage(form: &KernelForm) -> String {
    let bindings = form.storage.iter().map(|(name, precision)| format!("{name} in {precision}"));
    bindings.collect::<Vec<_>>().join(", ")
}
