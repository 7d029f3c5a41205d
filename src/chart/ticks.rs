//! Places of the ticks on an axis, with their labels.

/// A tick: `digits` x 10^`power`, so that its label is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    digits: i64,
    power: i32,
}

impl Tick {
    /// A power of ten.
    pub fn power_of_ten(power: i32) -> Self {
        Self { digits: 1, power }
    }

    pub fn value(self) -> f64 {
        self.digits as f64 * 10f64.powi(self.power)
    }

    /// `0.05`, `20`, `1500`, `2e6`, `1.25e-7`.
    pub fn label(self) -> String {
        let value = self.value();
        if value == 0.0 {
            return "0".into();
        }
        if (1e-4..1e6).contains(&value.abs()) {
            return format!("{value:.*}", self.power.min(0).unsigned_abs() as usize);
        }
        let text = self.digits.to_string();
        let (first, rest) = text.split_at(1);
        let rest = rest.trim_end_matches('0');
        let exponent = self.power + text.len() as i32 - 1;
        if rest.is_empty() { format!("{first}e{exponent}") } else { format!("{first}.{rest}e{exponent}") }
    }
}

/// Ticks of a logarithmic axis from 10^`low` to 10^`high`, of which at most `most` are wanted: powers of ten, with
/// steps between them where these are fewer than three.
pub fn logarithmic(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let powers = low.floor() as i32..=high.ceil() as i32;
    let every = |step: i32, digits: &[i64]| -> Vec<Tick> {
        let powers = powers.clone().filter(|power| power.rem_euclid(step) == 0);
        let ticks = powers.flat_map(|power| digits.iter().map(move |digits| Tick { digits: *digits, power }));
        // A tick on the edge of the axis counts as on it.
        ticks.filter(|tick| (low - 1e-9..=high + 1e-9).contains(&tick.value().log10())).collect()
    };
    let finer = [&[1][..], &[1, 3], &[1, 2, 5], &[1, 2, 3, 4, 5, 6, 7, 8, 9]].map(|digits| every(1, digits));
    let coarser = (2..).map(|step| every(step, &[1]));
    match finer.into_iter().find(|ticks| ticks.len() >= 3) {
        Some(ticks) if ticks.len() <= most => ticks,
        Some(_) if high - low >= 2.0 => {
            coarser.into_iter().find(|ticks| ticks.len() <= most).unwrap_or_default()
        }
        // The axis spans so little that even steps serve better.
        _ => linear(10f64.powf(low), 10f64.powf(high), most),
    }
}

/// Ticks of a linear axis: multiples of 1, 2 or 5 times a power of ten, at most `most` of them.
pub fn linear(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let least = (high - low) / most.max(1) as f64;
    if !(least > 0.0 && least.is_finite()) {
        return vec![];
    }
    let power = least.log10().floor() as i32;
    let steps = [1, 2, 5, 10, 20].map(|digits| Tick { digits, power });
    let ticks = |step: Tick| -> Vec<Tick> {
        let (first, last) =
            ((low / step.value() - 1e-9).ceil() as i64, (high / step.value() + 1e-9).floor() as i64);
        (first..=last).map(|k| Tick { digits: k * step.digits, power }).collect()
    };
    steps.into_iter().map(ticks).find(|ticks| ticks.len() <= most).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: Vec<Tick>) -> Vec<String> {
        ticks.into_iter().map(Tick::label).collect()
    }

    #[test]
    fn labels_are_short_and_exact() {
        let label = |digits, power| Tick { digits, power }.label();
        assert_eq!([label(5, -2), label(1, 0), label(15, 2), label(0, 3)], ["0.05", "1", "1500", "0"]);
        assert_eq!(
            [label(2, 6), label(125, 4), label(1, -7), label(-5, -1)],
            ["2e6", "1.25e6", "1e-7", "-0.5"]
        );
    }

    #[test]
    fn logarithmic_axes_get_a_handful_of_ticks() {
        assert_eq!(labels(logarithmic(-1.0, 2.0, 8)), ["0.1", "1", "10", "100"]);
        assert_eq!(labels(logarithmic(1.2, 3.3, 8)), ["30", "100", "300", "1000"]);
        assert_eq!(labels(logarithmic(0.1, 1.1, 8)), ["2", "5", "10"]);
        assert_eq!(labels(logarithmic(0.25, 0.75, 8)), ["2", "3", "4", "5"]);
        assert_eq!(labels(logarithmic(3.0, 3.02, 5)), ["1000", "1010", "1020", "1030", "1040"]);
        assert_eq!(labels(logarithmic(-12.0, 12.0, 6)), ["1e-10", "1e-5", "1", "100000", "1e10"]);
    }

    #[test]
    fn linear_axes_count_in_round_steps() {
        assert_eq!(labels(linear(0.0, 59.0, 6)), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(labels(linear(0.0, 299.0, 3)), ["0", "100", "200"]);
        assert_eq!(labels(linear(0.0, 1.0, 6)), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert!(linear(1.0, 1.0, 6).is_empty() && linear(0.0, f64::NAN, 6).is_empty());
    }
}
