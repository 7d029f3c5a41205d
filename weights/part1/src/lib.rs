//! The first half of the weights file of Impasto. The other half is in another crate, since a registry takes 10 MB a crate;
//! `impasto` joins both when it is compiled. The README has the source and the licence.

/// The first 10 042 448 bytes of `vgg19.safetensors`.
pub const BYTES: &[u8; 10_042_448] = include_bytes!("../vgg19.safetensors.1");
