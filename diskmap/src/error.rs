//! The one error type of the crate. Every layer may use it; each message says what happened, where, and what to do next.

mod difference;

use std::{io, path::PathBuf};

use self::difference::first_difference;

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with a map. On `Err` the map is as it was before the call.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("cannot use {}: {source}; check that the path exists and may be read and written", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The map was created for other key or value types.
    #[error(
        "the map's {side} type does not match\n  stored:   {stored}\n  expected: {expected}{}\n{advice}",
        first_difference(stored, expected)
    )]
    SchemaMismatch {
        /// `"key"` or `"value"`.
        side: &'static str,
        /// The schema in the map's files.
        stored: String,
        /// The schema of the Rust type it was opened with.
        expected: String,
        /// What to do next.
        advice: &'static str,
    },
    /// The map was created with another hasher, or the hasher computes other hashes than it did then.
    #[error(
        "the map was built with hasher `{stored}`, not `{expected}`; open it with the hasher (and the version of its crate) it was created with"
    )]
    HasherMismatch {
        /// The identity of the hasher in the map's files.
        stored: String,
        /// The identity of the hasher it was opened with.
        expected: String,
    },
    /// The files are of a newer (or unknown) format.
    #[error("the map has format version {found}, this build reads up to {supported}; update the diskmap crate")]
    UnsupportedFormat {
        /// The version in the files.
        found: u32,
        /// The newest version this build knows.
        supported: u32,
    },
    /// Bytes in the files cannot be what was written.
    #[error(
        "the map is damaged: {file} at byte {offset}: {what}; restore a backup, or copy the readable entries into a new map with `diskmap::repair`"
    )]
    Corrupt {
        /// The file of the map.
        file: &'static str,
        /// Where in that file.
        offset: u64,
        /// What was found.
        what: String,
    },
    /// Another handle, in this or another process, has the map open.
    #[error("the map in {} is open elsewhere: one writer or any number of readers; close the other handle first", path.display())]
    Locked {
        /// The map's directory.
        path: PathBuf,
    },
    /// There is a map already where a new one was to be created.
    #[error("there is already a map in {}; open it with `load_from` or `open`, or choose another directory", path.display())]
    AlreadyExists {
        /// The map's directory.
        path: PathBuf,
    },
    /// There is no map in the directory.
    #[error("there is no map in {}; create one with `new_in` or `open`", path.display())]
    NotFound {
        /// The directory.
        path: PathBuf,
    },
    /// The memory the caller provided is used up.
    #[error("the map's memory of {capacity} bytes is full; provide more (see `required_bytes`) or remove entries")]
    Full {
        /// Bytes of memory the map was given.
        capacity: u64,
    },
    /// The file system has no room for the map to grow.
    #[error("no space to grow {} by {needed} bytes: {source}; free disk space (or raise the quota) and try again", path.display())]
    OutOfSpace {
        /// The file that was to grow.
        path: PathBuf,
        /// Bytes that were asked for.
        needed: u64,
        /// What the operating system said.
        source: io::Error,
    },
    /// A key or value is longer than a record can be.
    #[error("a {side} of {len} bytes is too large: the limit is {max} bytes; split it or store a reference to it")]
    TooLarge {
        /// `"key"`, `"value"` or `"entry"`.
        side: &'static str,
        /// Its length in bytes.
        len: u64,
        /// The longest possible.
        max: u64,
    },
    /// An argument makes no sense.
    #[error("invalid input: {what}")]
    InvalidInput {
        /// What is wrong with it and what would be right.
        what: String,
    },
    /// A write to a map that was opened read-only.
    #[error("the map is open read-only; open it without `read_only(true)` to write")]
    ReadOnly,
    /// A key or value could not be encoded.
    #[error("cannot encode: {what}")]
    Encode {
        /// Why not.
        what: String,
    },
    /// Syncing failed earlier: nothing more can be promised, so nothing more is written.
    #[error(
        "the map takes no more writes because syncing failed: {cause}; reads go on, reopen the map to return to a known state"
    )]
    Poisoned {
        /// The failure.
        cause: String,
    },
    /// The map was used again from inside one of its own closures.
    #[error("the map is in use by this thread already (inside an entry or a closure); finish that first")]
    Reentrant,
    /// The map was rewritten with other types, and the process ended before the new files were in their places.
    #[error("the map in {} is not whole yet: a migration was interrupted; open it once for writing, which finishes it", path.display())]
    Unfinished {
        /// The map's directory.
        path: PathBuf,
    },
    /// Opening would go back to the last checkpoint, and the options forbid that.
    #[error(
        "the map in {} was not closed before a reboot or a copy: opening it goes back to its last checkpoint; allow that with `OnRollback::Accept`", path.display()
    )]
    RolledBack {
        /// The map's directory.
        path: PathBuf,
    },
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Error {
        Error::Io { path: path.into(), source }
    }

    pub(crate) fn corrupt(file: &'static str, offset: u64, what: impl Into<String>) -> Error {
        Error::Corrupt { file, offset, what: what.into() }
    }

    pub(crate) fn invalid(what: impl Into<String>) -> Error {
        Error::InvalidInput { what: what.into() }
    }
}

/// An error on its way up from where every instruction counts: one pointer, so that results stay in registers.
pub(crate) struct Fault(Box<Error>);

/// The result of what a lookup does.
pub(crate) type Checked<T> = std::result::Result<T, Fault>;

impl From<Error> for Fault {
    #[cold]
    #[inline(never)]
    fn from(error: Error) -> Fault {
        Fault(Box::new(error))
    }
}

impl From<Fault> for Error {
    #[cold]
    #[inline(never)]
    fn from(fault: Fault) -> Error {
        *fault.0
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        use io::ErrorKind as Kind;
        let kind = match &error {
            Error::Io { source, .. } | Error::OutOfSpace { source, .. } => source.kind(),
            Error::AlreadyExists { .. } => Kind::AlreadyExists,
            Error::NotFound { .. } => Kind::NotFound,
            Error::Locked { .. } => Kind::WouldBlock,
            Error::Full { .. } => Kind::StorageFull,
            Error::ReadOnly => Kind::PermissionDenied,
            Error::InvalidInput { .. } | Error::TooLarge { .. } | Error::Encode { .. } => Kind::InvalidInput,
            Error::UnsupportedFormat { .. } => Kind::Unsupported,
            Error::SchemaMismatch { .. } | Error::HasherMismatch { .. } | Error::Corrupt { .. } => Kind::InvalidData,
            _ => Kind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_types_are_named_with_their_first_difference() {
        let error = Error::SchemaMismatch {
            side: "value",
            stored: "record A v1 { id: u64, qty: u32 }".into(),
            expected: "record A v1 { id: u64, qty: u64 }".into(),
            advice: "and now",
        };
        let text = "the map's value type does not match\n  stored:   record A v1 { id: u64, qty: u32 }\n  expected: \
            record A v1 { id: u64, qty: u64 }\nfirst difference: stored `qty: u32`, expected `qty: u64`\nand now";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn io_kind_follows_the_error() {
        let error = io::Error::from(Error::NotFound { path: "x".into() });
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("new_in"));
    }
}
