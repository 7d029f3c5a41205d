//! The checkpoints of a painting: those that the user asks for, and automatic ones of long paintings.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use impasto::Result;
use impasto::output::OutputFile;
use impasto::painter::{Evaluation, Painter};
use indicatif::HumanDuration;

use super::record::Record;
use super::request::{FileOptions, Request};
use crate::cli::paths::{is_standard, unused};
use crate::cli::test_faults::fault;

/// A painting that takes longer than this gets automatic checkpoints.
const LONG: Duration = Duration::from_secs(600);

/// Time to measure before a painting is called long, since its first evaluations are slower.
const MEASURED: Duration = Duration::from_secs(10);

/// Time between two automatic checkpoints.
const EVERY: Duration = Duration::from_secs(300);

/// Where and when checkpoints are written.
pub struct Checkpoints {
    /// The file, with its path for messages; `None` while there are no checkpoints.
    file: Option<(OutputFile, PathBuf)>,
    /// Evaluations between two.
    every: usize,
    /// True for automatic checkpoints: the file is removed at the end.
    automatic: bool,
    /// The files and options of the painting.
    record: Record,
    /// When the first evaluation finished, and its number.
    first: Option<(Instant, usize)>,
    /// True until the duration of the painting is known.
    undecided: bool,
}

impl Checkpoints {
    /// Checkpoints as a painting asks for them.
    ///
    /// # Errors
    /// [`Error::Output`](impasto::Error::Output) naming a file that cannot be written, and
    /// [`Error::Usage`](impasto::Error::Usage) for paths that a checkpoint cannot name.
    pub fn new(request: &Request, record: Record) -> Result<Self> {
        let FileOptions { checkpoint, checkpoint_every, .. } = &request.files;
        let open = |path: &PathBuf| -> Result<(OutputFile, PathBuf)> {
            let file = OutputFile::of(path)?;
            file.check_writable()?;
            record.json()?;
            Ok((file, path.clone()))
        };
        Ok(Self {
            file: checkpoint.as_ref().map(open).transpose()?,
            every: *checkpoint_every,
            automatic: record.automatic,
            record,
            first: None,
            undecided: checkpoint.is_none() && !is_standard(&request.output),
        })
    }

    /// Evaluations after which the painter has to pause.
    pub fn pauses(&self) -> Option<usize> {
        self.file.as_ref().map(|_| self.every)
    }

    /// The file, once there is one.
    pub fn path(&self) -> Option<&PathBuf> {
        self.file.as_ref().map(|(_, path)| path).filter(|path| path.exists())
    }

    /// Begins automatic checkpoints once the painting turns out to be long; gives a line for the user then.
    pub fn watch(
        &mut self,
        evaluation: &Evaluation,
        painter: &mut Painter,
        request: &Request,
    ) -> Option<String> {
        if !self.undecided {
            return None;
        }
        let (first, before) = *self.first.get_or_insert((Instant::now(), evaluation.iteration));
        let threshold = fault("long").map_or(LONG, Duration::from_secs_f64);
        let measured = first.elapsed();
        if evaluation.iteration == before || measured < MEASURED.min(threshold) {
            return None;
        }
        let seconds_per_work = measured.as_secs_f64() / work_between(painter, before, evaluation.iteration);
        let total = Duration::from_secs_f64(seconds_per_work * work_between(painter, 0, usize::MAX));
        self.undecided = false;
        if total < threshold {
            return None;
        }
        let largest =
            painter.choices().iter().map(|choice| choice.work(painter.deepest())).fold(0.0, f64::max);
        let fitting = EVERY.as_secs_f64() / (seconds_per_work * largest);
        self.every = (fitting as usize).clamp(1, FileOptions::CHECKPOINT_EVERY);
        self.begin(total, painter, request)
    }

    /// Starts automatic checkpoints beside the picture.
    fn begin(&mut self, total: Duration, painter: &mut Painter, request: &Request) -> Option<String> {
        let path = unused(request.output.with_extension("checkpoint"));
        self.record.automatic = true;
        self.record.checkpoint_every = self.every;
        // Without one the painting goes on as it would have.
        self.record.json().ok()?;
        let file = OutputFile::of(&path).ok()?;
        painter.pause_every(self.every);
        self.automatic = true;
        let line = format!(
            "this takes about {}: its state is kept in {} until the end, for 'impasto resume'",
            HumanDuration(total),
            path.display()
        );
        self.file = Some((file, path));
        Some(line)
    }

    /// Writes a checkpoint if one is due after `done` evaluations.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_if_due(&self, done: usize, painter: &Painter) -> Result<()> {
        // Evaluations may be in flight right after the first call of `pause_every`.
        match done.is_multiple_of(self.every) && painter.is_at_rest() {
            true => self.write(painter),
            false => Ok(()),
        }
    }

    /// Writes a checkpoint, if there is a file for it.
    ///
    /// # Errors
    /// [`Error::Output`](impasto::Error::Output) naming the file, or
    /// [`Error::Gpu`](impasto::Error::Gpu) if the device failed.
    fn write(&self, painter: &Painter) -> Result<()> {
        let Some((file, _)) = &self.file else { return Ok(()) };
        let mut checkpoint = painter.checkpoint()?;
        checkpoint.note = self.record.json()?;
        checkpoint.save(file)
    }

    /// Writes the last checkpoint, unless it would be removed at once.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_last(&self, painter: &Painter, stopped: bool) -> Result<()> {
        if stopped || !self.automatic { self.write(painter) } else { Ok(()) }
    }

    /// Removes the file of automatic checkpoints, once the picture is finished.
    pub fn finish(&self) {
        if let Some(path) = self.path().filter(|_| self.automatic) {
            // Left behind it does no harm.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The work of the evaluations from `from` up to `to`, all scales counted.
pub fn work_between(painter: &Painter, from: usize, to: usize) -> f64 {
    let schedule = painter.schedule();
    let scales = schedule.scales().iter().zip(painter.choices()).enumerate();
    let work = scales.map(|(k, (scale, choice))| {
        let begin = schedule.before(k);
        let end = begin + scale.iterations;
        let within = end.min(to).saturating_sub(begin.max(from));
        within as f64 * choice.work(painter.deepest())
    });
    work.sum()
}
