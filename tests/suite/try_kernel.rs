//! A kernel of the user's own: right ones pass, and wrong ones are told apart by messages that help.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::common;
use crate::common::test_folder::{TestFolder, impasto_in, stderr};
use impasto::gpu::{GpuOptions, Precision, StandIn};
use impasto::image_io::Image;
use impasto::ladder::trial::{self, Verdict};
use impasto::ladder::{BENCHMARKS, Benchmark, ProblemSize};
use impasto::ops::variants::Pass;
use impasto::report::{trial_details, trial_summary};

const SIZE: ProblemSize =
    ProblemSize { layer: impasto::vgg19::LayerId::FIRST, side: 16, precision: Precision::F32 };

/// Loads a text as the kernel of a pass and runs the cases; an error is what `load` says.
pub fn attempt(op: &str, pass: Pass, text: &str) -> Result<Verdict, String> {
    let benchmark = Benchmark::of_name(op).unwrap();
    let shader = benchmark.kernel(pass).unwrap();
    let stand_in = StandIn::load(shader, "my.wgsl", text).map_err(|error| error.to_string())?;
    let options =
        GpuOptions { paranoid: true, guarded: true, stand_in: Some(stand_in), ..Default::default() };
    let passes = benchmark.passes_of(shader);
    Ok(trial::check(&common::open(options), benchmark, &passes, &SIZE, &mut |_| ()).unwrap())
}

/// The text of a shipped kernel with one mistake in it.
fn broken(shader: &str, right: &str, wrong: &str) -> String {
    let source = common::shader(shader).source;
    assert!(source.contains(right), "{shader} does not contain {right}");
    source.replace(right, wrong)
}

/// What is printed about a forward kernel with one mistake.
fn message(op: &str, shader: &str, right: &str, wrong: &str) -> String {
    match attempt(op, Pass::Forward, &broken(shader, right, wrong)) {
        Err(message) => message,
        Ok(verdict) => {
            let summary =
                trial_summary(&verdict).unwrap_or_else(|| panic!("{op} with {wrong} is found right"));
            format!("{summary}\n{}", trial_details(&verdict))
        }
    }
}

/// The message has all of these words.
fn says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "'{word}' is not in: {message}");
    }
}

#[test]
fn every_plain_kernel_passes_as_a_users_own() {
    for benchmark in &BENCHMARKS {
        for pass in Pass::ALL {
            let Ok(shader) = benchmark.kernel(pass) else { continue };
            let verdict = attempt(benchmark.name, pass, shader.source).unwrap();
            assert_eq!(trial_summary(&verdict), None, "{} {pass}", benchmark.name);
            let of_pass = if pass == Pass::Forward { verdict.check.forward } else { verdict.check.backward };
            assert!(verdict.check.cases > 10 && of_pass <= verdict.check.tolerance, "{verdict:?}");
        }
    }
}

/// Their tiles are of other sizes than those of the plain kernels.
#[test]
fn shipped_tiled_kernels_pass_as_they_are() {
    let shaders = ["conv/2_tiled", "conv/4_vectors", "conv/5_turns", "conv/6_taps_inner", "gram/2_tiled"];
    for shader in shaders {
        let op = if shader.starts_with("conv") { "conv3x3" } else { "gram" };
        let verdict = attempt(op, Pass::Forward, common::shader(shader).source).unwrap();
        assert_eq!(trial_summary(&verdict), None, "{shader}");
    }
}

/// Whatever rows and columns a workgroup of theirs computes.
#[test]
fn each_rung_of_matrix_multiplication_passes_as_it_is() {
    let rungs = ["2_coalesced", "3_tiled", "4_column", "5_square", "6_padded", "7_vectors", "8_turns"];
    for rung in rungs {
        let shader = common::shader(&format!("matmul/{rung}"));
        let verdict = attempt("matmul", Pass::Forward, shader.source).unwrap();
        assert_eq!(trial_summary(&verdict), None, "{rung}");
    }
}

#[test]
fn each_rung_of_one_launch_finds_the_largest_as_it_is() {
    for rung in ["2_tree", "3_vectors", "4_subgroups"] {
        let shader = common::shader(&format!("largest/{rung}"));
        if rung == "4_subgroups" && common::gpu().subgroup_size().is_none() {
            continue;
        }
        let verdict = attempt("largest", Pass::Forward, shader.source).unwrap();
        assert_eq!(trial_summary(&verdict), None, "{rung}");
    }
    let no_share = message("largest", "largest/1_atomics", "const SHARE = 256u;", "override SHARE = 256u;");
    says(&no_share, &["'const SHARE' is missing"]);
    let too_short = message("largest", "largest/2_tree", "half /= 2u)", "half /= 4u)");
    says(&too_short, &["output: expected "]);
}

