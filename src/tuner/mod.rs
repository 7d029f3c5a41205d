//! Chooses the variants that each layer runs on a device.
//!
//! On a device's first use the candidates for each layer's shape are timed, forward and backward apart, and the choice
//! is kept in a file of the user's cache folder. A candidate must agree with the naive variant on this device before
//! it may be chosen: GPU drivers have bugs, and a buggy driver can produce wrong images silently.

mod builtin;
mod cache;
mod problem;
mod trial;

pub use cache::{Refusal, default_folder, fingerprint};

use std::path::{Path, PathBuf};

use cache::{Loaded, Record, Timed};
use problem::{Problem, problems};

use crate::error::{Error, Result};
use crate::gpu::{AdapterSummary, Gpu, Precision};
use crate::ops::variants::{Pass, PassVariants, TunedOp, Variant};
use crate::vgg19::{Kernels, LayerId};

/// How variants are chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// By the cache; shapes that it does not have are timed and added.
    #[default]
    Cached,
    /// By timing all shapes again.
    Fresh,
    /// By the class of the device; nothing is timed.
    BuiltIn,
}

/// Chooses variants.
#[derive(Debug, Clone)]
pub struct Tuner {
    /// How.
    pub mode: Mode,
    /// Folder of the cache; `None` keeps nothing. See [`default_folder`].
    pub folder: Option<PathBuf>,
    /// Precision in which activations and weights are stored.
    pub precision: Precision,
}

/// Variants for an image of some size, and how they were chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The variants of each layer.
    pub kernels: Kernels,
    /// Candidates for this precision that compute wrongly on this device, or not at all.
    pub refused: Vec<Refusal>,
    /// Number of shapes that were timed now.
    pub timed: usize,
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
        let (record, note) = self.read(path.as_deref(), gpu.adapter());
        if let Some(choice) = self.known(&problems, &record, note.clone()) {
            return Ok(choice);
        }
        // Runs that time at once would disturb each other, and the later one would overwrite what the earlier one
        // found. So each waits for the lock and reads the cache again.
        let _lock = path.as_deref().and_then(cache::lock);
        let (mut record, again) = self.read(path.as_deref(), gpu.adapter());
        let mut note = note.or(again);
        if let Some(choice) = self.known(&problems, &record, note.clone()) {
            return Ok(choice);
        }
        let trusted = self.trusted(gpu, &mut record)?;
        if self.mode == Mode::BuiltIn {
            let kernels = kernels(problems.iter().map(|problem| (problem, problem.builtin(&trusted))));
            return Ok(Choice { kernels, refused: self.refusals(&record), timed: 0, note });
        }
        let missing: Vec<&Problem> =
            problems.iter().filter(|problem| record.variants(&problem.key).is_none()).collect();
        for (done, problem) in missing.iter().enumerate() {
            progress(done, missing.len(), &problem.key.to_string());
            record.insert(Timed::new(problem.key.clone(), problem.fastest(gpu, &trusted)?));
        }
        if let Some(path) = path {
            let kept = cache::save(&path, &record);
            note = kept.err().map(|error| format!("the choice of kernels is not kept: {error}")).or(note);
        }
        let choice = self.known(&problems, &record, note);
        let choice = choice.ok_or_else(|| Error::gpu("tuning", "a shape was not timed"))?;
        Ok(Choice { timed: missing.len(), ..choice })
    }

    /// The choice for images of `width` by `height`, if the cache has all of it. Opens no device and times nothing.
    pub fn remembered(&self, adapter: &AdapterSummary, size: [u32; 2], deepest: LayerId) -> Option<Choice> {
        let path = self.folder.as_ref().map(|folder| cache::file(folder, adapter));
        let (record, note) = self.read(path.as_deref(), adapter);
        self.known(&self.problems(size, deepest), &record, note)
    }

    /// The wrong variants of an adapter that the cache knows, in both precisions, without opening it.
    pub fn refused(&self, adapter: &AdapterSummary) -> Vec<Refusal> {
        let path = self.folder.as_ref().map(|folder| cache::file(folder, adapter));
        match path.map(|path| cache::load(&path, adapter)) {
            Some(Loaded::Found(record)) => record.refused,
            _ => vec![],
        }
    }

    fn problems(&self, size: [u32; 2], deepest: LayerId) -> Vec<Problem> {
        problems(size.map(|side| side.min(LARGEST)), deepest, self.precision)
    }

    /// What the cache says of an adapter, and what to tell the user about the file. A fresh tuning keeps only what
    /// belongs to the other precision.
    fn read(&self, path: Option<&Path>, adapter: &AdapterSummary) -> (Record, Option<String>) {
        let nothing = Record::new(adapter);
        let (mut record, note) = match path.map(|path| (path, cache::load(path, adapter))) {
            Some((_, Loaded::Found(record))) => (record, None),
            Some((path, Loaded::Damaged)) => {
                (nothing, Some(format!("{} was damaged: kernels are timed again", path.display())))
            }
            Some((_, Loaded::Nothing)) | None => (nothing, None),
        };
        if self.mode == Mode::Fresh {
            record.forget(self.is_f16());
        }
        (record, note)
    }

    /// The choice that a record makes, if it has all the problems. Layers beyond them run what the last one runs.
    fn known(&self, problems: &[Problem], record: &Record, note: Option<String>) -> Option<Choice> {
        let variants = problems.iter().map(|problem| Some((problem, record.variants(&problem.key)?)));
        let kernels = kernels(variants.collect::<Option<Vec<_>>>()?);
        Some(Choice { kernels, refused: self.refusals(record), timed: 0, note })
    }

    /// The candidates that agree with the naive variants here. Those that do not go into the record.
    fn trusted(&self, gpu: &Gpu, record: &mut Record) -> Result<Vec<&'static Variant>> {
        record.refused.retain(|refusal| refusal.f16 != self.is_f16());
        let mut trusted = vec![];
        for variant in TunedOp::ALL.iter().flat_map(|op| op.candidates(gpu, self.precision)) {
            match trial::fault(gpu, variant, self.precision)? {
                None => trusted.push(variant),
                Some(fault) => record.refused.push(Refusal::new(variant, self.is_f16(), fault)),
            }
        }
        Ok(trusted)
    }

    fn refusals(&self, record: &Record) -> Vec<Refusal> {
        record.refused.iter().filter(|refusal| refusal.f16 == self.is_f16()).cloned().collect()
    }

    fn is_f16(&self) -> bool {
        self.precision == Precision::F16
    }
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
    let fault = trial::fault(gpu, variant, precision)?;
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
