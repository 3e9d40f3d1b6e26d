//! A small random generator with a seed: the same seed gives the same site and the same story for ever.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("small");
        usize::try_from(self.next() % end).expect("small")
    }

    /// From `first` to `last`, both included.
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Some of the letters, at least one, joined by commas.
    pub fn letters(&mut self, all: &[&str], chance: usize) -> String {
        let mut chosen: Vec<&str> = all
            .iter()
            .copied()
            .filter(|_| self.percent(chance))
            .collect();
        if chosen.is_empty() {
            chosen.push(all[self.below(all.len())]);
        }
        chosen.join(",")
    }

    /// Some of the words, at least one.
    pub fn some(&mut self, all: &[String], chance: usize) -> String {
        let words: Vec<&str> = all.iter().map(String::as_str).collect();
        self.letters(&words, chance)
    }
}
