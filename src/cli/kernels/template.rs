//! `impasto kernels --template`: a kernel to begin with.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use impasto::ladder::Benchmark;
use impasto::ops::variants::Pass;
use impasto::output::OutputFile;
use impasto::{Error, Result};

use crate::cli::options::CommonOptions;
use crate::cli::own_kernel::{OP_LINE, OwnKernelOptions, first_pass};
use crate::cli::terminal::print;

/// Writes the template of an operation, and says what to do next. A file that exists is kept.
pub fn write_template(
    benchmark: &'static Benchmark,
    own: &OwnKernelOptions,
    options: &CommonOptions,
) -> Result<ExitCode> {
    let pass = own.pass.map_or_else(|| first_pass(benchmark), Pass::from);
    let suffix = if pass == first_pass(benchmark) { "" } else { "_backward" };
    let path =
        own.output.clone().unwrap_or_else(|| PathBuf::from(format!("{}{suffix}.wgsl", benchmark.name)));
    let text = template(benchmark, pass, &path)?;
    if path == Path::new("-") {
        print(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    if path.exists() {
        return Err(Error::Usage(format!("{} exists: give another name with -o", path.display())));
    }
    OutputFile::of(&path)?.replace(|writer| writer.write_all(text.as_bytes()))?;
    options.say(format_args!("wrote {0}; next: impasto kernels --try {0} --watch", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// The plain kernel of a pass, with what a person who changes it has to know above it.
fn template(benchmark: &Benchmark, pass: Pass, path: &Path) -> Result<String> {
    let shader = benchmark.kernel(pass)?;
    let both = benchmark.passes_of(shader).len() > 1;
    let passes = if both { "both passes".to_string() } else { format!("the {pass} pass") };
    let stated = if pass == first_pass(benchmark) { String::new() } else { format!(", {pass}") };
    let name = match path.to_str() {
        None | Some("-") => "my.wgsl".into(),
        Some(name) => name.to_string(),
    };
    let op = benchmark.name;
    let mut text = format!(
        "\
// A kernel of your own for {op}, {passes}. It is the plain one, shaders/{shader}.wgsl, and right: change it, and run
//
//     impasto kernels --try {name} --watch
//
{OP_LINE}{op}{stated}
//
// Keep the entry point `main`, and the names of bindings, overrides and parameters; the numbers in @binding(..) may change.
// `#import shared/..` adds a file of the program's shaders/shared, and --emit-wgsl NAME prints any of its kernels.
// WGSL does not mix i32 and u32: begin an index with 0u, not 0. All invocations of a workgroup must reach a barrier: where you
// add one, put an `if` around the store in place of an early `return`.
//
",
        shader = shader.name,
    );
    text += if benchmark.teaches() { MATRICES } else { FEATURE_MAPS };
    text += launch(shader.name);
    text += "\n";
    text += &shader.source.replacen("\n@compute", &format!("{}\n@compute", constants(shader.name)), 1);
    Ok(text)
}

/// How tensors lie in memory.
const FEATURE_MAPS: &str = "\
// Tensors of feature maps are stored in blocks of four channels: a vec4 holds four channels of one position, and element
// (channel c, y, x) is component c % 4 of vec4 (c / 4 * height + y) * width + x. Where the channels are no multiple of four,
// the rest of the last block must be zero.
//
";
const MATRICES: &str = "\
// Matrices are stored row by row: element (row, column) of a matrix with n columns is number row * n + column. What is only read
// may be declared as array<vec4<f32>>; the last vec4 is filled up with zeros.
//
";

/// How a kernel is launched, for those whose tiles have a size of their own.
fn launch(shader: &str) -> &'static str {
    match shader {
        "conv/1_naive" => {
            "// The launch follows the constants TILE and TILE_BLOCKS: a workgroup computes TILE positions by TILE_BLOCKS blocks of four
// output channels, and x and y of the grid count such tiles. conv/2_tiled, with 32 and 8, can be tried as it is.
"
        }
        "gram/1_naive" => {
            "// The launch follows `@workgroup_size`: an invocation for each column, block of rows and split. With a constant
// TILE_BLOCKS, a workgroup computes a tile of 4 * TILE_BLOCKS rows and columns instead, and tiles below the diagonal may be
// left out. gram/2_tiled, with 8, can be tried as it is.
"
        }
        "matmul/1_naive" => {
            "// The launch follows the constants TILE_ROWS and TILE_COLUMNS: a workgroup computes so many rows and columns of C. x of the
// grid counts tiles along a row of C, y tiles along a column. --emit-wgsl matmul/3_tiled prints another kernel of this
// operation; any can be tried as it is, with --op matmul.
"
        }
        "largest/1_atomics" => {
            "// The launch follows the constant SHARE: the numbers that a workgroup takes. dst is zero before it. The first four rungs
// of shaders/largest can be tried as they are.
"
        }
        "softmax/1_naive" => {
            "// The launch follows the constant ROWS: the rows that a workgroup takes. Each rung of shaders/softmax can be tried as it is.
"
        }
        _ => "// The launch follows `@workgroup_size`: as many workgroups as it takes for an invocation each.\n",
    }
}

fn constants(shader: &str) -> &'static str {
    match shader {
        "conv/1_naive" => {
            "\n// Positions, and blocks of four output channels, of a workgroup: see above.\nconst TILE = 64u;\nconst TILE_BLOCKS = 1u;\n"
        }
        _ => "",
    }
}
