//! The tuner: what it keeps, what it refuses, and that it survives what happens to its file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common;
use impasto::gpu::{Gpu, Precision};
use impasto::ops::OPERATIONS;
use impasto::ops::variants::{ComputePrecision, Pass, TunedOp, VARIANTS};
use impasto::tuner::{self, Choice, Mode, Tuner};
use impasto::vgg19::LayerId;

fn choose(gpu: &Gpu, folder: Option<&Path>, mode: Mode) -> Choice {
    let tuner = Tuner { mode, folder: folder.map(Into::into), precision: ComputePrecision::F32.into() };
    tuner.choose(gpu, [48, 40], "conv2_1".parse().unwrap(), &mut |_, _, _| ()).unwrap()
}

/// The record among what the tuner left in a folder.
fn the_file(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.into_iter().find(|path| path.extension() == Some("json".as_ref())).unwrap()
}

#[test]
fn what_was_timed_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (gpu, folder) = (common::fast_gpu(), Some(folder.path()));
    let first = choose(gpu, folder, Mode::Cached);
    // Three convolutions, and the Gram matrices of two sizes.
    assert_eq!(first.timed, 5);
    let second = choose(gpu, folder, Mode::Cached);
    assert_eq!(second, Choice { timed: 0, ..first.clone() });
    assert_eq!(choose(gpu, folder, Mode::Fresh).timed, 5);
    // Another class of sizes is timed and added.
    let tuner =
        Tuner { mode: Mode::Cached, folder: folder.map(Into::into), precision: ComputePrecision::F32.into() };
    let other = tuner.choose(gpu, [16, 16], LayerId::FIRST, &mut |_, _, _| ()).unwrap();
    assert_eq!((other.timed, choose(gpu, folder, Mode::Cached).timed), (2, 0));
}

#[test]
fn nothing_is_timed_or_kept_where_the_user_does_not_want_it() {
    let folder = tempfile::tempdir().unwrap();
    let choice = choose(common::fast_gpu(), Some(folder.path()), Mode::BuiltIn);
    assert_eq!(choice.timed, 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let without = choose(common::fast_gpu(), None, Mode::Cached);
    assert_eq!((without.timed, without.note), (5, None));
}

#[test]
fn a_damaged_file_is_noted_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (gpu, folder) = (common::fast_gpu(), Some(folder.path()));
    choose(gpu, folder, Mode::Cached);
    let file = the_file(folder.unwrap());
    let whole = fs::read(&file).unwrap();
    for damaged in [&whole[..whole.len() / 2], b"", b"\xff\x00", b"{}"] {
        fs::write(&file, damaged).unwrap();
        let choice = choose(gpu, folder, Mode::Cached);
        assert!(choice.note.unwrap().contains("damaged"));
        assert_eq!(choose(gpu, folder, Mode::Cached).timed, 0);
    }
    // A record of another driver, or a variant that no longer exists, is no damage, but worth nothing.
    let text = String::from_utf8(whole).unwrap();
    for other in [text.replace("\"driver\": \"", "\"driver\": \"older "), text.replace("texture", "velvet")] {
        fs::write(&file, other).unwrap();
        let choice = choose(gpu, folder, Mode::Cached);
        assert_eq!(choice.note, None);
        assert!(choice.timed > 0 || !text.contains("texture"));
    }
}

/// Runs that begin at once on an empty cache end with one choice: a kernel decides the bytes of a picture.
#[test]
fn runs_at_once_share_what_they_find() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = common::fast_gpu();
    let choices: Vec<Choice> = std::thread::scope(|scope| {
        let run = || choose(gpu, Some(folder.path()), Mode::Cached);
        let runs = [(); 3].map(|()| scope.spawn(run));
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(
        choices.iter().map(|choice| choice.timed).sum::<usize>(),
        5,
        "one of them timed, the others read"
    );
    assert!(choices.iter().all(|choice| choice.kernels == choices[0].kernels));
}

#[test]
fn a_folder_that_cannot_be_made_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let choice = choose(common::fast_gpu(), Some(&file.join("cache")), Mode::Cached);
    assert!(choice.note.unwrap().contains("not kept"));
}

