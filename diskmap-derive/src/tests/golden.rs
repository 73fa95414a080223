//! What is emitted for six shapes, as files, so that a change is seen in review.
//!
//! `DISKMAP_OVERWRITE=1 cargo test -p diskmap-derive golden` writes them anew.

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;

use crate::derive;

fn check(name: &str, input: TokenStream) {
    let emitted = [derive::value(input.clone()), derive::key(input)].into_iter().collect::<TokenStream>();
    let file: syn::File = syn::parse2(emitted).expect("what is emitted parses");
    let shown = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/golden").join(name);
    if env::var_os("DISKMAP_OVERWRITE").is_some() {
        fs::write(&path, &shown).expect("the golden file");
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    let differs = golden.lines().zip(shown.lines()).position(|(golden, shown)| golden != shown);
    assert!(
        golden == shown,
        "{} differs from line {}; if that is meant, run with DISKMAP_OVERWRITE=1 and review it",
        path.display(),
        differs.unwrap_or_else(|| golden.lines().count().min(shown.lines().count())) + 1
    );
}

#[test]
fn record() {
    check(
        "record.rs",
        quote! {
            #[diskmap(name = "shop.OrderKey", version = 1)]
            pub struct OrderKey {
                pub tenant: u32,
                pub sku: String,
            }
        },
    );
}

#[test]
fn fixed_newtype() {
    check(
        "fixed_newtype.rs",
        quote!(
            struct UserId(u64);
        ),
    );
}

#[test]
fn native() {
    check(
        "native.rs",
        quote! {
            #[repr(C)]
            #[diskmap(codec = native)]
            struct Cell {
                x: u32,
                y: u32,
            }
        },
    );
}

#[test]
fn text() {
    check(
        "text.rs",
        quote!(
            #[diskmap(codec = str)]
            struct Email(Box<str>);
        ),
    );
}

#[test]
fn enumeration() {
    check(
        "enumeration.rs",
        quote! {
            #[repr(u8)]
            enum Drawing {
                Dot = 0,
                Circle { id: u64 } = 1,
                Text(String) = 2,
            }
        },
    );
}

#[test]
fn generic() {
    check(
        "generic.rs",
        quote! {
            struct Pair<K: Clone, V> {
                key: K,
                #[diskmap(with = Option<V>)]
                value: Option<V>,
            }
        },
    );
}
