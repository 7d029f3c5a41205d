//! Chooses the variants that each layer runs on a device.
//!
//! On a device's first use the candidates for each layer's shape are timed, forward and backward apart, and the choice
//! is kept in a file of the user's cache folder. A candidate must agree with the naive variant on this device before
//! it may be chosen: GPU drivers have bugs, and a buggy driver can produce wrong images silently.

mod auto;
mod builtin;
mod cache;
mod problem;
mod rates;
mod trial;

pub use cache::{Refusal, default_folder, fingerprint};

use std::path::{Path, PathBuf};

use cache::{Loaded, Record};
use problem::{Problem, problems};
use rates::Rates;

use crate::error::{Error, Result};
use crate::gpu::{AdapterSummary, Gpu, Precision};
use crate::ops::variants::{ComputePrecision, Pass, PassVariants, TunedOp, Variant};
use crate::vgg19::{Kernels, LayerId};

/// How variants are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// By the cache; shapes that it does not have are timed and added.
    #[default]
    Cached,
    /// By timing the shapes of the size again. What the cache has of other sizes and precisions stays.
    Fresh,
    /// By the class of the device; nothing is timed.
    BuiltIn,
}

/// The precision that variants are chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrecisionChoice {
    /// Mixed where it is clearly faster than f32 on the device by the timings of both, and agrees with it there; else
    /// f32, as where nothing is timed.
    Auto,
    /// This one.
    Fixed(ComputePrecision),
}

impl From<ComputePrecision> for PrecisionChoice {
    fn from(precision: ComputePrecision) -> Self {
        Self::Fixed(precision)
    }
}

impl PrecisionChoice {
    /// The precisions that have to be tuned, which store numbers alike.
    fn tuned(self) -> &'static [ComputePrecision] {
        match self {
            Self::Auto => &[ComputePrecision::F32, ComputePrecision::Mixed],
            Self::Fixed(ComputePrecision::F32) => &[ComputePrecision::F32],
            Self::Fixed(ComputePrecision::Mixed) => &[ComputePrecision::Mixed],
            Self::Fixed(ComputePrecision::F16) => &[ComputePrecision::F16],
        }
    }

    /// The precision where nothing is timed.
    pub fn untimed(self) -> ComputePrecision {
        match self {
            Self::Auto => ComputePrecision::F32,
            Self::Fixed(precision) => precision,
        }
    }
}

/// Chooses variants.
#[derive(Debug, Clone)]
pub struct Tuner {
    /// How.
    pub mode: Mode,
    /// Folder of the cache; `None` keeps nothing. See [`default_folder`].
    pub folder: Option<PathBuf>,
    /// For which precision.
    pub precision: PrecisionChoice,
}

/// Variants for an image of some size, and how they were chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The precision that they compute in.
    pub precision: ComputePrecision,
    /// The variants of each layer.
    pub kernels: Kernels,
    /// Candidates for this precision that compute wrongly on this device, or not at all.
    pub refused: Vec<Refusal>,
    /// Number of shapes that were timed now.
    pub timed: usize,
    /// Time of mixed over that of f32, by the timings of both; `None` unless [`PrecisionChoice::Auto`] compared them.
    pub mixed_over_f32: Option<f64>,
    /// A message for the user about the cache file, if there is one.
    pub note: Option<String>,
}

/// Longest side of an image that is timed for. Larger ones fill a device no better, and may go in tiles.
const LARGEST: u32 = 1024;

/// Called before each shape is timed, with how many are done, how many there are, and the shape.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize, &str);

impl Tuner {
    /// Chooses for images of `width` by `height` and layers up to `deepest`.
    ///
    /// # Errors
    /// [`Error::Gpu`] if the device fails or even the naive variants cannot run. A cache that cannot be read or
    /// written is no error but a note.
    pub fn choose(&self, gpu: &Gpu, size: [u32; 2], deepest: LayerId, progress: Progress) -> Result<Choice> {
        let path = self.folder.as_ref().map(|folder| cache::file(folder, gpu.adapter()));
        let path = path.filter(|_| self.mode != Mode::BuiltIn);
        let problems = self.problems(size, deepest);
        let (record, note) = self.read(path.as_deref(), gpu.adapter(), &problems);
        if let Some(choice) = self.known(&problems, &record, note.clone()) {
            return Ok(choice);
        }
        // Runs that time at once would disturb each other, and the later one would overwrite what the earlier one
        // found. So each waits for the lock and reads the cache again.
        let _lock = path.as_deref().and_then(cache::lock);
        let (mut record, again) = self.read(path.as_deref(), gpu.adapter(), &problems);
        let mut note = note.or(again);
        if let Some(choice) = self.known(&problems, &record, note.clone()) {
            return Ok(choice);
        }
        let choice = self.find_out(gpu, &problems, &mut record, progress)?;
        if let Some(path) = path {
            let kept = cache::save(&path, &record);
            note = kept.err().map(|error| format!("the choice of kernels is not kept: {error}")).or(note);
        }
        Ok(Choice { note, ..choice })
    }

