//! Long vectors in single or half precision, with the two operations of the two-loop recursion.

use std::borrow::Cow;

use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::prelude::*;

use super::Pairs;

/// Numbers that a thread processes at a time: 64 KiB of f32, which stay in its cache.
pub(super) const CHUNK: usize = 1 << 14;

/// A vector of an L-BFGS pair.
#[derive(Debug)]
pub(super) enum Stored {
    Single(Vec<f32>),
    /// Each number is `scale` times what is stored.
    Half {
        scale: f32,
        numbers: Vec<f16>,
    },
}

impl Stored {
    /// Stores a vector. For f16 it is scaled so that its largest number becomes 2^15: numbers 2^29 times
    /// smaller still have all their bits.
    pub fn new(values: &[f32], pairs: Pairs) -> Self {
        if pairs == Pairs::Single {
            return Self::Single(values.to_vec());
        }
        let largest = values.par_chunks(CHUNK).map(|chunk| chunk.iter().fold(0.0_f32, |m, v| m.max(v.abs())));
        let largest = largest.reduce(|| 0.0, f32::max);
        // A power of two: scaling rounds nothing, and stored values can be stored again unchanged.
        let exponent = if largest > 0.0 { largest.log2().floor() as i32 - 14 } else { 0 };
        let scale = 2.0_f32.powi(exponent.clamp(-126, 126));
        let mut numbers = vec![f16::ZERO; values.len()];
        let factor = scale.recip();
        numbers.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK)).for_each(|(to, from)| {
            let scaled: Vec<f32> = from.iter().map(|value| value * factor).collect();
            to.convert_from_f32_slice(&scaled);
        });
        Self::Half { scale, numbers }
    }

    /// The numbers.
    pub fn values(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.len()];
        self.add_to(1.0, &mut values);
        values
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Half { numbers, .. } => numbers.len(),
        }
    }

    /// The dot product with `q`. The sums of chunks are added in order, whichever thread computed them.
    pub fn dot(&self, q: &[f32]) -> f64 {
        let chunks = q.par_chunks(CHUNK).enumerate();
        let sums: Vec<f64> = chunks.map(|(k, q)| dot(&self.chunk(k), q)).collect();
        sums.into_iter().sum()
    }

    /// The dot product with another stored vector.
    pub fn dot_stored(&self, other: &Self) -> f64 {
        let sums: Vec<f64> = (0..self.len().div_ceil(CHUNK))
            .into_par_iter()
            .map(|k| dot(&self.chunk(k), &other.chunk(k)))
            .collect();
        sums.into_iter().sum()
    }

    /// The numbers of a chunk.
    fn chunk(&self, k: usize) -> Cow<'_, [f32]> {
        let range = k * CHUNK..((k + 1) * CHUNK).min(self.len());
        match self {
            Self::Single(values) => values[range].into(),
            Self::Half { scale, numbers } => {
                let mut values = numbers[range].to_f32_vec();
                values.iter_mut().for_each(|value| *value *= scale);
                values.into()
            }
        }
    }

    /// `q += factor * self`.
    pub fn add_to(&self, factor: f32, q: &mut [f32]) {
        q.par_chunks_mut(CHUNK).enumerate().for_each(|(k, q)| add(factor, &self.chunk(k), q));
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

fn add(factor: f32, values: &[f32], q: &mut [f32]) {
    q.iter_mut().zip(values).for_each(|(q, value)| *q += factor * value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_keep_eleven_bits_and_can_be_kept_again() {
        let values: Vec<f32> = (1..40_000).map(|i| (i as f32 * 0.37).sin() * 1e-7 / i as f32).collect();
        let stored = Stored::new(&values, Pairs::Half);
        let kept = stored.values();
        let largest = values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        for (kept, value) in kept.iter().zip(&values) {
            assert!((kept - value).abs() <= value.abs() / 2048.0 + largest * 1e-12, "{kept} {value}");
        }
        assert_eq!(Stored::new(&kept, Pairs::Half).values(), kept);
        let want: f64 = kept.iter().zip(&values).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        assert!((stored.dot(&values) / want - 1.0).abs() < 1e-12);
        assert_eq!(Stored::new(&[0.0; 3], Pairs::Half).values(), [0.0; 3]);
        assert_eq!(Stored::new(&values, Pairs::Single).values(), values);
    }
}
