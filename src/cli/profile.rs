//! `impasto profile`

use std::convert::Infallible;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use impasto::chart::{Chart, ChartFormat};
use impasto::gpu::{DeviceChoice, Gpu, Recording, choose_adapter, list_adapters};
use impasto::graph::Activations;
use impasto::image_io::Image;
use impasto::objective::{
    MemoryEstimate, Objective, Scene, Settings, TargetOptions, Targets, check_fits, check_pooling,
    to_variable,
};
use impasto::output::OutputFile;
use impasto::painter::{Evaluation, Painter, Schedule};
use impasto::profiler::{Comparison, Measurement, Profile, Roofs, Spread, Workload, measure};
use impasto::report;
use impasto::vgg19::Network;
use impasto::{Error, Result};

use super::context::{choose_kernels, load_and_open, network_with};
use super::file_roles::FileRoles;
use super::options::{CommonOptions, ObjectiveOptions};
use super::paths::path;
use super::terminal::print;

/// Arguments of `impasto profile`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto profile
  impasto profile --size 512 --evaluations 20 --json new.json
  impasto profile --size 256 --trace trace.json --plot roofline.svg
  impasto profile --only conv/6_taps_inner --layer conv3_2 --repeat 200
  impasto profile --compare old.json          this device now, against a file of --json
  impasto profile --device 0 --compare 1      two devices
  impasto profile --compare old.json new.json

The table has a line for each kernel. GFLOP/s counts the operations that were done, 'direct' those that the definition
needs for the same result. GB/s counts each tensor once. 'of roof' is the least time the work could take at the speed of
the device's own multiply-add loop and copy, over the time it took; above 100% the data lay in a cache. 'spread' is half
the distance from the fastest to the slowest tenth. ui.perfetto.dev and chrome://tracing open traces.")]
pub struct ProfileCommand {
    /// Width and height of the image in pixels
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    size: u32,

    /// Evaluations of loss and gradient to time
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    evaluations: u32,

    /// Time the launches of one kernel alone, such as conv/6_taps_inner
    #[arg(long, value_name = "KERNEL")]
    only: Option<String>,

    /// With '--only': those of this layer or step alone
    #[arg(long, value_name = "LAYER", requires = "only")]
    layer: Option<String>,

    /// With '--only': how often they are run
    #[arg(long, value_name = "N", default_value_t = 100, requires = "only",
        value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "evaluations")]
    repeat: u32,

    /// Write everything that was measured, for --compare and for other programs
    #[arg(long, value_name = "FILE.json", value_parser = path())]
    json: Option<PathBuf>,

    /// Write the lines of the table as comma-separated values
    #[arg(long, value_name = "FILE.csv", value_parser = path())]
    csv: Option<PathBuf>,

    /// Write when each kernel ran, for Perfetto or chrome://tracing
    #[arg(long, value_name = "FILE.json", value_parser = path())]
    trace: Option<PathBuf>,

    /// Draw every kernel under the device's roofs: .svg or .png
    #[arg(long, value_name = "FILE.svg|.png", value_parser = path())]
    plot: Option<PathBuf>,

    /// Compare with a file of --json, or with the same work on another device: its index or name in 'impasto devices'
    #[arg(long, value_name = "FILE.json|DEVICE", value_parser = path())]
    compare: Option<PathBuf>,

    /// With '--compare FILE.json': a later file of --json, in place of a measurement
    #[arg(value_name = "NEW.json", value_parser = path(), requires = "compare",
        conflicts_with_all = ["size", "evaluations", "only", "json", "csv", "trace", "plot", "device"])]
    new: Option<PathBuf>,

    #[command(flatten)]
    objective: ObjectiveOptions,
    #[command(flatten)]
    common: CommonOptions,
}

/// The columns of a comparison whose first profile is a file.
const OLD_AND_NEW: [&str; 2] = ["old", "new"];

/// What `--compare` names.
enum Reference {
    File(Box<Profile>),
    /// A device by its position.
    Device(usize),
}

impl Reference {
    /// A file if there is one of that name, else a device.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is neither, and those of [`Profile::load`].
    fn of(what: &Path) -> Result<Self> {
        if what.exists() {
            return Ok(Self::File(Box::new(Profile::load(what)?)));
        }
        let choice =
            what.to_str().map(|name| name.parse().unwrap_or_else(|never: Infallible| match never {}));
        match choice.map(|choice| choose_adapter(&list_adapters(), &choice)) {
            Some(Ok(index)) => Ok(Self::Device(index)),
            _ => Err(Error::Usage(format!(
                "--compare {}: there is no such file and no such device: give a file that 'impasto profile --json' \
                 wrote, or the index or name of a device that 'impasto devices' lists",
                what.display()
            ))),
        }
    }
}

/// The files that are asked for, found writable.
struct Outputs {
    json: Option<OutputFile>,
    csv: Option<OutputFile>,
    trace: Option<OutputFile>,
    plot: Option<(OutputFile, ChartFormat)>,
}

