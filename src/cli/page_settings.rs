//! The settings of a painting as a page gives them: the command line's, with `preset` and `balance` among them.

use impasto::{Error, Result};
use serde::Deserialize;

use super::balance::Balance;
use super::options::PaintingOptions;
use super::presets;
use super::settings::Settings;

/// The settings that a page sends: texts by name. An empty preset or balance counts as none.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PageSettings {
    #[serde(default)]
    preset: String,
    #[serde(default)]
    balance: String,
    #[serde(flatten)]
    others: Settings,
}

impl PageSettings {
    /// The options of a painting in layers: defaults, the preset or the settings of an earlier picture, the balance, and
    /// the other settings of the page.
    ///
    /// # Errors
    /// [`Error::Usage`] for a setting that is unknown or has no such value, and for one that names a file: a page has none.
    pub fn options(&self, like: Option<Settings>) -> Result<PaintingOptions> {
        let names = presets::names();
        let base = match (self.preset.as_str(), like) {
            ("", None) => Settings::default(),
            ("", Some(like)) => like.of_file(),
            (name, _) if names.contains(&name) => presets::settings(name),
            (name, _) => {
                let known = names.join(", ");
                return Err(Error::Usage(format!("there is no preset {name:?}: choose one of {known}")));
            }
        };
        let base = match self.balance.as_str() {
            "" => base,
            text => base.overlaid_with(&text.parse::<Balance>()?.settings()),
        };
        let unusable = |reason: String| Error::Usage(format!("the page {reason}"));
        let options = base.overlaid_with(&self.others).options().map_err(unusable)?;
        match options.files().first() {
            Some((role, _)) => {
                Err(Error::Usage(format!("a page cannot name a file for {role}: use 'impasto paint'")))
            }
            None => Ok(options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(given: &str, like: Option<&str>) -> Result<PaintingOptions> {
        let like = like.map(|json| serde_json::from_str(json).unwrap());
        serde_json::from_str::<PageSettings>(given).unwrap().options(like)
    }

    #[test]
    fn layers_lie_in_the_order_of_the_command_line() {
        let preset = of(r#"{"preset":"udacity","size":"64"}"#, None).unwrap();
        assert_eq!((preset.sizes.size.to_string().as_str(), preset.method.lr), ("64", Some(0.17)));
        let like = Some(r#"{"size":"256","seed":"7","margin":"4"}"#);
        let again = of(r#"{"preset":"","balance":"","size":"300"}"#, like).unwrap();
        assert_eq!((again.sizes.size.to_string().as_str(), again.start.seed), ("300", 7));
        let balanced = of(r#"{"balance":"10"}"#, like).unwrap();
        assert_eq!((balanced.sizes.margin, balanced.objective.style_weight), (4, 20000.0));
        assert_eq!(balanced.sizes.scales.to_string(), "181px");
    }

    #[test]
    fn what_a_page_cannot_have_is_refused() {
        for (given, word) in [
            (r#"{"preset":"monet"}"#, "no preset \"monet\""),
            (r#"{"balance":"11"}"#, "from 0"),
            (r#"{"sise":"64"}"#, "does not know"),
            (r#"{"size":"x"}"#, "size \"x\""),
            (r#"{"init":"/etc/passwd"}"#, "file for the initial image"),
            (r#"{"weights":"w"}"#, "a page cannot name a file for the weights: use"),
            (r#"{"style-mask":["a"]}"#, "file for a style mask"),
        ] {
            let error = of(given, None).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(of("{}", Some(r#"{"content-mask":"c"}"#)).is_err());
    }
}
