//! Tables of figures: a row for each engine, a column for each operation.
//!
//! Must not know what operations mean. Invariant: each figure stands beside its ratio to ours in the same table.

use crate::{
    engine,
    report::losses::{champion, more_is_better},
    results::{Results, Row},
};

/// What a table is of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Title {
    pub group: String,
    pub pair: String,
    pub entries: usize,
}

/// All tables there are figures for, in the order of the figures.
pub(super) fn titles(results: &Results) -> Vec<Title> {
    let mut titles = Vec::new();
    for row in &results.rows {
        let title = Title { group: row.cell.group.clone(), pair: row.cell.pair.clone(), entries: row.cell.entries };
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles
}

/// Rows of a table.
pub(super) fn rows<'r>(results: &'r Results, title: &Title) -> Vec<&'r Row> {
    let within = |row: &&Row| {
        (&row.cell.group, &row.cell.pair, row.cell.entries) == (&title.group, &title.pair, title.entries)
            && row.unit != "failed"
    };
    results.rows.iter().filter(within).collect()
}

/// The table in Markdown.
pub(super) fn table(results: &Results, title: &Title) -> String {
    let rows = rows(results, title);
    let mut operations: Vec<(&str, &str)> = Vec::new();
    for row in &rows {
        match operations.iter_mut().find(|(operation, _)| *operation == row.operation) {
            Some((_, unit)) if *unit == "n/a" => *unit = &row.unit,
            Some(_) => {}
            None => operations.push((&row.operation, &row.unit)),
        }
    }
    operations.sort_by_key(|(operation, _)| place(operation));
    let mut text = String::from("| |");
    for (operation, unit) in &operations {
        text += &format!(" {operation}, {unit} |");
    }
    text += "\n|---|";
    text += &"---:|".repeat(operations.len());
    for about in engine::ALL {
        let of_engine: Vec<&&Row> = rows.iter().filter(|row| row.cell.engine == about.name).collect();
        if of_engine.is_empty() {
            continue;
        }
        let name = if about.ours() { format!("**{}**", about.name) } else { about.name.to_owned() };
        text += &format!("\n| {name} |");
        for (operation, _) in &operations {
            let ours = rows.iter().find(|row| row.cell.engine == champion(&title.group) && row.operation == *operation);
            let row = of_engine.iter().find(|row| row.operation == *operation);
            text += &format!(" {} |", row.map_or_else(String::new, |row| cell(row, ours.copied())));
        }
    }
    text + "\n"
}

/// Where the column of an operation is; those that are not listed come as they were measured.
fn place(operation: &str) -> usize {
    const ORDER: [&str; 5] = ["load", "hit", "get_many", "miss", "dependent"];
    ORDER.iter().position(|other| *other == operation).unwrap_or(ORDER.len())
}

/// A figure, with its ratio to ours.
fn cell(row: &Row, ours: Option<&Row>) -> String {
    let Some(value) = row.value else { return "n/a".into() };
    let capped = if row.capped { "\u{2020}" } else { "" };
    let text = format!("{}{capped}", short(value));
    match ours.and_then(|ours| ours.value).filter(|ours| *ours > 0.0) {
        Some(ours) if ours.to_bits() != value.to_bits() => {
            let better = if more_is_better(&row.unit) { value > ours } else { value < ours };
            let ratio = format!("{}\u{d7}", short(value / ours));
            if better { format!("{text} (**{ratio}**)") } else { format!("{text} ({ratio})") }
        }
        _ => text,
    }
}

/// Three digits.
pub(super) fn short(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = (2 - digits).clamp(0, 3) as usize;
    let text = format!("{value:.decimals$}");
    if digits < 4 { text } else { grouped(value.round() as i64) }
}

/// Thousands apart.
pub(super) fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        figure::Figure,
        results::{Cell, missing, summed_up},
    };

    #[test]
    fn figures_are_short() {
        for (value, text) in
            [(0.0, "0.00"), (0.0123, "0.012"), (1.234, "1.23"), (12.34, "12.3"), (123.4, "123"), (12_345.6, "12,346")]
        {
            assert_eq!(short(value), text);
        }
        assert_eq!(grouped(-1_234_567), "-1,234,567");
    }

    #[test]
    fn a_row_an_engine_and_ratios_to_ours() {
        let mut results = Results::default();
        let cell =
            |engine: &str| Cell { group: "basic".into(), engine: engine.into(), pair: "u64-u64".into(), entries: 1000 };
        for (engine, value) in [("redb", 200.0), ("diskmap", 100.0), ("hashbrown", 50.0)] {
            let figure =
                Figure { operation: "hit".into(), unit: "ns".into(), value, done: 1, capped: engine == "redb" };
            results.replace(&cell(engine), summed_up(&cell(engine), &[figure], "full"));
        }
        results.rows.push(missing(&cell("redb"), "remove", "n/a", "full", "none"));
        let title = titles(&results).remove(0);
        let expected = "| | hit, ns | remove, n/a |\n|---|---:|---:|\n| **diskmap** | 100 |  |\n\
                        | hashbrown | 50.0 (**0.500\u{d7}**) |  |\n| redb | 200\u{2020} (2.00\u{d7}) | n/a |\n";
        assert_eq!(table(&results, &title), expected);
    }
}
