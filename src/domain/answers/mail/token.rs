//! Proof of a reply: to whom a mail went, about which page, and until when it may be answered. Short enough for the local
//! part of an address, which has 64 octets (RFC 5321, 4.5.3.1.1), and the same in small and capital letters.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::super::proof;
use crate::{
    base::{base32, base64, secret::Secret, time::Timestamp},
    domain::model::answer::{SHORT_DIGEST, digest},
};

const PURPOSE: &[u8] = b"deploywatch answer mail 1\n";
/// Bytes of the digest of the page's key.
const PAGE: usize = SHORT_DIGEST * 3 / 4;
/// Bytes that find the contact among those that are configured: 48 bits.
const CONTACT: usize = 6;
/// Seconds since 1970: until 2106.
const UNTIL: usize = 4;
const SAID: usize = PAGE + CONTACT + UNTIL;
/// Bytes of the signature: 88 bits, for a guess that each costs a mail.
const MAC: usize = 11;
/// Letters of a token.
pub const LENGTH: usize = base32::length(SAID + MAC);
/// Most octets of the local part of an address.
pub const LOCAL_MAX: usize = 64;
/// Words of a mail that are looked at.
const TRIED_MAX: usize = 64;

/// What a mail was signed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The beginning of the [`digest`] of the page's key: [`SHORT_DIGEST`] letters.
    pub page: String,
    /// Stands for the contact that the mail went to: [`reference`].
    pub contact: String,
    pub until: Timestamp,
}

/// Stands for a contact.
pub fn reference(contact: &str) -> String {
    base32::encode(&Sha256::digest(contact)[..CONTACT])
}

impl Token {
    pub fn of(page: &str, contact: &str, until: Timestamp) -> Self {
        Self {
            page: digest(page)[..SHORT_DIGEST].to_owned(),
            contact: reference(contact),
            until,
        }
    }

    /// As it stands in an address or an identifier.
    pub fn sign(&self, secret: &Secret) -> String {
        let mut said = base64::decode(&self.page).unwrap_or_default();
        said.extend(base32::decode(&self.contact).unwrap_or_default());
        let until = u32::try_from(self.until.secs().max(0)).unwrap_or(u32::MAX);
        said.extend(until.to_be_bytes());
        let mac = proof::mac(secret, &[PURPOSE, &said]);
        said.extend(&mac[..MAC]);
        base32::encode(&said)
    }

    /// Nothing of it is believed before its signature is. Whether its time is over is for the caller to say.
    fn open(text: &str, secret: &Secret) -> Option<Self> {
        let bytes = base32::decode(text).filter(|bytes| bytes.len() == SAID + MAC)?;
        let (said, mac) = bytes.split_at(SAID);
        let wanted = proof::mac(secret, &[PURPOSE, said]);
        if !bool::from(wanted[..MAC].ct_eq(mac)) {
            return None;
        }
        let (page, rest) = said.split_at(PAGE);
        let (contact, until) = rest.split_at(CONTACT);
        let until = u32::from_be_bytes(until.try_into().ok()?);
        Some(Self {
            page: base64::encode(page),
            contact: base32::encode(contact),
            until: Timestamp::from_secs(i64::from(until)),
        })
    }

    /// The first that is ours among identifiers and addresses.
    pub fn find<'a>(fields: impl IntoIterator<Item = &'a str>, secret: &Secret) -> Option<Self> {
        fields
            .into_iter()
            .flat_map(|field| field.split(|letter: char| !letter.is_ascii_alphanumeric()))
            .filter(|word| word.len() == LENGTH)
            .take(TRIED_MAX)
            .find_map(|word| Self::open(word, secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new("0123456789abcdef0123456789abcdef")
    }

    fn token() -> Token {
        Token::of(
            "web1/http@1772445960000",
            "ann",
            Timestamp::from_secs(1_772_532_360),
        )
    }

    #[test]
    fn it_fits_into_an_address_and_survives_capital_letters() {
        let text = token().sign(&secret());
        assert_eq!(text.len(), LENGTH);
        assert!("watch+".len() + LENGTH <= LOCAL_MAX);
        for field in [
            format!("<{text}@shop.example>"),
            format!("\"Watch\" <WATCH+{}@SHOP.EXAMPLE>", text.to_uppercase()),
            format!("<thread.ab12@shop.example>\r\n <0123.{text}@shop.example>"),
        ] {
            assert_eq!(Token::find([&*field], &secret()), Some(token()), "{field}");
        }
    }

    #[test]
    fn one_letter_less_or_another_is_no_token() {
        let text = token().sign(&secret());
        assert_eq!(Token::find([&text[1..]], &secret()), None);
        assert_eq!(Token::find([&*format!("{text}a")], &secret()), None);
        for at in 0..text.len() {
            let mut forged = text.clone();
            let other = if &text[at..=at] == "a" { "b" } else { "a" };
            forged.replace_range(at..=at, other);
            assert_eq!(Token::find([&*forged], &secret()), None, "letter {at}");
        }
        let foreign = token().sign(&Secret::new("somebody else's secret, as long"));
        assert_eq!(Token::find([&*foreign], &secret()), None);
        // The first that is ours counts, wherever it stands.
        assert_eq!(Token::find([&*foreign, &text], &secret()), Some(token()));
    }
}
