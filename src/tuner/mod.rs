//! Which variant of a kernel each layer runs on a device.
//!
//! On a device's first use the candidates for each layer's shape are timed and the fastest is kept in
//! a file of the user's cache folder. A candidate must agree with the naive kernel on this very device
//! before it may be chosen: drivers are not always right.

mod cache;
mod candidates;
mod trial;

pub use cache::{default_folder, fingerprint};
pub use candidates::{conv_candidates, gram_candidates};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cache::{Loaded, Record};
use trial::Candidate;

use crate::error::{Error, Result};
use crate::gpu::{AdapterSummary, Gpu, Precision, Shape};
use crate::ops::{ConvVariant, GramVariant};
use crate::vgg19::{KernelOverride, Kernels, LayerId, activation_shape};

/// How variants are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// By what the cache says; what it does not say is timed and added.
    #[default]
    Cached,
    /// By timing everything again.
    Fresh,
    /// By the class of the device; nothing is timed.
    BuiltIn,
}

/// What to choose for, and how.
#[derive(Debug, Clone)]
pub struct Tuner {
    /// How.
    pub mode: Mode,
    /// Where findings are kept; `None` keeps nothing. See [`default_folder`].
    pub folder: Option<PathBuf>,
    /// How the layers store their numbers.
    pub precision: Precision,
}

/// Variants for a picture of some size, and how they came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What to use.
    pub kernels: Kernels,
    /// Variants that compute wrongly on this device, or not at all, and what is wrong.
    pub refused: BTreeMap<String, String>,
    /// Shapes that were timed now.
    pub timed: usize,
    /// What the user should know about the cache file, if anything.
    pub note: Option<String>,
}

/// Longest side of a picture that is timed for. Larger ones fill a device no better, and may go in tiles.
const LARGEST: u32 = 1024;

/// A step of the tuning: so many of so many, and what is being timed.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize, &str);

impl Tuner {
    /// Chooses for pictures of `width` by `height` and layers up to `deepest`.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails or even the naive kernels cannot run. A
    /// cache that cannot be read or written is no error but a note.
    pub fn choose(
        &self,
        gpu: &Gpu,
        [width, height]: [u32; 2],
        deepest: LayerId,
        progress: Progress,
    ) -> Result<Choice> {
        let path = self.folder.as_ref().map(|folder| cache::file(folder, gpu.adapter()));
        let path = path.filter(|_| self.mode != Mode::BuiltIn);
        let [width, height] = [width, height].map(|side| side.min(LARGEST));
        let jobs = jobs(width, height, deepest, self.precision);
        let (record, note) = self.recall(path.as_deref(), gpu.adapter());
        if let Some(choice) = self.known(&jobs, &record, note.clone()) {
            return Ok(choice);
        }
        // Runs that time at once would disturb each other, and the later one would lose what the earlier
        // one found. So each waits its turn and looks again.
        let _turn = path.as_deref().and_then(cache::turn);
        let (mut record, again) = self.recall(path.as_deref(), gpu.adapter());
        let mut note = note.or(again);
        if let Some(choice) = self.known(&jobs, &record, note.clone()) {
            return Ok(choice);
        }
        let missing: Vec<&Job> = jobs.iter().filter(|job| !job.is_known(&record)).collect();
        let candidates = Candidates::trusted(gpu, self.precision, &mut record.refused)?;
        if self.mode == Mode::BuiltIn {
            let kernels = candidates::builtin(&candidates.convs, &candidates.grams, width, height);
            return Ok(Choice { kernels, refused: self.of_precision(record.refused), timed: 0, note });
        }
        let timed = missing.len();
        for (done, job) in missing.into_iter().enumerate() {
            progress(done, timed, &job.key);
            record.choices.insert(job.key.clone(), job.fastest(gpu, &candidates)?);
        }
        if let Some(path) = path {
            let kept = cache::save(&path, &record);
            note = kept.err().map(|error| format!("the choice of kernels is not kept: {error}")).or(note);
        }
        let kernels = of_record(&jobs, &record);
        Ok(Choice { kernels, refused: self.of_precision(record.refused), timed, note })
    }

    /// The choice for pictures of `width` by `height`, if the cache knows all of it. Opens no device and
    /// times nothing.
    pub fn remembered(
        &self,
        adapter: &AdapterSummary,
        [width, height]: [u32; 2],
        deepest: LayerId,
    ) -> Option<Choice> {
        let path = self.folder.as_ref().map(|folder| cache::file(folder, adapter));
        let (record, note) = self.recall(path.as_deref(), adapter);
        self.known(&jobs(width, height, deepest, self.precision), &record, note)
    }

