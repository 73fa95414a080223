//! What is claimed of fields whose codec is not known here: an impl for each that is wrong if the field has no codec, and
//! the bounds that hold because of it.
//!
//! Knows no bodies. Invariant: whoever relies on such a codec has the claim among its bounds, so that the impl – at the
//! field's type – is the only place where the compiler finds it missing; the bounds hold wherever the type is used.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::header::{Header, angled};
use crate::{
    ast::{Field, number},
    attr::Codec,
    spelled,
};

/// `impl PartOf<Name, 1> for Codec {}` for each such field.
pub(super) fn define(header: &Header<'_>) -> TokenStream {
    let claims = claimed(header).map(|(at, field)| {
        let (codec, lifetimes) = (&field.codec, lifetimes(header, field));
        let claim = claim(header, at, field, field.ty.clone());
        quote_spanned! {field.span()=>
            #[automatically_derived]
            impl #lifetimes #claim for #codec {}
        }
    });
    quote!(#(#claims)*)
}

/// `Codec: PartOf<Name, 1>` for each such field.
pub(super) fn bounds(header: &Header<'_>) -> impl Iterator<Item = TokenStream> {
    claimed(header).map(|(at, field)| {
        let (codec, claim) = (&field.codec, claim(header, at, field, spelled::unborrowed(&field.ty)));
        quote!(#codec: #claim)
    })
}

/// With parameters it is the bounds of the impls that say what fields need.
fn claimed<'h>(header: &'h Header<'_>) -> impl Iterator<Item = (usize, &'h Field)> {
    let container = header.container;
    let generic = container.generics.params.len() > container.generics.lifetimes().count();
    let fields = container.fields().enumerate().filter(move |(_, field)| !generic && !field.is_skipped());
    fields.filter(|(_, field)| match container.codec {
        Codec::Native => !spelled::is_plain(&field.ty),
        _ => field.attributes.with.is_some() || spelled::view(&field.codec, &header.lifetime, header.krate).projected,
    })
}

fn claim(header: &Header<'_>, at: usize, field: &Field, ty: syn::Type) -> TokenStream {
    let (krate, stored, at) = (header.krate, &header.stored, number(at as u32));
    match (header.container.codec, &field.attributes.with) {
        (Codec::Native, _) => quote!(#krate::codec::record::NativePartOf<#stored, #at>),
        (_, Some(_)) => quote!(#krate::codec::record::PartFrom<#stored, #at, #ty>),
        (_, None) => quote!(#krate::codec::record::PartOf<#stored, #at>),
    }
}

fn lifetimes(header: &Header<'_>, field: &Field) -> TokenStream {
    let used = field.attributes.with.is_some() && spelled::has_lifetime(&field.ty);
    let lifetime = header.container.lifetime().filter(|_| used);
    angled(lifetime.map(|lifetime| quote!(#lifetime)).into_iter())
}
