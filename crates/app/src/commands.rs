//! One file per command: from parsed arguments to an exit code.

pub mod demo;
pub mod export;
pub mod register;
pub mod naut;
pub mod replay;
pub mod sim;
pub mod stream;