    /// As [`choose`](Self::choose), with the contents of a cache file in place of the folder's, for a program that keeps them
    /// itself. Empty contents, and those of another device, driver or version, count as nothing. In the mode
    /// [`Mode::BuiltIn`] it also keeps which kernels are right.
    ///
    /// # Errors
    /// As [`choose`](Self::choose).
    pub fn choose_by(
        &self,
        gpu: &Gpu,
        size: [u32; 2],
        deepest: LayerId,
        contents: &mut Vec<u8>,
        progress: Progress,
    ) -> Result<Choice> {
        let problems = self.problems(size, deepest);
        let mut record = match cache::parse(contents, gpu.adapter()) {
            Loaded::Found(record) => record,
            Loaded::Nothing | Loaded::Damaged => Record::new(gpu.adapter()),
        };
        if let Some(choice) = self.known(&problems, &record, None).filter(|_| self.mode == Mode::Cached) {
            return Ok(choice);
        }
        let choice = self.find_out(gpu, &problems, &mut record, progress)?;
        *contents = cache::written(&record);
        Ok(choice)
    }

    /// Tries and times what the record lacks, and adds it.
    fn find_out(
        &self,
        gpu: &Gpu,
        problems: &[Problem],
        record: &mut Record,
        progress: Progress,
    ) -> Result<Choice> {
        let trusted = self.trusted(gpu, record)?;
        if self.mode == Mode::BuiltIn {
            return Ok(self.builtin(problems, &trusted, record));
        }
        let rates = Rates::measure(gpu, &trusted)?;
        let missing: Vec<&Problem> =
            problems.iter().filter(|problem| !self.is_timed(problem, record)).collect();
        for (done, problem) in missing.iter().enumerate() {
            progress(done, missing.len(), &problem.key.to_string());
            problem.timed(gpu, &trusted, rates)?.into_iter().for_each(|timed| record.insert(timed));
        }
        let choice = self.known(problems, record, None);
        let choice = choice.ok_or_else(|| Error::gpu("tuning", "a shape was not timed"))?;
        Ok(Choice { timed: missing.len(), ..choice })
    }

    /// The choice for images of `width` by `height`, if the cache has all of it. Opens no device and times nothing.
    pub fn remembered(&self, adapter: &AdapterSummary, size: [u32; 2], deepest: LayerId) -> Option<Choice> {
        let path = self.folder.as_ref().map(|folder| cache::file(folder, adapter));
        let problems = self.problems(size, deepest);
        let (record, note) = self.read(path.as_deref(), adapter, &problems);
        self.known(&problems, &record, note)
    }

    /// The wrong variants of an adapter that the cache knows, in all precisions, without opening it.
    pub fn refused(&self, adapter: &AdapterSummary) -> Vec<Refusal> {
        let path = self.folder.as_ref().map(|folder| cache::file(folder, adapter));
        match path.map(|path| cache::load(&path, adapter)) {
            Some(Loaded::Found(record)) => record.refused,
            _ => vec![],
        }
    }

    fn problems(&self, size: [u32; 2], deepest: LayerId) -> Vec<Problem> {
        problems(size.map(|side| side.min(LARGEST)), deepest, self.storage())
    }

    /// What the cache says of an adapter, and what to tell the user about the file. A fresh tuning does without what it
    /// says of these problems and of the answers of their kernels.
    fn read(
        &self,
        path: Option<&Path>,
        adapter: &AdapterSummary,
        problems: &[Problem],
    ) -> (Record, Option<String>) {
        let nothing = Record::new(adapter);
        let (mut record, note) = match path.map(|path| (path, cache::load(path, adapter))) {
            Some((_, Loaded::Found(record))) => (record, None),
            Some((path, Loaded::Damaged)) => {
                (nothing, Some(format!("{} was damaged: kernels are timed again", path.display())))
            }
            Some((_, Loaded::Nothing)) | None => (nothing, None),
        };
        if self.mode == Mode::Fresh {
            problems.iter().for_each(|problem| record.forget(&problem.key));
            record.forget_answers(self.is_f16());
        }
        (record, note)
    }

