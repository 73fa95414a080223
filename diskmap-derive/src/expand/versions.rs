//! Earlier versions of a value: before fields were added (`since`), and another type altogether (`from`).
//!
//! Knows that a record of an earlier version lacks the last fields and is otherwise the same. Invariant: fields that
//! were stored are copied as bytes; only those that were not take their default.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;

use super::{
    header::{Header, argument, named, where_all},
    parts::{binding, layout},
    schema,
};
use crate::ast::{Field, number};

/// The method that shows them, or nothing.
pub(super) fn visit(header: &Header<'_>) -> TokenStream {
    let krate = header.krate;
    let arguments: Vec<_> = header.container.generics.params.iter().filter_map(argument).collect();
    let before = versions(header).into_iter().rev().map(|version| {
        let marker = named(&marker(header, version), arguments.iter().cloned());
        quote!(__W::version::<#marker>(versions, false);)
    });
    let from = header.container.attributes.from.as_ref().map(|given| {
        let old = &given.value;
        quote!(__W::version::<#krate::codec::Was<#old, Self>>(versions, true);)
    });
    let all: Vec<TokenStream> = before.chain(from).collect();
    if all.is_empty() {
        return TokenStream::new();
    }
    quote! {
        fn versions<__W: #krate::codec::Versions<Self>>(versions: &mut __W) {
            #(#all)*
        }
    }
}

/// A codec for each version before a field was added, and what writes a value that was another type.
pub(super) fn define(header: &Header<'_>) -> TokenStream {
    let from = header.container.attributes.from.as_ref().map(|_| converted(header));
    versions(header).into_iter().map(|version| before(header, version)).chain(from).collect()
}

/// `Encode` of the type made from the one that it was.
pub(super) fn converted(header: &Header<'_>) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let takes_itself =
        (!header.container.generics.params.is_empty()).then(|| quote!(#stored: #krate::codec::Encode<#stored>));
    let (parameters, bounds) =
        (header.parameters(&[]), where_all(header.own_predicates().into_iter().chain(takes_itself)));
    quote! {
        #[automatically_derived]
        impl #parameters #krate::codec::Encode<#krate::codec::Converted<#stored>> for #stored #bounds {
            fn encoded_len(q: &#krate::codec::Converted<#stored>) -> #krate::Result<::core::primitive::usize> {
                <#stored as #krate::codec::Encode<#stored>>::encoded_len(q.get()?)
            }

            fn encode_into(
                q: &#krate::codec::Converted<#stored>,
                out: &mut [::core::primitive::u8],
            ) -> #krate::Result<::core::primitive::usize> {
                <#stored as #krate::codec::Encode<#stored>>::encode_into(q.get()?, out)
            }
        }
    }
}

/// The last versions without the fields that came next.
fn versions(header: &Header<'_>) -> BTreeSet<u32> {
    let since = header.container.fields().filter_map(|field| field.attributes.since.as_ref());
    since.map(|given| given.value.saturating_sub(1)).collect()
}

fn marker(header: &Header<'_>, version: u32) -> Ident {
    format_ident!("__{}V{}", header.ident, version)
}

fn before(header: &Header<'_>, version: u32) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let (parameters, bounds) = (header.parameters(&[]), header.bounds([]));
    let marker = marker(header, version);
    let marked = named(&marker, header.container.generics.params.iter().filter_map(argument));
    let bytes = quote!(#krate::codec::record::Before<#marked>);
    let shape = &header.parts.shapes[0];
    let had = |field: &&Field| field.attributes.since.as_ref().is_none_or(|since| since.value <= version);
    let (old, new): (Vec<&Field>, Vec<&Field>) = shape.stored().partition(had);
    let (name, number) = (header.container.name(), number(version));
    let fields = schema::fields(header, old.iter().copied());
    let (then, now) = (layout(None, old.iter().copied(), krate), shape.layout(None, krate));
    let checks = old.iter().map(|Field { codec, .. }| quote!(checker.check::<#codec>()?;));
    let len = each(header, (&old, &new), &quote!(measure.add_bytes), &quote!(measure.add));
    let into = each(header, (&old, &new), &quote!(writer.put_bytes), &quote!(writer.put));
    let encode_bounds = header.bounds(new.iter().filter(|field| header.is_generic(field)).map(|field| {
        let (codec, ty) = (&field.codec, &field.ty);
        quote!(#codec: #krate::codec::Encode<#ty>)
    }));
    // SAFETY: (of what is emitted) the view is a copy of the bytes, which nobody believes without checking them again.
    quote! {
        #[doc(hidden)]
        struct #marker #parameters (::core::marker::PhantomData<fn() -> #stored>) #bounds;

        #[automatically_derived]
        #[allow(unsafe_code)]
        unsafe impl #parameters #krate::codec::DiskValue for #marked #bounds {
            type View<'a> = #bytes;
            const SHAPE: #krate::codec::Shape = #then.shape();
            const SCHEMA: #krate::codec::Schema = #krate::codec::Schema::record(#name, #number, #fields);

            fn validate(bytes: &[::core::primitive::u8]) -> ::core::result::Result<(), #krate::codec::Invalid> {
                let mut checker = #krate::codec::record::Checker::new(#then, bytes)?;
                #(#checks)*
                ::core::result::Result::Ok(())
            }

            unsafe fn view(bytes: &[::core::primitive::u8]) -> #bytes {
                #krate::codec::record::Before::copied(bytes)
            }
        }

        #[automatically_derived]
        impl #parameters #krate::codec::Encode<#bytes> for #stored #encode_bounds {
            fn encoded_len(q: &#bytes) -> #krate::Result<::core::primitive::usize> {
                let mut parts = q.parts(#then)?;
                let mut measure = #krate::codec::record::Measure::new(#now);
                #len
                ::core::result::Result::Ok(measure.finish())
            }

            fn encode_into(q: &#bytes, out: &mut [::core::primitive::u8]) -> #krate::Result<::core::primitive::usize> {
                let mut parts = q.parts(#then)?;
                let mut writer = #krate::codec::record::Writer::new(#now, out)?;
                #into
                ::core::result::Result::Ok(writer.finish())
            }
        }
    }
}

/// A step for each field: the bytes of what was stored, the default of what was not.
fn each(
    header: &Header<'_>,
    (old, new): (&[&Field], &[&Field]),
    copy: &TokenStream,
    step: &TokenStream,
) -> TokenStream {
    let krate = header.krate;
    let copies = old.iter().map(|Field { codec, .. }| {
        let shape = quote!(<#codec as #krate::codec::DiskValue>::SHAPE);
        quote!(#copy(#shape, parts.take(#shape)?)?;)
    });
    let added = new.iter().enumerate().map(|(at, field)| {
        let (binding, codec, ty, default) = (binding("added", at), &field.codec, &field.ty, field.default());
        quote! {
            let #binding: #ty = #default;
            #step::<#codec, #ty>(&#binding)?;
        }
    });
    quote!(#(#copies)* #(#added)*)
}
