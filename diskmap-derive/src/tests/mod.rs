//! Tests of the derives as functions from tokens to tokens.

mod fuzz;
mod golden;
