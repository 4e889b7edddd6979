//! Strings as exec(3) takes them.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

use nix::errno::Errno;

use crate::error::{Error, Result};

/// Strings in one piece, each ended by a NUL: an environment has dozens, and each would be an allocation.
#[derive(Debug, Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    /// One had a NUL within it.
    torn: bool,
    /// Where each begins, once that was asked: an environment is used for one program after the other.
    starts: OnceLock<Vec<usize>>,
}

impl Strings {
    /// Those that are in one piece already.
    pub(super) fn packed(mut bytes: Vec<u8>) -> Self {
        if bytes.last().is_some_and(|last| *last != 0) {
            bytes.push(0);
        }
        Self { bytes, ..Self::default() }
    }

    /// This process's environment.
    pub(super) fn inherited() -> Self {
        let mut strings = Self::default();
        for (name, value) in std::env::vars_os() {
            strings.append(&[name.as_bytes(), b"=", value.as_bytes()]);
        }
        strings
    }

    pub(super) fn push(&mut self, text: &OsStr) {
        self.append(&[text.as_bytes()]);
    }

    fn append(&mut self, parts: &[&[u8]]) {
        self.starts.take();
        for part in parts {
            self.torn |= part.contains(&0);
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(0);
    }

    /// No string was given that the program would see cut in two.
    pub(super) fn check(&self) -> Result<()> {
        if self.torn {
            return Err(Error::system("execve", Errno::EINVAL, "pass a string with a NUL byte to a program"));
        }
        Ok(())
    }

    /// All of them in one piece.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &CStr> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let string = CStr::from_bytes_until_nul(rest).ok()?;
            rest = rest.get(string.count_bytes() + 1..)?;
            Some(string)
        })
    }

    pub(super) fn first(&self) -> &CStr {
        self.iter().next().unwrap_or_default()
    }

    /// A pointer to each, and a null one behind.
    pub(super) fn pointers(&self) -> impl Iterator<Item = *const u8> {
        let begin = self.bytes.as_ptr().addr();
        let starts = self.starts.get_or_init(|| self.iter().map(|string| string.as_ptr().addr() - begin).collect());
        starts.iter().map(|start| self.bytes.as_ptr().wrapping_add(*start)).chain([std::ptr::null()])
    }
}

impl<S: AsRef<OsStr>> FromIterator<S> for Strings {
    fn from_iter<I: IntoIterator<Item = S>>(texts: I) -> Self {
        let mut strings = Self::default();
        for text in texts {
            strings.push(text.as_ref());
        }
        strings
    }
}
