//! What a look at a whole map found: counts, and findings with the place of each.
//!
//! Must not know what is looked at. Invariant: every finding is counted, also those there is no room to keep.

use std::fmt;

use crate::error::{Error, Result};

/// Findings that a report keeps.
const KEPT: usize = 1000;
/// Findings that are shown.
const SHOWN: usize = 10;

/// What [`DiskHashMap::verify`](crate::DiskHashMap::verify) found.
///
/// `Display` shows the counts and the first findings in a few lines.
#[non_exhaustive]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries found in the index.
    pub entries: u64,
    /// Segments of the index that hold them.
    pub segments: u64,
    /// Records of the heap that entries refer to.
    pub records: u64,
    /// Bytes of those segments.
    pub index_bytes: u64,
    /// Bytes of the cells those records lie in.
    pub heap_bytes: u64,
    /// Cells of the heap that are in use but that no entry refers to. A killed process leaves one at most.
    pub leaked_cells: u64,
    /// Segments that are in use but that no key leads to.
    pub leaked_segments: u64,
    /// Bytes of leaked cells and segments.
    pub leaked_bytes: u64,
    /// How much is wrong. Leaks are not counted here.
    pub faults: u64,
    findings: Vec<Finding>,
}

/// Something that a sound map does not have.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Damage, or space that is lost.
    pub kind: FindingKind,
    /// The file of the map.
    pub file: &'static str,
    /// Where in that file, in bytes.
    pub offset: u64,
    /// What was found.
    pub what: String,
}

/// How bad a finding is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// Bytes that cannot be what was written.
    Damage,
    /// Space that nothing uses and nothing gives back. No entry is lost or wrong.
    Leak,
}

/// How far a long piece of work has come. What is counted, entries or bytes, its method says.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What has been done.
    pub done: u64,
    /// What there is to do; an estimate that `done` may pass a little.
    pub total: u64,
}

impl Report {
    /// Whether nothing is wrong. A map that leaks space is sound.
    pub fn is_sound(&self) -> bool {
        self.faults == 0
    }

    /// What was found, the first thousand: damage and leaks.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The first damage that was found, as an error. Leaks are none.
    pub(crate) fn sound(&self) -> Result<()> {
        match self.findings.iter().find(|finding| finding.kind == FindingKind::Damage) {
            None => Ok(()),
            Some(Finding { file, offset, what, .. }) => Err(Error::corrupt(file, *offset, what.clone())),
        }
    }

    /// Counts and keeps a fault.
    pub(crate) fn damage(&mut self, file: &'static str, offset: u64, what: impl fmt::Display) {
        self.faults += 1;
        self.keep(FindingKind::Damage, file, offset, what);
    }

    /// Keeps a leak. Its cells, segments and bytes are the caller's to count.
    pub(crate) fn leak(&mut self, file: &'static str, offset: u64, what: impl fmt::Display) {
        self.keep(FindingKind::Leak, file, offset, what);
    }

    /// What a result holds; an error that tells of damage in `file` becomes a finding.
    pub(crate) fn absorb<T>(&mut self, file: &'static str, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => return Ok(Some(value)),
            Err(Error::Corrupt { file, offset, what }) => self.damage(file, offset, what),
            Err(error @ Error::UnsupportedFormat { .. }) => self.damage(file, 0, error),
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    fn keep(&mut self, kind: FindingKind, file: &'static str, offset: u64, what: impl fmt::Display) {
        if self.findings.len() < KEPT {
            self.findings.push(Finding { kind, file, offset, what: what.to_string() });
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.faults {
            0 => writeln!(f, "the map is sound")?,
            1 => writeln!(f, "the map is damaged: 1 fault")?,
            faults => writeln!(f, "the map is damaged: {faults} faults")?,
        }
        write!(f, "entries: {}, in segments: {} ({} bytes)", self.entries, self.segments, self.index_bytes)?;
        if self.records > 0 {
            write!(f, ", in records: {} ({} bytes)", self.records, self.heap_bytes)?;
        }
        if self.leaked_bytes > 0 {
            let Report { leaked_cells: cells, leaked_segments: segments, leaked_bytes: bytes, .. } = self;
            write!(f, "\nleaked cells: {cells}, segments: {segments} (together {bytes} bytes)")?;
        }
        for finding in self.findings.iter().take(SHOWN) {
            write!(f, "\n  {finding}")?;
        }
        let all = self.faults + self.leaked_cells + self.leaked_segments;
        let shown = self.findings.len().min(SHOWN) as u64;
        if all > shown { write!(f, "\n  and {} more", all - shown) } else { Ok(()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.file, self.offset, self.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_are_kept() {
        let mut report = Report::default();
        for at in 0..1500 {
            report.damage("index", at, "odd");
        }
        assert_eq!((report.faults, report.findings().len(), report.is_sound()), (1500, 1000, false));
        assert_eq!(report.findings()[999].offset, 999);
        let text = report.to_string();
        assert!(text.starts_with("the map is damaged: 1500 faults\nentries: 0, in segments: 0 (0 bytes)\n"), "{text}");
        assert!(text.ends_with("\n  index at byte 9: odd\n  and 1490 more"), "{text}");
    }

    #[test]
    fn leaks_are_no_faults() {
        let mut report = Report { leaked_cells: 1, leaked_bytes: 32, ..Report::default() };
        report.leak("heap", 64, "lost");
        assert!(report.is_sound());
        let text = "the map is sound\nentries: 0, in segments: 0 (0 bytes)\n\
            leaked cells: 1, segments: 0 (together 32 bytes)\n  heap at byte 64: lost";
        assert_eq!(report.to_string(), text);
    }

    #[test]
    fn only_damage_is_absorbed() {
        let mut report = Report::default();
        assert_eq!(report.absorb("MAP", Ok(7)).expect("a value"), Some(7));
        let damaged: Result<u32> = Err(Error::corrupt("checkpoint", 8, "torn"));
        assert_eq!(report.absorb("MAP", damaged).expect("absorbed"), None);
        assert_eq!(report.findings()[0].to_string(), "checkpoint at byte 8: torn");
        assert!(report.absorb::<u32>("MAP", Err(Error::ReadOnly)).is_err());
    }
}
