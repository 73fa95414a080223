//! A child process works on a map and kills itself at a point, once for each of them: every operation that returned is
//! there, the one under way is done or not begun, and `verify` finds nothing but the one cell that a kill may leak.
//!
//! The operations follow from the kind of map, so the parent knows them and keeps the oracle; the child tells how many
//! returned by writing the number to a file.

mod backup;
mod child;
mod kinds;
mod points;
mod several;
mod together;
mod work;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, OnceLock},
};

use tempfile::TempDir;

use self::{
    child::{ARGUMENT, CRASH},
    kinds::{Alike, Names, Texts, Wide},
    points::{AFTER_A_KILL, POINTS},
};

/// What this process does at points.
enum Orders {
    /// Counts how often each is met.
    Count(Mutex<BTreeMap<&'static str, u64>>),
    /// Ends at a point, the so many-th time it is met.
    Die(String, Mutex<u64>),
}

fn orders() -> Option<&'static Orders> {
    static ORDERS: OnceLock<Option<Orders>> = OnceLock::new();
    let read = || {
        let text = std::env::var(CRASH).ok()?;
        Some(match text.split_once('#') {
            Some((name, number)) => Orders::Die(name.into(), Mutex::new(number.parse().expect("a number"))),
            None => Orders::Count(Mutex::default()),
        })
    };
    ORDERS.get_or_init(read).as_ref()
}

/// This process is at a point.
pub(super) fn hit(name: &'static str) {
    together::hit(name);
    match orders() {
        None => {}
        Some(Orders::Count(counts)) => *counts.lock().expect("counts").entry(name).or_default() += 1,
        Some(Orders::Die(wanted, left)) if wanted == name => {
            let mut left = left.lock().expect("a number");
            *left -= 1;
            if *left == 0 {
                die();
            }
        }
        Some(Orders::Die(..)) => {}
    }
}

fn die() {
    let me = rustix::process::getpid();
    rustix::process::kill_process(me, rustix::process::Signal::KILL).expect("killed");
}

/// How a child ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Killed,
    Done,
}

/// Runs a child with an argument and orders.
fn run(root: &Path, argument: &str, crash: &str) -> End {
    let errors = root.join("errors");
    let status = Command::new(std::env::current_exe().expect("this test's own path"))
        .args(["crash::tests::child::child", "--exact", "--nocapture", "--test-threads=1"])
        .env(ARGUMENT, argument)
        .env(CRASH, crash)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&errors).expect("errors"))
        .status()
        .expect("a child");
    match (status.signal(), status.success()) {
        (Some(9), _) => End::Killed,
        (None, true) => End::Done,
        _ => panic!("{argument}, {crash}: {status}: {}", fs::read_to_string(&errors).unwrap_or_default()),
    }
}

/// A directory in memory if there is one, where syncing costs nothing.
fn memory_dir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

/// The hits that are tried of `count`: the first, the last, and one between.
fn hits(count: u64) -> BTreeSet<u64> {
    [1, count / 2 + 1, count].into_iter().collect()
}

/// Something a child does, told by a name; what must be found after a kill in it.
struct Scenario {
    name: &'static str,
    /// Makes what the child finds.
    prepare: fn(&Path),
    /// Looks at what the child has left.
    check: fn(&Path),
    /// Whether checkpoints come by themselves, in a thread of their own: then a point is not always met as often.
    automatic: bool,
}

