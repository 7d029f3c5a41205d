//! Paints what is in the queue, one painting after the other, as `impasto paint` does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use impasto::image_io::Image;
use impasto::painter::Checkpoint;
use impasto::{Error, Result};
use serde_json::json;

use super::api;
use super::entry::{Job, Outcome, State};
use super::live::{Live, Subject};
use super::queue::{PREVIEW, Queue};
use crate::cli::note::Note;
use crate::cli::options::CommonOptions;
use crate::cli::paint::{End, FileOptions, Moved, Record, Request, StopFlag, paint_request};
use crate::cli::paths::unused;
use crate::cli::{message, panics};

/// Name of the picture in a painting's own folder, until it is finished, and of its automatic checkpoint.
const PICTURE: &str = "picture.png";
const CHECKPOINT: &str = "picture.checkpoint";

/// The studio at work.
pub struct Painting<'a> {
    pub queue: &'a Queue,
    pub live: &'a Live,
    pub common: &'a CommonOptions,
    /// Ends the program; what is in progress then waits in the queue.
    pub quit: &'a StopFlag,
}

impl Painting<'_> {
    /// Paints until the program is to end.
    ///
    /// # Errors
    /// [`Error::Output`] if the folder takes no files any more.
    pub fn run(&self) -> Result<()> {
        while !self.quit.load(Ordering::Relaxed) {
            let Some(job) = self.queue.next() else { continue };
            self.common.say(format_args!("painting {}", job.entry.name));
            self.live.clear_stop();
            self.live.begin(Subject {
                id: job.entry.id.clone(),
                name: job.entry.name.clone(),
                settings: job.entry.settings.clone(),
                images: job.entry.images.clone(),
            });
            let ended = panics::catch(|| self.paint(&job));
            let (done, seconds) = (self.live.done(), self.live.seconds());
            // By the program's end, not the page's button.
            let waits = matches!(ended, Ok(End::Stopped)) && !self.live.is_stopped();
            let kept = if waits { Ok(()) } else { self.keep(job, ended, done, seconds) };
            self.live.end();
            kept?;
        }
        Ok(())
    }

    /// Paints one, from its checkpoint if an earlier run left one.
    fn paint(&self, job: &Job) -> Result<End> {
        let folder = self.queue.folder_of(&job.entry.id);
        let (request, from) = match resumed(&folder.join(CHECKPOINT)) {
            Some((request, from)) => (request, Some(from)),
            None => (self.request(job, &folder)?, None),
        };
        let common = CommonOptions { quiet: true, verbose: false, ..request.common.clone() };
        let request = Request { common, ..request };
        paint_request(&request, self.quit.clone(), self.live, from.as_ref())
    }

    /// The painting as the command line would ask for it.
    fn request(&self, job: &Job, folder: &Path) -> Result<Request> {
        let mut images = self.queue.images_of(&job.entry);
        let content = images.remove(0);
        Ok(Request {
            content,
            styles: images,
            output: folder.join(PICTURE),
            painting: job.options()?,
            files: FileOptions::images_only(None),
            common: self.common.clone(),
            note: None,
            finished_only: false,
            automatic_checkpoints: false,
        })
    }

    /// Keeps what has become of a painting.
    fn keep(&self, mut job: Job, ended: Result<End>, evaluations: usize, seconds: f64) -> Result<()> {
        let folder = self.queue.folder_of(&job.entry.id);
        let (state, error) = match ended {
            Ok(End::Finished) => (State::Done, None),
            Ok(End::Stopped) => (State::Stopped, None),
            Err(error) => (State::Failed, Some(message(&error))),
        };
        // A painting that fails half way may leave one.
        let picture = picture_in(&folder);
        let result = picture.as_ref().map(|path| self.show(&job, path, evaluations, seconds)).transpose()?;
        let mut error = error;
        if let Some((outcome, settings)) = result {
            let before =
                picture.as_ref().and_then(|path| path.file_name()).unwrap_or_default().to_string_lossy();
            error = error.map(|text| text.replace(&*before, &outcome.picture));
            self.common.say(format_args!("wrote {}", self.queue.folder().join(&outcome.picture).display()));
            job.entry.result = Some(outcome);
            job.entry.settings = settings;
        }
        let inside = format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR);
        // The user knows the names, not where the studio keeps the images.
        job.entry.error = error.map(|text| {
            let text = (0..job.entry.images.len())
                .fold(text, |text, k| text.replace(&format!("{inside}{k}{}", std::path::MAIN_SEPARATOR), ""));
            text.replace(&inside, "")
        });
        if let Some(error) = &job.entry.error {
            crate::cli::terminal::say(format_args!("error: {}: {error}", job.entry.name));
        }
        job.entry.state = state;
        // Left behind it does no harm.
        let _ = fs::remove_file(folder.join(CHECKPOINT));
        self.queue.finish(job)
    }

    /// Moves the picture to the studio's folder; what the gallery shows of it, and its settings.
    fn show(
        &self,
        job: &Job,
        path: &Path,
        evaluations: usize,
        seconds: f64,
    ) -> Result<(Outcome, serde_json::Value)> {
        let image = Image::load(path)?;
        let folder = self.queue.folder();
        let name = format!("{}.png", job.entry.name);
        let picture = unused(folder.join(name));
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |e: std::io::Error| Error::Output {
                path,
                reason: format!("{}: is the disk full?", e.kind()),
            }
        };
        let preview = self.queue.folder_of(&job.entry.id).join(PREVIEW);
        fs::write(&preview, api::small(&image, api::PREVIEW)?).map_err(failed(&preview))?;
        fs::rename(path, &picture).map_err(failed(&picture))?;
        let settings =
            Note::of(&picture).map_or_else(|_| job.entry.settings.clone(), |note| json!(note.settings));
        let outcome = Outcome {
            width: image.width(),
            height: image.height(),
            evaluations,
            seconds,
            preview: format!("api/preview/{}.png", job.entry.id),
            picture: picture.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        Ok((outcome, settings))
    }
}

/// The picture that a painting left: the finished one, or one that was saved after a failure.
fn picture_in(folder: &Path) -> Option<PathBuf> {
    let whole = folder.join(PICTURE);
    if whole.is_file() {
        return Some(whole);
    }
    let files = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let is_saved = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("picture-") && name.ends_with(".png")
    };
    files.filter(is_saved).max()
}

/// A painting that an earlier run of the program left unfinished. Begins anew where its checkpoint cannot be used.
fn resumed(file: &Path) -> Option<(Request, Checkpoint)> {
    let checkpoint = Checkpoint::load(file).ok()?;
    let request = Record::of(file, &checkpoint).ok()?.request(file, &Moved::default()).ok()?;
    Some((request, checkpoint))
}
