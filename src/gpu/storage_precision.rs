//! Storage precision: the text of a kernel some of whose bindings hold f16 or bf16.
//!
//! A kernel is written once, for `array<vec4<f32>>` and `texture_storage_2d<rgba32float, read>`, and reads `src[i]`.
//! Where a launch binds tensors of another [`Precision`], three things change in its text: the type of the binding,
//! `src[i]` becomes `unpack_f16(src[i])`, and `dst[i] = v` becomes `dst[i] = pack_f16(v)`. Arithmetic stays in f32.
//! These functions are plain WGSL (`shaders/shared/storage_f16.wgsl`), so devices without f16 arithmetic run them.
//!
//! naga parses the text and gives the places where it declares, reads and writes a binding. Everything else, including
//! comments and line numbers, stays as it is, so that errors point at the same lines as in the file.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use naga::{
    AddressSpace, Block, Expression, Function, GlobalVariable, Handle, Module, Span, Statement, TypeInner,
};

use super::Precision;
use super::source::{describe, locate};

/// The precision of each binding that does not hold f32, by its name.
pub(super) type Storage = BTreeMap<String, Precision>;

/// Bindings that change, with the last word of the functions that pack and unpack them.
type Bindings = HashMap<Handle<GlobalVariable>, String>;

/// Types of a binding in f32, and what they become.
const BUFFER: [&str; 2] = ["array<vec4<f32>>", "array<vec2<u32>>"];
const TEXTURE: [&str; 2] = ["rgba32float", "rgba16uint"];
/// What a buffer of f32 becomes where it is accessed in pairs.
const PAIRS: &str = "array<vec2<u64>>";

/// The text of a kernel with its bindings in the precisions of `storage`.
///
/// # Errors
/// The line that cannot be changed. A read or write that is missed here is not a silent error: its types no longer match,
/// and the text does not compile.
pub(super) fn store_as(text: &str, storage: &Storage) -> Result<String, String> {
    if storage.is_empty() {
        return Ok(text.into());
    }
    let module = naga::front::wgsl::parse_str(text).map_err(|error| describe(text, &error))?;
    let mut edits = Edits { text, edits: vec![] };
    let mut bindings = HashMap::new();
    for (handle, variable) in module.global_variables.iter() {
        let Some(precision) = variable.name.as_ref().and_then(|name| storage.get(name)) else { continue };
        if holds_16_bits(&module, variable) {
            continue;
        }
        let is_texture = matches!(module.types[variable.ty].inner, TypeInner::Image { .. });
        edits.declaration(&module, handle, variable, if is_texture { TEXTURE } else { BUFFER })?;
        bindings.insert(handle, precision.to_string());
    }
    edits.all_accesses(&module, &bindings)?;
    let mut edited = edits.apply();
    if storage.values().any(|precision| *precision == Precision::F16) {
        edited += include_str!("../../shaders/shared/storage_f16.wgsl");
    }
    if storage.values().any(|precision| *precision == Precision::Bf16) {
        edited += include_str!("../../shaders/shared/storage_bf16.wgsl");
    }
    Ok(edited)
}

/// The text of a kernel that reads and writes its buffers of f32 as pairs, in u64: see `shaders/shared/storage_pairs`. A kernel
/// that writes components of a vector, or counts vectors otherwise, stays as it is.
pub(super) fn store_as_pairs(text: &str) -> String {
    let pairs = || -> Result<String, String> {
        let module = naga::front::wgsl::parse_str(text).map_err(|error| describe(text, &error))?;
        let mut edits = Edits { text, edits: vec![] };
        let mut bindings = HashMap::new();
        for (handle, variable) in module.global_variables.iter() {
            let declared = &text[range(module.global_variables.get_span(handle))];
            if matches!(variable.space, AddressSpace::Storage { .. }) && declared.contains(BUFFER[0]) {
                edits.declaration(&module, handle, variable, [BUFFER[0], PAIRS])?;
                bindings.insert(handle, "pairs".to_string());
            }
        }
        edits.all_accesses(&module, &bindings)?;
        let edited = edits.apply() + include_str!("../../shaders/shared/storage_pairs.wgsl");
        naga::front::wgsl::parse_str(&edited).map_err(|error| describe(&edited, &error))?;
        Ok(edited)
    };
    pairs().unwrap_or_else(|_| text.into())
}

