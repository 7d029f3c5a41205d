//! `--balance`: one number from photograph to painting in place of several settings.

use std::fmt;
use std::str::FromStr;

use impasto::{Error, Result};

use super::options::{CONTENT_LAYERS, STYLE_LAYERS};
use super::settings::Settings;

/// A point between photograph (0) and painting (10); at 5 are the defaults. `docs/src/guide/defaults.md` shows the path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Balance(f64);

impl Balance {
    /// beta in the middle. It shrinks tenfold towards the photograph, and grows tenfold towards the painting.
    const STYLE_WEIGHT: f64 = 2000.0;

    /// The settings at this point of the path.
    ///
    /// More painting is less content, more noise for strokes to grow from, and, beyond 8, a coarser first scale.
    /// Towards the photograph, content counts in flat parts too. Weights mean nothing without their layers: those are the
    /// same all along.
    pub fn settings(self) -> Settings {
        let decades = (5.0 - self.0) / 5.0;
        let style_weight = Self::STYLE_WEIGHT / 10f64.powf(decades);
        let flat_noise = (0.18 * self.0).min(0.9);
        let flat_content = 0.2f64.powf(self.0 / 5.0);
        let scales = if self.0 > 8.0 { "181px" } else { "auto" };
        let values = [
            ("content-layers", CONTENT_LAYERS.into()),
            ("style-layers", STYLE_LAYERS.into()),
            ("style-weight", significant(style_weight)),
            ("init-noise", format!("0..{}", significant(flat_noise))),
            ("flat-content", significant(flat_content)),
            ("scales", scales.into()),
        ];
        values.into_iter().map(|(name, value)| (name.into(), value)).collect()
    }
}

/// A number rounded to three significant digits.
fn significant(value: f64) -> String {
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    rounded.to_string()
}

impl FromStr for Balance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim().parse() {
            Ok(balance) if (0.0..=10.0).contains(&balance) => Ok(Self(balance)),
            _ => Err(Error::Usage(format!(
                "'{text}' is no balance: give a number from 0, the photograph, to 10, the painting"
            ))),
        }
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(balance: &str) -> crate::cli::options::PaintingOptions {
        balance.parse::<Balance>().unwrap().settings().options().unwrap()
    }

    #[test]
    fn the_middle_of_the_path_is_the_defaults() {
        let default = Settings::default().options().unwrap();
        let middle = options("5");
        assert_eq!(middle.objective.settings().unwrap(), default.objective.settings().unwrap());
        assert_eq!(middle.start.initial_image().unwrap(), default.start.initial_image().unwrap());
        assert_eq!(middle.styles.flat_content, default.styles.flat_content);
        assert_eq!(middle.sizes.scales, default.sizes.scales);
    }

    #[test]
    fn the_path_leads_from_content_to_style() {
        let all: Vec<_> = (0..=10).map(|balance| options(&balance.to_string())).collect();
        for pair in all.windows(2) {
            let weight = |i: usize| pair[i].objective.settings().unwrap().style_weight;
            let noise = |i: usize| pair[i].start.initial_image().unwrap().noise;
            assert!(weight(0) < weight(1));
            assert!(noise(0).flat <= noise(1).flat && noise(1).detailed == 0.0);
            assert!(pair[0].styles.flat_content > pair[1].styles.flat_content);
            pair[0].check(&["a".into()]).unwrap();
        }
        assert_eq!(all[0].styles.flat_content, 1.0);
        for text in ["", "-1", "10.1", "NaN", "x"] {
            assert!(text.parse::<Balance>().unwrap_err().to_string().contains("from 0"), "{text}");
        }
    }
}
