//! The one error type, and the one place where a remedy is found for it.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, apart from where.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A system call failed. JavaScript: the errno's own name, `ENOENT`.
    System {
        /// The call, as its manual page is named.
        syscall: &'static str,
        /// What it said.
        errno: Errno,
    },
    /// What was opened is no network namespace. JavaScript: `ERR_NETNS_NOT_NAMESPACE`.
    NotNamespace {
        /// What it is instead: `a directory`, `a mount namespace`.
        found: Cow<'static, str>,
    },
    /// A name that iproute2 would not take. JavaScript: `ERR_INVALID_ARG_VALUE`.
    InvalidName {
        /// The rule it breaks.
        rule: &'static str,
    },
    /// The thread could go in but not come back, so it did not go. JavaScript: `ERR_NETNS_NO_RETURN`.
    NoReturn {
        /// What the rehearsal of the way back said.
        errno: Errno,
    },
    /// A destructive call aimed at the namespace where the process started. JavaScript: `ERR_NETNS_HOME`.
    Home,
    /// A netlink message that breaks the format. JavaScript: `ERR_NETNS_PROTOCOL`.
    Malformed {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Work was given up because the thread doing it panicked. JavaScript: `ERR_NETNS_INTERNAL`.
    Panicked,
}

/// A failure: what was attempted, on what, what the kernel said, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Error {
    kind: Kind,
    attempt: Cow<'static, str>,
    path: Option<PathBuf>,
    advice: Option<&'static str>,
}

impl Error {
    pub(crate) fn new(kind: Kind, attempt: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, attempt: attempt.into(), path: None, advice: None }
    }

    pub(crate) fn system(syscall: &'static str, errno: Errno, attempt: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::System { syscall, errno }, attempt)
    }

    pub(crate) fn at(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Replaces the remedy by one that fits better.
    pub(crate) fn advising(mut self, advice: Option<&'static str>) -> Self {
        self.advice = advice.or(self.advice);
        self
    }

    /// For work that was dropped because its thread panicked.
    #[must_use]
    pub fn panicked() -> Self {
        Self::new(Kind::Panicked, "finish the operation")
    }

    /// Whether the thread was not let in, or could not have come back: a broker may do instead.
    pub(crate) fn is_refused_entry(&self) -> bool {
        match self.kind {
            Kind::System { syscall, errno } => syscall == "setns" && errno == Errno::EPERM,
            Kind::NoReturn { .. } => true,
            _ => false,
        }
    }

    /// Whether there was too little of something, so that the same may go well later.
    pub(crate) fn is_shortage(&self) -> bool {
        matches!(self.errno(), Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM))
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The code to match on: an errno's name for system errors, `ERR_NETNS_…` for ours.
    #[must_use]
    pub fn code(&self) -> String {
        match &self.kind {
            Kind::System { errno, .. } => format!("{errno:?}"),
            Kind::NotNamespace { .. } => "ERR_NETNS_NOT_NAMESPACE".into(),
            Kind::InvalidName { .. } => "ERR_INVALID_ARG_VALUE".into(),
            Kind::NoReturn { .. } => "ERR_NETNS_NO_RETURN".into(),
            Kind::Home => "ERR_NETNS_HOME".into(),
            Kind::Malformed { .. } => "ERR_NETNS_PROTOCOL".into(),
            Kind::Panicked => "ERR_NETNS_INTERNAL".into(),
        }
    }

    /// The errno of a system error or of a failed rehearsal.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        match self.kind {
            Kind::System { errno, .. } | Kind::NoReturn { errno } => Some(errno),
            _ => None,
        }
    }

    /// The system call that failed.
    #[must_use]
    pub fn syscall(&self) -> Option<&'static str> {
        match self.kind {
            // 'open process' tells remedies apart; the call itself is open(2).
            Kind::System { syscall, .. } => syscall.split(' ').next(),
            Kind::NoReturn { .. } => Some("setns"),
            _ => None,
        }
    }

    /// The file it was about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What happened, in a sentence, without the remedy.
    #[must_use]
    pub fn explanation(&self) -> String {
        let attempt = &self.attempt;
        let path = self.path.as_ref().map(|path| format!(" '{}'", path.display())).unwrap_or_default();
        match &self.kind {
            Kind::System { errno, .. } => {
                let syscall = self.syscall().unwrap_or_default();
                format!("{errno:?}: {}, {syscall}{path}: cannot {attempt}", lower(errno.desc()))
            }
            Kind::NotNamespace { found } => format!("cannot {attempt}:{path} is {found}, not a network namespace"),
            Kind::InvalidName { rule } => format!("cannot {attempt}: {rule}"),
            Kind::NoReturn { errno } => format!("cannot {attempt}: the way back is closed ({errno:?} from setns)"),
            Kind::Home => format!("cannot {attempt}:{path} is the namespace where this process started"),
            Kind::Malformed { what } => format!("cannot {attempt}: {what}"),
            Kind::Panicked => format!("cannot {attempt}: its thread panicked"),
        }
    }

    /// What the caller can do about it, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        if self.advice.is_some() {
            return self.advice;
        }
        match &self.kind {
            Kind::System { syscall, errno } => system_remedy(syscall, *errno),
            Kind::NoReturn { .. } => Some(
                "The process may enter but not return: it runs in a user namespace that does not own its network \
                 namespace. Start it with a network namespace of its own, as by `unshare -Urn`.",
            ),
            Kind::Home => Some("Pass force if that is what you want."),
            Kind::NotNamespace { .. } | Kind::InvalidName { .. } | Kind::Malformed { .. } | Kind::Panicked => None,
        }
    }
}

