//! How long each bench is measured.
//!
//! Must not know what is measured. Invariant: the command line has the last word.

use std::time::Duration;

use criterion::Criterion;

/// Measures each bench for some seconds, unless the command line says otherwise.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args()
}
