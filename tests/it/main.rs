//! The one integration binary: one file a subject, over the tools of `space`.

mod bad_input;
mod diagnostics;
mod fixture;
mod order;
mod space;
mod totality;
