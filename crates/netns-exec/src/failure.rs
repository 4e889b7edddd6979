//! What went wrong in a child, as data.

use core::ffi::CStr;

use crate::sys::Errno;

/// A step that failed, why, and the path it was about.
///
/// It holds its path by value: the child that fills it in owns no memory that lives on.
#[derive(Debug, Clone, Copy)]
pub struct Failure {
    /// The step: mostly the system call's name.
    pub step: &'static str,
    /// The positive errno.
    pub errno: Errno,
    path: [u8; 256],
    length: usize,
}

impl Failure {
    /// A failure that no path belongs to.
    #[must_use]
    pub const fn new(step: &'static str, errno: Errno) -> Self {
        Self { step, errno, path: [0; 256], length: 0 }
    }

    /// Of one path.
    #[must_use]
    pub fn at(self, path: &CStr) -> Self {
        self.append(path.to_bytes())
    }

    /// Of an entry of a directory.
    #[must_use]
    pub fn within(self, directory: &CStr, entry: &CStr) -> Self {
        self.append(directory.to_bytes()).append(b"/").append(entry.to_bytes())
    }

    fn append(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            if let Some(slot) = self.path.get_mut(self.length) {
                *slot = *byte;
                self.length += 1;
            }
        }
        self
    }

    /// The path, cut if it was very long; empty if there is none.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.path.get(..self.length).unwrap_or_default()
    }
}
