//! What the operating system counts of this process, where it is Linux.

/// What the process has taken so far, and has now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resources {
    /// Time on processors, its own and the system's for it, in seconds.
    pub(super) cpu: f64,
    /// Memory that is its own and not swapped out, in bytes.
    pub(super) memory: u64,
    /// Files and sockets that are open.
    pub(super) files: u64,
    /// How many may be; none where there is no limit.
    pub(super) max_files: Option<u64>,
}

/// What is counted now; none where nobody counts it. It reads files, and lists all that are open.
#[cfg(target_os = "linux")]
pub(super) fn read() -> Option<Resources> {
    use procfs::process::{LimitValue, Process};

    let process = Process::myself().ok()?;
    let (stat, limits) = (process.stat().ok()?, process.limits().ok()?);
    let (ticks, per_second) = (stat.utime + stat.stime, procfs::ticks_per_second());
    let (whole, rest) = (ticks.checked_div(per_second)?, ticks.checked_rem(per_second)?);
    let [whole, rest, per_second] = [whole, rest, per_second].map(|count| u32::try_from(count).unwrap_or(u32::MAX));
    let max_files = match limits.max_open_files.soft_limit {
        LimitValue::Value(count) => Some(count),
        LimitValue::Unlimited => None,
    };
    Some(Resources {
        cpu: f64::from(whole) + f64::from(rest) / f64::from(per_second),
        memory: stat.rss.checked_mul(procfs::page_size())?,
        files: u64::try_from(process.fd_count().ok()?).ok()?,
        max_files,
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn read() -> Option<Resources> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::read;

    #[test]
    fn what_is_taken_is_counted() {
        let before = read().unwrap();
        let files: Vec<_> = (0..7).map(|_| std::fs::File::open("/proc/self/stat").unwrap()).collect();
        let memory = vec![1_u8; 64 << 20];
        let after = loop {
            std::hint::black_box(memory.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into())));
            let now = read().unwrap();
            if now.cpu > before.cpu {
                break now;
            }
        };
        // other tests of the process open files and take memory meanwhile, and give them back
        assert!(after.files >= files.len() as u64 && after.max_files.is_none_or(|max| max >= after.files), "{after:?}");
        assert!(after.memory >= memory.len() as u64, "{after:?}");
    }
}
