//! Who sent it: signatures and tokens of services, compared in constant time.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::base::secret::Secret;

/// Why a request is not believed, in a sentence that gives nothing away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forged(pub String);

/// Over all parts, one behind the other.
pub(super) fn mac(secret: &Secret, parts: &[&[u8]]) -> [u8; 32] {
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Whether `hex` is the whole HMAC-SHA-256 of these parts.
pub(super) fn is_signed(secret: &Secret, parts: &[&[u8]], hex: &str) -> bool {
    let wanted = mac(secret, parts);
    from_hex(hex).is_some_and(|given| bool::from(wanted.ct_eq(&given)))
}

/// Of the hashes: how long a secret is shows no more than what it is.
pub(super) fn is_same(secret: &Secret, token: &str) -> bool {
    let wanted: [u8; 32] = Sha256::digest(secret.expose()).into();
    let given: [u8; 32] = Sha256::digest(token).into();
    bool::from(wanted.ct_eq(&given))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
