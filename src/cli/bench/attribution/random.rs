//! Numbers that look random and are the same wherever they are asked for again.

/// Scrambles all bits (the finisher of `SplitMix64`).
pub const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The noise of one thing at one time.
pub const fn noise(seed: u64, thing: u64, time: u64) -> u64 {
    let x = mix(seed.wrapping_add(STEP));
    let x = mix(x ^ thing.wrapping_mul(STEP));
    mix(x ^ time.wrapping_mul(0xd6e8_feb8_6659_fd93))
}

/// From 0 to below 1.
pub const fn unit(x: u64) -> f64 {
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// A row of such numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Rows of one seed that are told apart by `part` do not disturb each other: more deploys leave the fleet as it was.
    pub const fn new(seed: u64, part: u64) -> Self {
        Self(noise(seed, part, 0))
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    pub const fn unit(&mut self) -> f64 {
        unit(self.next())
    }

    pub fn chance(&mut self, odds: f64) -> bool {
        self.unit() < odds
    }

    pub fn between(&mut self, [least, most]: [f64; 2]) -> f64 {
        least + self.unit() * (most - least)
    }

    /// Evenly in the logarithm.
    pub fn spread(&mut self, [least, most]: [f64; 2]) -> f64 {
        (self.between([least.ln(), most.ln()])).exp()
    }

    /// A whole number from the least to the most, both included.
    pub fn whole(&mut self, [least, most]: [f64; 2]) -> usize {
        (least + self.unit() * (most - least + 1.0)).floor() as usize
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.unit() * limit as f64) as usize
    }

    pub fn pick<T: Copy>(&mut self, among: &[T]) -> Option<T> {
        (!among.is_empty()).then(|| among[self.below(among.len())])
    }

    pub fn shuffle<T>(&mut self, row: &mut [T]) {
        for last in (1..row.len()).rev() {
            row.swap(last, self.below(last + 1));
        }
    }

    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    /// Until the next of events that come `rate` times in one unit of time.
    pub fn gap(&mut self, rate: f64) -> f64 {
        -(1.0 - self.unit()).ln() / rate
    }

    /// The place of one weight, the heavier the likelier.
    pub fn weighted(&mut self, weights: impl IntoIterator<Item = f64> + Clone) -> usize {
        let total: f64 = weights.clone().into_iter().sum();
        let mut left = self.unit() * total;
        let mut last = 0;
        for (at, weight) in weights.into_iter().enumerate() {
            if left < weight {
                return at;
            }
            left -= weight;
            last = at;
        }
        last
    }
}