#[test]
fn each_rung_of_softmax_passes_as_it_is_and_one_that_overflows_does_not() {
    for rung in ["2_rows", "3_online"] {
        let shader = common::shader(&format!("softmax/{rung}"));
        let verdict = attempt("softmax", Pass::Forward, shader.source).unwrap();
        assert_eq!(trial_summary(&verdict), None, "{rung}");
    }
    let no_rows = message("softmax", "softmax/1_naive", "const ROWS = 64u;", "override ROWS = 64u;");
    says(&no_rows, &["'const ROWS' is missing"]);
    let too_many = message("softmax", "softmax/1_naive", "const ROWS = 64u;", "const ROWS = 128u;");
    says(&too_many, &["never written", "ROWS must agree"]);
    let plain = message("softmax", "softmax/1_naive", "exp(src[first + i] - most)", "exp(src[first + i])");
    says(&plain, &["wrong in 4 of 17 cases", "numbers up to 16384", "got NaN", "infinity / infinity"]);
    let stride = "let first = row * params.columns;";
    let text = message("softmax", "softmax/1_naive", stride, "let first = row * params.rows;");
    says(&text, &["at row ", "expected "]);
    let text = message("softmax", "softmax/1_naive", "- most) / sum", "- 0.9 * most) / sum + 0.1 * most");
    says(&text, &["a row has `columns` numbers, one maximum and one sum"]);
}

#[test]
fn a_matrix_product_that_is_wrong() {
    let text =
        message("matmul", "matmul/1_naive", "row * params.n + column] =", "column * params.m + row] =");
    says(&text, &["wrong in 9 of 13 cases: output at row ", "expected "]);
    let no_tile = message("matmul", "matmul/1_naive", "const TILE_ROWS = 32u;", "override TILE_ROWS = 32u;");
    says(&no_tile, &["'const TILE_ROWS' is missing", "rows or columns of C", "'const TILE_ROWS = 8u;'"]);
    let signed = message("matmul", "matmul/1_naive", "var i = 0u", "var i = 0");
    says(&signed, &["line 36, column ", "i32 and u32 do not mix", "for (var i = 0; i < params.k"]);
    let last = message("matmul", "matmul/1_naive", "sum += a", "sum = a");
    says(&last, &["the sum, and the strides: a row of A has k numbers"]);
    let column = "sum += a[row * params.k + i] * b[i * params.n + column]";
    let off = message(
        "matmul",
        "matmul/1_naive",
        column,
        "sum += a[row * params.k + i] * b[i * params.n + column - u32(column % 4u == 3u)]",
    );
    says(&off, &["columns whose number % 4 is 3", "the indices of exactly these elements"]);
    let too_large = message("matmul", "matmul/1_naive", "const TILE_ROWS = 32u;", "const TILE_ROWS = 64u;");
    says(&too_large, &["never written", "TILE_ROWS and TILE_COLUMNS must agree"]);
    says(
        &message("matmul", "matmul/1_naive", "sum += a", "sum -= a"),
        &["times -1.0000", "look at   a sign"],
    );
    let leaving = message(
        "matmul",
        "matmul/3_tiled",
        "    var sum = 0.0;",
        "    if row >= params.m || column >= params.n { return; }\n    var sum = 0.0;",
    );
    says(&leaving, &["the `return` before a workgroupBarrier()"]);
    let barrier = "        }\n        workgroupBarrier();\n    }";
    says(&message("matmul", "matmul/3_tiled", barrier, "        }\n    }"), &["arrier"]);
}

#[test]
fn an_index_off_by_one() {
    let text = message("relu", "relu/forward", "src[i]", "src[i + 1u]");
    says(&text, &["wrong in 11 of 12 cases", "expected ", "position (y * width + x) +1", "off by one"]);
}

#[test]
fn a_missing_barrier() {
    let before_reading = "            workgroupBarrier();\n\n            for (var row";
    let text = message("conv3x3", "conv/2_tiled", before_reading, "            for (var row");
    says(&text, &["look at", "arrier"]);
    let before_writing = "            workgroupBarrier();\n            if index";
    says(&message("conv3x3", "conv/2_tiled", before_writing, "            if index"), &["arrier"]);
}

