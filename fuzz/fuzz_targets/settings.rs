//! The note that `--like` reads from a PNG file, and every kind of setting that it may hold.
#![no_main]

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use impasto::colour::KeepColors;
use impasto::image_io::{Image, Size};
use impasto::objective::{GradientNormalization, LayerWeights, Scaling, parse_weight};
use impasto::painter::{Iterations, Scales, Start};
use impasto::vgg19::{KernelOverride, LayerId};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(note) = Image::parse_note(Path::new("input"), bytes) else {
        // Most of what a fuzzer makes is no PNG file: then it is a setting by itself.
        String::from_utf8(bytes.to_vec()).iter().for_each(|text| try_all(text));
        return;
    };
    let note: BTreeMap<String, Value> = serde_json::from_str(&note).unwrap_or_default();
    let settings = note.get("settings").and_then(Value::as_object);
    settings.iter().flat_map(|settings| settings.values()).filter_map(Value::as_str).for_each(try_all);
});

/// Reads a text as each kind of setting.
fn try_all(text: &str) {
    read::<Size>(text);
    read::<LayerId>(text);
    read::<KernelOverride>(text);
    read::<LayerWeights>(text);
    read::<Scaling>(text);
    read::<GradientNormalization>(text);
    read::<Scales>(text);
    read::<Iterations>(text);
    read::<Start>(text);
    read::<KeepColors>(text);
    drop(parse_weight(text));
}

fn read<T: FromStr<Err: Display>>(text: &str) {
    // The program puts the message on one line with the setting; it must be one, whatever the setting is.
    drop(text.parse::<T>().map_err(|error| error.to_string()));
}
