//! The schema: names, numbers, versions, and the schemas of all fields, as a constant.
//!
//! Knows no layout. Invariant: fields and variants in the user's order, under their stored names.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    header::Header,
    parts::{ShapeOf, Tag},
};
use crate::{
    ast::{Field, number},
    attr::Codec,
};

/// The schema of a type stored field by field.
pub(super) fn of_type(header: &Header<'_>) -> TokenStream {
    let (krate, container) = (header.krate, header.container);
    let (name, version) = (container.name(), number(container.version()));
    let shapes = &header.parts.shapes;
    match &header.parts.tag {
        Some(Tag { bits, .. }) => {
            let bits = number(*bits);
            let variants = shapes.iter().map(|shape| {
                let (name, discriminant) = (shape.name, number(shape.discriminant));
                let fields = self::fields(header, shape.stored());
                quote!(#krate::codec::Variant::new(#name, #discriminant, #fields))
            });
            quote!(#krate::codec::Schema::enumeration(#name, #version, #bits, const { &[#(#variants),*] }))
        }
        None if container.codec == Codec::Transparent => {
            let inner = shapes.iter().flat_map(ShapeOf::stored).map(|field| &field.codec);
            quote!(#krate::codec::Schema::named(#name, #version, const { &#(<#inner as #krate::codec::DiskValue>::SCHEMA)* }))
        }
        None => {
            let fields = self::fields(header, shapes.iter().flat_map(ShapeOf::stored));
            quote!(#krate::codec::Schema::record(#name, #version, #fields))
        }
    }
}

/// `&[Field::new("a", A::SCHEMA), …]`
pub(super) fn fields<'f>(header: &Header<'_>, all: impl Iterator<Item = &'f Field>) -> TokenStream {
    let krate = header.krate;
    let all = all.map(|field| {
        let (name, codec) = (&field.name, &field.codec);
        let schema = quote_spanned!(field.span()=> <#codec as #krate::codec::DiskValue>::SCHEMA);
        quote!(#krate::codec::Field::new(#name, #schema))
    });
    quote!(const { &[#(#all),*] })
}
