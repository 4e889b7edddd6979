//! `ip netns pids`, for threads too: a process is inside if any thread of it is.

use std::fs::read_dir;
use std::path::Path;

use nix::sys::stat::stat;

use crate::error::{Error, Result};
use crate::handle::NetNs;
use crate::identity::Identity;

/// The processes with at least one thread inside, in ascending order.
///
/// Processes that this user may not look into are passed over, as are those that end meanwhile.
///
/// # Errors
/// As opendir(3) of `/proc`.
pub fn pids(namespace: &NetNs) -> Result<Vec<u32>> {
    let wanted = namespace.identity()?;
    let processes = read_dir("/proc").map_err(|error| {
        let errno = nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or_default());
        Error::system("open", errno, "list the processes").at("/proc")
    })?;
    let mut found: Vec<u32> = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok().map(|pid| (pid, entry.path())))
        .filter(|(_, path)| has_thread_in(path, wanted))
        .map(|(pid, _)| pid)
        .collect();
    found.sort_unstable();
    Ok(found)
}

fn has_thread_in(process: &Path, wanted: Identity) -> bool {
    let Ok(threads) = read_dir(process.join("task")) else { return false };
    threads
        .flatten()
        .any(|thread| stat(&thread.path().join("ns/net")).is_ok_and(|found| Identity::from(&found) == wanted))
}
