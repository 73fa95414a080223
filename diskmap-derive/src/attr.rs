//! `#[diskmap(…)]`: which words stand where, and what they were given.
//!
//! Knows no types. Invariant: every word is looked at once; one that is unknown, misplaced or repeated is an error on
//! that word, and the rest is read all the same.

use quote::ToTokens;
use syn::{
    Attribute, Expr, Ident, LitInt, LitStr, Path, Token, Type, WherePredicate, meta::ParseNestedMeta,
    punctuated::Punctuated,
};

use crate::errors::{Errors, did_you_mean};

/// How a type is stored as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// Field by field.
    Record,
    /// As it lies in memory.
    Native,
    /// As its text.
    Str,
    /// As its bytes.
    Bytes,
    /// As an rkyv archive.
    Arch,
    /// As its only field.
    Transparent,
}

impl Codec {
    const ALL: [(&'static str, Codec); 6] = [
        ("record", Codec::Record),
        ("native", Codec::Native),
        ("str", Codec::Str),
        ("bytes", Codec::Bytes),
        ("arch", Codec::Arch),
        ("transparent", Codec::Transparent),
    ];

    /// The word for it.
    pub(crate) fn name(self) -> &'static str {
        Codec::ALL.iter().find(|(_, codec)| *codec == self).map_or("", |(name, _)| name)
    }
}

/// A value and the word that gave it, for errors about it.
#[derive(Clone, Debug)]
pub(crate) struct Given<T> {
    /// The word.
    pub word: Ident,
    /// Its value.
    pub value: T,
}

/// What `#[diskmap(…)]` says of a type.
#[derive(Default)]
pub(crate) struct ContainerAttributes {
    /// `codec = …`
    pub codec: Option<Given<Codec>>,
    /// `name = "…"`
    pub name: Option<Given<LitStr>>,
    /// `version = N`
    pub version: Option<Given<u32>>,
    /// `view = Ident` or `view = Self`
    pub view: Option<Given<Ident>>,
    /// `view_derive(…)`
    pub view_derive: Option<Given<Vec<Path>>>,
    /// `bound(…)`
    pub bound: Option<Given<Vec<WherePredicate>>>,
    /// `crate = path`
    pub krate: Option<Given<Path>>,
    /// `from = OldType`
    pub from: Option<Given<Type>>,
}

/// What it says of a variant.
#[derive(Default)]
pub(crate) struct VariantAttributes {
    /// `rename = "…"`
    pub rename: Option<Given<LitStr>>,
}

/// What it says of a field.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    /// `with = Codec`
    pub with: Option<Given<Type>>,
    /// `rename = "…"`
    pub rename: Option<Given<LitStr>>,
    /// `skip`
    pub skip: Option<Given<()>>,
    /// `since = N`
    pub since: Option<Given<u32>>,
    /// `default` or `default = expr`
    pub default: Option<Given<Option<Box<Expr>>>>,
}

const CONTAINER: [&str; 8] = ["codec", "name", "version", "view", "view_derive", "bound", "crate", "from"];
const VARIANT: [&str; 1] = ["rename"];
const FIELD: [&str; 5] = ["with", "rename", "skip", "since", "default"];

/// How each word is written.
const FORMS: [(&str, &str); 13] = [
    ("codec", "codec = native"),
    ("name", "name = \"…\""),
    ("version", "version = 2"),
    ("view", "view = Name"),
    ("view_derive", "view_derive(Eq, Hash)"),
    ("bound", "bound(T: Trait)"),
    ("crate", "crate = path::to::diskmap"),
    ("from", "from = OldType"),
    ("with", "with = Codec"),
    ("rename", "rename = \"…\""),
    ("skip", "skip"),
    ("since", "since = 2"),
    ("default", "default = 18"),
];

