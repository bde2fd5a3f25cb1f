//! What the numbers were measured on, and how many sockets it allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;

use crate::Outcome;

/// Files that a process has open besides the sockets that are measured: its database, other connections, a margin.
const OTHER_FILES: u64 = 500;

/// A machine, as far as it matters here.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// Processor cores that this process may use.
    pub(crate) cores: usize,
    /// The processor's name.
    pub(crate) processor: String,
    /// Memory in bytes.
    pub(crate) memory: u64,
    /// Release of the kernel.
    pub(crate) kernel: String,
    /// Files that one process may have open.
    pub(crate) files: u64,
}

impl Machine {
    /// This one, after its limit of open files was raised as far as is allowed. Processes that are started later inherit it.
    ///
    /// # Errors
    /// When the limit cannot be set.
    pub(crate) fn prepare() -> Outcome<Self> {
        let files = raise_files()?;
        let file = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let kilobytes = value(&file("/proc/meminfo"), "MemTotal").unwrap_or_default();
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: value(&file("/proc/cpuinfo"), "model name").unwrap_or_default(),
            memory: kilobytes.trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default() * 1024,
            kernel: file("/proc/sys/kernel/osrelease").trim().to_owned(),
            files,
        })
    }

    /// Sockets that one process can hold.
    pub(crate) fn room(&self) -> usize {
        usize::try_from(self.files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(1)
    }
}

/// Raises the limit of open files to what is allowed, or beyond if this process may; what it is then.
fn raise_files() -> Outcome<u64> {
    const WANTED: u64 = 262_144;
    let now = getrlimit(Resource::Nofile);
    let hard = now.maximum.unwrap_or(u64::MAX);
    // beyond the hard limit only for who has the right to
    for wanted in [hard.max(WANTED), hard].map(|limit| limit.min(1 << 20)) {
        let limit = Rlimit { current: Some(wanted), maximum: now.maximum.map(|hard| hard.max(wanted)) };
        if setrlimit(Resource::Nofile, limit).is_ok() {
            return Ok(wanted);
        }
    }
    now.current.ok_or_else(|| "the limit of open files cannot be raised".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_files_is_raised_and_leaves_room_for_other_files() {
        let machine = Machine::prepare().unwrap();
        assert!(machine.cores > 0 && machine.files > 0);
        assert_eq!(Machine { files: 20_000, ..machine }.room(), 19_500);
    }
}