/// Whether a binding is declared with elements of 8 bytes: the kernel then packs and unpacks by itself, or computes in f16,
/// and a tensor of 16 bits a number needs no change of the text.
fn holds_16_bits(module: &Module, variable: &GlobalVariable) -> bool {
    let TypeInner::Array { base, .. } = module.types[variable.ty].inner else { return false };
    module.types[base].inner.size(module.to_ctx()) == 8
}

/// Changes to a text, in any order.
struct Edits<'a> {
    text: &'a str,
    edits: Vec<Edit>,
}

/// A replacement of a range of bytes; an empty range is an insertion.
struct Edit {
    range: Range<usize>,
    new: String,
    /// Order of insertions at one place, lowest first.
    order: (Side, usize),
}

/// The order at one place: ends come before beginnings.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    End,
    Begin,
}

impl Edits<'_> {
    /// The type of a binding.
    fn declaration(
        &mut self,
        module: &Module,
        handle: Handle<GlobalVariable>,
        variable: &GlobalVariable,
        [old, new]: [&str; 2],
    ) -> Result<(), String> {
        let span = module.global_variables.get_span(handle);
        let range = range(span);
        let Some(at) = self.text[range.clone()].find(old) else {
            let name = variable.name.as_deref().unwrap_or_default();
            return Err(locate(
                self.text,
                span,
                &format!("'{name}' can only be stored in 16 bits if it is {old}"),
            ));
        };
        let start = range.start + at;
        self.edits.push(Edit { range: start..start + old.len(), new: new.into(), order: (Side::Begin, 0) });
        Ok(())
    }

    /// Reads and writes of the bindings, each with the name of its form, in all functions.
    fn all_accesses(&mut self, module: &Module, bindings: &Bindings) -> Result<(), String> {
        let entries = module.entry_points.iter().map(|entry| &entry.function);
        let mut functions = module.functions.iter().map(|(_, function)| function).chain(entries);
        functions.try_for_each(|function| self.accesses(function, bindings))
    }

    /// Reads and writes of the bindings in a function.
    fn accesses(&mut self, function: &Function, bindings: &Bindings) -> Result<(), String> {
        let stored = |handle: Handle<Expression>| match &function.expressions[handle] {
            Expression::GlobalVariable(variable) => bindings.get(variable).map(String::as_str),
            _ => None,
        };
        let mut writes = HashMap::new();
        stores(&function.body, &mut writes);
        for (handle, expression) in function.expressions.iter() {
            let span = function.expressions.get_span(handle);
            match expression {
                Expression::Access { base, .. } | Expression::AccessIndex { base, .. } => {
                    let Some(form) = stored(*base) else { continue };
                    match writes.get(&handle) {
                        Some(statement) => self.write(form, span, *statement)?,
                        None => self.wrap(range(span), &format!("unpack_{form}("), 0),
                    }
                }
                Expression::ImageLoad { image, .. } => {
                    let Some(form) = stored(*image) else { continue };
                    self.wrap(self.call(span)?, &format!("unpack_texel_{form}("), 0);
                }
                _ => (),
            }
        }
        Ok(())
    }

    /// `element = value`.
    fn write(&mut self, form: &str, element: Span, statement: Span) -> Result<(), String> {
        let end = range(statement).end;
        let rest = &self.text[range(element).end..end];
        let Some(value) = rest.trim_start().strip_prefix('=') else {
            let how = "may be stored in 16 bits: write it as 'element = value', without other operators";
            return Err(locate(self.text, statement, how));
        };
        let value = value.trim_start();
        let start = end - value.len();
        let length = value.trim_end_matches(|c: char| c == ';' || c.is_whitespace()).len();
        // The value may be a read and nothing else, and the call that packs is then the outer one.
        self.wrap(start..start + length, &format!("pack_{form}("), 1);
        Ok(())
    }

    /// A call, from its name to its closing parenthesis: naga's span is that of the name.
    fn call(&self, name: Span) -> Result<Range<usize>, String> {
        let Range { start, end } = range(name);
        let mut depth = 0;
        let closing = self.text[end..].char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            (c == ')' && depth == 0).then_some(at)
        });
        let length = closing.ok_or_else(|| locate(self.text, name, "the call does not end"))?;
        Ok(start..end + length + 1)
    }

    /// Calls a function with what stands in a range. Ranges are nested: of two that end together the inner ends
    /// first, of two that begin together the outer begins first. `outer` decides between equal ones.
    fn wrap(&mut self, Range { start, end }: Range<usize>, call: &str, outer: usize) {
        let size = end - start + outer;
        let begin = (Side::Begin, usize::MAX - size);
        self.edits.push(Edit { range: start..start, new: call.into(), order: begin });
        self.edits.push(Edit { range: end..end, new: ")".into(), order: (Side::End, size) });
    }

    fn apply(mut self) -> String {
        self.edits.sort_by(|a, b| (a.range.start, &a.order).cmp(&(b.range.start, &b.order)));
        let (mut edited, mut copied) = (String::with_capacity(self.text.len() + 4096), 0);
        for Edit { range, new, .. } in self.edits {
            edited += &self.text[copied..range.start];
            edited += &new;
            copied = range.end;
        }
        edited + &self.text[copied..]
    }
}

