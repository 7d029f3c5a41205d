//! What a painting shows on terminals of several kinds, and how help fits them.
#![cfg(unix)]

use std::fs::File;
use std::io::Read;
use std::process::Command;

use crate::common::test_folder::{SHALLOW, TestFolder, impasto, stderr};
use nix::pty::{Winsize, openpty};

const PAINT: &str =
    "paint @content.png @style.png -o @out.png --size 32 --scales 1 --iterations 12 --no-tune";

/// What a command writes to standard error on a terminal with these columns.
fn on_terminal(mut command: Command, columns: u16) -> String {
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).unwrap();
    let mut child = command.stderr(pty.slave).spawn().unwrap();
    // It holds the terminal's other end, and reading would never end.
    drop(command);
    let mut seen = vec![];
    let mut master = File::from(pty.master);
    let mut part = [0; 4096];
    // Linux reports an error once the other end is closed.
    while let Ok(n @ 1..) = master.read(&mut part) {
        seen.extend_from_slice(&part[..n]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(seen).unwrap()
}

fn command(folder: &TestFolder, term: Option<&str>) -> Command {
    let mut command = folder.process(&format!("{PAINT} {SHALLOW}"));
    match term {
        Some(term) => command.env("TERM", term),
        None => command.env_remove("TERM"),
    };
    command
}

#[test]
fn simple_and_narrow_terminals_get_plain_lines() {
    let folder = TestFolder::new();
    for (term, columns) in
        [(Some("dumb"), 120), (None, 120), (Some(""), 120), (Some("xterm"), 40), (Some("xterm"), 79)]
    {
        let seen = on_terminal(command(&folder, term), columns);
        assert!(!seen.contains('\u{1b}'), "{term:?}, {columns}: {seen:?}");
        assert!(seen.contains("12/12  ") && seen.contains("loss"), "{term:?}, {columns}: {seen:?}");
    }
}

#[test]
fn a_bar_never_wraps() {
    let folder = TestFolder::new();
    for columns in [80, 81, 100, 200] {
        let seen = on_terminal(command(&folder, Some("xterm-256color")), columns);
        assert!(seen.contains('\u{1b}') && seen.contains("/12"), "no bar was drawn: {seen:?}");
        for line in seen.split(['\r', '\n']) {
            let shown = without_escapes(line);
            assert!(shown.chars().count() <= usize::from(columns), "{columns}: {shown:?}");
        }
    }
}

#[test]
fn no_color_is_obeyed() {
    let folder = TestFolder::new();
    let colours = |seen: &str| {
        let codes = seen.split('\u{1b}').filter_map(|part| part.strip_prefix('['));
        codes
            .filter(|code| {
                code.find(|c: char| c.is_ascii_alphabetic()).is_some_and(|at| code.as_bytes()[at] == b'm')
            })
            .count()
    };
    let mut command = command(&folder, Some("xterm-256color"));
    command.env("NO_COLOR", "1");
    assert_eq!(colours(&on_terminal(command, 100)), 0);
}

/// Text without the sequences that move the cursor.
fn without_escapes(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        shown += before;
        let end = after.find(|c: char| c.is_ascii_alphabetic()).map_or(after.len(), |at| at + 1);
        rest = &after[end..];
    }
    shown + rest
}

#[test]
fn short_help_fits_a_screen_and_long_help_has_all() {
    let text = |columns: &str, help: &str| {
        let output = impasto().args(["paint", help]).env("COLUMNS", columns).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(text("80", "-h"), text("100", "-h"), "it wraps");
    let short = text("80", "-h");
    assert!((24..=40).contains(&short.lines().count()), "{} lines: {short}", short.lines().count());
    assert!(short.trim_end().lines().last().unwrap().contains("--help"), "{short}");
    assert!(short.lines().all(|line| line.chars().count() <= 80), "{short}");
    let long = text("100", "--help");
    for heading in [
        "Size:",
        "Initial image:",
        "Styles and colours:",
        "Objective:",
        "Network:",
        "Optimiser:",
        "Files:",
        "Kernels:",
    ] {
        assert!(long.contains(&format!("\n{heading}\n")), "{heading} is not in {long}");
    }
    for option in ["--style-mask", "--checkpoint-every", "--kernel", "--until", "--size"] {
        assert!(long.contains(option), "{option} is not in {long}");
    }
}

#[test]
fn opengl_for_lack_of_vulkan_is_said() {
    let folder = TestFolder::new();
    let line = format!("{PAINT} {SHALLOW}");
    let output = folder.command(&line).env("WGPU_BACKEND", "gl").output().unwrap();
    let text = stderr(&output);
    // Not every machine has OpenGL.
    if output.status.success() {
        assert!(text.contains("through OpenGL") && text.contains("Vulkan"), "{text}");
    }
    let output = folder.command(&line).output().unwrap();
    assert!(!stderr(&output).contains("OpenGL"), "{}", stderr(&output));
}

/// The refusal of a small budget tells what of it the program takes for itself.
#[test]
fn a_refused_budget_names_the_share_of_the_program() {
    let folder = TestFolder::new();
    let output = folder.command(&format!("{PAINT} --memory 1MiB")).output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let shared = crate::common::gpu().adapter().shares_memory();
    assert_eq!(text.contains("for the program and the driver themselves"), shared, "{text}");
}
