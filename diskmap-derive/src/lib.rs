//! The derives of [diskmap](https://docs.rs/diskmap), which re-exports them: use it from there.

mod ast;
mod attr;
mod check;
mod derive;
mod errors;
mod expand;
mod fallback;
mod spelled;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

#[doc = include_str!("docs/disk_value.md")]
#[proc_macro_derive(DiskValue, attributes(diskmap))]
pub fn derive_disk_value(input: TokenStream) -> TokenStream {
    derive::value(input.into()).into()
}

#[doc = include_str!("docs/disk_key.md")]
#[proc_macro_derive(DiskKey, attributes(diskmap))]
pub fn derive_disk_key(input: TokenStream) -> TokenStream {
    derive::key(input.into()).into()
}
