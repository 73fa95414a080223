//! What docs/DURABILITY.md names, looked up in the source: functions, tests, variables, files.
//!
//! Must not know what a name is for. Invariant: a name that is not there is a failure, and so is a step that names no code
//! or no test.

use std::{
    fs,
    path::{Path, PathBuf},
};

const DOCUMENT: &str = include_str!("../../docs/DURABILITY.md");

/// The source, file by file.
struct Source(Vec<(PathBuf, String)>);

/// What a name stands for.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    Function,
    Test,
    /// A type, a variant, a module.
    Other,
}

impl Source {
    fn read() -> Source {
        let mut files = Vec::new();
        let mut left = ["src", "tests/it"].map(|dir| home().join(dir)).to_vec();
        while let Some(path) = left.pop() {
            if path.is_dir() {
                left.extend(fs::read_dir(path).expect("a directory").map(|entry| entry.expect("an entry").path()));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                files.push((path, text));
            }
        }
        Source(files)
    }

    fn has_word(&self, word: &str) -> bool {
        self.0.iter().any(|(_, text)| has_word(text, word))
    }

    /// The text of the file that a path of modules leads to, and the names after it.
    fn file<'p>(&self, path: &'p str) -> Option<(&str, Vec<&'p str>)> {
        let names: Vec<&str> = path.split("::").collect();
        let dir = if names[0] == "it" { "tests" } else { "src" };
        (1..names.len()).rev().find_map(|at| {
            let stem = home().join(dir).join(names[..at].join("/"));
            let is_wanted = |file: &Path| file == stem.with_extension("rs") || file == stem.join("mod.rs");
            let (_, text) = self.0.iter().find(|(file, _)| is_wanted(file))?;
            Some((&text[..], names[at..].to_vec()))
        })
    }

    /// What a path stands for: `module::Type::function`, `it::module::test`, `Type::method`.
    fn look_up(&self, path: &str) -> Option<Named> {
        if path.starts_with(char::is_uppercase) {
            let names: Vec<&str> = path.split("::").collect();
            let has_all = |text: &str| names.iter().all(|name| has_word(text, name)) && declares(text, names[0]);
            return self.0.iter().any(|(_, text)| has_all(text)).then_some(Named::Other);
        }
        let (text, names) = self.file(path)?;
        let (name, within) = names.split_last()?;
        if !within.iter().all(|name| declares(text, name)) {
            return None;
        }
        match function(text, name) {
            Some(found) => Some(found),
            None => declares(text, name).then_some(Named::Other),
        }
    }
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_part(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

/// Whether a module or type of that name begins in a file.
fn declares(text: &str, name: &str) -> bool {
    ["mod", "struct", "enum", "trait"].iter().any(|kind| has_word(text, &format!("{kind} {name}")))
}

/// Whether there is a function of that name in a file, and whether it is a test.
fn function(text: &str, name: &str) -> Option<Named> {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    let at = lines.iter().position(|line| has_word(line, &format!("fn {name}")))?;
    let mut attributes = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    Some(if attributes.any(|line| *line == "#[test]") { Named::Test } else { Named::Function })
}

/// What stands between backticks.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_name_in_this_document_is_in_the_source() {
    let source = Source::read();
    let prose: String = DOCUMENT.split("```").step_by(2).collect();
    for span in spans(&prose) {
        let found = if span.contains("::") {
            source.look_up(span).is_some()
        } else if span.contains('/') {
            home().join("..").join(span).exists()
        } else {
            span.split(|char| !is_part(char)).filter(|word| !word.is_empty()).all(|word| source.has_word(word))
        };
        assert!(found, "`{span}` is not in the source");
    }
    let variables = DOCUMENT.split("DISKMAP_").skip(1).map(|rest| rest.split(|char| !is_part(char)).next());
    for variable in variables.flatten().map(|rest| format!("\"DISKMAP_{rest}\"")) {
        assert!(source.0.iter().any(|(_, text)| text.contains(&variable)), "nobody reads {variable}");
    }
}

#[test]
fn every_step_names_its_code_and_its_tests() {
    let source = Source::read();
    let mut steps = 0;
    for step in DOCUMENT.split("\n### ").skip(1) {
        steps += 1;
        let title = step.lines().next().expect("a title");
        assert!(title.starts_with(&format!("{steps}. ")), "{title}");
        let (_, rest) = step.split_once("\n\nCode: ").unwrap_or_else(|| panic!("{title}: no code"));
        let (code, rest) = rest.split_once("\nTests: ").unwrap_or_else(|| panic!("{title}: no tests"));
        let tests = rest.split("\n\n").next().expect("a paragraph");
        for (names, wanted) in [(code, Named::Function), (tests, Named::Test)] {
            assert!(spans(names).count() > 0, "{title}: no {wanted:?}");
            for name in spans(names) {
                assert_eq!(source.look_up(name).as_ref(), Some(&wanted), "{title}: `{name}`");
            }
        }
    }
    assert!(steps > 20, "{steps} steps");
}
