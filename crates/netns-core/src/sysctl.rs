//! Kernel settings of one namespace: `/proc/sys/net`.
//!
//! Which namespace's settings a file there shows is decided by the thread that *looks it up*. So the file is opened,
//! used and closed within one guarded section, and the files of the caller's own namespace are never touched.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use netns_exec::broker::wire::Operation;
use nix::errno::Errno;

use crate::error::{Error, Kind, Result};
use crate::handle::NetNs;
use crate::inside::either;

impl NetNs {
    /// Reads a setting, as `sysctl -n net.ipv4.ip_forward` does, without the line's end.
    ///
    /// # Errors
    /// `ERR_INVALID_ARG_VALUE` for a name that is not below `net.`, `ENOENT` if there is no such setting, and as
    /// [`run`](Self::run).
    pub fn sysctl(&self, name: &str) -> Result<String> {
        let path = path(name)?;
        let here = || {
            let mut text = String::new();
            let read = File::open(&path).map(|mut file| file.read_to_string(&mut text));
            read.map_err(|error| failed("open sysctl", &error, "read", &path))?
                .map_err(|error| failed("read", &error, "read", &path))?;
            Ok(text)
        };
        let mut text = either(self, here, |broker| {
            let payload = [path.as_os_str().as_bytes(), b"\0"].concat();
            let given = broker.ask(Operation::Read, [0; 3], &payload, Some(self), "read the setting");
            given.map(|given| String::from_utf8_lossy(&given.payload).into_owned()).map_err(|error| error.at(&path))
        })?;
        text.truncate(text.trim_end_matches('\n').len());
        Ok(text)
    }

    /// Writes a setting, as `sysctl -w net.ipv4.ip_forward=1` does.
    ///
    /// # Errors
    /// As [`sysctl`](Self::sysctl); `EINVAL` if the kernel does not take the value, `EACCES`, `EROFS`.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<()> {
        let path = path(name)?;
        let here = || {
            // One write(2): the kernel takes a value as a whole. Never O_CREAT or O_TRUNC: these are no files.
            let written = OpenOptions::new().write(true).open(&path).map(|mut file| file.write_all(value.as_bytes()));
            written
                .map_err(|error| failed("open sysctl", &error, "write", &path))?
                .map_err(|error| failed("write", &error, "write", &path))
        };
        either(self, here, |broker| {
            let payload = [path.as_os_str().as_bytes(), b"\0", value.as_bytes()].concat();
            let given = broker.ask(Operation::Write, [0; 3], &payload, Some(self), "write the setting");
            given.map(drop).map_err(|error| error.at(&path))
        })
    }
}

/// sysctl(8): dots separate, and a slash stands for a dot within a part, as in `net.ipv4.conf.eth0/100.forwarding`.
fn path(name: &str) -> Result<PathBuf> {
    let rule = "the name of a setting is like 'net.ipv4.ip_forward', with '/' for a dot within a link's name";
    let sound = |part: &str| !part.is_empty() && part != "/" && part != "//" && !part.contains('\0');
    let mut parts = name.split('.');
    if parts.next() != Some("net") || name.split('.').count() < 2 || !parts.clone().all(sound) {
        return Err(Error::new(Kind::InvalidName { rule }, format!("use the setting '{name}'")));
    }
    Ok(parts.fold(PathBuf::from("/proc/sys/net"), |path, part| path.join(part.replace('/', "."))))
}

fn failed(syscall: &'static str, error: &io::Error, verb: &str, path: &std::path::Path) -> Error {
    let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
    Error::system(syscall, errno, format!("{verb} the setting")).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_paths_as_sysctl_does_it() {
        let expect = PathBuf::from("/proc/sys/net/ipv4/conf/eth0.100/forwarding");
        assert_eq!(path("net.ipv4.conf.eth0/100.forwarding"), Ok(expect));
    }

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["", "net", "net.", "kernel.hostname", "net..ipv4", "net.//.kernel", "net./.x", "net.ip\0"] {
            let code = path(name).map_err(|error| error.code());
            assert_eq!(code, Err("ERR_INVALID_ARG_VALUE".into()), "{name}");
        }
    }
}
