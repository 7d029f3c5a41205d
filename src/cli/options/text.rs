//! Serde form of options: the text that the command line takes.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use impasto::objective::parse_weight;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::cli::masks::{MaskFile, MaskList};

pub fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(reader: D) -> Result<T, D::Error> {
    String::deserialize(reader)?.parse().map_err(D::Error::custom)
}

/// A number from 0 up.
pub mod weight {
    pub use super::serialize;
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<f32, D::Error> {
        parse_weight(&String::deserialize(reader)?).map_err(D::Error::custom)
    }
}

/// An option that may be left out.
pub mod optional {
    use super::*;

    pub fn serialize<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(T::to_string).serialize(serializer)
    }

    pub fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        reader: D,
    ) -> Result<Option<T>, D::Error> {
        super::deserialize(reader).map(Some)
    }
}

/// A number from 0 up that may be left out.
pub mod optional_weight {
    pub use super::optional::serialize;
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<f32>, D::Error> {
        super::weight::deserialize(reader).map(Some)
    }
}

/// Numbers from 0 up, separated by commas.
pub mod weights {
    use super::*;

    pub fn serialize<S: Serializer>(values: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&values.iter().map(f32::to_string).collect::<Vec<_>>().join(","))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<f32>, D::Error> {
        let text = String::deserialize(reader)?;
        text.split(',').map(|part| parse_weight(part).map_err(D::Error::custom)).collect()
    }
}

/// Masks as an array; earlier versions wrote one text with commas between them.
pub mod mask_lists {
    use super::*;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(String),
        Array(Vec<PathBuf>),
    }

    pub fn serialize<S: Serializer>(lists: &[MaskList], serializer: S) -> Result<S::Ok, S::Error> {
        let masks = lists.iter().flat_map(|list| &list.0);
        masks.map(MaskFile::to_string).collect::<Vec<_>>().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Vec<MaskList>, D::Error> {
        let paths: Vec<PathBuf> = match Form::deserialize(reader)? {
            Form::Text(text) => text.split(',').map(PathBuf::from).collect(),
            Form::Array(paths) => paths,
        };
        Ok(vec![MaskList(paths.into_iter().map(MaskFile::from).collect())])
    }
}

/// A mask that may be left out.
pub mod mask {
    pub use super::optional::serialize;
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<MaskFile>, D::Error> {
        PathBuf::deserialize(reader).map(|path| Some(path.into()))
    }
}

/// A path that may be left out.
pub mod path {
    use super::*;

    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(Path::to_string_lossy).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<PathBuf>, D::Error> {
        PathBuf::deserialize(reader).map(Some)
    }
}
