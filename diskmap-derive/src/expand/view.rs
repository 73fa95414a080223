//! The view: a struct or enum of the same shape as the user's type, whose fields are views.
//!
//! Knows how fields are spelled. Invariant: field and variant names and visibility are the user's; it has the lifetime
//! and the parameters that its fields use, and no others.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{GenericParam, Ident, Lifetime, ext::IdentExt};

use super::{
    claims,
    header::{Header, angled, argument, declaration, named, where_all},
    parts::ShapeOf,
};
use crate::{
    ast::{Field, Style},
    spelled::{self, View},
};

/// The view of a type that is not its own view.
pub(super) struct Generated<'h> {
    header: &'h Header<'h>,
    /// Its name.
    pub ident: Ident,
    /// Whether it has the lifetime.
    pub borrows: bool,
}

impl<'h> Generated<'h> {
    /// `None` for a type that is its own view.
    pub(super) fn of(header: &'h Header<'h>) -> Option<Generated<'h>> {
        let container = header.container;
        if container.is_own_view() {
            return None;
        }
        let ident = match &container.attributes.view {
            Some(given) => given.value.clone(),
            None => format_ident!("{}View", container.ident.unraw(), span = container.ident.span()),
        };
        let borrows = fields(header).any(|field| view_of(header, field).borrows);
        Some(Generated { header, ident, borrows })
    }

    /// `NameView<'a, A>`
    pub(super) fn ty(&self) -> TokenStream {
        self.ty_during(&self.header.lifetime)
    }

    /// The same with another lifetime.
    pub(super) fn ty_during(&self, lifetime: &Lifetime) -> TokenStream {
        let lifetime = self.borrows.then(|| lifetime.to_token_stream());
        named(&self.ident, lifetime.into_iter().chain(self.used_parameters().filter_map(argument)))
    }

    /// `<'a, A: Bound>`
    pub(super) fn parameters(&self) -> TokenStream {
        angled(self.lifetime().chain(self.used_parameters().filter_map(declaration)))
    }

    /// `where …` of the view itself and these.
    pub(super) fn bounds(&self, more: impl IntoIterator<Item = TokenStream>) -> TokenStream {
        let krate = self.header.krate;
        let given = self.header.container.attributes.bound.as_ref();
        let own: Vec<TokenStream> = match given {
            Some(given) => given.value.iter().map(ToTokens::to_token_stream).collect(),
            None => self
                .header
                .generic_fields()
                .map(|field| {
                    let codec = &field.codec;
                    quote!(#codec: #krate::codec::DiskValue)
                })
                .collect(),
        };
        where_all(own.into_iter().chain(claims::bounds(self.header)).chain(more))
    }

    /// Whether it has all parameters of the type itself, but for lifetimes.
    pub(super) fn uses_all_parameters(&self) -> bool {
        let params = &self.header.container.generics.params;
        let lifetimes = self.header.container.generics.lifetimes().count();
        self.used_parameters().count() == params.len() - lifetimes
    }

    fn lifetime(&self) -> impl Iterator<Item = TokenStream> + use<> {
        self.borrows.then(|| self.header.lifetime.to_token_stream()).into_iter()
    }

    fn used_parameters(&self) -> impl Iterator<Item = &'h GenericParam> + '_ {
        self.header.container.generics.params.iter().filter(|param| match param {
            GenericParam::Lifetime(_) => false,
            GenericParam::Const(_) => true,
            GenericParam::Type(param) => fields(self.header).any(|field| spelled::names(&field.codec, &param.ident)),
        })
    }
}

/// The definition, or nothing for a type that is its own view.
pub(super) fn define(header: &Header<'_>) -> TokenStream {
    let Some(view) = Generated::of(header) else { return TokenStream::new() };
    let (ident, parameters, bounds) = (&view.ident, view.parameters(), view.bounds([]));
    let (vis, name) = (&header.container.vis, header.ident.unraw().to_string());
    let derives = derives(header);
    let doc = format!(" What reading a [`{name}`] from a map gives.");
    let head =
        quote!(#[doc = #doc] #derives #[allow(dead_code, non_camel_case_types, private_bounds, clippy::all)] #vis);
    let shapes = &header.parts.shapes;
    match shapes.as_slice() {
        [only @ ShapeOf { variant: None, .. }] => {
            let body = struct_body(header, only, &bounds);
            quote!(#head struct #ident #parameters #body)
        }
        variants => {
            let variants = variants.iter().map(|shape| {
                let (variant, fields) = (shape.variant, variant_body(header, shape));
                let doc = format!(
                    "Of [`{name}::{}`].",
                    variant.map(Ident::unraw).map_or(String::new(), |name| name.to_string())
                );
                quote!(#[doc = #doc] #variant #fields)
            });
            quote!(#head enum #ident #parameters #bounds { #(#variants),* })
        }
    }
}

/// The view of one field.
pub(super) fn view_of(header: &Header<'_>, field: &Field) -> View {
    spelled::view(&field.codec, &header.lifetime, header.krate)
}

fn fields<'h>(header: &'h Header<'_>) -> impl Iterator<Item = &'h Field> {
    header.parts.shapes.iter().flat_map(ShapeOf::stored)
}

fn derives(header: &Header<'_>) -> TokenStream {
    let usual = header.projected_fields().next().is_none().then(
        || quote!(#[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug, ::core::cmp::PartialEq)]),
    );
    let asked = header.container.attributes.view_derive.as_ref().map(|given| {
        let paths = &given.value;
        quote!(#[derive(#(#paths),*)])
    });
    quote!(#usual #asked)
}

fn struct_body(header: &Header<'_>, shape: &ShapeOf<'_>, bounds: &TokenStream) -> TokenStream {
    let fields = shape.stored().map(|field| {
        let (doc, vis, ty) = (field_doc(field), &field.vis, view_of(header, field).ty);
        match shape.fields.style {
            Style::Named => {
                let member = &field.member;
                quote!(#[doc = #doc] #vis #member: #ty)
            }
            _ => quote!(#[doc = #doc] #vis #ty),
        }
    });
    match shape.fields.style {
        Style::Named => quote!(#bounds { #(#fields),* }),
        Style::Tuple => quote!((#(#fields),*) #bounds;),
        Style::Unit => quote!(#bounds;),
    }
}

fn variant_body(header: &Header<'_>, shape: &ShapeOf<'_>) -> TokenStream {
    let fields = shape.stored().map(|field| {
        let (doc, ty) = (field_doc(field), view_of(header, field).ty);
        match shape.fields.style {
            Style::Named => {
                let member = &field.member;
                quote!(#[doc = #doc] #member: #ty)
            }
            _ => quote!(#[doc = #doc] #ty),
        }
    });
    match shape.fields.style {
        Style::Named => quote!({ #(#fields),* }),
        Style::Tuple => quote!((#(#fields),*)),
        Style::Unit => TokenStream::new(),
    }
}

fn field_doc(field: &Field) -> String {
    format!(" The view of `{}`.", field.member.to_token_stream().to_string().trim_start_matches("r#"))
}
