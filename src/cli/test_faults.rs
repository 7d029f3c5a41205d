//! Faults on purpose, which tests ask for in `IMPASTO_TEST_FAULTS` as `name=number` with commas between.

/// The number of a fault that the environment asks for: `panic-at` (the evaluation after which the program panics),
/// `long` (seconds of work that count as long).
pub fn fault<T: std::str::FromStr>(name: &str) -> Option<T> {
    let asked = std::env::var("IMPASTO_TEST_FAULTS").ok()?;
    let mut parts = asked.split(',').filter_map(|part| part.split_once('='));
    parts.find(|(known, _)| *known == name)?.1.parse().ok()
}
