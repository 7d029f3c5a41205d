//! A kernel of a user's own, which a device runs in place of one of `shaders/`.

use naga::AddressSpace::WorkGroup;
use naga::{Expression, Literal, Module, Statement};

use super::kernel::Shader;
use super::loops::suspects;
use super::reflect::Interface;
use super::source::{expand_imports, find_error, import};
use crate::error::{Error, Result};

/// A kernel that a device runs in place of another, with the same bindings, parameters and overrides.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// The kernel that it replaces: its path under `shaders/`.
    of: &'static str,
    shader: Shader,
    /// The module's `const` numbers by name, by which a kernel states the size of its tiles.
    constants: Vec<(String, u32)>,
    shares_memory: bool,
    leaves_early: bool,
    loops: Vec<u32>,
}

impl StandIn {
    /// Reads a text, and compares its interface with that of the kernel that it is to replace. `name` is for messages and
    /// timings. Text and name are kept until the program ends, as those of the kernels in `shaders/` are: a program loads a
    /// few of them in its life.
    ///
    /// # Errors
    /// [`Error::Gpu`] with the line of the text that does not compile, or what its interface lacks.
    pub fn load(of: &Shader, name: &str, text: &str) -> Result<Self> {
        let fault = |message: String| Error::gpu(format!("kernel {name}"), message);
        let expanded = imports_at_the_end(text).map_err(fault)?;
        let module = compile(&expanded, text.lines().count()).map_err(fault)?;
        let plain = expand_imports(of.source).map_err(fault)?;
        compare(&expanded, &plain, &module).map_err(fault)?;
        let shader = Shader { name: leak(name), source: leak(&expanded), unchecked: false };
        let shares_memory = module.global_variables.iter().any(|(_, variable)| variable.space == WorkGroup);
        Ok(Self {
            of: of.name,
            shader,
            constants: sizes(&expanded),
            shares_memory,
            leaves_early: leaves_early(&module),
            loops: suspects(&module, &expanded, text.lines().count() as u32),
        })
    }

    /// What a device runs in place of a kernel, if it is this one that is replaced.
    pub(super) fn replaces(&self, shader: &Shader) -> Option<&Shader> {
        (shader.name == self.of).then_some(&self.shader)
    }

    /// Whether it has workgroup memory.
    pub(super) fn shares_memory(&self) -> bool {
        self.shares_memory
    }

    /// Whether an invocation may return before a barrier that others wait at.
    pub(super) fn leaves_early(&self) -> bool {
        self.leaves_early
    }

    /// Lines of the loops that may be the one that does not end, if the kernel does not.
    pub fn loops(&self) -> &[u32] {
        &self.loops
    }

    /// The value of a `const` that is a size: of type u32, or a number without a type.
    pub(super) fn constant(&self, name: &str) -> Option<u32> {
        self.constants.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

/// The one place where text becomes `'static`: see [`StandIn::load`].
fn leak(text: &str) -> &'static str {
    Box::leak(text.to_string().into_boxed_str())
}

/// The text with the imported files behind it, so that its lines keep their numbers. WGSL has no order of declarations.
fn imports_at_the_end(text: &str) -> Result<String, String> {
    let mut own = String::with_capacity(text.len() + 4096);
    let mut imported = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("#import ") {
            imported += import(name)?;
            own += "// ";
        }
        own += line;
        own.push('\n');
    }
    Ok(own + &imported)
}

/// Parses and validates. `own_lines` is the number of lines before the imported ones.
fn compile(text: &str, own_lines: usize) -> Result<Module, String> {
    if let Some(message) = find_error(text) {
        let number = message.strip_prefix("line ").and_then(|rest| rest.split(',').next()?.parse().ok());
        return Err(match number {
            Some(line) if own_lines < line => {
                format!("in what it imports, which uses names of yours: {message}")
            }
            _ => message,
        });
    }
    naga::front::wgsl::parse_str(text).map_err(|error| error.message().to_string())
}

/// What differs between the interface of a text and that of the kernel that it is to replace. Binding numbers and access
/// modes are free; names are not.
fn compare(text: &str, plain_text: &str, module: &Module) -> Result<(), String> {
    let (own, plain) = (Interface::of(text)?, Interface::of(plain_text)?);
    let plain_module =
        naga::front::wgsl::parse_str(plain_text).map_err(|error| error.message().to_string())?;
    for binding in &plain.bindings {
        if own.bindings.iter().all(|other| other.name != binding.name) {
            let line = declaration(plain_text, &binding.name);
            return Err(format!("binding '{}' is missing; the plain kernel has: {line}", binding.name));
        }
    }
    if let Some(extra) = own.bindings.iter().find(|b| plain.bindings.iter().all(|other| other.name != b.name))
    {
        let names: Vec<&str> = plain.bindings.iter().map(|binding| binding.name.as_str()).collect();
        return Err(format!(
            "binding '{}' is not one of this operation: it has {}",
            extra.name,
            names.join(", ")
        ));
    }
    compare_parameters(&own, &plain)?;
    for name in overrides(&plain_module) {
        if !overrides(module).contains(&name) {
            let line = declaration(plain_text, &name);
            return Err(format!("override '{name}' is missing; the plain kernel has: {line}"));
        }
    }
    Ok(())
}

