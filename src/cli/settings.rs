//! The settings of a painting as data: layers of them, merged by name.
//!
//! A layer has a value for some options: a preset, the note of a PNG file, or what the user typed. The
//! merged settings are written to the picture and to checkpoints.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use impasto::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::balance::Balance;
use super::earlier_settings;
use super::note::Note;
use super::options::{CommonOptions, PaintingOptions};
use super::paths::path;
use super::presets;

/// Values of options of [`PaintingOptions`] by the option's name, without the dashes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Map<String, Value>);

/// Options that set the same quantity: a layer with one of them takes away the other.
const ALTERNATIVES: [(&str, &str); 2] = [("ratio", "style-weight"), ("style-weight", "ratio")];

impl Settings {
    /// Every setting of a painting, defaults included.
    pub fn of(options: &PaintingOptions) -> Result<Self> {
        let fail =
            |e: serde_json::Error| Error::Usage(format!("the settings cannot be written as JSON: {e}"));
        let mut settings: Self =
            serde_json::to_value(options).and_then(serde_json::from_value).map_err(fail)?;
        if settings.0.contains_key("ratio") {
            settings.0.remove("style-weight");
        }
        Ok(settings)
    }

    /// The defaults of every option that has one.
    pub fn defaults() -> Result<Self> {
        let command = PaintingOptions::augment_args(Command::new("").no_binary_name(true));
        let matches = command.try_get_matches_from([""; 0]);
        let options = matches.and_then(|matches| PaintingOptions::from_arg_matches(&matches));
        Self::of(&options.map_err(|e| Error::Usage(e.to_string()))?)
    }

    /// The settings that the user typed, of those that were parsed.
    fn typed(options: &PaintingOptions, matches: &ArgMatches) -> Result<Self> {
        let mut settings = Self::of(options)?;
        settings.0.retain(|name, _| is_typed(&name.replace('-', "_"), matches));
        Ok(settings)
    }

    /// These settings with those of `upper` in their place.
    pub fn overlaid_with(mut self, upper: &Self) -> Self {
        for (name, value) in &upper.0 {
            for (_, other) in ALTERNATIVES.iter().filter(|(one, _)| one == name) {
                self.0.remove(*other);
            }
            self.0.insert(name.clone(), value.clone());
        }
        self
    }

    /// The options that have these values, and their defaults where there is none.
    ///
    /// # Errors
    /// What is wrong, naming the setting: the end of a sentence about the file that holds them.
    pub fn options(&self) -> std::result::Result<PaintingOptions, String> {
        if let Some((name, _)) = self.0.iter().find(|(_, value)| has_control_characters(value)) {
            // Messages quote settings, and a file must not control the terminal.
            return Err(format!("has control characters in the setting {name:?}: use another file"));
        }
        if let Some(name) = self.unknown() {
            return Err(format!(
                "has a setting that this version of Impasto does not know, {name:?}: use the version that made it"
            ));
        }
        let defaults = Self::defaults().map_err(|e| e.to_string())?;
        let parsed = |settings: Map<String, Value>| {
            let all = defaults.0.clone().into_iter().chain(settings).collect();
            serde_json::from_value(Value::Object(all))
        };
        parsed(self.0.clone()).map_err(|error| {
            let fails_alone = |(name, value): &(&String, &Value)| {
                parsed(Map::from_iter([((*name).clone(), (*value).clone())])).is_err()
            };
            match self.0.iter().find(fails_alone) {
                Some((name, value)) => {
                    format!("has the setting {name} {value}, which cannot be used: {error}")
                }
                None => format!("has settings that cannot be used: {error}"),
            }
        })
    }

    /// Settings that a file holds. Those of earlier versions get what these painted by.
    pub fn of_file(self) -> Self {
        Self(earlier_settings::completed(self.0))
    }

    /// The name of a setting that this version does not have.
    fn unknown(&self) -> Option<&str> {
        let command = PaintingOptions::augment_args(Command::new(""));
        let names: Vec<&str> = command.get_arguments().filter_map(|argument| argument.get_long()).collect();
        self.0.keys().map(String::as_str).find(|name| !names.contains(name))
    }
}

/// Whether an argument, by the name of its field, stood on the command line.
fn is_typed(argument: &str, matches: &ArgMatches) -> bool {
    matches.value_source(argument) == Some(ValueSource::CommandLine)
}

fn has_control_characters(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.iter().any(has_control_characters),
        value => value.as_str().is_some_and(|text| text.chars().any(char::is_control)),
    }
}

/// Options that name settings to start from.
#[derive(Debug, Clone, Args)]
pub struct BaseOptions {
    /// Settings of a published program: 'impasto presets'
    #[arg(long, value_name = "NAME", value_parser = presets::names(), hide_possible_values = true,
        long_help = "Settings of a published program or paper, see 'impasto presets'; options beside it win")]
    preset: Option<String>,

    /// Settings of a PNG picture that Impasto wrote
    #[arg(long, value_name = "PICTURE.png", conflicts_with = "preset", value_parser = path())]
    pub like: Option<PathBuf>,

    /// From photograph (0) to painting (10) [default: 5]
    #[arg(
        long,
        value_name = "0..10",
        conflicts_with = "preset",
        allow_hyphen_values = true,
        long_help = "From photograph (0) to painting (10), 5 is the default: sets layers, --style-weight, --init-noise, \
            --flat-content and --scales, each of which beside it wins"
    )]
    balance: Option<Balance>,
}

