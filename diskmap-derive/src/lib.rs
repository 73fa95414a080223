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

/// Makes a struct or an enum a value of maps.
#[proc_macro_derive(DiskValue, attributes(diskmap))]
pub fn derive_disk_value(input: TokenStream) -> TokenStream {
    derive::value(input.into()).into()
}

/// Makes a struct or an enum with `#[derive(DiskValue)]` a key of maps.
#[proc_macro_derive(DiskKey, attributes(diskmap))]
pub fn derive_disk_key(input: TokenStream) -> TokenStream {
    derive::key(input.into()).into()
}