fn compare_parameters(own: &Interface, plain: &Interface) -> Result<(), String> {
    let members = |interface: &Interface| {
        let members = interface.parameters.iter().flat_map(|(_, members, _)| members);
        members.map(|member| (member.name.clone(), member.kind)).collect::<Vec<_>>()
    };
    let kind = |kind: naga::ScalarKind| if kind == naga::ScalarKind::Float { "f32" } else { "u32" };
    let (own, plain) = (members(own), members(plain));
    let listed =
        plain.iter().map(|(name, of)| format!("{name}: {}", kind(*of))).collect::<Vec<_>>().join(", ");
    let describe = if listed.is_empty() { "it has none".into() } else { format!("it has {listed}") };
    if let Some((name, _)) = plain.iter().find(|member| !own.contains(member)) {
        return Err(format!(
            "parameter '{name}' of the uniform struct is missing or of another type: {describe}"
        ));
    }
    match own.iter().find(|member| !plain.contains(member)) {
        Some((name, _)) => Err(format!("parameter '{name}' is not one of this operation: {describe}")),
        None => Ok(()),
    }
}

/// The line of a text that declares a name, without its comment.
fn declaration(text: &str, name: &str) -> String {
    let declares = |line: &&str| {
        let code = line.split("//").next().unwrap_or_default();
        (code.contains("var<") || code.contains("var ") || code.contains("override "))
            && code.contains(&format!(" {name}:"))
    };
    let line = text.lines().find(declares).unwrap_or_default();
    line.split("//").next().unwrap_or_default().trim().to_string()
}

fn overrides(module: &Module) -> Vec<String> {
    module.overrides.iter().filter_map(|(_, constant)| constant.name.clone()).collect()
}

/// The numbers that a text declares as `const` and that are sizes, whether it writes them as `32u`, as `32` or as a product.
fn sizes(text: &str) -> Vec<(String, u32)> {
    let names = text.lines().filter_map(|line| line.trim_start().strip_prefix("const "));
    let names = names.filter_map(|rest| rest.split([':', '=', ' ']).next());
    let size = |name: &str| {
        // A number without a type is in no module; it becomes a u32 where one is wanted.
        let module =
            naga::front::wgsl::parse_str(&format!("{text}\nconst SIZE_OF_A_USER: u32 = {name};\n")).ok()?;
        let found = constants(&module).into_iter().find(|(known, _)| known == "SIZE_OF_A_USER")?;
        Some((name.to_string(), found.1))
    };
    names.filter_map(size).collect()
}

/// Whether the entry point has a `return` within a condition, and a barrier behind that.
fn leaves_early(module: &Module) -> bool {
    let Some(entry) = module.entry_points.first() else { return false };
    let statements: Vec<&Statement> = entry.function.body.iter().collect();
    let first = statements
        .iter()
        .position(|statement| !matches!(statement, Statement::Return { .. }) && contains(statement, true));
    first.is_some_and(|first| statements[first + 1..].iter().any(|statement| contains(statement, false)))
}

/// Whether there is a `return`, or else a barrier, in a statement.
fn contains(statement: &Statement, returns: bool) -> bool {
    let within = |block: &naga::Block| block.iter().any(|statement| contains(statement, returns));
    match statement {
        Statement::Return { .. } => returns,
        Statement::ControlBarrier(_) => !returns,
        Statement::Block(block) => within(block),
        Statement::If { accept, reject, .. } => within(accept) || within(reject),
        Statement::Loop { body, continuing, .. } => within(body) || within(continuing),
        Statement::Switch { cases, .. } => cases.iter().any(|case| within(&case.body)),
        _ => false,
    }
}