impl ProfileCommand {
    pub fn run(&self) -> Result<ExitCode> {
        if let (Some(old), Some(new)) = (&self.compare, &self.new) {
            let comparison = Comparison::of(Profile::load(old)?, Profile::load(new)?);
            print(&report::comparison(&comparison, OLD_AND_NEW))?;
            return Ok(ExitCode::SUCCESS);
        }
        let settings = self.objective.settings()?;
        self.check_files()?;
        let outputs = self.outputs()?;
        check_pooling(Path::new("--size"), self.size, self.size, settings.deepest())?;
        let reference = self.compare.as_deref().map(Reference::of).transpose()?;
        // This device first: whether it can be opened is not known before.
        let (profile, measured) = self.profile(&settings, &self.common)?;
        let (other, names) = match reference {
            None => {
                print(&report::table(&profile))?;
                return outputs.write(&profile, &measured).map(|()| ExitCode::SUCCESS);
            }
            Some(Reference::File(old)) => (*old, OLD_AND_NEW),
            Some(Reference::Device(index)) => {
                let device = Some(DeviceChoice::Index(index));
                let common = CommonOptions { device, ..self.common.clone() };
                (self.profile(&settings, &common)?.0, ["other", "this"])
            }
        };
        let comparison = Comparison::of(other, profile);
        print(&report::comparison(&comparison, names))?;
        outputs.write(&comparison.new, &measured).map(|()| ExitCode::SUCCESS)
    }

    /// Opens the device of these options, and measures it. One device is done before another is opened: evaluations in turns
    /// would leave each idle for the time of the other, and an idle GPU lowers its clocks.
    fn profile(&self, settings: &Settings, common: &CommonOptions) -> Result<(Profile, Measurement)> {
        let (weights, gpu) = load_and_open(&self.objective.network, settings, common)?;
        let roofs = Roofs::measure(&gpu)?;
        gpu.forget_peak_memory();
        let size = [self.size; 2];
        let computation = choose_kernels(&gpu, size, weights.deepest(), common)?;
        let network = network_with(&gpu, &weights, &self.objective.network, common, &computation)?;
        check_fits(&gpu, Path::new("--size"), size, settings.deepest(), |size| {
            MemoryEstimate::plain(&gpu, &network, settings, size).map(|estimate| estimate.fits)
        })?;
        let objective = self.objective(&gpu, &network, settings)?;
        let program = objective.program();
        let (what, measured) = self.measure(&gpu, [&program.forward, &program.backward])?;
        let workload = Workload {
            what,
            width: self.size,
            height: self.size,
            kernels: network.kernels().to_string(),
            evaluations: measured.evaluations.len(),
        };
        let mut profile = Profile::new(&gpu, roofs, workload, &measured);
        profile.roofs = roofs.measured_again(&gpu);
        Ok((profile, measured))
    }

    /// Times an evaluation, or the launches of `--only`. For these the whole runs once, so that they read what they read in
    /// an evaluation.
    fn measure(&self, gpu: &Gpu, whole: [&Recording; 2]) -> Result<(String, Measurement)> {
        let Some(kernel) = &self.only else {
            return Ok(("loss and gradient".into(), measure(gpu, &whole, self.evaluations as usize)?));
        };
        let part = whole.map(|recording| recording.only(kernel, self.layer.as_deref()));
        if part.iter().all(Recording::is_empty) {
            return Err(not_launched(kernel, self.layer.as_deref(), whole, gpu));
        }
        gpu.submit(&whole)?;
        let measured = measure(gpu, &part.each_ref(), self.repeat as usize)?;
        let place = self.layer.as_ref().map_or_else(String::new, |layer| format!(" of {layer}"));
        Ok((format!("{kernel}{place} alone"), measured))
    }

    fn check_files(&self) -> Result<()> {
        FileRoles::default()
            .reads("the weights", &self.objective.network.weights)
            .reads("the file of --compare", self.compare.iter().filter(|what| what.exists()))
            .writes("--json", &self.json)
            .writes("--csv", &self.csv)
            .writes("--trace", &self.trace)
            .writes("--plot", &self.plot)
            .check()
    }

    fn outputs(&self) -> Result<Outputs> {
        let file = |path: &Option<PathBuf>| -> Result<Option<OutputFile>> {
            let Some(path) = path else { return Ok(None) };
            let file = OutputFile::of(path)?;
            file.check_writable()?;
            Ok(Some(file))
        };
        let format = self.plot.as_deref().map(ChartFormat::of).transpose()?;
        Ok(Outputs {
            json: file(&self.json)?,
            csv: file(&self.csv)?,
            trace: file(&self.trace)?,
            plot: file(&self.plot)?.zip(format),
        })
    }

