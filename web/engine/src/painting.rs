//! A painting in progress.

use std::path::PathBuf;

use impasto::Result;
use impasto::image_io::{Alpha, Encoding, Image, Size};
use impasto::objective::StyleCache;
use impasto::painter::{Evaluation, Origin, Painter, PainterOptions};
use impasto::vgg19::LayerId;
use serde_json::{Value, json};

use crate::cli::job::Job;
use crate::cli::note::Note;
use crate::page::{PAUSE, PICTURE, Page, SAVE, STOP};
use crate::plan::{self, Prepared};
use crate::{PREVIEW, Painted};

/// Largest number of losses that a page is given; a screen cannot show more.
const POINTS: usize = 600;

/// Paints what was prepared, to the end or until the page wishes to stop.
///
/// # Errors
/// As [`Painter::advance`]. What was painted before goes to the page.
pub fn paint(page: &Page) -> Result<Painted> {
    let Prepared { device, options, names, job, plan, choices, network, computation } = plan::take()?;
    let note = Note::json(names.iter().map(PathBuf::as_path), &options, &computation)?;
    let deepest = plan.settings.deepest();
    let Job { inputs, start, alpha, .. } = job;
    let painter_options = PainterOptions {
        origin: Origin::Variable(&start),
        style_cache: StyleCache::none(),
        time_every: None,
        keep_diverged: false,
    };
    let painter = Painter::new(&device.gpu, &network, inputs, plan, painter_options)?;
    let file = File { note, alpha, depth: options.output.depth.into() };
    let progress = Progress::new(&painter, &choices, deepest);
    let mut painting = Painting { page, painter, file, progress, last: None };
    match painting.run() {
        Ok(stopped) => painting.finish(&names, stopped),
        Err(error) => {
            painting.rescue();
            Err(error)
        }
    }
}

/// How pictures are written.
struct File {
    note: String,
    alpha: Option<Alpha>,
    depth: impasto::image_io::Depth,
}

impl File {
    fn png(&self, image: &Image) -> Result<Vec<u8>> {
        image.to_png_as(&Encoding { note: Some(&self.note), depth: self.depth, alpha: self.alpha.as_ref() })
    }
}

struct Painting<'a> {
    page: &'a Page,
    painter: Painter,
    file: File,
    progress: Progress,
    /// The last image that was read from the device.
    last: Option<Image>,
}

impl Painting<'_> {
    /// Evaluates to the end. True if the page stopped it before.
    fn run(&mut self) -> Result<bool> {
        let mut stopped = false;
        while let Some(evaluation) = self.painter.advance()? {
            self.painter.take_notes().iter().for_each(|note| self.page.note(note));
            if evaluation.restarted {
                self.page.note("The loss ran away: the painting goes on from the best picture so far.");
            }
            self.page.progress(&self.progress.json(&evaluation));
            let wishes = self.page.wishes();
            if wishes & (PICTURE | SAVE) != 0 {
                self.show(wishes)?;
            }
            if wishes & PAUSE != 0 {
                let paused = web_time::Instant::now();
                self.page.wait();
                self.progress.paused += paused.elapsed().as_secs_f64();
            }
            if self.page.wishes() & STOP != 0 && !stopped {
                stopped = true;
                self.painter.stop();
            }
        }
        Ok(stopped && self.progress.done < self.progress.total)
    }

    /// Gives the page the picture so far.
    fn show(&mut self, wishes: u32) -> Result<()> {
        let image = self.painter.image()?;
        if wishes & PICTURE != 0 {
            self.page.picture(image.width(), image.height(), image.to_rgba());
        }
        if wishes & SAVE != 0 {
            self.page.saved(self.file.png(&image)?);
        }
        self.last = Some(image);
        Ok(())
    }

    fn finish(&self, names: &[PathBuf], stopped: bool) -> Result<Painted> {
        if self.painter.gave_up() {
            self.page.note("The loss kept running away: this is the best picture before that.");
        }
        let image = self.painter.image()?;
        self.page.picture(image.width(), image.height(), image.to_rgba());
        let note: Value = serde_json::from_str(&self.file.note).unwrap_or_default();
        let images: Vec<String> = names.iter().map(|name| name.display().to_string()).collect();
        let json = json!({
            "state": if stopped { "stopped" } else { "done" }, "settings": note["settings"], "images": images,
            "width": image.width(), "height": image.height(), "evaluations": self.progress.done,
            "seconds": self.progress.seconds,
        });
        let longer = image.width().max(image.height());
        let preview = image.resized(Size::Longer(PREVIEW.min(longer)))?.to_png()?;
        Ok(Painted { json: json.to_string(), png: self.file.png(&image)?, preview })
    }

    /// After an error: gives the page what there is.
    fn rescue(&mut self) {
        if self.progress.done == 0 {
            return;
        }
        let image = self.painter.image().ok().or_else(|| self.last.take());
        if let Some(png) = image.and_then(|image| self.file.png(&image).ok()) {
            self.page.saved(png);
        }
    }
}

