//! `impasto kernels`

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use impasto::gpu::Gpu;
use impasto::ladder::{BENCHMARKS, Benchmark, Effort, Ladder, ProblemSize, Record};
use impasto::output::OutputFile;
use impasto::profiler::Roofs;
use impasto::report;
use impasto::vgg19::{Kernels, LayerId};
use impasto::{Error, Result};

use super::context::{choose_kernels, open_gpu};
use super::emit_wgsl::{KernelName, emit_wgsl};
use super::options::CommonOptions;
use super::paths::path;
use super::progress::bar;
use super::terminal::print;

/// Side of the image if none is given, on a GPU and on a driver on the CPU.
const SIDE: u32 = 256;
const SOFTWARE_SIDE: u32 = 128;

/// Arguments of `impasto kernels`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  impasto kernels                             the ladder of the convolution, naive to Winograd
  impasto kernels --op gram --layer conv1_1
  impasto kernels --layer conv4_2 --size 512 --json ladder.json
  impasto kernels --op all --precision f16
  impasto kernels --emit-wgsl conv/4_vectors --precision f16 > forward.wgsl

Each variant is compared with a reference in f64 on small and awkward sizes ('off by': the largest error over the largest
number), then timed forward and backward at the layer's shape. GFLOP/s counts the operations that were done, 'direct'
those that the definition needs for the same result. GB/s counts each tensor once. 'of roof' is the least time that the
work could take on this device over the time it took; above 100% the data lay in a cache. 'faster' is against the naive
variant. If a variant is wrong or fails, the exit code is 1.")]
pub struct KernelsCommand {
    /// Operation: conv3x3, gram, normalize, pool_max, pool_avg, relu, crop, stack, mask, mse, tv, weighted_sum or all
    #[arg(long, value_name = "OP", default_value = "conv3x3")]
    op: Operations,

    /// Layer whose shapes are used
    #[arg(long, value_name = "LAYER", default_value = "conv3_2")]
    layer: LayerId,

    /// Width and height of the image in pixels [default: 256; 128 without a GPU, where plain variants take seconds]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16384))]
    size: Option<u32>,

    /// Write everything that was measured, kernel by kernel
    #[arg(long, value_name = "FILE.json", value_parser = path())]
    json: Option<PathBuf>,

    /// Also the variants for drivers on the CPU, which a GPU leaves out
    #[arg(long)]
    all: bool,

    /// Time the variants without comparing them with the reference
    #[arg(long, hide_short_help = true)]
    no_check: bool,

    /// Seconds to time each variant
    #[arg(long, value_name = "S", default_value_t = 1.0, value_parser = seconds, hide_short_help = true)]
    seconds: f64,

    /// Print the WGSL that a device is given for a kernel of shaders/, such as conv/4_vectors, and do nothing else
    #[arg(long, value_name = "NAME")]
    emit_wgsl: Option<KernelName>,

    #[command(flatten)]
    common: CommonOptions,
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
        let json = self.json.as_deref().map(OutputFile::of).transpose()?;
        json.as_ref().map_or(Ok(()), OutputFile::check_writable)?;
        let gpu = open_gpu(&self.common)?;
        let size = self.size(&gpu);
        self.op.0.iter().try_for_each(|benchmark| benchmark.check(&gpu, &size))?;
        let kernels = choose_kernels(&gpu, [size.side; 2], size.layer, &self.common)?.kernels;
        let roofs = Roofs::measure(&gpu)?;
        let ladders = self.run_ladders(&gpu, &size, &kernels);
        let record = Record::new(&gpu, roofs.measured_again(&gpu), &size, ladders);
        print(&report::ladders(&record))?;
        if let Some(file) = json {
            file.replace(|writer| writer.write_all(record.to_json().as_bytes()))?;
        }
        record.verdict()?;
        Ok(ExitCode::SUCCESS)
    }

    fn size(&self, gpu: &Gpu) -> ProblemSize {
        let is_software = gpu.adapter().is_software();
        let side = self.size.unwrap_or(if is_software { SOFTWARE_SIDE } else { SIDE });
        if is_software && self.size.is_none() {
            self.common.say(format_args!(
                "without a GPU the image has {SOFTWARE_SIDE} pixels a side, not {SIDE}; --size sets it"
            ));
        }
        ProblemSize { layer: self.layer, side, precision: self.common.kernels.precision.untimed().storage() }
    }

    fn run_ladders(&self, gpu: &Gpu, size: &ProblemSize, kernels: &Kernels) -> Vec<Ladder> {
        let effort = Effort { seconds: self.seconds, check: !self.no_check, all: self.all };
        let rungs = self.op.0.iter().map(|benchmark| benchmark.rungs(gpu, self.all).len() as u64).sum();
        let bar = bar(rungs, "checking and timing {bar:16} {pos}/{len}  {wide_msg}", self.common.quiet);
        let run = |benchmark: &&'static Benchmark| {
            Ladder::run(gpu, benchmark, size, kernels, effort, &mut |rung| {
                bar.set_message(format!("{} {rung}", benchmark.name));
                bar.inc(1);
            })
        };
        let ladders = self.op.0.iter().map(run).collect();
        bar.finish_and_clear();
        ladders
    }
}
