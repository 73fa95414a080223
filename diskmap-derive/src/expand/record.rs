//! `DiskValue` of types stored field by field: shape, schema, check, view.
//!
//! Knows layouts only through `codec::record`. Invariant: the same parts in the same order in all four.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    header::Header,
    parts::{ShapeOf, Tag, binding},
    schema, versions,
    view::Generated,
};
use crate::ast::Field;

pub(super) fn implement(header: &Header<'_>) -> TokenStream {
    let Header { krate, stored, lifetime, .. } = header;
    let (parameters, bounds) = (header.parameters(&[]), header.bounds([]));
    let view_type = match Generated::of(header) {
        Some(view) => view.ty(),
        None => header.written.clone(),
    };
    let (shape, schema) = (shape(header), schema::of_type(header));
    let (validate, view) = match &header.parts.tag {
        None => (validate_struct(header), view_struct(header)),
        Some(tag) => (validate_enum(header, tag), view_enum(header, tag)),
    };
    let versions = versions::visit(header);
    quote! {
        #[automatically_derived]
        #[allow(unsafe_code)]
        unsafe impl #parameters #krate::codec::DiskValue for #stored #bounds {
            type View<#lifetime> = #view_type;
            const SHAPE: #krate::codec::Shape = #shape;
            const SCHEMA: #krate::codec::Schema = #schema;

            #[inline]
            fn validate(bytes: &[::core::primitive::u8]) -> ::core::result::Result<(), #krate::codec::Invalid> {
                #validate
            }

            #[inline]
            unsafe fn view<#lifetime>(bytes: &#lifetime [::core::primitive::u8]) -> #view_type {
                #view
            }

            #versions
        }
    }
}

fn shape(header: &Header<'_>) -> TokenStream {
    let (krate, tag) = (header.krate, header.parts.tag.as_ref());
    let layouts: Vec<TokenStream> = header.parts.shapes.iter().map(|shape| shape.layout(tag, krate)).collect();
    match tag {
        None => quote!(#(#layouts)*.shape()),
        Some(_) => quote!(#krate::codec::record::Layout::one_of(const { &[#(#layouts),*] })),
    }
}

fn validate_struct(header: &Header<'_>) -> TokenStream {
    let krate = header.krate;
    let shape = &header.parts.shapes[0];
    let layout = shape.layout(None, krate);
    if shape.stored().next().is_none() {
        return quote!(#krate::codec::record::Checker::new(#layout, bytes).map(|_| ()));
    }
    let checks = checks(shape);
    quote! {
        let mut checker = #krate::codec::record::Checker::new(#layout, bytes)?;
        #checks
        ::core::result::Result::Ok(())
    }
}

fn validate_enum(header: &Header<'_>, tag: &Tag) -> TokenStream {
    let (krate, ty) = (header.krate, &tag.ty);
    let arms = header.parts.shapes.iter().map(|shape| {
        let (number, layout, checks) = (tag.literal(shape.discriminant), shape.layout(Some(tag), krate), checks(shape));
        quote! {
            #number => {
                let mut checker = #krate::codec::record::Checker::variant(#layout, Self::SHAPE, bytes)?;
                checker.check::<::core::primitive::#ty>()?;
                #checks
                ::core::result::Result::Ok(())
            }
        }
    });
    quote! {
        match #krate::codec::record::tag::<::core::primitive::#ty>(bytes)? {
            #(#arms)*
            _ => ::core::result::Result::Err(#krate::codec::Invalid::new("enum has no variant with this discriminant")),
        }
    }
}

fn checks(shape: &ShapeOf<'_>) -> TokenStream {
    let checks = shape.stored().map(|field| {
        let codec = &field.codec;
        quote_spanned!(field.span()=> checker.check::<#codec>()?;)
    });
    quote!(#(#checks)*)
}

fn view_struct(header: &Header<'_>) -> TokenStream {
    let krate = header.krate;
    let shape = &header.parts.shapes[0];
    let built = build_view(header, shape);
    if shape.stored().next().is_none() {
        return quote!(let _ = bytes; #built);
    }
    let (layout, fields) = (shape.layout(None, krate), read_fields(shape));
    quote! {
        let mut viewer = #krate::codec::record::Viewer::new(#layout, bytes);
        #fields
        #built
    }
}

fn view_enum(header: &Header<'_>, tag: &Tag) -> TokenStream {
    let (krate, ty) = (header.krate, &tag.ty);
    let arms = header.parts.shapes.iter().map(|shape| {
        let (number, built) = (tag.literal(shape.discriminant), build_view(header, shape));
        if shape.stored().next().is_none() {
            return quote!(::core::result::Result::Ok(#number) => #built,);
        }
        let (layout, fields) = (shape.layout(Some(tag), krate), read_fields(shape));
        // SAFETY: (of what is emitted) `validate` checked the discriminant as the first part.
        quote! {
            ::core::result::Result::Ok(#number) => {
                let mut viewer = #krate::codec::record::Viewer::new(#layout, bytes);
                unsafe { viewer.view::<::core::primitive::#ty>() };
                #fields
                #built
            }
        }
    });
    // SAFETY: (of what is emitted) `validate` accepts no other discriminant.
    quote! {
        match #krate::codec::record::tag::<::core::primitive::#ty>(bytes) {
            #(#arms)*
            _ => unsafe { ::core::hint::unreachable_unchecked() },
        }
    }
}

/// Nothing that the user wrote as an expression stands in the `unsafe` block.
fn read_fields(shape: &ShapeOf<'_>) -> TokenStream {
    let reads = shape.stored().enumerate().map(|(at, field)| {
        let (codec, binding) = (&field.codec, binding("field", at));
        // SAFETY: (of what is emitted) `validate` checked the same parts in the same order.
        quote_spanned!(field.span()=> let #binding = unsafe { viewer.view::<#codec>() };)
    });
    quote!(#(#reads)*)
}

fn build_view(header: &Header<'_>, shape: &ShapeOf<'_>) -> TokenStream {
    let bound = |at, _: &Field| {
        let binding = binding("field", at);
        quote!(#binding)
    };
    match Generated::of(header) {
        Some(view) => shape.view(&view.ident, bound),
        None => shape.build(header.ident, bound),
    }
}
