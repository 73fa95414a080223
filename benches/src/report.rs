//! The table: a figure of diskmap, the same of its rival, their ratio, and what was promised.
//!
//! Must not know what is measured. Invariant: rows keep the order in which they were first added, and show the median of
//! all runs.

use std::{borrow::Cow, fmt};

/// What a limit applies to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Nothing was promised.
    None,
    /// The ratio is to be at most this.
    Ratio(f64),
    /// The ratio is to be at least this.
    AtLeast(f64),
    /// diskmap's own figure is to be at most this.
    Figure(f64),
}

struct Row {
    what: Cow<'static, str>,
    unit: &'static str,
    limit: Limit,
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

/// Figures of all runs.
pub struct Report {
    rival: &'static str,
    rows: Vec<Row>,
}

impl Report {
    /// An empty table, with what diskmap is measured against.
    pub fn against(rival: &'static str) -> Report {
        Report { rival, rows: Vec::new() }
    }

    /// Adds a figure of both.
    pub fn pair(
        &mut self,
        what: impl Into<Cow<'static, str>>,
        unit: &'static str,
        (ours, theirs): (f64, f64),
        limit: Limit,
    ) {
        let row = self.row(what, unit, limit);
        row.ours.push(ours);
        row.theirs.push(theirs);
    }

    /// Adds a figure that only diskmap has.
    pub fn ours(&mut self, what: impl Into<Cow<'static, str>>, unit: &'static str, figure: f64, limit: Limit) {
        self.row(what, unit, limit).ours.push(figure);
    }

    /// Adds a figure that needs no diskmap.
    pub fn theirs(&mut self, what: impl Into<Cow<'static, str>>, unit: &'static str, figure: f64) {
        self.row(what, unit, Limit::None).theirs.push(figure);
    }

    fn row(&mut self, what: impl Into<Cow<'static, str>>, unit: &'static str, limit: Limit) -> &mut Row {
        let what = what.into();
        let at = self.rows.iter().position(|row| row.what == what).unwrap_or_else(|| {
            self.rows.push(Row { what, unit, limit, ours: Vec::new(), theirs: Vec::new() });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figure = |values: &[f64]| median(values).map_or_else(String::new, |value| format!("{value:.1}"));
        let width = self.rows.iter().map(|row| row.what.len() + row.unit.len() + 3).fold(38, usize::max);
        writeln!(f, "{:<width$}{:>10}{:>11}{:>8}  limit", "", "diskmap", self.rival, "ratio")?;
        for row in &self.rows {
            let (ours, theirs) = (figure(&row.ours), figure(&row.theirs));
            let ratio = row.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}"));
            let what = format!("{}, {}", row.what, row.unit);
            writeln!(f, "{what:<width$}{ours:>10}{theirs:>11}{ratio:>8}  {}", row.judged())?;
        }
        Ok(())
    }
}

impl Row {
    /// The median of the ratios of each run.
    fn ratio(&self) -> Option<f64> {
        let ratios: Vec<f64> = self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect();
        median(&ratios)
    }

    fn judged(&self) -> String {
        let (promised, missed) = match self.limit {
            Limit::None => return String::new(),
            Limit::Ratio(limit) => (format!("{limit}"), self.ratio().is_some_and(|found| found > limit)),
            Limit::AtLeast(limit) => (format!("at least {limit}"), self.ratio().is_some_and(|found| found < limit)),
            Limit::Figure(limit) => (format!("{limit}"), median(&self.ours).is_some_and(|found| found > limit)),
        };
        if missed { promised + " MISSED" } else { promised }
    }
}

/// The middle of some figures.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        len if len % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_show_medians_and_missed_limits() {
        let mut report = Report::against("hashbrown");
        for (ours, theirs) in [(10.0, 10.0), (90.0, 10.0), (20.0, 10.0)] {
            report.pair("get", "ns", (ours, theirs), Limit::Ratio(1.5));
        }
        report.ours("open", "ms", 3.0, Limit::Figure(20.0));
        report.pair("both", "M/s", (3.0, 2.0), Limit::AtLeast(1.5));
        report.pair("more", "M/s", (2.9, 2.0), Limit::AtLeast(1.5));
        let lines: Vec<String> = report.to_string().lines().map(|line| line.replace(' ', "")).collect();
        let expected = [
            "get,ns20.010.02.001.5MISSED",
            "open,ms3.020",
            "both,M/s3.02.01.50atleast1.5",
            "more,M/s2.92.01.45atleast1.5MISSED",
        ];
        assert_eq!(lines[1..], expected);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0]), Some(2.0));
        assert_eq!(median(&[5.0, 1.0, 3.0]), Some(3.0));
    }
}
