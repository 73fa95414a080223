//! The lines impls begin with: parameters, the type's name with its arguments, and `where`.
//!
//! Knows no bodies. Invariant: `DiskValue` is implemented for the type with its lifetime made `'static`; what borrows
//! goes in as a query.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{GenericParam, Ident, Lifetime, TypeParam, WherePredicate};

use super::{claims, parts::Parts};
use crate::{
    ast::{Container, Field},
    spelled,
};

/// A container, and what is written again and again about it.
pub(crate) struct Header<'c> {
    /// The type.
    pub container: &'c Container,
    /// Its name.
    pub ident: &'c Ident,
    /// Where the crate is.
    pub krate: &'c TokenStream,
    /// `Name<'static, A>`: the type that maps know.
    pub stored: TokenStream,
    /// `Name<'q, A>`: the type as the user wrote it.
    pub written: TokenStream,
    /// The lifetime of its view.
    pub lifetime: Lifetime,
    /// Its fields or variants, with the layout of each.
    pub parts: Parts<'c>,
}

impl<'c> Header<'c> {
    pub(super) fn new(container: &'c Container) -> Header<'c> {
        let (ident, generics) = (&container.ident, &container.generics);
        let arguments: Vec<TokenStream> = generics.params.iter().filter_map(argument).collect();
        let borrowed = generics.lifetimes().map(|param| param.lifetime.to_token_stream());
        let stands = generics.lifetimes().map(|_| quote!('static));
        Header {
            container,
            ident,
            krate: &container.krate,
            stored: named(ident, stands.chain(arguments.iter().cloned())),
            written: named(ident, borrowed.chain(arguments.iter().cloned())),
            lifetime: container.view_lifetime(),
            parts: Parts::new(container),
        }
    }

    /// `<A: Bound, const N: usize>`, with these in front.
    pub(super) fn parameters(&self, first: &[TokenStream]) -> TokenStream {
        let own = self.container.generics.params.iter().filter_map(declaration);
        angled(first.iter().cloned().chain(own))
    }

    /// `<'q, A: Bound>`: parameters of impls that name the type as the user wrote it.
    pub(super) fn written_parameters(&self) -> TokenStream {
        let lifetime: Vec<TokenStream> = self.container.lifetime().map(ToTokens::to_token_stream).into_iter().collect();
        self.parameters(&lifetime)
    }

    /// `where …`: the user's own predicates, that all parts can be stored, and these.
    pub(super) fn bounds(&self, more: impl IntoIterator<Item = TokenStream>) -> TokenStream {
        let krate = self.krate;
        let stored = |field: &Field| {
            let codec = &field.codec;
            quote_spanned!(field.span()=> #codec: #krate::codec::DiskValue)
        };
        let mut all = self.own_predicates();
        match &self.container.attributes.bound {
            Some(given) => all.extend(given.value.iter().map(ToTokens::to_token_stream)),
            None => {
                all.extend(self.generic_fields().map(stored));
                all.extend(self.unstored_parameters().map(|ident| quote!(#ident: 'static)));
                all.extend(more);
            }
        }
        all.extend(claims::bounds(self));
        where_all(all)
    }

    /// The same, of a type that the user bounds as well: what is true only of some of them.
    pub(super) fn bounds_if(&self, more: impl IntoIterator<Item = TokenStream>) -> TokenStream {
        let given = self.bounds([]);
        let mut more = more.into_iter().peekable();
        match (given.is_empty(), more.peek().is_some()) {
            (_, false) => given,
            (true, true) => quote!(where #(#more,)*),
            (false, true) => quote!(#given #(#more,)*),
        }
    }

    /// `where …` of a type that is stored as a whole, whatever its fields.
    pub(super) fn bounds_of_whole(&self, more: impl IntoIterator<Item = TokenStream>) -> TokenStream {
        let mut all = self.own_predicates();
        match &self.container.attributes.bound {
            Some(given) => all.extend(given.value.iter().map(ToTokens::to_token_stream)),
            None => all.extend(self.container.generics.type_params().map(|param| {
                let ident = &param.ident;
                quote!(#ident: 'static)
            })),
        }
        all.extend(more);
        where_all(all)
    }

    /// Stored fields whose codec depends on a type parameter.
    pub(super) fn generic_fields(&self) -> impl Iterator<Item = &'c Field> + '_ {
        self.container.fields().filter(|field| !field.is_skipped()).filter(|field| self.is_generic(field))
    }

    /// Whether the field's codec depends on a type parameter.
    pub(super) fn is_generic(&self, field: &Field) -> bool {
        let types = self.container.generics.type_params();
        types
            .into_iter()
            .any(|param| spelled::names(&field.codec, &param.ident) || spelled::names(&field.ty, &param.ident))
    }

    /// The fields whose view is not spelled out.
    pub(super) fn projected_fields(&self) -> impl Iterator<Item = &'c Field> + '_ {
        let stored = self.container.fields().filter(|field| !field.is_skipped());
        stored.filter(|field| spelled::view(&field.codec, &self.lifetime, self.krate).projected)
    }

    /// The user's `where`, without what says something of the lifetime.
    pub(super) fn own_predicates(&self) -> Vec<TokenStream> {
        let of_types = |predicate: &&WherePredicate| matches!(predicate, WherePredicate::Type(_));
        let clause = self.container.generics.where_clause.as_ref();
        clause
            .into_iter()
            .flat_map(|clause| clause.predicates.iter())
            .filter(of_types)
            .map(ToTokens::to_token_stream)
            .collect()
    }

    fn unstored_parameters(&self) -> impl Iterator<Item = &'c Ident> + '_ {
        let stored = |ident: &Ident| {
            self.container.fields().any(|field| !field.is_skipped() && spelled::names(&field.codec, ident))
        };
        self.container.generics.type_params().map(|param| &param.ident).filter(move |ident| !stored(ident))
    }
}

/// `Name<A, B>`
pub(super) fn named(ident: &Ident, arguments: impl Iterator<Item = TokenStream>) -> TokenStream {
    let arguments = angled(arguments);
    quote!(#ident #arguments)
}

/// `where A: B, C: D`, or nothing.
pub(super) fn where_all(predicates: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let mut predicates = predicates.into_iter().peekable();
    if predicates.peek().is_some() { quote!(where #(#predicates,)*) } else { TokenStream::new() }
}

/// A parameter as an argument; lifetimes are the caller's.
pub(super) fn argument(param: &GenericParam) -> Option<TokenStream> {
    match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(param) => Some(param.ident.to_token_stream()),
        GenericParam::Const(param) => Some(param.ident.to_token_stream()),
    }
}

/// A parameter with its bounds and without its default.
pub(crate) fn declaration(param: &GenericParam) -> Option<TokenStream> {
    match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(TypeParam { ident, bounds, .. }) if bounds.is_empty() => Some(quote!(#ident)),
        GenericParam::Type(TypeParam { ident, bounds, .. }) => Some(quote!(#ident: #bounds)),
        GenericParam::Const(param) => {
            let (ident, ty) = (&param.ident, &param.ty);
            Some(quote!(const #ident: #ty))
        }
    }
}

/// `<A, B>`, or nothing.
pub(crate) fn angled(items: impl Iterator<Item = TokenStream>) -> TokenStream {
    let mut items = items.peekable();
    if items.peek().is_some() { quote!(<#(#items),*>) } else { TokenStream::new() }
}

/// A name that no user has.
pub(super) fn query() -> Ident {
    format_ident!("__Q", span = Span::mixed_site())
}
