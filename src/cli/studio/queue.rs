//! The queue and the gallery: paintings in a folder of the user's.
//!
//! Pictures lie in the folder itself. `paintings/N` in it belongs to painting N: its record, the images while they are needed,
//! its checkpoint and a small picture for the gallery. N is a number of this program's; no name that a page gives becomes a
//! path but as the last part of one.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use impasto::{Error, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::entry::{Entry, Job, State};
use super::http::Request;
use super::live::Look;
use super::refusal::Refusal;
use super::upload::{File, Upload, file_name};
use crate::cli::settings::Settings;

/// Style images of one painting at most.
const MOST_STYLES: usize = 8;

/// The paintings of a folder: those that wait, the one in progress, and those that are finished.
pub struct Queue {
    folder: PathBuf,
    /// Oldest first.
    jobs: Mutex<Vec<Job>>,
    added: Condvar,
    /// Locked while the program runs.
    _lock: fs::File,
}

/// What a page sends with a new painting: the content image's file is the first.
#[derive(Deserialize)]
struct New {
    files: Vec<File>,
    settings: Value,
    #[serde(default)]
    like: Option<Settings>,
}

impl Queue {
    /// The paintings in a folder, which is made.
    ///
    /// # Errors
    /// [`Error::Output`] for a folder that cannot be made or is another studio's.
    pub fn open(folder: &Path) -> Result<Self> {
        let failed = |reason: String| Error::Output { path: folder.into(), reason };
        let unusable = |e: std::io::Error| failed(format!("{}: choose another with --folder", e.kind()));
        let paintings = folder.join("paintings");
        fs::create_dir_all(&paintings).map_err(unusable)?;
        let lock = fs::File::create(paintings.join("lock")).map_err(unusable)?;
        if lock.try_lock().is_err() {
            return Err(failed(
                "another studio uses this folder: end that one, or choose another folder".into(),
            ));
        }
        let folders = fs::read_dir(&paintings).map_err(unusable)?.flatten().map(|entry| entry.path());
        let is_there =
            |job: &Job| job.entry.result.as_ref().is_none_or(|result| folder.join(&result.picture).is_file());
        let mut jobs: Vec<Job> = folders.filter_map(|folder| Job::read(&folder)).filter(is_there).collect();
        jobs.retain(|job| job.entry.id.parse::<u64>().is_ok());
        jobs.sort_by_key(|job| job.entry.id.parse::<u64>().unwrap_or_default());
        Ok(Self { folder: folder.into(), jobs: Mutex::new(jobs), added: Condvar::new(), _lock: lock })
    }

    fn jobs(&self) -> MutexGuard<'_, Vec<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of pictures.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of a painting.
    pub fn folder_of(&self, id: &str) -> PathBuf {
        self.folder.join("paintings").join(id)
    }

