//! What a type is, as far as its spelling tells: which view it has, and whether it can be a key.
//!
//! A derive sees names, not types. Knows the built-in codecs. Invariant: what is not surely a built-in is left to the
//! compiler, through the codec traits.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    DeriveInput, GenericArgument, Lifetime, Path, PathArguments, PathSegment, Type, TypePath, TypeReference,
    parse_quote, parse_quote_spanned,
    spanned::Spanned,
    visit::{self, Visit},
    visit_mut::{self, VisitMut},
};

const NUMBERS: [&str; 12] = ["u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "f32", "f64"];

/// Values with no equal bytes for equal values, and what to use instead.
const NO_KEYS: [(&str, &str); 3] = [
    ("f32", "a float cannot be a key, since NaN and -0.0 have no single form; use `with = diskmap::CanonF32`"),
    ("f64", "a float cannot be a key, since NaN and -0.0 have no single form; use `with = diskmap::CanonF64`"),
    ("Arch", "an archive cannot be a key, since equal values may be archived as different bytes"),
];

/// What reading a codec gives.
pub(crate) struct View {
    /// The type.
    pub ty: TokenStream,
    /// Whether it mentions the lifetime.
    pub borrows: bool,
    /// Whether it was not known, so that its traits are not known either.
    pub projected: bool,
}

/// The view of a codec, spelled out for built-ins: only a spelled-out view is covariant.
pub(crate) fn view(codec: &Type, lifetime: &Lifetime, krate: &TokenStream) -> View {
    if let Some(ty) = known_view(codec, lifetime, krate) {
        return View { borrows: mentions(&ty, lifetime), ty, projected: false };
    }
    let ty = quote_spanned!(codec.span()=> <#codec as #krate::codec::DiskValue>::View<#lifetime>);
    View { ty, borrows: true, projected: true }
}

/// Whether the type is stored in a fixed number of bytes and is its own view.
pub(crate) fn is_plain(ty: &Type) -> bool {
    match bare(ty) {
        Type::Array(array) => is_plain(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(is_plain),
        Type::Path(path) => match segment(path) {
            Some((name, None)) => is_number(&name) || ["bool", "char", "CanonF32", "CanonF64"].contains(&&*name),
            Some((name, Some(argument))) => name == "Option" && is_plain(argument),
            None => false,
        },
        _ => false,
    }
}

/// What stores a borrowed field: `Str` for `&str`, `Bytes` for `&[u8]`, all other lifetimes made `'static`.
pub(crate) fn codec(ty: &Type, krate: &TokenStream) -> Type {
    let mut codec = ty.clone();
    Unborrow { krate }.visit_type_mut(&mut codec);
    codec
}

/// Why the type cannot be part of a key, and where that stands.
pub(crate) fn refused_in_keys(ty: &Type) -> Option<(&PathSegment, &'static str)> {
    struct Search<'t>(Option<(&'t PathSegment, &'static str)>);
    impl<'t> Visit<'t> for Search<'t> {
        fn visit_path_segment(&mut self, segment: &'t PathSegment) {
            let refused = NO_KEYS.iter().find(|(name, _)| segment.ident == name);
            if let Some((_, why)) = refused {
                self.0.get_or_insert((segment, why));
            }
            visit::visit_path_segment(self, segment);
        }
    }
    let mut search = Search(None);
    search.visit_type(ty);
    search.0
}

/// What a type that owns its text or bytes is called, and what is read of it.
pub(crate) fn read_as_borrowed(ty: &Type) -> Option<(String, &'static str)> {
    let Type::Path(path) = bare(ty) else { return None };
    match segment(path)? {
        (name, None) if name == "String" => Some((name, "`&str`")),
        (name, Some(item)) if name == "Vec" && is_byte(item) => Some((name, "`&[u8]`")),
        (name, Some(item)) if name == "Vec" && is_plain_number(item) => Some((name, "`Numbers`")),
        _ => None,
    }
}

/// Whether the type names this identifier: a parameter (of types or constants), or the type that is being derived.
pub(crate) fn names(ty: &Type, ident: &syn::Ident) -> bool {
    struct Search<'t>(&'t syn::Ident, bool);
    impl Visit<'_> for Search<'_> {
        fn visit_path(&mut self, path: &syn::Path) {
            self.1 |= path.leading_colon.is_none() && path.segments.first().is_some_and(|first| first.ident == *self.0);
            visit::visit_path(self, path);
        }
    }
    let mut search = Search(ident, false);
    search.visit_type(ty);
    search.1
}

/// Whether this type is part of the other: named in it, and not only for the sake of a constant.
pub(crate) fn contains(ty: &Type, ident: &syn::Ident) -> bool {
    struct Search<'t>(&'t syn::Ident, bool);
    impl Visit<'_> for Search<'_> {
        fn visit_path(&mut self, path: &Path) {
            self.1 |= path.leading_colon.is_none() && path.segments.first().is_some_and(|first| first.ident == *self.0);
            visit::visit_path(self, path);
        }
        fn visit_expr(&mut self, _: &syn::Expr) {}
    }
    let mut search = Search(ident, false);
    search.visit_type(ty);
    search.1
}

/// The type with all its lifetimes made `'static`.
pub(crate) fn unborrowed(ty: &Type) -> Type {
    struct Lengthen;
    impl VisitMut for Lengthen {
        fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
            *lifetime = Lifetime::new("'static", lifetime.span());
        }
    }
    let mut ty = ty.clone();
    Lengthen.visit_type_mut(&mut ty);
    ty
}

