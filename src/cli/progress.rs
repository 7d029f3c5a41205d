//! What a painting says while it works.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use impasto::painter::Evaluation;
use indicatif::{ProgressBar, ProgressStyle};

/// How often plain lines come.
const PAUSE: Duration = Duration::from_secs(10);

/// A bar on a terminal, lines now and then elsewhere, or nothing.
pub enum Progress {
    Bar(ProgressBar),
    Lines { total: usize, last: Option<Instant> },
    Silent,
}

impl Progress {
    pub fn new(total: usize, quiet: bool) -> Self {
        if quiet {
            Self::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total as u64);
            let template = "{bar:24} {pos}/{len}  {per_sec}  {eta} left  {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            Self::Bar(bar)
        } else {
            Self::Lines { total, last: None }
        }
    }

    /// After each evaluation.
    pub fn show(&mut self, evaluation: &Evaluation) {
        let done = evaluation.iteration + 1;
        let losses = &evaluation.losses;
        let text =
            format!("loss {:.4e} (content {:.3e}, style {:.3e})", losses.total, losses.content, losses.style);
        match self {
            Self::Bar(bar) => {
                bar.set_message(text);
                bar.set_position(done as u64);
            }
            Self::Lines { total, last } if done == *total || last.is_none_or(|at| at.elapsed() >= PAUSE) => {
                let rate = done as f64 / evaluation.seconds.max(1e-9);
                let left = (*total - done) as f64 / rate;
                eprintln!("{done}/{total}  {rate:.2}/s  {left:.0} s left  {text}");
                *last = Some(Instant::now());
            }
            Self::Lines { .. } | Self::Silent => {}
        }
    }

    /// A line that stays, above the bar if there is one.
    pub fn note(&self, line: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| eprintln!("{line}")),
            Self::Lines { .. } => eprintln!("{line}"),
            Self::Silent => {}
        }
    }

    pub fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
