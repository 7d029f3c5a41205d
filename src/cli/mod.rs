//! The command line: the only place that prints.

mod balance;
mod computation;
mod context;
mod device;
mod devices;
mod earlier_settings;
mod emit_wgsl;
mod extras;
mod features;
mod file_roles;
mod job;
mod kernels;
mod log;
mod masks;
mod note;
mod options;
mod own_kernel;
mod page_settings;
mod paint;
mod panics;
mod paths;
mod plot;
mod presets;
mod profile;
mod progress;
mod reconstruct;
mod score;
mod selftest;
mod series;
mod settings;
mod studio;
mod sweep;
mod terminal;
mod test_faults;
mod tune;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use impasto::error::Setting;
use impasto::{Error, Result};

/// Exit codes: 0 done, 1 a file or device failed, 2 wrong use, 130 stopped by Ctrl-C.
const STOPPED: u8 = 130;

#[derive(Debug, Parser)]
#[command(name = "impasto", version, about, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Paint the content image in the style of the others
    Paint(Box<paint::Paint>),
    /// Open a page in the browser: drop two pictures, choose, paint, save
    Studio(studio::Studio),
    /// Paint every image of a folder
    Batch(Box<paint::Batch>),
    /// Continue a painting from its checkpoint
    Resume(paint::Resume),
    /// Print the losses of an image as JSON
    Score(score::Score),
    /// Measure each kernel against what the device can do
    Profile(Box<profile::ProfileCommand>),
    /// Check and time the variants of an operation on this device, or a kernel of your own
    Kernels(Box<kernels::KernelsCommand>),
    /// Time the kernels on a device again and keep the fastest
    Tune(tune::Tune),
    /// Show the trade-off between content and style on one sheet
    Sweep(Box<sweep::Sweep>),
    /// Reconstruct an image from its content or style layers alone
    Reconstruct(Box<reconstruct::Reconstruct>),
    /// Show a layer's feature maps and Gram matrix
    Features(features::Features),
    /// Draw the losses of one or several logs
    Plot(plot::Plot),
    /// List the presets of 'paint --preset' with their formulas and options
    Presets(presets::Presets),
    /// Check what a device computes, with a report for bugs
    Selftest(selftest::Selftest),
    /// List the adapters, their features, and which one is used
    Devices(devices::Devices),
    /// Write completions for shells and manual pages into a folder
    Extras(extras::Extras),
}

const EXAMPLES: &str = "\
Examples:
  impasto paint photo.jpg painting.jpg -o image.png
  impasto paint photo.jpg painting.jpg -o image.png --size 1024
  impasto paint photo.jpg painting.jpg -o image.png --ratio 1e-3    (more style: alpha/beta smaller)
  impasto paint photo.jpg painting.jpg -o image.png --preset paper
  impasto studio
  impasto batch photos/ painting.jpg -o pictures/
  impasto score photo.png painting.png image.png
  impasto profile --size 512 --plot roofline.svg
  impasto kernels --op conv3x3 --layer conv4_2
  impasto devices

'impasto COMMAND --help' shows the options of a command.";

/// Parses the arguments and does what they say.
pub fn run() -> ExitCode {
    quiet_mesa();
    return_freed_memory();
    panics::install_hook();
    panics::catch(start).unwrap_or_else(|error| {
        terminal::say(format_args!("error: {}", message(&error)));
        if studio::opened_by_a_click() {
            studio::wait_for_enter();
        }
        ExitCode::from(if error.is_usage() { 2 } else { 1 })
    })
}

/// The message of an error, each setting named by its option.
fn message(error: &Error) -> String {
    error.message(&option)
}

/// The option of a setting.
fn option(setting: Setting) -> String {
    format!("--{setting}")
}

fn start() -> Result<ExitCode> {
    let mut line: Vec<OsString> = std::env::args_os().collect();
    if studio::opened_by_a_click() {
        line.push("studio".into());
    }
    let matches = match Cli::command().try_get_matches_from(&line) {
        Err(_) if has_moved(&line) => return Err(Error::Usage(MOVED.into())),
        // Prints help or what is wrong with the line, and ends the program.
        matches => matches.unwrap_or_else(|error| error.exit()),
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let options = matches.subcommand().map(|(_, options)| options.clone()).unwrap_or_default();
    match cli.command {
        Command::Paint(paint) => paint.run(&options),
        Command::Studio(studio) => studio.run(),
        Command::Batch(batch) => batch.run(&options),
        Command::Resume(resume) => resume.run(),
        Command::Score(score) => score.run(),
        Command::Profile(profile) => profile.run(),
        Command::Kernels(kernels) => kernels.run(),
        Command::Tune(tune) => tune.run(),
        Command::Sweep(sweep) => sweep.run(&options),
        Command::Reconstruct(reconstruct) => reconstruct.run(),
        Command::Features(features) => features.run(),
        Command::Plot(plot) => plot.run(),
        Command::Presets(presets) => presets.run(),
        Command::Selftest(selftest) => selftest.run(),
        Command::Devices(devices) => devices.run(),
        Command::Extras(extras) => extras.run(),
    }
}

/// Answer to the option that `impasto batch` replaces.
const MOVED: &str =
    "--batch is a command now: impasto batch FOLDER STYLE... -o FOLDER, with the same options";

fn has_moved(line: &[OsString]) -> bool {
    line.get(1).is_some_and(|command| command == "paint") && line.iter().any(|option| option == "--batch")
}

/// Without a desktop session Mesa's device selection layer complains on stderr about a missing
/// XDG_RUNTIME_DIR each time adapters are listed, and can do nothing useful.
fn quiet_mesa() {
    let set = |name| std::env::var_os(name).is_some();
    if cfg!(target_os = "linux") && !set("XDG_RUNTIME_DIR") && !set("MESA_VK_DEVICE_SELECT") {
        // SAFETY: no other thread exists yet that could read the environment.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

/// Memory of large vectors goes back to the system as soon as they are dropped. glibc would take the size of each
/// that is dropped, up to 32 MiB, for a size to keep at hand from then on, in every thread that ever asked for it.
fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: no other thread exists yet, and all it changes is where the allocator finds memory.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_of_an_error_is_an_option() {
        let command = Cli::command();
        for setting in Setting::ALL {
            let mut options = command.get_subcommands().flat_map(clap::Command::get_arguments);
            assert!(options.any(|option| option.get_long() == Some(setting.name())), "{setting}");
        }
    }
}
