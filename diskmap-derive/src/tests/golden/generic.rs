/// What reading a [`Pair`] from a map gives.
#[allow(dead_code, non_camel_case_types, private_bounds, clippy::all)]
struct PairView<'a, K: Clone, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
{
    /// The view of `key`.
    key: <K as ::diskmap::codec::DiskValue>::View<'a>,
    /// The view of `value`.
    value: <Option<V> as ::diskmap::codec::DiskValue>::View<'a>,
}
#[automatically_derived]
#[allow(dead_code, private_bounds)]
impl<'a, K: Clone, V> PairView<'a, K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
{
    /// The [`Pair`] itself, copied.
    ///
    /// # Errors
    ///
    /// If a part has no owned form.
    #[inline]
    fn into_owned(self) -> ::diskmap::Result<Pair<K, V>>
    where
        for<'__x> Pair<
            K,
            V,
        >: ::diskmap::codec::IntoOwned<
            Owned = Pair<K, V>,
            View<'__x> = PairView<'__x, K, V>,
        >,
    {
        <Pair<K, V> as ::diskmap::codec::IntoOwned>::into_owned(self)
    }
}
#[automatically_derived]
impl<'a, K: Clone, V> ::core::clone::Clone for PairView<'a, K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
    <K as ::diskmap::codec::DiskValue>::View<'a>: ::core::clone::Clone,
    <Option<V> as ::diskmap::codec::DiskValue>::View<'a>: ::core::clone::Clone,
{
    #[inline]
    fn clone(&self) -> Self {
        match self {
            PairView { key: field_0, value: field_1 } => {
                PairView {
                    key: ::core::clone::Clone::clone(field_0),
                    value: ::core::clone::Clone::clone(field_1),
                }
            }
        }
    }
}
#[automatically_derived]
impl<'a, K: Clone, V> ::core::marker::Copy for PairView<'a, K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
    <K as ::diskmap::codec::DiskValue>::View<'a>: ::core::marker::Copy,
    <Option<V> as ::diskmap::codec::DiskValue>::View<'a>: ::core::marker::Copy,
{}
#[automatically_derived]
impl<'a, K: Clone, V> ::core::fmt::Debug for PairView<'a, K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
    <K as ::diskmap::codec::DiskValue>::View<'a>: ::core::fmt::Debug,
    <Option<V> as ::diskmap::codec::DiskValue>::View<'a>: ::core::fmt::Debug,
{
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        match self {
            PairView { key: field_0, value: field_1 } => {
                let mut shown = ::core::fmt::Formatter::debug_struct(f, "PairView");
                ::core::fmt::DebugStruct::field(&mut shown, "key", field_0);
                ::core::fmt::DebugStruct::field(&mut shown, "value", field_1);
                ::core::fmt::DebugStruct::finish(&mut shown)
            }
        }
    }
}
#[automatically_derived]
impl<'a, K: Clone, V> ::core::cmp::PartialEq for PairView<'a, K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
    <K as ::diskmap::codec::DiskValue>::View<'a>: ::core::cmp::PartialEq,
    <Option<V> as ::diskmap::codec::DiskValue>::View<'a>: ::core::cmp::PartialEq,
{
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                PairView { key: field_0, value: field_1 },
                PairView { key: other_0, value: other_1 },
            ) => {
                true && ::core::cmp::PartialEq::eq(field_0, other_0)
                    && ::core::cmp::PartialEq::eq(field_1, other_1)
            }
        }
    }
}
#[automatically_derived]
#[allow(unsafe_code)]
unsafe impl<K: Clone, V> ::diskmap::codec::DiskValue for Pair<K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
{
    type View<'a> = PairView<'a, K, V>;
    const SHAPE: ::diskmap::codec::Shape = const {
        ::diskmap::codec::record::Layout::of(
            &[
                <K as ::diskmap::codec::DiskValue>::SHAPE,
                <Option<V> as ::diskmap::codec::DiskValue>::SHAPE,
            ],
        )
    }
        .shape();
    const SCHEMA: ::diskmap::codec::Schema = ::diskmap::codec::Schema::record(
        "Pair",
        1,
        const {
            &[
                ::diskmap::codec::Field::new(
                    "key",
                    <K as ::diskmap::codec::DiskValue>::SCHEMA,
                ),
                ::diskmap::codec::Field::new(
                    "value",
                    <Option<V> as ::diskmap::codec::DiskValue>::SCHEMA,
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
                        <K as ::diskmap::codec::DiskValue>::SHAPE,
                        <Option<V> as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            bytes,
        )?;
        checker.check::<K>()?;
        checker.check::<Option<V>>()?;
        ::core::result::Result::Ok(())
    }
    #[inline]
    unsafe fn view<'a>(bytes: &'a [::core::primitive::u8]) -> PairView<'a, K, V> {
        let mut viewer = ::diskmap::codec::record::Viewer::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <K as ::diskmap::codec::DiskValue>::SHAPE,
                        <Option<V> as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            bytes,
        );
        let field_0 = unsafe { viewer.view::<K>() };
        let field_1 = unsafe { viewer.view::<Option<V>>() };
        PairView {
            key: field_0,
            value: field_1,
        }
    }
}
#[automatically_derived]
impl<K: Clone, V> ::diskmap::codec::Encode<Pair<K, V>> for Pair<K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
    K: ::diskmap::codec::Encode<K>,
    Option<V>: ::diskmap::codec::Encode<Option<V>>,
{
    #[inline]
    fn encoded_len(q: &Pair<K, V>) -> ::diskmap::Result<::core::primitive::usize> {
        let mut measure = ::diskmap::codec::record::Measure::new(const {
            ::diskmap::codec::record::Layout::of(
                &[
                    <K as ::diskmap::codec::DiskValue>::SHAPE,
                    <Option<V> as ::diskmap::codec::DiskValue>::SHAPE,
                ],
            )
        });
        measure.add::<K, _>(&q.key)?;
        measure.add::<Option<V>, _>(&q.value)?;
        ::core::result::Result::Ok(measure.finish())
    }
    #[inline]
    fn encode_into(
        q: &Pair<K, V>,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        let mut writer = ::diskmap::codec::record::Writer::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <K as ::diskmap::codec::DiskValue>::SHAPE,
                        <Option<V> as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            out,
        )?;
        writer.put::<K, _>(&q.key)?;
        writer.put::<Option<V>, _>(&q.value)?;
        ::core::result::Result::Ok(writer.finish())
    }
}
#[automatically_derived]
impl<'a, K: Clone, V> ::diskmap::codec::Encode<PairView<'a, K, V>> for Pair<K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
    for<'__x> K: ::diskmap::codec::Encode<
        <K as ::diskmap::codec::DiskValue>::View<'__x>,
    >,
    for<'__x> Option<
        V,
    >: ::diskmap::codec::Encode<<Option<V> as ::diskmap::codec::DiskValue>::View<'__x>>,
{
    #[inline]
    fn encoded_len(
        q: &PairView<'a, K, V>,
    ) -> ::diskmap::Result<::core::primitive::usize> {
        let mut measure = ::diskmap::codec::record::Measure::new(const {
            ::diskmap::codec::record::Layout::of(
                &[
                    <K as ::diskmap::codec::DiskValue>::SHAPE,
                    <Option<V> as ::diskmap::codec::DiskValue>::SHAPE,
                ],
            )
        });
        measure.add::<K, _>(&q.key)?;
        measure.add::<Option<V>, _>(&q.value)?;
        ::core::result::Result::Ok(measure.finish())
    }
    #[inline]
    fn encode_into(
        q: &PairView<'a, K, V>,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        let mut writer = ::diskmap::codec::record::Writer::new(
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <K as ::diskmap::codec::DiskValue>::SHAPE,
                        <Option<V> as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            out,
        )?;
        writer.put::<K, _>(&q.key)?;
        writer.put::<Option<V>, _>(&q.value)?;
        ::core::result::Result::Ok(writer.finish())
    }
}
#[automatically_derived]
impl<'__q, __Q: ?::core::marker::Sized, K: Clone, V> ::diskmap::codec::Encode<&'__q __Q>
for Pair<K, V>
where
    Pair<K, V>: ::diskmap::codec::Encode<__Q>,
{
    #[inline]
    fn encoded_len(q: &&'__q __Q) -> ::diskmap::Result<::core::primitive::usize> {
        <Pair<K, V> as ::diskmap::codec::Encode<__Q>>::encoded_len(*q)
    }
    #[inline]
    fn encode_into(
        q: &&'__q __Q,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <Pair<K, V> as ::diskmap::codec::Encode<__Q>>::encode_into(*q, out)
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &&'__q __Q,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <Pair<K, V> as ::diskmap::codec::Encode<__Q>>::with_bytes(*q, f)
    }
}
#[automatically_derived]
impl<K: Clone, V> ::diskmap::codec::IntoOwned for Pair<K, V>
where
    K: ::diskmap::codec::DiskValue,
    Option<V>: ::diskmap::codec::DiskValue,
    for<'__x> K: ::diskmap::codec::IntoOwned<Owned = K>,
    for<'__x> Option<V>: ::diskmap::codec::IntoOwned,
    for<'__x> Option<
        V,
    >: ::core::convert::From<<Option<V> as ::diskmap::codec::IntoOwned>::Owned>,
{
    type Owned = Pair<K, V>;
    #[inline]
    fn into_owned(
        view: <Pair<K, V> as ::diskmap::codec::DiskValue>::View<'_>,
    ) -> ::diskmap::Result<Pair<K, V>> {
        match view {
            PairView { key: field_0, value: field_1 } => {
                ::core::result::Result::Ok(Pair {
                    key: <K as ::diskmap::codec::IntoOwned>::into_owned(field_0)?,
                    value: ::core::convert::From::from(
                        <Option<V> as ::diskmap::codec::IntoOwned>::into_owned(field_1)?,
                    ),
                })
            }
        }
    }
}
#[automatically_derived]
impl<K: Clone, V> ::diskmap::codec::DiskKey for Pair<K, V>
where
    Pair<K, V>: ::diskmap::codec::DiskValue,
    K: ::diskmap::codec::DiskKey,
    Option<V>: ::diskmap::codec::DiskKey,
{}
