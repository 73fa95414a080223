//! All figures there are, in a file of tab-separated values that runs of parts are merged into.
//!
//! Must not know how figures come about or are shown. Invariant: the figures of one cell – a group, an engine, a kind of
//! entries, a size – are of one run of this program.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result, ensure};
use diskmap_benches::report::median;

use crate::figure::Figure;

const COLUMNS: &str =
    "group\tengine\tpair\tentries\toperation\tunit\tmedian\tleast\tmost\truns\tdone\tcapped\tmode\tnote";

/// What was measured together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub group: String,
    pub engine: String,
    pub pair: String,
    pub entries: usize,
}

/// One figure, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub cell: Cell,
    pub operation: String,
    pub unit: String,
    /// `None` where the engine cannot do it or failed; the note says why.
    pub value: Option<f64>,
    pub least: f64,
    pub most: f64,
    pub runs: usize,
    /// Operations of the last run.
    pub done: usize,
    /// Whether time was over in any run before all was done.
    pub capped: bool,
    pub mode: String,
    pub note: String,
}

/// All rows, and what is known of the machine and the engines.
#[derive(Default, Debug, PartialEq)]
pub(crate) struct Results {
    /// By name, such as `machine/CPU`.
    pub facts: BTreeMap<String, String>,
    pub rows: Vec<Row>,
}

impl Results {
    /// What a file has; nothing if there is no file.
    pub(crate) fn load(path: &Path) -> Result<Results> {
        if !path.exists() {
            return Ok(Results::default());
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Results::parse(&text).with_context(|| format!("{} is not of this program", path.display()))
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::write(path, self.encode()).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes the rows of a cell in, in place of those there were.
    pub(crate) fn replace(&mut self, cell: &Cell, rows: Vec<Row>) {
        self.rows.retain(|row| row.cell != *cell);
        self.rows.extend(rows);
    }

    fn encode(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.facts {
            // Writing to a string does not fail.
            let _ = writeln!(text, "#{name}\t{}", plain(value));
        }
        let _ = writeln!(text, "{COLUMNS}");
        for row in &self.rows {
            let Row { cell, operation, unit, value, least, most, runs, done, capped, mode, note } = row;
            let Cell { group, engine, pair, entries } = cell;
            let value = value.map_or_else(|| "-".into(), |value| value.to_string());
            let note = plain(note);
            let _ = writeln!(
                text,
                "{group}\t{engine}\t{pair}\t{entries}\t{operation}\t{unit}\t{value}\t{least}\t{most}\t{runs}\t{done}\t\
                 {capped}\t{mode}\t{note}"
            );
        }
        text
    }

    fn parse(text: &str) -> Result<Results> {
        let mut results = Results::default();
        let mut titled = false;
        for (number, line) in text.lines().enumerate() {
            if let Some(fact) = line.strip_prefix('#') {
                let (name, value) = fact.split_once('\t').with_context(|| format!("line {}: no value", number + 1))?;
                results.facts.insert(name.into(), value.into());
            } else if titled {
                results.rows.push(row(line).with_context(|| format!("line {}", number + 1))?);
            } else {
                ensure!(line == COLUMNS, "line {}: other columns than {COLUMNS}", number + 1);
                titled = true;
            }
        }
        Ok(results)
    }
}

/// The rows of a cell: the median of all runs of each operation.
pub(crate) fn summed_up(cell: &Cell, figures: &[Figure], mode: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for figure in figures {
        if rows.iter().any(|row| row.operation == figure.operation) {
            continue;
        }
        let runs: Vec<&Figure> = figures.iter().filter(|other| other.operation == figure.operation).collect();
        let values: Vec<f64> = runs.iter().map(|run| run.value).collect();
        rows.push(Row {
            cell: cell.clone(),
            operation: figure.operation.clone(),
            unit: figure.unit.clone(),
            value: median(&values),
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            runs: runs.len(),
            done: runs.last().map_or(0, |run| run.done),
            capped: runs.iter().any(|run| run.capped),
            mode: mode.into(),
            note: String::new(),
        });
    }
    rows
}

/// A row that says why there is no figure.
pub(crate) fn missing(cell: &Cell, operation: &str, unit: &str, mode: &str, note: &str) -> Row {
    Row {
        cell: cell.clone(),
        operation: operation.into(),
        unit: unit.into(),
        value: None,
        least: 0.0,
        most: 0.0,
        runs: 0,
        done: 0,
        capped: false,
        mode: mode.into(),
        note: note.into(),
    }
}

fn row(line: &str) -> Result<Row> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [group, engine, pair, entries, operation, unit, value, least, most, runs, done, capped, mode, note] =
        fields[..]
    else {
        anyhow::bail!("{} columns", fields.len());
    };
    Ok(Row {
        cell: Cell { group: group.into(), engine: engine.into(), pair: pair.into(), entries: entries.parse()? },
        operation: operation.into(),
        unit: unit.into(),
        value: if value == "-" { None } else { Some(value.parse()?) },
        least: least.parse()?,
        most: most.parse()?,
        runs: runs.parse()?,
        done: done.parse()?,
        capped: capped.parse()?,
        mode: mode.into(),
        note: note.into(),
    })
}

fn plain(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(engine: &str) -> Cell {
        Cell { group: "basic".into(), engine: engine.into(), pair: "u64-u64".into(), entries: 1000 }
    }

    fn find<'r>(results: &'r Results, engine: &str, operation: &str) -> Option<&'r Row> {
        results.rows.iter().find(|row| row.cell.engine == engine && row.operation == operation)
    }

    fn figure(operation: &str, value: f64) -> Figure {
        Figure { operation: operation.into(), unit: "ns".into(), value, done: 1000, capped: false }
    }

    fn two_engines() -> Results {
        let mut results = Results::default();
        results.facts.insert("machine/CPU".into(), "some".into());
        for engine in ["a", "b"] {
            let mut rows =
                summed_up(&cell(engine), &[figure("hit", 1.25), figure("hit", 9.0), figure("hit", 3.5)], "full");
            rows.push(missing(&cell(engine), "remove", "n/a", "full", "it has\tnone"));
            results.replace(&cell(engine), rows);
        }
        results
    }

    #[test]
    fn a_file_has_all_of_it() -> Result<()> {
        let results = two_engines();
        let again = Results::parse(&results.encode())?;
        assert_eq!(again.facts, results.facts);
        assert_eq!(again.rows.len(), 4);
        assert_eq!(again.rows[0], results.rows[0]);
        assert_eq!(again.rows[1].note, "it has none");
        assert_eq!(Results::parse(&again.encode())?, again);
        Ok(())
    }

    #[test]
    fn runs_become_their_median() {
        let results = two_engines();
        let row = find(&results, "b", "hit").expect("added above");
        assert_eq!((row.value, row.least, row.most, row.runs), (Some(3.5), 1.25, 9.0, 3));
    }

    #[test]
    fn a_cell_that_is_measured_again_replaces_its_rows_alone() {
        let mut results = two_engines();
        results.replace(&cell("a"), summed_up(&cell("a"), &[figure("load", 2.0)], "quick"));
        assert!(find(&results, "a", "hit").is_none());
        assert!(find(&results, "b", "hit").is_some());
        assert_eq!(results.rows.len(), 3);
    }

    #[test]
    fn other_files_are_refused() {
        assert!(Results::parse("a\tb\n").is_err());
        assert!(Results::parse(&format!("{COLUMNS}\nbasic\ta\n")).is_err());
    }
}
