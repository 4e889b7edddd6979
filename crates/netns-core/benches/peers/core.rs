//! This crate, as a Rust program uses it.

use std::error::Error;

use netns_core::{Anchor, Name, NetNs, Registry};

use crate::Operation;

/// What `name` stands for.
pub fn operation(name: &str) -> Result<Operation, Box<dyn Error>> {
    let registry = Registry::default();
    let bench: Name = "bench".parse()?;
    Ok(match name {
        "current" => Box::new(|| NetNs::current().map(drop).map_err(Into::into)),
        "from-name" => Box::new(move || registry.open(&bench).map(drop).map_err(Into::into)),
        "equals" => {
            let (one, other) = (NetNs::current()?, registry.open(&bench)?);
            Box::new(move || if one.is_same(&other)? { Err("two namespaces cannot be one".into()) } else { Ok(()) })
        }
        "run-sync" => {
            let (anchor, inside) = (Anchor::here()?, registry.open(&bench)?);
            Box::new(move || Ok(anchor.run(&inside, || {})?))
        }
        "create" => {
            let anchor = Anchor::here()?;
            Box::new(move || anchor.create(true).map(drop).map_err(Into::into))
        }
        "create-named" => {
            let name: Name = "core".parse()?;
            Box::new(move || {
                drop(registry.create(&name, true)?);
                Ok(registry.delete(&name, false)?)
            })
        }
        "list" => Box::new(move || {
            let names = registry.list()?.namespaces.len();
            if names < 1000 { Err("names are missing".into()) } else { Ok(()) }
        }),
        _ => return Err(format!("no such operation: {name}").into()),
    })
}
