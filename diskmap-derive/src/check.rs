//! Whether what was read makes sense: the rules, one function each.
//!
//! Knows the tree, emits nothing. Invariant: a rule looks at everything it is about and reports all that breaks it.

use std::collections::HashMap;

use quote::ToTokens;
use syn::{Ident, Type, spanned::Spanned};

use crate::{
    ast::{Body, Container, Field, Fields, Variant},
    attr::{Codec, Given},
    errors::Errors,
    spelled,
};

/// The rules of values (and so of keys).
pub(crate) fn value(container: &Container, errors: &mut Errors) {
    one_lifetime(container, errors);
    version_from_one(container, errors);
    codec_fits(container, errors);
    view_words(container, errors);
    if let Body::Enum(variants) = &container.body {
        discriminants(container, variants, errors);
        distinct(variants.iter().map(|variant| (&variant.name, variant.ident.to_token_stream())), "variants", errors);
    }
    for field in container.fields() {
        field_words(container, field, errors);
        no_trait_object(field, errors);
        not_itself(container, field, errors);
    }
    for fields in bodies(container) {
        distinct(fields.stored().map(|field| (&field.name, field.member.to_token_stream())), "fields", errors);
    }
    since(container, errors);
}

/// The rules of keys alone.
pub(crate) fn key(container: &Container, errors: &mut Errors) {
    let attributes = &container.attributes;
    if let Some(Given { word, .. }) = attributes.codec.as_ref().filter(|given| given.value == Codec::Arch) {
        errors.at(word, "an archive cannot be a key, since equal values may be archived as different bytes");
    }
    if let Some(Given { word, .. }) = &attributes.from {
        errors.at(word, "keys do not migrate: `from` is for values");
    }
    if matches!(container.codec, Codec::Arch | Codec::Str | Codec::Bytes) {
        return;
    }
    for field in container.fields() {
        let words = &field.attributes;
        if let Some(Given { word, .. }) = &words.skip {
            errors.at(word, "a key cannot skip a field: keys that differ there would be one");
        }
        for (word, name) in [
            (words.since.as_ref().map(|given| &given.word), "since"),
            (words.default.as_ref().map(|given| &given.word), "default"),
        ] {
            if let Some(word) = word {
                errors.at(word, format!("keys do not change: `{name}` is for values"));
            }
        }
        if !field.is_skipped() {
            let stored = words.with.as_ref().map_or(&field.ty, |given| &given.value);
            if let Some((segment, why)) = spelled::refused_in_keys(stored) {
                errors.at(segment, why);
            }
        }
    }
}

fn one_lifetime(container: &Container, errors: &mut Errors) {
    for extra in container.generics.lifetimes().skip(1) {
        errors.at(&extra.lifetime, "a stored type has at most one lifetime: that of all it borrows");
    }
    if let Some(lifetime) = container.lifetime()
        && container.codec == Codec::Native
    {
        errors.at(lifetime, "`codec = native` stores memory as it is, and a borrow would be stored as an address");
    }
}

fn version_from_one(container: &Container, errors: &mut Errors) {
    if let Some(Given { word, value: 0 }) = &container.attributes.version {
        errors.at(word, "versions begin with 1");
    }
}

fn codec_fits(container: &Container, errors: &mut Errors) {
    let Some(Given { word, .. }) = &container.attributes.codec else { return };
    let codec = container.codec;
    match &container.body {
        Body::Enum(_) if !matches!(codec, Codec::Record | Codec::Arch) => {
            errors
                .at(word, format!("`codec = {}` is for structs; enums are stored as `record` or `arch`", codec.name()));
        }
        Body::Struct(fields) => match codec {
            Codec::Native if !container.has_repr("C") && !container.has_repr("transparent") => {
                let message = "`codec = native` needs a memory layout that does not change: add `#[repr(C)]`";
                errors.at(&container.ident, message);
            }
            Codec::Transparent | Codec::Str | Codec::Bytes => {
                let count = fields.all.iter().filter(|field| !field.phantom).count();
                if count != 1 {
                    let message =
                        format!("`codec = {}` is for structs with one field, this one has {count}", codec.name());
                    errors.at(word, message);
                }
            }
            _ => {}
        },
        Body::Enum(_) => {}
    }
}

fn view_words(container: &Container, errors: &mut Errors) {
    let attributes = &container.attributes;
    let generated = matches!(container.codec, Codec::Record | Codec::Transparent);
    for word in
        [attributes.view.as_ref().map(|given| &given.word), attributes.view_derive.as_ref().map(|given| &given.word)]
    {
        if let Some(word) = word.filter(|_| !generated) {
            let codec = container.codec.name();
            errors.at(word, format!("`codec = {codec}` makes no view type, so `{word}` has no meaning here"));
        }
    }
    let Some(Given { word, value: view }) = &attributes.view else {
        if let Some(Given { word, .. }) =
            attributes.view_derive.as_ref().filter(|_| generated && container.is_own_view())
        {
            errors.at(word, "this type is its own view: put the derives on the type");
        }
        return;
    };
    if *view == container.ident {
        errors.at(view, "the view needs a name of its own; `view = Self` says that the type is its own view");
    }
    if view == "Self" && attributes.view_derive.is_some() {
        errors.at(word, "with `view = Self` there is no view type to derive for: put the derives on the type");
    }
    if view == "Self" && generated {
        for field in container.fields().filter(|field| !field.phantom && field.attributes.with.is_none()) {
            if let Some((owned, read)) = spelled::read_as_borrowed(&field.ty) {
                let message =
                    format!("with `view = Self` reading gives the type itself, and `{owned}` is read as {read}");
                errors.at(&field.ty, message);
            }
        }
    }
}

