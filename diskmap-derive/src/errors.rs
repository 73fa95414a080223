//! Errors of one derive, all of them: whoever finds one goes on looking.
//!
//! Knows nothing of what is derived. Invariant: an error is never dropped – `finish` takes the collection.

use std::fmt::Display;

use proc_macro2::Span;
use quote::ToTokens;
use syn::Error;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// An error that points to tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(Error::new_spanned(tokens, message));
    }

    /// An error that points to a span.
    pub(crate) fn at_span(&mut self, span: Span, message: impl Display) {
        self.add(Error::new(span, message));
    }

    /// An error that exists already.
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// What a step gave, or its error on the pile.
    pub(crate) fn take<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// `Ok` if there were none.
    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The known word that is nearest to an unknown one, if one is near: `" – did you mean `codec`?"`.
pub(crate) fn did_you_mean(found: &str, known: &[&str]) -> String {
    let near = known.iter().map(|word| (distance(found, word), word)).min();
    match near {
        Some((steps, word)) if steps <= 1 + found.len() / 3 => format!("; did you mean `{word}`?"),
        _ => format!("; known are {}", listed(known)),
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_are_near() {
        let known = ["codec", "name", "version"];
        assert_eq!(did_you_mean("codek", &known), "; did you mean `codec`?");
        assert_eq!(did_you_mean("versoin", &known), "; did you mean `version`?");
        assert_eq!(did_you_mean("zzz", &known), "; known are `codec`, `name`, `version`");
    }

    #[test]
    fn all_errors_are_kept() {
        let mut errors = Errors::default();
        errors.at_span(Span::call_site(), "one");
        errors.at_span(Span::call_site(), "two");
        let all: Vec<String> = errors.finish().unwrap_err().into_iter().map(|error| error.to_string()).collect();
        assert_eq!(all, ["one", "two"]);
        assert!(Errors::default().finish().is_ok());
    }
}
