//! How `send_nsca` encrypts: not at all, XOR, or a block cipher in CFB of 8 bits as mcrypt has it. Old and weak, all of
//! it: whoever needs more sends results over the API.

use std::{fmt, sync::Arc};

use aes::{
    Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use des::{Des, TdesEde3};

use super::rijndael::{self, Rijndael};

/// Bytes of the vector that the server sends first.
pub const VECTOR: usize = 128;

/// The methods that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    None,
    Xor,
    Des,
    TripleDes,
    Rijndael128,
    Rijndael192,
    Rijndael256,
}

impl Method {
    /// By the word of the key `encryption`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "xor" => Self::Xor,
            "des" => Self::Des,
            "3des" => Self::TripleDes,
            "rijndael128" => Self::Rijndael128,
            "rijndael192" => Self::Rijndael192,
            "rijndael256" => Self::Rijndael256,
            _ => return None,
        })
    }
}

type Encrypt = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// A method under a password, with the vector of one connection. What is decrypted moves it on.
#[derive(Clone)]
pub enum Cipher {
    None,
    Xor {
        vector: [u8; VECTOR],
        password: Arc<[u8]>,
    },
    Feedback {
        encrypt: Encrypt,
        /// The last bytes as they came, as many as a block has.
        register: Vec<u8>,
    },
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(hidden)")
    }
}

impl Cipher {
    pub fn new(method: Method, password: &[u8], vector: &[u8; VECTOR]) -> Self {
        let (size, encrypt): (usize, Encrypt) = match method {
            Method::None => return Self::None,
            Method::Xor => {
                return Self::Xor {
                    vector: *vector,
                    password: password.into(),
                };
            }
            Method::Des => {
                let cipher = Des::new(&key::<8>(password).into());
                (8, Arc::new(move |block| each(&cipher, block)))
            }
            Method::TripleDes => {
                let cipher = TdesEde3::new(&key::<24>(password).into());
                (8, Arc::new(move |block| each(&cipher, block)))
            }
            Method::Rijndael128 => {
                let cipher = Aes256::new(&key::<32>(password).into());
                (16, Arc::new(move |block| each(&cipher, block)))
            }
            Method::Rijndael192 | Method::Rijndael256 => {
                let columns = if method == Method::Rijndael192 { 6 } else { 8 };
                let cipher = Rijndael::new(&key::<{ rijndael::KEY }>(password), columns);
                (
                    columns * 4,
                    Arc::new(move |block: &mut [u8]| cipher.encrypt(block)),
                )
            }
        };
        Self::Feedback {
            encrypt,
            register: vector[..size].to_vec(),
        }
    }

    /// Decrypts a whole packet in its place.
    pub fn decrypt(&mut self, packet: &mut [u8]) {
        match self {
            Self::None => {}
            // Both begin anew with each packet.
            Self::Xor { vector, password } => {
                for (byte, mask) in packet.iter_mut().zip(vector.iter().cycle()) {
                    *byte ^= mask;
                }
                for (byte, mask) in packet.iter_mut().zip(password.iter().cycle()) {
                    *byte ^= mask;
                }
            }
            Self::Feedback { encrypt, register } => {
                let mut block = register.clone();
                for byte in packet {
                    block.copy_from_slice(register);
                    encrypt(&mut block);
                    register.rotate_left(1);
                    if let Some(last) = register.last_mut() {
                        *last = *byte;
                    }
                    *byte ^= block.first().copied().unwrap_or_default();
                }
            }
        }
    }
}

fn each<C: BlockCipherEncrypt>(cipher: &C, block: &mut [u8]) {
    if let Ok(block) = block.try_into() {
        cipher.encrypt_block(block);
    }
}

/// As much of a password as a key holds, zeros behind it.
fn key<const SIZE: usize>(password: &[u8]) -> [u8; SIZE] {
    let mut key = [0; SIZE];
    for (to, from) in key.iter_mut().zip(password) {
        *to = *from;
    }
    key
}
