//! `Clone`, `Copy`, `Debug`, `PartialEq` of a view with fields whose own traits are not known here, and `into_owned`.
//!
//! A `derive` would demand of every field what one of them may lack. Invariant: each impl holds exactly where all fields
//! of that kind have the trait.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Ident, Lifetime, ext::IdentExt};

use super::{
    header::Header,
    parts::{ShapeOf, binding, view_member},
    view::{Generated, view_of},
};
use crate::ast::Style;

pub(super) fn implement(header: &Header<'_>) -> TokenStream {
    let Some(view) = Generated::of(header) else { return TokenStream::new() };
    let owned = into_owned(header, &view);
    if header.projected_fields().next().is_none() {
        return owned;
    }
    let clone = with_trait(header, &view, &quote!(::core::clone::Clone), &clone(header, &view));
    let copy = with_trait(header, &view, &quote!(::core::marker::Copy), &TokenStream::new());
    let debug = with_trait(header, &view, &quote!(::core::fmt::Debug), &debug(header, &view));
    let eq = with_trait(header, &view, &quote!(::core::cmp::PartialEq), &eq(header, &view));
    quote!(#owned #clone #copy #debug #eq)
}

fn into_owned(header: &Header<'_>, view: &Generated<'_>) -> TokenStream {
    let (krate, vis, stored) = (header.krate, &header.container.vis, &header.stored);
    let lifetime = view.borrows.then(|| {
        let lifetime = &header.lifetime;
        quote!(#lifetime)
    });
    let parameters = header.parameters(lifetime.as_slice());
    let (ty, bounds) = (view.ty(), header.bounds([]));
    let during = view.ty_during(&Lifetime::new("'__x", Span::call_site()));
    let doc = format!(" The [`{}`] itself, copied.", header.ident.unraw());
    // A method of the view would not know parameters that only skipped fields use.
    if !view.uses_all_parameters() {
        return TokenStream::new();
    }
    quote! {
        #[automatically_derived]
        #[allow(dead_code, private_bounds)]
        impl #parameters #ty #bounds {
            #[doc = #doc]
            ///
            /// # Errors
            ///
            /// If a part has no owned form.
            #[inline]
            #vis fn into_owned(self) -> #krate::Result<#stored>
            where
                for<'__x> #stored: #krate::codec::IntoOwned<Owned = #stored, View<'__x> = #during>,
            {
                <#stored as #krate::codec::IntoOwned>::into_owned(self)
            }
        }
    }
}

fn with_trait(header: &Header<'_>, view: &Generated<'_>, name: &TokenStream, body: &TokenStream) -> TokenStream {
    let of_fields = header.projected_fields().map(|field| {
        let ty = view_of(header, field).ty;
        quote!(#ty: #name)
    });
    let (parameters, ty, bounds) = (view.parameters(), view.ty(), view.bounds(of_fields));
    quote! {
        #[automatically_derived]
        impl #parameters #name for #ty #bounds {
            #body
        }
    }
}

fn clone(header: &Header<'_>, view: &Generated<'_>) -> TokenStream {
    let arms = header.parts.shapes.iter().map(|shape| {
        let pattern = pattern(shape, &view.ident, "field");
        let copy = shape.view(&view.ident, |at, _| {
            let field = binding("field", at);
            quote!(::core::clone::Clone::clone(#field))
        });
        quote!(#pattern => #copy)
    });
    quote! {
        #[inline]
        fn clone(&self) -> Self {
            match self {
                #(#arms,)*
            }
        }
    }
}

fn debug(header: &Header<'_>, view: &Generated<'_>) -> TokenStream {
    let arms = header.parts.shapes.iter().map(|shape| {
        let (pattern, style) = (pattern(shape, &view.ident, "field"), shape.fields.style);
        let name = shape.variant.unwrap_or(&view.ident).unraw().to_string();
        let fields = shape.stored().enumerate().map(|(at, field)| {
            let value = binding("field", at);
            match style {
                Style::Named => {
                    let member = view_member(style, at, field);
                    let member = quote!(#member).to_string();
                    let member = member.trim_start_matches("r#");
                    quote!(::core::fmt::DebugStruct::field(&mut shown, #member, #value);)
                }
                _ => quote!(::core::fmt::DebugTuple::field(&mut shown, #value);),
            }
        });
        let (open, finish) = match style {
            Style::Named => (quote!(debug_struct), quote!(DebugStruct)),
            _ => (quote!(debug_tuple), quote!(DebugTuple)),
        };
        quote! {
            #pattern => {
                let mut shown = ::core::fmt::Formatter::#open(f, #name);
                #(#fields)*
                ::core::fmt::#finish::finish(&mut shown)
            }
        }
    });
    quote! {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            match self {
                #(#arms)*
            }
        }
    }
}

fn eq(header: &Header<'_>, view: &Generated<'_>) -> TokenStream {
    let shapes = &header.parts.shapes;
    let arms = shapes.iter().map(|shape| {
        let (ours, theirs) = (pattern(shape, &view.ident, "field"), pattern(shape, &view.ident, "other"));
        let fields = (0..shape.stored().count()).map(|at| {
            let (ours, theirs) = (binding("field", at), binding("other", at));
            quote!(::core::cmp::PartialEq::eq(#ours, #theirs))
        });
        quote!((#ours, #theirs) => true #(&& #fields)*)
    });
    let rest = (shapes.len() > 1).then(|| quote!(_ => false,));
    quote! {
        #[inline]
        fn eq(&self, other: &Self) -> bool {
            match (self, other) {
                #(#arms,)*
                #rest
            }
        }
    }
}

fn pattern(shape: &ShapeOf<'_>, view: &Ident, prefix: &str) -> TokenStream {
    shape.view(view, |at, _| {
        let binding = binding(prefix, at);
        quote!(#binding)
    })
}
