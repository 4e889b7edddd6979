//! A namespace is mounted over a file.

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::{NixPath, libc};

use crate::handle::NetNs;

/// Mounts `namespace` over `path`, which is no link.
pub(super) fn over(path: &Path, namespace: &NetNs) -> nix::Result<()> {
    // By the descriptor itself, since Linux 5.2. Whatever refuses that, the older call says why.
    if copy(namespace).and_then(|tree| attach(&tree, path)).is_ok() {
        return Ok(());
    }
    let source = format!("/proc/thread-self/fd/{}", namespace.as_fd().as_raw_fd());
    mount(Some(source.as_str()), path, Some("none"), MsFlags::MS_BIND, None::<&str>)
}

/// A mount of the namespace that is nowhere yet: `open_tree(2)`.
fn copy(namespace: &NetNs) -> nix::Result<OwnedFd> {
    let flags = libc::AT_EMPTY_PATH.cast_unsigned() | libc::OPEN_TREE_CLONE | libc::O_CLOEXEC.cast_unsigned();
    // SAFETY: the path is an empty string that ends in a NUL; the kernel checks the rest.
    let raw = unsafe { libc::syscall(libc::SYS_open_tree, namespace.as_fd().as_raw_fd(), c"".as_ptr(), flags) };
    let raw = i32::try_from(Errno::result(raw)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel just returned this descriptor and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Puts it there: `move_mount(2)`.
fn attach(tree: &OwnedFd, path: &Path) -> nix::Result<()> {
    let (tree, flags) = (tree.as_raw_fd(), libc::MOVE_MOUNT_F_EMPTY_PATH);
    let result = path.with_nix_path(|path| {
        let (empty, path) = (c"".as_ptr(), path.as_ptr());
        // SAFETY: both paths end in a NUL; the kernel checks the rest.
        unsafe { libc::syscall(libc::SYS_move_mount, tree, empty, libc::AT_FDCWD, path, flags) }
    })?;
    Errno::result(result).map(drop)
}
