//! Versions of the engines, as this program was built with them.
//!
//! Must not know engines. Invariant: they come from `Cargo.lock` alone.

const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));

/// The versions of a package, the newest last; empty if the program is built without it.
pub(crate) fn of(package: &str) -> String {
    in_lock(LOCK, package).join(", ")
}

fn in_lock<'l>(lock: &'l str, package: &str) -> Vec<&'l str> {
    let name = format!("name = \"{package}\"");
    let quoted = |line: &'l str| line.strip_prefix("version = \"")?.strip_suffix('"');
    let packages = lock.split("[[package]]").filter(|text| text.lines().any(|line| line == name));
    packages.filter_map(|text| text.lines().find_map(quoted)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2\"\n\n[[package]]\nname = \"ab\"\nversion = \"3\"\n\
                    dependencies = [\n \"a\",\n]\n\n[[package]]\nname = \"a\"\nversion = \"2.0\"\n";
        assert_eq!(in_lock(lock, "a"), ["1.2", "2.0"]);
        assert_eq!(in_lock(lock, "ab"), ["3"]);
        assert!(in_lock(lock, "b").is_empty());
        assert!(!of("diskmap").is_empty());
    }
}
