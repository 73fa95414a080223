//! What is claimed of fields whose codec is not known here: an impl for each that is wrong if the field has no codec, and
//! the bounds that hold because of it.
//!
//! Knows no bodies. Invariant: whoever relies on such a codec has the claim among its bounds, so that the impl – at the
//! field's type – is the only place where the compiler finds it missing; the bounds hold wherever the type is used.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use super::{header::Header, view::Generated};
use crate::{
    ast::{Field, number},
    attr::Codec,
    spelled,
};

/// `impl PartOf<Name, 1> for Codec {}` for each such field.
pub(super) fn define(header: &Header<'_>) -> TokenStream {
    let parameters = header.parameters(&[]);
    let claims = claimed(header).map(|(codec, claim, field)| {
        quote_spanned! {field.span()=>
            #[automatically_derived]
            impl #parameters #claim for #codec {}
        }
    });
    quote!(#(#claims)*)
}

/// `Codec: PartOf<Name, 1>` for each such field. `for<'__x>` keeps the compiler from checking it here once more.
pub(super) fn bounds(header: &Header<'_>) -> impl Iterator<Item = TokenStream> {
    claimed(header).map(|(codec, claim, _)| quote!(for<'__x> #codec: #claim))
}

/// The impl and the bound for a type without parameters that another codec stores as a whole.
pub(super) fn of_whole(header: &Header<'_>, codec: &TokenStream) -> Option<(TokenStream, TokenStream)> {
    let Header { krate, stored, ident, .. } = header;
    let span = ident.span().resolved_at(Span::call_site());
    let claim = quote!(#krate::codec::record::PartFrom<#stored, 0, #stored>);
    let claimed = respanned(codec, span);
    let define = quote_spanned! {span=>
        #[automatically_derived]
        impl #claim for #claimed {}
    };
    header.container.generics.params.is_empty().then(|| (define, quote!(for<'__x> #codec: #claim)))
}

/// Fields whose codec depends on a parameter have bounds of their own.
fn claimed<'h>(header: &'h Header<'_>) -> impl Iterator<Item = (&'h Type, TokenStream, &'h Field)> {
    let claimable = can_name_type(header);
    let fields = header.container.fields().enumerate();
    let fields = fields.filter(move |(_, field)| claimable && !field.is_skipped() && !header.is_generic(field));
    fields.filter_map(|(at, field)| Some((&field.codec, claim(header, at, field)?, field)))
}

/// Whether the type can be named wherever the bounds stand: its view may lack parameters, and has no `where` of its own.
fn can_name_type(header: &Header<'_>) -> bool {
    let generics = &header.container.generics;
    let alone = generics.params.len() == generics.lifetimes().count();
    alone || generics.where_clause.is_none() && Generated::of(header).is_none_or(|view| view.uses_all_parameters())
}

fn claim(header: &Header<'_>, at: usize, field: &Field) -> Option<TokenStream> {
    let (krate, stored, at, ty) = (header.krate, &header.stored, number(at as u32), &field.ty);
    if header.container.codec == Codec::Native {
        return (!spelled::is_plain(ty)).then(|| quote!(#krate::codec::record::NativePartOf<#stored, #at>));
    }
    if field.attributes.with.is_some() && !spelled::has_lifetime(ty) {
        return Some(quote!(#krate::codec::record::PartFrom<#stored, #at, #ty>));
    }
    let unknown = spelled::view(&field.codec, &header.lifetime, krate).projected;
    unknown.then(|| quote!(#krate::codec::record::PartOf<#stored, #at>))
}

fn respanned(tokens: &TokenStream, span: Span) -> TokenStream {
    let tokens = tokens.clone().into_iter();
    tokens
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}
