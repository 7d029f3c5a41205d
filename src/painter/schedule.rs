//! Coarse to fine: the sizes at which an image is painted, and the number of evaluations at each.

use std::fmt;
use std::str::FromStr;

use super::supersampling::{Supersampling, scaled_by};
use crate::error::{Error, Remedy, Result, Setting};

/// Number of scales. Written `auto`, a number, or the size of the first as in `128px`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scales {
    /// As many as start at about [`Schedule::SMALLEST`] pixels.
    Auto,
    /// As many as start at about this many pixels of the picture on the longer side.
    From(u32),
    /// This many, at least 1.
    Count(usize),
}

impl FromStr for Scales {
    type Err = Error;

    /// Accepts `auto`, a whole number from 1 to 16, or one from 16 up followed by `px`.
    ///
    /// # Errors
    /// [`Error::Usage`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        let first = text.strip_suffix("px").and_then(|size| size.parse().ok());
        match (text.parse(), first) {
            _ if text == "auto" => Ok(Self::Auto),
            (Ok(count @ 1..=16), _) => Ok(Self::Count(count)),
            (_, Some(first @ 16..)) => Ok(Self::From(first)),
            _ => Err(Error::Usage(format!(
                "'{text}' is no number of scales: give a whole number from 1 to 16, the size of the first as in \
                 128px, or 'auto'"
            ))),
        }
    }
}

impl fmt::Display for Scales {
    /// Writes the form that `from_str` parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::From(first) => write!(f, "{first}px"),
            Self::Count(count) => write!(f, "{count}"),
        }
    }
}

/// Evaluations at each scale. Written `auto`, `500` or `500,300,200`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Iterations {
    /// [`FIRST`](Self::FIRST) at the coarsest scale and [`LATER`](Self::LATER) at each that follows.
    Auto,
    /// From the coarsest scale on, at least one number; the last applies to all further scales.
    Given(Vec<usize>),
}

impl Iterations {
    /// Of `auto` at the coarsest scale, where the composition forms and evaluations are cheap.
    pub const FIRST: usize = 120;
    /// Of `auto` at each further scale.
    pub const LATER: usize = 60;

    /// The same number at each scale.
    pub fn each(count: usize) -> Self {
        Self::Given(vec![count])
    }

    /// Evaluations at scale `k`.
    fn at(&self, k: usize) -> usize {
        match self {
            Self::Auto if k == 0 => Self::FIRST,
            Self::Auto => Self::LATER,
            Self::Given(counts) => counts[k.min(counts.len() - 1)],
        }
    }

    /// Smallest number of scales that uses every number.
    fn least_scales(&self) -> usize {
        match self {
            Self::Auto => 1,
            Self::Given(counts) => counts.len(),
        }
    }
}

impl FromStr for Iterations {
    type Err = Error;

    /// Accepts `auto`, or whole numbers from 1 up, separated by commas.
    ///
    /// # Errors
    /// [`Error::Usage`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let count = |part: &str| part.trim().parse().ok().filter(|count| *count > 0);
        let counts: Option<Vec<usize>> = text.split(',').map(count).collect();
        counts.map(Self::Given).ok_or_else(|| {
            Error::Usage(format!(
                "'{text}' is no number of evaluations: give a whole number from 1 up, one for each \
                 scale as in 500,300, or 'auto'"
            ))
        })
    }
}

impl fmt::Display for Iterations {
    /// Writes the form that `from_str` parses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Given(counts) => {
                let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
                f.write_str(&counts.join(","))
            }
        }
    }
}

/// One size of a [`Schedule`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Of what is painted, in pixels.
    pub width: u32,
    /// Of what is painted, in pixels.
    pub height: u32,
    /// Number of evaluations of the objective.
    pub iterations: usize,
    /// Its size over that of the last scale, 0 to 1: style images shrink by the same factor.
    pub fraction: f64,
}

/// The scales of a painting, from the coarsest to its full size. There is at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    scales: Vec<Scale>,
    /// Width and height of the finished picture.
    picture: (u32, u32),
    supersampling: f64,
}

impl Schedule {
    /// Longer side at which `auto` starts, to within its steps, in pixels of the picture.
    pub const SMALLEST: u32 = 362;

