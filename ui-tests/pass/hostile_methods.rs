//! Inherent methods with the names of those that derives call.

use diskmap::MemHashMap;

#[derive(Clone, PartialEq, Debug, diskmap::DiskKey, diskmap::DiskValue)]
struct Inner {
    text: String,
    number: u32,
}

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
struct Outer {
    inner: Inner,
    name: Name,
}

#[derive(diskmap::DiskKey, diskmap::DiskValue)]
#[diskmap(codec = str)]
struct Name(Text);

#[derive(Debug, PartialEq)]
struct Text(String);

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(text)
    }
}

macro_rules! hostile {
    ($($name:ty),+) => {$(
        #[allow(dead_code)]
        impl $name {
            fn clone(&self) -> ! { panic!("clone") }
            fn as_ref(&self) -> ! { panic!("as_ref") }
            fn encode_into(&self) -> ! { panic!("encode_into") }
            fn encoded_len(&self) -> ! { panic!("encoded_len") }
            fn with_bytes(&self) -> ! { panic!("with_bytes") }
            fn validate(&self) -> ! { panic!("validate") }
            fn view(&self) -> ! { panic!("view") }
            fn read(&self) -> ! { panic!("read") }
            fn fmt(&self) -> ! { panic!("fmt") }
            fn eq(&self) -> ! { panic!("eq") }
            fn from(self) -> ! { panic!("from") }
            fn into(self) -> ! { panic!("into") }
            fn finish(&self) -> ! { panic!("finish") }
            fn field(&self) -> ! { panic!("field") }
        }
    )+};
}

hostile!(Inner, InnerView<'_>, Outer, OuterView<'_>, Name, Text);

#[allow(dead_code)]
impl Inner {
    fn into_owned(self) -> ! {
        panic!("into_owned")
    }
}

#[allow(dead_code)]
impl Outer {
    const SHAPE: () = ();
    const SCHEMA: () = ();
}

fn main() {
    let mut map: MemHashMap<Outer, Inner> = MemHashMap::new();
    let inner = Inner { text: "a".to_owned(), number: 1 };
    let key = Outer { inner: Clone::clone(&inner), name: Name(Text("Ada".to_owned())) };
    map.insert(&key, &inner).unwrap();
    let view = map.get(&key).unwrap().unwrap();
    assert!(PartialEq::eq(&view, &InnerView { text: "a", number: 1 }));
    assert_eq!(format!("{view:?}"), r#"InnerView { text: "a", number: 1 }"#);
    let (found, _) = map.iter().next().unwrap().unwrap();
    assert!(format!("{found:?}").starts_with("OuterView { inner: InnerView"));
    assert_eq!(Clone::clone(&found).into_owned().unwrap().name.0, Text("Ada".to_owned()));
}