impl ContainerAttributes {
    /// Reads all attributes of a type.
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut found = ContainerAttributes::default();
        each_word(attributes, errors, |word, meta, errors| {
            match word.to_string().as_str() {
                "codec" => {
                    if let Some(codec) = codec(&meta, errors)? {
                        give(&mut found.codec, word, codec, errors);
                    }
                }
                "name" => give(&mut found.name, word, meta.value()?.parse()?, errors),
                "version" => give(&mut found.version, word, number(&meta)?, errors),
                "view" => give(&mut found.view, word, ident(&meta)?, errors),
                "view_derive" => give(&mut found.view_derive, word, list(&meta)?, errors),
                "bound" => give(&mut found.bound, word, list(&meta)?, errors),
                "crate" => give(&mut found.krate, word, meta.value()?.call(Path::parse_mod_style)?, errors),
                "from" => give(&mut found.from, word, meta.value()?.parse()?, errors),
                other => unknown(&word, other, "a type", &CONTAINER, &meta, errors)?,
            }
            Ok(())
        });
        found
    }
}

impl VariantAttributes {
    /// Reads all attributes of a variant.
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut found = VariantAttributes::default();
        each_word(attributes, errors, |word, meta, errors| {
            match word.to_string().as_str() {
                "rename" => give(&mut found.rename, word, meta.value()?.parse()?, errors),
                other => unknown(&word, other, "a variant", &VARIANT, &meta, errors)?,
            }
            Ok(())
        });
        found
    }
}

impl FieldAttributes {
    /// Reads all attributes of a field.
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> Self {
        let mut found = FieldAttributes::default();
        each_word(attributes, errors, |word, meta, errors| {
            match word.to_string().as_str() {
                "with" => give(&mut found.with, word, meta.value()?.parse()?, errors),
                "rename" => give(&mut found.rename, word, meta.value()?.parse()?, errors),
                "skip" => give(&mut found.skip, word, (), errors),
                "since" => give(&mut found.since, word, number(&meta)?, errors),
                "default" => {
                    let value = if meta.input.peek(Token![=]) { Some(meta.value()?.parse()?) } else { None };
                    give(&mut found.default, word, value, errors);
                }
                other => unknown(&word, other, "a field", &FIELD, &meta, errors)?,
            }
            Ok(())
        });
        found
    }
}

/// Calls `read` for each word in each `#[diskmap(…)]`.
fn each_word(
    attributes: &[Attribute],
    errors: &mut Errors,
    mut read: impl FnMut(Ident, ParseNestedMeta<'_>, &mut Errors) -> syn::Result<()>,
) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("diskmap")) {
        let read = attribute.parse_nested_meta(|meta| {
            let Some(word) = meta.path.get_ident().cloned() else {
                return Err(meta.error("a word such as `codec` or `with` stands here, not a path"));
            };
            let (input, form) = (meta.input, form(&word));
            if let Err(error) = read(word, meta, errors) {
                errors.at_span(error.span(), format!("{error}; this is written `{form}`"));
            } else if !input.is_empty() && !input.peek(Token![,]) {
                errors.at_span(input.span(), format!("this does not belong here: `{form}` is all"));
            }
            skip_value(input)
        });
        errors.take(read);
    }
}

