//! Matrix units replaced by loops, so that kernels for them can be run and tested on any device.
//!
//! The text of a kernel changes in four places: a matrix A or B becomes the place that it is loaded from, C an array of what a
//! lane holds of it, products and stores become functions, and lanes and subgroups are counted instead of asked for.
//! Everything else, the way of the data through workgroup memory, the rounding to f16, stays as it is. A lane computes half a
//! row of C. It reads A and B when they are multiplied, not when they are loaded, and nothing is written in between.

/// The text of a kernel with loops for matrices; the same text if it has no matrices.
///
/// # Errors
/// What the text has that is not understood.
pub(super) fn emulate_matrices(text: &str) -> Result<String, String> {
    const ENABLE: &str = "enable wgpu_cooperative_matrix;";
    if !text.contains(ENABLE) {
        return Ok(text.into());
    }
    let mut emulation = Emulation::default();
    let text = emulation.replace_aliases(&text.replace(ENABLE, ""));
    let text = emulation.replace_calls(&text)?;
    let text = count_lanes(&text)?.replace("coopMultiplyAdd(", "multiply_add(");
    Ok(text + MULTIPLY_ADD + &emulation.functions())
}

const MULTIPLY_ADD: &str = "
var<private> emulated_lane: u32;
// 16, in a way that compilers do not see: unrolled, the loops would take minutes to compile.
var<private> emulated_side: u32;

fn product(a: u32, b: u32, k: u32, column: u32) -> f32 {
    return element_a(a, emulated_lane / 2u, k) * element_b(b, k, emulated_lane % 2u * 8u + column);
}

fn multiply_add(a: u32, b: u32, c: array<f32, 8>) -> array<f32, 8> {
    var sums = c;
    for (var column = 0u; column < emulated_side / 2u; column++) {
        // Eight at a time: Mesa's lavapipe leaves all loops of an invocation after 65535 iterations in sum, which leaves
        // room for some 128 channels.
        for (var k = 0u; k < emulated_side; k += 8u) {
            sums[column] += product(a, b, k, column) + product(a, b, k + 1u, column);
            sums[column] += product(a, b, k + 2u, column) + product(a, b, k + 3u, column);
            sums[column] += product(a, b, k + 4u, column) + product(a, b, k + 5u, column);
            sums[column] += product(a, b, k + 6u, column) + product(a, b, k + 7u, column);
        }
    }
    return sums;
}
";

#[derive(Default)]
struct Emulation {
    /// Matrix types, by the name of their alias.
    types: Vec<(String, Role)>,
    /// Where matrices of each role are loaded from or stored to.
    places: Vec<(Role, Place)>,
}

/// The part of a matrix in a product.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    A,
    B,
    C,
}

/// An array that holds matrices.
#[derive(PartialEq, Eq)]
struct Place {
    name: String,
    stride: String,
    /// Whether the lines of the array are rows of the matrix; else they are columns.
    by_rows: bool,
    is_vectors: bool,
}

impl Place {
    /// The element of the matrix that begins at index `first` of the array.
    fn element(&self, row: &str, column: &str) -> String {
        let Self { name, stride, by_rows, is_vectors } = self;
        let (line, at) = if *by_rows { (row, column) } else { (column, row) };
        match is_vectors {
            true => format!("{name}[first + ({line}) * {stride} + ({at}) / 4u][({at}) % 4u]"),
            false => format!("{name}[first + ({line}) * {stride} + {at}]"),
        }
    }
}

