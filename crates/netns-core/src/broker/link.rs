//! A broker's process, as the socket that it serves.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use netns_exec::broker::wire::{BUFFER, Operation, REPLY_HEAD, Reply, Request};
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, UnixAddr, recvmsg, sendmsg,
    socketpair,
};

use super::Given;
use crate::command::{Command, Stdio};
use crate::error::{Error, Result};
use crate::helper;

/// The process ends when this is dropped.
#[derive(Debug)]
pub(super) struct Link {
    socket: OwnedFd,
}

impl Link {
    /// Starts the process.
    pub(super) fn start() -> Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC;
        let (socket, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map_err(|errno| Error::system("socketpair", errno, "talk to a broker"))?;
        let mut command = Command::new(helper::path()?);
        command.args(["-B"]).environment([""; 0]);
        command.stdio(vec![Stdio::Descriptor(theirs), Stdio::Null, Stdio::Null]);
        command.start_here()?;
        Ok(Self { socket })
    }

    /// Asks and waits for the answer; `None` if the process is not there any more.
    ///
    /// # Errors
    /// What leaves the two out of step. What does not is an answer too: `EMFILE`, or a payload that is too long.
    pub(super) fn ask(
        &self,
        operation: Operation,
        values: [u32; 3],
        payload: &[u8],
        passed: Option<BorrowedFd<'_>>,
        attempt: &'static str,
    ) -> Result<Option<Result<Given>>> {
        let failed = |syscall, errno| Error::system(syscall, errno, attempt);
        if let Err(errno) = self.send(&Request::head(operation, values), payload, passed) {
            return Ok(if is_gone(errno) { None } else { Some(Err(failed("sendmsg", errno))) });
        }
        let room = if operation == Operation::Read { BUFFER } else { REPLY_HEAD };
        let mut buffer = vec![0; room];
        let (length, fd) = match self.receive(&mut buffer) {
            Ok((0, _)) => return Ok(None),
            Ok((_, Rights::Cut)) => return Ok(Some(Err(failed("recvmsg", Errno::EMFILE)))),
            Ok((length, Rights::Whole(fd))) => (length, fd),
            Err(errno) if is_gone(errno) => return Ok(None),
            Err(errno) => return Err(failed("recvmsg", errno)),
        };
        let Some(reply) = buffer.get(..length).and_then(Reply::read) else {
            return Err(failed("recvmsg", Errno::EBADMSG));
        };
        if reply.errno != 0 {
            let errno = Errno::from_raw(i32::try_from(reply.errno).unwrap_or_default());
            return Ok(Some(Err(failed(reply.step(), errno))));
        }
        buffer.truncate(length);
        buffer.drain(..REPLY_HEAD);
        Ok(Some(Ok(Given { fd, payload: buffer })))
    }

    fn send(&self, head: &[u8], payload: &[u8], passed: Option<BorrowedFd<'_>>) -> Result<(), Errno> {
        let numbers: Vec<_> = passed.iter().map(AsRawFd::as_raw_fd).collect();
        let rights = [ControlMessage::ScmRights(&numbers)];
        let rights = if numbers.is_empty() { &[][..] } else { &rights };
        let parts = [IoSlice::new(head), IoSlice::new(payload)];
        loop {
            match sendmsg::<UnixAddr>(self.socket.as_raw_fd(), &parts, rights, MsgFlags::MSG_NOSIGNAL, None) {
                Err(Errno::EINTR) => {}
                result => return result.map(drop),
            }
        }
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<(usize, Rights), Errno> {
        let mut space = cmsg_space!([i32; 1]);
        let mut parts = [IoSliceMut::new(buffer)];
        let message = loop {
            let (number, flags) = (self.socket.as_raw_fd(), MsgFlags::MSG_CMSG_CLOEXEC);
            match recvmsg::<UnixAddr>(number, &mut parts, Some(&mut space), flags) {
                Err(Errno::EINTR) => {}
                result => break result?,
            }
        };
        // A record has one descriptor at most, so none came where the kernel dropped one.
        if message.flags.contains(MsgFlags::MSG_CTRUNC) {
            return Ok((message.bytes, Rights::Cut));
        }
        let mut fd = None;
        for rights in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(numbers) = rights {
                // SAFETY: the kernel just made these descriptors for us and nobody else has them.
                fd = numbers.into_iter().map(|number| unsafe { OwnedFd::from_raw_fd(number) }).next();
            }
        }
        Ok((message.bytes, Rights::Whole(fd)))
    }
}

/// What came with a record.
enum Rights {
    Whole(Option<OwnedFd>),
    /// The kernel dropped a descriptor for which this process has no room. The rest of the record is there.
    Cut,
}

fn is_gone(errno: Errno) -> bool {
    matches!(errno, Errno::EPIPE | Errno::ECONNRESET | Errno::ENOTCONN)
}
