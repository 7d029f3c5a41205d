//! The settings of a painting as a list of options: where they come from besides the command line, and
//! how a finished picture remembers them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command};
use impasto::image_io::Image;
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};

use super::options::PaintingOptions;
use super::presets::PRESETS;

/// Every option of [`PaintingOptions`] by its name, without the dashes.
pub type Settings = BTreeMap<String, String>;

/// What a picture says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Version of the program.
    pub version: String,
    /// Names of the content and the style images, without their folders.
    pub images: Vec<String>,
    /// The settings, defaults included: they may be others in another version.
    pub settings: Settings,
}

impl Note {
    /// What a picture made from these files with these settings says.
    pub fn new(images: &[&Path], settings: &Settings) -> Self {
        let name = |path: &&Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            images: images.iter().map(name).collect(),
            settings: settings.clone(),
        }
    }

    /// The note of a PNG file.
    pub fn of(path: &Path) -> Result<Self> {
        let unreadable = |why: String| Error::Image {
            path: path.into(),
            reason: format!("carries a note that cannot be understood: {why}"),
        };
        let note: Self = serde_json::from_str(&Image::note(path)?).map_err(|e| unreadable(e.to_string()))?;
        // Messages quote settings, and a file must not speak to the terminal.
        match note.settings.iter().find(|(_, value)| value.chars().any(char::is_control)) {
            Some((name, _)) => Err(unreadable(format!("{name:?} holds control characters"))),
            None => Ok(note),
        }
    }
}

/// Two names for one thing: a base does not set the other where the user gave one.
const ALTERNATIVES: [(&str, &str); 2] = [("ratio", "style-weight"), ("style-weight", "ratio")];

/// The command line with the options of its `--preset` or `--like` filled in, unless given.
pub fn fill_in(line: Vec<OsString>, command: &Command) -> Result<Vec<OsString>> {
    // What is wrong with the line is said, with the right exit code, when it is parsed for good.
    let Ok(matches) = command.clone().try_get_matches_from(&line) else { return Ok(line) };
    let Some((_, matches)) = matches.subcommand() else { return Ok(line) };
    let given = |name: &str| {
        let id = name.replace('-', "_");
        matches.try_contains_id(&id).is_ok() && matches.value_source(&id) == Some(ValueSource::CommandLine)
    };
    let mut filled = line[..2].to_vec();
    for (name, value) in base(matches)? {
        let settled = given(&name) || ALTERNATIVES.iter().any(|(a, b)| *b == name && given(a));
        if !settled {
            filled.push(format!("--{name}={value}").into());
        }
    }
    filled.extend_from_slice(&line[2..]);
    Ok(filled)
}

/// What `--preset` or `--like` stands for.
fn base(matches: &ArgMatches) -> Result<Settings> {
    let preset = matches.try_get_one::<String>("preset").ok().flatten();
    if let Some(preset) = PRESETS.iter().find(|known| preset.is_some_and(|name| name == known.name)) {
        return Ok(preset.options.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect());
    }
    match matches.try_get_one::<PathBuf>("like").ok().flatten() {
        Some(path) => {
            let mut settings = Note::of(path)?.settings;
            // A file may say what it likes: only options of a painting are taken over.
            let names = names();
            settings.retain(|name, _| names.contains(name));
            Ok(settings)
        }
        None => Ok(Settings::new()),
    }
}

/// The names of all options of a painting.
fn names() -> Vec<String> {
    let command = PaintingOptions::augment_args(Command::new(""));
    command.get_arguments().filter_map(|argument| argument.get_long().map(String::from)).collect()
}

/// The settings that a parsed command line has, defaults included unless another option stands in their place.
pub fn of(matches: &ArgMatches) -> Settings {
    let given = |name: &str| {
        let source = matches.value_source(&name.replace('-', "_"));
        source.is_some_and(|source| source != ValueSource::DefaultValue)
    };
    let value = |name: &String| {
        if !given(name) && ALTERNATIVES.iter().any(|(a, b)| b == name && given(a)) {
            return None;
        }
        let values = matches.get_raw(&name.replace('-', "_"))?;
        let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
        Some((name.clone(), values.join(",")))
    };
    names().iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn filled(line: &str) -> String {
        let line: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let filled = fill_in(line, &crate::cli::Cli::command()).unwrap();
        filled.into_iter().map(|part| part.into_string().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_preset_is_a_command_line() {
        for preset in &PRESETS {
            let line = filled(&format!("impasto paint a.png b.png -o c.png --preset {}", preset.name));
            let matches = crate::cli::Cli::command().try_get_matches_from(line.split(' ')).unwrap();
            let settings = of(matches.subcommand().unwrap().1);
            for (name, value) in preset.options {
                assert_eq!(settings[*name], *value, "{} of {}", name, preset.name);
            }
        }
    }

    #[test]
    fn options_beside_a_preset_win() {
        let line = filled("impasto paint a.png b.png -o c.png --preset udacity --size 64 --ratio 1e-3");
        assert!(!line.contains("--size=400") && line.contains("--size 64"), "{line}");
        assert!(!line.contains("--style-weight"), "{line}");
        assert!(line.contains("--lr=0.17"), "{line}");
    }

    #[test]
    fn a_default_is_not_recorded_beside_what_takes_its_place() {
        let settings = |extra: &str| {
            let line = format!("impasto paint a.png b.png -o c.png {extra}");
            let matches = crate::cli::Cli::command().try_get_matches_from(line.split_whitespace()).unwrap();
            of(matches.subcommand().unwrap().1)
        };
        let [plain, ratio] = [settings(""), settings("--ratio 1e-4")];
        assert!(plain.contains_key("style-weight") && !plain.contains_key("ratio"), "{plain:?}");
        assert!(ratio["ratio"] == "1e-4" && !ratio.contains_key("style-weight"), "{ratio:?}");
    }

    #[test]
    fn a_line_without_a_base_stays_as_it_is() {
        for line in [
            "impasto paint a.png b.png -o c.png --size 64",
            "impasto devices",
            "impasto",
            "impasto --nonsense",
        ] {
            assert_eq!(filled(line), line);
        }
    }
}
