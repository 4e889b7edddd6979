//! A command made ready: everything the child needs, allocated before there is one.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use netns_exec::credentials::Credentials as View;
use netns_exec::program::DEFAULT_PATH;
use netns_exec::{Join, Setup};

use super::stdio::{self, Laid};
use super::strings::Strings;
use super::{Command, c_string, groups};
use crate::error::{Error, Result};

/// Who the child is.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    pub groups: Option<Vec<u32>>,
    pub gid: Option<u32>,
    pub uid: Option<u32>,
    pub capabilities: Option<u64>,
}

/// A command in the form in which the child uses it.
pub(super) struct Plan {
    words: Strings,
    environment: Arc<Strings>,
    directory: Option<CString>,
    credentials: Credentials,
    etc: Option<CString>,
    sysfs: bool,
    parent: Option<u32>,
}

impl Plan {
    /// With what has to be open until the child is born, and the parent's ends of the pipes.
    pub(super) fn new(command: Command) -> Result<(Self, Laid, Vec<Option<OwnedFd>>)> {
        let environment = command.environment.unwrap_or_else(|| Strings::inherited().into());
        command.words.check()?;
        environment.check()?;
        let directory = command.directory.as_deref().map(c_string).transpose()?;
        let etc = command.etc.as_deref().map(c_string).transpose()?;
        let (streams, ours) = stdio::lay(command.streams)?;
        let plan = Self {
            words: command.words,
            environment,
            directory,
            credentials: command.credentials,
            // Most names have no directory, and without one no mount namespace is needed.
            etc: etc.filter(|directory| Path::new(OsStr::from_bytes(directory.to_bytes())).exists()),
            sysfs: command.sysfs,
            parent: command.bound.then(std::process::id),
        };
        Ok((plan, streams, ours))
    }

    /// Whether the child ends with this process.
    pub(super) fn is_bound(&self) -> bool {
        self.parent.is_some()
    }

    /// What is to be run.
    pub(super) fn file(&self) -> &CStr {
        self.words.first()
    }

    /// Where it is looked for.
    pub(super) fn path(&self) -> &[u8] {
        self.environment.iter().find_map(|pair| pair.to_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH)
    }

    /// What is done to the child before its program.
    pub(super) fn setup<'a>(&'a self, join: Join<'a>) -> Setup<'a> {
        Setup {
            join,
            loopback: false,
            etc: self.etc.as_deref(),
            sysfs: self.sysfs,
            directory: self.directory.as_deref(),
            credentials: View {
                groups: groups(&self.credentials),
                gid: self.credentials.gid,
                uid: self.credentials.uid,
                capabilities: self.credentials.capabilities,
            },
            parent: self.parent,
        }
    }

    /// The arguments with a free slot before and a null pointer behind.
    pub(super) fn slots(&self) -> Vec<*const u8> {
        let null = [std::ptr::null()];
        null.into_iter().chain(self.words.pointers()).collect()
    }

    /// The environment with a null pointer behind.
    pub(super) fn environment(&self) -> Vec<*const u8> {
        self.environment.pointers().collect()
    }

    /// A failure of one of the child's steps, as an error.
    pub(super) fn error(&self, failure: &netns_exec::Failure) -> Error {
        let attempt = format!("start '{}'", self.file().to_string_lossy());
        let error = Error::system(failure.step, nix::errno::Errno::from_raw(failure.errno), attempt);
        match failure.path() {
            [] => error,
            path => error.at(OsStr::from_bytes(path)),
        }
    }
}
