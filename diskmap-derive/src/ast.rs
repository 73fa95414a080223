//! What is derived, as a tree: the user's type with its attributes read and its codec chosen.
//!
//! Knows the syntax, not what is emitted. Invariant: what cannot be read is an error here; whether what was read makes
//! sense is the business of `check`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprGroup, ExprLit, ExprParen, Ident, Index, Lifetime, Lit, LitInt, Member,
    Type, Visibility, ext::IdentExt, parse_quote, parse_quote_spanned, spanned::Spanned,
};

use crate::{
    attr::{Codec, ContainerAttributes, FieldAttributes, Given, VariantAttributes},
    errors::Errors,
    spelled,
};

/// A struct or an enum.
pub(crate) struct Container {
    /// Its name.
    pub ident: Ident,
    /// Who may use it.
    pub vis: Visibility,
    /// Its parameters and their bounds.
    pub generics: syn::Generics,
    /// `#[diskmap(…)]`
    pub attributes: ContainerAttributes,
    /// `#[repr(…)]`
    pub repr: Vec<Ident>,
    /// How it is stored.
    pub codec: Codec,
    /// Where the crate is.
    pub krate: TokenStream,
    /// Its fields or variants.
    pub body: Body,
}

/// What is in the braces.
pub(crate) enum Body {
    /// Of a struct.
    Struct(Fields),
    /// Of an enum.
    Enum(Vec<Variant>),
}

/// A variant of an enum.
pub(crate) struct Variant {
    /// Its name.
    pub ident: Ident,
    /// Its stored name.
    pub name: String,
    /// What is stored for it; `None` if that is not a number we can read.
    pub discriminant: Option<u32>,
    /// Whether the number is written there.
    pub explicit: bool,
    /// Its data.
    pub fields: Fields,
}

/// The fields of a struct or a variant.
pub(crate) struct Fields {
    /// Named, numbered or none.
    pub style: Style,
    /// In the user's order.
    pub all: Vec<Field>,
}

/// How fields are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `{ a: A }`
    Named,
    /// `(A)`
    Tuple,
    /// nothing
    Unit,
}

/// A field.
pub(crate) struct Field {
    /// Its name or number.
    pub member: Member,
    /// Its stored name.
    pub name: String,
    /// Who may use it.
    pub vis: Visibility,
    /// Its type as the user wrote it.
    pub ty: Type,
    /// What stores it: the type itself, or what `with` says.
    pub codec: Type,
    /// `#[diskmap(…)]`
    pub attributes: FieldAttributes,
    /// Whether it is `PhantomData`, which takes no bytes anywhere.
    pub phantom: bool,
}

impl Container {
    /// Reads the input. `None` if there is nothing to go on with.
    pub(crate) fn read(input: &DeriveInput, errors: &mut Errors) -> Option<Container> {
        let input = &spelled::without_self(input);
        let attributes = ContainerAttributes::read(&input.attrs, errors);
        let krate = match &attributes.krate {
            Some(Given { value, .. }) => quote!(#value),
            None => quote!(::diskmap),
        };
        let body = match &input.data {
            Data::Struct(data) => Body::Struct(Fields::read(&data.fields, &krate, errors)),
            Data::Enum(data) => Body::Enum(Variant::read_all(data, &krate, errors)),
            Data::Union(data) => {
                let message = "a union does not say which of its fields is stored; use an enum";
                errors.at(data.union_token, message);
                return None;
            }
        };
        let codec = match (&attributes.codec, &body) {
            (Some(given), _) => given.value,
            (None, Body::Struct(fields)) if fields.is_newtype() => Codec::Transparent,
            _ => Codec::Record,
        };
        Some(Container {
            ident: input.ident.clone(),
            vis: input.vis.clone(),
            generics: input.generics.clone(),
            repr: repr(&input.attrs),
            attributes,
            codec,
            krate,
            body,
        })
    }

    /// Its stored name.
    pub(crate) fn name(&self) -> String {
        self.attributes.name.as_ref().map_or_else(|| self.ident.unraw().to_string(), |given| given.value.value())
    }

    /// Its version, from 1.
    pub(crate) fn version(&self) -> u32 {
        self.attributes.version.as_ref().map_or(1, |given| given.value)
    }

    /// The lifetime of what it borrows.
    pub(crate) fn lifetime(&self) -> Option<&Lifetime> {
        self.generics.lifetimes().map(|param| &param.lifetime).next()
    }

    /// The lifetime of what its view borrows.
    pub(crate) fn view_lifetime(&self) -> Lifetime {
        self.lifetime().cloned().unwrap_or_else(|| Lifetime::new("'a", Span::call_site()))
    }

    /// All fields: of the struct, or of all variants.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        let (of_struct, variants) = match &self.body {
            Body::Struct(fields) => (Some(fields), &[][..]),
            Body::Enum(variants) => (None, &variants[..]),
        };
        of_struct.into_iter().chain(variants.iter().map(|variant| &variant.fields)).flat_map(|fields| &fields.all)
    }

    /// The width of an enum's discriminant as the user chose it.
    pub(crate) fn tag_repr(&self) -> Option<&Ident> {
        self.repr.iter().find(|word| ["u8", "u16", "u32"].contains(&&*word.to_string()))
    }

    /// Whether reading gives the type itself.
    pub(crate) fn is_own_view(&self) -> bool {
        match &self.attributes.view {
            Some(given) => given.value == "Self",
            None => self.fields().filter(|field| !field.phantom).all(|field| {
                field.attributes.with.is_none() && field.attributes.skip.is_none() && spelled::is_plain(&field.ty)
            }),
        }
    }

    /// Whether `repr` names this.
    pub(crate) fn has_repr(&self, word: &str) -> bool {
        self.repr.iter().any(|given| given == word)
    }
}

