//! `ayumi`: recorder, micro-batcher and feature streamer for the kabu Station API.
#![allow(dead_code)]
mod clock;
mod exit;
mod logging;
mod text;
fn main() {}
