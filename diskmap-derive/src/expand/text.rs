//! `codec = str` and `codec = bytes`: a newtype over anything that gives its text or bytes by `AsRef`.
//!
//! Knows the two built-in codecs by name. Invariant: the bytes are those that `AsRef` gives, nothing else.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{encode, header::Header};
use crate::{ast::number, attr::Codec, spelled};

pub(super) fn implement(header: &Header<'_>) -> TokenStream {
    let Header { krate, stored, written, lifetime, .. } = header;
    let (codec, slice) = match header.container.codec {
        Codec::Str => (quote!(#krate::codec::Str), quote!(::core::primitive::str)),
        _ => (quote!(#krate::codec::Bytes), quote!([::core::primitive::u8])),
    };
    let Some(field) = header.container.fields().find(|field| !field.phantom) else { return TokenStream::new() };
    let (member, ty) = (&field.member, &field.ty);
    let (name, version) = (header.container.name(), number(header.container.version()));
    let gives = header.is_generic(field).then(|| quote!(#ty: ::core::convert::AsRef<#slice>));
    let (parameters, bounds) = (header.parameters(&[]), header.bounds_of_whole(gives.clone()));
    let inner = quote_spanned!(field.span()=> <#ty as ::core::convert::AsRef<#slice>>::as_ref(&q.#member));
    let own = encode_from(header, written, &header.written_parameters(), &bounds, (&codec, &slice), &inner);
    let borrowed = encode_from(header, &slice, &parameters, &bounds, (&codec, &slice), &quote!(q));
    let reference = encode::of_reference(header);
    let owned = owned(header, &codec, gives);
    quote! {
        #[automatically_derived]
        #[allow(unsafe_code)]
        unsafe impl #parameters #krate::codec::DiskValue for #stored #bounds {
            type View<#lifetime> = &#lifetime #slice;
            const SHAPE: #krate::codec::Shape = <#codec as #krate::codec::DiskValue>::SHAPE;
            const SCHEMA: #krate::codec::Schema =
                #krate::codec::Schema::named(#name, #version, const { &<#codec as #krate::codec::DiskValue>::SCHEMA });

            #[inline]
            fn validate(bytes: &[::core::primitive::u8]) -> ::core::result::Result<(), #krate::codec::Invalid> {
                <#codec as #krate::codec::DiskValue>::validate(bytes)
            }

            #[inline]
            unsafe fn view<#lifetime>(bytes: &#lifetime [::core::primitive::u8]) -> &#lifetime #slice {
                unsafe { <#codec as #krate::codec::DiskValue>::view(bytes) }
            }
        }

        #own
        #borrowed
        #reference
        #owned
    }
}

/// `Encode` that hands `value`, made of `q`, to the codec.
fn encode_from(
    header: &Header<'_>,
    query: &TokenStream,
    parameters: &TokenStream,
    bounds: &TokenStream,
    (codec, slice): (&TokenStream, &TokenStream),
    value: &TokenStream,
) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let inner = quote!(<#codec as #krate::codec::Encode<#slice>>);
    quote! {
        #[automatically_derived]
        impl #parameters #krate::codec::Encode<#query> for #stored #bounds {
            #[inline]
            fn encoded_len(q: &#query) -> #krate::Result<::core::primitive::usize> {
                #inner::encoded_len(#value)
            }

            #[inline]
            fn encode_into(q: &#query, out: &mut [::core::primitive::u8]) -> #krate::Result<::core::primitive::usize> {
                #inner::encode_into(#value, out)
            }

            #[inline(always)]
            fn with_bytes<__R>(q: &#query, f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R) -> #krate::Result<__R> {
                #inner::with_bytes(#value, f)
            }
        }
    }
}

fn owned(header: &Header<'_>, codec: &TokenStream, gives: Option<TokenStream>) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let shape = &header.parts.shapes[0];
    let built = shape.build(header.ident, |_, _| quote!(::core::convert::From::from(owned)));
    let conditions = shape.stored().map(|field| {
        let ty = spelled::unborrowed(&field.ty);
        quote!(for<'__x> #ty: ::core::convert::From<<#codec as #krate::codec::IntoOwned>::Owned>)
    });
    let (parameters, bounds) = (header.parameters(&[]), header.bounds_of_whole(gives.into_iter().chain(conditions)));
    quote! {
        #[automatically_derived]
        impl #parameters #krate::codec::IntoOwned for #stored #bounds {
            type Owned = #stored;

            #[inline]
            fn into_owned(view: <#stored as #krate::codec::DiskValue>::View<'_>) -> #krate::Result<#stored> {
                let owned = <#codec as #krate::codec::IntoOwned>::into_owned(view)?;
                ::core::result::Result::Ok(#built)
            }
        }
    }
}