    /// The choice that a record makes, if it has all the problems.
    fn known<'a>(&self, problems: &'a [Problem], record: &Record, note: Option<String>) -> Option<Choice> {
        if !problems.iter().all(|problem| self.is_timed(problem, record)) {
            return None;
        }
        let mixed_over_f32 = match self.precision {
            PrecisionChoice::Auto => Some(auto::mixed_over_f32(problems, record)?),
            PrecisionChoice::Fixed(_) => None,
        };
        let precision = match mixed_over_f32 {
            Some(ratio) if auto::is_clearly_faster(ratio) => ComputePrecision::Mixed,
            _ => self.precision.untimed(),
        };
        let variants =
            |problem: &'a Problem| Some((problem, record.timed(&problem.key, precision)?.variants()?));
        let kernels = kernels(problems.iter().map(variants).collect::<Option<Vec<_>>>()?);
        let refused = refusals(record, precision);
        Some(Choice { precision, kernels, refused, timed: 0, mixed_over_f32, note })
    }

    /// Whether a record has a problem in every precision that is needed.
    fn is_timed(&self, problem: &Problem, record: &Record) -> bool {
        self.precision.tuned().iter().all(|precision| record.timed(&problem.key, *precision).is_some())
    }

    /// The choice by the class of the device.
    fn builtin(&self, problems: &[Problem], trusted: &[&'static Variant], record: &Record) -> Choice {
        let precision = self.precision.untimed();
        let variants = |problem: &Problem| problem.builtin(trusted, precision);
        let kernels = kernels(problems.iter().map(|problem| (problem, variants(problem))));
        let refused = refusals(record, precision);
        Choice { precision, kernels, refused, timed: 0, mixed_over_f32: None, note: None }
    }

    /// The candidates that agree with the naive variants here. How each trial ends goes into the record.
    fn trusted(&self, gpu: &Gpu, record: &mut Record) -> Result<Vec<&'static Variant>> {
        // What is timed serves every precision that stores numbers alike.
        let precision = match (self.mode, self.storage()) {
            (Mode::BuiltIn, _) => self.precision.untimed(),
            (_, Precision::F16) => ComputePrecision::F16,
            _ => ComputePrecision::Mixed,
        };
        let candidates = || TunedOp::ALL.iter().flat_map(|op| op.candidates(gpu, precision));
        let untried: Vec<_> =
            candidates().filter(|variant| record.agrees(variant, self.is_f16()).is_none()).collect();
        let faults = trial::faults(gpu, &untried, self.storage())?;
        untried.iter().zip(faults).for_each(|(variant, fault)| {
            record.insert_answer(variant, self.is_f16(), fault);
        });
        Ok(candidates().filter(|variant| record.agrees(variant, self.is_f16()) == Some(true)).collect())
    }

    fn storage(&self) -> Precision {
        self.precision.untimed().storage()
    }

    fn is_f16(&self) -> bool {
        self.storage() == Precision::F16
    }
}

/// The refusals of a record that concern a precision.
fn refusals(record: &Record, precision: ComputePrecision) -> Vec<Refusal> {
    let is_f16 = precision.storage() == Precision::F16;
    let concerns = |refusal: &&Refusal| {
        let variant = refusal.variant();
        refusal.f16 == is_f16 && variant.is_none_or(|variant| precision.allows(variant))
    };
    record.refused.iter().filter(concerns).cloned().collect()
}

/// Makes sure that a variant runs on this device in this precision, and computes rightly.
///
/// # Errors
/// [`Error::Usage`] with what [`why_not`] finds; [`Error::Gpu`] if not even the naive variant runs.
pub fn check(gpu: &Gpu, variant: &'static Variant, precision: Precision) -> Result<()> {
    why_not(gpu, variant, precision)?
        .map_or(Ok(()), |reason| Err(Error::Usage(format!("{reason}: choose another variant"))))
}

/// Why a variant cannot be used on this device in this precision, if so: the device is missing what it needs, or
/// computes wrongly with it.
///
/// # Errors
/// [`Error::Gpu`] if not even the naive variant runs.
pub fn why_not(gpu: &Gpu, variant: &'static Variant, precision: Precision) -> Result<Option<String>> {
    let (device, op) = (&gpu.adapter().name, variant.op());
    if let Some(missing) = variant.missing(gpu) {
        return Ok(Some(format!("{op} {variant} needs {missing}, which {device} lacks")));
    }
    let fault = trial::faults(gpu, &[variant], precision)?.into_iter().flatten().next();
    Ok(fault.map(|fault| format!("on {device} the kernels of {op} {variant} are {fault}")))
}

/// The variants of some problems by layer. Layers beyond them run what the deepest of them runs.
fn kernels<'a>(choices: impl IntoIterator<Item = (&'a Problem, PassVariants)>) -> Kernels {
    let (mut kernels, mut known) = (Kernels::default(), LayerId::FIRST);
    for (problem, variants) in choices {
        problem.apply(variants, &mut kernels);
        known = problem.deepest().map_or(known, |deepest| deepest.max(known));
    }
    for layer in LayerId::all().filter(|layer| *layer > known) {
        for (op, pass) in TunedOp::ALL.into_iter().flat_map(|op| Pass::ALL.map(|pass| (op, pass))) {
            kernels.set(layer, pass, kernels.of(op, known).of(pass));
        }
    }
    kernels
}