#[test]
fn a_wrong_stride() {
    let text = message("conv3x3", "conv/1_naive", "at.y * size.x", "at.y * size.y");
    says(&text, &["first     output at channel 0, y 0, x 0: expected ", "read beyond the end of a binding"]);
    let text = message("pool_max", "pool/max_forward", "id.y) * out.x + id.x", "id.y) * params.width + id.x");
    says(&text, &["never written", "wrote behind the end of the output", "index of the store"]);
}

#[test]
fn a_transposed_result() {
    let text = message("pool_max", "pool/max_forward", "id.y) * out.x + id.x", "id.x) * out.x + id.y");
    says(&text, &["rows and columns exchanged", "16x16"]);
    let block = "as_stored(mat4x4(";
    let text = message("conv3x3", "conv/1_naive", block, "transpose(mat4x4(");
    says(&text, &["expected "]);
}

#[test]
fn padding_that_is_not_zero() {
    let text = message("normalize", "normalize/forward", "+ offset, 0.0)", "+ offset, 1.0)");
    says(&text, &["unused numbers at the end of the output are not zero", "multiple of four"]);
    // And zeros around the feature map, which are not in memory.
    let text = message("conv3x3", "conv/1_naive", "if at.x >= size.x || ", "if ");
    says(&text, &["only at the edges: left, right", "outside the feature map must count as zero"]);
}

#[test]
fn a_read_beyond_the_end() {
    let text = message("mse", "mse/forward", "i < arrayLength(&src)", "i <= arrayLength(&src)");
    says(&text, &["got NaN", "read beyond the end of a binding", "compare it before the load"]);
}

#[test]
fn a_write_beyond_the_end() {
    let text = message("pool_max", "pool/max_forward", "|| id.y >= out.y", "|| id.y > out.y");
    says(&text, &["it wrote behind the end of the output, 0 vec4 further on", "index of the store"]);
}

/// A sum in one place without a barrier between the invocations that add to it. A race that changes nothing on this
/// device cannot be seen.
#[test]
fn a_race() {
    let racing = "reduce_slots[0] = 0.0; workgroupBarrier(); reduce_slots[0] += dot(sum, vec4(1.0)); workgroupBarrier();
        let total = reduce_slots[0] + 0.0 * workgroup_sum(0.0, local);";
    let right = "let total = workgroup_sum(dot(sum, vec4(1.0)), local);";
    let text = message("mse", "mse/forward", right, racing);
    says(&text, &["output: expected ", "a barrier before it is read"]);
}

#[test]
fn a_wrong_workgroup_size() {
    let text = message("relu", "relu/forward", "@workgroup_size(64)", "@workgroup_size(32)");
    says(
        &text,
        &["vec4 of the tensor", "number % 64 is 32 to 63", "never written", "@workgroup_size must agree"],
    );
    let text = message("conv3x3", "conv/1_naive", "@workgroup_size(64)", "@workgroup_size(32)");
    says(&text, &["last positions (y * width + x) from 64 on", "never written"]);
    let text = message("relu", "relu/forward", "@workgroup_size(64)", "@workgroup_size(16384)");
    assert!(text.contains("needs 16384 invocations") && !text.contains("case "), "{text}");
}

#[test]
fn a_missing_binding() {
    let text = message("conv3x3", "conv/1_naive", "bias", "offset");
    says(
        &text,
        &["binding 'bias' is missing; the plain kernel has: @group(0) @binding(2) var<storage, read> bias"],
    );
}

#[test]
fn a_computed_nan() {
    let text = message("relu", "relu/forward", "max(src[i], vec4(0.0))", "sqrt(src[i])");
    says(&text, &["got NaN", "computed", "root of a negative number"]);
}

#[test]
fn a_syntax_error() {
    let text = message("relu", "relu/forward", "vec4(0.0));", "vec4(0.0);");
    says(&text, &["line 18, column 39: expected `)`", "dst[i] = max(src[i], vec4(0.0);"]);
}

#[test]
fn a_gradient_that_is_not_added_to() {
    let text = broken("relu/backward", "if ACCUMULATE {", "if ACCUMULATE && false {");
    let verdict = attempt("relu", Pass::Backward, &text).unwrap();
    says(&trial_details(&verdict), &["adding to a gradient (ACCUMULATE)", "add to what the output holds"]);
    let text = message("conv3x3", "conv/1_naive", "if RELU {", "if RELU && false {");
    says(&text, &["where these are positive", "override RELU"]);
}

