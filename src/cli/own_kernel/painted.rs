//! A user's kernel that a painting runs: checked first, in another process, and then put in place of the plain one.

use std::ffi::OsString;
use std::time::Duration;

use impasto::gpu::{DeviceChoice, Precision, StandIn};
use impasto::{Error, Result};

use super::child::Message;
use super::file::OwnKernel;
use super::supervisor::{Running, supervise};
use crate::cli::options::{CommonOptions, OwnKernelFile};

/// Seconds without a sign of life after which the check is given up.
const LIMIT: Duration = Duration::from_secs(60);

/// The kernel of a file, if it is right in all cases of its operation on this device.
///
/// # Errors
/// [`Error::Usage`] with what is wrong, and how to learn more.
pub fn checked_stand_in(file: &OwnKernelFile, options: &CommonOptions) -> Result<StandIn> {
    let own = OwnKernel::load(&file.path, Some(file.op), file.pass.map(Into::into))?;
    let path = file.path.display();
    let again = format!("'impasto kernels --op {} --try {path}' says more", file.op.name);
    let wrong =
        |what: &str| Error::Usage(format!("{path} does not paint, since it is not right: {what}; {again}"));
    let stand_in = own.stand_in().map_err(|message| wrong(&message))?;
    options.detail(format_args!("checking {path} in place of {}", own.shader.name));
    let mut fault = Some("it was not checked".to_string());
    let end = supervise(&Running::default(), &arguments(file, options), LIMIT, &|| false, &mut |message| {
        if let Message::Checked(rung, _) = message {
            fault = rung.fault().map(String::from);
        }
        Ok(())
    })?;
    match end.failure(&own).or(fault) {
        Some(fault) => Err(wrong(&fault)),
        None => Ok(stand_in),
    }
}

/// The arguments of the process that checks: the smallest shapes, since it times them as well.
fn arguments(file: &OwnKernelFile, options: &CommonOptions) -> Vec<OsString> {
    let is_f16 = options.kernels.precision.untimed().storage() == Precision::F16;
    let fixed = ["kernels", "--try-here", "--seconds", "0", "--size", "16", "--layer", "conv1_1", "--op"];
    let mut arguments: Vec<OsString> = fixed.map(OsString::from).into();
    arguments.extend([file.op.name.into(), "--try".into(), file.path.clone().into_os_string()]);
    arguments.extend(["--precision".into(), if is_f16 { "f16" } else { "f32" }.into()]);
    if let Some(pass) = file.pass {
        arguments.extend(["--pass".into(), pass.name().into()]);
    }
    match &options.device {
        Some(DeviceChoice::Index(index)) => arguments.extend(["--device".into(), index.to_string().into()]),
        Some(DeviceChoice::Name(name)) => arguments.extend(["--device".into(), name.into()]),
        Some(DeviceChoice::Best) | None => {}
    }
    arguments
}
