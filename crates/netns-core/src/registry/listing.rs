//! `ip netns list`, but each name is checked to be a network namespace: by one system call a name, or by one for all of
//! them if the kernel says that nothing was mounted or unmounted since.

use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::libc;
use nix::sys::stat::Mode;

use super::memory::Memory;
use super::{Name, Registry};
use crate::error::{Error, Result};
use crate::handle::{NetNs, OPEN};
use crate::identity::{self, Identity};

/// A name and the namespace it stands for, which it alone may be keeping alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: Name,
    /// The namespace.
    pub identity: Identity,
}

/// What a directory of names holds, in the order of the file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Names that can be opened as network namespaces now.
    pub namespaces: Vec<Named>,
    /// Everything else: leftovers of a crash, namespaces in the making, files that do not belong there.
    pub stale: Vec<Name>,
}

impl Registry {
    /// Every name there is; none if the directory is missing, as nobody has made one yet.
    ///
    /// # Errors
    /// `EACCES`, `ENOTDIR`, `EMFILE`, as open(2) of the directory.
    pub fn list(&self) -> Result<Listing> {
        let mut listing = Listing::default();
        self.visit(|name, identity| {
            let Ok(name) = Name::new(name) else { return };
            match identity {
                Some(identity) => listing.namespaces.push(Named { name, identity }),
                None => listing.stale.push(name),
            }
        })?;
        Ok(listing)
    }

    /// As [`list`](Self::list), one by one and without a copy: each name, and what it stands for if that is a namespace.
    ///
    /// # Errors
    /// As [`list`](Self::list); names may have been visited then.
    pub fn visit(&self, mut visitor: impl FnMut(&OsStr, Option<Identity>)) -> Result<()> {
        let failed = |errno| Error::system("open", errno, "list the names of network namespaces").at(self.directory());
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut directory = match Dir::open(self.directory(), flags, Mode::empty()) {
            Err(Errno::ENOENT) => return Ok(()),
            other => other.map_err(failed)?,
        };
        let descriptor = directory.as_fd().try_clone_to_owned().map_err(|_| failed(Errno::EMFILE))?;
        // All namespaces live on one kernel-internal file system.
        let dev = NetNs::home()?.identity()?.dev;
        let mut memory = Memory::of(descriptor.as_fd());
        for entry in directory.iter() {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let known = memory.as_mut().and_then(|memory| memory.recall(&entry));
            let identity = match known {
                Some(ino) => Some(Identity { dev, ino }),
                None => identify(&descriptor, name, dev),
            };
            if let (None, Some(found), Some(memory)) = (known, identity, &mut memory) {
                memory.learn(&entry, found.ino);
            }
            visitor(OsStr::from_bytes(name.to_bytes()), identity);
        }
        if let Some(memory) = memory {
            memory.keep();
        }
        Ok(())
    }

    /// Every name of one namespace: `ip netns identify`, which stops at one.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub fn names_of(&self, namespace: &NetNs) -> Result<Vec<Name>> {
        let wanted = namespace.identity()?;
        let mut names = Vec::new();
        self.visit(|name, identity| {
            if identity == Some(wanted) {
                names.extend(Name::new(name));
            }
        })?;
        Ok(names)
    }
}

fn identify(directory: &OwnedFd, name: &CStr, dev: u64) -> Option<Identity> {
    match identify_by_handle(directory, name) {
        Ok(Some(ino)) => Some(Identity { dev, ino }),
        // A link, or a kernel whose namespaces have no file handles.
        Ok(None) => identify_by_opening(directory, name),
        Err(_) => None,
    }
}

fn identify_by_opening(directory: &OwnedFd, name: &CStr) -> Option<Identity> {
    // Only a path lookup, so that a FIFO or a device is not disturbed.
    let found = nix::sys::stat::fstatat(directory, name, nix::fcntl::AtFlags::empty()).ok()?;
    if found.st_mode & libc::S_IFMT != libc::S_IFREG {
        return None;
    }
    let fd = openat(directory, name, OPEN, Mode::empty()).ok()?;
    identity::is_network_namespace(fd.as_fd()).then(|| identity::identity(fd.as_fd()).ok())?
}

/// The kernel's file handle of a namespace (`struct nsfs_file_handle` of `linux/nsfs.h`, Linux 6.18).
#[repr(C)]
struct NamespaceHandle {
    header: libc::file_handle,
    id: [u8; 8],
    kind: i32,
    ino: u32,
}

/// `FILEID_NSFS` of `linux/exportfs.h`.
const FILEID_NSFS: libc::c_int = 0xf1;

/// The inode number of the network namespace mounted over a file, by
/// [name_to_handle_at(2)](https://man7.org/linux/man-pages/man2/name_to_handle_at.2.html) alone: a third of the cost
/// of opening it. `None` if that cannot tell, `Err` if it is something else.
fn identify_by_handle(directory: &OwnedFd, name: &CStr) -> nix::Result<Option<u64>> {
    // SAFETY: all zeros is a valid value of this plain data.
    let mut handle: NamespaceHandle = unsafe { std::mem::zeroed() };
    handle.header.handle_bytes = 16;
    let mut mount_id = 0;
    // SAFETY: `name` ends in a NUL, and the kernel writes at most the 16 bytes that follow the header.
    let result = unsafe {
        libc::name_to_handle_at(directory.as_raw_fd(), name.as_ptr(), (&raw mut handle).cast(), &raw mut mount_id, 0)
    };
    match Errno::result(result) {
        Ok(_) if handle.header.handle_type != FILEID_NSFS => Ok(None),
        Ok(_) if handle.kind == libc::CLONE_NEWNET => Ok(Some(u64::from(handle.ino))),
        Ok(_) => Err(Errno::EINVAL),
        Err(Errno::ENOENT) => Err(Errno::ENOENT),
        Err(_) => Ok(None),
    }
}
