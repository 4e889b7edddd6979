//! A command made ready: everything the child needs, allocated before there is one.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use netns_exec::credentials::Credentials as View;
use netns_exec::program::DEFAULT_PATH;
use netns_exec::{Join, Setup};

use super::stdio::{self, Laid};
use super::{Command, c_string, groups};
use crate::error::{Error, Result};
use crate::handle::NetNs;

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
    pub file: CString,
    pub path: Vec<u8>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: Option<CString>,
    credentials: Credentials,
    etc: Option<CString>,
    sysfs: bool,
    bound: bool,
    namespace: Option<NetNs>,
    streams: Laid,
}

impl Plan {
    /// Makes a command ready, and the parent's ends of its pipes.
    pub(super) fn new(command: Command, namespace: Option<&NetNs>) -> Result<(Self, Vec<Option<OwnedFd>>)> {
        let file = c_string(&command.program)?;
        let mut arguments = Vec::with_capacity(command.arguments.len() + 1);
        arguments.push(file.clone());
        for argument in &command.arguments {
            arguments.push(c_string(argument)?);
        }
        let environment = match command.environment {
            Some(pairs) => pairs.iter().map(|pair| c_string(pair)).collect::<Result<Vec<_>>>()?,
            None => inherited(),
        };
        let path = environment.iter().find_map(|pair| pair.to_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH);
        let (streams, ours) = stdio::lay(command.streams)?;
        let plan = Self {
            path: path.to_vec(),
            file,
            arguments,
            directory: command.directory.as_deref().map(c_string).transpose()?,
            credentials: command.credentials,
            etc: command.etc.as_deref().map(c_string).transpose()?.filter(|directory| exists(directory)),
            sysfs: command.sysfs,
            bound: command.bound,
            namespace: namespace.cloned(),
            streams,
            environment,
        };
        Ok((plan, ours))
    }

    /// What is done to the child before its program.
    pub(super) fn setup(&self) -> Setup<'_> {
        Setup {
            join: self
                .namespace
                .as_ref()
                .map_or(Join::Stay, |namespace| Join::Descriptor(namespace.as_fd().as_raw_fd())),
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
            parent: self.bound.then(std::process::id),
        }
    }

    /// The child's descriptors, by the parent's numbers.
    pub(super) fn sources(&self) -> Vec<i32> {
        self.streams.sources()
    }

    /// The arguments with a free slot before and a null pointer behind.
    pub(super) fn slots(&self) -> Vec<*const u8> {
        let null = [std::ptr::null()];
        null.into_iter().chain(pointers(&self.arguments)).collect()
    }

    /// The environment with a null pointer behind.
    pub(super) fn environment(&self) -> Vec<*const u8> {
        pointers(&self.environment).collect()
    }

    /// A failure of one of the child's steps, as an error.
    pub(super) fn error(&self, failure: &netns_exec::Failure) -> Error {
        let attempt = format!("start '{}'", self.file.to_string_lossy());
        let error = Error::system(failure.step, nix::errno::Errno::from_raw(failure.errno), attempt);
        match failure.path() {
            [] => error,
            path => error.at(OsStr::from_bytes(path)),
        }
    }
}

fn pointers(strings: &[CString]) -> impl Iterator<Item = *const u8> {
    strings.iter().map(|string| string.as_ptr().cast()).chain([std::ptr::null()])
}

/// Most names have no directory, and without one no mount namespace is needed.
fn exists(directory: &CStr) -> bool {
    std::path::Path::new(OsStr::from_bytes(directory.to_bytes())).exists()
}

fn inherited() -> Vec<CString> {
    let join = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let mut pair = name.into_vec();
        pair.push(b'=');
        pair.extend(value.into_vec());
        CString::new(pair).ok()
    };
    std::env::vars_os().filter_map(join).collect()
}