/// Leaves out what was given to a word that was not understood, so that the next one is read.
fn skip_value(input: syn::parse::ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn give<T>(place: &mut Option<Given<T>>, word: Ident, value: T, errors: &mut Errors) {
    match place {
        Some(first) => {
            errors.at(&word, format!("`{word}` is given twice"));
            errors.at(&first.word, "the first one is here");
        }
        None => *place = Some(Given { word, value }),
    }
}

fn form(word: &Ident) -> String {
    let known = FORMS.iter().find(|(name, _)| word == name);
    known.map_or_else(|| word.to_string(), |(_, form)| (*form).to_owned())
}

fn unknown(
    word: &Ident,
    found: &str,
    place: &str,
    known: &[&str],
    meta: &ParseNestedMeta<'_>,
    errors: &mut Errors,
) -> syn::Result<()> {
    let elsewhere = [("a type", &CONTAINER[..]), ("a variant", &VARIANT), ("a field", &FIELD)];
    let home = elsewhere.iter().find(|(other, words)| *other != place && words.contains(&found));
    let message = match home {
        Some((other, _)) => format!("`{found}` is for {other}, and this is {place}"),
        None => format!("unknown word `{found}`{}", did_you_mean(found, known)),
    };
    errors.at(word, message);
    skip_value(meta.input)
}

fn codec(meta: &ParseNestedMeta<'_>, errors: &mut Errors) -> syn::Result<Option<Codec>> {
    let found: Ident = meta.value()?.call(syn::ext::IdentExt::parse_any)?;
    let name = found.to_string();
    let codec = Codec::ALL.iter().find(|(known, _)| *known == name).map(|(_, codec)| *codec);
    if codec.is_none() {
        let known = Codec::ALL.map(|(known, _)| known);
        errors.at(&found, format!("unknown codec `{name}`{}", did_you_mean(&name, &known)));
    }
    Ok(codec)
}

fn number(meta: &ParseNestedMeta<'_>) -> syn::Result<u32> {
    meta.value()?.parse::<LitInt>()?.base10_parse()
}

fn ident(meta: &ParseNestedMeta<'_>) -> syn::Result<Ident> {
    let value = meta.value()?;
    if value.peek(Token![Self]) { value.call(syn::ext::IdentExt::parse_any) } else { value.parse() }
}

fn list<T: syn::parse::Parse + ToTokens>(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<T>> {
    let content;
    syn::parenthesized!(content in meta.input);
    Ok(Punctuated::<T, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn messages(errors: Errors) -> Vec<String> {
        errors.finish().map_or_else(|all| all.into_iter().map(|error| error.to_string()).collect(), |()| Vec::new())
    }

    #[test]
    fn words_of_a_type() {
        let mut errors = Errors::default();
        let attributes: [Attribute; 2] = [
            parse_quote!(#[diskmap(codec = native, name = "shop.Cell", version = 3, crate = ::store::diskmap)]),
            parse_quote!(#[diskmap(view = Self, view_derive(Eq, std::hash::Hash), bound(T: Clone, U: 'static))]),
        ];
        let found = ContainerAttributes::read(&attributes, &mut errors);
        assert_eq!(messages(errors), [""; 0]);
        assert_eq!(found.codec.unwrap().value, Codec::Native);
        assert_eq!((found.name.unwrap().value.value(), found.version.unwrap().value), ("shop.Cell".to_owned(), 3));
        assert_eq!(found.view.unwrap().value, "Self");
        assert_eq!((found.view_derive.unwrap().value.len(), found.bound.unwrap().value.len()), (2, 2));
        assert!(found.krate.unwrap().value.leading_colon.is_some());
    }

    #[test]
    fn words_of_a_field() {
        let mut errors = Errors::default();
        let attributes: [Attribute; 1] =
            [parse_quote!(#[diskmap(with = Arch<Vec<Line>>, rename = "lines", skip, since = 2, default = Vec::new())])];
        let found = FieldAttributes::read(&attributes, &mut errors);
        assert_eq!(messages(errors), [""; 0]);
        assert!(found.with.is_some() && found.rename.is_some() && found.skip.is_some());
        assert_eq!(found.since.unwrap().value, 2);
        assert!(found.default.unwrap().value.is_some());
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let mut errors = Errors::default();
        let attributes: [Attribute; 1] =
            [parse_quote!(#[diskmap(codek = record, codec = nativ, with = Str, version = 1, version = 2)])];
        let found = ContainerAttributes::read(&attributes, &mut errors);
        assert_eq!(
            messages(errors),
            [
                "unknown word `codek`; did you mean `codec`?",
                "unknown codec `nativ`; did you mean `native`?",
                "`with` is for a field, and this is a type",
                "`version` is given twice",
                "the first one is here",
            ]
        );
        assert_eq!(found.version.unwrap().value, 1);
    }

    #[test]
    fn what_is_no_word_is_an_error() {
        for attribute in [parse_quote!(#[diskmap(a::b)]), parse_quote!(#[diskmap(1)]), parse_quote!(#[diskmap])] {
            let mut errors = Errors::default();
            let attributes: [Attribute; 1] = [attribute];
            let _ = VariantAttributes::read(&attributes, &mut errors);
            assert_eq!(messages(errors).len(), 1);
        }
    }
}
