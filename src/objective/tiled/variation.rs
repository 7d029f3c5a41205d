//! Total variation of an image in the host's memory: `ops::TotalVariation` in plain loops.

/// The sum of squared differences between horizontal and vertical neighbours over the number of values. Adds `weight`
/// times its gradient to `gradient`. `x` holds planes of `size` columns and rows.
pub(super) fn total_variation(x: &[f32], size: [u32; 2], weight: f32, gradient: &mut [f32]) -> f64 {
    let [width, height] = size.map(|n| n as usize);
    let factor = 2.0 * weight / x.len() as f32;
    let mut sum = 0.0;
    let mut pair = |i: usize, j: usize| {
        let difference = x[i] - x[j];
        gradient[i] += factor * difference;
        gradient[j] -= factor * difference;
        sum += f64::from(difference * difference);
    };
    for i in 0..x.len() {
        if i % width + 1 < width {
            pair(i, i + 1);
        }
        if i / width % height + 1 < height {
            pair(i, i + width);
        }
    }
    sum / x.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_the_sum_of_differences_to_neighbours() {
        // Two planes of 2 x 2; the differences are 1, 2, 3 and 2, and none in the second.
        let x = [0.0, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0];
        let mut gradient = [0.0; 8];
        let loss = total_variation(&x, [2, 2], 4.0, &mut gradient);
        assert_eq!(loss, (1.0 + 4.0 + 9.0 + 4.0) / 8.0);
        assert_eq!(gradient, [-3.0, -2.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
