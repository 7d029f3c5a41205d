//! The painting in progress, between the loop that paints it and the pages that show it.
//!
//! The loop calls [`Live::show`] after each evaluation. It reads an image from the device only when a page has asked for one.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use impasto::image_io::Image;
use impasto::painter::{Evaluation, Schedule};
use serde::Serialize;
use serde_json::Value;

use super::points::{Point, Points};
use crate::cli::paint::StopFlag;

/// Sentences that are kept for pages that look later.
const MOST_NOTES: usize = 20;

/// How long a page waits for a picture to be saved. One evaluation of a large painting may take minutes on a CPU.
const PATIENCE: Duration = Duration::from_secs(600);

/// The painting in progress, if there is one.
pub struct Live {
    state: Mutex<State>,
    changed: Condvar,
    /// Ends the painting.
    stop: StopFlag,
    /// A page has asked for an image since the last one was shown.
    wants_image: AtomicBool,
}

struct State {
    painting: Option<Painting>,
    paused: bool,
    /// Each with its number.
    notes: VecDeque<(u64, String)>,
    next_note: u64,
    /// Number of images shown.
    images: u64,
    /// Pages that wait for a saved picture have numbers up to the first; those up to the second have it.
    saves: (u64, u64),
    saved: Result<Arc<Vec<u8>>, String>,
}

/// What is painted.
#[derive(Debug, Clone)]
pub struct Subject {
    pub id: String,
    /// For people: the content image, or the place in a batch.
    pub name: String,
    /// Every setting.
    pub settings: Value,
    /// Names of the images.
    pub images: Vec<String>,
}

struct Painting {
    subject: Subject,
    progress: Option<Progress>,
    points: Points,
    image: Option<Arc<Image>>,
    /// Evaluations of `image`.
    image_of: usize,
    /// Since the page was told of it, less pauses.
    began: Instant,
    rested: Duration,
}

impl Painting {
    /// Seconds since it began, without pauses.
    fn seconds(&self) -> f64 {
        self.began.elapsed().saturating_sub(self.rested).as_secs_f64()
    }
}

/// How far a painting is.
#[derive(Debug, Clone, Serialize)]
struct Progress {
    done: usize,
    total: usize,
    scale: usize,
    scales: usize,
    width: u32,
    height: u32,
    seconds: f64,
    left: Option<f64>,
}

/// Progress as pages get it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: &'a str,
    #[serde(flatten)]
    progress: &'a Progress,
    points: &'a [Point],
}

