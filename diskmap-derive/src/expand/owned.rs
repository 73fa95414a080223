//! `IntoOwned`: from the view back to the user's type.
//!
//! Knows views only as what reading gives. Invariant: it exists exactly where each field can be made from what its codec
//! gives; a type with a field that cannot is still a value.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    header::Header,
    parts::{ShapeOf, binding},
    view::Generated,
};
use crate::{ast::Field, spelled};

pub(super) fn implement(header: &Header<'_>) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let fields = header.container.fields().filter(|field| !field.is_skipped());
    let conditions = fields.flat_map(|field| conditions(header, field));
    let (parameters, bounds) = (header.parameters(&[]), header.bounds_if(conditions));
    let body = match Generated::of(header) {
        None if header.container.lifetime().is_some() => return TokenStream::new(),
        None => quote!(::core::result::Result::Ok(view)),
        Some(view) => {
            let arms = header.parts.shapes.iter().map(|shape| arm(header, shape, &view));
            quote! {
                match view {
                    #(#arms,)*
                }
            }
        }
    };
    quote! {
        #[automatically_derived]
        impl #parameters #krate::codec::IntoOwned for #stored #bounds {
            type Owned = #stored;

            #[inline]
            fn into_owned(view: <#stored as #krate::codec::DiskValue>::View<'_>) -> #krate::Result<#stored> {
                #body
            }
        }
    }
}

fn arm(header: &Header<'_>, shape: &ShapeOf<'_>, view: &Generated<'_>) -> TokenStream {
    let krate = header.krate;
    let pattern = shape.view(&view.ident, |at, _| {
        let binding = binding("field", at);
        quote!(#binding)
    });
    let built = shape.build(header.ident, |at, field| {
        let (codec, binding) = (&field.codec, binding("field", at));
        let owned = quote_spanned!(field.span()=> <#codec as #krate::codec::IntoOwned>::into_owned(#binding)?);
        if is_converted(field) { quote!(::core::convert::From::from(#owned)) } else { owned }
    });
    quote!(#pattern => ::core::result::Result::Ok(#built))
}

/// What must be true of a field whose codec is not known here. `for<'__x>` makes that a question instead of a claim.
fn conditions(header: &Header<'_>, field: &Field) -> Vec<TokenStream> {
    let krate = header.krate;
    let (codec, ty) = (&field.codec, spelled::unborrowed(&field.ty));
    let projected = spelled::view(codec, &header.lifetime, krate).projected;
    let owned = quote!(<#codec as #krate::codec::IntoOwned>::Owned);
    match (projected, is_converted(field)) {
        (false, false) => Vec::new(),
        (true, false) => vec![quote!(for<'__x> #codec: #krate::codec::IntoOwned<Owned = #ty>)],
        (projected, true) => {
            let readable = projected.then(|| quote!(for<'__x> #codec: #krate::codec::IntoOwned));
            readable.into_iter().chain([quote!(for<'__x> #ty: ::core::convert::From<#owned>)]).collect()
        }
    }
}

/// Whether the codec gives another type than the field has.
fn is_converted(field: &Field) -> bool {
    field.attributes.with.is_some() || spelled::has_lifetime(&field.ty)
}
