//! `DiskKey`: that the codec of each field is a key's.
//!
//! Knows nothing of how keys are stored. Invariant: what depends on no parameter is asserted where the field stands, so
//! that one wrong field is one error there; that a field has no codec at all is left to the other derive.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;

use super::header::{Header, where_all};
use crate::{ast::Field, attr::Codec, spelled};

pub(super) fn implement(header: &Header<'_>) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let fields: Vec<&Field> = match header.container.codec {
        Codec::Record | Codec::Transparent | Codec::Native => {
            header.container.fields().filter(|field| !field.is_skipped()).collect()
        }
        Codec::Str | Codec::Bytes | Codec::Arch => Vec::new(),
    };
    let (generic, known): (Vec<&Field>, Vec<&Field>) = fields.into_iter().partition(|field| header.is_generic(field));
    let keys = generic.iter().map(|field| {
        let codec = &field.codec;
        quote!(#codec: #krate::codec::DiskKey)
    });
    let value = (!header.container.generics.params.is_empty()).then(|| quote!(#stored: #krate::codec::DiskValue));
    let bounds = where_all(header.own_predicates().into_iter().chain(value).chain(keys));
    let assertions = known.into_iter().filter(|field| !depends_on_parameters(header, &field.codec)).map(|field| {
        let codec = &field.codec;
        quote_spanned!(field.span()=> #krate::codec::record::KeyPart::<#codec>::new().stored().assert_key();)
    });
    let mut assertions = assertions.peekable();
    let asserted = assertions.peek().is_some().then(|| {
        quote! {
            const _: fn() = || {
                #[allow(unused_imports)]
                use #krate::codec::record::NotStored as _;
                #(#assertions)*
            };
        }
    });
    let parameters = header.parameters(&[]);
    quote! {
        #[automatically_derived]
        impl #parameters #krate::codec::DiskKey for #stored #bounds {}
        #asserted
    }
}

/// A const parameter in an array's length: the assertion stands where it does not exist, and arrays of keys are keys.
fn depends_on_parameters(header: &Header<'_>, ty: &Type) -> bool {
    let mut constants = header.container.generics.const_params();
    constants.any(|param| spelled::names(ty, &param.ident))
}
