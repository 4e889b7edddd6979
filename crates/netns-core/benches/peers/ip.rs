//! `ip netns`, started by a small process, so that what is measured is iproute2.

use std::error::Error;
use std::process::{Command, Stdio};

use crate::Operation;

/// What `name` stands for.
pub fn operation(name: &str) -> Result<Operation, Box<dyn Error>> {
    Ok(match name {
        "create-named" => Box::new(|| {
            ip(&["netns", "add", "iproute2"])?;
            ip(&["netns", "delete", "iproute2"])
        }),
        "list" => Box::new(|| ip(&["netns", "list"])),
        _ => return Err(format!("no such operation: {name}").into()),
    })
}

fn ip(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output()?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned().into()) }
}
