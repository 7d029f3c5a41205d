//! Impasto paints one image in the style of another with hand-written compute shaders.
pub mod chart;
pub mod colour;
pub mod error;
pub mod features;
mod font;
pub mod gpu;
pub mod graph;
pub mod image_io;
pub mod ladder;
pub mod listing;
pub mod objective;
pub mod ops;
pub mod optim;
pub mod output;
pub mod painter;
pub mod planner;
pub mod profiler;
pub mod report;
pub mod selftest;
pub mod sheet;
pub mod tuner;
pub mod vgg19;
#[cfg(feature = "cli")]
pub mod view;

pub use error::{Error, Result};
