//! coord inside another Rust program.
//!
//! Write a coordination as text or put it together with [`build`], plan it, and run it: for real
//! with [`Local`], or in virtual time with [`Virtual`], with drivers of your own for the agents
//! that no program speaks for. The same drivers work in both.
#![warn(missing_docs)]
#![forbid(unsafe_code)]

pub mod build;
mod compile;

pub use compile::{Compile, Mistakes, Project, compile_text as compile};
pub use coord_lang::diagnostic::{Diagnostic, Severity};
pub use coord_lang::model;
pub use coord_plan::{levelling, plan, schedule};
