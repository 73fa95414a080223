//! `codec = native`: the memory of a `Pod` type is its encoding.
//!
//! Knows no layout: `bytemuck::Pod` proves that there is no padding and that any bytes will do, and `Native` does the
//! rest. Invariant: the fields follow each other as declared, each of a type whose memory is its encoding, so that the
//! bytes are those of a record.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{encode, header::Header, schema};
use crate::ast::number;

pub(super) fn implement(header: &Header<'_>) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let generic = header.generic_fields().map(|field| {
        let ty = &field.ty;
        quote!(#ty: #krate::codec::NativeType)
    });
    let pod = (!header.container.generics.params.is_empty()).then(|| quote!(#stored: #krate::codec::Pod));
    let (parameters, bounds) = (header.parameters(&[]), header.bounds(generic.chain(pod)));
    let (name, version) = (header.container.name(), number(header.container.version()));
    let fields: Vec<_> = header.container.fields().collect();
    let schema = schema::fields(header, fields.iter().copied());
    let reference = encode::of_reference(header);
    let packed = fields.iter().map(|field| {
        let (member, ty) = (&field.member, &field.ty);
        quote_spanned! {field.span()=>
            ::core::assert!(
                ::core::mem::offset_of!(#stored, #member) == end,
                "fields of `codec = native` lie one after the other, without padding"
            );
            end += size_of_native::<#ty>();
        }
    });
    // SAFETY: (of what is emitted) `NativeType` asks for `Pod`, and for the encoding that the fields have in this order;
    // the assertion in `SHAPE` holds them to it. `DiskValue` is that of `Native`.
    quote! {
        #[automatically_derived]
        #[allow(unsafe_code)]
        unsafe impl #parameters #krate::codec::NativeType for #stored #bounds {}

        #[automatically_derived]
        #[allow(unsafe_code)]
        unsafe impl #parameters #krate::codec::DiskValue for #stored #bounds {
            type View<'a> = #stored;
            const SHAPE: #krate::codec::Shape = {
                const fn size_of_native<__T: #krate::codec::NativeType>() -> ::core::primitive::usize {
                    ::core::mem::size_of::<__T>()
                }
                let mut end = 0;
                #(#packed)*
                ::core::assert!(
                    ::core::mem::size_of::<#stored>() == end,
                    "a type of `codec = native` ends with its last field, without padding"
                );
                #krate::codec::Shape::Fixed { size: end }
            };
            const SCHEMA: #krate::codec::Schema = #krate::codec::Schema::record(#name, #version, #schema);

            #[inline]
            fn validate(bytes: &[::core::primitive::u8]) -> ::core::result::Result<(), #krate::codec::Invalid> {
                <#krate::codec::Native<#stored> as #krate::codec::DiskValue>::validate(bytes)
            }

            #[inline]
            unsafe fn view(bytes: &[::core::primitive::u8]) -> #stored {
                unsafe { <#krate::codec::Native<#stored> as #krate::codec::DiskValue>::view(bytes) }
            }
        }

        #[automatically_derived]
        impl #parameters #krate::codec::Encode<#stored> for #stored #bounds {
            #[inline]
            fn encoded_len(q: &#stored) -> #krate::Result<::core::primitive::usize> {
                <#krate::codec::Native<#stored> as #krate::codec::Encode<#stored>>::encoded_len(q)
            }

            #[inline]
            fn encode_into(q: &#stored, out: &mut [::core::primitive::u8]) -> #krate::Result<::core::primitive::usize> {
                <#krate::codec::Native<#stored> as #krate::codec::Encode<#stored>>::encode_into(q, out)
            }

            #[inline(always)]
            fn with_bytes<__R>(q: &#stored, f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R) -> #krate::Result<__R> {
                <#krate::codec::Native<#stored> as #krate::codec::Encode<#stored>>::with_bytes(q, f)
            }
        }

        #reference

        #[automatically_derived]
        impl #parameters #krate::codec::IntoOwned for #stored #bounds {
            type Owned = #stored;

            #[inline]
            fn into_owned(view: #stored) -> #krate::Result<#stored> {
                ::core::result::Result::Ok(view)
            }
        }
    }
}