    /// A schedule for a picture of a width and height. Each scale is larger than the one before by the square root of
    /// two. `least` is the shortest side that the objective allows: `auto` starts no smaller than that.
    ///
    /// # Errors
    /// [`Error::Setting`] if the coarsest of a given number of scales is below `least`, or more numbers
    /// of iterations are given than there are scales.
    pub fn new(
        picture: (u32, u32),
        supersampling: Supersampling,
        scales: Scales,
        iterations: &Iterations,
        least: u32,
    ) -> Result<Self> {
        let (width, height) = supersampling.painted_size(picture);
        let supersampling = supersampling.factor();
        let count = Self::count(picture, (width, height), scales, least)?;
        let given = iterations.least_scales();
        if given > count {
            return Err(Error::setting(
                Setting::Iterations,
                format!(
                    "has {given} numbers, and the number of scales is {count}: give one number, or at most one a scale"
                ),
            ));
        }
        let scale = |k: usize| {
            let ((width, height), fraction) = reduced((width, height), count - 1 - k);
            Scale { width, height, iterations: iterations.at(k), fraction }
        };
        Ok(Self { scales: (0..count).map(scale).collect(), picture, supersampling })
    }

    /// The number of scales up to the size that is painted, none of them shorter than `least` on a side unless it is the only one.
    fn count(picture: (u32, u32), (width, height): (u32, u32), scales: Scales, least: u32) -> Result<usize> {
        let fits = |steps: &usize| {
            let (w, h) = reduced((width, height), *steps).0;
            w.min(h) >= least
        };
        let starting_at = |first: u32| {
            let longer = f64::from(picture.0.max(picture.1));
            let steps = (longer / f64::from(first)).log2() * 2.0;
            (1..=steps.round().max(0.0) as usize).take_while(fits).count() + 1
        };
        let count = match scales {
            Scales::Auto => return Ok(starting_at(Self::SMALLEST)),
            Scales::From(first) => return Ok(starting_at(first)),
            Scales::Count(count) => count,
        };
        let Some(most) = (1..count).find(|steps| !fits(steps)) else { return Ok(count) };
        let problem = format!(
            "{count} is too many for {width} x {height} pixels: the coarsest needs at least {least} on each side"
        );
        let remedies = [Remedy::AtMost(Setting::Scales, most as u32), Remedy::Raise(Setting::Size)];
        Err(Error::setting(Setting::Scales, problem).with_remedies(remedies))
    }

    /// A single scale, of the picture's size.
    pub fn plain(width: u32, height: u32, iterations: usize) -> Self {
        let scales = vec![Scale { width, height, iterations, fraction: 1.0 }];
        Self { scales, picture: (width, height), supersampling: 1.0 }
    }

    /// From the coarsest up.
    pub fn scales(&self) -> &[Scale] {
        &self.scales
    }

    /// The coarsest.
    pub fn first(&self) -> &Scale {
        &self.scales[0]
    }

    /// Width and height of the finished picture.
    pub fn picture_size(&self) -> (u32, u32) {
        self.picture
    }

    /// Width and height of what is painted at the last scale.
    pub fn painted_size(&self) -> (u32, u32) {
        self.scales.last().map_or(self.picture, |last| (last.width, last.height))
    }

    /// How many times larger than the picture it is painted.
    pub fn supersampling(&self) -> f64 {
        self.supersampling
    }

    /// Width and height of the image that is shown of a scale: of the last, those of the picture.
    pub fn shown_size(&self, scale: &Scale) -> (u32, u32) {
        scaled_by(scale.fraction, self.picture)
    }

    /// Evaluations before scale `k`.
    pub fn before(&self, k: usize) -> usize {
        self.scales[..k].iter().map(|scale| scale.iterations).sum()
    }

    /// Evaluations of all scales.
    pub fn iterations(&self) -> usize {
        self.before(self.scales.len())
    }
}

