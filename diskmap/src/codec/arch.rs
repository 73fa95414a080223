//! [`Arch`] (feature `rkyv`): any rkyv 0.8 type, read where it lies.
//!
//! It knows nothing of the archived type but its root's size and alignment. The invariant: archives begin at a multiple
//! of 16 and need no more than that, so that moving one by a multiple of 16 keeps it valid.

use std::{alloc::Layout, any::TypeId, fmt, marker::PhantomData, num::NonZeroUsize, ops::Range};

use rkyv::{
    Archive, Archived, Deserialize, Serialize,
    api::{
        check_pos_with_context,
        high::{HighDeserializer, HighSerializer},
        root_position, serialize_using,
    },
    bytecheck::CheckBytes,
    de::{ErasedPtr, Metadata},
    primitive::{ArchivedU32, ArchivedU64, ArchivedUsize},
    rancor::{Error as Rancor, Failure, Source, Strategy, fail},
    ser::{Positional, Serializer, Writer, allocator::ArenaHandle, sharing::Share},
    util::with_arena,
    validation::{
        ArchiveContext, SharedContext, Validator,
        archive::ArchiveValidator,
        shared::{SharedValidator, ValidationState},
    },
};

use super::{ArchFormat, DiskValue, Encode, IntoOwned, Invalid, MAX_ALIGN, Schema, Shape, overrun};
use crate::error::{Error, Result};

/// How many pointers deep an archive may nest, so that damaged bytes cannot exhaust the stack.
const MAX_DEPTH: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// The shortest archive that can nest deeper: each level takes at least a relative pointer.
const DEEP_LEN: usize = MAX_DEPTH.get() * size_of::<ArchivedUsize>();

/// A side that stores an rkyv archive of `T`; the view is `&Archived<T>`. Values only: archives are not canonical.
///
/// `T` derives `rkyv::Archive` and `rkyv::Serialize` (and `rkyv::Deserialize` for an owned form). Bytes are checked by
/// `bytecheck` at every read.
///
/// * The schema knows the size and alignment of the root and rkyv's format features, **not the type**: two types of one
///   size are not told apart at open. `#[derive(diskmap::DiskValue)]` with `#[diskmap(codec = arch)]` adds name and
///   version.
/// * rkyv's format features (`big_endian`, `unaligned`, `pointer_width_*`) are set for the whole build: if any crate
///   switches one on, maps written without it are refused at open.
/// * An alignment above 16 is refused, at compile time for the root, else at read. So is nesting deeper than 512
///   pointers, when writing.
///
/// # Examples
///
/// ```
/// use diskmap::codec::{Arch, DiskValue, Encode};
///
/// #[derive(rkyv::Archive, rkyv::Serialize)]
/// struct Profile {
///     name: String,
///     scores: Vec<f64>,
/// }
///
/// let profile = Profile { name: "Ada".into(), scores: vec![1.5] };
/// Arch::<Profile>::with_bytes(&profile, |bytes| {
///     let archived = Arch::<Profile>::read(bytes).unwrap();
///     assert_eq!(archived.name, "Ada");
///     assert_eq!(archived.scores[0], 1.5);
/// })?;
/// # Ok::<(), diskmap::Error>(())
/// ```
#[derive(Debug)]
pub struct Arch<T>(PhantomData<T>);

/// The types that [`Arch`] can hold: implemented for all whose archive `bytecheck` can check.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no archived form that can be checked",
    note = "`#[derive(rkyv::Archive, rkyv::Serialize)]` on it, with rkyv 0.8 and its feature `bytecheck`"
)]
pub trait ArchValue: Archive<Archived: for<'a> CheckBytes<Strategy<ArchChecker<'a>, Failure>>> + 'static {}

#[diagnostic::do_not_recommend]
impl<T> ArchValue for T where T: Archive<Archived: for<'a> CheckBytes<Strategy<ArchChecker<'a>, Failure>>> + 'static {}

/// The types that a map side of [`Arch`] takes: implemented for all that rkyv can serialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be archived",
    note = "`#[derive(rkyv::Archive, rkyv::Serialize)]` on it, with rkyv 0.8"
)]
pub trait ArchSerialize:
    ArchValue + for<'a, 'b> Serialize<HighSerializer<ArchWriter<'b>, ArenaHandle<'a>, Rancor>>
{
}

#[diagnostic::do_not_recommend]
impl<T> ArchSerialize for T where
    T: ArchValue + for<'a, 'b> Serialize<HighSerializer<ArchWriter<'b>, ArenaHandle<'a>, Rancor>>
{
}

