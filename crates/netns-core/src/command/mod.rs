//! Programs started inside a namespace, at a cost that does not grow with this process.

mod birth;
mod child;
mod environment;
mod extension;
mod launch;
mod plan;
mod reaper;
mod stack;
mod stdio;
mod story;
mod strings;

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use netns_exec::credentials::Groups;
use nix::errno::Errno;

pub use child::{Child, Exit};
pub use environment::Environment;
pub use extension::CommandExt;
pub use stdio::Stdio;

use crate::error::{Error, Result};
use crate::handle::NetNs;
use plan::Credentials;
use strings::Strings;

/// What is told of a child, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Its program runs, as this process id.
    Started(u32),
    /// It could not be started; nothing is left of it. No other event follows.
    Failed(Error),
    /// It ended and was waited for.
    Exited(Exit),
}

/// A program to be started, in the manner of [`std::process::Command`], which forks and so takes time for each page
/// that this process has: this one does not, and it starts its child in a network namespace.
///
/// ```no_run
/// # use netns_core::{Command, Exit, NetNs};
/// let ns = NetNs::create(true)?;
/// let mut command = Command::new("ping");
/// command.args(["-c", "1", "127.0.0.1"]).capabilities([]);
/// assert_eq!(command.status(&ns)?, Exit::Code(0));
/// # Ok::<(), netns_core::Error>(())
/// ```
///
/// The child's signals are as at a program's start, and of the descriptors it has those of [`Command::stdio`] only.
/// Needs Linux 5.4.
#[derive(Debug)]
pub struct Command {
    words: Strings,
    environment: Option<Arc<Strings>>,
    directory: Option<OsString>,
    streams: Vec<Stdio>,
    credentials: Credentials,
    etc: Option<OsString>,
    sysfs: bool,
    bound: bool,
    announced: bool,
}

