//! How many files and sockets the process may have open.

/// As many as are of use: a WebSocket is one, and memory runs out before.
#[cfg(unix)]
const MOST: u64 = 1 << 20;

/// Takes as many as the system lets a process have, instead of what it gives one that does not ask: often 1,024, which is less
/// than a thousand WebSockets. Nothing here uses `select`, for which the lower number is kept.
pub(super) fn allow() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.map_or(MOST, |maximum| maximum.min(MOST));
        if current.is_some_and(|current| current < wanted)
            && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
        {
            tracing::warn!(%error, wanted, "the process may not have more files open");
        }
    }
}