/// The folder of a test with a template in it.
fn folder_with(op: &str) -> TestFolder {
    let folder = TestFolder::new();
    let file = format!("@{op}.wgsl");
    let output = folder.command(&format!("kernels --template {op} -o {file}")).output().unwrap();
    assert!(output.status.success() && stderr(&output).contains("--try"), "{output:?}");
    folder
}

fn change(folder: &TestFolder, file: &str, from: &str, to: &str) {
    let text = std::fs::read_to_string(folder.path(file)).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(folder.path(file), text.replace(from, to)).unwrap();
}

const QUICK: &str = "--size 16 --seconds 0 --no-tune -q";

#[test]
fn each_template_is_right() {
    for benchmark in &BENCHMARKS {
        let folder = folder_with(benchmark.name);
        let line = format!("kernels --try @{}.wgsl --layer conv2_1 {QUICK} --try-here", benchmark.name);
        let output = folder.command(&line).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && text.contains("\"wrong\":null"),
            "{line}: {text}{}",
            stderr(&output)
        );
        assert!(text.contains("Timed") && text.contains("\"untimed\":null"), "{line}: {text}");
    }
}

/// A painting runs a kernel of the user's own in place of the plain one, once that is found right.
#[test]
fn an_own_kernel_paints() {
    let folder = folder_with("conv3x3");
    let template = folder.command("kernels --template pool_max -o @pool.wgsl").output().unwrap();
    assert!(template.status.success(), "{}", stderr(&template));
    let rgb = (0..24 * 24 * 3).map(|i| (i * 37 % 256) as f32).collect();
    Image::from_rgb(24, 24, rgb).unwrap().save(folder.path("a.png")).unwrap();
    let paint = |name: &str, kernels: &str| {
        let line = format!(
            "paint a.png a.png -o {name}.png --size 24 --scales 1 --iterations 2 --content-layers conv2_1 \
             --style-layers conv1_1 --no-tune -q {kernels}"
        );
        impasto_in(folder.root(), &line).output().unwrap()
    };
    let pixels = |name: &str| Image::load(folder.path(&format!("{name}.png"))).unwrap().into_pixels();
    for (name, kernels) in [
        ("plain", "--kernel conv3x3=naive"),
        ("own", "--kernel conv3x3=conv3x3.wgsl"),
        ("pooled", "--kernel conv3x3=naive --kernel pool_max=pool.wgsl"),
    ] {
        let output = paint(name, kernels);
        assert!(output.status.success(), "{kernels}: {}", stderr(&output));
    }
    assert_eq!(pixels("own"), pixels("plain"));
    assert_eq!(pixels("pooled"), pixels("plain"));

    let refuses = |kernels: &str, words: &[&str]| {
        let output = paint("none", kernels);
        assert_eq!(output.status.code(), Some(2), "{kernels}: {}", stderr(&output));
        says(&stderr(&output), words);
        assert!(!folder.path("none.png").exists());
    };
    refuses(
        "--kernel conv3x3=conv3x3.wgsl --kernel pool_max=pool.wgsl",
        &["one kernel of your own at a time"],
    );
    refuses("--kernel matmul=conv3x3.wgsl", &["no painting runs matmul"]);
    refuses("--kernel pool_max:backwards=pool.wgsl", &["'backwards' is no pass", "forward or backward"]);
    refuses("--kernel conv3x3=none.wgsl", &["none.wgsl"]);
    // It would paint, only not what it should.
    change(&folder, "conv3x3.wgsl", "sum = max(sum, vec4(0.0));", "sum = max(sum, vec4(0.1));");
    let words =
        ["conv3x3.wgsl does not paint", "are not zero", "'impasto kernels --op conv3x3 --try conv3x3.wgsl'"];
    refuses("--kernel conv3x3=conv3x3.wgsl", &words);
}

#[test]
fn an_own_kernel_is_a_rung_beside_the_others() {
    let folder = folder_with("gram");
    let line = format!("kernels --try @gram.wgsl --only naive --layer conv1_1 --json @ladder.json {QUICK}");
    let output = folder.command(&line).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", stderr(&output));
    says(&text, &["gram.wgsl: right in all 13 cases", "naive      forward", "gram.wgsl  forward", "  ok\n"]);
    // The plain kernel computes the backward pass.
    assert!(!text.contains("gram.wgsl  backward"), "{text}");
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path("ladder.json")).unwrap()).unwrap();
    let rungs = json["ladders"][0]["rungs"].as_array().unwrap();
    assert_eq!(
        rungs.iter().map(|rung| rung["name"].as_str().unwrap()).collect::<Vec<_>>(),
        ["naive", "gram.wgsl"]
    );
    assert_eq!(rungs[1]["passes"][0]["kernels"][0]["kernel"], "gram.wgsl");
}

