//! A painting in progress: its loop, and the files written on the way.

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use impasto::gpu::Gpu;
use impasto::image_io::{Alpha, Decoded, Encoding, Frame, Image, check_animation, save_animation};
use impasto::painter::{Checkpoint, Evaluation, Origin, Painter, PainterOptions};
use impasto::{Error, Result};

use super::checkpoints::{Checkpoints, work_between};
use super::interrupt::StopFlag;
use super::rescue::Rescue;
use super::{Job, Record, Request};
use crate::cli::computation::Computation;
use crate::cli::context::{Context, say_choices};
use crate::cli::file_roles::numbered;
use crate::cli::log::Log;
use crate::cli::note::Note;
use crate::cli::paths::{save_image, shown, unused};
use crate::cli::profile::RunProfile;
use crate::cli::progress::Progress;
use crate::cli::studio::Live;
use crate::cli::test_faults::fault;
use crate::cli::{STOPPED, message, panics, terminal};

/// How long an animation shows each frame, and the finished image.
const FRAME: Duration = Duration::from_millis(100);
const LAST_FRAME: Duration = Duration::from_secs(2);

/// The error of a painting whose loss diverges again after every restart.
const GAVE_UP: &str = "the loss kept running away, so the image is the best one before that: lower --lr; -v \
    names the layer where numbers stop being finite, and 'impasto selftest' tests the device";

/// One painting from its first evaluation to its files.
pub struct Session<'a> {
    request: &'a Request,
    gpu: Gpu,
    /// The note of the picture.
    note: String,
    /// The opacity of the picture, at its last size.
    alpha: Option<Alpha>,
    painter: Painter,
    /// The variant of each layer, as text.
    kernels: String,
    profile: Option<RunProfile>,
    log: Option<Log>,
    checkpoints: Checkpoints,
    live: Option<&'a Live>,
    /// Evaluations so far.
    done: usize,
    /// Why the loss last diverged.
    explained: Option<String>,
    rescue: Rescue,
    stop: StopFlag,
}

/// How a painting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Finished,
    /// By Ctrl-C, before its last evaluation.
    Stopped,
}

impl End {
    pub fn code(self) -> ExitCode {
        match self {
            Self::Finished => ExitCode::SUCCESS,
            Self::Stopped => ExitCode::from(STOPPED),
        }
    }
}

impl<'a> Session<'a> {
    /// Opens all files and sets up the painter.
    pub fn open(
        job: Job,
        request: &'a Request,
        context: &Context,
        stop: StopFlag,
        live: Option<&'a Live>,
        from: Option<&Checkpoint>,
    ) -> Result<Self> {
        let Request { painting: options, files, common, .. } = request;
        let Context { gpu, network, styles, .. } = context;
        let computation = context.computation();
        let note = note(request, &computation)?;
        let record = Record::new(request, &job, &computation, note.clone())?;
        let checkpoints = Checkpoints::new(request, record)?;
        let done = from.map_or(0, Checkpoint::done);
        let log = files.log.as_deref().map(|path| Log::open(path, done)).transpose()?;
        let profile = files.profile.then(|| RunProfile::begin(gpu)).transpose()?;
        let kernels = network.kernels().to_string();
        let (width, height) = job.schedule.picture_size();
        if let Some(path) = &files.animate {
            check_animation(path, width, height)?;
        }
        let Job { inputs, schedule, start, alpha, .. } = job;
        let pauses = files.save_every.into_iter().chain(checkpoints.pauses()).collect();
        let plan = options.plan(schedule, pauses, common.memory)?;
        say_choices(&plan.choices(gpu, network, &inputs)?, common);
        let options = PainterOptions {
            origin: from.map_or(Origin::Variable(&start), Origin::Checkpoint),
            style_cache: styles.clone(),
            time_every: profile.as_ref().map(|_| RunProfile::interval(&plan.schedule)),
            keep_diverged: common.verbose,
        };
        let mut painter = Painter::new(gpu, network, inputs, plan, options)?;
        for note in painter.take_notes() {
            live.iter().for_each(|live| live.note(&note));
            common.say(note);
        }
        common.detail(format_args!("image: {width} x {height}; memory: {}", gpu.memory()));
        Ok(Self {
            request,
            gpu: gpu.clone(),
            note,
            alpha,
            painter,
            kernels,
            profile,
            log,
            checkpoints,
            live,
            done,
            explained: None,
            rescue: Rescue::new(),
            stop,
        })
    }

