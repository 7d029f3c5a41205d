//! What is wrong with a user's own kernel, in words.

use crate::ladder::trial::{Finding, Pattern, Resemblance, Verdict, WrongElements};

/// A summary in one line: the first wrong element, or what else is wrong.
pub fn trial_summary(verdict: &Verdict) -> Option<String> {
    let finding = verdict.finding.as_ref()?;
    if let Some(failure) = &finding.failure {
        return Some(failure.clone());
    }
    let of = format!("wrong in {} of {} cases", verdict.wrong_cases, verdict.check.cases);
    let what = match &finding.elements {
        Some(elements) => first(finding, elements),
        None => others(finding).into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; "),
    };
    Some(format!("{of}: {what}"))
}

/// Every fact about the case that tells most, a line each, and what to look at.
pub fn trial_details(verdict: &Verdict) -> String {
    let Some(finding) = verdict.finding.as_ref().filter(|finding| finding.failure.is_none()) else {
        return String::new();
    };
    let mut lines = vec![("case", format!("{}, {} pass{}", finding.case, finding.pass, adding(finding)))];
    if let Some(elements) = &finding.elements {
        lines.push(("first", first(finding, elements)));
        lines.push(("wrong", format!("{} of {}: {}", elements.count, elements.of, elements.pattern)));
        if elements.nan > 0 {
            lines.push(("NaN", nan(elements)));
        }
        if let Some(resemblance) = &elements.resemblance {
            lines.push(("they are", resemblance.to_string()));
        }
    }
    lines.extend(others(finding));
    lines.extend(hints(verdict, finding).into_iter().map(|hint| ("look at", hint.to_string())));
    lines.iter().map(|(name, text)| format!("  {name:<9} {text}\n")).collect()
}

/// What is wrong besides the elements.
fn others(finding: &Finding) -> Vec<(&'static str, String)> {
    let mut lines = vec![];
    if let Some(vector) = finding.written_behind {
        let tensor = &finding.tensor;
        lines.push(("behind", format!("it wrote behind the end of the {tensor}, {vector} vec4 further on")));
    }
    // Padding that was not written, as its neighbours were not, is no second fault.
    if finding.dirty_padding && finding.elements.as_ref().is_none_or(|elements| elements.unwritten == 0) {
        lines.push((
            "padding",
            format!("the unused numbers at the end of the {} are not zero", finding.tensor),
        ));
    }
    if finding.unstable > 0 {
        lines.push(("unstable", format!("{} elements differ from run to run", finding.unstable)));
    }
    lines
}

fn adding(finding: &Finding) -> &'static str {
    if finding.only_when_accumulating { ", adding to a gradient (ACCUMULATE)" } else { "" }
}

/// `output at channel 0, y 2, x 1: expected 0.25, got NaN`
fn first(finding: &Finding, elements: &WrongElements) -> String {
    let place = finding.place(&elements.first);
    let (expected, got) = (elements.first.expected, elements.first.got);
    format!("{}{place}: expected {expected:.6}, got {got:.6}", finding.tensor)
}

fn nan(elements: &WrongElements) -> String {
    let WrongElements { nan, unwritten, from_beyond, .. } = *elements;
    let kinds = [
        (unwritten, "never written"),
        (from_beyond, "read beyond the end of a binding"),
        (nan - unwritten - from_beyond, "computed"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0).map(|(count, kind)| format!("{count} {kind}"));
    format!("{nan} of them: {}", kinds.collect::<Vec<_>>().join(", "))
}

/// What to look at, the most certain first; two at most.
fn hints(verdict: &Verdict, finding: &Finding) -> Vec<&'static str> {
    let mut hints = vec![];
    if finding.only_when_accumulating {
        hints.push("override ACCUMULATE: where it is true, add to what the output holds");
    }
    if verdict.leaves_early {
        hints.push("the `return` before a workgroupBarrier(): all invocations must reach the barrier, so put an `if` around the store");
    }
    if finding.unstable > 0 {
        hints.push(match verdict.shares_memory {
            true => "a race: two invocations write one place, or a workgroupBarrier() is missing",
            false => "a race: two invocations write one place",
        });
    }
    if finding.written_behind.is_some() {
        hints.push("the index of the store: compare it with the size first, and leave out what is beyond");
    }
    if let Some(elements) = &finding.elements {
        hints.extend(hints_of(verdict, finding, elements));
        if finding.dirty_padding && elements.nan == 0 && !finding.is_matrix() {
            hints.push("the four channels of a vec4: a component, or a block of weights, that is transposed");
        }
    } else if finding.dirty_padding {
        hints.push("channels that are not a multiple of four: the rest of the last block must be zero");
    }
    if hints.len() < 2 && verdict.shares_memory && finding.unstable == 0 && !verdict.leaves_early {
        hints.push("workgroup memory: a barrier before it is read, and one before it is written again");
    }
    if hints.is_empty() {
        hints.push(match verdict.operation {
            "matmul" => "the sum, and the strides: a row of A has k numbers, rows of B and C have n",
            "softmax" => {
                "the index, and what is of the row: a row has `columns` numbers, one maximum and one sum"
            }
            _ if finding.shape.len() == 1 => "what counts: each number once, and each partial result once",
            _ => "a stride: a row has width elements, and a block of channels height * width",
        });
    }
    hints.truncate(2);
    hints
}

