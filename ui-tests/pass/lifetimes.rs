//! One lifetime, whatever it is called, beside parameters, nested and with `Cow`.

use std::borrow::Cow;

use diskmap::{DiskKey, DiskValue, MemHashMap, Str};

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Line<'a> {
    words: &'a str,
    bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Quoted<'q>(&'q str);

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
#[repr(u8)]
enum Token<'__r> {
    End = 0,
    Word(&'__r str) = 1,
    Pair { left: &'__r str, right: Option<&'__r str> } = 2,
}

#[derive(Clone, Debug, PartialEq, DiskKey, DiskValue)]
struct Page<'page, T: Clone> {
    line: Line<'page>,
    quoted: Quoted<'page>,
    #[diskmap(with = Str)]
    title: Cow<'page, str>,
    more: T,
}

#[derive(Clone, Copy, Debug, PartialEq, DiskKey, DiskValue)]
struct Own<'a>(u32, std::marker::PhantomData<&'a str>);

fn main() {
    let text = String::from("some words");
    let line = Line { words: &text[5..], bytes: &text.as_bytes()[..4] };
    let mut lines: MemHashMap<Line<'_>, Token<'_>> = MemHashMap::new();
    lines.insert(&line, &Token::Pair { left: &text, right: Some("r") }).unwrap();
    let token = lines.get(&line).unwrap().unwrap();
    assert!(matches!(token, TokenView::Pair { left: "some words", right: Some("r") }));

    let mut pages: MemHashMap<Quoted<'static>, Page<'static, String>> = MemHashMap::new();
    {
        let words = String::from("short-lived");
        let line = Line { words: &words, bytes: &[] };
        let page = Page { line, quoted: Quoted(&words), title: Cow::Borrowed(&words), more: "m".to_owned() };
        pages.insert(&Quoted(&words), &page).unwrap();
    }
    let page = pages.get(&Quoted("short-lived")).unwrap().unwrap();
    assert_eq!((page.line.words, page.title, page.more), ("short-lived", "short-lived", "m"));
}
