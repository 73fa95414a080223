//! What is emitted: one room a kind of impl.
//!
//! Knows a tree that passed all checks. Invariants: paths are absolute, methods are called through their trait, so that
//! nothing the user has in scope changes what is meant; where it matters, spans are those of the field.

mod arch;
mod claims;
mod encode;
mod header;
mod key;
mod native;
mod owned;
mod parts;
mod record;
mod schema;
mod text;
mod versions;
mod view;
mod view_traits;

use proc_macro2::TokenStream;
use quote::quote;

use crate::{ast::Container, attr::Codec};

use header::Header;
pub(crate) use header::{angled, declaration};

/// `impl DiskValue` and all that goes with it.
pub(crate) fn value(container: &Container) -> TokenStream {
    let header = Header::new(container);
    match container.codec {
        Codec::Record | Codec::Transparent => {
            let view = view::define(&header);
            let traits = view_traits::implement(&header);
            let record = record::implement(&header);
            let encode = encode::implement(&header);
            let owned = owned::implement(&header);
            let versions = versions::define(&header);
            let claims = claims::define(&header);
            quote!(#claims #view #traits #record #encode #owned #versions)
        }
        Codec::Native => {
            let (claims, native) = (claims::define(&header), native::implement(&header));
            quote!(#claims #native)
        }
        Codec::Str | Codec::Bytes => text::implement(&header),
        Codec::Arch => arch::implement(&header),
    }
}

/// `impl DiskKey`.
pub(crate) fn key(container: &Container) -> TokenStream {
    key::implement(&Header::new(container))
}
