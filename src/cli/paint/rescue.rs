//! Copies of the image in progress, for the case that the work cannot go on.

use std::time::{Duration, Instant};

use impasto::image_io::{Encoding, Image};
use impasto::painter::Painter;

use super::request::Request;
use crate::cli::file_roles::numbered;
use crate::cli::panics;
use crate::cli::paths::{is_standard, save_image, unused};

/// Time between two copies.
const EVERY: Duration = Duration::from_secs(10);

/// The last copy of the image.
pub struct Rescue {
    taken: Instant,
    /// The copy, and the evaluations that it is after.
    copy: Option<(Image, usize)>,
}

impl Rescue {
    pub fn new() -> Self {
        Self { taken: Instant::now(), copy: None }
    }

    /// Copies the image from time to time, where it would be lost with the device.
    pub fn keep(&mut self, painter: &Painter, done: usize) {
        let due = self.copy.is_none() || self.taken.elapsed() > EVERY;
        if due && painter.is_on_the_device() {
            self.taken = Instant::now();
            self.copy = painter.image().ok().map(|image| (image, done));
        }
    }

    /// Writes the image as it is, or where the device no longer gives it the last copy, if there was an evaluation.
    /// Says where it is.
    pub fn save(
        &mut self,
        painter: &Painter,
        done: usize,
        request: &Request,
        encoding: &Encoding,
    ) -> Option<String> {
        if done == 0 {
            return None;
        }
        // After a panic the painter may be in any state.
        let found = panics::catch(|| painter.image()).ok().map(|image| (image, done));
        let (image, done) = found.or_else(|| self.copy.take())?;
        if is_standard(&request.output) {
            save_image(&image, &request.output, encoding).ok()?;
            return Some(format!("the picture after {done} evaluations was written to standard output"));
        }
        let file = unused(numbered(&request.output, done));
        image.save_as(&file, encoding).ok()?;
        Some(format!("the picture after {done} evaluations is {}", file.display()))
    }
}
