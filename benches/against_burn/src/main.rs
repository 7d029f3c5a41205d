//! Impasto's default objective in burn, through its wgpu backend: one evaluation for each line on the standard input.
//!
//!     against-burn CONTENT STYLE PICTURE
//!
//! prints the seconds of each evaluation, the loss and the gradient's Euclidean norm. `benches/against_pytorch.py
//! --burn` builds it and drives it. The definitions are those of `tests/reference/nst_reference.py`.

use std::collections::HashMap;
use std::error::Error;
use std::io::Write;
use std::time::Instant;

use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::wgpu::WgpuBackend;
use burn::tensor::{Device, Tensor, TensorData, activation::relu};
use safetensors::SafeTensors;

/// The two parts of the weights file.
const WEIGHTS: [&str; 2] = [
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/part1/vgg19.safetensors.1"),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/part2/vgg19.safetensors.2"),
];
/// The convolutions as far as the last one that the objective looks at.
const LAYERS: [&str; 13] = [
    "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv3_4", "conv4_1",
    "conv4_2", "conv4_3", "conv4_4", "conv5_1",
];
const CONTENT_LAYER: &str = "conv4_2";
const STYLE_WEIGHT: f32 = 1000.0;
/// Blue, green, red.
const MEAN: [f32; 3] = [103.939, 116.779, 123.68];

struct Layer {
    name: &'static str,
    weight: Tensor<4>,
    bias: Tensor<1>,
}

impl Layer {
    /// Style is taken at the first convolution of each block, and a pooling stands before it.
    fn begins_block(&self) -> bool {
        self.name.ends_with("_1")
    }
}

/// The layers of the normalised network, and the mean activations that their inputs are multiplied by.
fn load_network(device: &Device) -> Result<Vec<Layer>, Box<dyn Error>> {
    let file = WEIGHTS.map(std::fs::read).into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    let tensors = SafeTensors::deserialize(&file)?;
    let floats = |name: String| -> Result<Vec<f32>, Box<dyn Error>> {
        let bytes = tensors.tensor(&name)?.data();
        Ok(bytes
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect())
    };
    let mut before = vec![1.0; 3];
    let mut network = Vec::new();
    for name in LAYERS {
        let codebook = floats(format!("{name}.weight.codebook"))?;
        let mean = floats(format!("{name}.mean_activation"))?;
        let codes = tensors.tensor(&format!("{name}.weight.codes"))?;
        let (inputs, outputs) = (before.len(), mean.len());
        let weight: Vec<f32> = codes
            .data()
            .iter()
            .enumerate()
            .map(|(i, &code)| codebook[code as usize] * before[i / 9 % inputs] / mean[i / (9 * inputs)])
            .collect();
        let bias: Vec<f32> = floats(format!("{name}.bias"))?.iter().zip(&mean).map(|(b, m)| b / m).collect();
        network.push(Layer {
            name,
            weight: Tensor::from_data(TensorData::new(weight, [outputs, inputs, 3, 3]), device),
            bias: Tensor::from_data(TensorData::new(bias, [outputs]), device),
        });
        before = mean;
    }
    Ok(network)
}

/// A picture as VGG19 sees it: blue, green, red, minus the mean colour.
fn load_picture(path: &str, device: &Device) -> Result<Tensor<4>, Box<dyn Error>> {
    let picture = image::open(path)?.into_rgb8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let plane =
        |channel: usize| picture.pixels().map(move |pixel| f32::from(pixel.0[2 - channel]) - MEAN[channel]);
    let values: Vec<f32> = (0..3).flat_map(plane).collect();
    Ok(Tensor::from_data(TensorData::new(values, [1, 3, height, width]), device))
}

/// The features that the objective looks at, by layer.
fn features(picture: Tensor<4>, network: &[Layer]) -> HashMap<&'static str, Tensor<4>> {
    let mut found = HashMap::new();
    let mut x = picture;
    for layer in network {
        if layer.begins_block() && layer.name != "conv1_1" {
            x = max_pool2d(x, MaxPoolOptions::new([2, 2]));
        }
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
        x = relu(conv2d(x, layer.weight.clone(), Some(layer.bias.clone()), options));
        if layer.begins_block() || layer.name == CONTENT_LAYER {
            found.insert(layer.name, x.clone());
        }
    }
    found
}

fn gram(features: Tensor<4>) -> Tensor<2> {
    let [_, channels, height, width] = features.dims();
    let rows: Tensor<2> = features.reshape([channels, height * width]);
    rows.clone().matmul(rows.transpose()) / (height * width) as f32
}

struct Objective {
    network: Vec<Layer>,
    content: Tensor<4>,
    style: HashMap<&'static str, Tensor<2>>,
}

impl Objective {
    fn new(network: Vec<Layer>, content: Tensor<4>, style: Tensor<4>) -> Self {
        let content = features(content, &network).remove(CONTENT_LAYER).expect("it is one of the layers");
        let mut style = features(style, &network);
        style.remove(CONTENT_LAYER);
        let style = style.into_iter().map(|(name, features)| (name, gram(features))).collect();
        Self { network, content, style }
    }

    fn loss(&self, picture: Tensor<4>) -> Tensor<1> {
        let found = features(picture, &self.network);
        let content = (found[CONTENT_LAYER].clone() - self.content.clone()).square().mean();
        self.style.iter().fold(content, |sum, (name, target)| {
            let matrix = gram(found[name].clone());
            let channels = matrix.dims()[0] as f32;
            let difference = (matrix - target.clone()).square().mean();
            sum + difference * (STYLE_WEIGHT * 1000.0 / (channels * channels))
        })
    }

    /// The loss and the gradient, both read back.
    fn evaluate(&self, picture: &Tensor<4>) -> Result<(f32, Vec<f32>), Box<dyn Error>> {
        let picture = picture.clone().detach().require_grad();
        let loss = self.loss(picture.clone());
        let gradients = loss.backward();
        let gradient = picture.grad(&gradients).ok_or("no gradient")?;
        let gradient = gradient.into_data().try_into_vec::<f32>().map_err(|error| format!("{error:?}"))?;
        Ok((loss.into_scalar::<f32>(), gradient))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [content, style, picture] = files.as_slice() else {
        return Err("usage: against-burn CONTENT STYLE PICTURE".into());
    };
    let plain = Device::wgpu_options().graphics_api(WgpuBackend::Vulkan).init()?;
    let device = plain.autodiff();
    let network = load_network(&device)?;
    let objective = Objective::new(network, load_picture(content, &device)?, load_picture(style, &device)?);
    let picture = load_picture(picture, &device)?;
    for line in std::io::stdin().lines() {
        line?;
        let start = Instant::now();
        let (loss, gradient) = objective.evaluate(&picture)?;
        let seconds = start.elapsed().as_secs_f64();
        let norm = gradient.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        println!("{seconds} {loss} {norm}");
        std::io::stdout().flush()?;
    }
    Ok(())
}