    /// The objective for two synthetic images: the content of an image does not change the time.
    fn objective(&self, gpu: &Gpu, network: &Network, settings: &Settings) -> Result<Objective> {
        let (content, style) = (image(self.size, 0.05)?, image(self.size, 0.31)?);
        let styles = [style.clone().into()];
        let scene = Scene::new(&content, &styles);
        let targets = Targets::new(gpu, network, settings, &scene, &TargetOptions::default())?;
        let objective = Objective::new(gpu, network, settings, &targets, Activations::Kept)?;
        gpu.write(objective.x(), &to_variable(&style));
        Ok(objective)
    }
}

/// Names what there is: the layers of the kernel, or the kernels.
fn not_launched(kernel: &str, layer: Option<&str>, whole: [&Recording; 2], gpu: &Gpu) -> Error {
    let launched = || whole.into_iter().flat_map(Recording::launched);
    let mut names: Vec<&str> =
        launched().filter(|(name, _)| *name == kernel).map(|(_, label)| label).collect();
    let (what, is_known) = (format!("{kernel} is not launched on {}", gpu.adapter().name), !names.is_empty());
    if !is_known {
        names = launched().map(|(name, _)| name).collect();
    }
    names.sort_unstable();
    names.dedup();
    let names = names.join(", ");
    Error::Usage(match layer.filter(|_| is_known) {
        Some(layer) => format!("{what} for {layer}: give --layer one of {names}"),
        None => format!("{what} by an evaluation with these kernels: give --only one of {names}"),
    })
}

impl Outputs {
    fn write(&self, profile: &Profile, measured: &Measurement) -> Result<()> {
        if let Some(file) = &self.json {
            file.replace(|writer| writer.write_all(profile.to_json().as_bytes()))?;
        }
        if let Some(file) = &self.csv {
            file.replace(|writer| writer.write_all(report::csv(profile).as_bytes()))?;
        }
        if let Some(file) = &self.trace {
            let trace = report::trace(&measured.evaluations, &profile.device.name);
            file.replace(|writer| writer.write_all(trace.as_bytes()))?;
        }
        if let Some((file, format)) = &self.plot {
            file.replace(|writer| Chart::roofline(profile).write(*format, writer))?;
        }
        Ok(())
    }
}

/// The profile of a painting, while it is made.
pub struct RunProfile {
    roofs: Roofs,
    /// Which scale is being painted.
    scale: usize,
    /// When each evaluation of this scale was done.
    done: Vec<f64>,
}

impl RunProfile {
    /// Evaluations that are timed, at most; they are spread over the run, since the work of L-BFGS
    /// grows with its history.
    const TIMED: usize = 20;

    /// Measures the roofs, before anything else needs the memory.
    pub fn begin(gpu: &Gpu) -> Result<Self> {
        let roofs = Roofs::measure(gpu)?;
        gpu.forget_peak_memory();
        Ok(Self { roofs, scale: 0, done: vec![] })
    }

    /// The interval in evaluations between those that are timed.
    pub fn interval(schedule: &Schedule) -> usize {
        schedule.iterations().div_ceil(Self::TIMED)
    }

    /// After each evaluation. Only the last scale counts, as for the timings of [`Painter`].
    pub fn record(&mut self, evaluation: &Evaluation) {
        if std::mem::replace(&mut self.scale, evaluation.scale) != evaluation.scale {
            self.done.clear();
        }
        self.done.push(evaluation.seconds);
    }

    /// The table of what was timed.
    pub fn table(&self, gpu: &Gpu, painter: &Painter, kernels: &str) -> String {
        let evaluations = painter.timings().to_vec();
        let scale = painter.schedule().scales()[self.scale];
        let workload = Workload {
            what: "loss, gradient and update".into(),
            width: scale.width,
            height: scale.height,
            kernels: kernels.into(),
            evaluations: evaluations.len(),
        };
        // The mean, because the steps in flight are done all at once when one is waited for.
        let steps = self.done.len().saturating_sub(1);
        let wall = match (self.done.first(), self.done.last()) {
            (Some(first), Some(last)) if steps > 0 => (last - first) / steps as f64,
            (only, _) => only.copied().unwrap_or(0.0),
        };
        let wall = Spread::of(&[wall]);
        let mut profile = Profile::new(gpu, self.roofs, workload, &Measurement { evaluations, wall });
        profile.roofs = self.roofs.measured_again(gpu);
        report::table(&profile)
    }
}

/// Waves of this many turns a pixel, others in each channel.
fn image(side: u32, turns: f32) -> Result<Image> {
    let wave = |at: u32, turns: f32| (at as f32 * turns * std::f32::consts::TAU).sin();
    let positions = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let channels = positions.flat_map(|(x, y)| {
        [1.0, 0.7, 0.4].map(|part| 127.5 + 60.0 * (wave(x, part * turns) + wave(y, turns)))
    });
    Image::from_rgb(side, side, channels.collect())
}