/// The types that can be copied out of an [`Arch`]: implemented for all that rkyv can deserialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be copied out of its archive",
    note = "use the view, or add `#[derive(rkyv::Deserialize)]` to it, with rkyv 0.8"
)]
pub trait ArchDeserialize: ArchValue + Archive<Archived: Deserialize<Self, HighDeserializer<Rancor>>> + Sized {}

#[diagnostic::do_not_recommend]
impl<T> ArchDeserialize for T where T: ArchValue + Archive<Archived: Deserialize<T, HighDeserializer<Rancor>>> {}

// SAFETY: `validate` is bytecheck, through a checker that refuses alignments above 16, so that what it accepts stays
// valid at any address equal modulo 16; `Portable` types point relatively and have no interior mutability. The shape is
// variable.
unsafe impl<T: ArchValue> DiskValue for Arch<T> {
    type View<'a> = &'a Archived<T>;
    const SHAPE: Shape = Shape::Var { align: MAX_ALIGN };
    const SCHEMA: Schema = Schema::arch(const { format::<Archived<T>>() });

    #[inline]
    fn validate(bytes: &[u8]) -> Result<(), Invalid> {
        const { assert!(align_of::<Archived<T>>() <= MAX_ALIGN, "`Arch` holds types aligned to at most 16 bytes") };
        let root = root_position::<Archived<T>>(bytes.len());
        check_pos_with_context::<Archived<T>, _, Failure>(bytes, root, &mut ArchChecker::new(bytes))
            .map_err(|_| Invalid::new("archive fails its check"))
    }

    #[inline]
    unsafe fn view(bytes: &[u8]) -> &Archived<T> {
        // SAFETY: `validate` accepted the bytes, so there is a checked root at the end of them.
        unsafe { rkyv::access_unchecked(bytes) }
    }
}

impl<T: ArchSerialize> Encode<T> for Arch<T> {
    #[inline]
    fn encoded_len(q: &T) -> Result<usize> {
        serialize(q, ArchWriter { out: None, len: 0 })
    }

    #[inline]
    fn encode_into(q: &T, out: &mut [u8]) -> Result<usize> {
        let len = serialize(q, ArchWriter { out: Some(&mut *out), len: 0 })?;
        if len >= DEEP_LEN {
            let bytes = out.get(..len).ok_or_else(|| overrun(len, out.len()))?;
            Self::validate(bytes).map_err(|_| unreadable())?;
        }
        Ok(len)
    }
}

#[diagnostic::do_not_recommend]
impl<T: ArchSerialize> Encode<&T> for Arch<T> {
    #[inline]
    fn encoded_len(q: &&T) -> Result<usize> {
        <Self as Encode<T>>::encoded_len(q)
    }

    #[inline]
    fn encode_into(q: &&T, out: &mut [u8]) -> Result<usize> {
        <Self as Encode<T>>::encode_into(q, out)
    }
}

impl<T: ArchDeserialize> IntoOwned for Arch<T> {
    type Owned = T;

    fn into_owned(view: &Archived<T>) -> Result<T> {
        rkyv::api::high::deserialize::<T, Rancor>(view)
            .map_err(|error| Error::Encode { what: format!("the archived value has no owned form: {error}") })
    }
}

fn serialize<T: ArchSerialize>(q: &T, writer: ArchWriter<'_>) -> Result<usize> {
    with_arena(|arena| {
        let mut serializer = Serializer::new(writer, arena.acquire(), Share::new());
        match serialize_using::<_, Rancor>(q, &mut serializer) {
            Ok(_) => Ok(serializer.into_writer().len),
            Err(error) => Err(Error::Encode { what: format!("rkyv: {error}") }),
        }
    })
}

#[cold]
fn unreadable() -> Error {
    let what = format!(
        "the archive could not be read back: it nests over {MAX_DEPTH} pointers, or needs an alignment over {MAX_ALIGN}"
    );
    Error::Encode { what }
}

const fn format<T>() -> ArchFormat {
    // SAFETY: four bytes are read as four bytes; any bits make bytes.
    let one: [u8; 4] = unsafe { std::mem::transmute(ArchivedU32::from_native(1)) };
    ArchFormat {
        size: size_of::<T>(),
        align: align_of::<T>(),
        little_endian: one[0] == 1,
        aligned: align_of::<ArchivedU64>() > 1,
        pointer_bits: 8 * size_of::<ArchivedUsize>() as u32,
    }
}

/// What [`Arch`] serializes with: counts bytes, and writes them where there is a buffer.
pub struct ArchWriter<'a> {
    out: Option<&'a mut [u8]>,
    len: usize,
}

