//! What works here.

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use netns_core::{Ability, Registry};

use crate::promise::{Place, promise};

/// Why an ability is missing.
#[napi(object)]
pub struct Obstacle {
    /// What it throws.
    pub code: String,
    /// What stands in the way.
    pub why: String,
    /// What to do.
    pub remedy: String,
}

/// Each ability, or what stands in its way.
#[napi(object)]
pub struct Abilities {
    /// Opening.
    pub open: Option<Obstacle>,
    /// Making.
    pub create: Option<Obstacle>,
    /// Making with a name.
    pub create_named: Option<Obstacle>,
    /// Entering.
    pub enter: Option<Obstacle>,
    /// Having something made inside.
    pub reach: Option<Obstacle>,
    /// User namespaces.
    pub rootless: Option<Obstacle>,
    /// Configuring.
    pub configure: Option<Obstacle>,
}

fn obstacle(ability: Ability) -> Option<Obstacle> {
    let error = ability.err()?;
    let remedy = error.remedy().unwrap_or("See the error's code.").to_owned();
    Some(Obstacle { code: error.code(), why: error.explanation(), remedy })
}

/// Tries everything, off the JavaScript thread.
#[napi(catch_unwind, ts_return_type = "Promise<Abilities>")]
pub fn probe_abilities(env: &Env, directory: String) -> Result<Object<'_>> {
    promise(env, Place::Crew, move || {
        let found = netns_core::probe(&Registry::new(directory));
        Ok(Abilities {
            open: obstacle(found.open),
            create: obstacle(found.create),
            create_named: obstacle(found.create_named),
            enter: obstacle(found.enter),
            reach: obstacle(found.reach),
            rootless: obstacle(found.rootless),
            configure: obstacle(found.configure),
        })
    })
}
