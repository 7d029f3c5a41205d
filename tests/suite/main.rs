//! All integration tests in one binary: the library with its 20 MB of weights is linked once. Run one module with
//! `cargo test --release --test suite ops::`.
#![allow(clippy::unwrap_used)]

mod autograd;
mod batch;
mod bombs;
mod book;
mod cli;
mod common;
mod course;
mod faults;
mod feedback;
mod files;
mod golden;
mod headers;
mod images;
mod imports;
mod json_files;
mod ladder;
mod long_work;
mod lost_work;
mod matrix_roof;
mod matrix_units;
mod normalized_gradients;
mod ops;
mod optim;
mod painter;
mod paths;
mod pipelines;
mod planner;
mod precision;
mod profile;
mod quality;
mod same_picture;
mod selftest;
mod shaders;
mod sizes;
mod smoothing;
mod storage_precision;
mod studies;
mod studio;
mod style_regions;
mod tiled;
mod transparency;
mod try_kernel;
mod tuner;
mod view;
