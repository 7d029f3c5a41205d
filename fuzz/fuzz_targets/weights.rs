//! A safetensors file of weights: layers of the right size with finite numbers, or one line.
#![no_main]

use std::path::Path;

use impasto::vgg19::{LayerId, Weights};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Weights::parse(Path::new("input"), bytes, LayerId::FIRST) {
        Ok(weights) => {
            assert_eq!(weights.convs.len(), 1);
            let conv = &weights.convs[0];
            assert_eq!((conv.weight.len(), conv.bias.len()), (64 * 3 * 9, 64));
            assert!(conv.weight.iter().chain(&conv.bias).all(|value| value.is_finite()));
            // Dividing by mean activations may be refused, in one line.
            weights.normalised().err().iter().for_each(|error| assert_one_line(&error.to_string()));
        }
        Err(error) => assert_one_line(&error.to_string()),
    }
});

fn assert_one_line(text: &str) {
    assert!(text.starts_with("input: ") && !text.contains('\n'), "{text}");
}