fn hints_of(verdict: &Verdict, finding: &Finding, elements: &WrongElements) -> Vec<&'static str> {
    let WrongElements { count, nan, unwritten, from_beyond, .. } = *elements;
    let mut hints = vec![];
    if unwritten > 0 {
        hints.push(match verdict.operation {
            "matmul" => "elements that no invocation writes: TILE_ROWS and TILE_COLUMNS must agree with what a workgroup stores",
            "softmax" => "elements that no invocation writes: ROWS must agree with the rows that a workgroup stores",
            _ => "elements that no invocation writes: @workgroup_size must agree with the sizes in the index and in TILE",
        });
    }
    if from_beyond > 0 {
        hints.push(
            "an index beyond the end, or below zero, where u32 wraps around: compare it before the load",
        );
    }
    if nan > unwritten + from_beyond {
        hints.push(
            "0 / 0 or infinity / infinity, a root of a negative number, or workgroup memory that is read before it is written",
        );
    }
    hints.extend(elements.resemblance.as_ref().map(of_resemblance));
    if hints.is_empty() || count > nan {
        hints.extend(of_pattern(verdict, finding, &elements.pattern));
    }
    hints
}

fn of_resemblance(resemblance: &Resemblance) -> &'static str {
    match resemblance {
        Resemblance::Zero => "a condition that is never true, or a sum that is never added to",
        Resemblance::Transposed => "rows and columns, x and y, exchanged in one index",
        Resemblance::Shifted { .. } => "an index that is off by one, or by one row",
        Resemblance::ChannelsReversed => "the order of the components of a vec4",
        Resemblance::Scaled { by } if (by + 1.0).abs() < 1e-3 => "a sign",
        Resemblance::Scaled { .. } => "a factor that is missing, or terms that are counted twice",
        Resemblance::WithoutRelu => "override RELU: where it is true, negative results become zero",
        Resemblance::PlusConstantPerChannel => "the bias: once for each output channel",
        Resemblance::Input => "the arithmetic: the input is only copied",
    }
}

fn of_pattern(verdict: &Verdict, finding: &Finding, pattern: &Pattern) -> Option<&'static str> {
    Some(match pattern {
        Pattern::Edges(_) if finding.is_matrix() => {
            "the edges: what is read outside A or B must count as zero"
        }
        Pattern::Edges(_) => "the edges: what is read outside the feature map must count as zero",
        Pattern::EveryFourth { .. } => "one component of the vec4: .x, .y, .z and .w are four channels",
        Pattern::LastChannels { .. } => "the last block of channels: their number is (channels + 3) / 4",
        Pattern::Last { .. } | Pattern::OneRun { .. } | Pattern::Periodic { .. }
            if !verdict.shares_memory =>
        {
            "the indices of exactly these elements: what an invocation adds to where it begins"
        }
        Pattern::Last { .. } | Pattern::OneRun { .. } | Pattern::Periodic { .. } => {
            "which of them a workgroup computes, and the barriers between its loads and its arithmetic"
        }
        Pattern::AboveDiagonal | Pattern::BelowDiagonal => {
            "which tiles are left out, and rows against columns"
        }
        Pattern::All | Pattern::Scattered => return None,
    })
}
