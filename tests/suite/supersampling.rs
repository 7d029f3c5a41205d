//! Pictures that are painted larger and reduced.

use crate::common::test_folder::{SHALLOW, TestFolder};
use impasto::image_io::{Alpha, Encoding, Image};

/// What is written has the picture's size, whatever the size at which it is painted.
#[test]
fn files_have_the_size_of_the_picture() {
    let folder = TestFolder::new();
    let opacity = |i: u32| if i % 40 < 20 { 0.0 } else { 255.0 };
    let alpha = Alpha::new(40, 32, (0..40 * 32).map(opacity).collect()).unwrap();
    let half = Image::from_rgb(40, 32, (0..40 * 32 * 3).map(|i| (i * 37 % 256) as f32).collect()).unwrap();
    let encoding = Encoding { alpha: Some(&alpha), ..Encoding::default() };
    half.save_as(folder.path("half.png"), &encoding).unwrap();
    folder.mask("mask.png", 30, 30);
    let line = format!(
        "paint @half.png @style.png -o @out.png --size 64 --scales 2 --iterations 3,2 --save-every 1 --animate @a.gif \
         --content-mask @mask.png --style-mask @mask.png -q {SHALLOW} --supersampling 1.25"
    );
    folder.command(&line).assert().success();
    for (name, width) in [("out-00001", 45), ("out-00003", 45), ("out-00004", 64), ("out", 64)] {
        let picture = Image::read(folder.path(&format!("{name}.png"))).unwrap();
        assert_eq!(picture.image.width(), width, "{name}");
        // The alpha channel is of the picture's size at every scale.
        let opacities = picture.alpha.unwrap().values().to_vec();
        assert_eq!(opacities.len(), picture.image.pixels().len() / 3, "{name}");
        assert!(opacities[0] == 0.0 && opacities[width as usize - 1] == 255.0, "{name}");
    }
    assert_eq!(Image::load(folder.path("a.gif")).unwrap().width(), 64);
}
