//! Two servers on one port of one address, in one process: each in a network of its own.
//!
//! Run it where namespaces may be made: `cargo build --example two_servers && unshare -Urn
//! target/debug/examples/two_servers`.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use netns_core::NetNs;

fn main() -> Result<(), Box<dyn Error>> {
    let home = NetNs::current()?;
    for name in ["red", "blue"] {
        let network = NetNs::create(true)?;
        // A thread that is born inside and ends there.
        let server = network.spawn(move || -> std::io::Result<()> {
            let listener = TcpListener::bind("127.0.0.1:80")?;
            let (mut client, _) = listener.accept()?;
            write!(client, "hello from {name}")
        })?;
        // This thread goes in for one call. The socket stays inside when the thread is back.
        let mut client = loop {
            match network.run(|| TcpStream::connect("127.0.0.1:80"))? {
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => std::thread::yield_now(),
                other => break other?,
            }
        };
        let mut answer = String::new();
        client.read_to_string(&mut answer)?;
        server.join().expect("the server does not panic")?;
        println!("{answer} in {}, asked from {}", network.identity()?, home.identity()?);
    }
    assert!(NetNs::current()?.is_same(&home)?, "the main thread never left for good");
    Ok(())
}