fn discriminants(container: &Container, variants: &[Variant], errors: &mut Errors) {
    if variants.is_empty() {
        errors.at(&container.ident, "an enum without variants has no value to store");
    }
    if container.codec != Codec::Record {
        return;
    }
    let integers = ["u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize"];
    if let Some(word) = container.repr.iter().find(|word| integers.contains(&&*word.to_string())) {
        errors.at(word, "discriminants are stored as `u8`, `u16` or `u32`: use one of these as `repr`");
        return;
    }
    if variants.iter().all(|variant| variant.fields.all.is_empty()) {
        return;
    }
    if container.tag_repr().is_none() {
        let message = "an enum with data needs `#[repr(u8)]` (or `u16`, `u32`) and a number for each variant, \
                       so that reordering them does not change stored data";
        errors.at(&container.ident, message);
    } else {
        for variant in variants.iter().filter(|variant| !variant.explicit) {
            let message =
                "a variant of an enum with data needs a number (`= 1`), so that reordering does not change stored data";
            errors.at(&variant.ident, message);
        }
    }
}

/// Also because `A + B` cannot stand where a type is asked for its codec.
fn no_trait_object(field: &Field, errors: &mut Errors) {
    for ty in [Some(&field.ty), field.attributes.with.as_ref().map(|given| &given.value)].into_iter().flatten() {
        if matches!(ty, Type::TraitObject(_) | Type::ImplTrait(_)) {
            errors.at(ty, "a trait object does not say what is stored; use an enum, or a type of its own");
        }
    }
}

fn field_words(container: &Container, field: &Field, errors: &mut Errors) {
    let words = &field.attributes;
    let given: [(&str, Option<&Ident>); 5] = [
        ("with", words.with.as_ref().map(|given| &given.word)),
        ("rename", words.rename.as_ref().map(|given| &given.word)),
        ("skip", words.skip.as_ref().map(|given| &given.word)),
        ("since", words.since.as_ref().map(|given| &given.word)),
        ("default", words.default.as_ref().map(|given| &given.word)),
    ];
    let meaningful: &[&str] = match container.codec {
        Codec::Record => &["with", "rename", "skip", "since", "default"],
        Codec::Native => &["rename"],
        Codec::Transparent => &["with"],
        Codec::Str | Codec::Bytes | Codec::Arch => &[],
    };
    let codec = container.codec.name();
    for (name, word) in given {
        if let Some(word) = word.filter(|_| !meaningful.contains(&name)) {
            let message = match container.attributes.codec {
                Some(_) => format!("`{name}` has no meaning with `codec = {codec}`"),
                None => {
                    format!("`{name}` has no meaning in a newtype, which is stored as its field; add `codec = record`")
                }
            };
            errors.at(word, message);
        }
    }
    if container.codec != Codec::Record {
        return;
    }
    if words.skip.is_some() {
        for (name, word) in given.into_iter().filter(|(name, _)| ["with", "rename", "since"].contains(name)) {
            if let Some(word) = word {
                errors.at(word, format!("a field that is skipped is not stored, so `{name}` has no meaning"));
            }
        }
    }
    match (&words.since, &words.default) {
        (Some(Given { word, .. }), None) => {
            errors.at(word, "`since` needs `default`: what the field is in values that were stored before");
        }
        (None, Some(Given { word, .. })) if words.skip.is_none() && !field.phantom => {
            errors.at(word, "`default` needs `since = N` (a field added in version N) or `skip` (a field not stored)");
        }
        _ => {}
    }
}

fn not_itself(container: &Container, field: &Field, errors: &mut Errors) {
    let by_field = matches!(container.codec, Codec::Record | Codec::Transparent);
    if by_field
        && field.attributes.with.is_none()
        && !field.is_skipped()
        && spelled::contains(&field.ty, &container.ident)
    {
        let name = &container.ident;
        errors.at(&field.ty, format!("`{name}` contains itself: only `codec = arch` stores recursive types"));
    }
}

/// Fields that were added later stand at the end, in order of their versions, and never later than the type's.
fn since(container: &Container, errors: &mut Errors) {
    let Body::Struct(fields) = &container.body else {
        for field in container.fields() {
            if let Some(Given { word, .. }) = &field.attributes.since {
                errors.at(word, "fields can be added to structs; for an enum, add a variant or use `from = OldType`");
            }
        }
        return;
    };
    let mut newest = 1;
    for field in fields.stored() {
        let Some(Given { word, value }) = &field.attributes.since else {
            if newest > 1 && field.attributes.default.is_none() {
                errors.at(&field.member, "fields without `since` come before those that were added later");
            }
            continue;
        };
        if *value < 2 {
            errors.at(word, "a field is added in version 2 or later");
        } else if *value > container.version() {
            let message = format!("the type is in version {}: raise it with `version = {value}`", container.version());
            errors.at(word, message);
        } else if *value < newest {
            errors.at(
                word,
                format!("fields stand in the order of their versions, and the one before came with {newest}"),
            );
        }
        newest = newest.max(*value);
    }
}

fn distinct<'n, T: ToTokens>(names: impl Iterator<Item = (&'n String, T)>, what: &str, errors: &mut Errors) {
    let mut seen = HashMap::new();
    for (name, place) in names {
        let span = place.to_token_stream().span();
        if let Some(first) = seen.insert(name, span) {
            errors.at_span(span, format!("two {what} are stored as `{name}`"));
            errors.at_span(first, "the first one is here");
        }
    }
}

fn bodies(container: &Container) -> Vec<&Fields> {
    match &container.body {
        Body::Struct(fields) => vec![fields],
        Body::Enum(variants) => variants.iter().map(|variant| &variant.fields).collect(),
    }
}
