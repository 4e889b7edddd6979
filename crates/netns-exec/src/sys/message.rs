//! Records over a socket, with a descriptor each if wanted: sendmsg(2), recvmsg(2), unix(7).

use super::arch::{numbers, syscall};
use super::errno::{EINTR, EMSGSIZE};
use super::fd::Fd;
use super::{Result, check, word};

const MSG_NOSIGNAL: usize = 0x4000;
const MSG_CMSG_CLOEXEC: usize = 0x4000_0000;
/// `flags` of a record or of its descriptors that did not fit.
const CUT: i32 = 0x28;
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;

/// `struct iovec`.
#[repr(C)]
struct Part {
    base: usize,
    length: usize,
}

/// `struct msghdr`, whose padding is where Rust puts it too.
#[repr(C)]
struct Header {
    name: usize,
    name_length: u32,
    parts: usize,
    part_count: usize,
    control: usize,
    control_length: usize,
    flags: i32,
}

/// `struct cmsghdr` with one descriptor.
#[repr(C)]
struct Rights {
    length: usize,
    level: i32,
    kind: i32,
    number: i32,
    padding: i32,
}

/// The part of [`Rights`] that its length counts.
const COUNTED: usize = 20;

fn header(part: &Part, rights: &Rights) -> Header {
    Header {
        name: 0,
        name_length: 0,
        parts: &raw const *part as usize,
        part_count: 1,
        control: &raw const *rights as usize,
        control_length: size_of::<Rights>(),
        flags: 0,
    }
}

/// The next record, and the descriptor that came with it. A length of zero: the other end is closed.
///
/// # Errors
/// As recvmsg(2); `EMSGSIZE` for a record that does not fit.
pub fn receive(socket: i32, buffer: &mut [u8]) -> Result<(usize, Option<Fd>)> {
    let part = Part { base: buffer.as_mut_ptr() as usize, length: buffer.len() };
    let rights = Rights { length: 0, level: 0, kind: 0, number: -1, padding: 0 };
    let mut header = header(&part, &rights);
    let args = [word(socket), &raw mut header as usize, MSG_CMSG_CLOEXEC, 0, 0];
    let length = loop {
        // SAFETY: the kernel writes at most the lengths that the header gives to the buffer and to the rights.
        match check(unsafe { syscall(numbers::RECVMSG, args) }) {
            Err(EINTR) => {}
            result => break result?,
        }
    };
    // SAFETY: the kernel wrote it through the header's pointer, which the compiler knows nothing of.
    let rights = unsafe { core::ptr::read_volatile(&raw const rights) };
    let came = header.control_length >= COUNTED && rights.level == SOL_SOCKET && rights.kind == SCM_RIGHTS;
    let passed = came.then(|| Fd::own(word(rights.number)));
    if header.flags & CUT != 0 { Err(EMSGSIZE) } else { Ok((length, passed)) }
}

/// Sends one record, and a descriptor with it.
///
/// # Errors
/// As sendmsg(2): `EPIPE` if the other end is closed.
pub fn send(socket: i32, bytes: &[u8], passed: Option<&Fd>) -> Result<()> {
    let part = Part { base: bytes.as_ptr() as usize, length: bytes.len() };
    let number = passed.map_or(-1, Fd::number);
    let rights = Rights { length: COUNTED, level: SOL_SOCKET, kind: SCM_RIGHTS, number, padding: 0 };
    let mut header = header(&part, &rights);
    if passed.is_none() {
        header.control_length = 0;
    }
    let args = [word(socket), &raw const header as usize, MSG_NOSIGNAL, 0, 0];
    loop {
        // SAFETY: the kernel reads the bytes and the rights by the lengths that the header gives.
        match check(unsafe { syscall(numbers::SENDMSG, args) }) {
            Err(EINTR) => {}
            result => return result.map(drop),
        }
    }
}