/// The `const` numbers of a module, of type u32.
pub(super) fn constants(module: &Module) -> Vec<(String, u32)> {
    let constant = |(_, constant): (_, &naga::Constant)| match module.global_expressions[constant.init] {
        Expression::Literal(Literal::U32(value)) => Some((constant.name.clone()?, value)),
        _ => None,
    };
    module.constants.iter().filter_map(constant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::shader;

    const RELU: Shader = shader!("relu/forward");
    const POOL: Shader = shader!("pool/max_forward");
    const CONV: Shader = shader!("conv/1_naive");

    fn fault(of: &Shader, from: &str, to: &str) -> String {
        assert!(of.source.contains(from), "{from}");
        StandIn::load(of, "my.wgsl", &of.source.replace(from, to)).unwrap_err().to_string()
    }

    #[test]
    fn the_kernel_itself_stands_in_for_itself() {
        for shader in [RELU, POOL, CONV] {
            let stand_in = StandIn::load(&shader, "my.wgsl", shader.source).unwrap();
            assert_eq!(stand_in.replaces(&shader).unwrap().name, "my.wgsl");
            assert!(stand_in.replaces(&shader!("gram/1_naive")).is_none());
        }
    }

    #[test]
    fn a_return_before_a_barrier_is_seen() {
        let matmul = shader!("matmul/3_tiled");
        assert!(!StandIn::load(&matmul, "my.wgsl", matmul.source).unwrap().leaves_early());
        let leaving = matmul.source.replacen(
            "    var sum = 0.0;",
            "    if row >= params.m { return; }\n    var sum = 0.0;",
            1,
        );
        assert!(StandIn::load(&matmul, "my.wgsl", &leaving).unwrap().leaves_early());
        // It returns early, and has no barrier.
        assert!(!StandIn::load(&CONV, "my.wgsl", CONV.source).unwrap().leaves_early());
    }

    #[test]
    fn tiles_are_constants_of_the_text() {
        let tiled = StandIn::load(&CONV, "my.wgsl", shader!("conv/2_tiled").source).unwrap();
        assert_eq!([tiled.constant("TILE"), tiled.constant("TILE_BLOCKS")], [Some(32), Some(8)]);
        let text = CONV.source.to_string() + "\nconst TILE = 8u * 4u;\n";
        assert_eq!(StandIn::load(&CONV, "my.wgsl", &text).unwrap().constant("TILE"), Some(32));
        for (written, size) in
            [("32", Some(32)), ("4 * 8", Some(32)), ("0x20u", Some(32)), ("32i", None), ("3.5", None)]
        {
            let text = CONV.source.to_string() + &format!("\nconst TILE = {written};\n");
            assert_eq!(StandIn::load(&CONV, "my.wgsl", &text).unwrap().constant("TILE"), size, "{written}");
        }
    }

    #[test]
    fn faults_name_the_line_of_the_file() {
        let error = fault(&RELU, "max(src[i], vec4(0.0))", "max(src[i], vec4(0.0)");
        assert!(
            error.contains("kernel my.wgsl: line 18, column ") && error.contains("dst[i] = max("),
            "{error}"
        );
        let error = fault(&RELU, "#import shared/grid", "#import shared/gird");
        assert!(error.contains("unknown import 'shared/gird'") && error.contains("shared/grid"), "{error}");
        // The text of an import is wrong only for what it expects of the file.
        let naive = shader!("conv/2_tiled")
            .source
            .replace("var<uniform> params: Params", "var<uniform> sizes: Params");
        let error = StandIn::load(&CONV, "my.wgsl", &naive).unwrap_err().to_string();
        assert!(error.contains("params"), "{error}");
    }

    #[test]
    fn a_different_interface_is_described() {
        let error = fault(&RELU, "src: array<vec4<f32>>;", "input: array<vec4<f32>>;\nalias src = f32;");
        assert!(error.contains("no definition in scope") || error.contains("src"), "{error}");
        let renamed = RELU.source.replace("src", "input");
        let error = StandIn::load(&RELU, "my.wgsl", &renamed).unwrap_err().to_string();
        let line = "binding 'src' is missing; the plain kernel has: @group(0) @binding(0) var<storage, read> src: \
                    array<vec4<f32>>;";
        assert!(error.contains(line), "{error}");
        // What is declared need not be used.
        let unused = RELU.source.replace("max(src[i], vec4(0.0))", "vec4(1.0)");
        StandIn::load(&RELU, "my.wgsl", &unused).unwrap();
        let error = fault(&POOL, "channels: u32, ", "");
        assert!(error.contains("parameter 'channels'") && error.contains("height: u32"), "{error}");
        let error = fault(&POOL, "channels: u32", "channels: u32, depth: u32");
        assert!(error.contains("parameter 'depth' is not one of this operation"), "{error}");
        let error = fault(&CONV, "override RELU: bool = false;", "const RELU = false;");
        assert!(
            error.contains("override 'RELU' is missing; the plain kernel has: override RELU: bool"),
            "{error}"
        );
    }
}
