//! Impasto paints one image in the style of another with hand-written compute shaders.
//!
//! A painting takes a device ([`gpu::Gpu`]), the network on it ([`vgg19::Network`]), images ([`image_io::Image`]) and a plan
//! ([`painter::Plan`]). [`painter::Painter`] evaluates and updates; its image can be read at any time. This is
//! `examples/paint.rs`, which runs:
//!
//! ```no_run
#![doc = include_str!("../examples/paint.rs")]
//! ```
//!
//! The modules below them can be used alone: a graph with automatic differentiation on the GPU ([`graph`], [`ops`]), optimisers
//! for any such graph ([`optim`]), and the checks and timings of kernels ([`ladder`], [`profiler`], [`selftest`]). All functions
//! return errors that name the thing and the remedy ([`Error`]); none prints.
//!
//! The feature `embedded-weights`, on by default, compiles the network's weights in.
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

pub use error::{Error, Result};
