//! Kernels are compiled together before they first run, and kept between runs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common;
use impasto::Error;
use impasto::gpu::{Facts, Gpu, GpuOptions, Recording, Shape, Tensor, Use};
use impasto::ops::case::{numbers, to_f32};

fn keeping(folder: &Path) -> Gpu {
    common::open(GpuOptions { pipelines: Some(folder.into()), ..Default::default() })
}

/// Two kernels on some numbers, and what they write.
fn work(gpu: &Gpu) -> (Recording, Tensor) {
    let shape = Shape::blocked(4, 3, 5);
    let x = gpu.upload(shape, &to_f32(&numbers(1, shape.len())), Use::Activations, "x").unwrap();
    let [between, result] =
        ["between", "result"].map(|label| gpu.tensor(shape, Use::Scratch, label).unwrap());
    let mut recording = Recording::new(gpu);
    let relu = gpu.kernel(common::shader("relu/forward"), &[]).unwrap();
    recording.launch(&relu, "relu").bind("src", &x).bind("dst", &between).elements(shape.vectors()).unwrap();
    let copy = impasto::profiler::SHADERS.into_iter().find(|shader| shader.name == "roofline/copy").unwrap();
    let copy = gpu.kernel(&copy, &[]).unwrap();
    let launch = recording.launch(&copy, "copy").bind("src", &between).bind("dst", &result);
    launch.elements(shape.vectors()).unwrap();
    (recording, result)
}

fn answer(gpu: &Gpu) -> Vec<f32> {
    let (recording, result) = work(gpu);
    gpu.submit(&[&recording]).unwrap();
    gpu.read(&result).unwrap()
}

/// The file of kept kernels.
fn kept(folder: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension() == Some("pipelines".as_ref()))
}

#[test]
fn compiled_kernels_are_kept_where_the_backend_can() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("new");
    let gpu = keeping(&inner);
    let can = Facts::of(&gpu).features.contains(&"PIPELINE_CACHE");
    let want = answer(&gpu);
    assert!(want.iter().any(|value| *value > 0.0));
    drop(gpu);
    if !can {
        assert!(!inner.exists());
        return;
    }
    let file = kept(&inner).unwrap();
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.len() > 16);
    assert_eq!(answer(&keeping(&inner)), want);
    // A file that is not whole is as good as none, and another takes its place.
    for damaged in [bytes[..bytes.len() / 2].to_vec(), vec![0; 100], vec![]] {
        fs::write(&file, &damaged).unwrap();
        assert_eq!(answer(&keeping(&inner)), want);
        assert_ne!(fs::read(&file).unwrap(), damaged);
    }
    // A device that compiled nothing writes nothing.
    fs::remove_file(&file).unwrap();
    drop(keeping(&inner));
    assert_eq!(kept(&inner), None);
}

#[test]
fn a_folder_that_cannot_be_written_costs_nothing_but_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "no folder").unwrap();
    assert_eq!(answer(&keeping(&file.join("below"))), answer(common::fast_gpu()));
}

/// A kernel that the device does not take is named by whoever compiles or submits it, each time.
#[test]
fn a_kernel_that_does_not_compile_is_named() {
    let gpu = common::open(GpuOptions::default());
    let relu = common::shader("relu/forward");
    common::replace_kernel(&gpu, relu, "var<storage, read_write> dst", "var<storage, read> dst", &[]);
    let (recording, _) = work(&gpu);
    for result in [gpu.compile(&[&recording]), gpu.submit(&[&recording]), gpu.timed(&[&recording]).map(drop)]
    {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Gpu { .. }) && error.to_string().contains("relu/forward"), "{error}");
    }
}
