//! Work is not lost: closed terminals, hang-ups, panics, checkpoints that nobody asked for, files that move.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::common::test_folder::{SHALLOW, TestFolder, stderr};
use impasto::image_io::Image;

const PAINT: &str =
    "paint @content.png @style.png -o @out.png --size 32 --scales 1 --iterations 6 --no-tune --history 4";

/// A painting that does not end by itself.
fn endless() -> String {
    format!("{PAINT} --iterations 1000000 {SHALLOW}")
}

/// A pipe whose reader is gone.
fn closed_pipe() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[cfg(target_os = "linux")]
fn full_disk() -> Stdio {
    fs::File::options().write(true).open("/dev/full").unwrap().into()
}

#[cfg(target_os = "linux")]
#[test]
fn without_standard_error_a_painting_ends_well() {
    let folder = TestFolder::new();
    let line = format!("{PAINT} {SHALLOW} -v --profile");
    folder.command(&line).assert().success();
    let expected = fs::read(folder.path("out.png")).unwrap();
    for (name, stderr) in [("a closed pipe", closed_pipe()), ("a full disk", full_disk())] {
        fs::remove_file(folder.path("out.png")).unwrap();
        let status = folder.process(&line).stderr(stderr).stdout(closed_pipe()).status().unwrap();
        assert!(status.success(), "{name}: {status}");
        assert!(fs::read(folder.path("out.png")).unwrap() == expected, "{name}");
    }
    // Errors keep their exit codes.
    let status =
        folder.process("paint @none.png @style.png -o @out.png").stderr(closed_pipe()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

/// Sends a signal by its name.
fn send(child: &Child, signal: &str) {
    Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
}

/// Waits for the first line of progress.
fn wait_for_progress(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("loss")), "no progress was shown");
    lines
}

fn ends_like_ctrl_c(folder: &TestFolder, status: ExitStatus) {
    assert_eq!(status.code(), Some(130), "{status}");
    assert_eq!(Image::load(folder.path("out.png")).unwrap().width(), 32);
}

/// A terminal that closes sends hang-ups from the kernel and from the shell, and takes standard error with it.
#[test]
fn a_hang_up_ends_like_ctrl_c() {
    let folder = TestFolder::new();
    let mut command = folder.process(&endless());
    // Tests that are run under nohup ignore hang-ups, and what they start would, too.
    // SAFETY: signal may be called between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGHUP, libc::SIG_DFL);
            Ok(())
        });
    }
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(wait_for_progress(&mut child));
    send(&child, "-HUP");
    send(&child, "-HUP");
    ends_like_ctrl_c(&folder, child.wait().unwrap());
}

#[test]
fn a_hang_up_is_ignored_under_nohup() {
    let folder = TestFolder::new();
    let mut command = Command::new("sh");
    let program = assert_cmd::cargo::cargo_bin("impasto");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(program).args(folder.arguments(&endless()));
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = wait_for_progress(&mut child);
    send(&child, "-HUP");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "the hang-up ended it");
    send(&child, "-INT");
    ends_like_ctrl_c(&folder, child.wait().unwrap());
    drop(lines);
}

/// The one line of an error, and the files that it names.
fn error_line(output: &std::process::Output) -> String {
    let text = stderr(output);
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{text}");
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
    errors[0].to_string()
}

#[test]
fn a_panic_is_one_line_and_the_image_so_far_is_saved() {
    let folder = TestFolder::new();
    let run = |line: &str| {
        let mut command = folder.command(line);
        command.env("IMPASTO_TEST_FAULTS", "panic-at=3").env("RUST_BACKTRACE", "1").output().unwrap()
    };
    let output = run(&format!("{PAINT} {SHALLOW} -q --checkpoint @ck --checkpoint-every 2"));
    assert_eq!(output.status.code(), Some(1));
    let line = error_line(&output);
    for word in [
        "a fault in Impasto",
        "asked for by a test",
        "session.rs:",
        "out-00003.png",
        "impasto resume",
        "report",
    ] {
        assert!(line.contains(word), "{word} is not in {line}");
    }
    assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    assert_eq!(Image::load(folder.path("out-00003.png")).unwrap().width(), 32);
    // Nothing that is there already is replaced by a picture that nobody asked for.
    let first = fs::read(folder.path("out-00003.png")).unwrap();
    let line = error_line(&run(&format!("{PAINT} {SHALLOW} -q --seed 2")));
    assert!(line.contains("out-00003-2.png"), "{line}");
    assert!(fs::read(folder.path("out-00003.png")).unwrap() == first);
}

/// With a threshold of no time at all every painting is a long one.
#[test]
fn a_long_painting_keeps_a_checkpoint_until_its_end() {
    let folder = TestFolder::new();
    folder.command(&format!("{PAINT} {SHALLOW} --iterations 40 -q")).assert().success();
    let expected = fs::read(folder.path("out.png")).unwrap();
    fs::write(folder.path("out.checkpoint"), "of another painting").unwrap();
    let long = |line: &str| {
        let mut command = folder.process(line);
        command.env("IMPASTO_TEST_FAULTS", "long=0").stderr(Stdio::piped());
        command
    };
    // One that ends leaves nothing.
    let output = long(&format!("{PAINT} {SHALLOW} --iterations 40")).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("out-2.checkpoint until the end"), "{}", stderr(&output));
    assert!(!folder.path("out-2.checkpoint").exists());
    assert_eq!(fs::read(folder.path("out.checkpoint")).unwrap(), b"of another painting");
    fs::remove_file(folder.path("out.checkpoint")).unwrap();
    // One that is stopped or killed can be resumed, and then leaves nothing either.
    for signal in ["-INT", "-KILL"] {
        fs::remove_file(folder.path("out.png")).unwrap();
        let mut child = long(&format!("{PAINT} {SHALLOW} --iterations 1500")).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("out.checkpoint until the end")));
        while !folder.path("out.checkpoint").exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before its first checkpoint");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        send(&child, signal);
        child.wait().unwrap();
        let rest: Vec<String> = lines.collect();
        let told = rest.iter().any(|line| line.contains("impasto resume"));
        assert_eq!(told, signal == "-INT", "{rest:?}");
        let output = folder.command("resume @out.checkpoint -q").output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
        assert!(!folder.path("out.checkpoint").exists(), "{signal}");
        assert!(folder.path("out.png").exists());
    }
    // A short one keeps none, and is the same picture.
    folder.command(&format!("{PAINT} {SHALLOW} --iterations 40 -q")).assert().success();
    assert!(fs::read(folder.path("out.png")).unwrap() == expected);
}

