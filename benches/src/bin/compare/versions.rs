//! Versions of the engines, as this program was built with them.
//!
//! Must not know engines. Invariant: they come from `Cargo.lock` and `rust-toolchain.toml` alone.

const LOCK: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"));
const TOOLCHAIN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../rust-toolchain.toml"));

/// The version of a package that this program depends on, or of the standard library.
pub(crate) fn of(package: &str) -> Option<&'static str> {
    if package == "std" { assigned(TOOLCHAIN, "channel") } else { depended_on(LOCK, env!("CARGO_PKG_NAME"), package) }
}

/// Which version of a package another one depends on: the lock says it only where there are several.
fn depended_on<'l>(lock: &'l str, by: &str, package: &str) -> Option<&'l str> {
    let packages = || lock.split("[[package]]");
    let dependent = packages().find(|text| assigned(text, "name") == Some(by))?;
    let dependency = dependent.lines().find_map(|line| {
        let mut words = line.trim().strip_prefix('"')?.strip_suffix("\",")?.split(' ');
        (words.next() == Some(package)).then(|| words.next())
    })?;
    dependency.or_else(|| {
        packages().find(|text| assigned(text, "name") == Some(package)).and_then(|text| assigned(text, "version"))
    })
}

/// The text that is assigned to a name.
fn assigned<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
[[package]]
name = "a"
version = "1.2"

[[package]]
name = "ab"
version = "3"

[[package]]
name = "ours"
version = "0.1"
dependencies = [
 "a 2.0",
 "ab",
]

[[package]]
name = "a"
version = "2.0"
"#;

    #[test]
    fn the_version_is_the_one_depended_on() {
        assert_eq!(depended_on(LOCK, "ours", "a"), Some("2.0"));
        assert_eq!(depended_on(LOCK, "ours", "ab"), Some("3"));
        assert_eq!(depended_on(LOCK, "ours", "b"), None);
    }

    #[test]
    fn engines_have_versions() {
        for about in crate::engine::ALL {
            assert!(of(about.package).is_some(), "{}", about.name);
        }
    }
}