/// No variant that runs here is taken for wrong, in f32 or f16.
#[test]
fn right_kernels_are_accepted() {
    let gpu = common::fast_gpu();
    for variant in VARIANTS.iter().filter(|variant| variant.runs_on(gpu)) {
        for precision in [Precision::F32, Precision::F16] {
            let accepted = tuner::check(gpu, variant, precision);
            assert!(accepted.is_ok(), "{} {variant}, {precision:?}: {accepted:?}", variant.op());
        }
    }
}

/// A kernel that computes wrongly on a device is not chosen there, however fast it is, and is named.
#[test]
fn wrong_kernels_are_refused() {
    let gpu = common::open(Default::default());
    let (conv, gram) = (TunedOp::Conv3x3, TunedOp::Gram);
    let on_cpu = gram.candidates(&gpu, ComputePrecision::F32) == [gram.variant("texture").unwrap()];
    let wrong = conv.variant(if on_cpu { "texture_winograd_f4" } else { "winograd_f4" }).unwrap();
    let suffix = if on_cpu { "_vectors" } else { "" };
    let replace = |name: &str, right, wrong, overrides: &[(&str, f64)]| {
        let shader = OPERATIONS.iter().flat_map(|o| (o.shaders)()).find(|s| s.name == name).unwrap();
        common::replace_kernel(&gpu, shader, right, wrong, overrides);
    };
    // The transform of another tile size.
    let transform = format!("conv/winograd_f4_input{suffix}");
    replace(&transform, "shared/winograd_f4\n", "shared/winograd_f2\n", &[("BACKWARD", 0.0)]);
    if on_cpu {
        replace("gram/texture", "select(0.0, 1.0, p < end)", "select(0.0, 1.001, p < end)", &[]);
    }
    let folder = tempfile::tempdir().unwrap();
    let choice = choose(&gpu, Some(folder.path()), Mode::Cached);
    let fault = |choice: &Choice, op: &str, variant: &str, f16| {
        let refusal = choice.refused.iter().find(|refusal| refusal.is_of(op, variant, f16));
        refusal.map(|refusal| refusal.fault.clone())
    };
    assert!(fault(&choice, "conv3x3", wrong.name, false).is_some(), "{:?}", choice.refused);
    for (layer, pass) in LayerId::all().flat_map(|layer| Pass::ALL.map(|pass| (layer, pass))) {
        let chosen = choice.kernels.of(conv, layer).of(pass);
        assert!(chosen != wrong && chosen != conv.naive(), "others agree, and yet it is {chosen}");
    }
    if on_cpu {
        assert!(fault(&choice, "gram", "texture", false).unwrap().contains("off by"), "{:?}", choice.refused);
        assert_eq!(choice.kernels.of(gram, LayerId::FIRST), gram.naive().into());
    }
    // A user who asks for it gets an error.
    assert!(tuner::check(&gpu, wrong, Precision::F32).unwrap_err().is_usage());
    // And devices are known by what was found out about them.
    let tuner = Tuner {
        mode: Mode::Cached,
        folder: Some(folder.path().into()),
        precision: ComputePrecision::F32.into(),
    };
    assert_eq!(tuner.refused(gpu.adapter()), choice.refused);
    // A kernel that reads or writes f16 is another form of it, tried by itself: that of the Gram matrix is right. What is
    // known of the other forms stays.
    let tuner = Tuner { precision: ComputePrecision::F16.into(), ..tuner };
    let size = [48, 40];
    let in_f16 = tuner.choose(&gpu, size, "conv2_1".parse().unwrap(), &mut |_, _, _| ()).unwrap();
    assert!(in_f16.refused.iter().all(|refusal| refusal.f16), "{:?}", in_f16.refused);
    let all = tuner.refused(gpu.adapter());
    assert!(choice.refused.iter().chain(&in_f16.refused).all(|refusal| all.contains(refusal)));
    if on_cpu {
        let texture = gram.variant("texture").unwrap();
        assert_eq!(fault(&in_f16, "gram", "texture", true), None, "{:?}", in_f16.refused);
        assert_eq!(in_f16.kernels.of(gram, LayerId::FIRST), texture.into());
        assert!(tuner::check(&gpu, texture, Precision::F16).is_ok());
    }
}