/// A stopped painting in the folder `from`: its images, masks and checkpoint.
fn stopped(folder: &TestFolder, from: &str) -> Vec<u8> {
    let at = |name: &str| folder.path(&format!("{from}/{name}"));
    fs::create_dir_all(folder.path(from)).unwrap();
    for name in ["content.png", "style.png"] {
        fs::copy(folder.path(name), at(name)).unwrap();
    }
    folder.mask(&format!("{from}/mask.png"), 20, 16);
    let relative = "paint content.png style.png -o out.png --size 32 --scales 1 --iterations 8 --no-tune \
                    --content-mask mask.png --init style.png --history 4";
    let run = |line: &str, fault: &str| {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin("impasto"));
        command.args(line.split_whitespace()).current_dir(folder.path(from));
        command.env("IMPASTO_TEST_FAULTS", fault).stderr(Stdio::null()).status().unwrap()
    };
    assert!(run(&format!("{relative} {SHALLOW}"), "").success());
    let whole = fs::read(at("out.png")).unwrap();
    fs::remove_file(at("out.png")).unwrap();
    let broken = format!("{relative} {SHALLOW} --checkpoint ck --checkpoint-every 3");
    assert_eq!(run(&broken, "panic-at=4").code(), Some(1));
    fs::remove_file(at("out-00004.png")).unwrap();
    whole
}

#[test]
fn a_painting_is_resumed_from_anywhere() {
    let folder = TestFolder::new();
    let whole = stopped(&folder, "a");
    let resume = |line: &str| folder.command(line).current_dir("/").output().unwrap();
    fs::copy(folder.path("a/ck"), folder.path("kept")).unwrap();
    // From another folder.
    let output = resume("resume @a/ck -q");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    assert!(fs::read(folder.path("a/out.png")).unwrap() == whole);
    // After the whole folder has moved.
    fs::rename(folder.path("a"), folder.path("b")).unwrap();
    fs::copy(folder.path("kept"), folder.path("b/ck")).unwrap();
    fs::remove_file(folder.path("b/out.png")).unwrap();
    assert!(resume("resume @b/ck -q").status.success());
    assert!(fs::read(folder.path("b/out.png")).unwrap() == whole);
    // After an image has moved alone: it is named, or the error names it.
    fs::copy(folder.path("kept"), folder.path("b/ck")).unwrap();
    fs::rename(folder.path("b/content.png"), folder.path("photo.png")).unwrap();
    let line = error_line(&resume("resume @b/ck"));
    assert!(line.contains("content.png is missing") && line.contains("--content FILE"), "{line}");
    assert!(resume("resume @b/ck -q --content @photo.png").status.success());
    assert!(fs::read(folder.path("b/out.png")).unwrap() == whole);
    fs::copy(folder.path("kept"), folder.path("b/ck")).unwrap();
    let line = error_line(&resume("resume @b/ck --content @b/style.png"));
    assert!(line.contains("other images"), "{line}");
    fs::remove_file(folder.path("b/style.png")).unwrap();
    let line = error_line(&resume("resume @b/ck --content @photo.png"));
    assert!(line.contains("style.png is missing") && line.contains("beside the checkpoint"), "{line}");
}

/// A checkpoint whose record has relative paths and no precision, as the first version wrote it.
#[test]
fn checkpoints_of_the_first_version_are_resumed() {
    let folder = TestFolder::new();
    let whole = stopped(&folder, "a");
    let bytes = fs::read(folder.path("a/ck")).unwrap();
    let old = with_old_record(&bytes, &folder.path("a"));
    fs::write(folder.path("a/ck"), old).unwrap();
    folder.command("resume @a/ck -q").current_dir("/").assert().success();
    assert!(
        pixels(&folder.path("a/out.png")) == {
            fs::write(folder.path("whole.png"), whole).unwrap();
            pixels(&folder.path("whole.png"))
        }
    );
}

fn pixels(path: &Path) -> Vec<f32> {
    Image::load(path).unwrap().into_pixels()
}

/// The same file with the record of an earlier version: paths as they were typed, and fewer fields.
fn with_old_record(bytes: &[u8], folder: &Path) -> Vec<u8> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let parsed = |text: &serde_json::Value| -> serde_json::Value {
        serde_json::from_str(text.as_str().unwrap()).unwrap()
    };
    let mut painting = parsed(&header["__metadata__"]["painting"]);
    let note = parsed(&painting["note"]).to_string().replace(&format!("{}/", folder.display()), "");
    let mut record: serde_json::Value = serde_json::from_str(&note).unwrap();
    for field in ["precision", "automatic", "note"] {
        record.as_object_mut().unwrap().remove(field);
    }
    painting["note"] = record.to_string().into();
    header["__metadata__"]["painting"] = painting.to_string().into();
    let mut text = header.to_string();
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &bytes[8 + length..]].concat()
}
