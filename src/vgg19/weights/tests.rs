use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorView};

use super::*;
use crate::vgg19::layer;

/// Tensors to be written to a file: type, shape, little-endian bytes.
type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn f32_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Small distinct numbers that F16 and BF16 hold exactly.
fn ramp(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i % 200) as f32 / 128.0 - 0.75).collect()
}

/// conv1_1 and conv1_2 under the names that `name` makes of a layer's index, as F32.
fn two_layers(name: impl Fn(usize) -> String) -> Tensors {
    let mut tensors = Tensors::new();
    for (i, l) in LAYERS.iter().take(2).enumerate() {
        let weight = f32_bytes(&ramp(l.outputs * l.inputs * 9));
        let bias = f32_bytes(&ramp(l.outputs));
        tensors.insert(format!("{}.weight", name(i)), (Dtype::F32, vec![l.outputs, l.inputs, 3, 3], weight));
        tensors.insert(format!("{}.bias", name(i)), (Dtype::F32, vec![l.outputs], bias));
    }
    tensors
}

fn plain() -> Tensors {
    two_layers(|i| LAYERS[i].name.into())
}

fn serialize(tensors: &Tensors) -> Vec<u8> {
    let views = tensors.iter().map(|(n, (t, s, d))| (n, TensorView::new(*t, s.clone(), d).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

/// Writes bytes to a file and loads the first two layers from it.
fn load_bytes(bytes: &[u8]) -> (PathBuf, Result<Weights>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.safetensors");
    std::fs::write(&path, bytes).unwrap();
    let loaded = Weights::load_up_to(&path, layer("conv1_2").unwrap());
    (path, loaded)
}

fn load(tensors: &Tensors) -> Result<Weights> {
    load_bytes(&serialize(tensors)).1
}

/// The message for a file, which must name it and hold each of `parts`.
#[track_caller]
fn assert_refused(bytes: &[u8], parts: &[&str]) {
    let (path, loaded) = load_bytes(bytes);
    let error = loaded.unwrap_err();
    assert!(matches!(error, Error::Weights { .. }));
    let text = error.to_string();
    for part in parts.iter().chain([&path.to_str().unwrap()]) {
        assert!(text.contains(part), "no '{part}' in: {text}");
    }
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn the_built_in_weights_are_complete_and_quick() {
    let start = Instant::now();
    let weights = Weights::embedded().unwrap();
    // A generous bound: machines that run tests are busy, but no pass may be quadratic.
    assert!(start.elapsed().as_secs_f32() < 5.0, "{:?}", start.elapsed());
    assert_eq!((weights.convs.len(), weights.pixels), (16, Pixels::BgrMean));
    assert_eq!(weights.source, "built-in weights");
    for (conv, l) in weights.convs.iter().zip(&LAYERS) {
        assert_eq!(conv.weight.len(), l.outputs * l.inputs * 9, "{}", l.name);
        assert_eq!(conv.bias.len(), l.outputs);
        assert_eq!(conv.mean_activation.as_ref().unwrap().len(), l.outputs);
    }
}

#[test]
fn the_built_in_values_are_those_numpy_reads() {
    let weights = Weights::embedded().unwrap();
    // Name; first and last of the weight; [3, 2, 1, 0]; sum; first and last bias; first and last mean.
    type Row = (&'static str, [f32; 2], f32, f64, [f32; 2], [f32; 2]);
    let rows: [Row; 3] = [
        (
            "conv1_1",
            [0.340_632_8, -0.266_880_9],
            0.114_443_496,
            -3.541_185_728_977_777_8,
            [0.730_177_6, 0.407_212_2],
            [25.835_2, 23.884_0],
        ),
        (
            "conv3_4",
            [-0.014_569_938, -0.006_989_177_3],
            -0.002_590_916_1,
            97.102_711_437_546_53,
            [0.084_253_56, -0.016_778_773],
            [1_087.73, 536.321],
        ),
        (
            "conv5_4",
            [-0.004_655_823_6, -0.001_069_135_1],
            0.001_780_384_3,
            -2_534.850_719_277_747,
            [0.722_274_54, 0.022_168_785],
            [1.129_95, 0.794_834],
        ),
    ];
    for (name, ends, inner, sum, bias, mean) in rows {
        let l = layer(name).unwrap();
        let conv = &weights.convs[l.index()];
        let close = |a: f32, b: f32| assert!((a - b).abs() <= 1e-6 * b.abs(), "{name}: {a} for {b}");
        let both = |v: &[f32], ends: [f32; 2]| {
            close(v[0], ends[0]);
            close(v[v.len() - 1], ends[1]);
        };
        both(&conv.weight, ends);
        close(conv.weight[(3 * l.spec().inputs + 2) * 9 + 3], inner);
        let total: f64 = conv.weight.iter().map(|w| f64::from(*w)).sum();
        assert!((total - sum).abs() < 1e-6 * sum.abs(), "{name}: {total} for {sum}");
        both(&conv.bias, bias);
        both(conv.mean_activation.as_ref().unwrap(), mean);
    }
}

#[test]
fn decoding_stops_at_the_deepest_layer() {
    let weights = Weights::embedded_up_to(layer("conv2_1").unwrap()).unwrap();
    assert_eq!(weights.convs.len(), 3);
    assert_eq!(weights.convs[2], Weights::embedded().unwrap().convs[2]);
    assert_eq!(load(&plain()).unwrap().convs.len(), 2);
}

#[test]
fn normalising_follows_the_rule() {
    let raw = Weights::embedded_up_to(layer("conv1_2").unwrap()).unwrap();
    let done = raw.clone().normalised().unwrap();
    // From numpy in f64: conv1_2 [3, 2, 1, 0] and [5, 7, 2, 2], and bias 9.
    let close = |a: f32, b: f64| assert!((f64::from(a) - b).abs() <= 1e-7 * b.abs(), "{a} for {b}");
    close(done.convs[1].weight[(3 * 64 + 2) * 9 + 3], 0.004_611_390_124_755_033);
    close(done.convs[1].weight[(5 * 64 + 7) * 9 + 8], -0.011_146_560_583_402_966);
    close(done.convs[1].bias[9], 0.002_065_869_429_603_717_3);
    let mean = raw.convs[0].mean_activation.as_ref().unwrap()[5];
    close(done.convs[0].weight[5 * 27 + 4], f64::from(raw.convs[0].weight[5 * 27 + 4]) / f64::from(mean));
    assert_eq!(done.clone().normalised().unwrap().convs, done.convs);
}

#[test]
fn balancing_spares_channels_that_hardly_ever_fire() {
    let raw = Weights::embedded_up_to(layer("conv4_2").unwrap()).unwrap();
    let (normalised, balanced) = (raw.clone().normalised().unwrap(), raw.clone().balanced().unwrap());
    let bias = |weights: &Weights, channel: usize| weights.convs.last().unwrap().bias[channel];
    let means = raw.convs.last().unwrap().mean_activation.clone().unwrap();
    let mut sorted = means.clone();
    sorted.sort_by(f32::total_cmp);
    let least = 0.1 * sorted[256];
    let rare: Vec<usize> = (0..512).filter(|channel| means[*channel] < least).collect();
    assert_eq!(rare, [291]);
    for channel in [0, 290, 292, 511] {
        assert_eq!(bias(&balanced, channel), bias(&normalised, channel));
    }
    let ratio = f64::from(bias(&normalised, 291) / bias(&balanced, 291));
    assert!((ratio / f64::from(least / means[291]) - 1.0).abs() < 1e-5, "{ratio}");
    assert_eq!(balanced.clone().balanced().unwrap().convs, balanced.convs);
}

#[test]
fn normalising_needs_positive_means() {
    let raw = Weights::embedded_up_to(layer("conv1_2").unwrap()).unwrap();
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let mut weights = raw.clone();
        weights.convs[1].mean_activation.as_mut().unwrap()[7] = bad;
        let text = weights.normalised().unwrap_err().to_string();
        assert!(text.contains("'conv1_2.mean_activation': value 7 is"), "{text}");
        assert!(text.contains("use network raw"), "{text}");
    }
    let text = load(&plain()).unwrap().normalised().unwrap_err().to_string();
    assert!(text.contains("'conv1_1.mean_activation' is missing"), "{text}");
    assert!(text.contains("net.safetensors") && text.contains("use network raw"), "{text}");
    let mut weights = raw;
    weights.convs[0].mean_activation = Some(vec![]);
    assert!(weights.normalised().unwrap_err().to_string().contains("expected 64 values, found 0"));
}

#[test]
fn plain_files_load_in_every_float_type() {
    for dtype in [Dtype::F32, Dtype::F16, Dtype::BF16] {
        let mut tensors = plain();
        tensors.insert("conv1_1.mean_activation".into(), (Dtype::F32, vec![64], f32_bytes(&ramp(64))));
        tensors.insert("classifier.0.weight".into(), (Dtype::I64, vec![1], vec![0; 8]));
        for (kind, _, data) in tensors.values_mut().filter(|t| t.0 == Dtype::F32) {
            let values: Vec<f32> = data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
            *data = match dtype {
                Dtype::F16 => values.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect(),
                Dtype::BF16 => values.iter().flat_map(|v| bf16::from_f32(*v).to_le_bytes()).collect(),
                _ => f32_bytes(&values),
            };
            *kind = dtype;
        }
        let weights = load(&tensors).unwrap();
        assert_eq!(weights.pixels, Pixels::BgrMean);
        assert_eq!(weights.convs[0].weight, ramp(64 * 27), "{dtype:?}");
        assert_eq!(weights.convs[1].bias, ramp(64));
        assert_eq!(weights.convs[0].mean_activation, Some(ramp(64)));
        assert_eq!(weights.convs[1].mean_activation, None);
    }
}

#[test]
fn torchvision_names_load() {
    let mut tensors = two_layers(|i| format!("features.{}", [0, 2][i]));
    tensors.insert("classifier.6.bias".into(), (Dtype::F32, vec![1], vec![0; 4]));
    let weights = load(&tensors).unwrap();
    assert_eq!((weights.pixels, weights.convs.len()), (Pixels::RgbMeanStd, 2));
    assert_eq!(weights.convs[1].weight, ramp(64 * 64 * 9));
    assert!(weights.convs[0].mean_activation.is_none());
    tensors.remove("features.2.bias");
    assert_refused(&serialize(&tensors), &["'features.2.bias'", "missing", "[64]"]);
}

#[test]
fn codebooks_load_and_are_checked() {
    let mut tensors = plain();
    let codes: Vec<u8> = (0..64 * 27).map(|i| (i * 7 % 256) as u8).collect();
    let codebook = ramp(256);
    let wanted: Vec<f32> = codes.iter().map(|&c| codebook[usize::from(c)]).collect();
    for l in &LAYERS[..2] {
        let (_, shape, _) = tensors.remove(&format!("{}.weight", l.name)).unwrap();
        let codes = codes.iter().cycle().take(shape.iter().product()).copied().collect();
        tensors.insert(format!("{}.weight.codes", l.name), (Dtype::U8, shape, codes));
        let book = (Dtype::F32, vec![256], f32_bytes(&codebook));
        tensors.insert(format!("{}.weight.codebook", l.name), book);
    }
    assert_eq!(load(&tensors).unwrap().convs[0].weight, wanted);
    let change = |name: &str, to: Option<(Dtype, Vec<usize>, Vec<u8>)>, parts: &[&str]| {
        let mut tensors = tensors.clone();
        tensors.remove(name);
        tensors.extend(to.map(|t| (name.to_string(), t)));
        assert_refused(&serialize(&tensors), &[&[name], parts].concat());
    };
    let short = (Dtype::F32, vec![16], f32_bytes(&ramp(16)));
    change("conv1_1.weight.codebook", Some(short), &["expected shape [256], found [16]"]);
    change("conv1_2.weight.codebook", None, &["missing"]);
    change("conv1_2.weight.codes", None, &["missing", "[64, 64, 3, 3]"]);
    let signed = (Dtype::I8, vec![64, 3, 3, 3], vec![0; 64 * 27]);
    change("conv1_1.weight.codes", Some(signed), &["expected type U8, found I8"]);
}

#[test]
fn bad_tensors_are_named() {
    let change = |name: &str, to: Option<(Dtype, Vec<usize>, Vec<u8>)>, parts: &[&str]| {
        let mut tensors = plain();
        tensors.remove(name);
        tensors.extend(to.map(|t| (name.to_string(), t)));
        assert_refused(&serialize(&tensors), &[&[name], parts].concat());
    };
    change("conv1_2.bias", None, &["missing", "expected shape [64]"]);
    change("conv1_1.weight", None, &["missing", "[64, 3, 3, 3]"]);
    let big = (Dtype::F32, vec![64, 3, 5, 5], vec![0; 64 * 75 * 4]);
    change("conv1_1.weight", Some(big), &["expected shape [64, 3, 3, 3], found [64, 3, 5, 5]"]);
    let whole = (Dtype::I64, vec![64], vec![0; 64 * 8]);
    change("conv1_2.bias", Some(whole), &["expected type F32, F16 or BF16, found I64"]);
    let mut values = ramp(64);
    values[17] = f32::NAN;
    let nan = (Dtype::F32, vec![64], f32_bytes(&values));
    change("conv1_1.bias", Some(nan), &["value 17 is NaN", "finite"]);
    let infinite = (Dtype::F16, vec![64], [0x00, 0x7C].repeat(64));
    change("conv1_1.bias", Some(infinite), &["value 0 is inf"]);
    let empty = (Dtype::F32, vec![1], vec![0; 4]);
    change("conv1_1.mean_activation", Some(empty), &["expected shape [64], found [1]"]);
}

#[test]
fn foreign_and_broken_files_are_recognised() {
    let tiny = |name: &str| (name.to_string(), (Dtype::F32, vec![1], vec![0; 4]));
    let names = |names: &[&str]| serialize(&names.iter().map(|n| tiny(n)).collect());
    assert_refused(&names(&["unet.in.weight", "unet.in.bias"]), &["not VGG19", "unet.in.bias"]);
    assert_refused(&serialize(&Tensors::new()), &["not VGG19", "no tensors"]);
    let vgg16: Vec<String> = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28]
        .iter()
        .map(|n| format!("features.{n}.weight"))
        .collect();
    let vgg16: Vec<&str> = vgg16.iter().map(String::as_str).collect();
    assert_refused(&names(&vgg16), &["features.17.weight", "VGG16", "VGG19"]);
    assert_refused(&names(&["features.0.weight", "features.3.weight"]), &["another network"]);
    let bn = ["features.0.weight", "features.1.weight", "features.1.running_mean"];
    assert_refused(&names(&bn), &["batch normalisation"]);
    let mut shallow = plain();
    shallow.extend([tiny("conv3_3.weight"), tiny("conv4_1.weight")]);
    assert_refused(&serialize(&shallow), &["conv3_4", "VGG16"]);

    let whole = serialize(&plain());
    for end in [1, 7, 8, 40, whole.len() / 2, whole.len() - 1] {
        assert_refused(&whole[..end], &["truncated", "download it again"]);
    }
    assert_refused(b"", &["empty"]);
    assert_refused(b"PK\x03\x04 and so on", &["PyTorch", "safetensors"]);
    assert_refused(b"\x89HDF\r\n\x1a\n", &["HDF5"]);
    assert_refused(b"just some text, long enough to look like a header", &["not a safetensors file"]);
}

#[test]
fn paths_that_are_no_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = Weights::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("is not a file") && error.contains(folder.path().to_str().unwrap()));
    let error = Weights::load(folder.path().join("none.safetensors")).unwrap_err().to_string();
    assert!(error.contains("none.safetensors: cannot read: entity not found"), "{error}");
}

#[test]
fn pixel_channels_are_those_of_the_papers() {
    let value = |pixels: Pixels, rgb: [f32; 3]| pixels.channels().map(|c| rgb[c.source] * c.scale + c.offset);
    let close = |a: [f32; 3], b: [f32; 3]| {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4), "{a:?} for {b:?}");
    };
    close(value(Pixels::BgrMean, [200.0, 100.0, 50.0]), [50.0 - 103.939, 100.0 - 116.779, 200.0 - 123.68]);
    let wanted = [0, 1, 2].map(|c| ([1.0, 0.4, 0.2][c] - RGB_MEAN[c]) / RGB_STD[c]);
    close(value(Pixels::RgbMeanStd, [255.0, 102.0, 51.0]), wanted);
}

/// Found by fuzzing: the message repeated a name of the file with the line break in it.
#[test]
fn names_with_line_breaks_are_quoted_in_one_line() {
    let header =
        br#"{"conv1_1.me\n_activation": {"dtype": "F16", "shape": [64], "data_offsets": [2369, 2496]}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes(), &header[..]].concat();
    let error = load_bytes(&bytes).1.unwrap_err().to_string();
    assert!(error.contains("conv1_1.me\\n_activation") && !error.contains('\n'), "{error}");
    // The same where the file as such is sound.
    let mut tensors = plain();
    let foreign = tensors.remove("conv1_1.weight").unwrap();
    tensors.clear();
    tensors.insert("a\u{1b}[2Jb\n".into(), foreign);
    let error = load(&tensors).unwrap_err().to_string();
    assert!(error.contains("found a\\u{1b}[2Jb\\n"), "{error}");
}

/// A header that claims more than the file has is refused before anything of that size is made.
#[test]
fn headers_of_absurd_length_are_refused() {
    for length in [u64::MAX, 1 << 40, 100 << 20] {
        let bytes = [&length.to_le_bytes(), &b"{\"conv1_1.weight\":"[..]].concat();
        assert_refused(&bytes, &["not a safetensors file"]);
    }
}
