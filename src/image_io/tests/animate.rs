use std::io::Cursor;
use std::time::Duration;

use image::AnimationDecoder;
use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};

use crate::image_io::{Alpha, Frame, Image, check_animation, save_animation};

fn flat(width: u32, value: f32) -> Image {
    Image::from_rgb(width, 5, vec![value; width as usize * 15]).unwrap()
}

/// Each format, read back by decoders that are not the encoder: the frames, their colours and times.
#[test]
fn animations_hold_every_frame() {
    hold_every_frame(None);
    let opacity = |i: usize| if i.is_multiple_of(7) { 0.0 } else { 255.0 };
    hold_every_frame(Some(Alpha::new(7, 5, (0..35).map(opacity).collect()).unwrap()));
}

/// `alpha` is that of each frame.
fn hold_every_frame(alpha: Option<Alpha>) {
    let folder = tempfile::tempdir().unwrap();
    let time = [80, 200, 1500].map(Duration::from_millis);
    let frames: Vec<Frame> = [0.0, 128.0, 255.0]
        .into_iter()
        .zip(time)
        .map(|(value, time)| Frame { image: flat(7, value), alpha: alpha.clone(), time })
        .collect();
    for name in ["a.gif", "a.webp", "a.png"] {
        let path = folder.path().join(name);
        save_animation(&path, &frames).unwrap();
        let file = Cursor::new(std::fs::read(&path).unwrap());
        let read = match name {
            "a.gif" => GifDecoder::new(file).unwrap().into_frames().collect_frames(),
            "a.webp" => WebPDecoder::new(file).unwrap().into_frames().collect_frames(),
            _ => PngDecoder::new(file).unwrap().apng().unwrap().into_frames().collect_frames(),
        };
        let read = read.unwrap();
        assert_eq!(read.len(), 3, "{name}");
        for (read, frame) in read.iter().zip(&frames) {
            assert_eq!(Duration::from(read.delay()), frame.time, "{name}");
            let pixels = read.buffer();
            assert_eq!((pixels.width(), pixels.height()), (7, 5), "{name}");
            let off = pixels.get_pixel(3, 2)[0].abs_diff(frame.image.pixels()[0] as u8);
            assert!(off <= 1, "{name}: off by {off}");
            let opacities = [0, 3].map(|x| pixels.get_pixel(x, 2)[3]);
            assert_eq!(opacities, [if alpha.is_some() { 0 } else { 255 }, 255], "{name}");
        }
    }
}

#[test]
fn animations_that_cannot_be_written_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let refused = |name: &str, width: u32| check_animation(&path(name), width, 5).unwrap_err().to_string();
    assert!(refused("a.jpg", 5).contains(".gif, .webp"));
    assert!(refused("a.gif", 70_000).contains("65535"));
    assert!(refused("nowhere/a.gif", 5).contains("does not exist"));
    assert!(save_animation(&path("a.gif"), &[]).unwrap_err().to_string().contains("no frames"));
    assert!(check_animation(&path("a.gif"), 5, 5).is_ok() && !path("a.gif").exists());
}