    /// Paints to the end or until Ctrl-C, and writes the picture.
    pub fn paint(&mut self) -> Result<End> {
        let total = self.painter.schedule().iterations();
        let mut progress = Progress::new(self.painter.schedule(), self.request.common.quiet);
        if let Err(error) = panics::catch(|| self.evaluate(&mut progress)) {
            progress.finish();
            return Err(self.rescue(error));
        }
        let stopped = self.is_stopped() && self.done < total;
        let (image, saved) = self.save(stopped)?;
        if self.done < total {
            let end = match stopped {
                true => "stopped",
                false if self.painter.gave_up() => "the loss keeps running away: ended",
                false => "the loss stands still: ended",
            };
            progress.note(&format!("{end} after {} of {total} evaluations", self.done));
        }
        progress.finish();
        self.animate(image)?;
        if let Some(profile) = &self.profile {
            terminal::say(profile.table(&self.gpu, &self.painter, &self.kernels).trim_end());
        }
        self.request.common.say(format_args!("wrote {saved}"));
        match self.checkpoints.path().filter(|_| stopped) {
            Some(file) => self.request.common.say(go_on_with(file)),
            None => self.checkpoints.finish(),
        }
        if self.painter.gave_up() {
            return Err(Error::Gpu { what: "painting".into(), message: GAVE_UP.into() });
        }
        Ok(if stopped { End::Stopped } else { End::Finished })
    }

    /// Evaluates to the end or until Ctrl-C.
    fn evaluate(&mut self, progress: &mut Progress) -> Result<()> {
        while let Some(evaluation) = self.painter.advance()? {
            let share = self.share_of(evaluation.iteration + 1);
            progress.show(&evaluation, share);
            for note in self.painter.take_notes() {
                self.tell(&note, progress);
            }
            self.record(&evaluation, progress)?;
            self.show(&evaluation, share)?;
            if self.is_stopped() {
                self.painter.stop();
            }
            self.rescue.keep(&self.painter, self.done);
            if fault("panic-at") == Some(self.done) {
                panic!("asked for by a test");
            }
        }
        Ok(())
    }

    /// Writes what there is to write after an evaluation.
    fn record(&mut self, evaluation: &Evaluation, progress: &Progress) -> Result<()> {
        self.done = evaluation.iteration + 1;
        self.profile.iter_mut().for_each(|profile| profile.record(evaluation));
        let done = self.done;
        if evaluation.restarted {
            progress
                .note(&format!("evaluation {done}: the loss ran away; going on from the best image so far"));
            self.explain(progress)?;
        }
        if let Some(log) = &mut self.log {
            log.write(evaluation, &self.kernels)?;
        }
        if self.request.files.save_every.is_some_and(|every| done.is_multiple_of(every)) {
            let file = numbered(&self.request.output, done);
            self.painter.image()?.save_as(file, &self.encoding())?;
        }
        if let Some(line) = self.checkpoints.watch(evaluation, &mut self.painter, self.request) {
            progress.note(&line);
        }
        self.checkpoints.write_if_due(done, &self.painter)
    }

    /// Prints under -v why the loss diverged, unless for the same reason as before.
    fn explain(&mut self, progress: &Progress) -> Result<()> {
        if !self.request.common.verbose {
            return Ok(());
        }
        let reason = match self.painter.diagnose()? {
            Some(found) => found.to_string(),
            None => "every number was finite: the step was too long".into(),
        };
        if self.explained.as_ref() != Some(&reason) {
            progress.note(&reason);
            self.explained = Some(reason);
        }
        Ok(())
    }

    /// How much of the work of all scales the first `evaluations` are, 0 to 1.
    fn share_of(&self, evaluations: usize) -> f64 {
        work_between(&self.painter, 0, evaluations) / work_between(&self.painter, 0, usize::MAX)
    }

