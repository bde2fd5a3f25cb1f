//! What a process has used, as Linux tells it in `/proc`.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::Outcome;

/// Microseconds of one clock tick in `/proc/PID/stat`: Linux shows programs 100 a second, whatever it counts itself.
const TICK_US: u64 = 10_000;

/// How long memory may take to settle.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it is looked at, and how often in a row it must have stayed.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: usize = 6;

/// Resident memory of the process `pid`, in bytes.
///
/// # Errors
/// When there is no such process.
pub(crate) fn resident(pid: u32) -> Outcome<u64> {
    let text = read(pid, "status")?;
    parse_resident(&text).ok_or_else(|| format!("process {pid} has no memory: it has ended").into())
}

/// Processor time that all of the process `pid` has used so far, in the program and in the kernel on its behalf, in
/// microseconds.
///
/// # Errors
/// When there is no such process.
pub(crate) fn cpu_us(pid: u32) -> Outcome<u64> {
    let text = read(pid, "stat")?;
    parse_cpu_us(&text).ok_or_else(|| format!("/proc/{pid}/stat is not as expected: {text}").into())
}

/// Resident memory of the process `pid` once it changes no more, by a hundredth; in bytes.
///
/// # Errors
/// When there is no such process.
pub(crate) async fn settled(pid: u32) -> Outcome<u64> {
    let deadline = Instant::now() + PATIENCE;
    let (mut last, mut stayed) = (resident(pid)?, 0);
    while stayed < LOOKS && Instant::now() < deadline {
        sleep(LOOK).await;
        let now = resident(pid)?;
        stayed = if now.abs_diff(last) <= last / 100 { stayed + 1 } else { 0 };
        last = now;
    }
    Ok(last)
}

fn read(pid: u32, file: &str) -> Outcome<String> {
    let path = format!("/proc/{pid}/{file}");
    Ok(std::fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?)
}

fn parse_resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

fn parse_cpu_us(stat: &str) -> Option<u64> {
    // the program's name stands in brackets, and may itself hold brackets and spaces; utime and stime are fields 14 and 15
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) * TICK_US)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_proc_are_read_whatever_a_program_is_called() {
        let stat = "4711 (a (b) c) S 1 4711 4711 0 -1 4194560 900 0 0 0 120 35 7 8 20 0 4 0 100 1000 200";
        assert_eq!(parse_cpu_us(stat), Some(1_550_000));
        assert_eq!(parse_cpu_us("4711 (short) S 1"), None);
        assert_eq!(parse_resident("Name:\tx\nVmPeak:\t  90 kB\nVmRSS:\t    2048 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(parse_resident("Name:\ta process that has ended\n"), None);
    }

    #[test]
    fn this_process_uses_memory_and_time() {
        let pid = std::process::id();
        assert!(resident(pid).unwrap() > 0);
        cpu_us(pid).unwrap();
        assert!(cpu_us(u32::MAX).is_err());
    }
}
