//! Runs this program again under callgrind and reads what it counted.
//!
//! Must not know maps. Invariant: a profile whose functions do not add up to its total is an error, so that a file that was
//! not understood gives no count.

use std::{
    collections::HashMap,
    env, fs,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

/// Makes the C library choose what every x86-64 has, so that copies and comparisons count the same on every machine.
/// Other systems do not know the names and ignore them.
const BASIC_CPU: &str = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX,-BMI2,-SSE4_2,-SSE4_1,-SSSE3,-ERMS,-FSRM,-RTM";

/// What a function and all it called took, instructions.
#[derive(Debug, PartialEq)]
pub(crate) struct Profile {
    pub(crate) total: u64,
    /// What each function took itself, the largest first.
    pub(crate) functions: Vec<(String, u64)>,
}

/// Counts what `function` takes when a path is walked.
pub(crate) fn profile(path: &str, function: &str) -> Result<Profile> {
    let scratch = tempfile::tempdir()?;
    let output = scratch.path().join("profile");
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet", "--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", output.display()))
        .arg(format!("--toggle-collect={function}"))
        .arg(env::current_exe()?)
        .arg("--walk")
        .arg(scratch.path().join("map"))
        .arg(path)
        .env("GLIBC_TUNABLES", BASIC_CPU)
        .stdin(Stdio::null());
    let ended = command.output().context("cannot start valgrind; is it installed?")?;
    ensure!(ended.status.success(), "valgrind: {}\n{}", ended.status, String::from_utf8_lossy(&ended.stderr));
    let profile = parse(&fs::read_to_string(&output).context("valgrind wrote no profile")?)?;
    ensure!(profile.total > 0, "`{function}` was never entered; was it inlined?");
    Ok(profile)
}

/// Reads a file of callgrind's, written without any compression.
fn parse(text: &str) -> Result<Profile> {
    let mut functions: HashMap<&str, u64> = HashMap::new();
    let (mut function, mut total, mut of_callee) = (None, None, false);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = Some(name);
        } else if let Some(sum) = line.strip_prefix("totals:") {
            total = Some(number(sum, line)?);
        } else if let Some(events) = line.strip_prefix("events:") {
            ensure!(events.trim() == "Ir", "not instructions alone were counted: {line}");
        } else if line.starts_with("calls=") {
            of_callee = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit()) {
            let (_, cost) = line.split_once(' ').with_context(|| format!("a line without costs: {line}"))?;
            let cost = number(cost, line)?;
            if !std::mem::take(&mut of_callee) {
                *functions.entry(function.context("costs of no function")?).or_default() += cost;
            }
        }
    }
    let Some(total) = total else { bail!("the profile has no total") };
    let mut functions: Vec<(String, u64)> = functions.into_iter().map(|(name, cost)| (name.to_owned(), cost)).collect();
    functions.sort_by(|(name, cost), (other, others)| others.cmp(cost).then_with(|| name.cmp(other)));
    let sum: u64 = functions.iter().map(|(_, cost)| cost).sum();
    ensure!(sum == total, "the functions add up to {sum}, not to {total}");
    Ok(Profile { total, functions })
}

fn number(text: &str, line: &str) -> Result<u64> {
    text.trim().parse().with_context(|| format!("not a count: {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
# callgrind format
version: 1
cmd: instructions --walk /tmp/map get_hit
positions: line
events: Ir

ob=/target/release/instructions
fl=???
fn=instructions::counted::get
0 70
cob=/lib/libc.so.6
cfi=???
cfn=memcpy
calls=2 0
0 20
0 5

fn=split
0 5

ob=/lib/libc.so.6
fn=memcpy
12 15
13 5

totals: 100
";

    #[test]
    fn what_a_callee_took_is_counted_once() {
        let functions = [("instructions::counted::get", 75), ("memcpy", 20), ("split", 5)];
        let functions = functions.map(|(name, cost)| (name.to_owned(), cost)).to_vec();
        assert_eq!(parse(PROFILE).unwrap(), Profile { total: 100, functions });
    }

    #[test]
    fn a_profile_that_does_not_add_up_is_refused() {
        for (right, wrong, says) in [
            ("totals: 100", "totals: 101", "add up to 100, not to 101"),
            ("totals: 100", "", "no total"),
            ("events: Ir", "events: Ir Dr", "not instructions alone"),
            ("12 15", "12", "without costs"),
            ("12 15", "12 15 3", "not a count"),
            ("fn=instructions::counted::get", "", "costs of no function"),
        ] {
            let error = parse(&PROFILE.replace(right, wrong)).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
