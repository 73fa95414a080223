//! A struct, or each variant of an enum, as a list of parts: where it is taken apart and put together.
//!
//! Knows no traits. Invariant: parts come in the user's order, and an enum's discriminant before them.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Index, Member};

use crate::ast::{Body, Container, Field, Fields, Style};

/// All of a type: one shape for a struct, one a variant for an enum.
pub(crate) struct Parts<'c> {
    /// Each shape.
    pub shapes: Vec<ShapeOf<'c>>,
    /// Of an enum.
    pub tag: Option<Tag>,
}

/// A struct, or a variant.
pub(crate) struct ShapeOf<'c> {
    /// The variant.
    pub variant: Option<&'c Ident>,
    /// Its stored name.
    pub name: Option<&'c str>,
    /// What stands for the variant.
    pub discriminant: u32,
    /// Its fields.
    pub fields: &'c Fields,
}

/// How wide an enum's discriminant is.
#[derive(Clone)]
pub(crate) struct Tag {
    /// `u8`, `u16` or `u32`.
    pub ty: Ident,
    /// Its width.
    pub bits: u32,
}

impl<'c> Parts<'c> {
    pub(super) fn new(container: &'c Container) -> Parts<'c> {
        match &container.body {
            Body::Struct(fields) => {
                Parts { shapes: vec![ShapeOf { variant: None, name: None, discriminant: 0, fields }], tag: None }
            }
            Body::Enum(variants) => {
                let shapes: Vec<ShapeOf<'c>> = variants
                    .iter()
                    .map(|variant| ShapeOf {
                        variant: Some(&variant.ident),
                        name: Some(&variant.name),
                        discriminant: variant.discriminant.unwrap_or(0),
                        fields: &variant.fields,
                    })
                    .collect();
                let largest = shapes.iter().map(|shape| shape.discriminant).max().unwrap_or(0);
                Parts { shapes, tag: Some(Tag::new(container, largest)) }
            }
        }
    }
}

impl Tag {
    fn new(container: &Container, largest: u32) -> Tag {
        let fits = |max: u32| largest <= max;
        let chosen = container.tag_repr().map(ToString::to_string);
        let bits = match chosen.as_deref() {
            Some("u8") => 8,
            Some("u16") => 16,
            Some("u32") => 32,
            _ if fits(0xFF) => 8,
            _ if fits(0xFFFF) => 16,
            _ => 32,
        };
        Tag { ty: format_ident!("u{bits}"), bits }
    }

    /// The number as an expression of the tag's type.
    pub(super) fn literal(&self, number: u32) -> Literal {
        match self.bits {
            8 => Literal::u8_suffixed(number as u8),
            16 => Literal::u16_suffixed(number as u16),
            _ => Literal::u32_suffixed(number),
        }
    }
}

impl<'c> ShapeOf<'c> {
    /// The fields that take bytes.
    pub(super) fn stored(&self) -> impl Iterator<Item = &'c Field> + Clone {
        self.fields.stored()
    }

    /// `Name` or `Name::Variant`.
    pub(super) fn path(&self, ident: &Ident) -> TokenStream {
        match self.variant {
            Some(variant) => quote!(#ident::#variant),
            None => quote!(#ident),
        }
    }

    /// `Name { a: …, b: … }`: the user's type from a value for each stored field and the default of all others.
    pub(super) fn build(&self, ident: &Ident, value: impl Fn(usize, &'c Field) -> TokenStream) -> TokenStream {
        let path = self.path(ident);
        let mut stored = 0;
        let members = self.fields.all.iter().map(|field| {
            let member = &field.member;
            if field.is_skipped() {
                let default = field.default();
                return quote!(#member: #default);
            }
            let value = value(stored, field);
            stored += 1;
            quote!(#member: #value)
        });
        quote!(#path { #(#members),* })
    }

    /// `Name { a: field_0, b: field_1 }` as a pattern for the user's type.
    pub(super) fn pattern(&self, ident: &Ident) -> TokenStream {
        let path = self.path(ident);
        let members = self.stored().enumerate().map(|(at, field)| {
            let (member, binding) = (&field.member, binding("field", at));
            quote!(#member: #binding)
        });
        let rest = (self.stored().count() < self.fields.all.len()).then(|| quote!(..));
        quote!(#path { #(#members,)* #rest })
    }

    /// `View { a: …, b: … }`: the view from a value for each stored field; a pattern if the values are bindings.
    pub(super) fn view(&self, ident: &Ident, value: impl Fn(usize, &'c Field) -> TokenStream) -> TokenStream {
        let path = self.path(ident);
        let members = self.stored().enumerate().map(|(at, field)| {
            let (member, value) = (view_member(self.fields.style, at, field), value(at, field));
            quote!(#member: #value)
        });
        quote!(#path { #(#members),* })
    }

    /// `const { Layout::of(&[…]) }`
    pub(super) fn layout(&self, tag: Option<&Tag>, krate: &TokenStream) -> TokenStream {
        layout(tag, self.stored(), krate)
    }
}

/// `const { Layout::of(&[…]) }` of these fields.
pub(super) fn layout<'f>(
    tag: Option<&Tag>,
    fields: impl Iterator<Item = &'f Field>,
    krate: &TokenStream,
) -> TokenStream {
    let tag = tag.map(|Tag { ty, .. }| quote!(<::core::primitive::#ty as #krate::codec::DiskValue>::SHAPE,));
    let shapes = fields.map(|field| {
        let codec = &field.codec;
        quote_spanned!(field.span()=> <#codec as #krate::codec::DiskValue>::SHAPE)
    });
    quote!(const { #krate::codec::record::Layout::of(&[#tag #(#shapes),*]) })
}

/// The field's place in the view, which has no skipped fields.
pub(super) fn view_member(style: Style, at: usize, field: &Field) -> Member {
    match style {
        Style::Tuple => Member::Unnamed(Index { index: at as u32, span: Span::call_site() }),
        _ => field.member.clone(),
    }
}

/// `field_0` and so on.
pub(super) fn binding(prefix: &str, at: usize) -> Ident {
    format_ident!("{prefix}_{at}", span = Span::mixed_site())
}
