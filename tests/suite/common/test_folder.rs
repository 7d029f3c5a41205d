//! A folder with small images, and the program run in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::{self, DEVICE_SWITCHES};
use assert_cmd::Command;
use impasto::image_io::Image;
use serde_json::Value;
use tempfile::TempDir;

/// Where the program caches the kernels it chose: not in the user's own cache. Every run of a test sets it,
/// since other kernels give other bytes. The environment names it where the tests run in a copy of the repository.
pub fn cache() -> PathBuf {
    std::env::var_os("CARGO_TARGET_TMPDIR").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from)
}

pub fn impasto() -> Command {
    let mut command = Command::cargo_bin("impasto").unwrap();
    command.env("IMPASTO_CACHE_DIR", cache());
    command
}

/// `impasto` with this working directory; arguments are separated by single spaces.
pub fn impasto_in(folder: &Path, arguments: &str) -> Command {
    let mut command = impasto();
    command.current_dir(folder).args(arguments.split(' '));
    command
}

/// A folder with `content.png` (40 x 32) and `style.png` (32 x 32), removed when dropped.
pub struct TestFolder {
    root: TempDir,
    /// Of the device that the program opens: see [`DEVICE_SWITCHES`].
    switches: String,
}

impl TestFolder {
    pub fn new() -> Self {
        Self::on_device("")
    }

    /// A folder in which the program opens a device with these switches.
    pub fn on_device(switches: &str) -> Self {
        let folder = Self { root: TempDir::new().unwrap(), switches: common::switches(switches) };
        folder.image("content.png", 40, 32);
        folder.image("style.png", 32, 32);
        folder
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes an image of this size; the format is that of the name's extension.
    pub fn image(&self, name: &str, width: u32, height: u32) {
        let rgb = (0..width * height * 3).map(|i| (i * 37 % 256) as f32).collect();
        Image::from_rgb(width, height, rgb).unwrap().save(self.path(name)).unwrap();
    }

    /// Writes a grey image of this size, lighter from left to right: a mask.
    pub fn mask(&self, name: &str, width: u32, height: u32) {
        let rgb = (0..width * height).flat_map(|i| [(i % width * 255 / width) as f32; 3]).collect();
        Image::from_rgb(width, height, rgb).unwrap().save(self.path(name)).unwrap();
    }

    /// Arguments in which `@name` is a file of this folder.
    pub fn arguments<'a>(&self, line: &'a str) -> impl Iterator<Item = OsString> + use<'a, '_> {
        line.split(' ').map(|argument| match argument.strip_prefix('@') {
            Some(name) => self.path(name).into(),
            None => argument.into(),
        })
    }

    /// `impasto` with such arguments.
    pub fn command(&self, line: &str) -> Command {
        let mut command = impasto();
        command.env(DEVICE_SWITCHES, &self.switches).args(self.arguments(line));
        command
    }

    /// The same as a plain command, for a test that acts while the program runs.
    pub fn process(&self, line: &str) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin("impasto"));
        command.env("IMPASTO_CACHE_DIR", cache()).env(DEVICE_SWITCHES, &self.switches);
        command.args(self.arguments(line));
        command
    }

    /// The command fails with this code and one line on stderr that has all of these words.
    pub fn refuses(&self, arguments: &str, code: i32, words: &[&str]) {
        let output = self.command(arguments).output().unwrap();
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments} printed something");
        let first = stderr.lines().find(|line| line.starts_with("error: "));
        let first = first.unwrap_or_else(|| panic!("{arguments}: no error line in {stderr}"));
        for word in words {
            assert!(first.contains(word), "{arguments}: '{word}' is not in: {first}");
        }
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(!self.path("out.png").exists(), "{arguments}: something was written");
    }
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub fn log_lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Layers that need little of the network and as few pixels as the picture has, for tests that run the program often.
pub const SHALLOW: &str = "--content-layers conv2_1 --style-layers conv1_1,conv2_1";

pub fn paint(folder: &TestFolder, extra: &str) -> Vec<f32> {
    let arguments = format!(
        "paint @content.png @style.png -o @out.png --size 32 --iterations 4 --optimizer adam -q {SHALLOW} {extra}"
    );
    let output = folder.command(arguments.trim_end()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{extra}: {}", stderr(&output));
    Image::load(folder.path("out.png")).unwrap().into_pixels()
}