fn system_remedy(syscall: &str, errno: Errno) -> Option<&'static str> {
    Some(match (syscall, errno) {
        ("setns" | "unshare" | "mount" | "umount2", Errno::EPERM) => {
            "This needs CAP_SYS_ADMIN: run as root, or in a user namespace, as by `unshare -Urnm`."
        }
        ("open sysctl", Errno::ENOENT) => {
            "No such setting in this namespace: some exist only in the first one, others only with a link of that name."
        }
        ("open sysctl" | "write", Errno::EACCES | Errno::EPERM | Errno::EROFS) => {
            "Settings need root in the namespace's user namespace, and a writable /proc/sys."
        }
        ("open tun", Errno::ENOENT | Errno::ENODEV | Errno::ENXIO) => {
            "The kernel lacks tun, or the container the device: `modprobe tun`, or start it with `--device /dev/net/tun`."
        }
        ("open tun", Errno::EACCES | Errno::EPERM) => "The device must be this user's to open: see its permissions.",
        ("write", Errno::EINVAL) => "The kernel does not take this value for the setting.",
        ("recv", Errno::ENOBUFS) => "Answers overran the socket's buffer: ask for less at once.",
        ("ioctl", Errno::EPERM) => "This needs CAP_NET_ADMIN in the namespace.",
        ("unshare", Errno::ENOSPC) => {
            "The limit of namespaces is reached: close some, or raise /proc/sys/user/max_net_namespaces. The kernel \
             frees closed ones in the background."
        }
        ("unshare", Errno::EINVAL) => "This kernel was built without CONFIG_NET_NS.",
        (_, Errno::EMFILE) => "The process has too many open descriptors: close handles, or raise `ulimit -n`.",
        (_, Errno::ENFILE) => "The system has too many open files: raise /proc/sys/fs/file-max.",
        ("pidfd_open", Errno::EINVAL | Errno::ENOENT) => "It is a thread's id: use fromThread.",
        ("pidfd_open" | "open process", Errno::ESRCH | Errno::ENOENT) => "No such process or thread is running.",
        ("open process", Errno::EACCES | Errno::EPERM) => {
            "Looking into another user's process needs CAP_SYS_PTRACE: run as root or as that user."
        }
        ("open" | "lstat", Errno::ENOENT) => "`ip netns list` shows the names there are.",
        ("open", Errno::EEXIST) => "Choose another name, open the existing one by its name, or delete it first.",
        ("open" | "mkdir" | "unlink" | "flock", Errno::EACCES | Errno::EPERM | Errno::EROFS) => {
            "Names need write access to their directory: run as root, in a user namespace, or pass another directory."
        }
        ("flock", Errno::ETIMEDOUT) => "Another process holds the lock of the directory: see `fuser` on it.",
        ("move_mount", Errno::ENOENT) => {
            "What shall be covered must exist: create an empty file there, or pass etc: false."
        }
        ("fsmount" | "open_tree" | "move_mount", Errno::EPERM) => {
            "Mounting needs CAP_SYS_ADMIN in the user namespace that owns the network: pass etc: false and sysfs: false."
        }
        ("setuid" | "setgid" | "setgroups", Errno::EPERM) => {
            "Becoming somebody else needs CAP_SETUID and CAP_SETGID, and in a user namespace that /proc/self/setgroups allows it."
        }
        ("setuid" | "setgid" | "setgroups" | "ioctl owner", Errno::EINVAL) => {
            "This user namespace has no such user or group: see /proc/self/uid_map and gid_map. It gets more by \
             /etc/subuid and newuidmap, as by `unshare --map-auto`."
        }
        ("capset" | "prctl", Errno::EPERM) => "A program gets no capability that this process does not have.",
        ("umount2", Errno::EBUSY) => "Something still uses the mount; try again.",
        _ => return None,
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.explanation())?;
        self.remedy().map_or(Ok(()), |remedy| write!(f, ". {remedy}"))
    }
}

fn lower(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + chars.as_str())
}
