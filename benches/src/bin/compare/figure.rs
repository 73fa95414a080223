//! What a measuring process tells the one that started it: a line for each figure.
//!
//! Must not know what was measured. Invariant: what `tell` prints `parse` reads.

use anyhow::{Context, Result, bail};

use crate::pace::Pace;

/// One figure of one run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    pub operation: String,
    pub unit: String,
    pub value: f64,
    /// How many operations it is of.
    pub done: usize,
    /// Whether time was over before all were done.
    pub capped: bool,
}

/// A line of the measuring process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    Figure(Figure),
    /// An operation that the engine does not have, and why.
    Lacks(String, String),
    /// The process has stored so many entries and waits to be killed.
    Ready(usize),
}

impl Line {
    pub(crate) fn tell(&self) {
        println!("{}", self.encode());
    }

    fn encode(&self) -> String {
        match self {
            Line::Figure(Figure { operation, unit, value, done, capped }) => {
                format!("figure\t{operation}\t{unit}\t{value}\t{done}\t{capped}")
            }
            Line::Lacks(operation, reason) => format!("lacks\t{operation}\t{}", reason.replace(['\t', '\n'], " ")),
            Line::Ready(stored) => format!("ready\t{stored}"),
        }
    }

    pub(crate) fn parse(line: &str) -> Result<Line> {
        let fields: Vec<&str> = line.split('\t').collect();
        Ok(match fields[..] {
            ["figure", operation, unit, value, done, capped] => Line::Figure(Figure {
                operation: operation.into(),
                unit: unit.into(),
                value: value.parse()?,
                done: done.parse()?,
                capped: capped.parse()?,
            }),
            ["lacks", operation, reason] => Line::Lacks(operation.into(), reason.into()),
            ["ready", stored] => Line::Ready(stored.parse().context("how many?")?),
            _ => bail!("a measuring process said `{line}`"),
        })
    }
}

/// Tells nanoseconds for each operation.
pub(crate) fn tell_pace(operation: &str, pace: Pace) {
    tell(operation, "ns", pace.ns(), pace.done, pace.capped);
}

/// Tells a figure.
pub(crate) fn tell(operation: &str, unit: &str, value: f64, done: usize, capped: bool) {
    Line::Figure(Figure { operation: operation.into(), unit: unit.into(), value, done, capped }).tell();
}

/// Tells that there is no such operation.
pub(crate) fn tell_lack(operation: &str, reason: &str) {
    Line::Lacks(operation.into(), reason.into()).tell();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_understood() -> Result<()> {
        let figure = Figure { operation: "hit".into(), unit: "ns".into(), value: 12.75, done: 1000, capped: true };
        for line in [Line::Figure(figure), Line::Lacks("remove".into(), "it has none".into()), Line::Ready(7)] {
            assert_eq!(Line::parse(&line.encode())?, line);
        }
        assert_eq!(
            Line::parse(&Line::Lacks("a".into(), "b\tc".into()).encode())?,
            Line::Lacks("a".into(), "b c".into())
        );
        assert!(Line::parse("figure\thit").is_err());
        Ok(())
    }
}
