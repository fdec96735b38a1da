//! Random numbers that are the same on every machine and in every version.

/// SplitMix64: a sequence of random numbers that its seed alone decides.
///
/// G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators", 2014;
/// Java's `SplittableRandom` gives the same numbers. It is for resampling and shuffling, not for
/// secrets.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The sequence that belongs to `seed`; close seeds give unrelated sequences.
    pub fn new(seed: u64) -> Random {
        Random { state: seed }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        // The constants are the paper's: 2^64 over the golden ratio, and Stafford's mix 13.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number of at least 0 and below 1, in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// A whole number below `n`, each equally often; 0 when `n` is 0.
    ///
    /// D. Lemire, "Fast random integer generation in an interval", 2019.
    pub fn below(&mut self, n: usize) -> usize {
        let n = n as u64;
        if n == 0 {
            return 0;
        }
        // The products whose low half is below this many would make some numbers more frequent.
        let surplus = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            if product as u64 >= surplus {
                return (product >> 64) as usize;
            }
        }
    }

    /// Puts `items` into random order, each order equally often (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_java() {
        // new java.util.SplittableRandom(7).nextLong(), as unsigned
        let mut random = Random::new(7);
        let met: Vec<u64> = (0..4).map(|_| random.bits()).collect();
        let expected = [
            7_191_089_600_892_374_487,
            309_689_372_594_955_804,
            16_616_101_746_815_609_346,
            10_753_165_928_301_472_203,
        ];
        assert_eq!(met, expected);
        assert_eq!(Random::new(0).bits(), 16_294_208_416_658_607_535);
    }

    #[test]
    fn units_are_those_of_java() {
        // new java.util.SplittableRandom(7).nextDouble()
        let mut random = Random::new(7);
        for expected in [
            0.389_829_748_391_271_5,
            0.016_788_294_528_156_11,
            0.900_760_680_606_883_4,
        ] {
            assert_eq!(random.unit(), expected);
        }
    }

    #[test]
    fn every_number_below_n_comes_equally_often() {
        let mut random = Random::new(1);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7)] += 1;
        }
        // Five standard deviations of a binomial count: sqrt(70 000 · 1/7 · 6/7) = 92.6.
        for count in counts {
            assert!(count.abs_diff(10_000) < 463, "{counts:?}");
        }
        assert_eq!(random.below(1), 0);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn every_order_comes_equally_often() {
        let mut random = Random::new(2);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            random.shuffle(&mut items);
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // Five standard deviations: sqrt(24 000 · 1/24 · 23/24) = 31.
        for count in counts.values() {
            assert!(count.abs_diff(1000) < 155, "{counts:?}");
        }
    }
}