impl BaseOptions {
    /// The options of a painting in layers: defaults, the preset or the picture's settings, the balance, what was
    /// typed. The kernels of the picture go to `common`.
    ///
    /// # Errors
    /// [`Error::Image`] naming the picture of `--like` if its settings cannot be used.
    pub fn merge(
        &self,
        parsed: &PaintingOptions,
        common: &mut CommonOptions,
        matches: &ArgMatches,
    ) -> Result<PaintingOptions> {
        let refuse = |path: PathBuf| move |reason| Error::Image { path, reason };
        let (base, file) = match (&self.preset, &self.like) {
            (Some(name), _) => (presets::settings(name), name.into()),
            (None, Some(path)) => {
                let note = Note::of(path)?;
                note.same_kernels(common, is_typed("precision", matches));
                (note.settings.of_file(), path.clone())
            }
            (None, None) => (Settings::default(), PathBuf::new()),
        };
        base.options().map_err(refuse(file.clone()))?;
        let base = self.balance.iter().fold(base, |base, balance| base.overlaid_with(&balance.settings()));
        base.overlaid_with(&Settings::typed(parsed, matches)?).options().map_err(refuse(file))
    }
}

/// The options of a painting at a balance, except for those that were typed.
///
/// # Errors
/// As [`Settings::of`].
pub fn balanced(parsed: &PaintingOptions, balance: Balance, matches: &ArgMatches) -> Result<PaintingOptions> {
    let typed = Settings::typed(parsed, matches)?;
    balance.settings().overlaid_with(&typed).options().map_err(Error::Usage)
}

impl FromIterator<(String, String)> for Settings {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use crate::cli::presets::PRESETS;
    use clap::CommandFactory;

    /// The settings of `paint` with these options.
    fn merged(options: &str) -> Settings {
        let line = format!("impasto paint a.png b.png -o c.png {options}");
        let matches = Cli::command().try_get_matches_from(line.split_whitespace()).unwrap();
        let matches = matches.subcommand().unwrap().1;
        let base = BaseOptions::from_arg_matches(matches).unwrap();
        let parsed = PaintingOptions::from_arg_matches(matches).unwrap();
        let mut common = CommonOptions::from_arg_matches(matches).unwrap();
        Settings::of(&base.merge(&parsed, &mut common, matches).unwrap()).unwrap()
    }

    fn settings(json: &str) -> Settings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_preset_gives_its_settings() {
        for preset in &PRESETS {
            let base = presets::settings(preset.name);
            let expected = Settings::of(&base.options().unwrap()).unwrap();
            assert_eq!(merged(&format!("--preset {}", preset.name)), expected, "{}", preset.name);
            assert_eq!(base.0.len(), preset.options.len());
        }
    }

    #[test]
    fn options_beside_a_preset_win() {
        let Settings(merged) = merged("--preset udacity --size 64 --ratio 1e-3");
        assert_eq!((&merged["size"], &merged["ratio"]), (&"64".into(), &"0.001".into()));
        assert_eq!((&merged["lr"], merged.get("style-weight")), (&"0.17".into(), None));
    }

    #[test]
    fn settings_are_read_as_they_are_written() {
        let all = "--style-weights 2,1 --style-mask a,b --content-mask c --until 0.01 --lr 0.5 --weights w \
                   --optimizer adam --average --ratio 1e-4 --style-size full --init x.png --init-noise 0.25";
        let Settings(written) = merged(all);
        assert!(written.keys().len() > 20 && !written.contains_key("style-weight"), "{written:?}");
        let read = Settings(written.clone()).options().unwrap();
        assert_eq!(Settings::of(&read).unwrap(), Settings(written));
    }

    /// As the first version wrote notes and checkpoints: texts only, masks in one of them.
    #[test]
    fn settings_of_earlier_versions_are_read() {
        let old = settings(
            r#"{"average":"true","optimizer":"adam","style-mask":"a.png,b.png","style-weights":"2,1","ratio":"1e-3",
                "iterations":"500,200","network":"balanced","size":"full","content-layers":"conv1_1..conv1_2"}"#,
        );
        let options = old.of_file().options().unwrap();
        let masks = options.files();
        assert_eq!(masks.iter().map(|(_, path)| path.as_os_str()).collect::<Vec<_>>(), ["a.png", "b.png"]);
        assert_eq!((options.objective.ratio, options.styles.style_weights), (vec![1e-3], vec![2.0, 1.0]));
        assert!(options.method.average);
    }

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        for (json, word) in [
            (r#"{"size":"12x"}"#, "size \"12x\""),
            (r#"{"until":"-1"}"#, "until \"-1\""),
            (r#"{"size":"64","network":"huge"}"#, "network \"huge\""),
            (r#"{"colour":"red"}"#, "does not know, \"colour\""),
            (r#"{"init":"a\u001b[2J"}"#, "control characters in the setting \"init\""),
        ] {
            let error = settings(json).options().unwrap_err();
            assert!(error.contains(word) && !error.contains('\n'), "{error}");
        }
    }
}