/// The size `steps` scales below the last, and its fraction of the last.
fn reduced((width, height): (u32, u32), steps: usize) -> ((u32, u32), f64) {
    let fraction = 0.5f64.powf(steps as f64 / 2.0);
    (scaled_by(fraction, (width, height)), fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(width: u32, height: u32, scales: &str, least: u32) -> Vec<(u32, u32)> {
        let schedule = Schedule::new(
            (width, height),
            Supersampling::NONE,
            scales.parse().unwrap(),
            &Iterations::each(7),
            least,
        )
        .unwrap();
        schedule.scales().iter().map(|scale| (scale.width, scale.height)).collect()
    }

    #[test]
    fn sizes_grow_by_the_square_root_of_two_up_to_the_last() {
        assert_eq!(
            sizes(1024, 1024, "auto", 16).iter().map(|s| s.0).collect::<Vec<_>>(),
            [362, 512, 724, 1024]
        );
        assert_eq!(sizes(384, 256, "auto", 16), [(384, 256)]);
        assert_eq!(
            sizes(512, 512, "128px", 16).iter().map(|s| s.0).collect::<Vec<_>>(),
            [128, 181, 256, 362, 512]
        );
        assert_eq!(sizes(300, 400, "2", 16), [(212, 283), (300, 400)]);
        assert_eq!(sizes(100, 60, "auto", 16), [(100, 60)]);
        assert_eq!(sizes(100, 60, "1", 16), [(100, 60)]);
        // A narrow image starts where its shorter side is enough.
        assert_eq!(sizes(1024, 24, "auto", 16), [(724, 17), (1024, 24)]);
    }

    #[test]
    fn iterations_are_those_of_each_scale() {
        let counts: Iterations = "50, 20".parse().unwrap();
        assert_eq!(counts.to_string(), "50,20");
        let schedule = Schedule::new((128, 128), Supersampling::NONE, Scales::Count(3), &counts, 16).unwrap();
        let each: Vec<_> = schedule.scales().iter().map(|scale| scale.iterations).collect();
        assert_eq!(each, [50, 20, 20]);
        assert_eq!((schedule.before(1), schedule.before(2), schedule.iterations()), (50, 70, 90));
        let schedule =
            Schedule::new((512, 400), Supersampling::NONE, Scales::Auto, &Iterations::Auto, 16).unwrap();
        let each: Vec<_> = schedule.scales().iter().map(|scale| scale.iterations).collect();
        assert_eq!(each, [Iterations::FIRST, Iterations::LATER]);
        assert_eq!(schedule.scales()[1].fraction, 1.0);
        assert!((schedule.first().fraction - 0.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn with_supersampling_scales_are_larger_and_images_as_large_as_without() {
        let larger: Supersampling = "1.25".parse().unwrap();
        let schedule = Schedule::new((512, 342), larger, Scales::Auto, &Iterations::Auto, 16).unwrap();
        let painted: Vec<_> = schedule.scales().iter().map(|scale| (scale.width, scale.height)).collect();
        let shown: Vec<_> = schedule.scales().iter().map(|scale| schedule.shown_size(scale)).collect();
        assert_eq!((painted, shown), (vec![(453, 303), (640, 428)], vec![(362, 242), (512, 342)]));
        assert_eq!((schedule.picture_size(), schedule.painted_size()), ((512, 342), (640, 428)));
    }

    #[test]
    fn what_cannot_be_scheduled_is_refused() {
        let refused = |scales: &str, iterations: &str, word: &str| {
            let iterations: Iterations = iterations.parse().unwrap();
            let error =
                Schedule::new((64, 40), Supersampling::NONE, scales.parse().unwrap(), &iterations, 16)
                    .unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(word), "{error}");
        };
        refused("4", "5", "scales 3");
        refused("2", "5,4,3", "3 numbers");
        for text in ["0", "17", "-1", "", "Auto", "1.5", "8px", "px"] {
            assert!(text.parse::<Scales>().unwrap_err().is_usage());
        }
        for text in ["0", "", "5,", "5,0", "x", "-3"] {
            assert!(text.parse::<Iterations>().unwrap_err().to_string().contains("from 1 up"));
        }
        for text in ["auto", "3", "128px"] {
            assert_eq!(text.parse::<Scales>().unwrap().to_string(), text);
        }
        for text in ["auto", "3", "5,4"] {
            assert_eq!(text.parse::<Iterations>().unwrap().to_string(), text);
        }
    }
}
