use std::fs;
use std::path::Path;

use super::support::*;
use crate::Error;
use crate::image_io::{
    Alpha, Decoded, Depth, Encoding, Image, Size, check_depth, check_output, check_output_fits,
};

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Both the check and the save must refuse, naming the path.
#[track_caller]
fn assert_refused(path: &Path, part: &str) {
    for error in [check_output(path).unwrap_err(), sample(2, 2).save(path).unwrap_err()] {
        assert!(matches!(error, Error::Output { .. }));
        let text = error.to_string();
        assert!(text.contains(part) && text.contains(path.to_str().unwrap()), "no '{part}' in: {text}");
        assert!(!text.contains('\n'), "{text}");
    }
}

#[test]
fn every_format_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    for (w, h) in [(1, 1), (7, 5), (64, 1), (1, 33)] {
        let image = sample(w, h);
        for name in ["a.png", "a.webp", "a.tif", "a.tiff", "a.PNG"] {
            let path = folder.path().join(name);
            image.save(&path).unwrap();
            assert_eq!(Image::load(&path).unwrap(), image, "{name}");
        }
    }
    let smooth: Vec<f32> =
        (0..64 * 48).flat_map(|i| [i % 64 * 4, i / 64 * 5, 90].map(|v| v as f32)).collect();
    let smooth = Image::from_rgb(64, 48, smooth).unwrap();
    for name in ["a.jpg", "a.JPEG"] {
        let path = folder.path().join(name);
        smooth.save(&path).unwrap();
        assert_eq!(&fs::read(&path).unwrap()[..2], [0xFF, 0xD8]);
        let back = Image::load(&path).unwrap();
        let worst = back.pixels().iter().zip(smooth.pixels()).map(|(a, b)| (a - b).abs());
        assert!(worst.fold(0.0, f32::max) < 12.0);
    }
}

#[test]
fn values_are_rounded_and_clamped() {
    let image = Image::from_rgb(2, 1, vec![-5.0, 0.4, 0.6, 254.6, 300.0, 127.4]).unwrap();
    let back = load(&saved(&image, "png")).unwrap();
    assert_eq!(back.pixels(), [0.0, 0.0, 1.0, 255.0, 255.0, 127.0]);
}

#[test]
fn unusable_paths_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "file", b"x");
    let accepted = "use .png, .jpg, .jpeg, .webp, .tif or .tiff";
    assert_refused(&folder.path().join("a.gif"), accepted);
    assert_refused(&folder.path().join("a"), accepted);
    assert_refused(&folder.path().join(".png"), "no extension");
    assert_refused(&folder.path().join("none/a.png"), "does not exist");
    assert_refused(&file.join("a.png"), "is not a folder");
    fs::create_dir(folder.path().join("folder.png")).unwrap();
    assert_refused(&folder.path().join("folder.png"), "it is a folder");
    let locked = write(folder.path(), "locked.png", b"x");
    let mut permissions = fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&locked, permissions).unwrap();
    assert_refused(&locked, "read-only");
    assert_eq!(names(folder.path()), ["file", "folder.png", "locked.png"]);
}