/// All kills of a scenario.
fn kills(scenario: &Scenario, reached: &Mutex<BTreeSet<&'static str>>) -> u64 {
    let fresh = || {
        let root = memory_dir();
        (scenario.prepare)(root.path());
        root
    };
    let argument = |root: &TempDir| format!("{} {}", scenario.name, root.path().display());
    let root = fresh();
    assert_eq!(run(root.path(), &argument(&root), "count"), End::Done);
    (scenario.check)(root.path());
    let counts = fs::read_to_string(root.path().join("counts")).expect("counts");
    let (mut number, mut killed) = (0, 0);
    for line in counts.lines() {
        let (count, name) = line.split_once(' ').expect("a count and a name");
        if scenario.automatic && name == "checkpoint: captured" {
            let asked_for = work::asked_for(&work::plan_of_automatic::<Texts>());
            assert!(count.parse().is_ok_and(|count: u64| count > asked_for), "{count}: no automatic checkpoint");
        }
        let point = *POINTS.iter().find(|point| **point == name).expect("a point of the table");
        let seconds = AFTER_A_KILL.iter().filter(|(first, _)| *first == point).map(|(_, second)| Some(*second));
        for hit in hits(count.parse().expect("a count")) {
            for second in std::iter::once(None).chain(seconds.clone()) {
                let root = fresh();
                number += 1;
                let what = format!("{}: {point}#{hit}, then {second:?}", scenario.name);
                let end = run(root.path(), &argument(&root), &format!("{point}#{hit}"));
                assert!(end == End::Killed || scenario.automatic, "{what}: {end:?}");
                if end == End::Killed {
                    reached.lock().expect("points").insert(point);
                    killed += 1;
                }
                if let Some(second) = second {
                    let open = format!("{} again {}", scenario.name, root.path().display());
                    if run(root.path(), &open, &format!("{second}#1")) == End::Killed {
                        reached.lock().expect("points").insert(second);
                    }
                }
                let checked = std::panic::catch_unwind(|| (scenario.check)(root.path()));
                if let Err(panic) = checked {
                    println!("{what}: the files are kept in {}", root.keep().display());
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    assert!(killed * 4 > number * 3, "{}: {killed} kills of {number}", scenario.name);
    killed
}

#[test]
fn killed_at_every_point() {
    let scenario = |name, prepare, check| Scenario { name, prepare, check, automatic: false };
    let scenarios = [
        Scenario { automatic: true, ..scenario("automatic", |_| {}, work::check_beside_automatic::<Texts>) },
        scenario("wide", |_| {}, work::check::<Wide>),
        scenario("texts", |_| {}, work::check::<Texts>),
        scenario("alike", |_| {}, work::check::<Alike>),
        scenario("names", |_| {}, work::check::<Names>),
        scenario("wide-of-four", |_| {}, several::check::<Wide>),
        scenario("texts-of-four", |_| {}, several::check::<Texts>),
        scenario("migrate", work::prepare_migration, work::check_migration),
        scenario("repair", work::prepare_repair, work::check_repair),
        scenario("backup", work::prepare_repair, backup::check),
    ];
    let (reached, next) = (Mutex::new(BTreeSet::new()), Mutex::new(scenarios.iter()));
    let number: u64 = std::thread::scope(|scope| {
        let threads = [(); 2].map(|()| {
            scope.spawn(|| {
                let mut number = 0;
                loop {
                    let Some(scenario) = next.lock().expect("scenarios").next() else { return number };
                    number += kills(scenario, &reached);
                }
            })
        });
        threads.map(|thread| thread.join().expect("no kill did harm")).iter().sum()
    });
    let reached = reached.into_inner().expect("points");
    let missing: Vec<_> = POINTS.iter().filter(|point| !reached.contains(*point)).collect();
    assert!(missing.is_empty(), "no workload was killed at {missing:?}");
    assert!(several::were_committed() >= 3, "{} writers had an intent", several::were_committed());
    println!("{number} kills at {} points", reached.len());
}

#[test]
fn the_table_has_every_point_of_the_source() {
    fn walk(dir: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("a directory") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("crash/tests.rs") {
                let text = fs::read_to_string(&path).expect("a source");
                let calls = text.split("crash::point(\"").skip(1);
                found.extend(calls.map(|call| call.split('"').next().expect("a name").to_owned()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    let mut table: Vec<_> = POINTS.iter().map(|&point| point.to_owned()).collect();
    table.sort();
    assert_eq!(table, found, "each point is in the table once, and in the source once");
}
