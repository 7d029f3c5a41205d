//! Progress of long work: a bar on a terminal, lines from time to time elsewhere, or nothing.

use std::time::{Duration, Instant};

use impasto::painter::{Evaluation, Schedule};
use indicatif::{ProgressBar, ProgressStyle};

use super::options::CommonOptions;
use super::terminal::{draws_bars, say};

/// Time between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// A bar of a template, hidden where none can be drawn. `{wide_msg}` in the template is cut off at the edge of the
/// terminal, so that the line never wraps.
pub fn bar(steps: u64, template: &str, quiet: bool) -> ProgressBar {
    if quiet || !draws_bars() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps).with_style(style.progress_chars("=> "))
}

/// The progress of a painting.
pub struct Progress {
    display: Display,
    /// `128 x 96: ` and so on, if there are several scales.
    sizes: Vec<String>,
}

enum Display {
    Bar(ProgressBar),
    Lines { total: usize, last: Option<Instant> },
    Silent,
}

impl Progress {
    pub fn new(schedule: &Schedule, quiet: bool) -> Self {
        let scales = schedule.scales();
        let size = |k: usize| {
            let (width, height) = schedule.shown_size(&scales[k]);
            if scales.len() == 1 { String::new() } else { format!("{width} x {height}: ") }
        };
        let sizes = (0..scales.len()).map(size).collect();
        Self { display: Display::new(schedule.iterations(), quiet), sizes }
    }

    /// Shows an evaluation. `share`, above 0 to 1, is how much of the work of all scales is done: late evaluations are of larger
    /// images and take longer, so the time that is left follows from it, not from their number.
    pub fn show(&mut self, evaluation: &Evaluation, share: f64) {
        let done = evaluation.iteration + 1;
        let losses = &evaluation.losses;
        let text = format!(
            "{}loss {:.4e} (content {:.3e}, style {:.3e})",
            self.sizes[evaluation.scale], losses.total, losses.content, losses.style
        );
        let left = duration(evaluation.seconds * (1.0 - share) / share);
        match &mut self.display {
            Display::Bar(bar) => {
                bar.set_prefix(left);
                bar.set_message(text);
                bar.set_position(done as u64);
            }
            Display::Lines { total, last }
                if done == *total || last.is_none_or(|at| at.elapsed() >= PAUSE) =>
            {
                say(format_args!("{done}/{total}  {left} left  {text}"));
                *last = Some(Instant::now());
            }
            Display::Lines { .. } | Display::Silent => {}
        }
    }

    /// Prints a line that stays, above the bar if there is one.
    pub fn note(&self, line: &str) {
        match &self.display {
            Display::Bar(bar) => bar.suspend(|| say(line)),
            Display::Lines { .. } => say(line),
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
        match draws_bars() {
            true => Self::Bar(bar(total as u64, "{bar:16} {pos}/{len}  {prefix} left  {wide_msg}", quiet)),
            false => Self::Lines { total, last: None },
        }
    }
}

/// A time in seconds, as a person says it.
fn duration(seconds: f64) -> String {
    match seconds {
        ..99.5 => format!("{seconds:.0} s"),
        ..5970.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// The progress of timing kernels.
pub struct TuningProgress {
    bar: Option<ProgressBar>,
    quiet: bool,
}

impl TuningProgress {
    pub fn new(options: &CommonOptions) -> Self {
        Self { bar: None, quiet: options.quiet }
    }

    /// Shows the kernel that is about to be timed.
    pub fn show(&mut self, done: usize, of: usize, what: &str) {
        if done == 0 && !self.quiet && !draws_bars() {
            say("first use of this device at this size: timing kernels");
        }
        let template = "timing kernels {bar:16} {pos}/{len}  {wide_msg}";
        let bar = self.bar.get_or_insert_with(|| bar(of as u64, template, self.quiet));
        bar.set_position(done as u64);
        bar.set_message(what.to_string());
    }

    pub fn finish(&self) {
        self.bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn times_are_in_the_unit_that_suits_them() {
        let shown = [0.3, 99.4, 99.6, 5969.0, 5970.0, 12600.0].map(duration);
        assert_eq!(shown, ["0 s", "99 s", "2 min", "99 min", "1.7 h", "3.5 h"]);
    }
}