    /// Shows the pages what has changed, and rests while they pause the painting.
    fn show(&self, evaluation: &Evaluation, share: f64) -> Result<()> {
        let Some(live) = self.live else { return Ok(()) };
        live.show(evaluation, self.painter.schedule(), share);
        loop {
            if live.wants_image(self.done) {
                live.show_image(self.painter.image()?, self.done);
            }
            if let Some(number) = live.takes_save() {
                live.give_saved(number, self.png().map_err(|error| message(&error)));
            }
            if self.is_stopped() || !live.rests() {
                return Ok(());
            }
        }
    }

    /// The picture as the bytes of a PNG file, with its settings inside.
    fn png(&self) -> Result<Vec<u8>> {
        let image = self.painter.image()?;
        let failed = |e: std::io::Error| Error::Output {
            path: std::env::temp_dir(),
            reason: format!("the picture cannot be packed there: {}", e.kind()),
        };
        let folder = tempfile::tempdir().map_err(failed)?;
        let file = folder.path().join("picture.png");
        image.save_as(&file, &self.encoding())?;
        std::fs::read(file).map_err(failed)
    }

    /// Whether the painting is to end: by Ctrl-C, or by the button of a page.
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.live.is_some_and(Live::is_stopped)
    }

    /// A sentence about the painting, on the terminal and on pages.
    fn tell(&self, note: &str, progress: &Progress) {
        progress.note(note);
        self.live.iter().for_each(|live| live.note(note));
    }

    /// Writes the picture and the last checkpoint, before anything is printed: the terminal may be gone. Gives
    /// the image and the name of the file.
    fn save(&self, stopped: bool) -> Result<(Image, String)> {
        let image = self.painter.image()?;
        let output = match stopped && self.request.finished_only {
            true => unused(numbered(&self.request.output, self.done)),
            false => self.request.output.clone(),
        };
        let saved = save_image(&image, &output, &self.encoding());
        // One of the two may have room where the other has none.
        let kept = self.checkpoints.write_last(&self.painter, stopped);
        saved.and(kept).map(|()| (image, shown(&output)))
    }

    /// How pictures are written.
    fn encoding(&self) -> Encoding<'_> {
        encoding(&self.note, self.alpha.as_ref(), self.request)
    }

    /// All frames so far, with those of an earlier run that this one resumes, and the image.
    fn animate(&self, image: Image) -> Result<()> {
        let files = &self.request.files;
        let (Some(path), Some(every)) = (&files.animate, files.save_every) else { return Ok(()) };
        let mut frames = vec![];
        for done in (every..=self.done).step_by(every) {
            let Decoded { image: frame, alpha, .. } = Image::read(numbered(&self.request.output, done))?;
            let (width, height) = (image.width(), image.height());
            let alpha = alpha.map(|alpha| alpha.resized_to(width, height)).transpose()?;
            frames.push(Frame { image: frame.resized_to(width, height)?, alpha, time: FRAME });
        }
        let alpha = self.alpha.as_ref().map(|alpha| alpha.resized_to(image.width(), image.height()));
        frames.push(Frame { image, alpha: alpha.transpose()?, time: LAST_FRAME });
        save_animation(path, &frames)?;
        self.request.common.say(format_args!("wrote {}", path.display()));
        Ok(())
    }

    /// The error with the picture that could be saved, and with the command that goes on.
    fn rescue(&mut self, error: Error) -> Error {
        let encoding = encoding(&self.note, self.alpha.as_ref(), self.request);
        let saved = self.rescue.save(&self.painter, self.done, self.request, &encoding);
        let more: Vec<String> =
            saved.into_iter().chain(self.checkpoints.path().map(|file| go_on_with(file))).collect();
        if more.is_empty() { error } else { error.with_more(&more.join("; ")) }
    }
}

/// The note of a picture that is painted in this precision with these kernels.
fn note(request: &Request, computation: &Computation) -> Result<String> {
    match &request.note {
        Some(note) => Note::continued(note, &computation.kernels),
        None => Note::json(request.images(), &request.painting, computation),
    }
}

fn encoding<'a>(note: &'a str, alpha: Option<&'a Alpha>, request: &Request) -> Encoding<'a> {
    Encoding { note: Some(note), depth: request.painting.output.depth.into(), alpha }
}

/// The command that continues from a checkpoint.
fn go_on_with(file: &Path) -> String {
    format!("go on with: impasto resume {}", file.display())
}
