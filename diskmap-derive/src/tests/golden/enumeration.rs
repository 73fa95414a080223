/// What reading a [`Drawing`] from a map gives.
#[derive(
    ::core::clone::Clone,
    ::core::marker::Copy,
    ::core::fmt::Debug,
    ::core::cmp::PartialEq
)]
#[allow(dead_code, non_camel_case_types, private_bounds, clippy::all)]
enum DrawingView<'a> {
    ///Of [`Drawing::Dot`].
    Dot,
    ///Of [`Drawing::Circle`].
    Circle {
        /// The view of `id`.
        id: u64,
    },
    ///Of [`Drawing::Text`].
    Text(
        /// The view of `0`.
        &'a ::core::primitive::str,
    ),
}
#[automatically_derived]
#[allow(dead_code, private_bounds)]
impl<'a> DrawingView<'a> {
    /// The [`Drawing`] itself, copied.
    ///
    /// # Errors
    ///
    /// If a part has no owned form.
    #[inline]
    fn into_owned(self) -> ::diskmap::Result<Drawing>
    where
        for<'__x> Drawing: ::diskmap::codec::IntoOwned<
            Owned = Drawing,
            View<'__x> = DrawingView<'__x>,
        >,
    {
        <Drawing as ::diskmap::codec::IntoOwned>::into_owned(self)
    }
}
#[automatically_derived]
#[allow(unsafe_code)]
unsafe impl ::diskmap::codec::DiskValue for Drawing {
    type View<'a> = DrawingView<'a>;
    const SHAPE: ::diskmap::codec::Shape = ::diskmap::codec::record::Layout::one_of(const {
        &[
            const {
                ::diskmap::codec::record::Layout::of(
                    &[<::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE],
                )
            },
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                        <u64 as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
            const {
                ::diskmap::codec::record::Layout::of(
                    &[
                        <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                        <String as ::diskmap::codec::DiskValue>::SHAPE,
                    ],
                )
            },
        ]
    });
    const SCHEMA: ::diskmap::codec::Schema = ::diskmap::codec::Schema::enumeration(
        "Drawing",
        1,
        8,
        const {
            &[
                ::diskmap::codec::Variant::new("Dot", 0, const { &[] }),
                ::diskmap::codec::Variant::new(
                    "Circle",
                    1,
                    const {
                        &[
                            ::diskmap::codec::Field::new(
                                "id",
                                <u64 as ::diskmap::codec::DiskValue>::SCHEMA,
                            ),
                        ]
                    },
                ),
                ::diskmap::codec::Variant::new(
                    "Text",
                    2,
                    const {
                        &[
                            ::diskmap::codec::Field::new(
                                "0",
                                <String as ::diskmap::codec::DiskValue>::SCHEMA,
                            ),
                        ]
                    },
                ),
            ]
        },
    );
    #[inline]
    fn validate(
        bytes: &[::core::primitive::u8],
    ) -> ::core::result::Result<(), ::diskmap::codec::Invalid> {
        match ::diskmap::codec::record::tag::<::core::primitive::u8>(bytes)? {
            0u8 => {
                let mut checker = ::diskmap::codec::record::Checker::variant(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    Self::SHAPE,
                    bytes,
                )?;
                checker.check::<::core::primitive::u8>()?;
                ::core::result::Result::Ok(())
            }
            1u8 => {
                let mut checker = ::diskmap::codec::record::Checker::variant(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                                <u64 as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    Self::SHAPE,
                    bytes,
                )?;
                checker.check::<::core::primitive::u8>()?;
                checker.check::<u64>()?;
                ::core::result::Result::Ok(())
            }
            2u8 => {
                let mut checker = ::diskmap::codec::record::Checker::variant(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                                <String as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    Self::SHAPE,
                    bytes,
                )?;
                checker.check::<::core::primitive::u8>()?;
                checker.check::<String>()?;
                ::core::result::Result::Ok(())
            }
            _ => {
                ::core::result::Result::Err(
                    ::diskmap::codec::Invalid::new(
                        "enum has no variant with this discriminant",
                    ),
                )
            }
        }
    }
    #[inline]
    unsafe fn view<'a>(bytes: &'a [::core::primitive::u8]) -> DrawingView<'a> {
        match ::diskmap::codec::record::tag::<::core::primitive::u8>(bytes) {
            ::core::result::Result::Ok(0u8) => DrawingView::Dot {},
            ::core::result::Result::Ok(1u8) => {
                let mut viewer = ::diskmap::codec::record::Viewer::new(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                                <u64 as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    bytes,
                );
                unsafe { viewer.view::<::core::primitive::u8>() };
                let field_0 = unsafe { viewer.view::<u64>() };
                DrawingView::Circle { id: field_0 }
            }
            ::core::result::Result::Ok(2u8) => {
                let mut viewer = ::diskmap::codec::record::Viewer::new(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                                <String as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    bytes,
                );
                unsafe { viewer.view::<::core::primitive::u8>() };
                let field_0 = unsafe { viewer.view::<String>() };
                DrawingView::Text { 0: field_0 }
            }
            _ => unsafe { ::core::hint::unreachable_unchecked() }
        }
    }
}
#[automatically_derived]
impl ::diskmap::codec::Encode<Drawing> for Drawing {
    #[inline]
    fn encoded_len(q: &Drawing) -> ::diskmap::Result<::core::primitive::usize> {
        let measure = match q {
            Drawing::Dot {} => {
                ::diskmap::codec::record::Measure::new(const {
                    ::diskmap::codec::record::Layout::of(
                        &[<::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE],
                    )
                })
            }
            Drawing::Circle { id: field_0 } => {
                let mut measure = ::diskmap::codec::record::Measure::new(const {
                    ::diskmap::codec::record::Layout::of(
                        &[
                            <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                            <u64 as ::diskmap::codec::DiskValue>::SHAPE,
                        ],
                    )
                });
                measure.add::<u64, _>(field_0)?;
                measure
            }
            Drawing::Text { 0: field_0 } => {
                let mut measure = ::diskmap::codec::record::Measure::new(const {
                    ::diskmap::codec::record::Layout::of(
                        &[
                            <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                            <String as ::diskmap::codec::DiskValue>::SHAPE,
                        ],
                    )
                });
                measure.add::<String, _>(field_0)?;
                measure
            }
        };
        ::core::result::Result::Ok(
            measure.finish_variant(<Drawing as ::diskmap::codec::DiskValue>::SHAPE),
        )
    }
    #[inline]
    fn encode_into(
        q: &Drawing,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        let writer = match q {
            Drawing::Dot {} => {
                let mut writer = ::diskmap::codec::record::Writer::new(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    out,
                )?;
                writer.put::<::core::primitive::u8, ::core::primitive::u8>(&0u8)?;
                writer
            }
            Drawing::Circle { id: field_0 } => {
                let mut writer = ::diskmap::codec::record::Writer::new(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                                <u64 as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    out,
                )?;
                writer.put::<::core::primitive::u8, ::core::primitive::u8>(&1u8)?;
                writer.put::<u64, _>(field_0)?;
                writer
            }
            Drawing::Text { 0: field_0 } => {
                let mut writer = ::diskmap::codec::record::Writer::new(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                                <String as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    out,
                )?;
                writer.put::<::core::primitive::u8, ::core::primitive::u8>(&2u8)?;
                writer.put::<String, _>(field_0)?;
                writer
            }
        };
        writer.finish_variant(<Drawing as ::diskmap::codec::DiskValue>::SHAPE)
    }
}
#[automatically_derived]
impl<'a> ::diskmap::codec::Encode<DrawingView<'a>> for Drawing {
    #[inline]
    fn encoded_len(q: &DrawingView<'a>) -> ::diskmap::Result<::core::primitive::usize> {
        let measure = match q {
            DrawingView::Dot {} => {
                ::diskmap::codec::record::Measure::new(const {
                    ::diskmap::codec::record::Layout::of(
                        &[<::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE],
                    )
                })
            }
            DrawingView::Circle { id: field_0 } => {
                let mut measure = ::diskmap::codec::record::Measure::new(const {
                    ::diskmap::codec::record::Layout::of(
                        &[
                            <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                            <u64 as ::diskmap::codec::DiskValue>::SHAPE,
                        ],
                    )
                });
                measure.add::<u64, _>(field_0)?;
                measure
            }
            DrawingView::Text { 0: field_0 } => {
                let mut measure = ::diskmap::codec::record::Measure::new(const {
                    ::diskmap::codec::record::Layout::of(
                        &[
                            <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                            <String as ::diskmap::codec::DiskValue>::SHAPE,
                        ],
                    )
                });
                measure.add::<String, _>(field_0)?;
                measure
            }
        };
        ::core::result::Result::Ok(
            measure.finish_variant(<Drawing as ::diskmap::codec::DiskValue>::SHAPE),
        )
    }
    #[inline]
    fn encode_into(
        q: &DrawingView<'a>,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        let writer = match q {
            DrawingView::Dot {} => {
                let mut writer = ::diskmap::codec::record::Writer::new(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    out,
                )?;
                writer.put::<::core::primitive::u8, ::core::primitive::u8>(&0u8)?;
                writer
            }
            DrawingView::Circle { id: field_0 } => {
                let mut writer = ::diskmap::codec::record::Writer::new(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                                <u64 as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    out,
                )?;
                writer.put::<::core::primitive::u8, ::core::primitive::u8>(&1u8)?;
                writer.put::<u64, _>(field_0)?;
                writer
            }
            DrawingView::Text { 0: field_0 } => {
                let mut writer = ::diskmap::codec::record::Writer::new(
                    const {
                        ::diskmap::codec::record::Layout::of(
                            &[
                                <::core::primitive::u8 as ::diskmap::codec::DiskValue>::SHAPE,
                                <String as ::diskmap::codec::DiskValue>::SHAPE,
                            ],
                        )
                    },
                    out,
                )?;
                writer.put::<::core::primitive::u8, ::core::primitive::u8>(&2u8)?;
                writer.put::<String, _>(field_0)?;
                writer
            }
        };
        writer.finish_variant(<Drawing as ::diskmap::codec::DiskValue>::SHAPE)
    }
}
#[automatically_derived]
impl<'__q, __Q: ?::core::marker::Sized> ::diskmap::codec::Encode<&'__q __Q> for Drawing
where
    Drawing: ::diskmap::codec::Encode<__Q>,
{
    #[inline]
    fn encoded_len(q: &&'__q __Q) -> ::diskmap::Result<::core::primitive::usize> {
        <Drawing as ::diskmap::codec::Encode<__Q>>::encoded_len(*q)
    }
    #[inline]
    fn encode_into(
        q: &&'__q __Q,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <Drawing as ::diskmap::codec::Encode<__Q>>::encode_into(*q, out)
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &&'__q __Q,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <Drawing as ::diskmap::codec::Encode<__Q>>::with_bytes(*q, f)
    }
}
#[automatically_derived]
impl ::diskmap::codec::IntoOwned for Drawing {
    type Owned = Drawing;
    #[inline]
    fn into_owned(
        view: <Drawing as ::diskmap::codec::DiskValue>::View<'_>,
    ) -> ::diskmap::Result<Drawing> {
        match view {
            DrawingView::Dot {} => ::core::result::Result::Ok(Drawing::Dot {}),
            DrawingView::Circle { id: field_0 } => {
                ::core::result::Result::Ok(Drawing::Circle {
                    id: <u64 as ::diskmap::codec::IntoOwned>::into_owned(field_0)?,
                })
            }
            DrawingView::Text { 0: field_0 } => {
                ::core::result::Result::Ok(Drawing::Text {
                    0: <String as ::diskmap::codec::IntoOwned>::into_owned(field_0)?,
                })
            }
        }
    }
}
#[automatically_derived]
impl ::diskmap::codec::DiskKey for Drawing {}
const _: fn() = || {
    #[allow(unused_imports)]
    use ::diskmap::codec::record::NotStored as _;
    ::diskmap::codec::record::KeyPart::<u64>::new().stored().assert_key();
    ::diskmap::codec::record::KeyPart::<String>::new().stored().assert_key();
};
