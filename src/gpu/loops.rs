//! The loops of a kernel that may not end, for the message about a kernel that does not.

use naga::{BinaryOperator, Block, Expression, Function, Handle, LocalVariable, Module, Statement};

/// Lines of the loops that count to no constant; of all loops, if each does. Lines behind `last` are not looked at.
pub(super) fn suspects(module: &Module, text: &str, last: u32) -> Vec<u32> {
    let helpers = module.functions.iter().map(|(_, function)| function);
    let functions = helpers.chain(module.entry_points.iter().map(|entry| &entry.function));
    let mut loops: Vec<(u32, bool)> = vec![];
    for function in functions {
        find(function, &function.body, text, &mut loops);
    }
    loops.retain(|(line, _)| *line <= last);
    loops.sort_unstable();
    let all_count = loops.iter().all(|(_, counts)| *counts);
    loops.into_iter().filter(|(_, counts)| all_count || !counts).map(|(line, _)| line).collect()
}

/// Adds the line of each loop, and whether it counts to a constant.
fn find(function: &Function, block: &Block, text: &str, loops: &mut Vec<(u32, bool)>) {
    for (statement, span) in block.span_iter() {
        match statement {
            Statement::Block(inner) => find(function, inner, text, loops),
            Statement::If { accept, reject, .. } => {
                [accept, reject].into_iter().for_each(|inner| find(function, inner, text, loops));
            }
            Statement::Switch { cases, .. } => {
                cases.iter().for_each(|case| find(function, &case.body, text, loops));
            }
            Statement::Loop { body, continuing, break_if } => {
                let counts = exits(body).chain(*break_if).any(|condition| {
                    let counted = counted(function, condition);
                    counted.is_some_and(|variable| {
                        changes(function, body, variable) || changes(function, continuing, variable)
                    })
                });
                loops.push((span.location(text).line_number, counts));
                [body, continuing].into_iter().for_each(|inner| find(function, inner, text, loops));
            }
            _ => {}
        }
    }
}

/// The conditions at which a loop is left: `for` and `while` become an `if` with a `break`.
fn exits(body: &Block) -> impl Iterator<Item = Handle<Expression>> {
    let leaves = |block: &Block| block.iter().any(|statement| matches!(statement, Statement::Break));
    body.iter().filter_map(move |statement| match statement {
        Statement::If { condition, accept, reject } if leaves(accept) || leaves(reject) => Some(*condition),
        _ => None,
    })
}

/// The variable that a condition compares with a constant.
fn counted(function: &Function, condition: Handle<Expression>) -> Option<Handle<LocalVariable>> {
    use BinaryOperator::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    let Expression::Binary { op, left, right } = function.expressions[condition] else { return None };
    let compares = matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual);
    let is_constant = |side: Handle<Expression>| {
        use Expression::{Constant, Literal, Override};
        matches!(function.expressions[side], Literal(_) | Constant(_) | Override(_))
    };
    let other = match (is_constant(left), is_constant(right)) {
        (false, true) => left,
        (true, false) => right,
        _ => return None,
    };
    let Expression::Load { pointer } = function.expressions[other] else { return None };
    variable(function, pointer).filter(|_| compares)
}

fn variable(function: &Function, pointer: Handle<Expression>) -> Option<Handle<LocalVariable>> {
    match function.expressions[pointer] {
        Expression::LocalVariable(variable) => Some(variable),
        _ => None,
    }
}

/// Whether a variable is written within a block.
fn changes(function: &Function, block: &Block, wanted: Handle<LocalVariable>) -> bool {
    let within = |inner: &Block| changes(function, inner, wanted);
    block.iter().any(|statement| match statement {
        Statement::Store { pointer, .. } => variable(function, *pointer) == Some(wanted),
        Statement::Block(inner) => within(inner),
        Statement::If { accept, reject, .. } => within(accept) || within(reject),
        Statement::Loop { body, continuing, .. } => within(body) || within(continuing),
        Statement::Switch { cases, .. } => cases.iter().any(|case| within(&case.body)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<u32> {
        let module = naga::front::wgsl::parse_str(text).unwrap();
        suspects(&module, text, text.lines().count() as u32)
    }

    #[test]
    fn loops_that_count_to_a_constant_are_not_suspected() {
        let text = "
@group(0) @binding(0) var<storage, read_write> numbers: array<u32>;

fn of_constant() -> u32 {
    var sum = 0u;
    for (var i = 0u; i < 64u; i++) {
        sum += numbers[i];
    }
    return sum;
}

@compute @workgroup_size(1)
fn main() {
    for (var i = 0u; i < numbers[0]; i++) {
        numbers[i] += of_constant();
    }
    var forgotten = 0u;
    while forgotten < 9u {
        numbers[forgotten] = 1u;
    }
    loop {
        numbers[0] += 1u;
        if numbers[1] > 3u { break; }
    }
    var half = 8u;
    loop {
        if half == 0u { break; }
        half /= 2u;
    }
}
";
        assert_eq!(lines(text), [14, 18, 21]);
        assert_eq!(suspects(&naga::front::wgsl::parse_str(text).unwrap(), text, 17), [14]);
        // If each counts, it may still count in the wrong direction.
        let counting = text.split("\n@compute").next().unwrap();
        assert_eq!(lines(counting), [6]);
        assert!(lines("@compute @workgroup_size(1) fn main() {}").is_empty());
    }
}