impl fmt::Debug for ArchWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchWriter").field("len", &self.len).finish_non_exhaustive()
    }
}

impl Positional for ArchWriter<'_> {
    #[inline]
    fn pos(&self) -> usize {
        self.len
    }
}

impl<E: Source> Writer<E> for ArchWriter<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), E> {
        let Some(end) = self.len.checked_add(bytes.len()) else { fail!(Full) };
        if let Some(out) = &mut self.out {
            let Some(room) = out.get_mut(self.len..end) else { fail!(Full) };
            room.copy_from_slice(bytes);
        }
        self.len = end;
        Ok(())
    }
}

#[derive(Debug)]
struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the second pass wrote more than the first had counted")
    }
}

impl std::error::Error for Full {}

/// What [`Arch`] checks with: rkyv's own validator, that accepts no alignment above 16 and no endless nesting.
#[derive(Debug)]
pub struct ArchChecker<'a> {
    inner: Validator<ArchiveValidator<'a>, SharedValidator>,
}

impl<'a> ArchChecker<'a> {
    #[inline]
    fn new(bytes: &'a [u8]) -> ArchChecker<'a> {
        let archive = ArchiveValidator::with_max_depth(bytes, Some(MAX_DEPTH));
        ArchChecker { inner: Validator::new(archive, SharedValidator::new()) }
    }
}

// SAFETY: accepts a part of what the inner validator accepts.
unsafe impl<E: Source> ArchiveContext<E> for ArchChecker<'_> {
    #[inline]
    fn check_subtree_ptr(&mut self, ptr: *const u8, layout: &Layout) -> Result<(), E> {
        if layout.align() > MAX_ALIGN {
            fail!(Invalid::new("archive needs an alignment above 16"));
        }
        ArchiveContext::<E>::check_subtree_ptr(&mut self.inner, ptr, layout)
    }

    #[inline]
    unsafe fn push_subtree_range(&mut self, root: *const u8, end: *const u8) -> Result<Range<usize>, E> {
        // SAFETY: the caller's promise, handed on.
        unsafe { ArchiveContext::<E>::push_subtree_range(&mut self.inner, root, end) }
    }

    #[inline]
    unsafe fn pop_subtree_range(&mut self, range: Range<usize>) -> Result<(), E> {
        // SAFETY: the caller's promise, handed on.
        unsafe { ArchiveContext::<E>::pop_subtree_range(&mut self.inner, range) }
    }
}