/// The bytes that a span covers. Everything that comes from a text has a span.
fn range(span: Span) -> Range<usize> {
    span.to_range().unwrap_or_default()
}

/// The statements that write, by the pointer that they write to.
fn stores(block: &Block, found: &mut HashMap<Handle<Expression>, Span>) {
    for (statement, span) in block.span_iter() {
        match statement {
            Statement::Store { pointer, .. } => {
                found.insert(*pointer, *span);
            }
            Statement::Block(block) => stores(block, found),
            Statement::If { accept, reject, .. } => {
                stores(accept, found);
                stores(reject, found);
            }
            Statement::Switch { cases, .. } => cases.iter().for_each(|case| stores(&case.body, found)),
            Statement::Loop { body, continuing, .. } => {
                stores(body, found);
                stores(continuing, found);
            }
            _ => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARATIONS: &str = "\
        @group(0) @binding(0) var<storage, read> src: array<vec4<f32>>;  // src[i]\n\
        @group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;\n\
        @group(0) @binding(2) var image: texture_storage_2d<rgba32float, read>;\n\
        @group(0) @binding(3) var<storage, read> other: array<vec4<f32>>;\n\
        fn index_of(v: vec4<f32>) -> u32 { return u32(v.x); }\n";

    fn storage() -> Storage {
        let of = |(name, precision): (&str, Precision)| (name.to_string(), precision);
        [("src", Precision::F16), ("dst", Precision::Bf16), ("image", Precision::F16)].map(of).into()
    }

    /// The text of a kernel with this body, its declarations and what is appended left out.
    fn body(code: &str) -> Result<String, String> {
        let main = "@compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) {";
        let text = format!("{DECLARATIONS}{main}\n{code}\n}}\n");
        let stored = store_as(&text, &storage())?;
        naga::front::wgsl::parse_str(&stored).map_err(|error| error.emit_to_string(&stored))?;
        let start = stored.find(main).unwrap() + main.len() + 1;
        Ok(stored[start..].split("\n}\n").next().unwrap().to_string())
    }

    #[test]
    fn reads_are_unpacked_and_writes_packed() {
        let pairs = [
            ("let s = src[i + 1u].x;", "let s = unpack_f16(src[i + 1u]).x;"),
            ("let s = src[0][i];", "let s = unpack_f16(src[0])[i];"),
            ("dst[i] = src[i];", "dst[i] = pack_bf16(unpack_f16(src[i]));"),
            (
                "dst[i] = max(src[i], dst[0u]);",
                "dst[i] = pack_bf16(max(unpack_f16(src[i]), unpack_bf16(dst[0u])));",
            ),
            ("let d = src[i]; dst[i] = d;", "let d = unpack_f16(src[i]); dst[i] = pack_bf16(d);"),
            (
                "let s = src[index_of(src[index_of(dst[i])])];",
                "let s = unpack_f16(src[index_of(unpack_f16(src[index_of(unpack_bf16(dst[i]))]))]);",
            ),
            (
                "let s = textureLoad(image, vec2(0u, i)) * 2.0;",
                "let s = unpack_texel_f16(textureLoad(image, vec2(0u, i))) * 2.0;",
            ),
            (
                "for (; src[i].x > 0.0;) { dst[i] = vec4(0.0); }",
                "for (; unpack_f16(src[i]).x > 0.0;) { dst[i] = pack_bf16(vec4(0.0)); }",
            ),
        ];
        for (code, expected) in pairs {
            assert_eq!(body(code).unwrap(), expected);
        }
    }

    #[test]
    fn buffers_become_pairs_and_textures_stay() {
        let main = "@compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) {";
        let text = |body: &str| format!("{DECLARATIONS}{main} {body} }}");
        let pairs = store_as_pairs(&text("dst[i] = src[i].xxxx * textureLoad(image, vec2(0u, i));"));
        naga::front::wgsl::parse_str(&pairs).unwrap();
        let declared = pairs.lines().filter(|line| line.contains(": array<vec2<u64>>;"));
        assert_eq!(declared.count(), 3, "{pairs}");
        let body = "dst[i] = pack_pairs(unpack_pairs(src[i]).xxxx * textureLoad(image, vec2(0u, i)));";
        assert!(pairs.contains(body), "{pairs}");
        for body in ["dst[i].x = 1.0;", "dst[i] += src[i];"] {
            assert_eq!(store_as_pairs(&text(body)), text(body));
        }
    }

    #[test]
    fn it_matters_what_a_name_means_and_not_how_a_line_is_broken() {
        let others =
            "let n = arrayLength(&src) + u32(other[i].x); // src[i]\nlet src = vec4(0.0);\nlet s = src[i];";
        assert_eq!(body(others).unwrap(), others);
        let broken = "dst[\n  i\n]\n  =\n  src[ /* src[i] */ i]\n  + vec4(1.0);";
        let stored = "dst[\n  i\n]\n  =\n  pack_bf16(unpack_f16(src[ /* src[i] */ i])\n  + vec4(1.0));";
        assert_eq!(body(broken).unwrap(), stored);
    }

    #[test]
    fn only_the_types_of_declarations_change() {
        let main = "@compute @workgroup_size(1) fn main() {}";
        let stored = store_as(&format!("{DECLARATIONS}{main}"), &storage()).unwrap();
        let expected = DECLARATIONS.replacen(BUFFER[0], BUFFER[1], 2).replace(TEXTURE[0], TEXTURE[1]);
        assert!(stored.starts_with(&expected), "{stored}");
    }

    #[test]
    fn what_cannot_be_changed_is_refused_with_its_line() {
        for code in ["dst[i] += src[i];", "let p = &dst[i]; *p = vec4(0.0);"] {
            let error = body(code).unwrap_err();
            assert!(error.starts_with("line 7, column") && error.contains(code), "{error}");
        }
        let error = body("dst[i].x = 1.0;").unwrap_err();
        assert!(error.contains("unpack_bf16(dst[i]).x = 1.0;"), "{error}");
        let text = "@group(0) @binding(0) var<storage, read> src: array<f32>;\n\
            @compute @workgroup_size(1) fn main() { let s = src[0]; }";
        let error = store_as(text, &storage()).unwrap_err();
        assert!(error.contains("'src'") && error.contains("array<f32>"), "{error}");
    }
}
