//! `Encode` of types stored field by field: of the type itself, of its view, and of references to both.
//!
//! Knows layouts only through `codec::record`. Invariant: all three write the same bytes for equal values.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    header::{Header, query, where_all},
    parts::{ShapeOf, Tag, binding, view_member},
    view::Generated,
};
use crate::{ast::Field, attr::Codec};

pub(super) fn implement(header: &Header<'_>) -> TokenStream {
    let own = of_type(header);
    let view = Generated::of(header).map(|view| of_view(header, &view));
    let reference = of_reference(header);
    quote!(#own #view #reference)
}

/// `Encode<&Q>` for each `Q` that the type takes.
pub(super) fn of_reference(header: &Header<'_>) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let query = query();
    let parameters = header.parameters(&[quote!('__q), quote!(#query: ?::core::marker::Sized)]);
    let takes = quote!(#stored: #krate::codec::Encode<#query>);
    let bounds = where_all(header.own_predicates().into_iter().chain([takes]));
    quote! {
        #[automatically_derived]
        impl #parameters #krate::codec::Encode<&'__q #query> for #stored #bounds {
            #[inline]
            fn encoded_len(q: &&'__q #query) -> #krate::Result<::core::primitive::usize> {
                <#stored as #krate::codec::Encode<#query>>::encoded_len(*q)
            }

            #[inline]
            fn encode_into(q: &&'__q #query, out: &mut [::core::primitive::u8]) -> #krate::Result<::core::primitive::usize> {
                <#stored as #krate::codec::Encode<#query>>::encode_into(*q, out)
            }

            #[inline(always)]
            fn with_bytes<__R>(q: &&'__q #query, f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R) -> #krate::Result<__R> {
                <#stored as #krate::codec::Encode<#query>>::with_bytes(*q, f)
            }
        }
    }
}

fn of_type(header: &Header<'_>) -> TokenStream {
    let krate = header.krate;
    let fields = header.generic_fields().map(|field| {
        let (codec, ty) = (&field.codec, &field.ty);
        quote!(#codec: #krate::codec::Encode<#ty>)
    });
    let nested = header.projected_fields().filter(|field| field.attributes.with.is_none() && !header.is_generic(field));
    let asked = nested.map(|field| {
        let (codec, ty) = (&field.codec, &field.ty);
        quote!(for<'__x> #codec: #krate::codec::Encode<#ty>)
    });
    let bounds = header.bounds(fields.chain(asked));
    let source = Source {
        query: header.written.clone(),
        pattern: Box::new(|shape| shape.pattern(header.ident)),
        of_struct: Box::new(|_, _, field| {
            let member = &field.member;
            quote!(&q.#member)
        }),
    };
    implement_from(header, &source, &header.written_parameters(), &bounds)
}

fn of_view(header: &Header<'_>, view: &Generated<'_>) -> TokenStream {
    let krate = header.krate;
    let fields = header.projected_fields().map(|field| {
        let codec = &field.codec;
        quote!(for<'__x> #codec: #krate::codec::Encode<<#codec as #krate::codec::DiskValue>::View<'__x>>)
    });
    let bounds = header.bounds_if(fields);
    let lifetime = view.borrows.then(|| {
        let lifetime = &header.lifetime;
        quote!(#lifetime)
    });
    let source = Source {
        query: view.ty(),
        pattern: Box::new(|shape| {
            shape.view(&view.ident, |at, _| {
                let binding = binding("field", at);
                quote!(#binding)
            })
        }),
        of_struct: Box::new(|shape, at, field| {
            let member = view_member(shape.fields.style, at, field);
            quote!(&q.#member)
        }),
    };
    implement_from(header, &source, &header.parameters(lifetime.as_slice()), &bounds)
}

/// What is encoded: the type, or its view.
struct Source<'s> {
    query: TokenStream,
    /// How a variant is taken apart.
    pattern: Box<dyn Fn(&ShapeOf<'_>) -> TokenStream + 's>,
    /// How a struct's field is reached.
    of_struct: Box<dyn Fn(&ShapeOf<'_>, usize, &Field) -> TokenStream + 's>,
}

fn implement_from(
    header: &Header<'_>,
    source: &Source<'_>,
    parameters: &TokenStream,
    bounds: &TokenStream,
) -> TokenStream {
    let Header { krate, stored, .. } = header;
    let query = &source.query;
    let (len, into) = match &header.parts.tag {
        None => (len_of_struct(header, source), into_of_struct(header, source)),
        Some(tag) => (len_of_enum(header, source, tag), into_of_enum(header, source, tag)),
    };
    let with_bytes = (header.container.codec == Codec::Transparent).then(|| with_bytes(header, source));
    quote! {
        #[automatically_derived]
        impl #parameters #krate::codec::Encode<#query> for #stored #bounds {
            #[inline]
            fn encoded_len(q: &#query) -> #krate::Result<::core::primitive::usize> {
                #len
            }

            #[inline]
            fn encode_into(q: &#query, out: &mut [::core::primitive::u8]) -> #krate::Result<::core::primitive::usize> {
                #into
            }

            #with_bytes
        }
    }
}

fn len_of_struct(header: &Header<'_>, source: &Source<'_>) -> TokenStream {
    let krate = header.krate;
    let shape = &header.parts.shapes[0];
    let layout = shape.layout(None, krate);
    if shape.stored().next().is_none() {
        return quote! {
            let _ = q;
            ::core::result::Result::Ok(#krate::codec::record::Measure::new(#layout).finish())
        };
    }
    let adds = each(shape, |at, field| (source.of_struct)(shape, at, field), &quote!(measure.add));
    quote! {
        let mut measure = #krate::codec::record::Measure::new(#layout);
        #adds
        ::core::result::Result::Ok(measure.finish())
    }
}

fn into_of_struct(header: &Header<'_>, source: &Source<'_>) -> TokenStream {
    let krate = header.krate;
    let shape = &header.parts.shapes[0];
    let layout = shape.layout(None, krate);
    if shape.stored().next().is_none() {
        return quote! {
            let _ = q;
            ::core::result::Result::Ok(#krate::codec::record::Writer::new(#layout, out)?.finish())
        };
    }
    let puts = each(shape, |at, field| (source.of_struct)(shape, at, field), &quote!(writer.put));
    quote! {
        let mut writer = #krate::codec::record::Writer::new(#layout, out)?;
        #puts
        ::core::result::Result::Ok(writer.finish())
    }
}

fn len_of_enum(header: &Header<'_>, source: &Source<'_>, tag: &Tag) -> TokenStream {
    let (krate, stored) = (header.krate, &header.stored);
    let arms = header.parts.shapes.iter().map(|shape| {
        let (pattern, layout) = ((source.pattern)(shape), shape.layout(Some(tag), krate));
        let measured = match shape.stored().next() {
            None => quote!(#krate::codec::record::Measure::new(#layout)),
            Some(_) => {
                let adds = each(shape, bound, &quote!(measure.add));
                quote!({ let mut measure = #krate::codec::record::Measure::new(#layout); #adds measure })
            }
        };
        quote!(#pattern => #measured)
    });
    quote! {
        let measure = match q {
            #(#arms,)*
        };
        ::core::result::Result::Ok(measure.finish_variant(<#stored as #krate::codec::DiskValue>::SHAPE))
    }
}

fn into_of_enum(header: &Header<'_>, source: &Source<'_>, tag: &Tag) -> TokenStream {
    let (krate, stored, ty) = (header.krate, &header.stored, &tag.ty);
    let arms = header.parts.shapes.iter().map(|shape| {
        let (pattern, layout, number) =
            ((source.pattern)(shape), shape.layout(Some(tag), krate), tag.literal(shape.discriminant));
        let puts = each(shape, bound, &quote!(writer.put));
        quote! {
            #pattern => {
                let mut writer = #krate::codec::record::Writer::new(#layout, out)?;
                writer.put::<::core::primitive::#ty, ::core::primitive::#ty>(&#number)?;
                #puts
                writer
            }
        }
    });
    quote! {
        let writer = match q {
            #(#arms)*
        };
        writer.finish_variant(<#stored as #krate::codec::DiskValue>::SHAPE)
    }
}

/// A newtype's bytes are its field's, which may lie in memory already.
fn with_bytes(header: &Header<'_>, source: &Source<'_>) -> TokenStream {
    let krate = header.krate;
    let shape = &header.parts.shapes[0];
    let query = &source.query;
    let inner = shape.stored().enumerate().map(|(at, field)| {
        let (codec, value) = (&field.codec, (source.of_struct)(shape, at, field));
        quote_spanned!(field.span()=> <#codec as #krate::codec::Encode<_>>::with_bytes(#value, f))
    });
    quote! {
        #[inline(always)]
        fn with_bytes<__R>(q: &#query, f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R) -> #krate::Result<__R> {
            #(#inner)*
        }
    }
}

/// `step::<Codec, _>(&field)?;` for each field.
fn each(shape: &ShapeOf<'_>, value: impl Fn(usize, &Field) -> TokenStream, step: &TokenStream) -> TokenStream {
    let steps = shape.stored().enumerate().map(|(at, field)| {
        let (codec, value) = (&field.codec, value(at, field));
        quote_spanned!(field.span()=> #step::<#codec, _>(#value)?;)
    });
    quote!(#(#steps)*)
}

fn bound(at: usize, _: &Field) -> TokenStream {
    let binding = binding("field", at);
    quote!(#binding)
}
