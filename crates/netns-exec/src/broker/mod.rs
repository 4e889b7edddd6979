//! The broker: a helper process that may enter where its starter may not, and makes there what has to be made inside.
//!
//! It serves one connected `SOCK_SEQPACKET` socket, a request record in, a reply record out, descriptors by
//! `SCM_RIGHTS`, and ends when nobody holds the other end any more. Between requests it is in a network namespace of
//! its own, so that it keeps nobody else's alive.

pub mod wire;

use core::ffi::CStr;

use crate::failure::Failure;
use crate::line::Line;
use crate::setup::{CLONE_NEWNET, CLONE_NEWUSER};
use crate::sys::errno::{EBADF, EINVAL, EMSGSIZE, ENOENT, EPERM};
use crate::sys::{self, Fd, message};
use wire::{BUFFER, Operation, Reply, Request};

const PR_SET_NAME: usize = 15;
const O_WRONLY: usize = 1;
const O_RDWR: usize = 2;

/// Serves the socket that is descriptor 0 until it closes; gives the exit code.
#[must_use]
pub fn serve() -> usize {
    // A terminal's signals are the program's business, whose ends the socket tells.
    let _old = sys::block_signals(u64::MAX);
    let _leader_already = sys::new_session();
    let name = c"netns-broker";
    let _only_a_name = sys::process_control(PR_SET_NAME, [name.as_ptr() as usize, 0]);
    // No directory is kept in use.
    let _anywhere = sys::change_directory(c"/");
    let mut buffer = [0_u8; BUFFER];
    let mut base = None;
    loop {
        let Ok((length, passed)) = message::receive(0, &mut buffer) else { return 1 };
        if length == 0 {
            return 0;
        }
        let result = match Request::read(buffer.get(..length).unwrap_or_default()) {
            Some(request) => Broker { base: &mut base, buffer: &mut buffer, passed }.answer(request),
            None => Err(Failure::new("recvmsg", EINVAL)),
        };
        let (reply, fd) = match result {
            Ok(Answer { fd, payload }) => (Reply { errno: 0, step: 0, payload }, fd),
            Err(failure) => (Reply::failed(&failure), None),
        };
        let Some(length) = reply.write(&mut buffer) else { return 1 };
        if message::send(0, buffer.get(..length).unwrap_or_default(), fd.as_ref()).is_err() {
            return 1;
        }
    }
}

/// What a request got: a descriptor, or bytes that are in the buffer.
#[derive(Default)]
struct Answer {
    fd: Option<Fd>,
    payload: usize,
}

impl From<Fd> for Answer {
    fn from(fd: Fd) -> Self {
        Self { fd: Some(fd), payload: 0 }
    }
}

struct Broker<'a> {
    /// Where it is between requests, once it is in its user namespace.
    base: &'a mut Option<Fd>,
    buffer: &'a mut [u8; BUFFER],
    passed: Option<Fd>,
}

impl Broker<'_> {
    fn answer(mut self, request: Request) -> Result<Answer, Failure> {
        let [one, two, three] = request.values;
        match request.operation {
            Operation::Found => {
                let user = found()?;
                self.settle()?;
                Ok(user.into())
            }
            Operation::Join => {
                let user = self.passed.take().ok_or(Failure::new("setns", EBADF))?;
                enter(&user, CLONE_NEWUSER)?;
                self.settle().map(|()| Answer::default())
            }
            Operation::Stay => self.settle().map(|()| Answer::default()),
            Operation::Create => {
                sys::unshare(CLONE_NEWNET).map_err(|errno| Failure::new("unshare", errno))?;
                let made = made(one != 0);
                self.back();
                made.map(Answer::from)
            }
            Operation::Socket => self.inside(|_| {
                sys::socket(one, two, three).map_err(|errno| Failure::new("socket", errno)).map(Answer::from)
            }),
            Operation::Tun => self.inside(|_| tun().map(Answer::from)),
            Operation::Read => self.inside(|buffer| read(buffer).map(|payload| Answer { fd: None, payload })),
            Operation::Write => {
                let length = request.length;
                self.inside(|buffer| write(wire::payload(buffer, length)).map(|()| Answer::default()))
            }
        }
    }

    fn settle(&mut self) -> Result<(), Failure> {
        sys::unshare(CLONE_NEWNET).map_err(|errno| Failure::new("unshare", errno))?;
        *self.base = Some(open(c"/proc/self/ns/net", 0)?);
        Ok(())
    }

    /// Does something in the namespace that came with the request.
    fn inside(&mut self, work: impl FnOnce(&mut [u8; BUFFER]) -> Result<Answer, Failure>) -> Result<Answer, Failure> {
        let namespace = self.passed.take().ok_or(Failure::new("setns", EBADF))?;
        enter(&namespace, CLONE_NEWNET)?;
        let result = work(self.buffer);
        self.back();
        result
    }

    /// What cannot come back must not go on: the next request would be answered elsewhere.
    fn back(&self) {
        if self.base.as_ref().is_none_or(|base| sys::enter(base.number(), CLONE_NEWNET).is_err()) {
            sys::exit(1);
        }
    }
}

