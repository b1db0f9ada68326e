//! The guest as its host sees it.

#[cfg(test)]
mod keys;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod services;
#[cfg(test)]
mod shell;
#[cfg(test)]
mod world;