#[test]
fn checking_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let old = write(folder.path(), "old.png", b"old");
    let before = fs::metadata(&old).unwrap().modified().unwrap();
    check_output(&old).unwrap();
    check_output(folder.path().join("new.png")).unwrap();
    check_output("in-the-current-folder.png").unwrap();
    assert_eq!(names(folder.path()), ["old.png"]);
    assert_eq!(fs::read(&old).unwrap(), b"old");
    assert_eq!(fs::metadata(&old).unwrap().modified().unwrap(), before);
    assert!(!Path::new("in-the-current-folder.png").exists());
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "old.webp", b"old");
    let wide = Image::from_rgb(16_384, 1, vec![0.0; 16_384 * 3]).unwrap();
    let error = wide.save(&path).unwrap_err().to_string();
    assert!(error.contains("16384 x 1") && error.contains("use .png or .tif"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(names(folder.path()), ["old.webp"]);
    check_output_fits(&path, 16_383, 16_383).unwrap();
    check_output_fits("a.jpg", 65_535, 1).unwrap();
    assert!(check_output_fits("a.jpg", 1, 65_536).is_err());
    check_output_fits("a.tif", 65_536, 1).unwrap();
    // The limits are the encoders' own.
    for (name, side) in [("most.webp", 16_383), ("most.jpg", 65_535)] {
        let most = Image::from_rgb(side, 1, vec![9.0; side as usize * 3]).unwrap();
        most.save(folder.path().join(name)).unwrap();
        assert_eq!(Image::load(folder.path().join(name)).unwrap().width(), side);
    }
}

#[cfg(unix)]
#[test]
fn permissions_and_links_are_those_of_ordinary_writing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let ordinary = write(folder.path(), "ordinary", b"");
    let path = folder.path().join("a.png");
    sample(2, 2).save(&path).unwrap();
    assert_eq!(mode(&path), mode(&ordinary));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o620)).unwrap();
    sample(3, 2).save(&path).unwrap();
    assert_eq!((mode(&path), Image::load(&path).unwrap().width()), (0o620, 3));

    let link = folder.path().join("link.png");
    std::os::unix::fs::symlink("a.png", &link).unwrap();
    sample(4, 2).save(&link).unwrap();
    assert!(link.is_symlink());
    assert_eq!(Image::load(&path).unwrap().width(), 4);
    let dangling = folder.path().join("dangling.png");
    std::os::unix::fs::symlink("nowhere/b.png", &dangling).unwrap();
    assert_refused(&dangling, "leads nowhere");
    assert_eq!(names(folder.path()), ["a.png", "dangling.png", "link.png", "ordinary"]);
}

#[test]
fn pictures_are_checked_when_made_and_resized() {
    let error = |w, h, n: usize| Image::from_rgb(w, h, vec![0.0; n]).unwrap_err().to_string();
    assert!(error(0, 5, 0).contains("at least 1 x 1"));
    assert!(error(2, 2, 11).contains("need 12 RGB values, found 11"));
    assert!(error(u32::MAX, u32::MAX, 3).contains("too many"));
    let mut rgb = vec![0.0; 2 * 3 * 3];
    rgb[3 * 3 + 1] = f32::INFINITY;
    assert!(Image::from_rgb(2, 3, rgb).unwrap_err().to_string().contains("x 1, y 1 is inf"));

    let thin = sample(3, 5000);
    let small = thin.resized(Size::Longer(512)).unwrap();
    assert_eq!((small.width(), small.height(), small.pixels().len()), (1, 512, 512 * 3));
    assert_eq!(thin.resized(Size::Full).unwrap(), thin);
    assert_eq!(thin.resized(Size::Longer(5000)).unwrap(), thin);
    let large = sample(1, 1).resized(Size::Longer(4)).unwrap();
    assert_eq!(large.pixels(), sample(1, 1).pixels().repeat(16));
    assert_eq!(large.clone().into_pixels(), large.pixels());
    for error in [large.resized(Size::Longer(100_000)), large.resized_to(0, 3)].map(Result::unwrap_err) {
        assert!(error.is_usage() && error.to_string().contains("cannot resize"), "{error}");
    }
}

#[test]
fn png_files_carry_a_note_and_the_same_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    let image = sample(5, 4);
    let noted = |note| Encoding { note: Some(note), ..Encoding::default() };
    image.save_as(&path, &noted("d\u{e9}j\u{e0} vu")).unwrap();
    assert_eq!(Image::note(&path).unwrap(), "d\u{e9}j\u{e0} vu");
    assert_eq!(Image::load(&path).unwrap(), image);
    image.save(&path).unwrap();
    assert!(Image::note(&path).unwrap_err().to_string().contains("carries no note"));
    let jpeg = folder.path().join("a.jpg");
    image.save_as(&jpeg, &noted("lost")).unwrap();
    assert!(Image::note(&jpeg).unwrap_err().to_string().contains("not a PNG"));
    assert!(Image::note(folder.path().join("none.png")).unwrap_err().to_string().contains("none.png"));
}

