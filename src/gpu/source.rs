//! The text of a kernel: its imports, and errors that point into it.

use std::borrow::Cow;
use std::error::Error;

use naga::Span;
use naga::front::wgsl::ParseError;
use naga::valid::{Capabilities, ExpressionError, ValidationFlags, Validator};
use naga::{Scalar, ScalarKind, TypeInner};

macro_rules! helpers {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $name, ".wgsl")))),*]
    };
}

/// The files that kernels may import, by name.
const HELPERS: [(&str, &str); 26] = helpers![
    "shared/adam_powers",
    "shared/divergence",
    "shared/divergence_guard",
    "shared/fetch_buffer",
    "shared/fetch_masked",
    "shared/fetch_numbers",
    "shared/grid",
    "shared/halo",
    "shared/largest_tree",
    "shared/largest_vector",
    "shared/lbfgs_state",
    "shared/matmul_load",
    "shared/matmul_put",
    "shared/matmul_put_rows",
    "shared/reduce",
    "shared/row",
    "shared/scale",
    "shared/store",
    "shared/store_row",
    "shared/weights",
    "shared/winograd_direct",
    "shared/winograd_f2",
    "shared/winograd_f4",
    "shared/winograd_input",
    "shared/winograd_output",
    "shared/winograd_staged",
];

/// Inserts the text of `shaders/shared/x.wgsl` after each line `#import shared/x`, which becomes a comment. Imported files
/// import nothing. Kernels are otherwise plain WGSL; there is no other preprocessing.
///
/// # Errors
/// The name of a helper that does not exist.
pub fn expand_imports(source: &'static str) -> Result<Cow<'static, str>, String> {
    if !source.contains("#import") {
        return Ok(source.into());
    }
    let mut expanded = String::with_capacity(source.len() + 4096);
    for line in source.lines() {
        if let Some(name) = line.strip_prefix("#import ") {
            expanded += &format!("// {line}\n{}", import(name)?);
        } else {
            expanded += line;
        }
        expanded.push('\n');
    }
    Ok(expanded.into())
}

/// The text of a file that kernels import.
///
/// # Errors
/// That there is none of this name, with those that there are.
pub(super) fn import(name: &str) -> Result<&'static str, String> {
    let helper = HELPERS.iter().find(|(known, _)| *known == name.trim());
    helper.map(|(_, text)| *text).ok_or_else(|| {
        let names = HELPERS.map(|(name, _)| name).join(", ");
        format!("unknown import '{}': there are {names}", name.trim())
    })
}

/// The error of a text and its place, in one line; `None` if it is valid WGSL.
pub(super) fn find_error(text: &str) -> Option<String> {
    let module = match naga::front::wgsl::parse_str(text) {
        Ok(module) => module,
        Err(error) => return Some(describe(text, &error)),
    };
    let error = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).err()?;
    let mut message = error.to_string();
    let mut cause = error.as_inner().source();
    while let Some(inner) = cause {
        if let Some(plain) = inner.downcast_ref().and_then(mixed_types) {
            message = plain;
            break;
        }
        message += &format!(": {inner}");
        cause = inner.source();
    }
    // The first span is the narrowest.
    let span = error.spans().next().map(|(span, _)| *span);
    Some(locate(text, span.unwrap_or_default(), &message))
}

/// The mistake of everyone who comes from another language, in words: `i < n` for a signed and an unsigned number.
fn mixed_types(error: &ExpressionError) -> Option<String> {
    let ExpressionError::InvalidBinaryOperandTypes { lhs_type, rhs_type, .. } = error else { return None };
    let (left, right) = (type_name(lhs_type)?, type_name(rhs_type)?);
    let (a, b) = (lhs_type.scalar_kind()?, rhs_type.scalar_kind()?);
    let remedy = match (a, b) {
        (ScalarKind::Sint, ScalarKind::Uint) | (ScalarKind::Uint, ScalarKind::Sint) => {
            ": a number is a u32 if it is written as 0u, and u32(..) converts"
        }
        (ScalarKind::Float, ScalarKind::Sint | ScalarKind::Uint)
        | (ScalarKind::Sint | ScalarKind::Uint, ScalarKind::Float) => ": f32(..) converts",
        _ => "",
    };
    Some(format!("{left} and {right} do not mix{remedy}"))
}

/// `u32` or `vec3<f32>`.
fn type_name(of: &TypeInner) -> Option<String> {
    let name = |scalar: Scalar| {
        let bits = 8 * u32::from(scalar.width);
        match scalar.kind {
            ScalarKind::Sint => format!("i{bits}"),
            ScalarKind::Uint => format!("u{bits}"),
            ScalarKind::Float => format!("f{bits}"),
            ScalarKind::Bool => "bool".into(),
            ScalarKind::AbstractInt | ScalarKind::AbstractFloat => "number".into(),
        }
    };
    match *of {
        TypeInner::Scalar(scalar) => Some(name(scalar)),
        TypeInner::Vector { size, scalar } => Some(format!("vec{}<{}>", size as u32, name(scalar))),
        _ => None,
    }
}

/// A parser's error in one line.
pub(super) fn describe(text: &str, error: &ParseError) -> String {
    let span = error.labels().next().map(|(span, _)| span);
    locate(text, span.unwrap_or_default(), error.message())
}

/// A message with the line, the column and the text of the line.
pub(super) fn locate(text: &str, span: Span, message: &str) -> String {
    if !span.is_defined() {
        return message.into();
    }
    let at = span.location(text);
    let line = text.lines().nth(at.line_number as usize - 1).unwrap_or_default().trim();
    format!("line {}, column {}: {message}: {line}", at.line_number, at.line_position)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_line_and_quote_it() {
        let main = |code: &str| format!("@compute @workgroup_size(64)\nfn main() {{\n    {code}\n}}\n");
        assert_eq!(find_error(&main("let x = 1.0;")), None);
        let error = find_error(&main("let x = nothing;")).unwrap();
        assert!(error.starts_with("line 3, column 13: ") && error.ends_with(": let x = nothing;"), "{error}");
        let mixed = find_error(
            &main("var i = 0; if i < arrayLength(&a) { return; }")
                .replace("@compute", "@group(0) @binding(0) var<storage> a: array<f32>;\n@compute"),
        )
        .unwrap();
        assert!(
            mixed.contains("i32 and u32 do not mix: a number is a u32 if it is written as 0u"),
            "{mixed}"
        );
        // This one is found after parsing.
        let error = find_error(&main("return 1.0;")).unwrap();
        assert!(error.starts_with("line 3, column ") && error.ends_with(": return 1.0;"), "{error}");
    }

    #[test]
    fn imports_are_resolved_and_an_unknown_one_is_named() {
        let text = expand_imports("#import shared/grid\nfn main() {}").unwrap();
        assert!(text.starts_with("// #import shared/grid\n") && text.contains("fn linear_index"), "{text}");
        assert!(text.ends_with("}\n\nfn main() {}\n"), "{text}");
        assert!(expand_imports("#import shared/nowhere").unwrap_err().contains("nowhere"));
    }
}
