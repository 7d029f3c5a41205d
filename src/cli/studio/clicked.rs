//! Whether the program was started by a double click rather than from a terminal.
//!
//! Only a start without arguments counts, which prints the help elsewhere.

/// On Windows: its console has no other program, so it was made for this one.
#[cfg(windows)]
pub fn opened_by_a_click() -> bool {
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn GetConsoleProcessList(list: *mut u32, count: u32) -> u32;
    }
    let mut list = [0; 2];
    // SAFETY: the list has room for as many numbers as its length tells.
    let programs = unsafe { GetConsoleProcessList(list.as_mut_ptr(), 2) };
    std::env::args_os().len() == 1 && programs == 1
}

/// On macOS: Finder opens a terminal, which runs the program by its whole path in the home folder. The same line typed there
/// counts too.
#[cfg(target_os = "macos")]
pub fn opened_by_a_click() -> bool {
    let mut line = std::env::args_os();
    let is_whole = line.next().is_some_and(|program| std::path::Path::new(&program).is_absolute());
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    is_whole && line.next().is_none() && home.is_some() && std::env::current_dir().ok() == home
}

/// Elsewhere desktops start programs in no terminal, or by a launcher that names the command.
#[cfg(not(any(windows, target_os = "macos")))]
pub fn opened_by_a_click() -> bool {
    false
}

/// Keeps the window open until the user has read what is in it.
pub fn wait_for_enter() {
    super::say("press Enter to close this window");
    let _ = std::io::stdin().read_line(&mut String::new());
}