fn enter(namespace: &Fd, kind: usize) -> Result<(), Failure> {
    sys::enter(namespace.number(), kind).map_err(|errno| Failure::new("setns", errno))
}

/// The namespace that was just made.
fn made(loopback: bool) -> Result<Fd, Failure> {
    let made = open(c"/proc/self/ns/net", 0)?;
    if loopback {
        sys::loopback_up().map_err(|errno| Failure::new("ioctl", errno))?;
    }
    Ok(made)
}

fn open(path: &CStr, flags: usize) -> Result<Fd, Failure> {
    sys::open(None, path, flags).map_err(|errno| Failure::new("open", errno).at(path))
}

fn tun() -> Result<Fd, Failure> {
    sys::open(None, c"/dev/net/tun", O_RDWR).map_err(|errno| Failure::new("open tun", errno))
}

/// A user namespace in which everybody is who they were: the one user and the one group that may be mapped.
fn found() -> Result<Fd, Failure> {
    let (user, group) = (sys::user(), sys::group());
    sys::unshare(CLONE_NEWUSER).map_err(|errno| Failure::new("unshare", errno))?;
    set(c"/proc/self/setgroups", b"deny")?;
    for (path, id) in [(c"/proc/self/uid_map", user), (c"/proc/self/gid_map", group)] {
        let mut line = Line::default();
        line.push_number(id);
        line.push(b" ");
        line.push_number(id);
        line.push(b" 1\n");
        set(path, line.bytes())?;
    }
    open(c"/proc/self/ns/user", 0)
}

/// Writes one of a new user namespace's files. Users and groups need not have names inside: a root without `CAP_SETFCAP`
/// may not give itself one (`EPERM`), and before Linux 3.19 one file was missing.
fn set(path: &CStr, bytes: &[u8]) -> Result<(), Failure> {
    let written = sys::open(None, path, O_WRONLY).and_then(|file| sys::write(file.number(), bytes));
    match written {
        Ok(_) | Err(EPERM | ENOENT) => Ok(()),
        Err(errno) => Err(Failure::new("write", errno).at(path)),
    }
}

/// The whole of the file that the payload names, in its place.
fn read(buffer: &mut [u8; BUFFER]) -> Result<usize, Failure> {
    let file = {
        let path = CStr::from_bytes_until_nul(wire::payload(buffer, BUFFER)).unwrap_or_default();
        sys::open(None, path, 0).map_err(|errno| Failure::new("open sysctl", errno))?
    };
    let mut filled = 0;
    loop {
        let room = buffer.get_mut(wire::REPLY_HEAD + filled..).unwrap_or_default();
        if room.is_empty() {
            return Err(Failure::new("read", EMSGSIZE));
        }
        match sys::read(&file, room).map_err(|errno| Failure::new("read", errno))? {
            0 => return Ok(filled),
            more => filled += more,
        }
    }
}

/// The payload's value, by one write(2), to the file it names before that.
fn write(payload: &[u8]) -> Result<(), Failure> {
    let path = CStr::from_bytes_until_nul(payload).unwrap_or_default();
    let value = payload.get(path.to_bytes_with_nul().len()..).unwrap_or_default();
    let file = sys::open(None, path, O_WRONLY).map_err(|errno| Failure::new("open sysctl", errno))?;
    sys::write(file.number(), value).map(drop).map_err(|errno| Failure::new("write", errno))
}
