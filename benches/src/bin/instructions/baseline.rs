//! The committed counts, and what a new count is beside them.
//!
//! Must not count anything. Invariant: what is written is read back as it was, and a line that cannot be read is an error.

use std::{fmt, str::FromStr};

use anyhow::{Context, Error, Result, ensure};

/// A count may be off by this share: what the C library and a different layout of the code change.
const TOLERANCE: f64 = 0.03;

const HEAD: &str = "\
# Instructions an operation takes on diskmap's hot paths, and the compiler that built them. Not to be edited:
# cargo run --release -p diskmap-benches --bin instructions -- --write
";
/// The first line's key.
const COMPILER: &str = "compiler";

/// What each path took, instructions an operation.
#[derive(Debug, PartialEq)]
pub(crate) struct Baseline {
    pub(crate) compiler: String,
    pub(crate) counts: Vec<(String, f64)>,
}

/// What a count is beside that of the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// Within the tolerance.
    Same,
    /// Above it.
    More,
    /// Below it.
    Less,
    /// The baseline has none.
    New,
}

impl Verdict {
    /// Compares a count with the one before.
    pub(crate) fn of(before: Option<f64>, now: f64) -> Verdict {
        match before.map(|before| now / before - 1.0) {
            None => Verdict::New,
            Some(change) if change > TOLERANCE => Verdict::More,
            Some(change) if change < -TOLERANCE => Verdict::Less,
            Some(_) => Verdict::Same,
        }
    }
}

impl Baseline {
    /// What a path took.
    pub(crate) fn of(&self, path: &str) -> Option<f64> {
        self.counts.iter().find(|(name, _)| name == path).map(|&(_, count)| count)
    }

    /// The paths of the baseline that are not among these.
    pub(crate) fn gone(&self, paths: impl Iterator<Item = &'static str> + Clone) -> Vec<String> {
        let known = |name: &str| paths.clone().any(|path| path == name);
        self.counts.iter().map(|(name, _)| name).filter(|name| !known(name)).cloned().collect()
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}{COMPILER}\t{}", self.compiler)?;
        self.counts.iter().try_for_each(|(path, count)| writeln!(f, "{path}\t{count:.2}"))
    }
}

impl FromStr for Baseline {
    type Err = Error;

    fn from_str(text: &str) -> Result<Baseline> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut pair = || lines.next().map(|line| line.split_once('\t').with_context(|| format!("no tab in `{line}`")));
        let (key, compiler) = pair().context("an empty baseline")??;
        ensure!(key == COMPILER, "the baseline does not begin with its compiler but `{key}`");
        let mut counts: Vec<(String, f64)> = Vec::new();
        while let Some(line) = pair() {
            let (path, count) = line?;
            let count: f64 = count.parse().with_context(|| format!("`{path}` has no count but `{count}`"))?;
            ensure!(count.is_finite() && count > 0.0, "`{path}` cannot take {count} instructions");
            ensure!(counts.iter().all(|(name, _)| name != path), "`{path}` is there twice");
            counts.push((path.to_owned(), count));
        }
        Ok(Baseline { compiler: compiler.to_owned(), counts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline() -> Baseline {
        let counts = vec![("get".to_owned(), 100.0), ("insert".to_owned(), 266.25)];
        Baseline { compiler: "rustc 1.95.0, x86_64".to_owned(), counts }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = baseline().to_string();
        assert!(text.ends_with("\ncompiler\trustc 1.95.0, x86_64\nget\t100.00\ninsert\t266.25\n"), "{text}");
        assert_eq!(text.parse::<Baseline>().unwrap(), baseline());
    }

    #[test]
    fn a_count_is_judged_by_the_tolerance() {
        let before = baseline().of("get");
        assert_eq!(before, Some(100.0));
        for (now, verdict) in [
            (100.0, Verdict::Same),
            (102.9, Verdict::Same),
            (97.1, Verdict::Same),
            (103.1, Verdict::More),
            (96.9, Verdict::Less),
        ] {
            assert_eq!(Verdict::of(before, now), verdict, "{now}");
        }
        assert_eq!(Verdict::of(baseline().of("remove"), 1.0), Verdict::New);
    }

    #[test]
    fn paths_that_are_gone_are_told() {
        assert_eq!(baseline().gone(["get", "remove"].into_iter()), ["insert"]);
        assert!(baseline().gone(["insert", "get"].into_iter()).is_empty());
    }

    #[test]
    fn what_is_not_a_baseline_is_refused() {
        for (text, says) in [
            ("", "an empty baseline"),
            ("# only a comment", "an empty baseline"),
            ("get\t100", "does not begin with its compiler"),
            ("compiler\trustc\nget 100", "no tab"),
            ("compiler\trustc\nget\tmany", "no count but `many`"),
            ("compiler\trustc\nget\tNaN", "cannot take NaN"),
            ("compiler\trustc\nget\t0", "cannot take 0"),
            ("compiler\trustc\nget\t1\nget\t2", "there twice"),
        ] {
            let error = format!("{:#}", text.parse::<Baseline>().unwrap_err());
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}