impl Command {
    /// A command that inherits the standard streams, the environment and the working directory.
    ///
    /// A name without a slash is looked for in the `PATH` of the child's environment.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Self::of(std::iter::once(program).collect())
    }

    /// A command whose file and arguments come in one piece, each ended by a NUL: as [`new`](Self::new) and
    /// [`args`](Self::args), but nothing is copied.
    #[must_use]
    pub fn packed(words: Vec<u8>) -> Self {
        Self::of(Strings::packed(words))
    }

    fn of(words: Strings) -> Self {
        Self {
            words,
            environment: None,
            directory: None,
            streams: vec![Stdio::Inherit, Stdio::Inherit, Stdio::Inherit],
            credentials: Credentials::default(),
            etc: None,
            sysfs: false,
            bound: false,
            announced: true,
        }
    }

    /// Adds arguments.
    pub fn args(&mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        for argument in arguments {
            self.words.push(argument.as_ref());
        }
        self
    }

    /// The whole environment, as `NAME=value` each.
    pub fn environment(&mut self, pairs: impl IntoIterator<Item = impl AsRef<OsStr>>) -> &mut Self {
        self.environment = Some(Arc::new(pairs.into_iter().collect()));
        self
    }

    /// The whole environment in one piece, each `NAME=value` ended by a NUL: nothing is copied.
    pub fn packed_environment(&mut self, pairs: Vec<u8>) -> &mut Self {
        self.environment = Some(Arc::new(Strings::packed(pairs)));
        self
    }

    /// The whole environment as it was read before: nothing is copied.
    pub fn known_environment(&mut self, environment: &Environment) -> &mut Self {
        self.environment = Some(Arc::clone(&environment.strings));
        self
    }

    /// The working directory.
    pub fn current_dir(&mut self, directory: impl AsRef<OsStr>) -> &mut Self {
        self.directory = Some(directory.as_ref().to_owned());
        self
    }

    /// The child's descriptors from 0 on.
    pub fn stdio(&mut self, streams: Vec<Stdio>) -> &mut Self {
        self.streams = streams;
        self
    }

    /// The user. Unless [`groups`](Self::groups) says otherwise, supplementary groups are dropped then, as by Node.
    pub fn uid(&mut self, id: u32) -> &mut Self {
        self.credentials.uid = Some(id);
        self
    }

    /// The group; as for [`uid`](Self::uid).
    pub fn gid(&mut self, id: u32) -> &mut Self {
        self.credentials.gid = Some(id);
        self
    }

    /// The supplementary groups.
    pub fn groups(&mut self, ids: Vec<u32>) -> &mut Self {
        self.credentials.groups = Some(ids);
        self
    }

    /// The capabilities that are left
    /// ([capabilities(7)](https://man7.org/linux/man-pages/man7/capabilities.7.html)), by their numbers: in the
    /// bounding, permitted, effective, inheritable and ambient sets. With none, `no_new_privs` is set too, so that
    /// no program gives any back.
    pub fn capabilities(&mut self, numbers: impl IntoIterator<Item = u32>) -> &mut Self {
        let set = numbers.into_iter().filter(|number| *number < 64).fold(0, |set, number| set | 1_u64 << number);
        self.credentials.capabilities = Some(set);
        self
    }

    /// `/etc/netns/NAME` over `/etc`, entry by entry, in a mount namespace of the child's.
    pub fn etc(&mut self, name: impl AsRef<OsStr>) -> &mut Self {
        let mut directory = OsString::from("/etc/netns/");
        directory.push(name);
        self.etc = Some(directory);
        self
    }

    /// A `/sys` that shows the child's network, with everything mounted under the old one, in a mount namespace of the
    /// child's.
    pub fn sysfs(&mut self, wanted: bool) -> &mut Self {
        self.sysfs = wanted;
        self
    }

    /// The child is killed when this process ends, however that ends. What the child starts itself is not.
    pub fn bound(&mut self, wanted: bool) -> &mut Self {
        self.bound = wanted;
        self
    }

    /// Whether the listener of [`launch`](Self::launch) hears when the program runs, as it does by default. Nothing waits
    /// for that otherwise, unless [`Child::announce`] asks later.
    pub fn announced(&mut self, wanted: bool) -> &mut Self {
        self.announced = wanted;
        self
    }

    /// Starts the program in `namespace` and returns at once; `listener` hears how it went and, later, the end.
    ///
    /// It is called on threads of this crate, and should return soon.
    ///
    /// # Errors
    /// `EINVAL` for a NUL byte, `EBADF` for a descriptor that is none, `EMFILE`, `EAGAIN`. All else is an event.
    pub fn launch(self, namespace: &NetNs, listener: impl Fn(&Event) + Send + Sync + 'static) -> Result<Child> {
        launch::launch(self, namespace, Box::new(listener))
    }

    /// Starts the program in `namespace` and waits until it runs.
    ///
    /// # Errors
    /// As exec(3): `ENOENT`, `EACCES`; `EPERM` for what this process may not; as [`launch`](Self::launch).
    pub fn spawn(mut self, namespace: &NetNs) -> Result<Child> {
        self.announced = false;
        let child = self.launch(namespace, |_| ())?;
        child.started()?;
        Ok(child)
    }

    /// Starts the program where the calling thread is, and never waits for anything.
    pub(crate) fn start_here(self) -> Result<()> {
        launch::start_here(self)
    }

    /// Starts the program in `namespace` and waits for its end.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn status(self, namespace: &NetNs) -> Result<Exit> {
        self.spawn(namespace)?.wait()
    }
}

/// A string as exec(2) takes it.
fn c_string(text: &OsStr) -> Result<CString> {
    CString::new(text.as_bytes())
        .map_err(|_| Error::system("execve", Errno::EINVAL, "pass a string with a NUL byte to a program"))
}

/// As the child sees its groups.
fn groups(credentials: &Credentials) -> Groups<'_> {
    match &credentials.groups {
        Some(groups) => Groups::Set(groups),
        None if credentials.uid.is_some() || credentials.gid.is_some() => Groups::Drop,
        None => Groups::Keep,
    }
}