/// What a page is told of the painting in progress.
pub struct Look {
    /// The painting, and `preparing`, `painting` or `paused`.
    pub subject: Option<(Subject, &'static str)>,
    pub progress: Value,
    /// Number of images shown so far.
    pub images: u64,
    /// The sentences from the one asked for on, and the number of the next.
    pub notes: Vec<String>,
    pub next_note: u64,
}

impl Live {
    /// Without a painting. [`stop`](Self::stop) sets `stop`.
    pub fn new(stop: StopFlag) -> Self {
        let state = State {
            painting: None,
            paused: false,
            notes: VecDeque::new(),
            next_note: 0,
            images: 0,
            saves: (0, 0),
            saved: Err(ENDED.into()),
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), stop, wants_image: AtomicBool::new(true) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const ENDED: &str = "The painting has ended: save it from the gallery.";

/// What the loop that paints calls.
impl Live {
    /// A painting begins.
    pub fn begin(&self, subject: Subject) {
        let mut state = self.state();
        let began = Instant::now();
        state.painting = Some(Painting {
            subject,
            progress: None,
            points: Points::new(),
            image: None,
            image_of: 0,
            began,
            rested: Duration::ZERO,
        });
        state.paused = false;
        // The button was pressed for the painting before.
        state.saves.1 = state.saves.0;
        state.saved = Err(ENDED.into());
        self.wants_image.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// The painting has ended, and its stop with it.
    pub fn end(&self) {
        let mut state = self.state();
        state.painting = None;
        state.paused = false;
        state.saves.1 = state.saves.0;
        state.saved = Err(ENDED.into());
        self.changed.notify_all();
    }

    /// Shows the losses of an evaluation. `share`, 0 to 1, is how much of the work of all scales is done; the time that is left
    /// follows from it.
    pub fn show(&self, evaluation: &Evaluation, schedule: &Schedule, share: f64) {
        let mut state = self.state();
        let Some(painting) = &mut state.painting else { return };
        let (width, height) = schedule.shown_size(&schedule.scales()[evaluation.scale]);
        let seconds = painting.seconds();
        painting.progress = Some(Progress {
            done: evaluation.iteration + 1,
            total: schedule.iterations(),
            scale: evaluation.scale + 1,
            scales: schedule.scales().len(),
            width,
            height,
            seconds,
            left: (share > 0.0).then(|| seconds * (1.0 - share) / share),
        });
        painting.points.add(evaluation.iteration, &evaluation.losses);
    }

    /// A sentence about the painting.
    pub fn note(&self, text: &str) {
        let mut state = self.state();
        let number = state.next_note;
        state.next_note += 1;
        state.notes.push_back((number, text.into()));
        if state.notes.len() > MOST_NOTES {
            state.notes.pop_front();
        }
    }

    /// True if a page waits for a newer image than it has, after `done` evaluations.
    pub fn wants_image(&self, done: usize) -> bool {
        self.wants_image.load(Ordering::Relaxed)
            && self
                .state()
                .painting
                .as_ref()
                .is_some_and(|painting| painting.image.is_none() || painting.image_of != done)
    }

    /// Shows the image after `done` evaluations.
    pub fn show_image(&self, image: Image, done: usize) {
        let mut state = self.state();
        state.images += 1;
        if let Some(painting) = &mut state.painting {
            (painting.image, painting.image_of) = (Some(Arc::new(image)), done);
        }
        self.wants_image.store(false, Ordering::Relaxed);
    }

    /// A number for [`give_saved`](Self::give_saved) while a page waits for the picture as a file.
    pub fn takes_save(&self) -> Option<u64> {
        let (asked, given) = self.state().saves;
        (asked > given).then_some(asked)
    }

    /// Hands the picture as a file to the pages that wait for it, or what went wrong.
    pub fn give_saved(&self, number: u64, picture: Result<Vec<u8>, String>) {
        let mut state = self.state();
        state.saves.1 = number;
        state.saved = picture.map(Arc::new);
        self.changed.notify_all();
    }

    /// True after [`stop`](Self::stop).
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits a moment if the painting is paused, and tells whether it still is.
    pub fn rests(&self) -> bool {
        let state = self.state();
        if !state.paused || self.is_stopped() {
            return false;
        }
        let began = Instant::now();
        let (mut state, _) = self
            .changed
            .wait_timeout(state, Duration::from_millis(200))
            .unwrap_or_else(PoisonError::into_inner);
        state.painting.iter_mut().for_each(|painting| painting.rested += began.elapsed());
        true
    }

    /// Seconds since the painting began, without pauses.
    pub fn seconds(&self) -> f64 {
        let state = self.state();
        state.painting.as_ref().map_or(0.0, Painting::seconds)
    }

    /// Evaluations that are done.
    pub fn done(&self) -> usize {
        let state = self.state();
        let progress = state.painting.as_ref().and_then(|painting| painting.progress.as_ref());
        progress.map_or(0, |progress| progress.done)
    }
}

/// What pages ask for.
impl Live {
    /// Ends the painting in progress after its evaluation.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Forgets that the last painting was stopped.
    pub fn clear_stop(&self) {
        self.stop.store(false, Ordering::Relaxed);
    }

    /// Pauses the painting in progress, or goes on with it. False if there is none.
    pub fn pause(&self, paused: bool) -> bool {
        let mut state = self.state();
        let is_there = state.painting.is_some();
        state.paused = paused && is_there;
        self.changed.notify_all();
        is_there
    }

    /// The picture as it is after the evaluation in progress, as the bytes of a file.
    ///
    /// # Errors
    /// A sentence, if there is no painting or it ends before.
    pub fn save(&self) -> Result<Arc<Vec<u8>>, String> {
        let mut state = self.state();
        if state.painting.is_none() {
            return Err("No painting is in progress: save it from the gallery.".into());
        }
        state.saves.0 += 1;
        let number = state.saves.0;
        self.changed.notify_all();
        let waiting = |state: &mut State| state.saves.1 < number;
        let (state, _) =
            self.changed.wait_timeout_while(state, PATIENCE, waiting).unwrap_or_else(PoisonError::into_inner);
        match state.saves.1 < number {
            true => Err("The evaluation in progress takes too long: try again later.".into()),
            false => state.saved.clone(),
        }
    }

    /// The last image that was shown. Asks for a newer one.
    pub fn image(&self) -> Option<Arc<Image>> {
        self.wants_image.store(true, Ordering::Relaxed);
        self.state().painting.as_ref()?.image.clone()
    }

    /// What a page is to show, with the sentences from number `note` on. Asks for a newer image.
    pub fn look(&self, note: u64) -> Look {
        self.wants_image.store(true, Ordering::Relaxed);
        let state = self.state();
        let phase = |painting: &Painting| match (&painting.progress, state.paused) {
            (_, true) => "paused",
            (None, _) => "preparing",
            (Some(_), _) => "painting",
        };
        let shown = state.painting.as_ref().and_then(|painting| {
            let Painting { subject, progress, points, .. } = painting;
            let shown = Shown { id: &subject.id, progress: progress.as_ref()?, points: points.all() };
            serde_json::to_value(shown).ok()
        });
        Look {
            subject: state.painting.as_ref().map(|painting| (painting.subject.clone(), phase(painting))),
            progress: shown.unwrap_or(Value::Null),
            images: state.images,
            notes: state.notes.iter().filter(|(k, _)| *k >= note).map(|(_, text)| text.clone()).collect(),
            next_note: state.next_note,
        }
    }
}