    /// Puts a painting at the end; gives its number.
    pub fn add(&self, request: &mut Request) -> Result<String, Refusal> {
        let (new, mut upload): (New, _) = Upload::begin(request)?;
        let names: Vec<String> =
            new.files.iter().map(|file| file_name(&file.name)).collect::<Result<_, _>>()?;
        if !(2..=MOST_STYLES + 1).contains(&names.len()) {
            return Err(Refusal::new(
                400,
                format!("A painting needs a photograph and 1 to {MOST_STYLES} styles."),
            ));
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let entry = Entry {
            id: String::new(),
            name: Path::new(&names[0]).file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            added: since.as_millis() as u64,
            state: State::Waiting,
            settings: new.settings.clone(),
            images: names.clone(),
            result: None,
            error: None,
        };
        let mut job = Job { entry, given: new.settings, like: new.like };
        job.options()?.check(&names[1..].iter().map(PathBuf::from).collect::<Vec<_>>())?;
        let (id, folder) = self.new_folder()?;
        job.entry.id.clone_from(&id);
        let stored =
            new.files.iter().zip(&names).enumerate().try_for_each(|(k, (file, name))| {
                store(&folder.join(k.to_string()), name, file, &mut upload)
            });
        if let Err(refusal) = stored.and_then(|()| job.write(&folder).map_err(Refusal::from)) {
            // Nothing of it is in the queue.
            let _ = fs::remove_dir_all(&folder);
            return Err(refusal);
        }
        let mut jobs = self.jobs();
        jobs.push(job);
        jobs.sort_by_key(|job| job.entry.id.parse::<u64>().unwrap_or_default());
        self.added.notify_all();
        Ok(id)
    }

    /// A folder for a new painting, and its number: above all others.
    fn new_folder(&self) -> Result<(String, PathBuf), Refusal> {
        let mut number = self.jobs().last().and_then(|job| job.entry.id.parse::<u64>().ok()).unwrap_or(0);
        loop {
            number += 1;
            let folder = self.folder_of(&number.to_string());
            match fs::create_dir(&folder) {
                Ok(()) => return Ok((number.to_string(), folder)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => {
                    return Err(Refusal::new(
                        500,
                        format!("The studio's folder takes no files: {}", e.kind()),
                    ));
                }
            }
        }
    }

    /// The content image and the style images of a painting that is not finished.
    pub fn images_of(&self, entry: &Entry) -> Vec<PathBuf> {
        let folder = self.folder_of(&entry.id);
        entry.images.iter().enumerate().map(|(k, name)| folder.join(k.to_string()).join(name)).collect()
    }

    /// The next painting that waits; `None` after a moment without one.
    pub fn next(&self) -> Option<Job> {
        let first = |jobs: &[Job]| jobs.iter().find(|job| job.entry.state == State::Waiting).cloned();
        let jobs = self.jobs();
        if let Some(job) = first(&jobs) {
            return Some(job);
        }
        let moment = Duration::from_millis(300);
        let (jobs, _) = self.added.wait_timeout(jobs, moment).unwrap_or_else(PoisonError::into_inner);
        first(&jobs)
    }

    /// Keeps what has become of a painting, and drops what only an unfinished one needs.
    pub fn finish(&self, job: Job) -> Result<()> {
        let folder = self.folder_of(&job.entry.id);
        let written = job.write(&folder);
        for k in 0..job.entry.images.len() {
            // Left behind they do no harm.
            let _ = fs::remove_dir_all(folder.join(k.to_string()));
        }
        let mut jobs = self.jobs();
        if let Some(known) = jobs.iter_mut().find(|known| known.entry.id == job.entry.id) {
            *known = job;
        }
        written
    }

    /// Takes a painting out of the queue or the gallery, all but its picture. `busy` is the one in progress.
    pub fn remove(&self, id: &str, busy: Option<&str>) -> Result<(), Refusal> {
        if busy == Some(id) {
            return Err(Refusal::new(409, "This painting is in progress: stop it first."));
        }
        let mut jobs = self.jobs();
        let at = jobs.iter().position(|job| job.entry.id == id).ok_or_else(gone)?;
        let job = jobs.remove(at);
        fs::remove_dir_all(self.folder_of(&job.entry.id))
            .map_err(|e| Refusal::new(500, format!("Its files cannot be removed: {}", e.kind())))
    }

    /// Where the picture of a finished painting is, and the small one.
    pub fn pictures_of(&self, id: &str) -> Result<(PathBuf, PathBuf), Refusal> {
        let jobs = self.jobs();
        let job = jobs.iter().find(|job| job.entry.id == id).ok_or_else(gone)?;
        let result =
            job.entry.result.as_ref().ok_or_else(|| Refusal::new(404, "This painting has no picture."))?;
        Ok((self.folder.join(&result.picture), self.folder_of(&job.entry.id).join(PREVIEW)))
    }

    /// All paintings as the page shows them. The one in progress is what `look` has.
    pub fn entries(&self, look: &Look) -> Value {
        let in_progress = look.subject.as_ref();
        let entry = |job: &Job| {
            let mut entry = json!(job.entry);
            match in_progress {
                Some((subject, phase)) if subject.id == job.entry.id => entry["state"] = json!(phase),
                _ => {}
            }
            entry
        };
        self.jobs().iter().map(entry).collect()
    }
}

/// Name of the small picture in a painting's folder.
pub const PREVIEW: &str = "preview.png";

/// A checksum by which a page tells whether entries have changed.
pub fn checksum(entries: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    entries.to_string().hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

fn gone() -> Refusal {
    Refusal::new(404, "There is no such painting any more: reload the page.")
}

/// Writes a file of an upload into a folder of its own: two images may have one name.
fn store(folder: &Path, name: &str, file: &File, upload: &mut Upload) -> Result<(), Refusal> {
    let failed = |e: std::io::Error| {
        Refusal::new(500, format!("{name} cannot be kept ({}): is the disk full?", e.kind()))
    };
    fs::create_dir(folder).map_err(failed)?;
    let mut kept = fs::File::create_new(folder.join(name)).map_err(failed)?;
    upload.file(file, &mut kept)
}
