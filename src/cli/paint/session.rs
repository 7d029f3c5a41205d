//! A painting in progress: its loop, and the files written on the way.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use impasto::gpu::Gpu;
use impasto::image_io::{Frame, Image, check_animation, save_animation};
use impasto::output::OutputFile;
use impasto::painter::{Checkpoint, Evaluation, Origin, Painter, PainterOptions};
use impasto::view::View;
use impasto::{Error, Result};

use super::interrupt::StopFlag;
use super::{Job, Record, Request};
use crate::cli::STOPPED;
use crate::cli::context::{Context, say_choices};
use crate::cli::log::Log;
use crate::cli::profile::RunProfile;
use crate::cli::progress::Progress;

/// How long an animation shows each frame, and the finished picture.
const FRAME: Duration = Duration::from_millis(100);
const LAST_FRAME: Duration = Duration::from_secs(2);

/// The end of a painting whose loss always runs away again.
const GAVE_UP: &str = "the loss kept running away, so the image is the best one before that: lower --lr; -v \
    names the layer where numbers stop being finite, and 'impasto selftest' tests the device";

/// A copy of the picture is taken this often, for the case that the device fails.
const RESCUE_EVERY: Duration = Duration::from_secs(10);

/// See the module.
pub struct Session<'a> {
    request: &'a Request,
    gpu: Gpu,
    note: String,
    painter: Painter,
    /// What each layer runs.
    kernels: String,
    profile: Option<RunProfile>,
    log: Option<Log>,
    checkpoint: Option<OutputFile>,
    view: Option<&'a View>,
    /// What a checkpoint says besides the painter's state.
    record: String,
    done: usize,
    /// Why the loss last ran away.
    explained: Option<String>,
    /// When the last copy of the picture was taken, after how many evaluations, and the copy.
    rescue: (Instant, usize, Option<Image>),
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
        view: Option<&'a View>,
        from: Option<&Checkpoint>,
    ) -> Result<Self> {
        let Request { painting: options, files, common, .. } = request;
        let checkpoint = files.checkpoint.as_deref().map(OutputFile::of).transpose()?;
        checkpoint.as_ref().map_or(Ok(()), OutputFile::check_writable)?;
        let Context { gpu, network, styles } = context;
        let done = from.map_or(0, Checkpoint::done);
        let log = files.log.as_deref().map(|path| Log::open(path, done)).transpose()?;
        let profile = files.profile.then(|| RunProfile::begin(gpu)).transpose()?;
        let kernels = network.kernels().to_string();
        let checkpoint_every = checkpoint.as_ref().map(|_| files.checkpoint_every);
        let pauses = files.save_every.into_iter().chain(checkpoint_every).collect();
        let record = Record::json(request, &job, network.kernels())?;
        let (width, height) = job.size();
        let Job { inputs, schedule, start, note, .. } = job;
        let plan = options.plan(schedule, pauses, common.memory)?;
        say_choices(&plan.choices(gpu, network, &inputs)?, common);
        let options = PainterOptions {
            origin: from.map_or(Origin::Variable(&start), Origin::Checkpoint),
            style_cache: styles.clone(),
            time_every: profile.as_ref().map(|_| RunProfile::interval(&plan.schedule)),
            keep_diverged: common.verbose,
        };
        let mut painter = Painter::new(gpu, network, inputs, plan, options)?;
        painter.take_notes().iter().for_each(|note| common.say(note));
        if let Some(path) = &files.animate {
            check_animation(path, width, height)?;
        }
        common.detail(format_args!("picture: {width} x {height}; memory: {}", gpu.memory()));
        Ok(Self {
            request,
            gpu: gpu.clone(),
            note,
            painter,
            kernels,
            profile,
            log,
            checkpoint,
            view,
            record,
            done,
            explained: None,
            rescue: (Instant::now(), done, None),
            stop,
        })
    }

    /// Paints to the end or until Ctrl-C, and writes the picture.
    pub fn paint(&mut self) -> Result<End> {
        let total = self.painter.schedule().iterations();
        let mut progress = Progress::new(self.painter.schedule(), self.request.common.quiet);
        if let Err(error) = self.evaluate(&mut progress) {
            progress.finish();
            return Err(self.rescue(error));
        }
        let stopped = self.stop.load(Ordering::Relaxed) && self.done < total;
        let end = match stopped {
            true => "stopped",
            false if self.painter.gave_up() => "the loss keeps running away: ended",
            false => "the loss stands still: ended",
        };
        if self.done < total {
            progress.note(&format!("{end} after {} of {total} evaluations", self.done));
        }
        progress.finish();
        self.write_checkpoint()?;
        let image = self.painter.image()?;
        // In a batch the name is for the finished picture, so that the next run paints this one again.
        let output = if stopped && self.request.finished_only {
            numbered(&self.request.output, self.done)
        } else {
            self.request.output.clone()
        };
        image.save_with_note(&output, &self.note)?;
        self.animate(image)?;
        if let Some(profile) = &self.profile {
            eprint!("{}", profile.table(&self.gpu, &self.painter, &self.kernels));
        }
        self.request.common.say(format_args!("wrote {}", output.display()));
        if stopped && let Some(file) = &self.request.files.checkpoint {
            self.request.common.say(format_args!("go on with: impasto resume {}", file.display()));
        }
        if self.painter.gave_up() {
            return Err(Error::Gpu { what: "painting".into(), message: GAVE_UP.into() });
        }
        Ok(if stopped { End::Stopped } else { End::Finished })
    }

    /// Evaluates to the end or until Ctrl-C.
    fn evaluate(&mut self, progress: &mut Progress) -> Result<()> {
        while let Some(evaluation) = self.painter.advance()? {
            progress.show(&evaluation);
            self.painter.take_notes().iter().for_each(|note| progress.note(note));
            self.note_down(&evaluation, progress)?;
            self.show(&evaluation, progress)?;
            if self.stop.load(Ordering::Relaxed) {
                self.painter.stop();
            }
            let due = self.rescue.2.is_none() || self.rescue.0.elapsed() > RESCUE_EVERY;
            if due && self.painter.is_on_the_device() {
                self.rescue = (Instant::now(), self.done, self.painter.image().ok());
            }
        }
        Ok(())
    }

    /// Saves what can be saved when the work cannot go on: the picture as it is, or where the device no longer
    /// gives it the last copy. Says so, and how to go on, with the error.
    fn rescue(&mut self, error: Error) -> Error {
        let (_, copied, copy) = std::mem::replace(&mut self.rescue, (Instant::now(), 0, None));
        let found = self.painter.image().ok().map(|image| (image, self.done));
        let mut more = vec![];
        if let Some((image, done)) = found.or(copy.map(|copy| (copy, copied))) {
            let file = numbered(&self.request.output, done);
            if image.save_with_note(&file, &self.note).is_ok() {
                more.push(format!("the picture after {done} evaluations is {}", file.display()));
            }
        }
        if let Some(file) = self.request.files.checkpoint.as_ref().filter(|file| file.exists()) {
            more.push(format!("go on with: impasto resume {}", file.display()));
        }
        if more.is_empty() { error } else { error.with_more(&more.join("; ")) }
    }

    /// What is written after an evaluation.
    fn note_down(&mut self, evaluation: &Evaluation, progress: &Progress) -> Result<()> {
        self.done = evaluation.iteration + 1;
        self.profile.iter_mut().for_each(|profile| profile.see(evaluation));
        let done = self.done;
        if evaluation.restarted {
            progress.note(&format!(
                "evaluation {done}: the loss ran away; going on from the best picture so far"
            ));
            self.explain(progress)?;
        }
        if let Some(log) = &mut self.log {
            log.write(evaluation, &self.kernels)?;
        }
        if self.request.files.save_every.is_some_and(|every| done.is_multiple_of(every)) {
            self.painter.image()?.save_with_note(numbered(&self.request.output, done), &self.note)?;
        }
        if done.is_multiple_of(self.request.files.checkpoint_every) {
            self.write_checkpoint()?;
        }
        Ok(())
    }

    /// Says under -v why the loss ran away, unless it is why it did before.
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

    /// Tells those who look on, and does what they ask for.
    fn show(&self, evaluation: &Evaluation, progress: &Progress) -> Result<()> {
        let Some(view) = self.view else { return Ok(()) };
        view.show_losses(evaluation.iteration, &evaluation.losses);
        if view.wants_image() {
            view.show_image(self.painter.image()?);
        }
        if view.takes_save() {
            let file = numbered(&self.request.output, self.done);
            self.painter.image()?.save_with_note(&file, &self.note)?;
            progress.note(&format!("wrote {}", file.display()));
        }
        Ok(())
    }

    /// All frames so far, those of an earlier run that this one goes on from included, and the picture.
    fn animate(&self, image: Image) -> Result<()> {
        let (Some(path), Some(every)) = (&self.request.files.animate, self.request.files.save_every) else {
            return Ok(());
        };
        let mut frames = vec![];
        for done in (every..=self.done).step_by(every) {
            let frame = Image::load(numbered(&self.request.output, done))?;
            frames.push(Frame { image: frame.resized_to(image.width(), image.height())?, time: FRAME });
        }
        frames.push(Frame { image, time: LAST_FRAME });
        save_animation(path, &frames)?;
        self.request.common.say(format_args!("wrote {}", path.display()));
        Ok(())
    }

    fn write_checkpoint(&self) -> Result<()> {
        let Some(file) = &self.checkpoint else { return Ok(()) };
        let mut checkpoint = self.painter.checkpoint()?;
        checkpoint.note = self.record.clone();
        checkpoint.save(file)
    }
}

/// `picture.png` after 50 evaluations: `picture-00050.png`.
fn numbered(path: &Path, done: usize) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("-{done:05}."));
    name.push(path.extension().unwrap_or_default());
    path.with_file_name(name)
}
