//! What is emitted beside errors: impls that say nothing, so that one mistake is not followed by others.
//!
//! Knows only the type's name and parameters. Invariant: it always compiles, and never runs, since the errors stop the
//! build.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{DeriveInput, GenericParam};

use crate::expand::{angled, declaration};

/// A value that is its own view.
pub(crate) fn value(input: &DeriveInput, krate: &TokenStream) -> TokenStream {
    let (parameters, stored, bounds) = head(input);
    let query = angled([quote!('__q), quote!(__Q: ?::core::marker::Sized)].into_iter().chain(declarations(input)));
    let never = quote!(::core::unimplemented!("the derive failed"));
    quote! {
        #[automatically_derived]
        #[allow(unsafe_code)]
        unsafe impl #parameters #krate::codec::DiskValue for #stored #bounds {
            type View<'__a> = #stored;
            const SHAPE: #krate::codec::Shape = #krate::codec::Shape::Fixed { size: 0 };
            const SCHEMA: #krate::codec::Schema = #krate::codec::Schema::UNIT;

            fn validate(_: &[::core::primitive::u8]) -> ::core::result::Result<(), #krate::codec::Invalid> {
                #never
            }

            unsafe fn view(_: &[::core::primitive::u8]) -> #stored {
                #never
            }
        }

        #[automatically_derived]
        impl #query #krate::codec::Encode<__Q> for #stored #bounds {
            fn encoded_len(_: &__Q) -> #krate::Result<::core::primitive::usize> {
                #never
            }

            fn encode_into(_: &__Q, _: &mut [::core::primitive::u8]) -> #krate::Result<::core::primitive::usize> {
                #never
            }
        }

        #[automatically_derived]
        impl #parameters #krate::codec::IntoOwned for #stored #bounds {
            type Owned = #stored;

            fn into_owned(_: #stored) -> #krate::Result<#stored> {
                #never
            }
        }
    }
}

/// A key.
pub(crate) fn key(input: &DeriveInput, krate: &TokenStream) -> TokenStream {
    let (parameters, stored, bounds) = head(input);
    quote! {
        #[automatically_derived]
        impl #parameters #krate::codec::DiskKey for #stored #bounds {}
    }
}

fn head(input: &DeriveInput) -> (TokenStream, TokenStream, TokenStream) {
    let ident = &input.ident;
    let arguments = angled(input.generics.params.iter().map(|param| match param {
        GenericParam::Lifetime(_) => quote!('static),
        GenericParam::Type(param) => param.ident.to_token_stream(),
        GenericParam::Const(param) => param.ident.to_token_stream(),
    }));
    let stored = quote!(#ident #arguments);
    let bounds = if input.generics.params.is_empty() { TokenStream::new() } else { quote!(where #stored: 'static) };
    (angled(declarations(input).into_iter()), stored, bounds)
}

fn declarations(input: &DeriveInput) -> Vec<TokenStream> {
    input.generics.params.iter().filter_map(declaration).collect()
}
