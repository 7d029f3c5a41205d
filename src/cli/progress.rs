//! What a painting says while it works.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use impasto::painter::{Evaluation, Schedule};
use indicatif::{ProgressBar, ProgressStyle};

/// How often plain lines come.
const PAUSE: Duration = Duration::from_secs(10);

/// Shows how far a painting is.
pub struct Progress {
    display: Display,
    /// `128 x 96: ` and so on, if there are several scales.
    sizes: Vec<String>,
}

/// A bar on a terminal, lines now and then elsewhere, or nothing.
enum Display {
    Bar(ProgressBar),
    Lines { total: usize, last: Option<Instant> },
    Silent,
}

impl Progress {
    pub fn new(schedule: &Schedule, quiet: bool) -> Self {
        let scales = schedule.scales();
        let size = |k: usize| match scales.len() {
            1 => String::new(),
            _ => format!("{} x {}: ", scales[k].width, scales[k].height),
        };
        let sizes = (0..scales.len()).map(size).collect();
        Self { display: Display::new(schedule.iterations(), quiet), sizes }
    }

    /// After each evaluation.
    pub fn show(&mut self, evaluation: &Evaluation) {
        let done = evaluation.iteration + 1;
        let losses = &evaluation.losses;
        let text = format!(
            "{}loss {:.4e} (content {:.3e}, style {:.3e})",
            self.sizes[evaluation.scale], losses.total, losses.content, losses.style
        );
        match &mut self.display {
            Display::Bar(bar) => {
                bar.set_message(text);
                bar.set_position(done as u64);
            }
            Display::Lines { total, last }
                if done == *total || last.is_none_or(|at| at.elapsed() >= PAUSE) =>
            {
                let rate = done as f64 / evaluation.seconds.max(1e-9);
                let left = (*total - done) as f64 / rate;
                eprintln!("{done}/{total}  {rate:.2}/s  {left:.0} s left  {text}");
                *last = Some(Instant::now());
            }
            Display::Lines { .. } | Display::Silent => {}
        }
    }

    /// A line that stays, above the bar if there is one.
    pub fn note(&self, line: &str) {
        match &self.display {
            Display::Bar(bar) => bar.suspend(|| eprintln!("{line}")),
            Display::Lines { .. } => eprintln!("{line}"),
            Display::Silent => {}
        }
    }

    pub fn finish(&self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

impl Display {
    fn new(total: usize, quiet: bool) -> Self {
        if quiet {
            return Self::Silent;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines { total, last: None };
        }
        let bar = ProgressBar::new(total as u64);
        let template = "{bar:24} {pos}/{len}  {per_sec}  {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self::Bar(bar)
    }
}
