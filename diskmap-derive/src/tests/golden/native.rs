#[automatically_derived]
#[allow(unsafe_code)]
unsafe impl ::diskmap::codec::NativeType for Cell {}
#[automatically_derived]
#[allow(unsafe_code)]
unsafe impl ::diskmap::codec::DiskValue for Cell {
    type View<'a> = Cell;
    const SHAPE: ::diskmap::codec::Shape = {
        const fn size_of_native<__T: ::diskmap::codec::NativeType>() -> ::core::primitive::usize {
            ::core::mem::size_of::<__T>()
        }
        let mut end = 0;
        ::core::assert!(
            ::core::mem::offset_of!(Cell, x) == end,
            "fields of `codec = native` lie one after the other, without padding"
        );
        end += size_of_native::<u32>();
        ::core::assert!(
            ::core::mem::offset_of!(Cell, y) == end,
            "fields of `codec = native` lie one after the other, without padding"
        );
        end += size_of_native::<u32>();
        ::core::assert!(
            ::core::mem::size_of:: < Cell > () == end,
            "a type of `codec = native` ends with its last field, without padding"
        );
        ::diskmap::codec::Shape::Fixed {
            size: end,
        }
    };
    const SCHEMA: ::diskmap::codec::Schema = ::diskmap::codec::Schema::record(
        "Cell",
        1,
        const {
            &[
                ::diskmap::codec::Field::new(
                    "x",
                    <u32 as ::diskmap::codec::DiskValue>::SCHEMA,
                ),
                ::diskmap::codec::Field::new(
                    "y",
                    <u32 as ::diskmap::codec::DiskValue>::SCHEMA,
                ),
            ]
        },
    );
    #[inline]
    fn validate(
        bytes: &[::core::primitive::u8],
    ) -> ::core::result::Result<(), ::diskmap::codec::Invalid> {
        <::diskmap::codec::Native<Cell> as ::diskmap::codec::DiskValue>::validate(bytes)
    }
    #[inline]
    unsafe fn view(bytes: &[::core::primitive::u8]) -> Cell {
        unsafe {
            <::diskmap::codec::Native<Cell> as ::diskmap::codec::DiskValue>::view(bytes)
        }
    }
}
#[automatically_derived]
impl ::diskmap::codec::Encode<Cell> for Cell {
    #[inline]
    fn encoded_len(q: &Cell) -> ::diskmap::Result<::core::primitive::usize> {
        <::diskmap::codec::Native<
            Cell,
        > as ::diskmap::codec::Encode<Cell>>::encoded_len(q)
    }
    #[inline]
    fn encode_into(
        q: &Cell,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <::diskmap::codec::Native<
            Cell,
        > as ::diskmap::codec::Encode<Cell>>::encode_into(q, out)
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &Cell,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <::diskmap::codec::Native<
            Cell,
        > as ::diskmap::codec::Encode<Cell>>::with_bytes(q, f)
    }
}
#[automatically_derived]
impl<'__q, __Q: ?::core::marker::Sized> ::diskmap::codec::Encode<&'__q __Q> for Cell
where
    Cell: ::diskmap::codec::Encode<__Q>,
{
    #[inline]
    fn encoded_len(q: &&'__q __Q) -> ::diskmap::Result<::core::primitive::usize> {
        <Cell as ::diskmap::codec::Encode<__Q>>::encoded_len(*q)
    }
    #[inline]
    fn encode_into(
        q: &&'__q __Q,
        out: &mut [::core::primitive::u8],
    ) -> ::diskmap::Result<::core::primitive::usize> {
        <Cell as ::diskmap::codec::Encode<__Q>>::encode_into(*q, out)
    }
    #[inline(always)]
    fn with_bytes<__R>(
        q: &&'__q __Q,
        f: impl ::core::ops::FnOnce(&[::core::primitive::u8]) -> __R,
    ) -> ::diskmap::Result<__R> {
        <Cell as ::diskmap::codec::Encode<__Q>>::with_bytes(*q, f)
    }
}
#[automatically_derived]
impl ::diskmap::codec::IntoOwned for Cell {
    type Owned = Cell;
    #[inline]
    fn into_owned(view: Cell) -> ::diskmap::Result<Cell> {
        ::core::result::Result::Ok(view)
    }
}
#[automatically_derived]
impl ::diskmap::codec::DiskKey for Cell {}
const _: fn() = || {
    #[allow(unused_imports)]
    use ::diskmap::codec::record::NotStored as _;
    ::diskmap::codec::record::KeyPart::<u32>::new().stored().assert_key();
    ::diskmap::codec::record::KeyPart::<u32>::new().stored().assert_key();
};
