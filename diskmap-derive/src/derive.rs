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
