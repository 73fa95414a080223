#[automatically_derived]
#[allow(unsafe_code)]
unsafe impl ::diskmap::codec::DiskValue for UserId {
    type View<'a> = UserId;
    const SHAPE: ::diskmap::codec::Shape = const {
        ::diskmap::codec::record::Layout::of(
            &[<u64 as ::diskmap::codec::DiskValue>::SHAPE],
        )
    }
        .shape();
    const SCHEMA: ::diskmap::codec::Schema = ::diskmap::codec::Schema::named(
        "UserId",
        1,
        const { &<u64 as ::diskmap::codec::DiskValue>::SCHEMA },
    );
    #[inline]
    fn validate(
        bytes: &[::core::primitive::u8],
    ) -> ::core::result::Result<(), ::diskmap::codec::Invalid> {
        let mut checker = ::diskmap::codec::record::Checker::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[<u64 as ::diskmap::codec::DiskValue>::SHAPE],
                )
            },
            bytes,
        )?;
        checker.check::<u64>()?;
        ::core::result::Result::Ok(())
    }
    #[inline]
    unsafe fn view<'a>(bytes: &'a [::core::primitive::u8]) -> UserId {
        let mut viewer = ::diskmap::codec::record::Viewer::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[<u64 as ::diskmap::codec::DiskValue>::SHAPE],
                )
            },
            bytes,
        );
        let field_0 = unsafe { viewer.view::<u64>() };
        UserId { 0: field_0 }
    }
}
#[automatically_derived]
impl ::diskmap::codec::Encode<UserId> for UserId {
    #[inline]
    fn encoded_len(q: &UserId) -> ::diskmap::Result<::core::primitive::usize> {
        let mut measure = ::diskmap::codec::record::Measure::new(const {
            ::diskmap::codec::record::Layout::of(
                &[<u64 as ::diskmap::codec::DiskValue>::SHAPE],
            )
        });
        measure.add::<u64, _>(&q.0)?;
        ::core::result::Result::Ok(measure.finish())
    }
    #[inline]
    fn encode_into(
        q: &UserId,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        let mut writer = ::diskmap::codec::record::Writer::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[<u64 as ::diskmap::codec::DiskValue>::SHAPE],
                )
            },
            out,
        )?;
        writer.put::<u64, _>(&q.0)?;
        ::core::result::Result::Ok(writer.finish())
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &UserId,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <u64 as ::diskmap::codec::Encode<_>>::with_bytes(&q.0, f)
    }
}
#[automatically_derived]
impl<'__q, __Q: ?::core::marker::Sized> ::diskmap::codec::Encode<&'__q __Q> for UserId
where
    UserId: ::diskmap::codec::Encode<__Q>,
{
    #[inline]
    fn encoded_len(q: &&'__q __Q) -> ::diskmap::Result<::core::primitive::usize> {
        <UserId as ::diskmap::codec::Encode<__Q>>::encoded_len(*q)
    }
    #[inline]
    fn encode_into(
        q: &&'__q __Q,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <UserId as ::diskmap::codec::Encode<__Q>>::encode_into(*q, out)
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &&'__q __Q,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <UserId as ::diskmap::codec::Encode<__Q>>::with_bytes(*q, f)
    }
}
#[automatically_derived]
impl ::diskmap::codec::IntoOwned for UserId {
    type Owned = UserId;
    #[inline]
    fn into_owned(
        view: <UserId as ::diskmap::codec::DiskValue>::View<'_>,
    ) -> ::diskmap::Result<UserId> {
        ::core::result::Result::Ok(view)
    }
}
#[automatically_derived]
impl ::diskmap::codec::DiskKey for UserId {}
const _: fn() = || {
    #[allow(unused_imports)]
    use ::diskmap::codec::record::NotStored as _;
    ::diskmap::codec::record::KeyPart::<u64>::new().stored().assert_key();
};
