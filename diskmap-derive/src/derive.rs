//! The two derives from tokens to tokens: parse, read, check, then expand or fall back.
//!
//! Knows the order of the rooms and nothing of what is in them. Invariant: any tokens give tokens; what is wrong with
//! them is in there as `compile_error!`, all of it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::{ast::Container, check, errors::Errors, expand, fallback};

/// `#[derive(DiskValue)]`
pub(crate) fn value(input: TokenStream) -> TokenStream {
    let input = match syn::parse2::<DeriveInput>(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Errors::default();
    let container = Container::read(&input, &mut errors);
    if let Some(container) = &container {
        check::value(container, &mut errors);
    }
    match (container, errors.finish()) {
        (Some(container), Ok(())) => expand::value(&container),
        (container, errors) => beside(errors, fallback::value(&input, &krate(container.as_ref()))),
    }
}

/// `#[derive(DiskKey)]`. What is wrong with the type as a value is left to the other derive.
pub(crate) fn key(input: TokenStream) -> TokenStream {
    let Ok(input) = syn::parse2::<DeriveInput>(input) else { return TokenStream::new() };
    let (mut of_value, mut of_key) = (Errors::default(), Errors::default());
    let container = Container::read(&input, &mut of_value);
    if let Some(container) = &container {
        check::value(container, &mut of_value);
        check::key(container, &mut of_key);
    }
    match (container, of_value.finish(), of_key.finish()) {
        (Some(container), Ok(()), Ok(())) => expand::key(&container),
        (container, _, errors) => beside(errors, fallback::key(&input, &krate(container.as_ref()))),
    }
}

fn krate(container: Option<&Container>) -> TokenStream {
    container.map_or_else(|| quote!(::diskmap), |container| container.krate.clone())
}

fn beside(errors: syn::Result<()>, stub: TokenStream) -> TokenStream {
    let errors = errors.err().map(syn::Error::into_compile_error);
    quote!(#errors #stub)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs that make no sense, as far as the compiler hands them to derives at all.
    const ODD: [&str; 23] = [
        "",
        "fn f() {}",
        "struct",
        "union U { a: u8 }",
        "enum E {}",
        "#[diskmap(codec = arch)] enum E {}",
        "#[diskmap(codec = native)] enum E {}",
        "#[diskmap(codec = str)] struct S;",
        "#[diskmap(codec = bytes)] struct S();",
        "#[diskmap(codec = transparent)] enum E { A(u8), B }",
        "#[diskmap(codec = transparent)] struct S;",
        "#[diskmap(view = 5, crate = 7, from = , bound)] struct S<T>(T);",
        "#[diskmap(view = _, name = \"\", version = 99999999999)] struct S { a: String }",
        "#[diskmap(view = super)] struct S { a: String }",
        "#[diskmap(,,)] struct S { #[diskmap(=)] a: u8 }",
        "#[diskmap(view_derive(1), bound(T))] struct S<T> { a: T }",
        "#[repr(u8, u16)] enum E { A(u8) = 300, B(u8) = -1, C(u8) = 4294967296, D(u8) = X + 1 }",
        "enum E { A = 4294967295, B }",
        "struct S<'a, 'b, const N: usize, T: ?Sized> { a: &'a &'b [T; N], b: fn(T) -> !, c: *const T, d: m!() }",
        "struct S { a: impl Copy, b: dyn Copy, c: _, d: (), e: !, f: [u8], g: [u8; { 1 + 1 }] }",
        "struct S { #[diskmap(skip, skip = 1, since, since = x, default = ,, with = 3, rename = b)] a: u8 }",
        "#[diskmap(view = Seen)] struct S { a: A + , b: dyn A + B, #[diskmap(with = C + D)] c: u8 }",
        "#[diskmap(version = 0)] struct S { #[diskmap(since = 0, default = {)})] a: u8, b: u8 }",
    ];

    #[test]
    fn odd_inputs_give_items() {
        for input in ODD {
            let Ok(tokens) = input.parse::<TokenStream>() else { continue };
            for output in [value(tokens.clone()), key(tokens)] {
                let items = syn::parse2::<syn::File>(output.clone());
                assert!(items.is_ok(), "{input}: {output}");
            }
        }
    }

    #[test]
    fn keys_are_told_only_what_is_wrong_with_keys() {
        let errors = |input: &str| key(input.parse().unwrap()).to_string().matches("compile_error").count();
        assert_eq!(errors("#[diskmap(codec = nativ)] struct S { a: u8 }"), 0);
        assert_eq!(errors("#[diskmap(version = 2, from = Old)] struct S { a: u8 }"), 1);
        assert_eq!(errors("#[diskmap(version = 2)] struct S { a: u8, #[diskmap(since = 2, default)] b: u8 }"), 2);
        assert_eq!(errors("#[diskmap(codec = nativ)] struct S { #[diskmap(skip)] a: u8, b: f32 }"), 2);
    }
}
