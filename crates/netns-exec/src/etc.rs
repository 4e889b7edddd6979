//! `/etc/netns/NAME` over `/etc`, for this process only.

use core::ffi::CStr;

use crate::failure::Failure;
use crate::sys::errno::ENOENT;
use crate::sys::{self, Fd};

/// Covers every entry of `/etc` that has a namesake in `directory`. A directory that does not exist covers nothing.
///
/// An entry is covered by its *name*: where `/etc/resolv.conf` is a symbolic link, the link is covered, not what it
/// points to, be that elsewhere or nowhere. The namesake may itself be a link to what shall be seen.
///
/// # Errors
/// `ENOENT` for a namesake that `/etc` has no entry for, or that leads nowhere; `ENOTDIR` for a file against a
/// directory; as `open_tree(2)` and `move_mount(2)`.
pub(crate) fn cover(directory: &CStr) -> Result<(), Failure> {
    let from = match sys::open(None, directory, sys::O_DIRECTORY) {
        Err(ENOENT) => return Ok(()),
        other => other.map_err(|errno| Failure::new("openat", errno).at(directory))?,
    };
    let etc = sys::open(None, c"/etc", sys::O_DIRECTORY | sys::O_PATH)
        .map_err(|errno| Failure::new("openat", errno).at(c"/etc"))?;
    each_entry(&from, |name| {
        let tree =
            sys::copy_tree(&from, name).map_err(|errno| Failure::new("open_tree", errno).within(directory, name))?;
        sys::attach(&tree, Some(&etc), name).map_err(|errno| Failure::new("move_mount", errno).within(c"/etc", name))
    })
}

/// Calls `f` with the name of each entry of a directory.
///
/// # Errors
/// What `f` says, or as getdents64(2).
pub(crate) fn each_entry(directory: &Fd, mut f: impl FnMut(&CStr) -> Result<(), Failure>) -> Result<(), Failure> {
    // An entry: inode and offset, 8 bytes each, length, 2, type, 1, then the name.
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut buffer = [0_u8; 2048];
    loop {
        let filled = sys::entries(directory, &mut buffer).map_err(|errno| Failure::new("getdents64", errno))?;
        let mut rest = buffer.get(..filled).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        while let (Some(low), Some(high)) = (rest.get(LENGTH), rest.get(LENGTH + 1)) {
            let length = usize::from(u16::from_ne_bytes([*low, *high]));
            let name = rest.get(NAME..length).and_then(|name| CStr::from_bytes_until_nul(name).ok());
            if let Some(name) = name.filter(|name| !matches!(name.to_bytes(), b"." | b"..")) {
                f(name)?;
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }
}
