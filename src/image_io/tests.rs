//! Tests that need files; [`support`] makes those that the encoders cannot.
mod animate;
mod load;
mod save;
mod support;
