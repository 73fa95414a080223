//! `codec = arch`: the whole type as an rkyv archive, with a name and a version of its own.
//!
//! Knows nothing of fields. Invariant: bytes, view and checks are those of `Arch`; only the schema says more.

use proc_macro2::TokenStream;
use quote::quote;

use super::{claims, encode, header::Header};
use crate::ast::number;

pub(super) fn implement(header: &Header<'_>) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let arch = quote!(#krate::codec::Arch<#stored>);
    let (claim, archived, written) = match claims::of_whole(header, &arch) {
        Some((claim, bound)) => (claim, bound.clone(), bound),
        None => (
            TokenStream::new(),
            quote!(#stored: #krate::codec::ArchValue),
            quote!(#stored: #krate::codec::ArchSerialize),
        ),
    };
    let owned = quote!(for<'__x> #arch: #krate::codec::IntoOwned<Owned = #stored>);
    let bounds = header.bounds_of_whole([archived.clone()]);
    let encode_bounds = header.bounds_of_whole([written]);
    let owned_bounds = header.bounds_of_whole([archived, owned]);
    let parameters = header.parameters(&[]);
    let (name, version) = (header.container.name(), number(header.container.version()));
    let reference = encode::of_reference(header);
    quote! {
        #claim

        #[automatically_derived]
        #[allow(unsafe_code)]
        unsafe impl #parameters #krate::codec::DiskValue for #stored #bounds {
            type View<'a> = <#arch as #krate::codec::DiskValue>::View<'a>;
            const SHAPE: #krate::codec::Shape = <#arch as #krate::codec::DiskValue>::SHAPE;
            const SCHEMA: #krate::codec::Schema =
                #krate::codec::Schema::named(#name, #version, const { &<#arch as #krate::codec::DiskValue>::SCHEMA });

            #[inline]
            fn validate(bytes: &[::core::primitive::u8]) -> ::core::result::Result<(), #krate::codec::Invalid> {
                <#arch as #krate::codec::DiskValue>::validate(bytes)
            }

            #[inline]
            unsafe fn view<'a>(bytes: &'a [::core::primitive::u8]) -> Self::View<'a> {
                unsafe { <#arch as #krate::codec::DiskValue>::view(bytes) }
            }
        }

        #[automatically_derived]
        impl #parameters #krate::codec::Encode<#stored> for #stored #encode_bounds {
            #[inline]
            fn encoded_len(q: &#stored) -> #krate::Result<::core::primitive::usize> {
                <#arch as #krate::codec::Encode<#stored>>::encoded_len(q)
            }

            #[inline]
            fn encode_into(q: &#stored, out: &mut [::core::primitive::u8]) -> #krate::Result<::core::primitive::usize> {
                <#arch as #krate::codec::Encode<#stored>>::encode_into(q, out)
            }
        }

        #reference

        #[automatically_derived]
        impl #parameters #krate::codec::IntoOwned for #stored #owned_bounds {
            type Owned = #stored;

            #[inline]
            fn into_owned(view: <#stored as #krate::codec::DiskValue>::View<'_>) -> #krate::Result<#stored> {
                <#arch as #krate::codec::IntoOwned>::into_owned(view)
            }
        }
    }
}