#[test]
fn a_wrong_one_is_not_timed_and_makes_the_exit_code_1() {
    let folder = folder_with("relu");
    change(&folder, "relu.wgsl", "vec4(0.0)", "vec4(0.5)");
    let output = folder.command(&format!("kernels --try @relu.wgsl {QUICK}")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    says(&text, &["relu.wgsl: WRONG: wrong in 12 of 12 cases", "  look at  "]);
    assert!(!text.contains("GFLOP/s"), "{text}");
    change(&folder, "relu.wgsl", "vec4(0.5)", "vec4(0.5");
    let output = folder.command(&format!("kernels --try @relu.wgsl {QUICK}")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    says(&text, &["relu.wgsl: FAILED: line ", "dst[i] = max("]);
}

/// On purpose, since drivers differ in what they do about it: lavapipe leaves the loops of an invocation after 65535 rounds.
#[test]
fn a_kernel_that_never_ends_or_crashes_the_driver_leaves_the_program_alive() {
    let folder = folder_with("relu");
    let run = |fault: &str| {
        // Long enough for a busy machine to open the device.
        let mut command = folder.command(&format!("kernels --try @relu.wgsl --limit 4 {QUICK}"));
        let output = command.env("IMPASTO_TEST_FAULTS", fault).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let words = [
        "relu.wgsl: no sign of life for 4.0 s while checking relu 5x1x1",
        "a loop that does not end",
        "--limit",
    ];
    says(&run("try-sleep=60"), &words);
    change(
        &folder,
        "relu.wgsl",
        "max(src[i], vec4(0.0))",
        "max(src[i], vec4(0.0));\n    while dst[i].x > -1.0 { }",
    );
    let text = std::fs::read_to_string(folder.path("relu.wgsl")).unwrap();
    let line = 1 + text.lines().position(|line| line.contains("while dst")).unwrap();
    says(&run("try-sleep=60"), &[&format!("a loop that does not end (line {line}), or")]);
    says(&run("try-abort=1"), &["relu.wgsl: the driver crashed", "while checking relu 5x1x1", "look for"]);
}

#[cfg(unix)]
#[test]
fn watching_repeats_at_each_save_until_ctrl_c() {
    let folder = folder_with("relu");
    let mut process = folder.process(&format!("kernels --try @relu.wgsl --watch {QUICK}"));
    let mut child = process.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("relu.wgsl: right in all 12 cases")));
    change(&folder, "relu.wgsl", "vec4(0.0)", "vec4(0.25)");
    assert!(lines.any(|line| line.starts_with("relu.wgsl: WRONG: ")));
    change(&folder, "relu.wgsl", "vec4(0.25)", "vec4(0.0)");
    assert!(lines.any(|line| line.starts_with("relu.wgsl: right in all 12 cases")));
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn one_variant_alone() {
    let folder = TestFolder::new();
    let line = format!("kernels --op gram --only tiled --layer conv1_1 --no-check {QUICK}");
    let output = folder.command(&line).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("tiled") && !text.contains("naive"), "{text}");
}

#[test]
fn what_cannot_be_tried_is_refused() {
    let folder = folder_with("relu");
    folder.refuses("kernels --try @nowhere.wgsl", 2, &["nowhere.wgsl", "there is no such file"]);
    folder.refuses("kernels --template relu -o @relu.wgsl", 2, &["relu.wgsl exists", "-o"]);
    folder.refuses("kernels --template l1_gradient --pass forward", 2, &["forward pass of l1_gradient"]);
    folder.refuses("kernels --op gram --only tilde", 2, &["'tilde'", "naive, tiled"]);
    folder.refuses("kernels --try @relu.wgsl --only naive", 2, &["'naive'", "choose from relu"]);
    folder.refuses("kernels --try @content.png", 2, &["content.png", "no text"]);
    std::fs::write(folder.path("my.wgsl"), "fn main() {}").unwrap();
    folder.refuses("kernels --try @my.wgsl", 2, &["my.wgsl", "--op"]);
}