/// Progress, and an estimate of the time that is left.
struct Progress {
    done: usize,
    total: usize,
    /// Width, height, evaluations and work of one evaluation at each scale.
    scales: Vec<(u32, u32, usize, f64)>,
    /// Seconds of painting, and of pauses.
    seconds: f64,
    paused: f64,
    /// Work that is done, and the seconds of it, without the first evaluation of each scale: it waits for the driver to
    /// compile kernels.
    timed: (f64, f64),
    scale: usize,
    points: Vec<(usize, f64, f64, f64)>,
    stride: usize,
}

impl Progress {
    fn new(painter: &Painter, choices: &[impasto::planner::Choice], deepest: LayerId) -> Self {
        let schedule = painter.schedule();
        let scales = schedule.scales().iter().zip(choices).map(|(scale, choice)| {
            let (width, height) = schedule.shown_size(scale);
            (width, height, scale.iterations, choice.work(deepest))
        });
        Self {
            done: 0,
            total: painter.schedule().iterations(),
            scales: scales.collect(),
            seconds: 0.0,
            paused: 0.0,
            timed: (0.0, 0.0),
            scale: usize::MAX,
            points: vec![],
            stride: 1,
        }
    }

    /// `Progress` of `web/page/engine.js` after an evaluation.
    fn json(&mut self, evaluation: &Evaluation) -> String {
        let seconds = evaluation.seconds - self.paused;
        if evaluation.scale == self.scale {
            self.timed.0 += self.scales[self.scale].3;
            self.timed.1 += seconds - self.seconds;
        }
        (self.done, self.scale, self.seconds) = (evaluation.iteration + 1, evaluation.scale, seconds);
        self.add_point(evaluation);
        let (width, height, ..) = self.scales[self.scale];
        json!({
            "done": self.done, "total": self.total, "scale": self.scale + 1, "scales": self.scales.len(),
            "width": width, "height": height, "seconds": self.seconds, "left": self.left(), "points": self.points,
        })
        .to_string()
    }

    /// About how many seconds are left.
    fn left(&self) -> Option<f64> {
        let (mut work, mut before) = (0.0, 0);
        for (_, _, iterations, each) in &self.scales {
            let finished = self.done.saturating_sub(before).min(*iterations);
            work += each * (iterations - finished) as f64;
            before += iterations;
        }
        (self.timed.0 > 0.0).then(|| work * self.timed.1 / self.timed.0)
    }

    fn add_point(&mut self, evaluation: &Evaluation) {
        let (at, losses) = (evaluation.iteration, &evaluation.losses);
        if !at.is_multiple_of(self.stride) {
            return;
        }
        self.points.push((at, losses.total, losses.content, losses.style));
        if self.points.len() > POINTS {
            self.stride *= 2;
            self.points.retain(|point| point.0.is_multiple_of(self.stride));
        }
    }
}

/// A picture of a canvas.
trait ToRgba {
    /// Red, green, blue and opacity of each pixel.
    fn to_rgba(&self) -> Vec<u8>;
}

impl ToRgba for Image {
    fn to_rgba(&self) -> Vec<u8> {
        let pixels = self.pixels().chunks_exact(3);
        pixels
            .flat_map(|rgb| [rgb[0].round() as u8, rgb[1].round() as u8, rgb[2].round() as u8, 255])
            .collect()
    }
}
