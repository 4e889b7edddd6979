//! What the names of a directory stood for when each was last checked. They stand for that as long as the kernel tells of
//! no change of the mount table: to ask for that is one call, where to check a thousand names takes a millisecond.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::dir::{Entry, Type};
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Of the directory that was listed last. Whoever lists takes it along, so that others check for themselves meanwhile.
static LAST: Mutex<Option<Memory>> = Mutex::new(None);

/// `SYS_statmount` of every architecture, since Linux 6.8.
const SYS_STATMOUNT: libc::c_long = 457;

/// `struct mnt_id_req` of `linux/mount.h`, in its first form.
#[repr(C)]
struct MountRequest {
    size: u32,
    spare: u32,
    mount: u64,
    wanted: u64,
}

/// `MNT_ID_REQ_SIZE_VER0`.
const MOUNT_REQUEST: u32 = 24;

/// A directory, by numbers that the kernel gives to no other: its mount's, since Linux 6.8, and its own in there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    mount: u64,
    ino: u64,
}

/// A name that is a plain file with a network namespace mounted over it.
struct Known {
    /// Where its text ends; it begins where that of the one before ends.
    end: usize,
    /// The file's inode: with another, it is another file that has the name now, and what is mounted there went with it.
    file: u64,
    namespace: u64,
}

pub(super) struct Memory {
    directory: Place,
    /// The mount table, which is never read. Polling it tells of changes since it was polled before.
    mounts: File,
    texts: Vec<u8>,
    names: Vec<Known>,
    /// How many of them were seen again; directories are read in the same order each time.
    seen: usize,
}

impl Memory {
    /// What is known of a directory, from now on to be kept up to date by the caller; `None` where the kernel does not
    /// tell of changes.
    pub(super) fn of(directory: BorrowedFd<'_>) -> Option<Self> {
        let place = Place::of(directory)?;
        let last = last().take().filter(|memory| memory.directory == place);
        let mut memory = last.or_else(|| Self::new(place))?;
        if memory.is_outdated() {
            memory.names.clear();
        }
        memory.seen = 0;
        Some(memory)
    }

    fn new(directory: Place) -> Option<Self> {
        // Opened by the thread that looks whether the directory is in the same mount table.
        let mounts = File::open("/proc/thread-self/mountinfo").ok()?;
        directory.is_in_own_table().then(|| Self { directory, mounts, texts: Vec::new(), names: Vec::new(), seen: 0 })
    }

    fn is_outdated(&self) -> bool {
        let mut table = [PollFd::new(self.mounts.as_fd(), PollFlags::POLLPRI)];
        // No answer means no change.
        poll(&mut table, PollTimeout::ZERO) != Ok(0)
    }

    /// The inode number of the namespace that an entry, the next one of the directory, is known to stand for.
    pub(super) fn recall(&mut self, entry: &Entry) -> Option<u64> {
        let known = self.names.get(self.seen)?;
        let text = &self.texts[self.start()..known.end];
        let same = known.file == entry.ino() && text == entry.file_name().to_bytes();
        same.then(|| {
            self.seen += 1;
            known.namespace
        })
    }

    /// Remembers what was found out about an entry that was not known.
    pub(super) fn learn(&mut self, entry: &Entry, namespace: u64) {
        // Of a link something else changes, and of a file that is not told to be a plain one it may be a link.
        if entry.file_type() != Some(Type::File) {
            return;
        }
        // Whatever was expected in its place is to be learnt again.
        let start = self.start();
        self.names.truncate(self.seen);
        self.texts.truncate(start);
        self.texts.extend_from_slice(entry.file_name().to_bytes());
        self.names.push(Known { end: self.texts.len(), file: entry.ino(), namespace });
        self.seen += 1;
    }

    /// Puts it where the next listing looks for it, once the whole directory was seen.
    pub(super) fn keep(self) {
        let before = last().replace(self);
        // It closes a file, which nobody should have to wait for.
        drop(before);
    }

    fn start(&self) -> usize {
        self.seen.checked_sub(1).map_or(0, |before| self.names[before].end)
    }
}

fn last() -> MutexGuard<'static, Option<Memory>> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    fn of(directory: BorrowedFd<'_>) -> Option<Self> {
        // SAFETY: all zeros is a valid value of this plain data.
        let mut found: libc::statx = unsafe { std::mem::zeroed() };
        let wanted = libc::STATX_INO | libc::STATX_MNT_ID_UNIQUE;
        let (fd, empty) = (directory.as_raw_fd(), c"".as_ptr());
        // SAFETY: the path ends in a NUL, and the kernel writes one statx to the pointer, which is valid for that. Not by
        // the C library, whose older versions have no such function.
        let result = unsafe { libc::syscall(libc::SYS_statx, fd, empty, libc::AT_EMPTY_PATH, wanted, &raw mut found) };
        (result == 0 && found.stx_mask & wanted == wanted)
            .then_some(Self { mount: found.stx_mnt_id, ino: found.stx_ino })
    }

    /// Whether its mount is in the mount namespace of the calling thread: a path may lead into another one.
    fn is_in_own_table(self) -> bool {
        let request = MountRequest { size: MOUNT_REQUEST, spare: 0, mount: self.mount, wanted: 0 };
        let mut answer = [0_u64; 64];
        let (to, room) = (answer.as_mut_ptr(), size_of_val(&answer));
        // SAFETY: the request is as long as it says, and the kernel writes at most `room` bytes to the answer.
        unsafe { libc::syscall(SYS_STATMOUNT, &raw const request, to, room, 0) == 0 }
    }
}
