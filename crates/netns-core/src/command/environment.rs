//! This process's environment in one piece, used for one program after the other until it changes.

use std::ffi::c_char;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::fcntl::OFlag;
use nix::libc;
use nix::unistd::{pipe2, read};

use super::strings::Strings;
use crate::thread::current_is_main;

/// What a pipe takes at once, and so what is compared: a larger environment always counts as changed.
const ROOM: usize = 64 * 1024;
/// The most pieces of one writev(2).
const PIECES: usize = 1024;
const WORD: usize = size_of::<usize>();

unsafe extern "C" {
    /// The C library's, which writes it in one piece.
    static environ: AtomicPtr<*mut c_char>;
}

/// What this process's environment was when it was last read, and perhaps still is.
#[derive(Debug)]
pub struct Environment {
    pub(super) strings: Arc<Strings>,
    place: Option<Place>,
}

impl Environment {
    /// `NAME=value`, each ended by a NUL, as just read on this thread.
    #[must_use]
    pub fn packed(pairs: Vec<u8>) -> Self {
        let strings = Strings::packed(pairs);
        // Only the main thread's is surely the process's.
        let place = if current_is_main() { Place::find(&strings) } else { None };
        Self { strings: Arc::new(strings), place }
    }

    /// Whether the process's environment still is that, string by string and in that order. Never off the main thread,
    /// and never if it is too large to be compared.
    #[must_use]
    pub fn is_current(&self) -> bool {
        current_is_main() && self.place.as_ref().is_some_and(Place::is_unchanged)
    }
}

/// Where the environment is in memory, and what is there.
#[derive(Debug)]
struct Place {
    /// The list of pointers, then the strings they point to.
    pieces: Vec<(usize, usize)>,
    contents: Vec<u8>,
}

impl Place {
    fn find(strings: &Strings) -> Option<Self> {
        let lengths: Vec<usize> = strings.iter().map(|string| string.count_bytes() + 1).collect();
        let list = (list(), (lengths.len() + 1) * WORD);
        if lengths.len() >= PIECES || list.1 + strings.bytes().len() > ROOM {
            return None;
        }
        let mut contents = copy(&[list])?;
        let pointers = contents.chunks_exact(WORD).flat_map(<[u8; WORD]>::try_from).map(usize::from_ne_bytes);
        let pieces = joined(std::iter::once(list).chain(pointers.zip(lengths)));
        // Behind the last pointer there must be a null one.
        contents.extend_from_slice(strings.bytes());
        let place = Self { pieces, contents };
        let ended = place.contents.get(list.1 - WORD..list.1)?.iter().all(|byte| *byte == 0);
        (ended && place.is_unchanged()).then_some(place)
    }

    fn is_unchanged(&self) -> bool {
        self.pieces.first().is_some_and(|(address, _)| *address == list())
            && copy(&self.pieces).is_some_and(|found| found == self.contents)
    }
}

/// As few pieces as there can be: at a process's start all strings are side by side.
fn joined(pieces: impl Iterator<Item = (usize, usize)>) -> Vec<(usize, usize)> {
    let mut joined: Vec<(usize, usize)> = Vec::new();
    for (address, length) in pieces {
        match joined.last_mut() {
            Some((first, all)) if first.wrapping_add(*all) == address => *all += length,
            _ => joined.push((address, length)),
        }
    }
    joined
}

fn list() -> usize {
    // SAFETY: every C library has it.
    unsafe { &environ }.load(Ordering::Acquire).addr()
}

/// What is in memory at these addresses. It goes through a pipe: another thread may be changing the environment, and the
/// kernel refuses to read where nothing is any more.
fn copy(pieces: &[(usize, usize)]) -> Option<Vec<u8>> {
    static PIPE: Mutex<Option<(OwnedFd, OwnedFd)>> = Mutex::new(None);
    let mut pipe = PIPE.lock().unwrap_or_else(PoisonError::into_inner);
    if pipe.is_none() {
        *pipe = Some(pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).ok()?);
    }
    let (reader, writer) = pipe.as_ref()?;
    let piece = |(address, length): &(usize, usize)| libc::iovec {
        iov_base: std::ptr::without_provenance_mut(*address),
        iov_len: *length,
    };
    let pieces: Vec<_> = pieces.iter().map(piece).collect();
    let count = i32::try_from(pieces.len()).ok()?;
    // SAFETY: the kernel reads what is there, and fails where nothing is.
    let written = unsafe { libc::writev(writer.as_raw_fd(), pieces.as_ptr(), count) };
    // Even if it is not all, the next call must find the pipe empty.
    let mut bytes = vec![0; usize::try_from(written).ok()?];
    let got = read(reader, &mut bytes).ok()?;
    let wanted: usize = pieces.iter().map(|piece| piece.iov_len).sum();
    (got == wanted && bytes.len() == wanted).then_some(bytes)
}
