//! Running cells, each in processes of its own.
//!
//! Must not know what an engine does. Invariant: a process that fails or hangs costs its cell, not the run, and is reported.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    figure::{Figure, Line},
    memory::Limit,
    plan::{Mode, Planned},
    results::{Row, missing, summed_up},
    work::{Group, folios, kill},
};

/// A cell that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(300);

/// What all cells have in common.
pub(crate) struct Runner {
    pub mode: Mode,
    /// Where directories are made.
    pub scratch: PathBuf,
    pub cpu: usize,
    /// The list of paths.
    pub contents: PathBuf,
    pub runs: Option<usize>,
}

/// What the processes of a cell said.
#[derive(Default)]
struct Said {
    figures: Vec<Figure>,
    lacks: Vec<(String, String)>,
}

impl Runner {
    /// Its rows; of a cell that failed, one that says so.
    pub(crate) fn run(&self, planned: &Planned) -> Vec<Row> {
        let dir = self.scratch.join("cell");
        let mut said = Said::default();
        let result = fs::create_dir_all(&dir).map_err(Into::into).and_then(|()| self.parts(planned, &dir, &mut said));
        let (cell, mode) = (&planned.cell, self.mode.name());
        let mut rows = summed_up(cell, &said.figures, mode);
        for (operation, reason) in &said.lacks {
            if !rows.iter().any(|row| row.operation == *operation) {
                rows.push(missing(cell, operation, "n/a", mode, reason));
            }
        }
        let removed = fs::remove_dir_all(&dir).context("cannot remove the cell's directory");
        if let Err(error) = result.and(removed) {
            rows.push(missing(cell, "-", "failed", mode, &format!("{error:#}")));
        }
        rows
    }

    fn parts(&self, planned: &Planned, dir: &Path, said: &mut Said) -> Result<()> {
        match planned.group {
            Group::Kill => {
                let entries = planned.cell.entries;
                let stored = self.killed(self.command(planned, dir, Some(kill::LOAD), entries)?)?;
                self.finished(self.command(planned, dir, Some(kill::OPEN), stored)?, said)?;
                said.figures.iter_mut().for_each(|figure| figure.capped = stored < entries);
                Ok(())
            }
            Group::Folios => [folios::MAKE, folios::COPY, folios::SMALL].into_iter().try_for_each(|part| {
                self.finished(self.command(planned, dir, Some(part), planned.cell.entries)?, said)
            }),
            Group::Beyond => {
                let memory = planned.cell.entries as u64;
                let limit = Limit::new(memory)?;
                let mut command = self.command(planned, dir, None, 0)?;
                command.arg("--memory").arg(memory.to_string()).arg("--cgroup").arg(limit.path());
                let result = self.finished(command, said);
                if result.is_err() && limit.killed()? {
                    bail!("the kernel ended the process, which had no memory left in its group of {memory} bytes");
                }
                result
            }
            _ => self.finished(self.command(planned, dir, None, planned.cell.entries)?, said),
        }
    }

    fn command(&self, planned: &Planned, dir: &Path, part: Option<&str>, entries: usize) -> Result<Command> {
        let Planned { cell, runs, load_cap, cap, group } = planned;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("cell").args(["--group", &group.name(), "--engine", &cell.engine, "--pair", &cell.pair]);
        command.arg("--entries").arg(entries.to_string());
        command.arg("--runs").arg(self.runs.unwrap_or(*runs).to_string());
        command.arg("--load-cap").arg(load_cap.to_string()).arg("--cap").arg(cap.to_string());
        command.arg("--dir").arg(dir).arg("--cpu").arg(self.cpu.to_string());
        if let Some(part) = part {
            command.args(["--part", part]);
        }
        command.arg("--contents").arg(&self.contents);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    /// Runs a process to its end.
    fn finished(&self, command: Command, said: &mut Said) -> Result<()> {
        let mut process = Process::start(command)?;
        while let Some(line) = process.line()? {
            match line {
                Line::Figure(figure) => said.figures.push(figure),
                Line::Lacks(operation, reason) => said.lacks.push((operation, reason)),
                Line::Ready(_) => {}
            }
        }
        process.ended()
    }

    /// Kills a process when it has stored what it was to store: how much that is.
    fn killed(&self, command: Command) -> Result<usize> {
        let mut process = Process::start(command)?;
        match process.line()? {
            Some(Line::Ready(stored)) => {
                process.child.kill()?;
                process.child.wait()?;
                Ok(stored)
            }
            Some(_) => bail!("the process that was to be killed said something else"),
            None => {
                process.ended()?;
                bail!("the process that was to be killed ended by itself")
            }
        }
    }
}

/// A child that ends with its owner.
struct Process {
    child: Child,
    lines: Receiver<std::io::Result<String>>,
    errors: Option<thread::JoinHandle<String>>,
    until: Instant,
}

impl Process {
    fn start(mut command: Command) -> Result<Process> {
        let mut child = command.spawn().context("cannot start a measuring process")?;
        let (sender, lines) = channel();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let stdout = stdout.context("no output of the child")?;
        thread::spawn(move || BufReader::new(stdout).lines().try_for_each(|line| sender.send(line)));
        let mut stderr = stderr.context("no error output of the child")?;
        let errors = thread::spawn(move || {
            let mut text = Vec::new();
            // What cannot be read is not shown.
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Process { child, lines, errors: Some(errors), until: Instant::now() + PATIENCE })
    }

    /// The next line; `None` when the output has ended.
    fn line(&mut self) -> Result<Option<Line>> {
        match self.lines.recv_timeout(self.until.saturating_duration_since(Instant::now())) {
            Ok(line) => Line::parse(&line?).map(Some),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                self.child.kill()?;
                bail!("given up after {} s", PATIENCE.as_secs())
            }
        }
    }

    /// Fails unless it ended well.
    fn ended(mut self) -> Result<()> {
        let status = self.child.wait()?;
        let errors = self.errors.take().and_then(|errors| errors.join().ok()).unwrap_or_default();
        let lines: Vec<&str> = errors.lines().take(5).collect();
        ensure!(status.success(), "{status}: {}", lines.join(" | "));
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
