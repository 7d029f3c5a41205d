//! `impasto kernels`

mod layers;
mod session;
mod template;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use impasto::chart::{Chart, ChartFormat};
use impasto::gpu::Gpu;
use impasto::ladder::{BENCHMARKS, Benchmark, Effort, Ladder, ProblemSize, Record};
use impasto::output::OutputFile;
use impasto::profiler::Roofs;
use impasto::report;
use impasto::vgg19::{Kernels, LayerId};
use impasto::{Error, Result};

use session::Session;
use template::write_template;

use crate::cli::context::{choose_kernels, open_gpu};
use crate::cli::emit_wgsl::{KernelName, emit_wgsl};
use crate::cli::file_roles::FileRoles;
use crate::cli::options::CommonOptions;
use crate::cli::own_kernel::{OwnKernel, OwnKernelOptions, TemplateOp, run_here};
use crate::cli::paths::path;
use crate::cli::progress::bar;
use crate::cli::terminal::print;

/// The operation if none is given.
const DEFAULT: &str = "conv3x3";

/// Arguments of `impasto kernels`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto kernels                             the ladder of the convolution, naive to Winograd
  impasto kernels --op gram --layer conv1_1
  impasto kernels --layer conv4_2 --size 512 --json ladder.json
  impasto kernels --layer conv4_2 --plot ladder.svg -v
  impasto kernels --all-layers --seconds 0.2  which variant is the fastest where
  impasto kernels --op all --precision f16
  impasto kernels --op matmul --size 2048     plain matrices, one idea a rung
  impasto kernels --template relu             writes relu.wgsl, a kernel to begin with
  impasto kernels --try relu.wgsl --watch     checks and times it whenever it is saved
  impasto kernels --emit-wgsl conv/6_taps_inner --precision f16 > forward.wgsl

Each variant is compared with a reference in f64 on small and awkward sizes ('off by': the largest error over the largest
number), then timed forward and backward at the layer's shape. GFLOP/s counts the operations that were done, 'direct'
those that the definition needs for the same result. GB/s counts each tensor once. 'of roof' is the least time that the
work could take on this device over the time it took; above 100% the data lay in a cache. 'faster' is against the first
variant in the table. '~' marks a time whose spread overlaps: in 'spread' with that of the variant above, in 'faster' with that of
the first. -v adds a sentence on what binds a variant, where its figures bear one out. If a variant is wrong or fails, the
exit code is 1.")]
pub struct KernelsCommand {
    /// Operation: conv3x3, gram, normalize, pool_max, pool_avg, relu, crop, stack, mask, mse, tv, weighted_sum, matmul,
    /// largest, softmax or all [default: conv3x3; with '--try' that of the file]
    #[arg(long, value_name = "OP")]
    op: Option<Operations>,

    /// Layer whose shapes are used
    #[arg(long, value_name = "LAYER", default_value = "conv3_2")]
    layer: LayerId,

    /// Width and height of the image in pixels, or of matrices [default: 256; 128 without a GPU, where plain variants take
    /// seconds; for matmul 1024, or 256; for largest and softmax 4096, or 1024]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16384))]
    size: Option<u32>,

    /// Write everything that was measured, kernel by kernel
    #[arg(long, value_name = "FILE.json", value_parser = path())]
    json: Option<PathBuf>,

    /// Draw a bar for each variant, under the device's roof: .svg or .png
    #[arg(long, value_name = "FILE.svg|.png", value_parser = path())]
    plot: Option<PathBuf>,

    /// Time the variants at every layer, and show which is the fastest where
    #[arg(long, conflicts_with_all = ["layer", "json", "plot", "tried", "template"])]
    all_layers: bool,

    /// Also the variants for drivers on the CPU, which a GPU leaves out
    #[arg(long)]
    all: bool,

    /// Only the variant of this name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,

    /// Time the variants without comparing them with the reference
    #[arg(long, hide_short_help = true)]
    no_check: bool,

    /// Seconds to time each variant
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds, hide_short_help = true)]
    seconds: f64,

    /// Print the WGSL that a device is given for a kernel of shaders/, such as conv/6_taps_inner, and do nothing else
    #[arg(long, value_name = "NAME")]
    emit_wgsl: Option<KernelName>,

    #[command(flatten)]
    own: OwnKernelOptions,

    #[command(flatten)]
    common: CommonOptions,
}

/// The files that are written.
struct Outputs {
    json: Option<OutputFile>,
    plot: Option<(OutputFile, ChartFormat)>,
}

/// What `--op` names.
#[derive(Debug, Clone)]
struct Operations(Vec<&'static Benchmark>);

impl FromStr for Operations {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "all" => Ok(Self(BENCHMARKS.iter().collect())),
            one => Ok(Self(vec![Benchmark::of_name(one)?])),
        }
    }
}

/// The size if none is given, on a GPU and on a driver on the CPU: that of an image, if one of several operations has one.
fn sides(ops: &[&'static Benchmark]) -> [u32; 2] {
    let first = ops.iter().find(|op| !op.teaches()).or(ops.first());
    first.map_or([1; 2], |op| op.sides())
}

/// The value of `--seconds`.
fn seconds(text: &str) -> std::result::Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("give a number of seconds from 0 to 3600".into()),
    }
}

