//! Percentiles of many times.
//!
//! Must not know what took them. Invariant: a percentile is a time that was measured.

/// Times of single operations, in nanoseconds.
#[derive(Default)]
pub(crate) struct Latencies {
    sorted: Vec<u32>,
}

impl Latencies {
    pub(crate) fn new(mut times: Vec<u32>) -> Latencies {
        times.sort_unstable();
        Latencies { sorted: times }
    }

    /// The least time that this share of all operations did not exceed; 1 is the longest.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let rank = (share * self.sorted.len() as f64).ceil() as usize;
        self.sorted.get(rank.clamp(1, self.sorted.len().max(1)) - 1).map_or(0.0, |&time| f64::from(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_nearest_rank() {
        let times = Latencies::new((1..=1000).rev().collect());
        assert_eq!(times.percentile(0.5), 500.0);
        assert_eq!(times.percentile(0.99), 990.0);
        assert_eq!(times.percentile(0.999), 999.0);
        assert_eq!(times.percentile(1.0), 1000.0);
        assert_eq!(Latencies::new(vec![7]).percentile(0.5), 7.0);
        assert_eq!(Latencies::new(vec![1, 2]).percentile(0.5), 1.0);
    }
}