impl Emulation {
    /// `alias Inputs = coop_mat16x16<f16, A>;`
    fn replace_aliases(&mut self, text: &str) -> String {
        let lines = text.lines().map(|line| {
            let parts = line.strip_prefix("alias ").and_then(|rest| rest.split_once(" = coop_mat16x16<"));
            let Some((name, role)) = parts.and_then(|(name, ty)| Some((name, ty.split_once(", ")?.1))) else {
                return line.to_string();
            };
            let (role, becomes) = match role.as_bytes().first() {
                Some(b'A') => (Role::A, "u32"),
                Some(b'B') => (Role::B, "u32"),
                _ => (Role::C, "array<f32, 8>"),
            };
            self.types.push((name.into(), role));
            format!("alias {name} = {becomes};")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// `coopLoad<T>(&name[index], stride)`, `coopLoadT` and `coopStoreT(value, &name[index], stride)`.
    fn replace_calls(&mut self, text: &str) -> Result<String, String> {
        let (mut replaced, mut rest) = (String::new(), text);
        while let Some(at) = ["coopLoad", "coopStoreT("].iter().filter_map(|call| rest.find(call)).min() {
            let (before, call) = rest.split_at(at);
            let open = call.find('(').ok_or("a call without arguments")?;
            let close = closing(call, open).ok_or("a call that does not end")?;
            replaced += before;
            replaced += &self.call(&call[..open], &call[open + 1..close], text)?;
            rest = &call[close + 1..];
        }
        Ok(replaced + rest)
    }

    fn call(&mut self, head: &str, arguments: &str, text: &str) -> Result<String, String> {
        let unclear = || format!("'{head}({arguments})' is not understood");
        let (value, array) = arguments.split_once('&').ok_or_else(unclear)?;
        let open = array.find('[').ok_or_else(unclear)?;
        let close = closing(array, open).ok_or_else(unclear)?;
        let (name, index) = (array[..open].to_string(), &array[open + 1..close]);
        let stride = array[close + 1..].trim_start_matches(", ").to_string();
        let is_vectors = text.contains(&format!("{name}: array<vec4<"));
        let (role, by_rows) = match head.split_once('<') {
            None => (Role::C, true),
            Some((load, ty)) => {
                let known = self.types.iter().find(|(known, _)| known == ty.trim_end_matches('>'));
                (known.ok_or_else(unclear)?.1, load.ends_with('T'))
            }
        };
        let place = Place { name, stride, by_rows, is_vectors };
        match self.places.iter().find(|(known, _)| *known == role) {
            None => self.places.push((role, place)),
            Some((_, known)) if *known == place => (),
            Some(_) => return Err(format!("{}: matrices of one kind lie in two arrays", unclear())),
        }
        Ok(if role == Role::C { format!("store_sums({value}{index})") } else { format!("({index})") })
    }

    /// The functions that read A and B and store C.
    fn functions(&self) -> String {
        let functions = self.places.iter().map(|(role, place)| match role {
            Role::A => format!(
                "\nfn element_a(first: u32, row: u32, k: u32) -> f32 {{\n    return f32({});\n}}\n",
                place.element("row", "k")
            ),
            Role::B => format!(
                "\nfn element_b(first: u32, k: u32, column: u32) -> f32 {{\n    return f32({});\n}}\n",
                place.element("k", "column")
            ),
            Role::C => format!(
                "\nfn store_sums(c: array<f32, 8>, first: u32) {{\n    var sums = c;\n    \
                 for (var i = 0u; i < emulated_side / 2u; i++) {{\n        {} = sums[i];\n    }}\n}}\n",
                place.element("emulated_lane / 2u", "(emulated_lane % 2u * 8u + i)")
            ),
        });
        functions.collect()
    }
}

/// Subgroups of 32, counted by the index of the invocation.
fn count_lanes(text: &str) -> Result<String, String> {
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("@builtin(subgroup_")).collect();
    let kept = kept.join("\n") + "\n";
    let main = kept.find("fn main(").ok_or("no function main")?;
    let body = main + kept[main..].find(") {").ok_or("main has no body")? + 3;
    let (head, rest) = kept.split_at(body);
    let lanes = "\n    let subgroup = index / 32u;\n    let lane = index % 32u;\n    emulated_lane = lane;
    emulated_side = min(16u, 16u + index);";
    Ok(format!("{head}{lanes}{rest}"))
}

/// The bracket that closes the one at `open`.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    text[open..].char_indices().find_map(|(at, c)| {
        depth += i32::from(matches!(c, '(' | '[')) - i32::from(matches!(c, ')' | ']'));
        (depth == 0).then_some(open + at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: &str = "enable f16;
enable wgpu_cooperative_matrix;
alias Inputs = coop_mat16x16<f16, A>;
alias Weights = coop_mat16x16<f16, B>;
alias Sums = coop_mat16x16<f32, C>;
@group(0) @binding(0) var<storage, read> weights: array<f16>;
@group(0) @binding(1) var<storage, read_write> dst: array<vec4<f32>>;
var<workgroup> tile: array<vec4<f16>, 64>;
@compute @workgroup_size(32)
fn main(
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    var sums: Sums;
    let a = coopLoadT<Inputs>(&tile[(index + 1u) * 4u], 4u);
    sums = coopMultiplyAdd(a, coopLoad<Weights>(&weights[16u], 16u), sums);
    coopStoreT(sums, &dst[4u * index], 4u);
}
";

    #[test]
    fn matrices_become_plain_wgsl() {
        let text = emulate_matrices(KERNEL).unwrap();
        assert!(!text.contains("coop"), "{text}");
        let module = naga::front::wgsl::parse_str(&text);
        module.unwrap_or_else(|error| panic!("{}\n{text}", error.emit_to_string(&text)));
        assert!(text.contains("let a = ((index + 1u) * 4u);"), "{text}");
        assert!(text.contains("store_sums(sums, 4u * index)"), "{text}");
    }

    #[test]
    fn other_kernels_stay_as_they_are_and_unclear_ones_are_named() {
        assert_eq!(emulate_matrices("fn main() {}").unwrap(), "fn main() {}");
        let strange = KERNEL.replace("&tile[(index + 1u) * 4u]", "pointer");
        assert!(emulate_matrices(&strange).unwrap_err().contains("pointer"));
        let stored = "    coopStoreT(sums, &dst[4u * index], 4u);\n";
        let twice = KERNEL.replace(stored, &(stored.to_string() + &stored.replace("dst", "tile")));
        assert!(emulate_matrices(&twice).unwrap_err().contains("two arrays"));
    }
}
