//! Columns of text, and numbers rounded for reading.

/// Alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Rows under a header, each column as wide as its widest cell; no spaces at the ends of lines.
pub(super) fn columns(header: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.max().unwrap_or(0).max(header[column].0.chars().count())
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(header).zip(&widths).map(|((cell, (_, align)), &width)| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_string() + "\n"
    };
    let mut text = line(&mut header.iter().map(|(title, _)| *title));
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// A number with three significant digits: `1234`, `123`, `12.3`, `1.23`, `0.012`.
pub fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        v if v >= 0.9995 => format!("{value:.2}"),
        v if v >= 0.0005 => format!("{value:.3}"),
        _ => format!("{value:.0e}"),
    }
}

/// Seconds as milliseconds, without the unit.
pub(crate) fn milliseconds(seconds: f64) -> String {
    number(seconds * 1e3)
}

/// A number, or `-` for zero: there is nothing to count.
pub(super) fn number_or_dash(value: f64) -> String {
    if value == 0.0 { "-".into() } else { number(value) }
}

/// A fraction as percent: `8.3%`, `83%`.
pub(crate) fn percent(part: f64) -> String {
    let percent = part * 100.0;
    if percent >= 9.95 { format!("{percent:.0}%") } else { format!("{percent:.1}%") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        let cases = [
            (12345.6, "12346"),
            (123.4, "123"),
            (12.34, "12.3"),
            (1.234, "1.23"),
            (0.01234, "0.012"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!((number(0.00001), number_or_dash(0.0)), ("1e-5".into(), "-".into()));
        assert_eq!((percent(0.083), percent(0.834)), ("8.3%".into(), "83%".into()));
    }

    #[test]
    fn columns_line_up_and_lines_end_clean() {
        let rows = vec![vec!["a".into(), "1".into()], vec!["longer".into(), "22".into()], vec!["x".into()]];
        let text = columns(&[("name", Align::Left), ("n", Align::Right)], &rows);
        assert_eq!(text, "name     n\na        1\nlonger  22\nx\n");
    }
}
