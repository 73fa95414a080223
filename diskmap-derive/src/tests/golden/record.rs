/// What reading a [`OrderKey`] from a map gives.
#[derive(
    ::core::clone::Clone,
    ::core::marker::Copy,
    ::core::fmt::Debug,
    ::core::cmp::PartialEq
)]
#[allow(dead_code, non_camel_case_types, private_bounds, clippy::all)]
pub struct OrderKeyView<'a> {
    /// The view of `tenant`.
    pub tenant: u32,
    /// The view of `sku`.
    pub sku: &'a ::core::primitive::str,
}
#[automatically_derived]
#[allow(dead_code, private_bounds)]
impl<'a> OrderKeyView<'a> {
    /// The [`OrderKey`] itself, copied.
    ///
    /// # Errors
    ///
    /// If a part has no owned form.
    #[inline]
    pub fn into_owned(self) -> ::diskmap::Result<OrderKey>
    where
        for<'__x> OrderKey: ::diskmap::codec::IntoOwned<
            Owned = OrderKey,
            View<'__x> = OrderKeyView<'__x>,
        >,
    {
        <OrderKey as ::diskmap::codec::IntoOwned>::into_owned(self)
    }
}
#[automatically_derived]
#[allow(unsafe_code)]
unsafe impl ::diskmap::codec::DiskValue for OrderKey {
    type View<'a> = OrderKeyView<'a>;
    const SHAPE: ::diskmap::codec::Shape = const {
        ::diskmap::codec::record::Layout::of(
            &[
                <u32 as ::diskmap::codec::DiskValue>::SHAPE,
                <String as ::diskmap::codec::DiskValue>::SHAPE,
            ],
        )
    }
        .shape();
    const SCHEMA: ::diskmap::codec::Schema = ::diskmap::codec::Schema::record(
        "shop.OrderKey",
        1,
        const {
            &[
                ::diskmap::codec::Field::new(
                    "tenant",
                    <u32 as ::diskmap::codec::DiskValue>::SCHEMA,
                ),
                ::diskmap::codec::Field::new(
                    "sku",
                    <String as ::diskmap::codec::DiskValue>::SCHEMA,
                ),
            ]
        },
    );
    #[inline]
    fn validate(
        bytes: &[::core::primitive::u8],
    ) -> ::core::result::Result<(), ::diskmap::codec::Invalid> {
        let mut checker = ::diskmap::codec::record::Checker::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <u32 as ::diskmap::codec::DiskValue>::SHAPE,
                        <String as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            bytes,
        )?;
        checker.check::<u32>()?;
        checker.check::<String>()?;
        ::core::result::Result::Ok(())
    }
    #[inline]
    unsafe fn view<'a>(bytes: &'a [::core::primitive::u8]) -> OrderKeyView<'a> {
        let mut viewer = ::diskmap::codec::record::Viewer::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <u32 as ::diskmap::codec::DiskValue>::SHAPE,
                        <String as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            bytes,
        );
        let field_0 = unsafe { viewer.view::<u32>() };
        let field_1 = unsafe { viewer.view::<String>() };
        OrderKeyView {
            tenant: field_0,
            sku: field_1,
        }
    }
}
#[automatically_derived]
impl ::diskmap::codec::Encode<OrderKey> for OrderKey {
    #[inline]
    fn encoded_len(q: &OrderKey) -> ::diskmap::Result<::core::primitive::usize> {
        let mut measure = ::diskmap::codec::record::Measure::new(const {
            ::diskmap::codec::record::Layout::of(
                &[
                    <u32 as ::diskmap::codec::DiskValue>::SHAPE,
                    <String as ::diskmap::codec::DiskValue>::SHAPE,
                ],
            )
        });
        measure.add::<u32, _>(&q.tenant)?;
        measure.add::<String, _>(&q.sku)?;
        ::core::result::Result::Ok(measure.finish())
    }
    #[inline]
    fn encode_into(
        q: &OrderKey,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        let mut writer = ::diskmap::codec::record::Writer::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <u32 as ::diskmap::codec::DiskValue>::SHAPE,
                        <String as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            out,
        )?;
        writer.put::<u32, _>(&q.tenant)?;
        writer.put::<String, _>(&q.sku)?;
        ::core::result::Result::Ok(writer.finish())
    }
}
#[automatically_derived]
impl<'a> ::diskmap::codec::Encode<OrderKeyView<'a>> for OrderKey {
    #[inline]
    fn encoded_len(q: &OrderKeyView<'a>) -> ::diskmap::Result<::core::primitive::usize> {
        let mut measure = ::diskmap::codec::record::Measure::new(const {
            ::diskmap::codec::record::Layout::of(
                &[
                    <u32 as ::diskmap::codec::DiskValue>::SHAPE,
                    <String as ::diskmap::codec::DiskValue>::SHAPE,
                ],
            )
        });
        measure.add::<u32, _>(&q.tenant)?;
        measure.add::<String, _>(&q.sku)?;
        ::core::result::Result::Ok(measure.finish())
    }
    #[inline]
    fn encode_into(
        q: &OrderKeyView<'a>,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        let mut writer = ::diskmap::codec::record::Writer::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <u32 as ::diskmap::codec::DiskValue>::SHAPE,
                        <String as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            out,
        )?;
        writer.put::<u32, _>(&q.tenant)?;
        writer.put::<String, _>(&q.sku)?;
        ::core::result::Result::Ok(writer.finish())
    }
}
#[automatically_derived]
impl<'__q, __Q: ?::core::marker::Sized> ::diskmap::codec::Encode<&'__q __Q> for OrderKey
where
    OrderKey: ::diskmap::codec::Encode<__Q>,
{
    #[inline]
    fn encoded_len(q: &&'__q __Q) -> ::diskmap::Result<::core::primitive::usize> {
        <OrderKey as ::diskmap::codec::Encode<__Q>>::encoded_len(*q)
    }
    #[inline]
    fn encode_into(
        q: &&'__q __Q,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <OrderKey as ::diskmap::codec::Encode<__Q>>::encode_into(*q, out)
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &&'__q __Q,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <OrderKey as ::diskmap::codec::Encode<__Q>>::with_bytes(*q, f)
    }
}
#[automatically_derived]
impl ::diskmap::codec::IntoOwned for OrderKey {
    type Owned = OrderKey;
    #[inline]
    fn into_owned(
        view: <OrderKey as ::diskmap::codec::DiskValue>::View<'_>,
    ) -> ::diskmap::Result<OrderKey> {
        match view {
            OrderKeyView { tenant: field_0, sku: field_1 } => {
                ::core::result::Result::Ok(OrderKey {
                    tenant: <u32 as ::diskmap::codec::IntoOwned>::into_owned(field_0)?,
                    sku: <String as ::diskmap::codec::IntoOwned>::into_owned(field_1)?,
                })
            }
        }
    }
}
#[automatically_derived]
impl ::diskmap::codec::DiskKey for OrderKey {}
const _: fn() = || {
    #[allow(unused_imports)]
    use ::diskmap::codec::record::NotStored as _;
    ::diskmap::codec::record::KeyPart::<u32>::new().stored().assert_key();
    ::diskmap::codec::record::KeyPart::<String>::new().stored().assert_key();
};
