//! What the page asks for: the calls of `web/page/engine-http.js`.

use std::path::Path;
use std::sync::Arc;

use impasto::image_io::{Decoded, Image, Size};
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::Request;
use super::live::Live;
use super::queue::{Queue, checksum};
use super::refusal::Refusal;
use super::server::{Answer, JSON, PNG};
use super::upload::{File, Upload, check_size, file_name};
use crate::cli::note::Note;

/// Longer sides of pictures that are only looked at.
pub const PREVIEW: u32 = 512;
const STAGE: u32 = 1024;

/// The studio, or one painting that was started elsewhere.
pub struct Api {
    pub live: Arc<Live>,
    /// `None` if the page only watches.
    pub queue: Option<Arc<Queue>>,
    /// `Info` of `engine.js`.
    pub info: Value,
}

/// The line before the file of a picture to look at.
#[derive(Deserialize)]
struct Picture {
    files: [File; 1],
}

/// A painting.
#[derive(Deserialize)]
struct Named {
    id: String,
}

type Result<T> = std::result::Result<T, Refusal>;

impl Api {
    /// Answers a call; `path` is what follows `api/`.
    pub fn answer(&self, request: &mut Request, path: &str) -> Result<Answer> {
        let post = match request.method() {
            "GET" => false,
            "POST" => true,
            _ => return Err(Refusal::new(405, "Method not allowed.")),
        };
        match (post, path) {
            (false, "info") => Ok((JSON, self.info.to_string().into_bytes())),
            (false, "state") => Ok((JSON, self.state(request).to_string().into_bytes())),
            (false, "picture.png") => self.stage(),
            (true, "look") => look(request),
            (true, "add") => json_of(json!({ "id": self.queue()?.add(request)? })),
            (true, "remove") => self.remove(request),
            (true, "pause") => self.pause(true),
            (true, "resume") => self.pause(false),
            (true, "stop") => {
                self.live.stop();
                json_of(json!({}))
            }
            (true, "save") => match self.live.save() {
                Ok(png) => Ok((PNG, png.to_vec())),
                Err(text) => Err(Refusal::new(409, text)),
            },
            (false, path) => self.kept(path),
            (true, _) => Err(Refusal::new(404, "Not found.")),
        }
    }

    fn queue(&self) -> Result<&Queue> {
        let watching = || Refusal::new(409, "This page watches one painting: 'impasto studio' takes others.");
        self.queue.as_deref().ok_or_else(watching)
    }

    /// The painting in progress, and all of them if they are not those that the page has.
    fn state(&self, request: &Request) -> Value {
        let query = request.target().split_once('?').map_or("", |(_, query)| query);
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(known, _)| *known == name).map_or("", |(_, value)| value)
        };
        let look = self.live.look(value("note").parse().unwrap_or(0));
        let jobs = match &self.queue {
            Some(queue) => queue.entries(&look),
            None => look.subject.iter().map(|(subject, phase)| {
                json!({ "id": subject.id, "name": subject.name, "added": 0, "state": phase, "settings": subject.settings,
                    "images": subject.images })
            }).collect(),
        };
        let sum = checksum(&jobs);
        let jobs = if value("jobs") == sum { Value::Null } else { jobs };
        json!({ "jobs": jobs, "sum": sum, "progress": look.progress, "images": look.images, "notes": look.notes,
            "note": look.next_note })
    }

    /// The painting in progress, at the size of a screen.
    fn stage(&self) -> Result<Answer> {
        let image = self.live.image().ok_or_else(|| Refusal::new(404, "There is no image yet."))?;
        Ok((PNG, small(&image, STAGE)?))
    }

    /// The picture of a finished painting, or the small one.
    fn kept(&self, path: &str) -> Result<Answer> {
        let not_found = || Refusal::new(404, "Not found.");
        let (kind, name) = path.split_once('/').ok_or_else(not_found)?;
        let id = name.strip_suffix(".png").ok_or_else(not_found)?;
        let (picture, preview) = self.queue()?.pictures_of(id)?;
        let path = match kind {
            "picture" => picture,
            "preview" => preview,
            _ => return Err(not_found()),
        };
        let read = std::fs::read(&path);
        read.map(|png| (PNG, png))
            .map_err(|_| Refusal::new(404, format!("{} is no longer there.", path.display())))
    }

    fn remove(&self, request: &mut Request) -> Result<Answer> {
        let (Named { id }, _) = Upload::begin(request)?;
        let busy = self.live.look(0).subject.map(|(subject, _)| subject.id);
        self.queue()?.remove(&id, busy.as_deref())?;
        json_of(json!({}))
    }

    fn pause(&self, paused: bool) -> Result<Answer> {
        match self.live.pause(paused) {
            true => json_of(json!({})),
            false => Err(Refusal::new(409, "No painting is in progress.")),
        }
    }
}

fn json_of(value: Value) -> Result<Answer> {
    Ok((JSON, value.to_string().into_bytes()))
}

/// What is known of a picture before it is painted: a line of JSON, then a small PNG.
fn look(request: &mut Request) -> Result<Answer> {
    let (Picture { files: [file] }, mut upload): (Picture, _) = Upload::begin(request)?;
    let name = file_name(&file.name)?;
    check_size(&name, file.size, super::upload::MOST_OF_FILE)?;
    let mut bytes = vec![];
    upload.file(&file, &mut bytes)?;
    let Decoded { image, warnings, .. } = Image::parse(Path::new(&name), &bytes)?;
    let made = Image::parse_note(Path::new(&name), &bytes).ok();
    let made = made.and_then(|note| serde_json::from_str::<Note>(&note).ok());
    let made = made.map(|note| json!({ "settings": note.settings, "images": note.images }));
    let known =
        json!({ "width": image.width(), "height": image.height(), "warnings": warnings, "made": made });
    let mut answer = known.to_string().into_bytes();
    answer.push(b'\n');
    answer.extend(small(&image, PREVIEW)?);
    Ok(("application/octet-stream", answer))
}

/// An image as PNG, its longer side at most `longest`.
pub fn small(image: &Image, longest: u32) -> impasto::Result<Vec<u8>> {
    match image.width().max(image.height()) > longest {
        true => image.resized(Size::Longer(longest))?.to_png(),
        false => image.to_png(),
    }
}