/// Whether the type borrows anything.
pub(crate) fn has_lifetime(ty: &Type) -> bool {
    struct Search(bool);
    impl Visit<'_> for Search {
        fn visit_lifetime(&mut self, _: &Lifetime) {
            self.0 = true;
        }
        fn visit_type_reference(&mut self, _: &TypeReference) {
            self.0 = true;
        }
    }
    let mut search = Search(false);
    search.visit_type(ty);
    search.0
}

/// The type with its name in place of `Self`, which means something else in other items.
pub(crate) fn without_self(input: &DeriveInput) -> DeriveInput {
    struct Name<'i>(&'i DeriveInput);
    impl VisitMut for Name<'_> {
        fn visit_type_path_mut(&mut self, ty: &mut TypePath) {
            if ty.qself.is_none() && ty.path.is_ident("Self") {
                let (ident, arguments) = (&self.0.ident, self.0.generics.split_for_impl().1);
                let mut ident = ident.clone();
                ident.set_span(ty.span());
                *ty = parse_quote!(#ident #arguments);
            } else {
                visit_mut::visit_type_path_mut(self, ty);
            }
        }
        fn visit_path_mut(&mut self, path: &mut Path) {
            if let Some(first) = path.segments.first_mut().filter(|first| first.ident == "Self") {
                first.ident = self.0.ident.clone();
            }
            visit_mut::visit_path_mut(self, path);
        }
    }
    let mut named = input.clone();
    Name(input).visit_data_mut(&mut named.data);
    named
}

/// Whether it is `PhantomData`.
pub(crate) fn is_phantom(ty: &Type) -> bool {
    matches!(bare(ty), Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "PhantomData"))
}

fn known_view(codec: &Type, lifetime: &Lifetime, krate: &TokenStream) -> Option<TokenStream> {
    let inner = |ty: &Type| known_view(ty, lifetime, krate);
    if is_plain(codec) {
        return Some(quote!(#codec));
    }
    match bare(codec) {
        Type::Array(array) => {
            let (item, len) = (inner(&array.elem)?, &array.len);
            Some(quote!([#item; #len]))
        }
        Type::Tuple(tuple) => {
            let items = tuple.elems.iter().map(inner).collect::<Option<Vec<_>>>()?;
            Some(quote!((#(#items,)*)))
        }
        Type::Slice(slice) if is_byte(&slice.elem) => Some(quote!(&#lifetime [::core::primitive::u8])),
        Type::Path(path) => match segment(path)? {
            (name, None) => match &*name {
                "String" | "str" | "Str" => Some(quote!(&#lifetime ::core::primitive::str)),
                "Bytes" => Some(quote!(&#lifetime [::core::primitive::u8])),
                _ => None,
            },
            (name, Some(argument)) => match &*name {
                "Option" => inner(argument).map(|item| quote!(::core::option::Option<#item>)),
                "Vec" if is_byte(argument) => Some(quote!(&#lifetime [::core::primitive::u8])),
                "Vec" if is_plain_number(argument) => Some(quote!(#krate::codec::Numbers<#lifetime, #argument>)),
                _ => None,
            },
        },
        _ => None,
    }
}

/// A path's only part, or the last one after `std::…` and the like; with its type argument, if it has just one.
fn segment(path: &TypePath) -> Option<(String, Option<&Type>)> {
    let TypePath { qself: None, path } = path else { return None };
    let first = path.segments.first()?.ident.to_string();
    let known = ["std", "core", "alloc", "diskmap"].contains(&&*first);
    if path.segments.len() > 1 && !known {
        return None;
    }
    let last = path.segments.last()?;
    match &last.arguments {
        PathArguments::None => Some((last.ident.to_string(), None)),
        PathArguments::AngleBracketed(list) if list.args.len() == 1 => match list.args.first()? {
            GenericArgument::Type(argument) => Some((last.ident.to_string(), Some(argument))),
            _ => None,
        },
        _ => None,
    }
}

/// Without the parentheses and invisible groups around it.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        ty => ty,
    }
}

fn is_number(name: &str) -> bool {
    NUMBERS.contains(&name)
}

fn is_byte(ty: &Type) -> bool {
    matches!(bare(ty), Type::Path(path) if path.path.is_ident("u8"))
}

fn is_plain_number(ty: &Type) -> bool {
    matches!(bare(ty), Type::Path(path) if path.path.get_ident().is_some_and(|name| is_number(&name.to_string())))
}

fn mentions(tokens: &TokenStream, lifetime: &Lifetime) -> bool {
    let mut before = None;
    tokens.clone().into_iter().any(|token| match token {
        proc_macro2::TokenTree::Group(group) => mentions(&group.stream(), lifetime),
        proc_macro2::TokenTree::Punct(punct) => {
            before = Some(punct.as_char());
            false
        }
        proc_macro2::TokenTree::Ident(ident) => before.take() == Some('\'') && ident == lifetime.ident,
        proc_macro2::TokenTree::Literal(_) => false,
    })
}

struct Unborrow<'k> {
    krate: &'k TokenStream,
}

impl VisitMut for Unborrow<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        let krate = self.krate;
        let borrowed = match &*ty {
            Type::Reference(reference) => match bare(&reference.elem) {
                Type::Path(path) if path.path.is_ident("str") => Some(quote!(Str)),
                Type::Slice(slice) if is_byte(&slice.elem) => Some(quote!(Bytes)),
                _ => None,
            },
            _ => None,
        };
        match borrowed {
            Some(codec) => *ty = parse_quote_spanned!(ty.span()=> #krate::codec::#codec),
            None => visit_mut::visit_type_mut(self, ty),
        }
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        *lifetime = Lifetime::new("'static", lifetime.span());
    }
}
