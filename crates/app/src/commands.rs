//! One file per command: from parsed arguments to an exit code.

pub mod demo;
pub mod export;
pub mod naut;
pub mod register;
pub mod replay;
pub mod sim;
pub mod stream;
