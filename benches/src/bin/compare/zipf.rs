//! Ranks by Zipf's law, as YCSB draws them, and ranks scattered over all keys.
//!
//! Must not know keys. Invariant: the same seed draws the same ranks.

use fastrand::Rng;

/// YCSB's skew.
pub(crate) const THETA: f64 = 0.99;

/// Draws ranks below `count`: rank 0 most often.
pub(crate) struct Zipf {
    count: u64,
    zeta: f64,
    alpha: f64,
    eta: f64,
    /// Below it: rank 0 or 1.
    second: f64,
}

impl Zipf {
    /// Sums up `count` terms.
    pub(crate) fn new(count: u64, theta: f64) -> Zipf {
        let zeta = |terms: u64| (1..=terms).map(|term| (term as f64).powf(-theta)).sum::<f64>();
        let all = zeta(count);
        let two = zeta(count.min(2));
        let eta = (1.0 - (2.0 / count as f64).powf(1.0 - theta)) / (1.0 - two / all);
        Zipf { count, zeta: all, alpha: 1.0 / (1.0 - theta), eta, second: two }
    }

    /// A rank. The method of Gray and others, "Quickly Generating Billion-Record Synthetic Databases", 1994.
    pub(crate) fn rank(&self, random: &mut Rng) -> u64 {
        let uniform = random.f64();
        let scaled = uniform * self.zeta;
        if scaled < 1.0 {
            return 0;
        }
        if scaled < self.second {
            return 1.min(self.count - 1);
        }
        let rank = self.count as f64 * (self.eta * uniform - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.count - 1)
    }

    /// A rank scattered over all places, so that frequent ones are not neighbours.
    pub(crate) fn scrambled(&self, random: &mut Rng) -> u64 {
        scatter(self.rank(random)) % self.count
    }
}

/// FNV-1a of the eight bytes.
fn scatter(rank: u64) -> u64 {
    rank.to_le_bytes()
        .into_iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAWS: usize = 400_000;

    fn frequencies(count: u64) -> Vec<f64> {
        let (zipf, mut random) = (Zipf::new(count, THETA), Rng::with_seed(9));
        let mut seen = vec![0u32; count as usize];
        for _ in 0..DRAWS {
            seen[zipf.rank(&mut random) as usize] += 1;
        }
        seen.into_iter().map(|times| f64::from(times) / DRAWS as f64).collect()
    }

    #[test]
    fn frequencies_follow_the_law() {
        let count = 1000;
        let zeta: f64 = (1..=count).map(|rank| (rank as f64).powf(-THETA)).sum();
        let found = frequencies(count);
        // The first two are drawn exactly, the others by an approximation of the sum by an integral.
        for rank in [0, 1] {
            let expected = ((rank + 1) as f64).powf(-THETA) / zeta;
            assert!((found[rank] / expected - 1.0).abs() < 0.03, "rank {rank}: {} for {expected}", found[rank]);
        }
        for range in [2..10, 10..100, 100..1000] {
            let expected: f64 = range.clone().map(|rank| ((rank + 1) as f64).powf(-THETA) / zeta).sum();
            let sum: f64 = found[range.clone()].iter().sum();
            assert!((sum / expected - 1.0).abs() < 0.15, "ranks {range:?}: {sum} for {expected}");
        }
        assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn few_ranks_and_scattered_ones_are_in_range() {
        for count in [1, 2, 3, 10] {
            let (zipf, mut random) = (Zipf::new(count, THETA), Rng::with_seed(9));
            assert!((0..10_000).all(|_| zipf.rank(&mut random) < count && zipf.scrambled(&mut random) < count));
        }
    }

    #[test]
    fn scattered_ranks_are_no_neighbours() {
        let places: Vec<u64> = (0..4).map(|rank| scatter(rank) % 1_000_000).collect();
        assert!(places.windows(2).all(|pair| pair[0].abs_diff(pair[1]) > 100), "{places:?}");
    }
}