    /// What the cache says, and what there is to say about it.
    fn recall(&self, path: Option<&Path>, adapter: &AdapterSummary) -> (Record, Option<String>) {
        let nothing = Record::new(adapter);
        match path.filter(|_| self.mode == Mode::Cached).map(|path| (path, cache::load(path, adapter))) {
            Some((_, Loaded::Found(record))) => (record, None),
            Some((path, Loaded::Damaged)) => {
                (nothing, Some(format!("{} was damaged: kernels are timed again", path.display())))
            }
            Some((_, Loaded::Nothing)) | None => (nothing, None),
        }
    }

    /// The choice that a record makes, if it knows all the jobs.
    fn known(&self, jobs: &[Job], record: &Record, note: Option<String>) -> Option<Choice> {
        let all = jobs.iter().all(|job| job.is_known(record));
        let refused = self.of_precision(record.refused.clone());
        all.then(|| Choice { kernels: of_record(jobs, record), refused, timed: 0, note })
    }

    /// The wrong variants that this precision would have run.
    fn of_precision(&self, mut refused: BTreeMap<String, String>) -> BTreeMap<String, String> {
        refused.retain(|name, _| name.ends_with(F16) == (self.precision == Precision::F16));
        refused
    }

    /// What is known of an adapter's wrong variants, in both precisions, without opening it.
    pub fn refused(&self, adapter: &AdapterSummary) -> BTreeMap<String, String> {
        let path = self.folder.as_ref().map(|folder| cache::file(folder, adapter));
        match path.map(|path| cache::load(&path, adapter)) {
            Some(Loaded::Found(record)) => record.refused,
            _ => BTreeMap::new(),
        }
    }
}

/// Makes sure that a wish can be fulfilled on this device in this precision, and rightly.
///
/// # Errors
/// [`Error::Usage`] if the device lacks what the variant needs or computes wrongly with it;
/// [`Error::Gpu`] if not even the naive kernel runs.
pub fn check(gpu: &Gpu, kernel_override: &KernelOverride, precision: Precision) -> Result<()> {
    let (name, runs) = match kernel_override {
        KernelOverride::Conv(_, variant) => (variant.name(), variant.runs_on(gpu)),
        KernelOverride::Gram(_, variant) => (variant.name(), variant.runs_on(gpu)),
    };
    let device = &gpu.adapter().name;
    if !runs {
        return Err(Error::Usage(format!("{device} lacks what the {name} kernels need: choose others")));
    }
    let fault = match kernel_override {
        KernelOverride::Conv(_, variant) => trial::fault(gpu, *variant, precision)?,
        KernelOverride::Gram(_, variant) => trial::fault(gpu, *variant, precision)?,
    };
    fault.map_or(Ok(()), |fault| {
        Err(Error::Usage(format!("on {device} the {name} kernels are {fault}: choose others")))
    })
}

/// Candidates that agree with the naive kernels here.
struct Candidates {
    convs: Vec<ConvVariant>,
    grams: Vec<GramVariant>,
}

impl Candidates {
    /// Tries all, and notes those that do not agree.
    fn trusted(gpu: &Gpu, precision: Precision, refused: &mut BTreeMap<String, String>) -> Result<Self> {
        // What is known of the other precision stays.
        refused.retain(|candidate, _| candidate.ends_with(F16) != (precision == Precision::F16));
        let convs = agreeing(gpu, conv_candidates(gpu, precision), precision, refused)?;
        let grams = agreeing(gpu, gram_candidates(gpu), precision, refused)?;
        Ok(Self { convs, grams })
    }
}

fn agreeing<C: Candidate>(
    gpu: &Gpu,
    candidates: Vec<C>,
    precision: Precision,
    refused: &mut BTreeMap<String, String>,
) -> Result<Vec<C>> {
    let mut agreeing = vec![];
    for candidate in candidates {
        match trial::fault(gpu, candidate, precision)? {
            None => agreeing.push(candidate),
            Some(fault) => drop(refused.insert(format!("{}{}", candidate.label(), stored(precision)), fault)),
        }
    }
    Ok(agreeing)
}

/// How names end of what is stored in f16.
const F16: &str = ", f16";

/// The end of a name for what is stored in this precision.
fn stored(precision: Precision) -> &'static str {
    if precision == Precision::F16 { F16 } else { "" }
}