impl Variant {
    fn read_all(data: &syn::DataEnum, krate: &TokenStream, errors: &mut Errors) -> Vec<Variant> {
        let mut next = Some(0);
        let mut all = Vec::new();
        for variant in &data.variants {
            let attributes = VariantAttributes::read(&variant.attrs, errors);
            let discriminant = match &variant.discriminant {
                Some((_, expr)) => discriminant(expr, errors),
                None => next,
            };
            next = discriminant.and_then(|number: u32| number.checked_add(1));
            let name = attributes.rename.map_or_else(|| variant.ident.unraw().to_string(), |given| given.value.value());
            all.push(Variant {
                ident: variant.ident.clone(),
                name,
                discriminant,
                explicit: variant.discriminant.is_some(),
                fields: Fields::read(&variant.fields, krate, errors),
            });
        }
        all
    }
}

impl Fields {
    fn read(fields: &syn::Fields, krate: &TokenStream, errors: &mut Errors) -> Fields {
        let style = match fields {
            syn::Fields::Named(_) => Style::Named,
            syn::Fields::Unnamed(_) => Style::Tuple,
            syn::Fields::Unit => Style::Unit,
        };
        let all = fields.iter().enumerate().map(|(index, field)| Field::read(index, field, krate, errors)).collect();
        Fields { style, all }
    }

    /// The fields that take bytes.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &Field> + Clone {
        self.all.iter().filter(|field| !field.is_skipped())
    }

    /// Whether there is one field, in parentheses, beside `PhantomData`.
    fn is_newtype(&self) -> bool {
        self.style == Style::Tuple && self.all.iter().filter(|field| !field.phantom).count() == 1
    }
}

impl Field {
    fn read(index: usize, field: &syn::Field, krate: &TokenStream, errors: &mut Errors) -> Field {
        let attributes = FieldAttributes::read(&field.attrs, errors);
        let member = match &field.ident {
            Some(ident) => Member::Named(ident.clone()),
            None => Member::Unnamed(Index { index: index as u32, span: field.ty.span() }),
        };
        let spelled = match &member {
            Member::Named(ident) => ident.unraw().to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        let name = attributes.rename.as_ref().map_or(spelled, |given| given.value.value());
        Field {
            member,
            name,
            vis: field.vis.clone(),
            codec: spelled::codec(attributes.with.as_ref().map_or(&field.ty, |given| &given.value), krate),
            phantom: spelled::is_phantom(&field.ty),
            ty: field.ty.clone(),
            attributes,
        }
    }

    /// Where errors about its type belong, in the scope of what is emitted.
    pub(crate) fn span(&self) -> Span {
        self.ty.span().resolved_at(Span::call_site())
    }

    /// Whether it takes no bytes.
    pub(crate) fn is_skipped(&self) -> bool {
        self.phantom || self.attributes.skip.is_some()
    }

    /// What it is when there are no bytes of it.
    pub(crate) fn default(&self) -> Expr {
        if self.phantom && self.attributes.default.is_none() {
            return parse_quote!(::core::marker::PhantomData);
        }
        match self.attributes.default.as_ref().and_then(|given| given.value.as_ref()) {
            Some(expr) => (**expr).clone(),
            None => parse_quote_spanned!(self.span()=> ::core::default::Default::default()),
        }
    }
}

fn repr(attributes: &[Attribute]) -> Vec<Ident> {
    let mut words = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("repr")) {
        // What is wrong with a `repr` is the compiler's to say.
        let _ = attribute.parse_nested_meta(|meta| {
            words.extend(meta.path.get_ident().cloned());
            if meta.input.peek(syn::token::Paren) {
                meta.input.parse::<proc_macro2::TokenTree>()?;
            }
            Ok(())
        });
    }
    words
}

fn discriminant(expr: &Expr, errors: &mut Errors) -> Option<u32> {
    let mut bare = expr;
    while let Expr::Group(ExprGroup { expr, .. }) | Expr::Paren(ExprParen { expr, .. }) = bare {
        bare = expr;
    }
    let number = match bare {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Byte(byte), .. }) => Some(u32::from(byte.value())),
        _ => None,
    };
    if number.is_none() {
        errors.at(expr, "the number that is stored for this variant must be written here, from 0 to 4294967295");
    }
    number
}

/// A number without a suffix.
pub(crate) fn number(value: u32) -> LitInt {
    LitInt::new(&value.to_string(), Span::call_site())
}