impl KernelsCommand {
    pub fn run(&self) -> Result<ExitCode> {
        if let Some(kernel) = &self.emit_wgsl {
            return emit_wgsl(kernel, &self.common);
        }
        if let Some(TemplateOp(benchmark)) = self.own.template {
            return write_template(benchmark, &self.own, &self.common);
        }
        if let (Some(file), true) = (&self.own.tried, self.own.try_here) {
            let own = OwnKernel::load(file, self.op_named(), self.own.pass)?;
            let size = |gpu: &Gpu| self.size_on(gpu, &[own.benchmark]);
            return run_here(&own, self.common.device.as_ref(), &size, self.seconds);
        }
        self.outputs()?;
        if let Some(file) = &self.own.tried {
            return Session::new(self).run(file);
        }
        let ops = self
            .op
            .as_ref()
            .map_or_else(|| Benchmark::of_name(DEFAULT).map(|op| vec![op]), |op| Ok(op.0.clone()))?;
        let only = self.only_of(&ops)?;
        let gpu = open_gpu(&self.common)?;
        let effort = Effort { only, ..self.effort() };
        if self.all_layers {
            return self.compare_layers(&gpu, &ops, effort);
        }
        let size = self.size(&gpu, &ops);
        ops.iter().try_for_each(|benchmark| benchmark.check(&gpu, &size))?;
        let kernels = self.choose_kernels(&gpu, &size, &ops)?;
        let roofs = Roofs::measure(&gpu)?;
        let ladders = self.run_ladders(&gpu, &ops, &size, &kernels, effort);
        let record = Record::new(&gpu, roofs.measured_again(&gpu), &size, ladders);
        self.publish(&record)?;
        record.verdict()?;
        Ok(ExitCode::SUCCESS)
    }

    /// The files of `--json` and `--plot`, which can be written.
    fn outputs(&self) -> Result<Outputs> {
        FileRoles::default().writes("--json", &self.json).writes("--plot", &self.plot).check()?;
        let file = |path: &Option<PathBuf>| -> Result<Option<OutputFile>> {
            let file = path.as_deref().map(OutputFile::of).transpose()?;
            file.as_ref().map_or(Ok(()), OutputFile::check_writable)?;
            Ok(file)
        };
        let format = self.plot.as_deref().map(ChartFormat::of).transpose()?;
        Ok(Outputs { json: file(&self.json)?, plot: file(&self.plot)?.zip(format) })
    }

    /// Prints a record, and writes the files.
    fn publish(&self, record: &Record) -> Result<()> {
        print(&report::ladders(record))?;
        if self.common.verbose {
            print(&report::advice(record))?;
        }
        let Outputs { json, plot } = self.outputs()?;
        if let Some(file) = json {
            file.replace(|writer| writer.write_all(record.to_json().as_bytes()))?;
        }
        if let Some((file, format)) = plot {
            file.replace(|writer| Chart::ladders(record).write(format, writer))?;
        }
        Ok(())
    }

    fn effort(&self) -> Effort {
        Effort { seconds: self.seconds, check: !self.no_check, all: self.all, only: None }
    }

    /// The one operation that `--op` names.
    fn op_named(&self) -> Option<&'static Benchmark> {
        match self.op.as_ref().map(|op| &op.0[..]) {
            Some([one]) => Some(one),
            _ => None,
        }
    }

    /// The rung that `--only` names, which must be one of these operations.
    fn only_of(&self, ops: &[&'static Benchmark]) -> Result<Option<&'static str>> {
        let Some(name) = &self.only else { return Ok(None) };
        let rungs = || ops.iter().flat_map(|op| op.implementations()).map(|rung| rung.name());
        match rungs().find(|rung| rung == name) {
            Some(rung) => Ok(Some(rung)),
            None => {
                let names = rungs().collect::<Vec<_>>().join(", ");
                Err(Error::Usage(format!("there is no variant '{name}': choose from {names}")))
            }
        }
    }

    /// The kernels that a painting would run. Ladders that teach are in none, so nothing is tuned for them.
    fn choose_kernels(&self, gpu: &Gpu, size: &ProblemSize, ops: &[&'static Benchmark]) -> Result<Kernels> {
        if ops.iter().all(|op| op.teaches()) {
            return Ok(Kernels::default());
        }
        Ok(choose_kernels(gpu, [size.side; 2], size.layer, &self.common)?.kernels)
    }

    fn size(&self, gpu: &Gpu, ops: &[&'static Benchmark]) -> ProblemSize {
        if gpu.adapter().is_software() && self.size.is_none() {
            let [side, software_side] = sides(ops);
            let what = if ops.iter().all(|op| op.teaches()) { "rows and columns" } else { "pixels a side" };
            self.common.say(format_args!(
                "without a GPU there are {software_side} {what}, not {side}; --size sets it"
            ));
        }
        self.size_on(gpu, ops)
    }

    fn size_on(&self, gpu: &Gpu, ops: &[&'static Benchmark]) -> ProblemSize {
        let [side, software_side] = sides(ops);
        let side = self.size.unwrap_or(if gpu.adapter().is_software() { software_side } else { side });
        ProblemSize { layer: self.layer, side, precision: self.common.kernels.precision.untimed().storage() }
    }

    fn run_ladders(
        &self,
        gpu: &Gpu,
        ops: &[&'static Benchmark],
        size: &ProblemSize,
        kernels: &Kernels,
        effort: Effort,
    ) -> Vec<Ladder> {
        let rungs = ops.iter().map(|benchmark| effort.rungs(gpu, benchmark).len() as u64).sum();
        let bar = bar(rungs, "checking and timing {bar:16} {pos}/{len}  {wide_msg}", self.common.quiet);
        let run = |benchmark: &&'static Benchmark| {
            Ladder::run(gpu, benchmark, size, kernels, effort, &mut |rung| {
                bar.set_message(format!("{} {rung}", benchmark.name));
                bar.inc(1);
            })
        };
        let ladders = ops.iter().map(run).collect();
        bar.finish_and_clear();
        ladders
    }
}
