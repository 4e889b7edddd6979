//! Mounts, by the calls of the new mount interface.

use core::ffi::CStr;

use super::arch::{numbers, syscall, unified};
use super::fd::{Fd, new_fd};
use super::{AT_FDCWD, AT_RECURSIVE, O_CLOEXEC, Result, check, plain, word};

/// The type of a file system and its mount's flags: statfs(2).
///
/// # Errors
/// As its manual page.
pub fn file_system(path: &CStr) -> Result<(u64, u64)> {
    // struct statfs is 120 bytes: f_type comes first, f_flags is the eleventh word.
    let mut statfs = [0_u64; 15];
    // SAFETY: the path ends in a NUL and there is room for one struct statfs.
    check(unsafe { syscall(numbers::STATFS, [path.as_ptr() as usize, statfs.as_mut_ptr() as usize, 0, 0, 0]) })?;
    Ok((statfs[0], statfs[10]))
}

/// Changes how mounts propagate, for a whole tree: mount(2) with neither source nor type.
///
/// # Errors
/// As its manual page.
pub fn propagate(path: &CStr, flags: usize) -> Result<()> {
    let none = c"".as_ptr() as usize;
    // SAFETY: the path ends in a NUL; the kernel ignores source, type and data, which are empty or null.
    check(unsafe { syscall(numbers::MOUNT, [none, path.as_ptr() as usize, 0, flags, 0]) }).map(drop)
}

/// A detached copy of a mount or of a part of one: `open_tree(2)` with `OPEN_TREE_CLONE`.
///
/// # Errors
/// As its manual page.
pub fn copy_tree(directory: &Fd, path: &CStr) -> Result<Fd> {
    const OPEN_TREE_CLONE: usize = 1;
    let flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_RECURSIVE;
    // SAFETY: the path ends in a NUL.
    new_fd(unsafe { syscall(unified::OPEN_TREE, [word(directory.number()), path.as_ptr() as usize, flags, 0, 0]) })
}

/// Attaches a detached mount at a path, on the last name itself even if that is a symbolic link: `move_mount(2)`.
///
/// # Errors
/// As its manual page.
pub fn attach(tree: &Fd, directory: Option<&Fd>, path: &CStr) -> Result<()> {
    const MOVE_MOUNT_F_EMPTY_PATH: usize = 4;
    let at = directory.map_or(AT_FDCWD, |fd| word(fd.number()));
    let from = c"".as_ptr() as usize;
    // SAFETY: both paths end in a NUL.
    let result = unsafe {
        syscall(unified::MOVE_MOUNT, [word(tree.number()), from, at, path.as_ptr() as usize, MOVE_MOUNT_F_EMPTY_PATH])
    };
    check(result).map(drop)
}

/// A new mount of a file system that needs no source, detached: fsopen(2), fsconfig(2), fsmount(2).
///
/// # Errors
/// As their manual pages.
pub fn new_mount(kind: &CStr, attributes: usize) -> Result<Fd> {
    const FSCONFIG_CMD_CREATE: usize = 6;
    // SAFETY: the type ends in a NUL; the flag FSOPEN_CLOEXEC is 1.
    let context = new_fd(unsafe { syscall(unified::FSOPEN, [kind.as_ptr() as usize, 1, 0, 0, 0]) })?;
    plain(unified::FSCONFIG, [word(context.number()), FSCONFIG_CMD_CREATE, 0, 0, 0])?;
    // FSMOUNT_CLOEXEC is 1.
    plain(unified::FSMOUNT, [word(context.number()), 1, attributes, 0, 0]).map(Fd::own)
}