#[test]
fn transparency_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let alpha = Alpha::new(4, 1, vec![0.0, 51.0, 200.0, 255.0]).unwrap();
    // Over white, so that nothing is lost: what is transparent is white.
    let colours = [[9.0, 9.0, 9.0], [10.0, 100.0, 255.0], [0.0, 33.0, 128.0], [1.0, 2.0, 3.0]];
    let over_white =
        colours.iter().zip(alpha.values()).flat_map(|(rgb, a)| rgb.map(|v| v * a / 255.0 + 255.0 - a));
    let image = Image::from_rgb(4, 1, over_white.collect()).unwrap();
    for name in ["a.png", "a.webp", "a.tif"] {
        let path = folder.path().join(name);
        image.save_as(&path, &Encoding { alpha: Some(&alpha), ..Encoding::default() }).unwrap();
        let back = Image::read(&path).unwrap();
        assert_eq!(back.alpha.as_ref(), Some(&alpha), "{name}");
        assert!(back.image.pixels().iter().zip(image.pixels()).all(|(a, b)| (a - b).abs() < 0.01), "{name}");
        // As another decoder reads it: colours that were not multiplied, white where nothing is seen.
        let rgba = image::open(&path).unwrap().into_rgba8().into_raw();
        assert_eq!(rgba, [255, 255, 255, 0, 10, 100, 255, 51, 0, 33, 128, 200, 1, 2, 3, 255], "{name}");
    }
    // At the size of the image.
    let large = image.resized_to(8, 2).unwrap();
    large
        .save_as(folder.path().join("a.png"), &Encoding { alpha: Some(&alpha), ..Encoding::default() })
        .unwrap();
    let back = Image::read(folder.path().join("a.png")).unwrap().alpha.unwrap();
    assert_eq!((back.width(), back.height()), (8, 2));
    let jpeg = folder.path().join("a.jpg");
    image.save_as(&jpeg, &Encoding { alpha: Some(&alpha), ..Encoding::default() }).unwrap();
    assert!(Image::read(&jpeg).unwrap().alpha.is_none());
}

#[test]
fn sixteen_bits_keep_what_eight_round_away() {
    let folder = tempfile::tempdir().unwrap();
    let image = Image::from_rgb(2, 1, vec![0.0, 0.25, 100.5, 200.125, 254.9, 255.0]).unwrap();
    let alpha = Alpha::new(2, 1, vec![255.0, 100.5]).unwrap();
    let deep = Encoding { depth: Depth::Sixteen, ..Encoding::default() };
    for name in ["a.png", "a.tif"] {
        let path = folder.path().join(name);
        image.save_as(&path, &deep).unwrap();
        let back = Image::load(&path).unwrap();
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 0.5 / 257.0 + 1e-4);
        assert!(close(back.pixels(), image.pixels()), "{name}: {:?}", back.pixels());
        image.save_as(&path, &Encoding { alpha: Some(&alpha), ..deep }).unwrap();
        assert!(close(Image::read(&path).unwrap().alpha.unwrap().values(), alpha.values()), "{name}");
    }
    for name in ["a.jpg", "a.webp"] {
        let path = folder.path().join(name);
        let saved = image.save_as(&path, &deep);
        for error in [saved.unwrap_err(), check_depth(&path, Depth::Sixteen).unwrap_err()] {
            assert!(error.to_string().contains("use .png or .tif for 16"), "{error}");
        }
        assert!(!path.exists());
    }
}

/// Profiles are there, and by them nothing changes.
#[test]
fn files_say_that_they_are_srgb() {
    use image::{ImageDecoder, ImageReader};
    let image = sample(6, 4);
    for extension in ["jpg", "webp", "tif"] {
        let bytes = saved(&image, extension);
        let file = std::io::Cursor::new(&bytes);
        let profile = if extension == "tif" {
            // The crate `image` does not find it.
            let tag = tiff::tags::Tag::IccProfile;
            match tiff::decoder::Decoder::new(file).unwrap().get_tag(tag).unwrap() {
                tiff::decoder::ifd::Value::List(values) => {
                    values.into_iter().map(|value| value.into_u8().unwrap()).collect()
                }
                value => panic!("{value:?}"),
            }
        } else {
            let reader = ImageReader::new(file).with_guessed_format().unwrap();
            reader.into_decoder().unwrap().icc_profile().unwrap().unwrap()
        };
        let profile = moxcms::ColorProfile::new_from_slice(&profile).unwrap();
        let red = moxcms::ColorProfile::new_srgb().red_colorant;
        assert!((profile.red_colorant.x - red.x).abs() < 1e-3, "{extension}");
        let Decoded { warnings, .. } = Image::parse(Path::new(extension), &bytes).unwrap();
        assert!(warnings.is_empty(), "{extension}: {warnings:?}");
    }
    let png = saved(&image, "png");
    let info = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
    assert!(info.info().srgb.is_some());
}
