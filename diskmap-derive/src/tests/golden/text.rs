#[automatically_derived]
#[allow(unsafe_code)]
unsafe impl ::diskmap::codec::DiskValue for Email {
    type View<'a> = &'a ::core::primitive::str;
    const SHAPE: ::diskmap::codec::Shape = <::diskmap::codec::Str as ::diskmap::codec::DiskValue>::SHAPE;
    const SCHEMA: ::diskmap::codec::Schema = ::diskmap::codec::Schema::named(
        "Email",
        1,
        const { &<::diskmap::codec::Str as ::diskmap::codec::DiskValue>::SCHEMA },
    );
    #[inline]
    fn validate(
        bytes: &[::core::primitive::u8],
    ) -> ::core::result::Result<(), ::diskmap::codec::Invalid> {
        <::diskmap::codec::Str as ::diskmap::codec::DiskValue>::validate(bytes)
    }
    #[inline]
    unsafe fn view<'a>(
        bytes: &'a [::core::primitive::u8],
    ) -> &'a ::core::primitive::str {
        unsafe { <::diskmap::codec::Str as ::diskmap::codec::DiskValue>::view(bytes) }
    }
}
#[automatically_derived]
impl ::diskmap::codec::Encode<Email> for Email {
    #[inline]
    fn encoded_len(q: &Email) -> ::diskmap::Result<::core::primitive::usize> {
        <::diskmap::codec::Str as ::diskmap::codec::Encode<
            ::core::primitive::str,
        >>::encoded_len(
            <Box<str> as ::core::convert::AsRef<::core::primitive::str>>::as_ref(&q.0),
        )
    }
    #[inline]
    fn encode_into(
        q: &Email,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <::diskmap::codec::Str as ::diskmap::codec::Encode<
            ::core::primitive::str,
        >>::encode_into(
            <Box<str> as ::core::convert::AsRef<::core::primitive::str>>::as_ref(&q.0),
            out,
        )
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &Email,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <::diskmap::codec::Str as ::diskmap::codec::Encode<
            ::core::primitive::str,
        >>::with_bytes(
            <Box<str> as ::core::convert::AsRef<::core::primitive::str>>::as_ref(&q.0),
            f,
        )
    }
}
#[automatically_derived]
impl ::diskmap::codec::Encode<::core::primitive::str> for Email {
    #[inline]
    fn encoded_len(
        q: &::core::primitive::str,
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <::diskmap::codec::Str as ::diskmap::codec::Encode<
            ::core::primitive::str,
        >>::encoded_len(q)
    }
    #[inline]
    fn encode_into(
        q: &::core::primitive::str,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <::diskmap::codec::Str as ::diskmap::codec::Encode<
            ::core::primitive::str,
        >>::encode_into(q, out)
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &::core::primitive::str,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <::diskmap::codec::Str as ::diskmap::codec::Encode<
            ::core::primitive::str,
        >>::with_bytes(q, f)
    }
}
#[automatically_derived]
impl<'__q, __Q: ?::core::marker::Sized> ::diskmap::codec::Encode<&'__q __Q> for Email
where
    Email: ::diskmap::codec::Encode<__Q>,
{
    #[inline]
    fn encoded_len(q: &&'__q __Q) -> ::diskmap::Result<::core::primitive::usize> {
        <Email as ::diskmap::codec::Encode<__Q>>::encoded_len(*q)
    }
    #[inline]
    fn encode_into(
        q: &&'__q __Q,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <Email as ::diskmap::codec::Encode<__Q>>::encode_into(*q, out)
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &&'__q __Q,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <Email as ::diskmap::codec::Encode<__Q>>::with_bytes(*q, f)
    }
}
#[automatically_derived]
impl ::diskmap::codec::IntoOwned for Email
where
    for<'__x> Box<
        str,
    >: ::core::convert::From<
        <::diskmap::codec::Str as ::diskmap::codec::IntoOwned>::Owned,
    >,
{
    type Owned = Email;
    #[inline]
    fn into_owned(
        view: <Email as ::diskmap::codec::DiskValue>::View<'_>,
    ) -> ::diskmap::Result<Email> {
        let owned = <::diskmap::codec::Str as ::diskmap::codec::IntoOwned>::into_owned(
            view,
        )?;
        ::core::result::Result::Ok(Email {
            0: ::core::convert::From::from(owned),
        })
    }
}
#[automatically_derived]
impl ::diskmap::codec::DiskKey for Email {}
