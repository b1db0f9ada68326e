//! Renders a run record for people and machines.