/// One shape of an operation, and the layers that have it.
struct Job {
    /// Operation, channels and the class of the picture's size: neighbouring sizes share a choice.
    key: String,
    is_gram: bool,
    layers: Vec<LayerId>,
    features: Shape,
}

/// All shapes of a picture's layers.
fn jobs(width: u32, height: u32, deepest: LayerId, precision: Precision) -> Vec<Job> {
    let mut jobs: Vec<Job> = vec![];
    let mut add = |key: String, is_gram, layer, features| match jobs.iter_mut().find(|job| job.key == key) {
        Some(job) => job.layers.push(layer),
        None => jobs.push(Job { key, is_gram, layers: vec![layer], features }),
    };
    for layer in LayerId::all().filter(|layer| *layer <= deepest) {
        let output = activation_shape(layer, width, height).stored_in(precision);
        let [ins, outs] = [layer.spec().inputs as u32, output.channels];
        let class = output.positions().max(1).ilog2();
        let input = Shape { channels: ins, ..output };
        let stored = stored(precision);
        add(format!("conv3x3 {ins} to {outs}, 2^{class} positions{stored}"), false, layer, input);
        add(format!("gram {outs}, 2^{class} positions{stored}"), true, layer, output);
    }
    jobs
}

impl Job {
    fn is_known(&self, record: &Record) -> bool {
        let name = record.choices.get(&self.key);
        match self.is_gram {
            true => name.and_then(|name| GramVariant::of_name(name)).is_some(),
            false => name.and_then(|name| ConvVariant::of_name(name)).is_some(),
        }
    }

    fn fastest(&self, gpu: &Gpu, candidates: &Candidates) -> Result<String> {
        let outs = self.layers[0].spec().outputs as u32;
        let (features, convs, grams) = (self.trial_shape(gpu, outs), &candidates.convs, &candidates.grams);
        Ok(match self.is_gram {
            true => fastest(gpu, grams, features, outs)?.name(),
            false => fastest(gpu, convs, features, outs)?.name(),
        }
        .to_string())
    }

    /// So few rows that a run takes some milliseconds on a GPU and some dozen on a CPU, but enough
    /// positions to give every lane of a workgroup work, as the whole layer would.
    fn trial_shape(&self, gpu: &Gpu, outs: u32) -> Shape {
        let budget = if gpu.adapter().is_software() { 5e8 } else { 2e10 };
        let enough = 1024 / self.features.width.max(1);
        let taps = if self.is_gram { 1.0 } else { 9.0 };
        let a_row =
            2.0 * taps * f64::from(self.features.channels) * f64::from(outs) * f64::from(self.features.width);
        let rows = (budget / a_row) as u32;
        Shape { height: self.features.height.min(rows.max(enough).max(1)), ..self.features }
    }

    fn apply(&self, record: &Record, kernels: &mut Kernels) {
        let Some(name) = record.choices.get(&self.key) else { return };
        for layer in &self.layers {
            if self.is_gram {
                GramVariant::of_name(name).into_iter().for_each(|variant| kernels.set_gram(*layer, variant));
            } else {
                ConvVariant::of_name(name).into_iter().for_each(|variant| kernels.set_conv(*layer, variant));
            }
        }
    }
}

/// What a record says, which knows all the jobs. Layers beyond them run what the last one does.
fn of_record(jobs: &[Job], record: &Record) -> Kernels {
    let mut kernels = Kernels::uniform(ConvVariant::Naive, GramVariant::Naive);
    jobs.iter().for_each(|job| job.apply(record, &mut kernels));
    let known = jobs.iter().flat_map(|job| &job.layers).max().copied().unwrap_or(LayerId::FIRST);
    for layer in LayerId::all().filter(|layer| *layer > known) {
        kernels.set_conv(layer, kernels.conv(known));
        kernels.set_gram(layer, kernels.gram(known));
    }
    kernels
}

/// The candidate that takes the least time; the naive one where there is none. The first, which is the
/// built-in choice, is only given up for one that is faster beyond the noise of timing.
fn fastest<C: Candidate>(gpu: &Gpu, candidates: &[C], features: Shape, outs: u32) -> Result<C> {
    if let [only] = candidates {
        return Ok(*only);
    }
    let seconds = trial::seconds(gpu, candidates, features, outs)?;
    let mut best = (f64::INFINITY, C::naive());
    for (seconds, candidate) in seconds.into_iter().zip(candidates) {
        if seconds < 0.95 * best.0 {
            best = (seconds, *candidate);
        }
    }
    Ok(best.1)
}