impl<E: Source> SharedContext<E> for ArchChecker<'_> {
    fn start_shared(
        &mut self,
        shared_type_id: TypeId,
        ptr: ErasedPtr,
        metadata_is_eq: unsafe fn(Metadata, Metadata) -> bool,
    ) -> Result<ValidationState, E> {
        SharedContext::<E>::start_shared(&mut self.inner, shared_type_id, ptr, metadata_is_eq)
    }

    fn finish_shared(&mut self, shared_type_id: TypeId, ptr: ErasedPtr) -> Result<(), E> {
        SharedContext::<E>::finish_shared(&mut self.inner, shared_type_id, ptr)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, rc::Rc};

    use proptest::{prelude::*, sample::Index};
    use rkyv::util::AlignedVec;

    use super::*;

    #[derive(Archive, Serialize, Deserialize, Debug, PartialEq, Clone, Default)]
    #[rkyv(derive(Debug))]
    struct Profile {
        id: u64,
        name: String,
        scores: Vec<f64>,
        wide: Vec<u128>,
        tags: HashMap<String, u32>,
        parent: Option<Box<i16>>,
        shared: [Rc<String>; 2],
    }

    fn profile() -> Profile {
        let shared = Rc::new("both".to_owned());
        Profile {
            id: 7,
            name: "Ada Lovelace, of length".to_owned(),
            scores: vec![0.5, 9.75],
            wide: vec![u128::MAX],
            tags: [("one".to_owned(), 1), ("two".to_owned(), 2)].into(),
            parent: Some(Box::new(-3)),
            shared: [shared.clone(), shared],
        }
    }

    fn bytes<T: ArchSerialize>(value: &T) -> AlignedVec {
        Arch::<T>::with_bytes(value, |bytes| {
            let mut copy = AlignedVec::new();
            copy.extend_from_slice(bytes);
            copy
        })
        .unwrap()
    }

    #[test]
    fn counts_what_it_writes_and_reads_it_back() {
        let profile = profile();
        let bytes = bytes(&profile);
        assert_eq!(Arch::<Profile>::encoded_len(&profile).unwrap(), bytes.len());
        assert_eq!(Arch::<Profile>::encoded_len(&&profile).unwrap(), bytes.len());
        let archived = Arch::<Profile>::read(&bytes).unwrap();
        assert_eq!(archived.name, "Ada Lovelace, of length");
        assert_eq!(archived.scores[0], 0.5);
        assert_eq!(archived.wide[0], u128::MAX);
        assert_eq!(archived.tags["two"], 2);
        assert_eq!(Arch::<Profile>::into_owned(archived).unwrap(), profile);
    }

    #[test]
    fn writes_what_rkyv_writes() {
        let profile = Profile { tags: HashMap::new(), ..profile() };
        assert_eq!(bytes(&profile)[..], rkyv::to_bytes::<Rancor>(&profile).unwrap()[..]);
    }

    #[test]
    fn too_little_room_is_an_error() {
        let profile = profile();
        let len = Arch::<Profile>::encoded_len(&profile).unwrap();
        let mut out = AlignedVec::<16>::new();
        out.resize(len - 1, 0);
        assert!(matches!(Arch::<Profile>::encode_into(&profile, &mut out), Err(Error::Encode { .. })));
        assert!(matches!(Arch::<Profile>::encode_into(&profile, &mut []), Err(Error::Encode { .. })));
    }

    #[test]
    fn lies_in_records_and_options() {
        type Value = (u8, Option<Arch<Vec<u64>>>, String);
        assert_eq!(Value::SHAPE, Shape::Var { align: 16 });
        Value::with_bytes(&(1, Some(vec![5, 6]), "x"), |bytes| {
            let (one, numbers, text) = Value::read(bytes).unwrap();
            assert_eq!((one, text), (1, "x"));
            assert_eq!(numbers.unwrap().as_slice(), [5, 6]);
        })
        .unwrap();
    }

    #[test]
    fn schema_tells_root_and_format() {
        const FORMAT: ArchFormat = format::<Archived<u64>>();
        assert_eq!((FORMAT.size, FORMAT.little_endian, FORMAT.pointer_bits), (8, true, 32));
        assert_eq!(FORMAT.align, if FORMAT.aligned { 8 } else { 1 });
        assert_eq!(Arch::<u64>::SCHEMA, Schema::arch(FORMAT));
        let shown = if FORMAT.aligned {
            "arch(size 8, align 8, little-endian, 32-bit)"
        } else {
            "arch(size 8, align 1, little-endian, 32-bit, unaligned)"
        };
        assert_eq!(Arch::<u64>::SCHEMA.to_string(), shown);
    }

    #[derive(Archive, Serialize)]
    #[rkyv(attr(repr(C, align(32))))]
    struct Wide(u8);

    #[test]
    fn an_inner_alignment_above_16_is_never_accepted() {
        for shift in [0, 16] {
            let archive = rkyv::to_bytes::<Rancor>(&vec![Wide(1), Wide(2)]).unwrap();
            let mut moved = vec![0_u128; archive.len() / 16 + 4];
            let at = moved.as_ptr() as usize;
            let start = (at.next_multiple_of(32) - at) + shift;
            let room = &mut bytemuck::cast_slice_mut::<u128, u8>(&mut moved)[start..start + archive.len()];
            room.copy_from_slice(&archive);
            assert!(Arch::<Vec<Wide>>::read(room).is_err());
        }
    }

    #[derive(Archive, Serialize)]
    #[rkyv(serialize_bounds(__S: Writer), bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
    struct Chain(#[rkyv(omit_bounds)] Option<Box<Chain>>);

    #[test]
    fn deep_nesting_is_refused_when_written() {
        let chain = |depth| (0..depth).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain))));
        let shallow = bytes(&chain(MAX_DEPTH.get() - 2));
        assert!(Arch::<Chain>::read(&shallow).is_ok());
        assert!(matches!(Arch::<Chain>::with_bytes(&chain(MAX_DEPTH.get()), |_| ()), Err(Error::Encode { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_survived(random: Vec<u8>, at: Index, to: u8) {
            let mut damaged = bytes(&profile());
            let index = at.index(damaged.len());
            damaged[index] = to;
            let shorter = &damaged[at.index(damaged.len() / 16) * 16..];
            let mut aligned = AlignedVec::<16>::new();
            aligned.extend_from_slice(&random);
            for bytes in [&damaged[..], shorter, &aligned[..]] {
                if let Ok(archived) = Arch::<Profile>::read(bytes) {
                    let _ = format!("{archived:?}");
                    let _ = Arch::<Profile>::into_owned(archived);
                }
            }
        }
    }
}
