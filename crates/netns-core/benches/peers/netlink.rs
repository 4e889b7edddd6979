//! What netlink costs: bytes over a socket, written by hand, with nothing in between.

use std::error::Error;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use netns_core::NetNs;

const REQUEST: u16 = 1;
const ACK: u16 = 4;
const DUMP: u16 = 0x300;
const NEW: u16 = 0x600;
const ROUTES: u32 = 10_000;

#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn message(mut self, kind: u16, flags: u16, write: impl FnOnce(Self) -> Self) -> Self {
        let start = self.0.len();
        self.0.extend([0; 4]);
        self.0.extend(kind.to_ne_bytes());
        self.0.extend((flags | REQUEST).to_ne_bytes());
        self.0.extend([0; 8]);
        let mut done = write(self);
        let length = u32::try_from(done.0.len() - start).expect("short");
        done.0[start..start + 4].copy_from_slice(&length.to_ne_bytes());
        done
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).expect("short");
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn link(self, index: u32, up: u32) -> Self {
        self.raw(&[0; 4]).raw(&index.to_ne_bytes()).raw(&up.to_ne_bytes()).raw(&up.to_ne_bytes())
    }

    fn address(self, index: u32, last: u8) -> Self {
        let address = [10, 0, 0, last];
        self.message(20, NEW | ACK, |bytes| {
            bytes.raw(&[2, 24, 0, 0]).raw(&index.to_ne_bytes()).attribute(2, &address).attribute(1, &address)
        })
    }
}

fn socket(namespace: &NetNs) -> Socket {
    let mut socket = namespace.run(|| Socket::new(NETLINK_ROUTE)).expect("root").expect("a socket");
    socket.bind_auto().expect("bind");
    socket.connect(&SocketAddr::new(0, 0)).expect("connect");
    socket.set_cap_ack(true).expect("cap_ack");
    let room = nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::RcvBufForce, &(1 << 20));
    room.expect("room");
    socket
}

/// Sends and reads `answers` acknowledgements, or until a dump is done; returns the first payload.
fn ask(socket: &Socket, bytes: &[u8], mut answers: usize) -> Vec<u8> {
    socket.send(bytes, 0).expect("send");
    let mut first = Vec::new();
    let mut buffer = Vec::with_capacity(32 * 1024);
    while answers > 0 {
        buffer.clear();
        socket.recv(&mut buffer, 0).expect("recv");
        let mut rest = &buffer[..];
        while rest.len() >= 16 {
            let length = u32::from_ne_bytes(rest[..4].try_into().expect("four")) as usize;
            match u16::from_ne_bytes(rest[4..6].try_into().expect("two")) {
                2 => {
                    assert_eq!(&rest[16..20], &[0; 4], "refused");
                    answers -= 1;
                }
                3 => answers -= 1,
                _ if first.is_empty() => first = rest[..length].to_vec(),
                _ => {}
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }
    first
}

fn index(socket: &Socket, name: &[u8]) -> u32 {
    let request = Bytes::default().message(18, 0, |bytes| bytes.link(0, 0).attribute(3, name));
    socket.send(&request.0, 0).expect("send");
    let mut answer = Vec::with_capacity(8192);
    socket.recv(&mut answer, 0).expect("recv");
    u32::from_ne_bytes(answer[20..24].try_into().expect("four"))
}

/// `a` where the socket is, up, and `b` in the other namespace.
fn add_veth(mine: &Socket, right: &NetNs) {
    let peer = Bytes::default().link(0, 0).attribute(3, b"b\0");
    let peer = peer.attribute(28, &right.as_fd().as_raw_fd().to_ne_bytes());
    let data = Bytes::default().attribute(1, &peer.0);
    let info = Bytes::default().attribute(1, b"veth").attribute(2, &data.0);
    let add = |bytes: Bytes| bytes.link(0, 1).attribute(3, b"a\0").attribute(18, &info.0);
    ask(mine, &Bytes::default().message(16, NEW | ACK, add).0, 1);
}

fn pair() -> Duration {
    let (left, right) = (NetNs::create(true).expect("root"), NetNs::create(true).expect("root"));
    let (mine, theirs) = (socket(&left), socket(&right));
    let start = Instant::now();
    add_veth(&mine, &right);
    ask(&mine, &Bytes::default().address(index(&mine, b"a\0"), 1).0, 1);
    let there = index(&theirs, b"b\0");
    let up = Bytes::default().message(16, ACK, |bytes| bytes.link(there, 1)).address(there, 2);
    ask(&theirs, &up.0, 2);
    start.elapsed()
}

fn prepared() -> (Socket, u32) {
    let (left, right) = (NetNs::create(true).expect("root"), NetNs::create(true).expect("root"));
    let mine = socket(&left);
    add_veth(&mine, &right);
    let here = index(&mine, b"a\0");
    ask(&mine, &Bytes::default().address(here, 1).0, 1);
    let theirs = socket(&right);
    let there = index(&theirs, b"b\0");
    ask(&theirs, &Bytes::default().message(16, ACK, |bytes| bytes.link(there, 1)).0, 1);
    // The other end stays as long as the process.
    std::mem::forget(right);
    (mine, here)
}

fn routes(socket: &Socket, link: u32, kind: u16, flags: u16) {
    for batch in 0..ROUTES.div_ceil(512) {
        let mut bytes = Bytes(Vec::with_capacity(64 * 1024));
        let end = ROUTES.min((batch + 1) * 512);
        for i in batch * 512..end {
            let [_, _, high, low] = i.to_be_bytes();
            let last = if i + 1 == end { ACK } else { 0 };
            bytes = bytes.message(kind, flags | last, |bytes| {
                bytes
                    .raw(&[2, 24, 0, 0, 254, 4, 0, 1, 0, 0, 0, 0])
                    .attribute(1, &[10, 100 + high, low, 0])
                    .attribute(5, &[10, 0, 0, 2])
                    .attribute(4, &link.to_ne_bytes())
            });
        }
        ask(socket, &bytes.0, 1);
    }
}

/// Two namespaces with a wire between them, and whether the routes are there.
pub struct Wired {
    socket: Socket,
    link: u32,
    full: bool,
}

impl Wired {
    /// Makes them.
    pub fn new() -> Self {
        let (socket, link) = prepared();
        Self { socket, link, full: false }
    }

    /// Does what `name` says, and tells how long that took without what prepares it.
    pub fn measure(&mut self, name: &str) -> Result<Duration, Box<dyn Error>> {
        match name {
            "pair" => Ok(pair()),
            "bulk" => {
                if self.full {
                    routes(&self.socket, self.link, 25, 0);
                }
                self.full = true;
                let start = Instant::now();
                routes(&self.socket, self.link, 24, NEW);
                Ok(start.elapsed())
            }
            "list" => {
                if !self.full {
                    routes(&self.socket, self.link, 24, NEW);
                    self.full = true;
                }
                let dump = Bytes::default().message(26, DUMP, |bytes| bytes.raw(&[2; 1]).raw(&[0; 11]));
                let start = Instant::now();
                ask(&self.socket, &dump.0, 1);
                Ok(start.elapsed())
            }
            _ => Err(format!("no such operation: {name}").into()),
        }
    }
}
