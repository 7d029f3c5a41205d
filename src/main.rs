//! The `impasto` command line.
fn main() {}
