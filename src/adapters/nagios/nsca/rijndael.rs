//! Rijndael with blocks of 192 and 256 bits, which AES left out and `send_nsca` still has (methods 15 and 16). Only
//! what CFB needs: to encrypt a block, under a key of 32 bytes. AES itself comes from a crate.

/// Bytes of a key.
pub const KEY: usize = 32;
/// 32-bit words of a key.
const KEY_WORDS: usize = KEY / 4;

/// A cipher under its key.
#[derive(Debug)]
pub struct Rijndael {
    /// Columns of a block: 4, 6 or 8.
    columns: usize,
    sbox: [u8; 256],
    /// One word a column, for the beginning and each round.
    keys: Vec<[u8; 4]>,
}

impl Rijndael {
    /// For blocks of so many 32-bit columns, 4 to 8.
    pub fn new(key: &[u8; KEY], columns: usize) -> Self {
        let sbox = sbox();
        // As many rounds as the longer of key and block wants; the key is never the shorter here.
        let rounds = KEY_WORDS.max(columns) + 6;
        let mut keys: Vec<[u8; 4]> = key
            .chunks_exact(4)
            .map(|word| [word[0], word[1], word[2], word[3]])
            .collect();
        let mut round_constant = 1;
        for at in KEY_WORDS..columns * (rounds + 1) {
            let mut word = keys[at - 1];
            if at % KEY_WORDS == 0 {
                word.rotate_left(1);
                word = word.map(|byte| sbox[usize::from(byte)]);
                word[0] ^= round_constant;
                round_constant = double(round_constant);
            } else if at % KEY_WORDS == 4 {
                word = word.map(|byte| sbox[usize::from(byte)]);
            }
            let before = keys[at - KEY_WORDS];
            keys.push(std::array::from_fn(|byte| before[byte] ^ word[byte]));
        }
        keys.truncate(columns * (rounds + 1));
        Self {
            columns,
            sbox,
            keys,
        }
    }

    /// Encrypts one block; what is longer or shorter stays as it is.
    pub fn encrypt(&self, block: &mut [u8]) {
        if block.len() != self.columns * 4 {
            return;
        }
        let mut rounds = self.keys.chunks_exact(self.columns);
        let last = rounds.len() - 1;
        if let Some(first) = rounds.next() {
            add(block, first);
        }
        for (at, round) in (1..).zip(rounds) {
            self.substitute_and_shift(block);
            if at != last {
                for column in block.chunks_exact_mut(4) {
                    mix(column);
                }
            }
            add(block, round);
        }
    }

    fn substitute_and_shift(&self, block: &mut [u8]) {
        let old: Vec<u8> = block
            .iter()
            .map(|byte| self.sbox[usize::from(*byte)])
            .collect();
        let shifts = if self.columns == 8 {
            [0, 1, 3, 4]
        } else {
            [0, 1, 2, 3]
        };
        for (at, byte) in block.iter_mut().enumerate() {
            let (column, row) = (at / 4, at % 4);
            *byte = old[(column + shifts[row]) % self.columns * 4 + row];
        }
    }
}

fn add(block: &mut [u8], round: &[[u8; 4]]) {
    for (byte, key) in block.iter_mut().zip(round.iter().flatten()) {
        *byte ^= key;
    }
}

/// Times x in the field of Rijndael.
const fn double(byte: u8) -> u8 {
    (byte << 1) ^ (if byte & 0x80 == 0 { 0 } else { 0x1b })
}

fn mix(column: &mut [u8]) {
    let [a, b, c, d] = [column[0], column[1], column[2], column[3]];
    let all = a ^ b ^ c ^ d;
    for (byte, (own, next)) in column.iter_mut().zip([(a, b), (b, c), (c, d), (d, a)]) {
        *byte = own ^ all ^ double(own ^ next);
    }
}

/// The inverse in the field, then an affine map: made by walking the field with a generator and its inverse.
fn sbox() -> [u8; 256] {
    let mut sbox = [0; 256];
    let (mut p, mut q) = (1u8, 1u8);
    loop {
        p ^= double(p);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        if q & 0x80 != 0 {
            q ^= 0x09;
        }
        sbox[usize::from(p)] =
            q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4) ^ 0x63;
        if p == 1 {
            break;
        }
    }
    sbox[0] = 0x63;
    sbox
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_blocks_of_128_bits_it_is_aes() {
        // FIPS 197, C.3.
        let key = std::array::from_fn(|at| u8::try_from(at).unwrap_or(0));
        let mut block: Vec<u8> = (0..16).map(|at| at * 0x11).collect();
        Rijndael::new(&key, 4).encrypt(&mut block);
        assert_eq!(
            block,
            [
                0x8e, 0xa2, 0xb7, 0xca, 0x51, 0x67, 0x45, 0xbf, 0xea, 0xfc, 0x49, 0x90, 0x4b, 0x49,
                0x60, 0x89
            ]
        );
    }
}
